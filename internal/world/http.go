package world

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/expr/yamltext"
	"github.com/windhover-io/windhover/internal/value"
)

// HTTPClient sends requests; *http.Client is one.
type HTTPClient interface {
	Do(*http.Request) (*http.Response, error)
}

const (
	// httpTime bounds a request of http().
	httpTime = 30 * time.Second
	// maxHTTPBody bounds the answer that becomes a value of an expression, in bytes.
	maxHTTPBody = 10 << 20
)

// http sends a request and returns the body of the answer, parsed by its content type.
func (w *World) http(ctx context.Context, _ Caller, args expr.Args) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, httpTime)
	defer cancel()
	req, err := httpRequest(ctx, args)
	if err != nil {
		return nil, fmt.Errorf("http: %w", err)
	}
	resp, err := w.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("http: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxHTTPBody+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("http: %w", err)
	case len(body) > maxHTTPBody:
		return nil, fmt.Errorf("http: the answer has more than %d bytes", maxHTTPBody)
	case resp.StatusCode >= http.StatusBadRequest:
		return nil, fmt.Errorf("http: %s answered with status %d", req.URL.Redacted(), resp.StatusCode)
	}
	return parseBody(resp.Header.Get("Content-Type"), body)
}

func httpRequest(ctx context.Context, args expr.Args) (*http.Request, error) {
	u, err := url.Parse(text(args, "uri"))
	if err != nil {
		return nil, err
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is not an http or https address", u.Redacted())
	}
	if query, _ := args.Get("query"); query != nil {
		m, _ := value.AsMap(query)
		q := u.Query()
		for k, v := range m.All() {
			q.Set(k, value.Print(v))
		}
		u.RawQuery = q.Encode()
	}
	method := text(args, "method")
	if method == "" {
		method = http.MethodGet
	}
	contentType := text(args, "contentType")
	if contentType == "" {
		contentType = "application/json"
	}
	body := ""
	if b, _ := args.Get("body"); b != nil {
		if s, ok := b.(string); ok {
			body = s
		} else {
			body = string(value.AppendJSON(nil, b, value.JSONOptions{KeepNulls: true}))
		}
	}
	req, err := http.NewRequestWithContext(ctx, strings.ToUpper(method), u.String(), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if accept := text(args, "accept"); accept != "" {
		req.Header.Set("Accept", accept)
	}
	if headers, _ := args.Get("headers"); headers != nil {
		m, _ := value.AsMap(headers)
		for k, v := range m.All() {
			req.Header.Set(k, value.Print(v))
		}
	}
	return req, nil
}

// parseBody turns an answer into a value: JSON and YAML are read, everything else is text.
func parseBody(contentType string, body []byte) (any, error) {
	switch typ, _, _ := strings.Cut(contentType, ";"); {
	case strings.HasSuffix(typ, "json"):
		return value.ParseJSON(body)
	case strings.HasSuffix(typ, "yaml"):
		return yamltext.Read(string(body))
	}
	return string(body), nil
}
