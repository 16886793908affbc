package httpapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/launch"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/trigger"
	"github.com/windhover-io/windhover/internal/value"
)

// webhookPath is the beginning of the addresses of webhooks: whoever knows a key may call them, without another password.
const webhookPath = "/executions/webhook/"

func (a *API) webhookRoutes() {
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
		a.route(method, webhookPath+"{namespace}/{id}/{key}", a.webhook)
		a.route(method, webhookPath+"{namespace}/{id}/{key}/*", a.webhook)
	}
}

// isWebhook tells whether a request is for a webhook: it names a namespace, a flow and a key.
func isWebhook(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodPost && r.Method != http.MethodPut {
		return false
	}
	for _, base := range []string{"/api/v1", "/api/v1/" + Tenant} {
		if rest, ok := strings.CutPrefix(r.URL.Path, base+webhookPath); ok {
			parts := strings.SplitN(rest, "/", 4)
			return len(parts) >= 3 && parts[0] != "" && parts[1] != "" && parts[2] != ""
		}
	}
	return false
}

// hook is a webhook that is being called.
type hook struct {
	declared *trigger.Declared
	world    *launch.World
	props    *value.Map
	id       string // of the execution
	stored   bool   // files of the request lie under the execution
	left     int    // how many bytes more of a form may be read into memory
}

