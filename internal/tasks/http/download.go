package http

import (
	"bufio"
	"context"
	"errors"
	"io"
	"mime"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/sdk"
)

func downloadType() plugin.Type {
	return plugin.Type{
		Name: area + "Download", Aliases: []string{older + "Download"}, Category: plugin.Task, Title: "Store what an HTTP server answers as a file.",
		Description: "Streams the answer into internal storage, however large it is. The file has the name that the server gives it.",
		Examples: []plugin.Example{{Title: "Store a CSV file", YAML: `id: orders
type: io.kestra.plugin.core.http.Download
uri: https://example.com/orders.csv`}},
		New: func() any { return &Download{} }, Outputs: DownloadOutput{},
	}
}

// Download stores an answer.
type Download struct {
	Call
	FailOnEmptyResponse bool   `json:"failOnEmptyResponse" default:"true" doc:"Fail if the answer has no body."`
	SaveAs              string `json:"saveAs" doc:"The file's name; the one that the server gives unless it is set."`
}

// DownloadOutput is what Download puts out.
type DownloadOutput struct {
	URI     string              `json:"uri" doc:"The URI of the file."`
	Code    int                 `json:"code" doc:"The status."`
	Length  int64               `json:"length" doc:"The size of the file in bytes."`
	Headers map[string][]string `json:"headers" doc:"The headers; their names are in small letters."`
}

// Run streams the answer into storage.
func (t *Download) Run(ctx context.Context, run sdk.Run) (any, error) {
	a, err := t.send(ctx, run, "")
	if err != nil {
		return nil, err
	}
	defer a.Close()
	body := &counter{r: bufio.NewReader(a.Body)}
	if _, err := body.r.Peek(1); errors.Is(err, io.EOF) {
		if t.FailOnEmptyResponse && !t.modern().AllowFailed {
			return nil, errors.New("the answer is empty")
		}
		run.Log(sdk.LevelWarn, "the file is empty")
	}
	uri, err := run.Store(ctx, t.name(a), body)
	if err != nil {
		return nil, err
	}
	run.Counter("response.length", float64(body.n))
	return DownloadOutput{URI: uri, Code: a.StatusCode, Length: body.n, Headers: a.headers()}, nil
}

// name is the name of the file: as the flow says, as the server says, or with the extension of the address.
func (t *Download) name(a *answer) string {
	if name := storage.FileName(t.SaveAs); name != "" {
		return name
	}
	if _, params, err := mime.ParseMediaType(a.Header.Get("Content-Disposition")); err == nil {
		if name := storage.FileName(params["filename"]); name != "" {
			return name
		}
	}
	return storage.FileName("download" + files.Extension(a.Request.URL.Path))
}

// counter counts what is read.
type counter struct {
	r *bufio.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}
