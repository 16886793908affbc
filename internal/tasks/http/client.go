package http

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/icholy/digest"

	"github.com/windhover-io/windhover/sdk"
)

// defaultIdle is how long a server may be silent.
const defaultIdle = sdk.Duration(5 * time.Minute)

// newClient returns a client for one task; its transport's idle connections are to be closed at the end.
func newClient(o Options, host string) (*http.Client, *http.Transport, error) {
	dialer := &net.Dialer{}
	if o.Timeout.ConnectTimeout != nil {
		dialer.Timeout = time.Duration(*o.Timeout.ConnectTimeout)
	}
	idle := time.Duration(o.Timeout.ReadIdleTimeout)
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, addr)
			if err != nil || idle <= 0 {
				return conn, err
			}
			return &idleConn{conn, idle}, nil
		},
		TLSHandshakeTimeout: dialer.Timeout,
	}
	if o.SSL != nil && o.SSL.InsecureTrustAllCertificates {
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // what the flow asks for
	}
	if p := o.Proxy; p != nil && p.Address != "" && p.Type != "DIRECT" {
		proxy, err := p.url()
		if err != nil {
			return nil, nil, err
		}
		transport.Proxy = http.ProxyURL(proxy)
	}
	client := &http.Client{Transport: transport}
	if a := o.Auth; a != nil && a.Type == "DIGEST" {
		if a.Username == "" {
			return nil, nil, errors.New("options.auth: DIGEST needs a username and a password")
		}
		client.Transport = &onlyFor{host, &digest.Transport{Username: a.Username, Password: a.Password, Transport: transport}, transport}
	}
	if !o.FollowRedirects {
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	return client, transport, nil
}

func (p *Proxy) url() (*url.URL, error) {
	if p.Port < 1 || p.Port > 65535 {
		return nil, fmt.Errorf("options.proxy.port: %d is not a port", p.Port)
	}
	u := &url.URL{Scheme: "http", Host: net.JoinHostPort(p.Address, strconv.Itoa(p.Port))}
	if p.Type == "SOCKS" {
		u.Scheme = "socks5"
	}
	if p.Username != "" {
		u.User = url.UserPassword(p.Username, p.Password)
	}
	return u, nil
}

// idleConn is a connection on which the server may not be silent for long.
type idleConn struct {
	net.Conn
	idle time.Duration
}

func (c *idleConn) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.idle)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		err = fmt.Errorf("the server was silent for %s: %w", c.idle, err)
	}
	return n, err
}

// onlyFor authenticates to one host, and to no other that it redirects to.
type onlyFor struct {
	host           string
	its, forOthers http.RoundTripper
}

func (t *onlyFor) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == t.host {
		return t.its.RoundTrip(r)
	}
	return t.forOthers.RoundTrip(r)
}
