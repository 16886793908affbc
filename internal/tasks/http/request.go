package http

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/text/encoding/htmlindex"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/sdk"
)

func requestType() plugin.Type {
	return plugin.Type{
		Name: area + "Request", Aliases: []string{older + "Request"}, Category: plugin.Task, Title: "Send an HTTP request.",
		Description: "Sends a request and puts out the answer with its body as text. A status of 400 and above fails the task, unless " +
			"`options` say otherwise. Download is for answers that are large or no text.",
		Examples: []plugin.Example{{Title: "Send JSON with a token", YAML: `id: order
type: io.kestra.plugin.core.http.Request
uri: https://example.com/orders
method: POST
body: |
  {{ {"customer": inputs.customer} }}
options:
  auth:
    type: BEARER
    token: "{{ secret('API_TOKEN') }}"`}, {Title: "Upload a file", YAML: `id: upload
type: io.kestra.plugin.core.http.Request
uri: https://example.com/files
method: POST
contentType: multipart/form-data
formData:
  file: "{{ inputs.file }}"`}},
		New: func() any { return &Request{} }, Outputs: RequestOutput{},
	}
}

// Request sends a request.
type Request struct {
	Call
	EncryptBody bool `json:"encryptBody" default:"false" doc:"Put the body out encrypted, as encryptedBody."`
}

// RequestOutput is what Request puts out.
type RequestOutput struct {
	URI           string              `json:"uri" doc:"The address that was asked."`
	Code          int                 `json:"code" doc:"The status."`
	Headers       map[string][]string `json:"headers" doc:"The headers; their names are in small letters."`
	Body          *string             `json:"body" doc:"The body."`
	EncryptedBody any                 `json:"encryptedBody" doc:"The body, where it is to be encrypted."`
	FormData      any                 `json:"formData" doc:"Never there; the reference declares it too."`
}

// Run sends the request.
func (t *Request) Run(ctx context.Context, run sdk.Run) (any, error) {
	a, err := t.send(ctx, run, "")
	if err != nil {
		return nil, err
	}
	defer a.Close()
	out, _, err := t.read(run, a)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// read makes an answer the output. The body, which the output may hold encrypted, is nil where an answer has none.
func (t *Request) read(run sdk.Run, a *answer) (out RequestOutput, body *string, err error) {
	text, err := t.text(a)
	if err != nil {
		return out, nil, err
	}
	run.Counter("response.length", float64(len(text)))
	if slices.Contains(t.modern().Logs, "RESPONSE_BODY") {
		run.Log(sdk.LevelInfo, "body of the answer:\n%s", text)
	}
	out = RequestOutput{URI: a.uri, Code: a.StatusCode, Headers: a.headers()}
	if a.Request.Method == http.MethodHead || a.StatusCode == http.StatusNoContent || a.StatusCode == http.StatusNotModified {
		return out, nil, nil
	}
	if t.EncryptBody {
		out.EncryptedBody, err = run.Encrypt(text)
	} else {
		out.Body = &text
	}
	return out, &text, err
}

// maxBody bounds the answer that is read into memory, in bytes.
const maxBody = 10 << 20

// limit is how large an answer may be that is read into memory.
func (c *Call) limit() int64 {
	if c.Options.MaxContentLength != nil {
		return *c.Options.MaxContentLength
	}
	return maxBody
}

// text reads the body. What is no text becomes text with replacement characters.
func (c *Call) text(a *answer) (string, error) {
	body, err := io.ReadAll(io.LimitReader(a.Body, c.limit()+1))
	if err != nil {
		return "", fmt.Errorf("reading the answer: %w", err)
	}
	if int64(len(body)) > c.limit() {
		return "", fmt.Errorf("the answer has more than %d bytes: raise options.maxContentLength, or use Download", c.limit())
	}
	_, params, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if enc, err := htmlindex.Get(params["charset"]); err == nil {
		if decoded, err := enc.NewDecoder().Bytes(body); err == nil {
			body = decoded
		}
	}
	return strings.ToValidUTF8(string(body), "�"), nil
}
