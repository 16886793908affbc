package httpapi

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/windhover-io/windhover/internal/flow"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/value"
)

func (a *API) pluginRoutes() {
	a.route("GET", "/plugins", a.listPlugins)
	a.route("GET", "/plugins/groups/subgroups", a.pluginGroups)
	a.route("GET", "/plugins/icons", emptyObject)
	a.route("GET", "/plugins/icons/groups", emptyObject)
	a.route("GET", "/plugins/inputs", a.inputTypes)
	a.route("GET", "/plugins/schemas/{type}", a.languageSchema)
	a.route("GET", "/plugins/inputs/{type}", a.describeInput)
	a.route("GET", "/plugins/properties/{type}", a.languageProperties)
	a.route("GET", "/plugins/{cls}", a.describePlugin)
	a.route("GET", "/plugins/{cls}/versions", a.pluginVersions)
	a.route("GET", "/plugins/{cls}/versions/{version}", a.describeVersion)
}

// emptyObject answers what is asked for by name and there is none of: types have no icons of their own.
func emptyObject(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, struct{}{})
}

// pluginGroup is the types whose names begin alike.
type pluginGroup struct {
	Name        string          `json:"name"`
	Title       string          `json:"title"`
	Group       string          `json:"group"`
	Version     string          `json:"version,omitempty"`
	SubGroup    string          `json:"subGroup,omitempty"`
	Tasks       []pluginElement `json:"tasks"`
	Triggers    []pluginElement `json:"triggers"`
	Conditions  []pluginElement `json:"conditions"`
	TaskRunners []pluginElement `json:"taskRunners"`
	Charts      []pluginElement `json:"charts"`
	DataFilters []pluginElement `json:"dataFilters"`
	Aliases     []string        `json:"aliases"`
}

type pluginElement struct {
	Class      string `json:"cls"`
	Deprecated bool   `json:"deprecated"`
	Title      string `json:"title"`
}

func newGroup(name, version string) *pluginGroup {
	return &pluginGroup{
		Name: name[strings.LastIndexByte(name, '.')+1:], Title: name[strings.LastIndexByte(name, '.')+1:], Group: name, Version: version,
		Tasks: []pluginElement{}, Triggers: []pluginElement{}, Conditions: []pluginElement{}, TaskRunners: []pluginElement{},
		Charts: []pluginElement{}, DataFilters: []pluginElement{}, Aliases: []string{},
	}
}

func (g *pluginGroup) add(t *plugin.Type) {
	e := pluginElement{t.Name, t.Deprecated != "", t.Title}
	switch t.Category {
	case plugin.Task:
		g.Tasks = append(g.Tasks, e)
	case plugin.Trigger:
		g.Triggers = append(g.Triggers, e)
	case plugin.Condition:
		g.Conditions = append(g.Conditions, e)
	case plugin.TaskRunner:
		g.TaskRunners = append(g.TaskRunners, e)
	case plugin.Chart:
		g.Charts = append(g.Charts, e)
	case plugin.Data:
		g.DataFilters = append(g.DataFilters, e)
	}
	g.Aliases = append(g.Aliases, t.Aliases...)
}

// groups puts the types into groups by the first parts of their names, as many as depth.
func (a *API) groups(depth int) []*pluginGroup {
	byName := map[string]*pluginGroup{}
	out := []*pluginGroup{}
	for _, t := range a.Registry.Types("") {
		parts := strings.Split(t.Name, ".")
		name := strings.Join(parts[:min(depth, len(parts)-1)], ".")
		g := byName[name]
		if g == nil {
			g = newGroup(name, a.Version)
			byName[name] = g
			out = append(out, g)
		}
		g.add(t)
	}
	return out
}

// The parts of a type's name that name its plugin, and its part of the plugin: io.kestra.plugin.core, and .log after it.
const (
	pluginDepth   = 4
	subGroupDepth = 5
)

func (a *API) listPlugins(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, a.groups(pluginDepth))
}

func (a *API) pluginGroups(w http.ResponseWriter, _ *http.Request) error {
	list := a.groups(subGroupDepth)
	for _, g := range list {
		parts := strings.Split(g.Group, ".")
		g.SubGroup, g.Group = g.Group, strings.Join(parts[:min(pluginDepth, len(parts))], ".")
	}
	return writeJSON(w, http.StatusOK, list)
}

// inputTypes lists the types that inputs may have, as the schema of the language has them.
func (a *API) inputTypes(w http.ResponseWriter, _ *http.Request) error {
	out := []map[string]string{}
	for _, name := range inputNames(flow.Schema(a.Registry)) {
		out = append(out, map[string]string{"type": name, "cls": name})
	}
	return writeJSON(w, http.StatusOK, out)
}

