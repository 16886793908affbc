package plugin_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/value"
)

type described struct {
	Name  string            `json:"name" required:"true" doc:"A name | or two."`
	Mode  string            `json:"mode" enum:"A,B" static:"true" default:"A"`
	Count int               `json:"count" min:"1" default:"2" alias:"number"`
	Tags  map[string]string `json:"tags" static:"true"`
	Old   bool              `json:"old" deprecated:"mode"`
	Part  struct {
		Rows []int `json:"rows" static:"true"`
	} `json:"part" static:"true"`
	Tasks plugin.Tasks `json:"tasks"`
}

type describedOutput struct {
	URI   string   `json:"uri" doc:"Where it is."`
	Sizes []int32  `json:"sizes"`
	Kept  []string `json:"kept,omitempty"`
}

func describedType() *plugin.Type {
	reg := plugin.NewRegistry()
	reg.Add(plugin.Type{
		Name: "com.example.Copy", Aliases: []string{"com.example.old.Copy"}, Category: plugin.Task, Title: "Copy something.",
		Description: "It copies.", Deprecated: "com.example.Move", New: func() any { return &described{} }, Outputs: describedOutput{},
		Examples: []plugin.Example{{Title: "Copy it", YAML: "id: copy\n"}},
	})
	t, _ := reg.Lookup("com.example.old.Copy")
	return t
}

// asJSON turns a schema into Go values, so that only what it says is compared.
func asJSON(t *testing.T, m *value.Map) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal(value.AppendJSON(nil, m, value.JSONOptions{KeepNulls: true}), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSchema(t *testing.T) {
	got := asJSON(t, describedType().Schema(true))
	props := got["properties"].(map[string]any)
	anyText := []any{"string", "number", "boolean", "object", "array"}
	want := map[string]any{
		"type": map[string]any{"enum": []any{"com.example.Copy", "com.example.old.Copy"}, "description": "The type's name."},
		"name": map[string]any{"type": anyText, "description": "A name | or two."},
		"mode": map[string]any{"type": "string", "enum": []any{"A", "B"}, "default": "A"},
		"count": map[string]any{
			"anyOf": []any{map[string]any{"type": "integer", "minimum": 1.0}, map[string]any{"type": "string"}}, "default": 2.0,
		},
		"number": map[string]any{
			"anyOf": []any{map[string]any{"type": "integer", "minimum": 1.0}, map[string]any{"type": "string"}}, "default": 2.0, "deprecated": true,
		},
		"tags": map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "string"}},
		"old":  map[string]any{"anyOf": []any{map[string]any{"type": "boolean"}, map[string]any{"type": "string"}}, "deprecated": true},
		"part": map[string]any{"type": "object", "additionalProperties": false, "properties": map[string]any{
			"rows": map[string]any{"type": "array", "items": map[string]any{"type": "integer"}},
		}},
		"tasks": map[string]any{"type": "array", "items": map[string]any{"$ref": "#/$defs/task"}},
	}
	for name, w := range want {
		if d := cmp.Diff(w, props[name]); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	if d := cmp.Diff([]any{"id", "type", "name"}, got["required"]); d != "" {
		t.Error(d)
	}
	if got["additionalProperties"] != false || got["deprecated"] != true || got["title"] != "Copy something." {
		t.Errorf("%v", got)
	}
	for _, common := range []string{"id", "retry", "timeout", "runIf", "disabled"} {
		if props[common] == nil {
			t.Errorf("%s is missing, which every task has", common)
		}
	}
	alone := asJSON(t, describedType().Schema(false))
	if strings.Contains(string(value.AppendJSON(nil, describedType().Schema(false), value.JSONOptions{})), "$ref") {
		t.Errorf("a schema that stands alone refers to definitions: %v", alone)
	}
}

func TestOutputSchema(t *testing.T) {
	want := map[string]any{"type": "object", "properties": map[string]any{
		"uri":   map[string]any{"type": "string", "description": "Where it is."},
		"sizes": map[string]any{},
		"kept":  map[string]any{"type": "array", "items": map[string]any{"type": "string"}},
	}}
	if d := cmp.Diff(want, asJSON(t, describedType().OutputSchema())); d != "" {
		t.Error(d)
	}
	if s := (&plugin.Type{}).OutputSchema(); s != nil {
		t.Errorf("a type without outputs has the schema %v", s)
	}
}

func TestMarkdown(t *testing.T) {
	doc := describedType().Markdown()
	for _, part := range []string{
		"# Copy\n", `type: "com.example.Copy"`, "> **Deprecated.** Use `com.example.Move` instead.", "Older names: `com.example.old.Copy`.",
		"Copy it\n\n```yaml\nid: copy\n```", "| `name` | text | yes | yes |  | A name \\| or two. |",
		"| `mode` | text |  |  | `A` | One of `A`, `B`. |", "| `part.rows` | list of whole number |  |  |  |  |",
		"| `old` | boolean |  | yes |  | Deprecated: use mode. |", "| `count` | whole number |  | yes | `2` | Older names: `number`. |",
		"| `tasks` | list of tasks |", "| `uri` | text | Where it is. |",
	} {
		if !strings.Contains(doc, part) {
			t.Errorf("%q is not in:\n%s", part, doc)
		}
	}
}

func TestRegistry(t *testing.T) {
	reg := plugin.NewRegistry()
	add := func(name string, c plugin.Category, aliases ...string) {
		reg.Add(plugin.Type{Name: name, Aliases: aliases, Category: c, New: func() any { return &described{} }})
	}
	add("b", plugin.Task, "old.b")
	add("a", plugin.Task)
	add("c", plugin.Trigger)
	if d := cmp.Diff([]string{"a", "b", "old.b"}, reg.Names(plugin.Task)); d != "" {
		t.Error(d)
	}
	var names []string
	for _, typ := range reg.Types("") {
		names = append(names, typ.Name)
	}
	if d := cmp.Diff([]string{"a", "b", "c"}, names); d != "" {
		t.Error(d)
	}
	if typ, ok := reg.Lookup("old.b"); !ok || typ.Name != "b" {
		t.Error("an alias is not found")
	}
	if _, ok := reg.Lookup("d"); ok {
		t.Error("a type is found that is not there")
	}
	panics := func(what string, t2 plugin.Type) {
		defer func() {
			if recover() == nil {
				t.Errorf("%s: no panic", what)
			}
		}()
		reg.Add(t2)
	}
	panics("twice", plugin.Type{Name: "a", New: func() any { return &described{} }})
	panics("no struct", plugin.Type{Name: "x", New: func() any { return 1 }})
	panics("no tag", plugin.Type{Name: "y", New: func() any { return &struct{ A string }{} }})
	panics("a field that cannot be", plugin.Type{Name: "z", New: func() any {
		return &struct {
			A chan int `json:"a"`
		}{}
	}})
}
