package plugin

import (
	"strconv"

	"github.com/windhover-io/windhover/internal/value"
)

// Dialect is the version of JSON Schema that schemas are written in.
const Dialect = "https://json-schema.org/draft/2020-12/schema"

// Names of the definitions that schemas of types refer to where a part of a flow stands.
const (
	DefTask      = "task"
	DefTrigger   = "trigger"
	DefInput     = "input"
	DefCondition = "condition"
)

// Schema is the JSON Schema of the type's properties, those that all types of its category have included. Parts of a flow
// that stand in it, such as tasks, are only said to be objects; with refs they refer to definitions of the Def names and, of
// types of other categories, to those named after the category.
func (t *Type) Schema(refs bool) *value.Map {
	s := &schemas{refs: refs}
	names := []any{t.Name}
	for _, a := range t.Aliases {
		names = append(names, a)
	}
	m := s.object(append(append([]Property{}, Common(t.Category)...), t.props...))
	m.Set("title", t.Title)
	if t.Description != "" {
		m.Set("description", t.Description)
	}
	if t.Deprecated != "" {
		m.Set("deprecated", true)
	}
	props, _ := m.Get("properties")
	props.(*value.Map).Set("type", value.MapOf(value.Entry{Key: "enum", Value: names}, value.Entry{Key: "description", Value: "The type's name."}))
	var examples []any
	for _, e := range t.Examples {
		examples = append(examples, e.YAML)
	}
	if examples != nil {
		m.Set("examples", examples)
	}
	return m
}

// OutputSchema is the JSON Schema of the type's outputs, nil if it has none.
func (t *Type) OutputSchema() *value.Map {
	if t.Outputs == nil {
		return nil
	}
	s := &schemas{exact: true}
	m := s.object(t.outputs)
	m.Delete("additionalProperties")
	return m
}

// SchemaOf is the JSON Schema of an object with the given properties.
func SchemaOf(props []Property) *value.Map { return (&schemas{refs: true}).object(props) }

// schemas writes schemas.
type schemas struct {
	refs  bool
	exact bool // no expressions instead of values
}

func (s *schemas) object(props []Property) *value.Map {
	all, required := value.NewMap(len(props)), []any{}
	for i := range props {
		p := &props[i]
		described := s.property(p)
		all.Set(p.Name, described)
		for _, a := range p.Aliases {
			old := described.Clone()
			old.Set("deprecated", true)
			all.Set(a, old)
		}
		if p.Required && p.Default == "" && len(p.Aliases) == 0 {
			required = append(required, p.Name)
		}
	}
	m := value.MapOf(value.Entry{Key: "type", Value: "object"}, value.Entry{Key: "properties", Value: all})
	if len(required) > 0 {
		m.Set("required", required)
	}
	m.Set("additionalProperties", false)
	return m
}

// property is the schema of a property with what is known about it.
func (s *schemas) property(p *Property) *value.Map {
	m := s.shape(p)
	if p.Doc != "" {
		m.Set("description", p.Doc)
	}
	if p.Default != "" {
		m.Set("default", defaultValue(p))
	}
	if p.Deprecated != "" {
		m.Set("deprecated", true)
	}
	return m
}

// shape is the schema of the values of a property. Where expressions may stand, so may text.
func (s *schemas) shape(p *Property) *value.Map {
	m := s.exactShape(p)
	if p.Static || s.exact || p.Kind == Any || p.Kind == Nested || p.Kind.Structural() {
		return m
	}
	if p.Kind == String && len(p.Enum) == 0 {
		return keyed("type", []any{"string", "number", "boolean", "object", "array"}) // all of it becomes text
	}
	return keyed("anyOf", []any{m, keyed("type", "string")})
}

func (s *schemas) exactShape(p *Property) *value.Map {
	switch p.Kind {
	case Integer, Number:
		m := keyed("type", string(p.Kind))
		setBound(m, "minimum", p.Min)
		setBound(m, "maximum", p.Max)
		return m
	case Boolean:
		return keyed("type", "boolean")
	case Duration:
		if s.exact {
			return keyed("type", "number")
		}
		return keyed("type", []any{"string", "number"})
	case DateTime:
		return value.MapOf(value.Entry{Key: "type", Value: "string"}, value.Entry{Key: "format", Value: "date-time"})
	case List:
		return value.MapOf(value.Entry{Key: "type", Value: "array"}, value.Entry{Key: "items", Value: s.shape(inherit(p))})
	case Map:
		return value.MapOf(value.Entry{Key: "type", Value: "object"}, value.Entry{Key: "additionalProperties", Value: s.shape(inherit(p))})
	case Object:
		return s.object(p.Fields)
	case Any:
		return value.NewMap(1)
	case String, Level:
		return textShape(p)
	}
	return s.part(p)
}

// textShape is the schema of a property that is text.
func textShape(p *Property) *value.Map {
	m := keyed("type", "string")
	if len(p.Enum) > 0 {
		var words []any
		for _, w := range p.Enum {
			words = append(words, w)
		}
		m.Set("enum", words)
	}
	if p.Pattern != "" {
		m.Set("pattern", p.Pattern)
	}
	return m
}

// part is the schema of a property that is a part of a flow.
func (s *schemas) part(p *Property) *value.Map {
	list := func(of *value.Map) *value.Map {
		return value.MapOf(value.Entry{Key: "type", Value: "array"}, value.Entry{Key: "items", Value: of})
	}
	named := func(of *value.Map) *value.Map {
		return value.MapOf(value.Entry{Key: "type", Value: "object"}, value.Entry{Key: "additionalProperties", Value: of})
	}
	switch p.Kind {
	case SingleTask:
		return s.ref(DefTask)
	case CaseMap:
		return named(list(s.ref(DefTask)))
	case DagTaskList:
		props := value.MapOf(value.Entry{Key: "task", Value: s.ref(DefTask)}, value.Entry{Key: "dependsOn", Value: list(keyed("type", "string"))})
		item := value.MapOf(value.Entry{Key: "type", Value: "object"}, value.Entry{Key: "properties", Value: props},
			value.Entry{Key: "required", Value: []any{"task"}}, value.Entry{Key: "additionalProperties", Value: false})
		return list(item)
	case InputList:
		return list(s.ref(DefInput))
	case ConditionList:
		return list(s.ref(DefCondition))
	case ConditionMap:
		return named(s.ref(DefCondition))
	case Nested:
		return s.ref(string(p.Category))
	}
	return list(s.ref(DefTask))
}

func (s *schemas) ref(name string) *value.Map {
	if s.refs {
		return keyed("$ref", "#/$defs/"+name)
	}
	return keyed("type", "object")
}

// inherit is the description of the elements of a list or map.
func inherit(p *Property) *Property {
	e := *p.Elem
	e.Static = e.Static || p.Static
	return &e
}

func keyed(key string, v any) *value.Map { return value.MapOf(value.Entry{Key: key, Value: v}) }

func setBound(m *value.Map, key string, bound *float64) {
	if bound != nil {
		m.Set(key, *bound)
	}
}

// defaultValue is a default in the type of its property.
func defaultValue(p *Property) any {
	switch p.Kind {
	case Integer:
		if n, err := strconv.ParseInt(p.Default, 10, 64); err == nil {
			return value.Int(n)
		}
	case Number:
		if f, err := strconv.ParseFloat(p.Default, 64); err == nil {
			return f
		}
	case Boolean:
		if b, err := strconv.ParseBool(p.Default); err == nil {
			return b
		}
	}
	return p.Default
}
