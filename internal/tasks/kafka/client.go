package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/windhover-io/windhover/internal/value"
)

// open connects, and sees that a broker answers: else a wrong address would be silence.
func (c *Consumer) open(ctx context.Context, more ...kgo.Opt) (*kgo.Client, error) {
	opts, err := c.options()
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(append(opts, more...)...)
	if err != nil {
		return nil, err
	}
	asking, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := client.Ping(asking); err != nil {
		client.Close()
		return nil, fmt.Errorf("no broker of %s answers: %w", c.Properties["bootstrap.servers"], err)
	}
	return client, nil
}

// options are what the client is told.
func (c *Consumer) options() ([]kgo.Opt, error) {
	if c.GroupType == "SHARE" {
		return nil, errors.New("groupType: SHARE is not supported")
	}
	for property, d := range map[string]string{"keyDeserializer": c.KeyDeserializer, "valueDeserializer": c.ValueDeserializer} {
		if d == "AVRO" || d == "PROTOBUF" {
			return nil, fmt.Errorf("%s: %s is not supported", property, d)
		}
	}
	opts, err := connection(c.Properties)
	if err != nil {
		return nil, err
	}
	what, err := c.subscription()
	if err != nil {
		return nil, err
	}
	return append(opts, what...), nil
}

// group is the consumer group, "" for none.
func (c *Consumer) group() string {
	if c.GroupID != "" {
		return c.GroupID
	}
	return c.Properties["group.id"]
}

// grouped tells whether a group remembers what was read.
func (c *Consumer) grouped() bool { return c.group() != "" && len(c.Partitions) == 0 }

// subscription says what is read, and from where on.
func (c *Consumer) subscription() ([]kgo.Opt, error) {
	topics, err := c.topics()
	if err != nil {
		return nil, err
	}
	if c.grouped() {
		opts := []kgo.Opt{kgo.ConsumerGroup(c.group()), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(), kgo.ConsumeTopics(topics...)}
		if c.TopicPattern != "" {
			opts = append(opts, kgo.ConsumeRegex())
		}
		return opts, nil
	}
	if c.TopicPattern != "" {
		return nil, errors.New("topicPattern needs a groupId")
	}
	from := kgo.NewOffset().AtStart()
	if c.Since != "" {
		at, err := time.Parse(time.RFC3339, c.Since)
		if err != nil {
			return nil, fmt.Errorf("since: %q is not a date with time and offset", c.Since)
		}
		from = kgo.NewOffset().AfterMilli(at.UnixMilli())
	}
	if len(c.Partitions) == 0 {
		return []kgo.Opt{kgo.ConsumeTopics(topics...), kgo.ConsumeResetOffset(from)}, nil
	}
	of := map[int32]kgo.Offset{}
	for _, p := range c.Partitions {
		of[int32(p)] = from
	}
	parts := map[string]map[int32]kgo.Offset{}
	for _, t := range topics {
		parts[t] = of
	}
	return []kgo.Opt{kgo.ConsumePartitions(parts)}, nil
}

func (c *Consumer) topics() ([]string, error) {
	switch {
	case c.Topic == nil && c.TopicPattern == "":
		return nil, errors.New("one of topic and topicPattern is required")
	case c.Topic != nil && c.TopicPattern != "":
		return nil, errors.New("only one of topic and topicPattern may be set")
	case c.TopicPattern != "":
		return []string{"^(?:" + c.TopicPattern + ")$"}, nil
	}
	if list, ok := c.Topic.([]any); ok {
		out := make([]string, len(list))
		for i, t := range list {
			out[i] = value.Print(t)
		}
		return out, nil
	}
	return []string{value.Print(c.Topic)}, nil
}

