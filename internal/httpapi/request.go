package httpapi

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/windhover-io/windhover/internal/backend"
)

// readJSON reads a request's body; what says what is expected.
func readJSON(r *http.Request, v any, what string) error {
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxPart)).Decode(v); err != nil {
		return badRequest("expected " + what + ": " + err.Error())
	}
	return nil
}

// upload gives the file in a request: that of the named field of a form, or the whole body.
func upload(r *http.Request, field string) (content io.Reader, err error) {
	typ, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if typ != "multipart/form-data" {
		return r.Body, nil
	}
	form, err := r.MultipartReader()
	if err != nil {
		return nil, badRequest(err.Error())
	}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, badRequest("the form has no part " + field)
		}
		if err != nil {
			return nil, badRequest("the form cannot be read: " + err.Error())
		}
		if part.FormName() == field {
			return part, nil
		}
	}
}

// attachment announces a file to download.
func attachment(w http.ResponseWriter, contentType, name string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(name))
}

// archive answers with a zip file, which add fills as it is sent: errors in it can no longer be told but end the file early.
func archive(w http.ResponseWriter, name string, add func(z *zip.Writer) error) error {
	attachment(w, "application/octet-stream", name)
	z := zip.NewWriter(w)
	if err := add(z); err != nil {
		panic(http.ErrAbortHandler)
	}
	return ignoreGone(z.Close())
}

// all reads every page of a search.
func all[T any](q backend.Query, search func(backend.Query) (backend.Page[T], error)) ([]T, error) {
	q.Page, q.Size, q.NoTotal, q.After = 1, maxPage, true, ""
	var out []T
	for {
		p, err := search(q)
		if err != nil {
			return nil, err
		}
		out = append(out, p.Results...)
		if len(p.Results) < q.Size || p.Cursor == "" {
			return out, nil
		}
		q.After = p.Cursor
	}
}

// slice cuts a page out of a list that is at hand.
func slice[T any](list []T, q backend.Query) page[T] {
	from := min((q.Page-1)*q.Size, len(list))
	to := min(from+q.Size, len(list))
	return page[T]{append([]T{}, list[from:to]...), len(list)}
}

// nameOrder sorts by name unless the request asks for the opposite.
func nameOrder(q backend.Query) (descending bool) { return len(q.Sort) > 0 && q.Sort[0].Desc }

func namespaceFilter(namespace string) backend.Filter {
	return backend.Filter{Field: backend.FieldNamespace, Op: backend.OpEquals, Value: namespace}
}
