package http

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strings"

	"golang.org/x/text/encoding/htmlindex"

	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// answer is a response that was accepted, with what to do when it has been read.
type answer struct {
	*http.Response
	uri   string // that was asked for, before redirects
	close []func()
}

// Close ends the connection and removes what was kept for the request.
func (a *answer) Close() {
	for _, f := range slices.Backward(a.close) {
		f()
	}
}

// headers are the answer's headers. Their names are in small letters, however the server has written them.
func (a *answer) headers() map[string][]string {
	out := make(map[string][]string, len(a.Header))
	for name, values := range a.Header {
		out[strings.ToLower(name)] = values
	}
	return out
}

// send sends the request and returns the answer; one that is not accepted is an error that shows its beginning.
func (c *Call) send(ctx context.Context, run sdk.Run, accept string) (*answer, error) {
	o := c.modern()
	u, err := c.address()
	if err != nil {
		return nil, err
	}
	a := &answer{uri: u.String()}
	ok := false
	defer func() {
		if !ok {
			a.Close()
		}
	}()
	req, err := c.request(ctx, run, u, o, a)
	if err != nil {
		return nil, err
	}
	if accept != "" && req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", accept)
	}
	logRequest(run, o.Logs, req, c.Body)
	client, transport, err := newClient(o, u.Host)
	if err != nil {
		return nil, err
	}
	a.close = append(a.close, transport.CloseIdleConnections)
	if a.Response, err = client.Do(req); err != nil { //nolint:bodyclose // closed with the answer
		return nil, err
	}
	a.close = append(a.close, func() { _ = a.Body.Close() })
	if slices.Contains(o.Logs, "RESPONSE_HEADERS") {
		run.Log(sdk.LevelInfo, "answer: %s\n%s", a.Status, headerText(a.Header))
	}
	if err := o.check(a.Response); err != nil {
		return nil, err
	}
	ok = true
	return a, nil
}

// check tells whether an answer's status is accepted.
func (o Options) check(r *http.Response) error {
	accepted := o.AllowFailed || r.StatusCode < http.StatusBadRequest
	if len(o.AllowedResponseCodes) > 0 {
		accepted = slices.Contains(o.AllowedResponseCodes, r.StatusCode)
	}
	if accepted {
		return nil
	}
	text, _ := io.ReadAll(io.LimitReader(r.Body, 2<<10)) // what can be read of it is enough
	if len(text) == 0 {
		return fmt.Errorf("the server answered with status %s", r.Status)
	}
	return fmt.Errorf("the server answered with status %s and body:\n%s", r.Status, strings.ToValidUTF8(string(text), "�"))
}

// address is where the request goes, parameters included.
func (c *Call) address() (*url.URL, error) {
	u, err := url.Parse(strings.ReplaceAll(strings.TrimSpace(c.URI), " ", "%20"))
	if err != nil {
		return nil, fmt.Errorf("uri: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("uri: %q is not an http or https address", u.Redacted())
	}
	if len(c.Params) == 0 {
		return u, nil
	}
	added := url.Values{}
	for name, v := range c.Params {
		if list, ok := v.([]any); ok {
			for _, e := range list {
				added.Add(name, value.Print(e))
			}
		} else {
			added.Add(name, value.Print(v))
		}
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += strings.ReplaceAll(added.Encode(), "+", "%20") // which every server takes for a space
	return u, nil
}

// request makes the request with its body and headers.
func (c *Call) request(ctx context.Context, run sdk.Run, u *url.URL, o Options, a *answer) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, strings.ToUpper(strings.TrimSpace(c.Method)), u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("method: %w", err)
	}
	typ, params, _ := mime.ParseMediaType(c.ContentType)
	switch {
	case len(c.FormData) > 0 && typ == "multipart/form-data":
		remove, err := c.multipart(ctx, run, req)
		if err != nil {
			return nil, fmt.Errorf("formData: %w", err)
		}
		a.close = append(a.close, remove)
	case len(c.FormData) > 0:
		form := url.Values{}
		for name, v := range c.FormData {
			form.Set(name, value.Print(v))
		}
		setBody(req, []byte(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	case c.Body != nil:
		enc, err := htmlindex.Get(o.DefaultCharset)
		if err != nil {
			return nil, fmt.Errorf("options.defaultCharset: %q is not known", o.DefaultCharset)
		}
		body, err := enc.NewEncoder().Bytes([]byte(*c.Body))
		if err != nil {
			return nil, fmt.Errorf("body: %w", err)
		}
		setBody(req, body)
		header := c.ContentType
		if typ != "" && params["charset"] == "" {
			header += "; charset=" + o.DefaultCharset
		}
		req.Header.Set("Content-Type", header)
	case c.ContentType != "":
		req.Header.Set("Content-Type", c.ContentType)
	}
	req.Header.Set("User-Agent", "Windhover")
	if err := authorize(req, o.Auth); err != nil {
		return nil, err
	}
	for name, v := range c.Headers {
		if strings.EqualFold(name, "Host") {
			req.Host = v
			continue
		}
		req.Header.Set(name, v)
	}
	if parent := run.Info().TraceParent; parent != "" && req.Header.Get("traceparent") == "" {
		req.Header.Set("traceparent", parent)
	}
	return req, nil
}

func authorize(req *http.Request, a *Auth) error {
	switch {
	case a == nil:
	case a.Type == "BASIC":
		req.SetBasicAuth(a.Username, a.Password)
	case a.Type == "BEARER":
		if a.Token == "" {
			return fmt.Errorf("options.auth: BEARER needs a token")
		}
		req.Header.Set("Authorization", "Bearer "+a.Token)
	}
	return nil
}

func logRequest(run sdk.Run, what []string, req *http.Request, body *string) {
	if slices.Contains(what, "REQUEST_HEADERS") {
		run.Log(sdk.LevelInfo, "request: %s %s\n%s", req.Method, req.URL.Redacted(), headerText(req.Header))
	}
	if slices.Contains(what, "REQUEST_BODY") && body != nil {
		run.Log(sdk.LevelInfo, "body of the request:\n%s", *body)
	}
}

// headerText shows headers, one a line, without what authenticates.
func headerText(h http.Header) string {
	var lines []string
	for name, values := range h {
		for _, v := range values {
			if name == "Authorization" || name == "Set-Cookie" || name == "Cookie" {
				v = "******"
			}
			lines = append(lines, name+": "+v)
		}
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}