// connection reads Kafka's own properties. Those that mean nothing to this client are passed over.
func connection(p map[string]string) ([]kgo.Opt, error) {
	if p["bootstrap.servers"] == "" {
		return nil, errors.New("properties: bootstrap.servers is required")
	}
	servers := strings.Split(p["bootstrap.servers"], ",")
	for i := range servers {
		servers[i] = strings.TrimSpace(servers[i])
	}
	opts := []kgo.Opt{kgo.SeedBrokers(servers...), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd())}
	switch p["isolation.level"] {
	case "", "read_committed":
	case "read_uncommitted":
		opts = append(opts, kgo.FetchIsolationLevel(kgo.ReadUncommitted()))
	default:
		return nil, fmt.Errorf("properties: isolation.level is read_committed or read_uncommitted, not %s", p["isolation.level"])
	}
	switch p["auto.offset.reset"] {
	case "", "latest":
	case "earliest":
		opts = append(opts, kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	case "none":
		opts = append(opts, kgo.ConsumeResetOffset(kgo.NoResetOffset()))
	default:
		return nil, fmt.Errorf("properties: auto.offset.reset is earliest, latest or none, not %s", p["auto.offset.reset"])
	}
	for name, opt := range map[string]func(string) kgo.Opt{
		"client.id":         func(s string) kgo.Opt { return kgo.ClientID(s) },
		"client.rack":       func(s string) kgo.Opt { return kgo.Rack(s) },
		"group.instance.id": func(s string) kgo.Opt { return kgo.InstanceID(s) },
	} {
		if p[name] != "" {
			opts = append(opts, opt(p[name]))
		}
	}
	for name, opt := range map[string]func(int) kgo.Opt{
		"session.timeout.ms":        func(n int) kgo.Opt { return kgo.SessionTimeout(time.Duration(n) * time.Millisecond) },
		"heartbeat.interval.ms":     func(n int) kgo.Opt { return kgo.HeartbeatInterval(time.Duration(n) * time.Millisecond) },
		"fetch.min.bytes":           func(n int) kgo.Opt { return kgo.FetchMinBytes(int32(n)) },
		"fetch.max.bytes":           func(n int) kgo.Opt { return kgo.FetchMaxBytes(int32(n)) },
		"max.partition.fetch.bytes": func(n int) kgo.Opt { return kgo.FetchMaxPartitionBytes(int32(n)) },
		"fetch.max.wait.ms":         func(n int) kgo.Opt { return kgo.FetchMaxWait(time.Duration(n) * time.Millisecond) },
	} {
		if p[name] == "" {
			continue
		}
		n, err := strconv.ParseInt(p[name], 10, 32)
		if err != nil {
			return nil, fmt.Errorf("properties: %s: %q is not a whole number", name, p[name])
		}
		opts = append(opts, opt(int(n)))
	}
	safe, err := security(p)
	return append(opts, safe...), err
}

// security says how the connection is encrypted, and who logs in.
func security(p map[string]string) ([]kgo.Opt, error) {
	var opts []kgo.Opt
	protocol := strings.ToUpper(p["security.protocol"])
	switch protocol {
	case "", "PLAINTEXT", "SASL_PLAINTEXT":
	case "SSL", "SASL_SSL":
		cfg, err := encryption(p)
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.DialTLSConfig(cfg))
	default:
		return nil, fmt.Errorf("properties: security.protocol is one of PLAINTEXT, SSL, SASL_PLAINTEXT and SASL_SSL, not %s", protocol)
	}
	if strings.HasPrefix(protocol, "SASL_") {
		m, err := login(p)
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.SASL(m))
	}
	return opts, nil
}

func encryption(p map[string]string) (*tls.Config, error) {
	if p["ssl.truststore.location"] != "" || p["ssl.keystore.location"] != "" {
		return nil, errors.New("properties: Java's key stores are not supported: give PEM as ssl.truststore.certificates, ssl.keystore.certificate.chain and ssl.keystore.key")
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if pem := p["ssl.truststore.certificates"]; pem != "" {
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM([]byte(pem)) {
			return nil, errors.New("properties: ssl.truststore.certificates has no certificate as PEM")
		}
	}
	if chain := p["ssl.keystore.certificate.chain"]; chain != "" {
		pair, err := tls.X509KeyPair([]byte(chain), []byte(p["ssl.keystore.key"]))
		if err != nil {
			return nil, fmt.Errorf("properties: ssl.keystore.key: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	if name, ok := p["ssl.endpoint.identification.algorithm"]; ok && name == "" {
		anyName(cfg)
	}
	return cfg, nil
}

// anyName makes a configuration check certificates, but not the names in them.
func anyName(cfg *tls.Config) {
	roots := cfg.RootCAs
	cfg.InsecureSkipVerify = true //nolint:gosec // the chain is verified below
	cfg.VerifyConnection = func(s tls.ConnectionState) error {
		o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
		for _, c := range s.PeerCertificates[1:] {
			o.Intermediates.AddCert(c)
		}
		_, err := s.PeerCertificates[0].Verify(o)
		return err
	}
}

var jaas = regexp.MustCompile(`(username|password)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)')`)

func login(p map[string]string) (sasl.Mechanism, error) {
	var user, password string
	for _, m := range jaas.FindAllStringSubmatch(p["sasl.jaas.config"], -1) {
		text := strings.ReplaceAll(strings.ReplaceAll(m[2], `\"`, `"`), `\\`, `\`) + m[3]
		if m[1] == "username" {
			user = text
		} else {
			password = text
		}
	}
	switch mechanism := strings.ToUpper(p["sasl.mechanism"]); mechanism {
	case "PLAIN":
		return plain.Auth{User: user, Pass: password}.AsMechanism(), nil
	case "SCRAM-SHA-256":
		return scram.Auth{User: user, Pass: password}.AsSha256Mechanism(), nil
	case "SCRAM-SHA-512":
		return scram.Auth{User: user, Pass: password}.AsSha512Mechanism(), nil
	default:
		return nil, fmt.Errorf("properties: sasl.mechanism %q is not supported: PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 are", mechanism)
	}
}