// webhook starts an execution by the trigger whose key the address has.
func (a *API) webhook(w http.ResponseWriter, r *http.Request) error {
	flow, err := a.Flows.Get(r.Context(), model.FlowKey{Tenant: Tenant, Namespace: r.PathValue("namespace"), ID: r.PathValue("id")})
	switch {
	case errors.Is(err, backend.ErrNotFound):
		return notFound("there is no such webhook")
	case err != nil && a.classify(err).Status == http.StatusInternalServerError: // whoever calls has no business with why
		a.Log.Warn("the flow of a webhook cannot be used", "namespace", r.PathValue("namespace"), "flow", r.PathValue("id"), "error", err)
		return conflict("the flow of this webhook cannot be executed as it is")
	case err != nil:
		return err
	}
	h, err := a.findHook(r, flow)
	if err != nil {
		return err
	}
	created := false
	defer func() {
		if h.stored && !created {
			a.dropHookFiles(r.Context(), h)
		}
	}()
	vars, err := a.hookVariables(r, h)
	if err != nil {
		return err
	}
	switch ok, err := h.declared.Holds(vars, nil, h.world); {
	case err != nil:
		return invalid(err.Error())
	case !ok:
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	p, err := a.Launcher.PrepareTriggered(r.Context(), trigger.Launch{Declared: h.declared, ID: h.id, Fresh: true, Variables: vars})
	if err != nil {
		if a.classify(err).Status == http.StatusInternalServerError { // what the trigger makes of the request is not right
			return invalid(a.Masks.Of(h.id).Replace(err.Error()))
		}
		return err
	}
	status, err := h.status(vars)
	if err != nil {
		return err
	}
	created = true
	return a.answerHook(w, r, h, p, status)
}

// dropHookFiles removes the files of a request that has started nothing.
func (a *API) dropHookFiles(ctx context.Context, h *hook) {
	dir, err := h.dir()
	if err == nil {
		_, err = a.Storage.Delete(context.WithoutCancel(ctx), dir)
	}
	if err != nil {
		a.Log.Warn("the files of a webhook that started nothing could not be removed", "execution", h.id, "error", err)
	}
}

// dir is where the files of the request lie.
func (h *hook) dir() (storage.URI, error) {
	f := h.declared.Flow
	e := storage.Execution{Flow: storage.Flow{Tenant: f.Tenant, Namespace: f.Namespace, ID: f.ID}, ID: h.id}
	return e.TriggerDir(h.declared.ID)
}

// findHook finds the trigger of a flow whose key is that of the request. All keys are compared, in constant time.
func (a *API) findHook(r *http.Request, flow *model.Flow) (*hook, error) {
	var found *hook
	world := &launch.World{Context: r.Context(), Launcher: a.Launcher, Flow: flow}
	for _, t := range flow.Triggers {
		if t.Kind != model.TriggerWebhook {
			continue
		}
		key, _ := t.Props.Get("key")
		text, err := world.Render(value.Print(key), nil, nil)
		if err != nil {
			a.Log.Warn("the key of a webhook cannot be rendered", "flow", flow.ID, "namespace", flow.Namespace, "trigger", t.ID, "error", err)
			continue
		}
		if !sameKey(strings.TrimSpace(text), r.PathValue("key")) || found != nil {
			continue
		}
		declared, err := world.Declare(t, "")
		if err != nil {
			return nil, invalid(err.Error())
		}
		found = &hook{declared: declared, world: world, props: t.Props, id: model.NewID(), left: maxParts}
	}
	if found == nil {
		return nil, notFound("there is no such webhook")
	}
	if flow.Disabled {
		return nil, launch.ErrDisabled
	}
	state, err := a.Backend.Triggers().Get(r.Context(), Tenant, flow.Namespace, flow.ID, found.declared.ID)
	if err != nil && !errors.Is(err, backend.ErrNotFound) {
		return nil, err
	}
	if found.declared.Disabled || state != nil && state.Disabled {
		return nil, conflict("the trigger is disabled")
	}
	return found, nil
}

// sameKey compares keys in a time that tells nothing of them, not even their length. A key that is empty fits nothing.
func sameKey(want, given string) bool {
	a, b := sha256.Sum256([]byte(want)), sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && want != ""
}

// hookVariables are the request as the flow sees it.
func (a *API) hookVariables(r *http.Request, h *hook) (*value.Map, error) {
	vars := value.NewMap(6)
	typ, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if typ == "multipart/form-data" {
		if err := a.hookForm(r, multipart.NewReader(r.Body, params["boundary"]), h, vars); err != nil {
			return nil, err
		}
	} else {
		b, err := readBody(r, maxPart)
		if err != nil {
			return nil, err
		}
		if len(b) > 0 {
			vars.Set("body", hookBody(b))
		}
	}
	headers := value.NewMap(2 * len(r.Header))
	for name, values := range r.Header {
		list := texts(values)
		headers.Set(name, list) // as HTTP/1 writes them, and in small letters, as HTTP/2 does
		headers.Set(strings.ToLower(name), list)
	}
	vars.Set("headers", headers)
	parameters := value.NewMap(4)
	for name, values := range r.URL.Query() {
		parameters.Set(name, texts(values))
	}
	vars.Set("parameters", parameters)
	if rest := r.PathValue("*"); rest != "" {
		vars.Set("uri", "/"+rest)
	}
	return vars, nil
}

func texts(values []string) []any {
	list := make([]any, len(values))
	for i, v := range values {
		list[i] = v
	}
	return list
}

// hookBody reads a body: a JSON object or list as such, anything else as text.
func hookBody(b []byte) any {
	trimmed := bytes.TrimSpace(b)
	if len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') {
		if v, err := value.ParseJSON(trimmed); err == nil {
			return v
		}
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

// hookForm reads a multipart form. What becomes of its files is for fetchType to say: they are left out, read, or stored
// under the execution.
func (a *API) hookForm(r *http.Request, form *multipart.Reader, h *hook, vars *value.Map) error {
	fetch, _ := h.props.Get("fetchType")
	fields, parts := value.NewMap(4), []any{}
	for n := 0; ; n++ {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			vars.Set("formFields", fields)
			vars.Set("parts", parts)
			return nil
		}
		if err != nil {
			return unreadableForm(err)
		}
		if part.FileName() != "" {
			m, err := a.hookPart(r, part, h, value.Print(fetch), n)
			if err != nil {
				return err
			}
			parts = append(parts, m)
			continue
		}
		text, err := h.readPart(part)
		if err != nil {
			return err
		}
		old, _ := fields.Get(part.FormName())
		list, _ := old.([]any)
		fields.Set(part.FormName(), append(list, text))
	}
}

// readPart reads a part into memory, within what all of them together may take.
func (h *hook) readPart(part *multipart.Part) (string, error) {
	const each = 256 // what a part takes besides its text
	text, err := readPart(part, min(h.left, maxPart))
	h.left -= len(text) + each
	return text, err
}

// hookPart is the n-th part of a form, a file, as the flow sees it.
func (a *API) hookPart(r *http.Request, part *multipart.Part, h *hook, fetch string, n int) (*value.Map, error) {
	m := value.MapOf(value.Entry{Key: "name", Value: part.FormName()}, value.Entry{Key: "filename", Value: part.FileName()},
		value.Entry{Key: "contentType", Value: part.Header.Get("Content-Type")})
	switch fetch {
	case "FETCH", "":
		text, err := h.readPart(part)
		if err != nil {
			return nil, err
		}
		m.Set("content", hookBody([]byte(text)))
	case "STORE":
		dir, err := h.dir()
		if err != nil {
			return nil, err
		}
		uri, err := dir.Join(strconv.Itoa(n) + "/" + path.Base(part.FileName()))
		if err != nil {
			return nil, invalid(err.Error())
		}
		h.stored = true
		if err := a.Storage.Put(r.Context(), uri, part, nil); err != nil {
			return nil, err
		}
		m.Set("uri", uri.String())
	}
	return m, nil
}

// answerHook creates the execution and answers as the trigger says: at once, or at the end, with the execution or with its
// outputs.
func (a *API) answerHook(w http.ResponseWriter, r *http.Request, h *hook, p *launch.Prepared, status int) error {
	flag := func(name string) bool {
		v, _ := h.props.Get(name)
		return v != nil && value.Print(v) == "true"
	}
	x, runs := p.Execution(), []*model.TaskRun{}
	if flag("wait") {
		changes, stop := a.Backend.Follow(backend.FeedFilter{ExecutionID: h.id})
		defer stop()
		if err := a.submit(r.Context(), p); err != nil {
			return err
		}
		var err error
		if x, runs, err = a.awaitEnd(r.Context(), changes); err != nil {
			return err
		}
		if flag("returnOutputs") {
			if s := x.State.Current(); s != model.Success && s != model.Warning { // outputs would not tell
				return &Error{http.StatusInternalServerError, "execution " + x.ID + " has ended as " + s.String()}
			}
			return h.writeOutputs(w, status, a.Masks.Of(x.ID).JSON(x.Outputs))
		}
	} else if err := a.submit(r.Context(), p); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	e := a.encoder(1024 + 512*len(runs))
	e.execution(x, runs, a.variables(p.Flow))
	w.WriteHeader(status)
	_, _ = w.Write(e.b)
	return nil
}

// status is that of the answer, where the flow does what it should.
func (h *hook) status(vars *value.Map) (int, error) {
	v, _ := h.props.Get("responseCode")
	if v == nil {
		return http.StatusOK, nil
	}
	text, err := h.world.Render(value.Print(v), vars, nil)
	if err != nil {
		return 0, invalid("responseCode: " + err.Error())
	}
	code := 0
	if _, err := fmt.Sscan(text, &code); err != nil || code < 200 || code > 599 {
		return 0, invalid(fmt.Sprintf("responseCode: %q is no status", text))
	}
	return code, nil
}

// writeOutputs answers with the flow's outputs: as JSON, or, for another content type, as the text of the only one.
func (h *hook) writeOutputs(w http.ResponseWriter, status int, outputs []byte) error {
	if len(outputs) == 0 {
		outputs = []byte("{}")
	}
	contentType := "application/json"
	if v, _ := h.props.Get("responseContentType"); v != nil && value.Print(v) != "" {
		contentType = value.Print(v)
	}
	if !strings.Contains(contentType, "json") {
		if parsed, err := value.ParseJSON(outputs); err == nil {
			if m, ok := parsed.(*value.Map); ok && m.Len() == 1 {
				_, only := m.At(0)
				outputs = []byte(value.Print(only))
			}
		}
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, err := w.Write(outputs)
	return err
}
