package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

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
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if err := trust(p, cfg); err != nil {
		return nil, err
	}
	if err := identify(p, cfg); err != nil {
		return nil, err
	}
	if name, ok := p["ssl.endpoint.identification.algorithm"]; ok && name == "" {
		anyName(cfg)
	}
	return cfg, nil
}

// trust says whose certificates are accepted: those that the system trusts, unless there are others.
func trust(p map[string]string, cfg *tls.Config) error {
	const inStore, inPEM = "ssl.truststore.location", "ssl.truststore.certificates"
	if p[inStore] != "" {
		store, err := stored(p, inStore)
		if err != nil {
			return err
		}
		certs, err := trusted(store, p["ssl.truststore.password"])
		if err != nil {
			return fmt.Errorf("properties: %s: %w", inStore, err)
		}
		if len(certs) == 0 {
			return fmt.Errorf("properties: %s has no certificate", inStore)
		}
		cfg.RootCAs = x509.NewCertPool()
		for _, c := range certs {
			cfg.RootCAs.AddCert(c)
		}
	}
	if p[inPEM] != "" {
		if cfg.RootCAs == nil {
			cfg.RootCAs = x509.NewCertPool()
		}
		if !cfg.RootCAs.AppendCertsFromPEM([]byte(p[inPEM])) {
			return fmt.Errorf("properties: %s has no certificate as PEM", inPEM)
		}
	}
	return nil
}

// identify gives the client's own certificate, if it has one.
func identify(p map[string]string, cfg *tls.Config) error {
	const inStore, inPEM = "ssl.keystore.location", "ssl.keystore.certificate.chain"
	switch {
	case p[inStore] != "":
		store, err := stored(p, inStore)
		if err != nil {
			return err
		}
		pair, err := identity(store, p["ssl.keystore.password"], p["ssl.key.password"])
		if err != nil {
			return fmt.Errorf("properties: %s: %w", inStore, err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	case p[inPEM] != "":
		if strings.Contains(p["ssl.keystore.key"], "ENCRYPTED") {
			return errors.New("properties: ssl.keystore.key: a key with a password is supported in a key store only")
		}
		pair, err := tls.X509KeyPair([]byte(p[inPEM]), []byte(p["ssl.keystore.key"]))
		if err != nil {
			return fmt.Errorf("properties: ssl.keystore.key: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return nil
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
