package httpapi

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

func (a *API) flowBulkRoutes() {
	a.route("POST", "/flows/bulk", a.updateFlows)
	a.route("POST", "/flows/{namespace}", a.updateNamespaceFlows)
	a.route("DELETE", "/flows/{namespace}/{id}/revisions", a.deleteRevisions)
	a.route("POST", "/flows/export/by-ids", a.exportFlowsByIDs)
	a.route("GET", "/flows/export/by-query", a.exportFlowsByQuery)
	a.route("POST", "/flows/import", a.importFlows)
	for _, act := range []struct {
		name, method string
		do           func(context.Context, model.FlowKey) error
	}{
		{"delete", "DELETE", a.DropFlow},
		{"enable", "POST", func(ctx context.Context, key model.FlowKey) error { return a.setDisabled(ctx, key, false) }},
		{"disable", "POST", func(ctx context.Context, key model.FlowKey) error { return a.setDisabled(ctx, key, true) }},
	} {
		a.route(act.method, "/flows/"+act.name+"/by-ids", a.flowsDo(flowIDs, act.do))
		a.route(act.method, "/flows/"+act.name+"/by-query", a.flowsDo(a.flowsFound, act.do))
	}
}

// flowsDo does something with several flows and answers with their number.
func (a *API) flowsDo(which func(*http.Request) ([]model.FlowKey, error), do func(context.Context, model.FlowKey) error) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		keys, err := which(r)
		if err != nil {
			return err
		}
		for _, key := range keys {
			if err := do(r.Context(), key); err != nil {
				return fmt.Errorf("%s.%s: %w", key.Namespace, key.ID, err)
			}
		}
		return writeJSON(w, http.StatusOK, outcome{len(keys)})
	}
}

// flowIDs reads a list of flows from a request's body.
func flowIDs(r *http.Request) ([]model.FlowKey, error) {
	var ids []struct {
		Namespace string `json:"namespace"`
		ID        string `json:"id"`
	}
	if err := readJSON(r, &ids, "a JSON list of flows with namespace and id"); err != nil {
		return nil, err
	}
	keys := make([]model.FlowKey, len(ids))
	for i, f := range ids {
		keys[i] = model.FlowKey{Tenant: Tenant, Namespace: f.Namespace, ID: f.ID}
	}
	return keys, nil
}

// flowsFound lists the flows that a request's filters select.
func (a *API) flowsFound(r *http.Request) ([]model.FlowKey, error) {
	q, err := ofFlows.query(r)
	if err != nil {
		return nil, err
	}
	return a.flowKeys(r.Context(), q)
}

func (a *API) flowKeys(ctx context.Context, q backend.Query) ([]model.FlowKey, error) {
	recs, err := all(q, func(q backend.Query) (backend.Page[*backend.FlowRecord], error) {
		return a.Backend.Flows().Search(ctx, q)
	})
	keys := make([]model.FlowKey, len(recs))
	for i, rec := range recs {
		keys[i] = model.FlowKey{Tenant: rec.Tenant, Namespace: rec.Namespace, ID: rec.ID}
	}
	return keys, err
}

var disabledLine = regexp.MustCompile(`(?m)^disabled[ \t]*:.*$`)

// setDisabled writes into a flow's source whether it is disabled.
func (a *API) setDisabled(ctx context.Context, key model.FlowKey, disabled bool) error {
	rec, err := a.Backend.Flows().Get(ctx, key, false)
	if err != nil || rec.Disabled == disabled {
		return err
	}
	line := "disabled: " + strconv.FormatBool(disabled)
	src := disabledLine.ReplaceAllString(rec.Source, line)
	if !disabledLine.MatchString(src) {
		src = strings.TrimRight(src, "\n") + "\n" + line + "\n"
	}
	f, err := a.compileFlow([]byte(src))
	if err != nil {
		return err
	}
	_, err = a.StoreFlow(ctx, f, rec.Revision)
	return err
}

