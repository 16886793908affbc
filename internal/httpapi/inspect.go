package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/launch"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/value"
)

func (a *API) inspectRoutes() {
	a.route("GET", "/executions/{id}/flow", a.flowOfExecution)
	a.route("GET", "/executions/flows/{namespace}/{flowId}", a.flowForExecution)
	a.route("GET", "/executions/{id}/file", a.downloadFile)
	a.route("GET", "/executions/{id}/file/metas", a.fileMetas)
	a.route("GET", "/executions/{id}/file/preview", a.previewFile)
	a.route("POST", "/executions/latest", a.latestExecutions)
	a.route("GET", "/executions/namespaces", a.distinctNamespaces)
	a.route("GET", "/executions/namespaces/{namespace}/flows", a.flowsOfNamespace)
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte("{}")
	}
	return b
}

// readForm reads a form of inputs for an execution that exists.
func (a *API) readForm(r *http.Request, flow *model.Flow, id string) (*value.Map, error) {
	typ, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if typ == "multipart/form-data" {
		return a.readMultipart(r, multipart.NewReader(r.Body, params["boundary"]), flow, id)
	}
	return a.readInputs(r, flow, &launch.Request{})
}

// flowOfExecution gives the flow as the execution sees it.
func (a *API) flowOfExecution(w http.ResponseWriter, r *http.Request) error {
	x, err := a.Backend.Executions().Get(r.Context(), Tenant, r.PathValue("id"))
	if err != nil {
		return err
	}
	return a.writeFlowAt(w, r, model.FlowKey{Tenant: Tenant, Namespace: x.Namespace, ID: x.FlowID, Revision: x.FlowRevision})
}

func (a *API) flowForExecution(w http.ResponseWriter, r *http.Request) error {
	rev, err := whole(r.URL.Query(), "revision", 0)
	if err != nil {
		return invalid("revision: not a number")
	}
	return a.writeFlowAt(w, r, model.FlowKey{Tenant: Tenant, Namespace: r.PathValue("namespace"), ID: r.PathValue("flowId"), Revision: rev})
}

func (a *API) writeFlowAt(w http.ResponseWriter, r *http.Request, key model.FlowKey) error {
	f, err := a.Flows.Get(r.Context(), key)
	if err != nil {
		return err
	}
	return a.writeFlow(w, f, false)
}

// executionFile resolves the file that a request names: it has to belong to the execution.
func (a *API) executionFile(r *http.Request) (storage.URI, error) {
	uri, err := storage.Parse(Tenant, r.URL.Query().Get("path"))
	if err != nil {
		return uri, invalid("path: " + err.Error())
	}
	x, err := a.Backend.Executions().Get(r.Context(), Tenant, r.PathValue("id"))
	if err != nil {
		return uri, err
	}
	if id, ok := storage.ExecutionID(uri); ok && id != x.ID && !a.related(r.Context(), x, id) || !ok {
		return uri, invalid("path: the file does not belong to the execution")
	}
	return uri, nil
}

// related tells whether an execution's files may be read through another one: it was started by it, or replayed from it.
func (a *API) related(ctx context.Context, x *model.Execution, id string) bool {
	if id == x.ParentID || id == x.OriginalID {
		return true
	}
	other, err := a.Backend.Executions().Get(ctx, Tenant, id)
	return err == nil && correlation(other) == correlation(x)
}

func correlation(x *model.Execution) string {
	for _, l := range x.Labels {
		if l.Key == model.LabelCorrelation {
			return l.Value
		}
	}
	return x.ID
}

func (a *API) downloadFile(w http.ResponseWriter, r *http.Request) error {
	uri, err := a.executionFile(r)
	if err != nil {
		return err
	}
	obj, err := a.Storage.Get(r.Context(), uri)
	if err != nil {
		return err
	}
	defer obj.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(obj.Size, 10))
	w.Header().Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(uri.Name()))
	_, err = io.Copy(w, obj)
	return ignoreGone(err)
}

func (a *API) fileMetas(w http.ResponseWriter, r *http.Request) error {
	uri, err := a.executionFile(r)
	if err != nil {
		return err
	}
	at, err := a.Storage.Stat(r.Context(), uri)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]int64{"size": at.Size})
}

// maxPreviewLine bounds one row of a preview, in bytes.
const maxPreviewLine = 1 << 20

// previewFile gives the first rows of a file, by what it holds.
func (a *API) previewFile(w http.ResponseWriter, r *http.Request) error {
	uri, err := a.executionFile(r)
	if err != nil {
		return err
	}
	rows, err := whole(r.URL.Query(), "maxRows", a.Settings.Server.PreviewRows)
	if err != nil || rows < 1 {
		return invalid("maxRows: not a positive number")
	}
	obj, err := a.Storage.Get(r.Context(), uri)
	if err != nil {
		return err
	}
	defer obj.Close()
	rows = min(rows, a.Settings.Server.MaxPreviewRows)
	lines, truncated := firstLines(obj, rows)
	x, runs, err := a.loadExecution(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	h := a.hider(x, runs)
	for i := range lines {
		lines[i] = h.Replace(lines[i])
	}
	extension := strings.TrimPrefix(path.Ext(uri.Name()), ".")
	out := map[string]any{"extension": extension, "type": "TEXT", "content": strings.Join(lines, "\n"),
		"maxLine": rows, "truncated": truncated}
	switch extension {
	case "ion", "jsonl", "ndjson":
		list := []json.RawMessage{}
		for _, l := range lines {
			if json.Valid([]byte(l)) {
				list = append(list, json.RawMessage(l))
			}
		}
		if len(list) == len(lines) {
			out["type"], out["content"] = "LIST", list
		}
	case "md":
		out["type"] = "MARKDOWN"
	case "pdf", "png", "jpg", "jpeg", "gif", "svg", "webp":
		out["type"], out["content"] = strings.ToUpper(extension), ""
	}
	return writeJSON(w, http.StatusOK, out)
}

func firstLines(r io.Reader, n int) (lines []string, truncated bool) {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 64<<10), maxPreviewLine)
	for s.Scan() {
		if len(lines) == n {
			return lines, true
		}
		lines = append(lines, strings.ToValidUTF8(s.Text(), "�"))
	}
	return lines, s.Err() != nil
}

// latestExecutions gives the newest execution of each flow that is asked for.
func (a *API) latestExecutions(w http.ResponseWriter, r *http.Request) error {
	var asked []struct {
		Namespace string `json:"namespace"`
		FlowID    string `json:"flowId"`
		ID        string `json:"id"`
	}
	if err := readJSON(r, &asked, "a JSON list of flows with namespace and id"); err != nil {
		return err
	}
	keys := make([]model.FlowKey, 0, len(asked))
	for _, k := range asked {
		id := k.FlowID
		if id == "" {
			id = k.ID
		}
		keys = append(keys, model.FlowKey{Tenant: Tenant, Namespace: k.Namespace, ID: id})
	}
	list, err := a.Backend.Executions().Latest(r.Context(), Tenant, keys)
	if err != nil {
		return err
	}
	out := make([]lastExecution, 0, len(list))
	for _, x := range list {
		out = append(out, lastExecution{x.ID, x.FlowID, x.Namespace, x.State.Start(), x.State.Current()})
	}
	return writeJSON(w, http.StatusOK, out)
}

// lastExecution is the newest execution of a flow.
type lastExecution struct {
	ID        string      `json:"id"`
	FlowID    string      `json:"flowId"`
	Namespace string      `json:"namespace"`
	Start     time.Time   `json:"startDate"`
	Status    model.State `json:"status"`
}
