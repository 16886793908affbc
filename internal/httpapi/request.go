package httpapi

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"github.com/windhover-io/windhover/internal/backend"
)

// readPath checks and decodes the parameters in a request's path: the router leaves them encoded where a slash is among
// what is encoded. Text that no name can hold is refused for all handlers at once, also in the query.
func readPath(r *http.Request) error {
	params := chi.RouteContext(r.Context()).URLParams
	for i, name := range params.Keys {
		v := params.Values[i]
		if r.URL.RawPath != "" {
			var err error
			if v, err = url.PathUnescape(v); err != nil {
				return badRequest(name + ": " + err.Error())
			}
		}
		if err := checkText(name, v); err != nil {
			return err
		}
		r.SetPathValue(name, v)
	}
	if r.URL.RawQuery == "" {
		return nil
	}
	v, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return badRequest("the query cannot be read: " + err.Error())
	}
	for name, values := range v {
		for _, text := range append(values, name) {
			if err := checkText(name, text); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkText refuses what no backend can store or find.
func checkText(name, text string) error {
	switch {
	case !utf8.ValidString(text):
		return badRequest(fmt.Sprintf("%q is not valid UTF-8", strings.ToValidUTF8(name, "\uFFFD")))
	case strings.ContainsRune(text, 0):
		return badRequest(fmt.Sprintf("%q holds a NUL character", name))
	}
	return nil
}

// readJSON reads a request's body; what says what is expected.
func readJSON(r *http.Request, v any, what string) error {
	given, err := readOptionalJSON(r, v, what)
	if err == nil && !given {
		return badRequest("expected " + what + ", and the body is empty")
	}
	return err
}

// readOptionalJSON is readJSON for a body that may be empty: then v stays as it is.
func readOptionalJSON(r *http.Request, v any, what string) (given bool, err error) {
	b, err := readBody(r, maxPart)
	if err != nil || len(bytes.TrimSpace(b)) == 0 {
		return false, err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return false, badRequest("expected " + what + ": " + err.Error())
	}
	return true, nil
}

// readBody reads a whole body of so many bytes at most.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	b, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &Error{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is too large: it may have %d bytes", tooLarge.Limit)}
	case err != nil:
		return nil, badRequest("the body cannot be read: " + err.Error())
	}
	return b, nil
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
			return nil, unreadableForm(err)
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
func all[T any](q backend.Query, search func(backend.Query) (backend.Page[T], error)) (out []T, err error) {
	err = pages(q, search, func(page []T) { out = append(out, page...) })
	return out, err
}

// pages searches page by page.
func pages[T any](q backend.Query, search func(backend.Query) (backend.Page[T], error), f func([]T)) error {
	q.Page, q.Size, q.NoTotal, q.After = 1, batch, true, ""
	for {
		p, err := search(q)
		if err != nil {
			return err
		}
		f(p.Results)
		if len(p.Results) < q.Size || p.Cursor == "" {
			return nil
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
