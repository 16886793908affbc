package httpapi

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/inputs"
	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/launch"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/storage"
)

// Error is an error with the status that it is told with.
type Error struct {
	Status  int
	Message string
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

func badRequest(message string) error { return &Error{http.StatusBadRequest, message} }
func notFound(message string) error   { return &Error{http.StatusNotFound, message} }
func conflict(message string) error   { return &Error{http.StatusConflict, message} }
func invalid(message string) error {
	return &Error{http.StatusUnprocessableEntity, "Invalid entity: " + message}
}

// body is the form in which errors are told.
type body struct {
	Message  string         `json:"message"`
	Links    links          `json:"_links"`
	Embedded map[string]any `json:"_embedded"`
}

type links struct {
	Self link `json:"self"`
}

type link struct {
	Href      string `json:"href"`
	Templated bool   `json:"templated"`
}

// fail tells a client what is wrong. What is not the client's doing is logged, and told without its inner details.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := a.classify(err)
	if e.Status >= http.StatusInternalServerError {
		a.Log.Error("a request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.Status)
	message := a.Masks.Of("").Replace(e.Message)
	embedded := map[string]any{"errors": []map[string]string{{"message": message}}}
	_ = json.NewEncoder(w).Encode(body{message, links{link{r.URL.RequestURI(), false}}, embedded})
}

// statusGone is what is noted for a client that has not waited for its answer.
const statusGone = 499

// classify finds the status of an error.
func (a *API) classify(err error) *Error {
	var known *Error
	var in *inputs.Error
	var blocked *launch.BlockedError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &known):
		return &Error{known.Status, err.Error()} // with what it was wrapped in
	case errors.As(err, &in):
		return &Error{http.StatusUnprocessableEntity, "Invalid entity: " + in.Error()}
	case errors.As(err, &blocked):
		return &Error{http.StatusConflict, blocked.Error()}
	case errors.As(err, &tooLarge):
		return &Error{http.StatusRequestEntityTooLarge, "the request is too large"}
	case errors.Is(err, launch.ErrDisabled):
		return &Error{http.StatusConflict, "Cannot execute a disabled flow"}
	case errors.Is(err, launch.ErrLabel), errors.Is(err, kv.ErrKey):
		return &Error{http.StatusUnprocessableEntity, "Invalid entity: " + err.Error()}
	case errors.Is(err, kv.ErrExpired):
		return &Error{http.StatusGone, err.Error()}
	case errors.Is(err, backend.ErrNotFound), errors.Is(err, storage.ErrNotFound), errors.Is(err, backend.ErrGone):
		return &Error{http.StatusNotFound, "Not Found: " + without(err, backend.ErrNotFound)}
	case errors.Is(err, backend.ErrConflict), errors.Is(err, kv.ErrExists), errors.Is(err, launch.ErrNotPaused):
		return &Error{http.StatusConflict, without(err, backend.ErrConflict)}
	case errors.Is(err, backend.ErrInvalid), errors.Is(err, storage.ErrInvalid), errors.Is(err, storage.ErrOutsideRoot):
		return &Error{http.StatusUnprocessableEntity, "Invalid entity: " + without(err, backend.ErrInvalid)}
	case errors.Is(err, storage.ErrExists), errors.Is(err, storage.ErrIsDirectory), errors.Is(err, storage.ErrNotDirectory):
		return &Error{http.StatusConflict, err.Error()}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &Error{statusGone, "the client has gone"}
	case errors.Is(err, backend.ErrUnavailable), errors.Is(err, backend.ErrClosed):
		return &Error{http.StatusServiceUnavailable, "the backend does not answer, try again later"}
	}
	return &Error{http.StatusInternalServerError, "Internal Server Error"}
}

// without is what an error says, but for the kind that it is of: the status tells that.
func without(err, kind error) string { return strings.TrimSuffix(err.Error(), ": "+kind.Error()) }

// refused is the error for an answer that is a refusal, nil for one that is not.
func refused(ans model.Answer) error {
	switch ans.Code {
	case model.AnswerDone:
		return nil
	case model.AnswerGone:
		return notFound("Not Found: " + ans.Message)
	case model.AnswerConflict:
		return conflict(ans.Message)
	}
	return invalid(ans.Message)
}

// same compares in a time that does not tell how much of it is right.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// writeJSON answers with a value as JSON.
func writeJSON(w http.ResponseWriter, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return writeRaw(w, status, b)
}

func writeRaw(w http.ResponseWriter, status int, b []byte) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, err := w.Write(b)
	return ignoreGone(err)
}

// ignoreGone forgets the error of a client that has gone away: there is nobody to tell.
func ignoreGone(error) error { return nil }

// isJSON tells whether a content type is JSON.
func isJSON(contentType string) bool {
	return strings.HasPrefix(contentType, "application/json")
}
