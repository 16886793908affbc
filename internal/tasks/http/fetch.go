package http

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// Fetch sends a request outside of any task: for the function http() of expressions. The request has the properties of the
// task Request. The answer is its content type and body, which may have max bytes at most.
func Fetch(ctx context.Context, request *value.Map, max int64) (contentType string, body []byte, err error) {
	v, err := fetchType().Decode(request, func(text string, _ bool) (any, error) { return text, nil })
	if err != nil {
		return "", nil, err
	}
	a, err := v.(*Request).send(ctx, silent{}, "application/json")
	if err != nil {
		return "", nil, err
	}
	defer a.Close()
	if body, err = io.ReadAll(io.LimitReader(a.Body, max+1)); err != nil {
		return "", nil, err
	}
	if int64(len(body)) > max {
		return "", nil, fmt.Errorf("the answer has more than %d bytes", max)
	}
	return a.Header.Get("Content-Type"), body, nil
}

// fetchType is the type Request, whose properties are known once it is registered.
var fetchType = sync.OnceValue(func() *plugin.Type {
	reg := plugin.NewRegistry()
	reg.Add(requestType())
	t, _ := reg.Lookup(area + "Request")
	return t
})

// silent is a run that belongs to no task: it has no log, and no trace.
type silent struct{ sdk.Run }

// Info tells nothing.
func (silent) Info() sdk.Info { return sdk.Info{} }

// Log drops the line.
func (silent) Log(sdk.Level, string, ...any) {}