// inputNames reads the names of the types of inputs from the schema.
func inputNames(schema *value.Map) []string {
	var out []string
	seen := map[string]bool{}
	var walk func(v any, within bool)
	walk = func(v any, within bool) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				if s, ok := e.(string); ok && within && !seen[s] {
					seen[s] = true
					out = append(out, s)
				}
				walk(e, within)
			}
		case *value.Map:
			for k, e := range v.All() {
				if s, ok := e.(string); ok && within && k == "const" && !seen[s] {
					seen[s] = true
					out = append(out, s)
				}
				walk(e, k == "enum" && within || k == "type" && value.IsMap(e))
			}
		}
	}
	defs, _ := schema.Get("$defs")
	m, _ := value.AsMap(defs)
	in, _ := m.Get(plugin.DefInput)
	walk(in, false)
	return out
}

// languageSchema is the JSON Schema of flows and of templates, or of tasks or triggers alone, or of a list of them.
func (a *API) languageSchema(w http.ResponseWriter, r *http.Request) error {
	schema, err := a.schemaOf(r.PathValue("type"))
	if err != nil {
		return err
	}
	if r.URL.Query().Get("arrayOf") != "true" {
		return writeValue(w, schema)
	}
	list := value.MapOf(value.Entry{Key: "$schema", Value: plugin.Dialect}, value.Entry{Key: "type", Value: "array"})
	if defs, ok := schema.Get("$defs"); ok {
		list.Set("$defs", defs)
	}
	items := schema.Clone()
	items.Delete("$defs")
	items.Delete("$schema")
	list.Set("items", items)
	return writeValue(w, list)
}

func (a *API) schemaOf(typ string) (*value.Map, error) {
	schema := flow.Schema(a.Registry)
	switch typ = strings.ToLower(typ); typ {
	case "flow", "template":
		return schema, nil
	case plugin.DefTask, plugin.DefTrigger:
		defs, _ := schema.Get("$defs")
		return value.MapOf(value.Entry{Key: "$schema", Value: plugin.Dialect},
			value.Entry{Key: "$ref", Value: "#/$defs/" + typ}, value.Entry{Key: "$defs", Value: defs}), nil
	}
	return nil, notFound("Not Found: there is no schema of " + typ + ", but of flow, template, task and trigger")
}

// languageProperties is the part of a schema that has the properties.
func (a *API) languageProperties(w http.ResponseWriter, r *http.Request) error {
	typ := strings.ToLower(r.PathValue("type"))
	schema, err := a.schemaOf(typ)
	if err != nil {
		return err
	}
	if typ == plugin.DefTask || typ == plugin.DefTrigger {
		defs, _ := schema.Get("$defs")
		m, _ := value.AsMap(defs)
		schema, _ = value.AsMap(memberOf(m, typ))
	}
	return writeValue(w, memberOf(schema, "properties"))
}

// describeInput gives the schema of a type of input.
func (a *API) describeInput(w http.ResponseWriter, r *http.Request) error {
	typ := strings.ToUpper(r.PathValue("type"))
	defs, _ := flow.Schema(a.Registry).Get("$defs")
	m, _ := value.AsMap(defs)
	schema, ok := m.Get(plugin.DefInput + "." + typ)
	if !ok {
		return notFound("Not Found: there is no type of input " + typ)
	}
	return writeValue(w, value.MapOf(value.Entry{Key: "markdown", Value: "# " + typ + "\n"},
		value.Entry{Key: "schema", Value: value.MapOf(value.Entry{Key: "properties", Value: schema})}))
}

// pluginVersions lists the versions of a type that can be used: the one that is built in.
func (a *API) pluginVersions(w http.ResponseWriter, r *http.Request) error {
	t, ok := a.Registry.Lookup(r.PathValue("cls"))
	if !ok {
		return notFound("Not Found: there is no type " + r.PathValue("cls"))
	}
	return writeJSON(w, http.StatusOK, struct {
		Type     string   `json:"type"`
		Versions []string `json:"versions"`
	}{t.Name, []string{a.Version}})
}

func (a *API) describeVersion(w http.ResponseWriter, r *http.Request) error {
	if v := r.PathValue("version"); v != a.Version {
		return notFound(fmt.Sprintf("Not Found: there is no version %s of %s, but %s", v, r.PathValue("cls"), a.Version))
	}
	return a.describePlugin(w, r)
}

// describePlugin gives the documentation and the schema of a type.
func (a *API) describePlugin(w http.ResponseWriter, r *http.Request) error {
	t, ok := a.Registry.Lookup(r.PathValue("cls"))
	if !ok {
		return notFound("Not Found: there is no type " + r.PathValue("cls"))
	}
	schema := value.MapOf(value.Entry{Key: "properties", Value: t.Schema(false)})
	if out := t.OutputSchema(); out != nil {
		schema.Set("outputs", out)
	}
	return writeValue(w, value.MapOf(value.Entry{Key: "markdown", Value: t.Markdown()}, value.Entry{Key: "schema", Value: schema}))
}
