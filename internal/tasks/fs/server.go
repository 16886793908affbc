package fs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/net/proxy"
)

// Server says which SFTP server is meant, and how it is reached.
type Server struct {
	Host                 string `json:"host" required:"true" doc:"The server."`
	Port                 string `json:"port" default:"22" doc:"Its port."`
	Username             string `json:"username" doc:"The user."`
	Password             string `json:"password" doc:"The user's password."`
	Keyfile              string `json:"keyfile" doc:"The user's private key, as PEM, instead of a password."`
	Passphrase           string `json:"passphrase" doc:"The password of the key."`
	RootDir              bool   `json:"rootDir" default:"true" doc:"Whether paths are meant below the user's home."`
	EnableSSHRSA1        bool   `json:"enableSshRsa1" default:"false" doc:"Whether keys with SHA-1, which are weak, are accepted."`
	KeyExchangeAlgorithm string `json:"keyExchangeAlgorithm" doc:"The key exchange to use."`
	ProxyType            string `json:"proxyType" enum:"SOCKS5,HTTP,STREAM" doc:"The kind of proxy; STREAM is not supported."`
	ProxyAddress         string `json:"proxyAddress" alias:"proxyHost" doc:"The proxy's host."`
	ProxyPort            string `json:"proxyPort" doc:"The proxy's port."`
	ProxyUsername        string `json:"proxyUsername" alias:"proxyUser" doc:"The user for the proxy."`
	ProxyPassword        string `json:"proxyPassword" doc:"The password for the proxy."`
}

// patience is how long connecting may take.
const patience = 10 * time.Second

// connect logs in. HangUp ends what carries the client.
func (s *Server) connect(ctx context.Context) (client *sftp.Client, hangUp func(), err error) {
	cfg, err := s.config()
	if err != nil {
		return nil, nil, err
	}
	addr := net.JoinHostPort(s.Host, s.Port)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := s.dial(ctx, addr)
	if err != nil {
		return nil, nil, err
	}
	// the handshake knows no context: when that ends, so does the connection
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	c, channels, requests, err := ssh.NewClientConn(conn, addr, cfg)
	if err != nil {
		_ = conn.Close()
		return nil, nil, fmt.Errorf("%s: %w", addr, err)
	}
	carrier := ssh.NewClient(c, channels, requests)
	if client, err = sftp.NewClient(carrier); err != nil {
		_ = carrier.Close()
		return nil, nil, fmt.Errorf("%s: %w", addr, err)
	}
	return client, func() { _ = carrier.Close() }, nil
}

func (s *Server) config() (*ssh.ClientConfig, error) {
	cfg := &ssh.ClientConfig{
		User: s.Username, Timeout: patience,
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), //nolint:gosec // flows cannot name the server's key, and the reference does not ask
	}
	if s.Keyfile != "" {
		key, err := s.key()
		if err != nil {
			return nil, fmt.Errorf("keyfile: %w", err)
		}
		cfg.Auth = []ssh.AuthMethod{ssh.PublicKeys(key)}
	} else {
		cfg.Auth = []ssh.AuthMethod{ssh.Password(s.Password), ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
			answers := make([]string, len(questions))
			for i := range answers {
				answers[i] = s.Password
			}
			return answers, nil
		})}
	}
	if s.EnableSSHRSA1 {
		cfg.HostKeyAlgorithms = append(ssh.SupportedAlgorithms().HostKeys, ssh.KeyAlgoRSA)
	}
	if s.KeyExchangeAlgorithm != "" {
		cfg.KeyExchanges = []string{s.KeyExchangeAlgorithm}
	}
	return cfg, nil
}

func (s *Server) key() (ssh.Signer, error) {
	if s.Passphrase != "" {
		return ssh.ParsePrivateKeyWithPassphrase([]byte(s.Keyfile), []byte(s.Passphrase))
	}
	return ssh.ParsePrivateKey([]byte(s.Keyfile))
}

// dial connects, through the proxy if there is one.
func (s *Server) dial(ctx context.Context, addr string) (net.Conn, error) {
	direct := &net.Dialer{}
	if s.ProxyType == "" || s.ProxyAddress == "" {
		return direct.DialContext(ctx, "tcp", addr)
	}
	via := net.JoinHostPort(s.ProxyAddress, s.ProxyPort)
	switch s.ProxyType {
	case "SOCKS5":
		var auth *proxy.Auth
		if s.ProxyUsername != "" {
			auth = &proxy.Auth{User: s.ProxyUsername, Password: s.ProxyPassword}
		}
		d, err := proxy.SOCKS5("tcp", via, auth, direct)
		if err != nil {
			return nil, err
		}
		contextual, ok := d.(proxy.ContextDialer)
		if !ok {
			return nil, errors.New("the dialer of SOCKS5 knows no context")
		}
		return contextual.DialContext(ctx, "tcp", addr)
	case "HTTP":
		conn, err := direct.DialContext(ctx, "tcp", via)
		if err != nil {
			return nil, err
		}
		if err := s.tunnel(ctx, conn, addr); err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("the proxy %s: %w", via, err)
		}
		return conn, nil
	}
	return nil, fmt.Errorf("proxyType: %s is not supported: SOCKS5 and HTTP are", s.ProxyType)
}

// tunnel asks an HTTP proxy for a connection. SSH servers speak first, so what the proxy says is read no further than its end.
func (s *Server) tunnel(ctx context.Context, conn net.Conn, addr string) error {
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: http.Header{}}
	if s.ProxyUsername != "" {
		basic := &http.Request{Header: http.Header{}}
		basic.SetBasicAuth(s.ProxyUsername, s.ProxyPassword)
		req.Header.Set("Proxy-Authorization", basic.Header.Get("Authorization"))
	}
	if err := req.Write(conn); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReaderSize(byByte{conn}, 1), req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("it answered %s", resp.Status)
	}
	return conn.SetDeadline(time.Time{})
}

// byByte reads one byte at a time, so that nothing behind an answer is taken.
type byByte struct{ net.Conn }

func (b byByte) Read(p []byte) (int, error) { return b.Conn.Read(p[:min(len(p), 1)]) }