func (a *API) deleteRevisions(w http.ResponseWriter, r *http.Request) error {
	var revisions []int
	for _, list := range r.URL.Query()["revisions"] {
		for _, s := range strings.Split(list, ",") {
			n, err := strconv.Atoi(s)
			if err != nil {
				return invalid("revisions: " + s + " is not a number")
			}
			revisions = append(revisions, n)
		}
	}
	key := model.FlowKey{Tenant: Tenant, Namespace: r.PathValue("namespace"), ID: r.PathValue("id")}
	if err := a.Backend.Flows().DropRevisions(r.Context(), key, revisions); err != nil {
		return err
	}
	a.Flows.Reset()
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// updateFlows creates or updates the flows of a body, all of them or none if one is not valid. With a namespace, they have
// to be in it, and flows of it that the body does not have are deleted unless delete=false.
func (a *API) updateFlows(w http.ResponseWriter, r *http.Request) error {
	v := r.URL.Query()
	return a.replaceFlows(w, r, v.Get("namespace"), v.Get("allowNamespaceChild") == "true")
}

func (a *API) updateNamespaceFlows(w http.ResponseWriter, r *http.Request) error {
	return a.replaceFlows(w, r, r.PathValue("namespace"), false)
}

var namespaceLine = regexp.MustCompile(`(?m)^namespace[ \t]*:.*$`)

func (a *API) replaceFlows(w http.ResponseWriter, r *http.Request, namespace string, below bool) error {
	src, err := readBody(r, maxImport)
	if err != nil {
		return err
	}
	var flows []*model.Flow
	given := map[model.FlowKey]bool{}
	for _, one := range splitFlows(src) {
		if r.URL.Query().Get("override") == "true" && namespace != "" {
			one = namespaceLine.ReplaceAllLiteral(one, []byte("namespace: "+namespace))
		}
		f, err := a.compileFlow(one)
		if err != nil {
			return err
		}
		if namespace != "" && f.Namespace != namespace && !(below && strings.HasPrefix(f.Namespace, namespace+".")) {
			return invalid(fmt.Sprintf("flow.namespace: %s.%s does not belong to %s", f.Namespace, f.ID, namespace))
		}
		key := model.FlowKey{Tenant: Tenant, Namespace: f.Namespace, ID: f.ID}
		if given[key] {
			return invalid(fmt.Sprintf("flow.id: Duplicate Flow Id: %s.%s", f.Namespace, f.ID))
		}
		given[key] = true
		flows = append(flows, f)
	}
	out := []any{}
	for _, f := range flows {
		saved, err := a.StoreFlow(r.Context(), f, -1)
		if err != nil {
			return err
		}
		out = append(out, flowJSON(saved, true))
	}
	if namespace != "" && r.URL.Query().Get("delete") != "false" {
		if err := a.dropOthers(r.Context(), namespace, below, given); err != nil {
			return err
		}
	}
	return writeValue(w, out)
}

// dropOthers deletes the flows of a namespace that are not among those to keep.
func (a *API) dropOthers(ctx context.Context, namespace string, below bool, keep map[model.FlowKey]bool) error {
	filter := namespaceFilter(namespace)
	if below {
		filter.Op = backend.OpPrefix
	}
	keys, err := a.flowKeys(ctx, backend.Query{Tenant: Tenant, Filters: []backend.Filter{filter}})
	if err != nil {
		return err
	}
	for _, key := range keys {
		if !keep[key] {
			if err := a.DropFlow(ctx, key); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *API) exportFlowsByIDs(w http.ResponseWriter, r *http.Request) error {
	keys, err := flowIDs(r)
	if err != nil {
		return err
	}
	return a.exportFlows(w, r, keys)
}

func (a *API) exportFlowsByQuery(w http.ResponseWriter, r *http.Request) error {
	keys, err := a.flowsFound(r)
	if err != nil {
		return err
	}
	return a.exportFlows(w, r, keys)
}

func (a *API) exportFlows(w http.ResponseWriter, r *http.Request, keys []model.FlowKey) error {
	recs := make([]*backend.FlowRecord, len(keys))
	for i, key := range keys {
		var err error
		if recs[i], err = a.Backend.Flows().Get(r.Context(), key, false); err != nil {
			return fmt.Errorf("%s.%s: %w", key.Namespace, key.ID, err)
		}
	}
	return archive(w, "flows.zip", func(z *zip.Writer) error {
		for _, rec := range recs {
			f, err := z.Create(rec.Namespace + "." + rec.ID + ".yml")
			if err != nil {
				return err
			}
			if _, err := io.WriteString(f, rec.Source); err != nil {
				return err
			}
		}
		return nil
	})
}

// maxImport bounds what is imported at once, in bytes, packed and unpacked.
const maxImport = 64 << 20

// importFlows saves the flows of a YAML file, or of the YAML files in a zip file. It lists the flows that are not valid; with
// failOnError it saves none if there is one.
func (a *API) importFlows(w http.ResponseWriter, r *http.Request) error {
	sources, err := uploadedSources(r)
	if err != nil {
		return err
	}
	wrong := []string{}
	var flows []*model.Flow
	for _, s := range sources {
		f, err := a.compileFlow(s.src)
		if err != nil && r.URL.Query().Get("failOnError") == "true" {
			return invalid(s.name + ": " + err.Error())
		}
		if err != nil {
			wrong = append(wrong, s.name)
			continue
		}
		flows = append(flows, f)
	}
	for _, f := range flows {
		if _, err := a.StoreFlow(r.Context(), f, -1); err != nil {
			return err
		}
	}
	return writeJSON(w, http.StatusOK, wrong)
}

// uploadedSources reads the flows, or templates, of the file in a request.
func uploadedSources(r *http.Request) ([]flowSource, error) {
	content, err := upload(r, "fileUpload")
	if err != nil {
		return nil, err
	}
	src, err := io.ReadAll(io.LimitReader(content, maxImport+1))
	if err != nil {
		return nil, unreadableForm(err)
	}
	if len(src) > maxImport {
		return nil, &Error{http.StatusRequestEntityTooLarge, "the file is too large"}
	}
	return flowSources(src)
}

// flowSource is one flow of a file to import.
type flowSource struct {
	name string
	src  []byte
}

func flowSources(file []byte) ([]flowSource, error) {
	var out []flowSource
	add := func(name string, src []byte) {
		for _, one := range splitFlows(src) {
			out = append(out, flowSource{name, one})
		}
	}
	if !bytes.HasPrefix(file, []byte("PK\x03\x04")) {
		add("flows.yml", file)
		return out, nil
	}
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, badRequest("the zip file cannot be read: " + err.Error())
	}
	left := int64(maxImport)
	for _, f := range z.File {
		if !slices.Contains([]string{".yml", ".yaml"}, path.Ext(f.Name)) {
			continue
		}
		src, err := unpack(f, left)
		if err != nil {
			return nil, err
		}
		left -= int64(len(src))
		add(f.Name, src)
	}
	return out, nil
}

func unpack(f *zip.File, limit int64) ([]byte, error) {
	rc, err := f.Open()
	if err != nil {
		return nil, badRequest(f.Name + ": " + err.Error())
	}
	defer rc.Close()
	src, err := io.ReadAll(io.LimitReader(rc, limit+1))
	switch {
	case errors.Is(err, zip.ErrChecksum), errors.Is(err, zip.ErrFormat), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, badRequest(f.Name + ": " + err.Error())
	case int64(len(src)) > limit:
		return nil, &Error{http.StatusRequestEntityTooLarge, "the files are too large"}
	}
	return src, err
}

// documentStart is a line that begins a YAML document.
var documentStart = regexp.MustCompile(`(?m)^---[ \t]*(#.*)?\r?$`)

// splitFlows splits a text of several flows with lines of three dashes between them.
func splitFlows(src []byte) [][]byte {
	var out [][]byte
	for _, one := range documentStart.Split(string(src), -1) {
		if one = strings.TrimPrefix(strings.TrimPrefix(one, "\r"), "\n"); strings.TrimSpace(one) != "" {
			out = append(out, []byte(one))
		}
	}
	return out
}

// writeValue answers with a value of the expression language as JSON.
func writeValue(w http.ResponseWriter, v any) error {
	return writeRaw(w, http.StatusOK, value.AppendJSON(nil, v, value.JSONOptions{}))
}
