package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// recording is a request that the reference answered.
type recording struct {
	Request struct {
		Method, Path, ContentType string
		Body                      any
	}
	Status int
	Body   any
}

func recorded(t *testing.T, name string) recording {
	t.Helper()
	dir := os.Getenv("WINDHOVER_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	b, err := os.ReadFile(filepath.Join(dir, "contract", "shapes", name+".json"))
	if os.IsNotExist(err) {
		t.Skipf("SKIPPED: the recorded answers of the reference are not here (%v); set WINDHOVER_SHARED", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	var r recording
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// notServed are members that tell of the reference's inside, and those that it writes where it knows nothing.
var notServed = []string{"logref", "stackTrace", "profile", "deprecation", "title", "hreflang", "name", "templated", "thread"}

// covers reports where an answer lacks something that the recorded one has, or has it in another type. It may have more.
func covers(t *testing.T, path string, want, got any) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		m, ok := got.(map[string]any)
		if !ok {
			t.Errorf("%s is %T, expected an object", path, got)
			return
		}
		for k, v := range want {
			if v == nil || slices.Contains(notServed, k) && strings.Contains(path, "_") {
				continue
			}
			if _, ok := m[k]; !ok {
				if !slices.Contains(notServed, k) && !optional(path, k) {
					t.Errorf("%s has no %s", path, k)
				}
				continue
			}
			if !slices.Contains([]string{"inputs", "outputs", "tasks", "triggers"}, k) { // those are the flow's
				covers(t, path+"."+k, v, m[k])
			}
		}
	case []any:
		l, ok := got.([]any)
		if !ok {
			t.Errorf("%s is %T, expected a list", path, got)
			return
		}
		if len(want) > 0 && len(l) > 0 {
			covers(t, path+"[]", want[0], l[0])
		} else if len(want) > 0 && !optional(path, "[]") {
			t.Errorf("%s is empty, expected elements", path)
		}
	default:
		if fmt.Sprintf("%T", want) != fmt.Sprintf("%T", got) {
			t.Errorf("%s is %T, expected %T", path, got, want)
		}
	}
}

// optional tells what need not be in an answer although the recorded one has it.
func optional(path, key string) bool {
	switch key {
	case "deleted": // of log lines, metrics and triggers: there is nothing that is deleted and still told
		return true
	case "outputs": // of something that has none
		return true
	case "relationType": // of an edge that only leads into a cluster
		return strings.HasSuffix(path, "relation")
	case "extension": // of inputs: a default of the reference's that it deprecates
		return true
	case "[]": // the paths of errors
		return strings.Contains(path, "_embedded") || strings.HasSuffix(path, "deprecationPaths")
	case "trigger": // the state of a trigger in a graph, once it was evaluated
		return strings.Contains(path, "nodes")
	}
	return strings.Contains(path, "_embedded")
}

// again asks what a recording asked. id replaces the id of the recorded execution.
func (s *server) again(r recording, recordedID, id string) *answer {
	path := strings.ReplaceAll(r.Request.Path, recordedID, id)
	body, _ := r.Request.Body.(string)
	return s.send(r.Request.Method, path, r.Request.ContentType, body)
}

func TestAnswersHaveTheRecordedShape(t *testing.T) {
	const recordedID = "3g5GW7Mghk0vzBg48mJga"
	s := start(t, nil)
	check := func(name string, r recording, a *answer) {
		t.Run(name, func(t *testing.T) {
			a.t = t
			a.is(r.Status)
			covers(t, "", r.Body, a.at())
		})
	}
	for _, name := range []string{
		"flow-create", "flow-create-json", "flow-create-duplicate", "flow-create-bad-yaml", "flow-create-missing-required",
		"flow-create-no-body", "flow-create-unknown-type", "flow-update-same", "flow-get", "flow-get-source", "flow-get-404",
		"flow-get-revision", "flow-revisions", "flow-task", "flows-namespace", "flow-distinct-namespaces", "graph-post",
		"validate-ok", "validate-multi", "validate-task", "validate-task-bad", "flows-search", "flows-search-labels", "flow-update",
	} {
		r := recorded(t, name)
		check(name, r, s.again(r, recordedID, ""))
	}
	x := s.form("/executions/io.kestra.shapes/shapes?wait=true&labels=a:b", map[string]string{"name": "bob", "@f": "content"}).
		is(200).has("SUCCESS", "state", "current")
	check("execution-create-wait", recorded(t, "execution-create-wait"), x)
	later := s.form("/executions/io.kestra.shapes/shapes", map[string]string{"name": "bob"})
	check("execution-create", recorded(t, "execution-create"), later)
	s.await(later.id(), "SUCCESS")
	check("execution-inputs-validate", recorded(t, "execution-inputs-validate"), s.form("/executions/io.kestra.shapes/shapes/validate", map[string]string{"name": "bob"}))
	check("execution-create-404", recorded(t, "execution-create-404"), s.form("/executions/io.kestra.shapes/nope", nil))
	check("execution-resume-notpaused", recorded(t, "execution-resume-notpaused"), s.form("/executions/"+x.id()+"/resume", nil))
	file, _ := x.at("inputs", "f").(string)
	for _, name := range []string{"execution-file-metas", "execution-file-preview"} {
		suffix := strings.TrimPrefix(name, "execution-file-")
		check(name, recorded(t, name), s.get("/executions/"+x.id()+"/file/"+suffix+"?path="+url.QueryEscape(file)))
	}
	for _, name := range []string{
		"execution-get", "execution-get-404", "execution-flow", "execution-graph", "executions-list", "executions-search",
		"executions-search-flow", "executions-search-time", "executions-search-badsort", "logs", "logs-filter", "logs-search",
		"metrics-exec", "metrics-names", "metrics-tasks", "execution-file-forbidden", "execution-labels", "execution-labels-system",
		"execution-replay",
	} {
		r := recorded(t, name)
		if body, ok := r.Request.Body.(map[string]any); ok {
			r.Request.Body = string(must(json.Marshal(body)))
		}
		check(name, r, s.again(r, recordedID, x.id()))
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
