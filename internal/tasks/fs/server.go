package fs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

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

// refusal is a refused password in the words of the library, which expects another message of servers that ask in their own words.
const refusal = "unexpected message type 51"

// handshake logs in over what dial gives.
func handshake(ctx context.Context, addr string, cfg *ssh.ClientConfig, dial func(ctx context.Context, addr string) (net.Conn, error)) (*ssh.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	// the handshake knows no context: when that ends, so does the connection
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	c, channels, requests, err := ssh.NewClientConn(conn, addr, cfg)
	if err != nil {
		_ = conn.Close()
		if strings.Contains(err.Error(), "unable to authenticate") || strings.Contains(err.Error(), refusal) {
			err = fmt.Errorf("the server does not let %s in: %w", cfg.User, err)
		}
		return nil, fmt.Errorf("%s: %w", addr, err)
	}
	return ssh.NewClient(c, channels, requests), nil
}

func (s *Server) config() (*ssh.ClientConfig, error) {
	cfg := &ssh.ClientConfig{
		User: s.Username, Timeout: patience,
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), //nolint:gosec // flows cannot name the server's key, and the reference does not ask
	}
	if s.Keyfile != "" {
		auth, err := byKey(s.Keyfile, s.Passphrase)
		if err != nil {
			return nil, fmt.Errorf("keyfile: %w", err)
		}
		cfg.Auth = auth
	} else {
		cfg.Auth = byPassword(s.Password)
	}
	if s.EnableSSHRSA1 {
		allowSHA1(cfg)
	}
	if s.KeyExchangeAlgorithm != "" {
		cfg.KeyExchanges = []string{s.KeyExchangeAlgorithm}
	}
	return cfg, nil
}

func allowSHA1(cfg *ssh.ClientConfig) {
	cfg.HostKeyAlgorithms = append(ssh.SupportedAlgorithms().HostKeys, ssh.KeyAlgoRSA)
}

// byPassword logs in by a password, also where the server asks for it in its own words.
func byPassword(password string) []ssh.AuthMethod {
	return []ssh.AuthMethod{ssh.Password(password), ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
		answers := make([]string, len(questions))
		for i := range answers {
			answers[i] = password
		}
		return answers, nil
	})}
}

// byKey logs in by a private key as PEM.
func byKey(pem, passphrase string) ([]ssh.AuthMethod, error) {
	var key ssh.Signer
	var err error
	if passphrase != "" {
		key, err = ssh.ParsePrivateKeyWithPassphrase([]byte(pem), []byte(passphrase))
	} else {
		key, err = ssh.ParsePrivateKey([]byte(pem))
	}
	if err != nil {
		return nil, err
	}
	return []ssh.AuthMethod{ssh.PublicKeys(key)}, nil
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
