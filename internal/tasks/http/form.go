package http

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path"
	"slices"

	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// setBody makes a request with a body that can be sent again, after a redirect say.
func setBody(req *http.Request, body []byte) {
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body, _ = req.GetBody() // cannot fail
	req.ContentLength = int64(len(body))
}

// multipart makes the form the request's body. It is kept as a file meanwhile, since it may be large and may have to be sent
// again; remove removes it.
func (c *Call) multipart(ctx context.Context, run sdk.Run, req *http.Request) (remove func(), err error) {
	tmp, err := os.CreateTemp("", "windhover-form-")
	if err != nil {
		return nil, err
	}
	remove = func() { _ = os.Remove(tmp.Name()) }
	w := multipart.NewWriter(tmp)
	err = c.writeForm(ctx, run, w)
	if err == nil {
		err = w.Close()
	}
	var size int64
	if err == nil {
		size, err = tmp.Seek(0, io.SeekCurrent)
	}
	if closed := tmp.Close(); err == nil {
		err = closed
	}
	if err == nil {
		req.GetBody = func() (io.ReadCloser, error) { return os.Open(tmp.Name()) }
		req.Body, err = req.GetBody()
	}
	if err != nil {
		remove()
		return nil, err
	}
	req.ContentLength = size
	req.Header.Set("Content-Type", w.FormDataContentType())
	return remove, nil
}

func (c *Call) writeForm(ctx context.Context, run sdk.Run, w *multipart.Writer) error {
	names := make([]string, 0, len(c.FormData))
	for name := range c.FormData {
		names = append(names, name)
	}
	slices.Sort(names) // the map has no order: requests should not differ
	for _, name := range names {
		if err := writePart(ctx, run, w, name, c.FormData[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// writePart writes a field, or a file where the value names one.
func writePart(ctx context.Context, run sdk.Run, w *multipart.Writer, name string, v any) error {
	if m, ok := value.AsMap(v); ok {
		fileName, hasName := m.Get("name")
		content, hasContent := m.Get("content")
		if hasName && hasContent {
			return writeFile(ctx, run, w, name, value.Print(fileName), value.Print(content))
		}
	}
	text := value.Print(v)
	if files.IsURI(text) {
		return writeFile(ctx, run, w, name, path.Base(text), text)
	}
	return w.WriteField(name, text)
}

func writeFile(ctx context.Context, run sdk.Run, w *multipart.Writer, name, fileName, content string) error {
	part, err := w.CreateFormFile(name, path.Base(fileName))
	if err != nil {
		return err
	}
	if !files.IsURI(content) {
		_, err := io.WriteString(part, content)
		return err
	}
	r, err := run.Open(ctx, content)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(part, r)
	return err
}
