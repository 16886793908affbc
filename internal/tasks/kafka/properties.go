package kafka

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/windhover-io/windhover/sdk"
)

// settings reads properties of Kafka's own clients.
type settings struct {
	of   map[string]string
	read map[string]bool
	opts []kgo.Opt
	err  error
}

// connection are the options that all clients share.
func connection(p map[string]string) *settings {
	s := &settings{of: p, read: map[string]bool{}}
	servers := strings.FieldsFunc(s.text("bootstrap.servers"), func(r rune) bool { return r == ',' || r == ' ' || r == '\n' })
	if len(servers) == 0 {
		s.fail(errors.New("properties: bootstrap.servers is required"))
		return s
	}
	s.opts = append(s.opts, kgo.SeedBrokers(servers...))
	s.string("client.id", kgo.ClientID)
	s.string("client.rack", func(v string) kgo.Opt { return kgo.Rack(v) })
	s.millis("metadata.max.age.ms", kgo.MetadataMaxAge)
	s.millis("connections.max.idle.ms", kgo.ConnIdleTimeout)
	s.millis("socket.connection.setup.timeout.ms", kgo.DialTimeout)
	s.millis("request.timeout.ms", func(d time.Duration) kgo.Opt {
		return kgo.RequestTimeoutOverhead(min(max(d, 100*time.Millisecond), 15*time.Minute))
	})
	s.choice("allow.auto.create.topics", map[string]kgo.Opt{"true": kgo.AllowAutoTopicCreation(), "false": nil})
	safe, err := security(p)
	s.fail(err)
	s.opts = append(s.opts, safe...)
	for name := range p {
		if strings.HasPrefix(name, "ssl.") || strings.HasPrefix(name, "sasl.") || name == "security.protocol" {
			s.read[name] = true
		}
	}
	for _, name := range codeOfJava {
		if s.text(name) != "" {
			s.fail(fmt.Errorf("properties: %s is not supported: it names code of Java", name))
		}
	}
	return s
}

// codeOfJava are the properties that would change what a client does, and cannot.
var codeOfJava = []string{"interceptor.classes", "partitioner.class", "security.providers", "ssl.engine.factory.class", "sasl.login.class",
	"sasl.client.callback.handler.class", "sasl.login.callback.handler.class"}

// consuming adds what consumers know.
func (s *settings) consuming() *settings {
	s.opts = append(s.opts, kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()))
	s.choice("isolation.level", map[string]kgo.Opt{"read_committed": nil, "read_uncommitted": kgo.FetchIsolationLevel(kgo.ReadUncommitted())})
	s.choice("auto.offset.reset", map[string]kgo.Opt{
		"latest": nil, "earliest": kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), "none": kgo.ConsumeResetOffset(kgo.NoResetOffset()),
	})
	s.string("group.instance.id", func(v string) kgo.Opt { return kgo.InstanceID(v) })
	s.millis("session.timeout.ms", func(d time.Duration) kgo.Opt { return kgo.SessionTimeout(d) })
	s.millis("heartbeat.interval.ms", func(d time.Duration) kgo.Opt { return kgo.HeartbeatInterval(d) })
	s.millis("fetch.max.wait.ms", func(d time.Duration) kgo.Opt { return kgo.FetchMaxWait(d) })
	s.number("fetch.min.bytes", func(n int) kgo.Opt { return kgo.FetchMinBytes(int32(n)) })
	s.number("fetch.max.bytes", func(n int) kgo.Opt { return kgo.FetchMaxBytes(int32(n)) })
	s.number("max.partition.fetch.bytes", func(n int) kgo.Opt { return kgo.FetchMaxPartitionBytes(int32(n)) })
	s.choice("check.crcs", map[string]kgo.Opt{"true": nil, "false": kgo.DisableFetchCRCValidation()})
	for _, name := range []string{"group.id", "enable.auto.commit"} { // others say these
		s.read[name] = true
	}
	return s
}

