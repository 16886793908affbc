package http

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync"
)

// namedConn is a connection that remembers how the server has written the headers of its latest answer. net/http gives all
// names one form, and flows read them as the server wrote them.
type namedConn struct {
	net.Conn
	mu   sync.Mutex
	head []byte
	done bool // the head is complete
}

// maxHead bounds what is remembered; names beyond it have the form that net/http gives them.
const maxHead = 64 << 10

// Write sends a part of a request; after an answer, of the next one.
func (c *namedConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	if c.done {
		c.head, c.done = nil, false
	}
	c.mu.Unlock()
	return c.Conn.Write(b)
}

func (c *namedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.note(b[:n])
	return n, err
}

// note adds what was read to the head, until it is complete. Preliminary answers (1xx) are passed over.
func (c *namedConn) note(b []byte) {
	if c.done {
		return
	}
	c.head = append(c.head, b...)
	for {
		end := bytes.Index(c.head, []byte("\r\n\r\n"))
		if end < 0 {
			c.done = len(c.head) > maxHead
			return
		}
		if version, status, _ := bytes.Cut(c.head, []byte(" ")); !bytes.HasPrefix(version, []byte("HTTP/")) || !bytes.HasPrefix(status, []byte("1")) {
			c.head, c.done = c.head[:end], true
			return
		}
		c.head = c.head[end+4:]
	}
}

// names are the names of the latest headers by the form that net/http gives them.
func (c *namedConn) names() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]string{}
	for _, line := range bytes.Split(c.head, []byte("\r\n")) {
		if name, _, ok := bytes.Cut(line, []byte(":")); ok {
			out[textproto.CanonicalMIMEHeaderKey(string(name))] = string(name)
		}
	}
	return out
}

// headers are the answer's headers, named as the server named them.
func (a *answer) headers() map[string][]string {
	if a.conn == nil {
		return a.Header
	}
	names := a.conn.names()
	out := make(map[string][]string, len(a.Header))
	for name, values := range a.Header {
		if written, ok := names[name]; ok {
			name = written
		}
		out[name] = values
	}
	return out
}

// traced returns a context that tells the answer which connection it came on: the last one, after redirects.
func (a *answer) traced(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		a.conn, _ = info.Conn.(*namedConn)
	}})
}

// name makes the connections of a transport remember names. Encrypted ones are encrypted here, since what they carry is
// readable above the encryption only; through a proxy they are not, and keep the form that net/http gives.
func name(t *http.Transport) {
	dial := t.DialContext
	t.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &namedConn{Conn: conn}, nil
	}
	t.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if t.TLSHandshakeTimeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, t.TLSHandshakeTimeout)
			defer cancel()
		}
		cfg := &tls.Config{MinVersion: tls.VersionTLS12}
		if t.TLSClientConfig != nil {
			cfg = t.TLSClientConfig.Clone()
		}
		cfg.NextProtos = []string{"http/1.1"}
		if cfg.ServerName, _, err = net.SplitHostPort(addr); err != nil {
			return nil, err
		}
		sealed := tls.Client(conn, cfg)
		if err := sealed.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return &namedConn{Conn: sealed}, nil
	}
}
