package mqtt

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"

	"github.com/windhover-io/windhover/sdk"
)

// Broker says which broker is meant, and how it is reached.
type Broker struct {
	MQTTVersion                      string        `json:"mqttVersion" default:"V5" enum:"V3,V5" doc:"The version of MQTT; V3 is not supported."`
	Server                           string        `json:"server" required:"true" doc:"The address: tcp://host:1883, or ssl://host:8883 where it is encrypted."`
	ClientID                         string        `json:"clientId" required:"true" doc:"The name under which the broker knows the trigger, and keeps messages for it. No other client may have it."`
	ConnectionTimeout                *sdk.Duration `json:"connectionTimeout" doc:"How long connecting may take; 30 seconds unless it is set."`
	HTTPSHostnameVerificationEnabled *bool         `json:"httpsHostnameVerificationEnabled" doc:"Whether the broker's certificate has to be for its name."`
	AuthMethod                       string        `json:"authMethod" doc:"The name of an authentication of the broker's own."`
	Username                         string        `json:"username" doc:"The user."`
	Password                         string        `json:"password" doc:"The user's password."`
	Crt                              string        `json:"crt" doc:"The certificate of the authority, as PEM, or the URI of a file with it."`
}

// connect connects and logs in.
func (b *Broker) connect(ctx context.Context, run sdk.Run, cfg paho.ClientConfig) (*paho.Client, error) {
	if b.MQTTVersion == "V3" {
		return nil, errors.New("mqttVersion: V3 is not supported; most brokers speak V5 as well")
	}
	limit := 30 * time.Second
	if b.ConnectionTimeout != nil && *b.ConnectionTimeout > 0 {
		limit = time.Duration(*b.ConnectionTimeout)
	}
	dialing, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := b.dial(dialing, run)
	if err != nil {
		return nil, err
	}
	cfg.ClientID, cfg.Conn = b.ClientID, packets.NewThreadSafeConn(conn)
	cfg.EnableManualAcknowledgment, cfg.SendAcksInterval = true, acknowledging
	client := paho.NewClient(cfg)
	// the client ends with the context that it is connected with: it has to outlive that of connecting
	stop := context.AfterFunc(dialing, func() { _ = conn.Close() })
	ack, err := client.Connect(context.WithoutCancel(ctx), b.hello())
	if !stop() {
		err = errors.Join(err, dialing.Err())
	}
	if err != nil {
		_ = conn.Close()
		if ack != nil && ack.Properties != nil && ack.Properties.ReasonString != "" {
			err = fmt.Errorf("%s: %w", ack.Properties.ReasonString, err)
		}
		return nil, fmt.Errorf("the broker %s: %w", b.Server, err)
	}
	return client, nil
}

// hello asks the broker to go on with what it has kept for the trigger.
func (b *Broker) hello() *paho.Connect {
	expiry, maximum := memory, uint16(inFlight)
	return &paho.Connect{
		ClientID: b.ClientID, KeepAlive: keepAlive, CleanStart: false,
		Username: b.Username, UsernameFlag: b.Username != "", Password: []byte(b.Password), PasswordFlag: b.Password != "",
		Properties: &paho.ConnectProperties{SessionExpiryInterval: &expiry, ReceiveMaximum: &maximum, AuthMethod: b.AuthMethod, RequestProblemInfo: true},
	}
}

func (b *Broker) dial(ctx context.Context, run sdk.Run) (net.Conn, error) {
	u, err := url.Parse(b.Server)
	if err != nil || u.Hostname() == "" {
		return nil, fmt.Errorf("server: %q is no address such as tcp://host:1883", b.Server)
	}
	port, d := u.Port(), &net.Dialer{}
	switch u.Scheme {
	case "tcp", "mqtt":
		if port == "" {
			port = "1883"
		}
		return d.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	case "ssl", "tls", "mqtts":
		if port == "" {
			port = "8883"
		}
		cfg, err := b.encryption(ctx, run)
		if err != nil {
			return nil, err
		}
		cfg.ServerName = u.Hostname()
		return (&tls.Dialer{NetDialer: d, Config: cfg}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	}
	return nil, fmt.Errorf("server: %s:// is not supported: tcp:// and ssl:// are", u.Scheme)
}

func (b *Broker) encryption(ctx context.Context, run sdk.Run) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if b.Crt != "" {
		pem, err := b.authority(ctx, run)
		if err != nil {
			return nil, fmt.Errorf("crt: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("crt: there is no certificate in it, as PEM")
		}
	}
	if b.HTTPSHostnameVerificationEnabled != nil && !*b.HTTPSHostnameVerificationEnabled {
		cfg.InsecureSkipVerify = true //nolint:gosec // the chain is verified below
		cfg.VerifyConnection = func(s tls.ConnectionState) error {
			o := x509.VerifyOptions{Roots: cfg.RootCAs, Intermediates: x509.NewCertPool()}
			for _, c := range s.PeerCertificates[1:] {
				o.Intermediates.AddCert(c)
			}
			_, err := s.PeerCertificates[0].Verify(o)
			return err
		}
	}
	return cfg, nil
}

// maxPEM bounds a file of certificates, in bytes.
const maxPEM = 1 << 20

func (b *Broker) authority(ctx context.Context, run sdk.Run) ([]byte, error) {
	if strings.Contains(b.Crt, "-----BEGIN") {
		return []byte(b.Crt), nil
	}
	r, err := run.Open(ctx, b.Crt)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, maxPEM))
}