// producing adds what producers know.
func (s *settings) producing() *settings {
	s.opts = append(s.opts, kgo.AllowAutoTopicCreation(), kgo.RecordPartitioner(choosing{kgo.UniformBytesPartitioner(64<<10, true, true, nil)}))
	weak := false
	if acks := s.text("acks"); acks == "0" || acks == "1" {
		weak = true
	}
	s.choice("acks", map[string]kgo.Opt{"all": nil, "-1": nil, "1": kgo.RequiredAcks(kgo.LeaderAck()), "0": kgo.RequiredAcks(kgo.NoAck())})
	s.choice("enable.idempotence", map[string]kgo.Opt{"true": nil, "false": kgo.DisableIdempotentWrite()})
	if weak {
		s.opts = append(s.opts, kgo.DisableIdempotentWrite())
	}
	s.choice("compression.type", map[string]kgo.Opt{
		"none": kgo.ProducerBatchCompression(kgo.NoCompression()), "gzip": kgo.ProducerBatchCompression(kgo.GzipCompression()),
		"snappy": kgo.ProducerBatchCompression(kgo.SnappyCompression()), "lz4": kgo.ProducerBatchCompression(kgo.Lz4Compression()),
		"zstd": kgo.ProducerBatchCompression(kgo.ZstdCompression()),
	})
	s.millis("linger.ms", func(d time.Duration) kgo.Opt { return kgo.ProducerLinger(d) })
	s.millis("delivery.timeout.ms", func(d time.Duration) kgo.Opt { return kgo.RecordDeliveryTimeout(d) })
	s.millis("transaction.timeout.ms", func(d time.Duration) kgo.Opt { return kgo.TransactionTimeout(d) })
	s.number("retries", func(n int) kgo.Opt { return kgo.RecordRetries(n) })
	s.number("max.request.size", func(n int) kgo.Opt { return kgo.ProducerBatchMaxBytes(int32(n)) })
	s.number("buffer.memory", func(n int) kgo.Opt { return kgo.MaxBufferedBytes(n) })
	s.read["transactional.id"] = true // each run has its own
	return s
}

// done returns the options, and says which properties mean nothing here.
func (s *settings) done(run sdk.Run) ([]kgo.Opt, error) {
	if s.err != nil {
		return nil, s.err
	}
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(s.of)) {
		if !s.read[name] {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		run.Log(sdk.LevelWarn, "properties: %s mean nothing to this client and are passed over", strings.Join(unknown, ", "))
	}
	return s.opts, nil
}

func (s *settings) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

func (s *settings) text(name string) string {
	s.read[name] = true
	return strings.TrimSpace(s.of[name])
}

// string, number, millis and choice add the option that a property stands for, if it is there.
func (s *settings) string(name string, opt func(string) kgo.Opt) {
	if v := s.text(name); v != "" {
		s.opts = append(s.opts, opt(v))
	}
}

func (s *settings) number(name string, opt func(int) kgo.Opt) {
	v := s.text(name)
	if v == "" {
		return
	}
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil || n < 0 {
		s.fail(fmt.Errorf("properties: %s: %q is not a whole number", name, v))
		return
	}
	s.opts = append(s.opts, opt(int(n)))
}

func (s *settings) millis(name string, opt func(time.Duration) kgo.Opt) {
	s.number(name, func(n int) kgo.Opt { return opt(time.Duration(n) * time.Millisecond) })
}

func (s *settings) choice(name string, of map[string]kgo.Opt) {
	v := s.text(name)
	if v == "" {
		return
	}
	opt, ok := of[strings.ToLower(v)]
	if !ok {
		s.fail(fmt.Errorf("properties: %s is one of %s, not %s", name, strings.Join(slices.Sorted(maps.Keys(of)), ", "), v))
	}
	if opt != nil {
		s.opts = append(s.opts, opt)
	}
}
