package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"

	"go.yaml.in/yaml/v4"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/expr/yamltext"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

func (a *API) flowTaskRoutes() {
	a.route("GET", "/flows/{namespace}/{id}/tasks/{taskId}", a.taskOfFlow)
	a.route("PATCH", "/flows/{namespace}/{id}/{taskId}", a.updateTask)
}

// taskLists are the properties of a flow that hold tasks.
var taskLists = []string{"tasks", "errors", "finally", "afterExecution", "listeners"}

// taskOfFlow gives one task as it is written.
func (a *API) taskOfFlow(w http.ResponseWriter, r *http.Request) error {
	f, err := a.flowAt(r)
	if err != nil {
		return err
	}
	id := r.PathValue("taskId")
	for _, list := range taskLists {
		v, _ := f.Document.Get(list)
		if task := findTask(v, id); task != nil {
			return writeValue(w, task)
		}
	}
	return notFound("Not Found: the flow has no task " + id)
}

// findTask finds a task within what is written in a flow.
func findTask(v any, id string) *value.Map {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if task := findTask(e, id); task != nil {
				return task
			}
		}
	case *value.Map:
		if name, _ := v.Get("id"); name == id && v.Has("type") {
			return v
		}
		for _, e := range v.All() {
			if task := findTask(e, id); task != nil {
				return task
			}
		}
	}
	return nil
}

// updateTask stores a new revision of a flow in which one task is another. The rest of the source stays, its comments too.
func (a *API) updateTask(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("taskId")
	src, err := readFlow(r)
	if err != nil {
		return err
	}
	task, err := yamltext.Read(string(src))
	if err != nil {
		return invalid(err.Error())
	}
	if m, ok := value.AsMap(task); !ok || value.Print(memberOf(m, "id")) != id {
		return invalid("id: the task's id is to be " + id)
	}
	key := model.FlowKey{Tenant: Tenant, Namespace: r.PathValue("namespace"), ID: r.PathValue("id")}
	rec, err := a.Backend.Flows().Get(r.Context(), key, false)
	if err != nil {
		return err
	}
	source, err := replaceTask(rec.Source, id, yamltext.Write(task))
	if err != nil {
		return err
	}
	f, err := a.compileFlow(source)
	if err != nil {
		return err
	}
	saved, err := a.StoreFlow(r.Context(), f, rec.Revision)
	if errors.Is(err, backend.ErrConflict) {
		return conflict("the flow was changed meanwhile")
	}
	if err != nil {
		return err
	}
	return a.writeFlow(w, saved, false)
}

func memberOf(m *value.Map, name string) any {
	v, _ := m.Get(name)
	return v
}

// replaceTask puts another task into a flow's source.
func replaceTask(source, id, task string) ([]byte, error) {
	var doc, replacement yaml.Node
	if err := errors.Join(yaml.Unmarshal([]byte(source), &doc), yaml.Unmarshal([]byte(task), &replacement)); err != nil {
		return nil, invalid(err.Error())
	}
	root := doc.Content[0]
	for i := 0; i+1 < len(root.Content); i += 2 {
		for _, list := range taskLists {
			if root.Content[i].Value != list {
				continue
			}
			if n := taskNode(root.Content[i+1], id); n != nil {
				fresh := replacement.Content[0]
				fresh.HeadComment, fresh.FootComment = n.HeadComment, n.FootComment
				*n = *fresh
				return encodeNode(&doc)
			}
		}
	}
	return nil, notFound(fmt.Sprintf("Not Found: the flow has no task %s", id))
}

// taskNode finds a task in a source, as findTask does in a document.
func taskNode(n *yaml.Node, id string) *yaml.Node {
	if n.Kind == yaml.MappingNode {
		named, typed := false, false
		for i := 0; i+1 < len(n.Content); i += 2 {
			named = named || n.Content[i].Value == "id" && n.Content[i+1].Value == id
			typed = typed || n.Content[i].Value == "type"
		}
		if named && typed {
			return n
		}
	}
	for _, e := range n.Content {
		if found := taskNode(e, id); found != nil {
			return found
		}
	}
	return nil
}

func encodeNode(doc *yaml.Node) ([]byte, error) {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	err := errors.Join(enc.Encode(doc), enc.Close())
	return b.Bytes(), err
}
