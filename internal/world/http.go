package world

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/expr/yamltext"
	"github.com/windhover-io/windhover/internal/value"
)

// Fetch sends a request, which has the properties of the task http.Request, and returns the content type and the body of
// the answer. A status that is not accepted, or a body of more than max bytes, is an error.
type Fetch func(ctx context.Context, request *value.Map, max int64) (contentType string, body []byte, err error)

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
	contentType, body, err := w.HTTP(ctx, httpRequest(args), maxHTTPBody)
	if err != nil {
		return nil, fmt.Errorf("http: %w", err)
	}
	return parseBody(contentType, body)
}

// httpRequest are the arguments as properties of a request. What is no text is sent as JSON.
func httpRequest(args expr.Args) *value.Map {
	request := value.NewMap(len(args))
	for _, a := range args {
		switch {
		case a.Value == nil || a.Name == "accept":
			continue
		case a.Name == "query":
			request.Set("params", a.Value)
		case a.Name == "body":
			if _, isText := a.Value.(string); !isText {
				a.Value = string(value.AppendJSON(nil, a.Value, value.JSONOptions{KeepNulls: true}))
			}
			request.Set("body", a.Value)
		default:
			request.Set(a.Name, a.Value)
		}
	}
	if accept := text(args, "accept"); accept != "" {
		request.Set("headers", withHeader(args, "Accept", accept))
	}
	return request
}

// withHeader are the headers among the arguments, and one more unless they have it.
func withHeader(args expr.Args, name, v string) *value.Map {
	given, _ := args.Get("headers")
	headers, _ := value.AsMap(given)
	out := value.NewMap(headers.Len() + 1)
	out.Set(name, v)
	for k, e := range headers.All() {
		if strings.EqualFold(k, name) {
			out.Delete(name)
		}
		out.Set(k, e)
	}
	return out
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
