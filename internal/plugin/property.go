package plugin

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/sdk"
)

// Kind is what a property holds.
type Kind string

// The kinds of property.
const (
	String   Kind = "string"
	Integer  Kind = "integer"
	Number   Kind = "number"
	Boolean  Kind = "boolean"
	Duration Kind = "duration"
	DateTime Kind = "datetime"
	Level    Kind = "level"
	List     Kind = "list"
	Map      Kind = "map"
	Object   Kind = "object"
	Any      Kind = "any"
	// The kinds below are parts of a flow; package flow reads them, they are not decoded.
	TaskList      Kind = "tasks"
	SingleTask    Kind = "task"
	CaseMap       Kind = "cases"
	DagTaskList   Kind = "dagTasks"
	InputList     Kind = "inputs"
	ConditionList Kind = "conditions"
	ConditionMap  Kind = "conditionMap"
	Nested        Kind = "plugin" // a type of another category, such as a task runner
)

// Types of fields that hold parts of a flow.
type (
	// Tasks is a list of tasks.
	Tasks struct{}
	// OneTask is a single task.
	OneTask struct{}
	// Cases maps values to lists of tasks.
	Cases struct{}
	// DagTasks is a list of tasks with what they depend on.
	DagTasks struct{}
	// Inputs is a list of inputs.
	Inputs struct{}
	// Conditions is a list of conditions.
	Conditions struct{}
	// NamedConditions maps names to conditions.
	NamedConditions struct{}
	// State is the name of a state of an execution.
	State string
	// Plugin is a type of the category that the tag category names. It is decoded to a *NestedType.
	Plugin struct{ NestedType }
)

// NestedType is a type used as a property of another one.
type NestedType struct {
	Type  *Type
	Value any // what Type.Decode gave
}

var structural = map[reflect.Type]Kind{
	reflect.TypeFor[Tasks]():           TaskList,
	reflect.TypeFor[OneTask]():         SingleTask,
	reflect.TypeFor[Cases]():           CaseMap,
	reflect.TypeFor[DagTasks]():        DagTaskList,
	reflect.TypeFor[Inputs]():          InputList,
	reflect.TypeFor[Conditions]():      ConditionList,
	reflect.TypeFor[NamedConditions](): ConditionMap,
	reflect.TypeFor[Plugin]():          Nested,
}

// Structural tells whether the kind is a part of a flow rather than a value.
func (k Kind) Structural() bool {
	switch k {
	case TaskList, SingleTask, CaseMap, DagTaskList, InputList, ConditionList, ConditionMap:
		return true
	}
	return false
}

// Property describes one property of a type.
type Property struct {
	Name     string
	Aliases  []string
	Kind     Kind
	Elem     *Property  // of a List or a Map
	Fields   []Property // of an Object
	Category Category   // of a Nested type
	Required bool
	// Static properties are taken as written; all others may hold expressions.
	Static bool
	// Raw properties may hold expressions that the task evaluates itself.
	Raw bool
	// Typed properties keep the type of a text that is one expression.
	Typed      bool
	Default    string // as text, "" if there is none
	Enum       []string
	Min, Max   *float64
	Pattern    string
	Doc        string
	Deprecated string

	index   []int // of the field, through embedded structs
	typ     reflect.Type
	pattern *regexp.Regexp
}

// Matches tells whether a text matches the property's pattern, if it has one.
func (p *Property) Matches(s string) bool { return p.pattern == nil || p.pattern.MatchString(s) }

// describe reads the properties of the struct that v points to.
func describe(v any) ([]Property, error) {
	t := reflect.TypeOf(v)
	if t == nil || t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("%T is not a pointer to a struct", v)
	}
	return fieldsOf(t.Elem())
}

func fieldsOf(t reflect.Type) ([]Property, error) {
	var props []Property
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		if f.Anonymous && f.Type.Kind() == reflect.Struct && f.Tag.Get("json") == "" {
			embedded, err := fieldsOf(f.Type)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.Name, err)
			}
			for _, p := range embedded {
				p.index = append([]int{i}, p.index...)
				props = append(props, p)
			}
			continue
		}
		p, err := propertyOf(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		if p.Name == "-" {
			continue
		}
		p.index = []int{i}
		props = append(props, p)
	}
	return props, nil
}

func propertyOf(f reflect.StructField) (Property, error) {
	p, err := kindOf(f.Type)
	if err != nil {
		return p, err
	}
	p.Name = f.Tag.Get("json")
	if p.Name == "" {
		return p, fmt.Errorf("it has no json tag")
	}
	p.Required = f.Tag.Get("required") == "true"
	p.Static = f.Tag.Get("static") == "true"
	p.Typed = f.Tag.Get("typed") == "true"
	p.Raw = p.Raw || f.Tag.Get("raw") == "true"
	p.Default = f.Tag.Get("default")
	p.Doc, p.Deprecated, p.Pattern = f.Tag.Get("doc"), f.Tag.Get("deprecated"), f.Tag.Get("pattern")
	p.Category = Category(f.Tag.Get("category"))
	p.Aliases = listTag(f, "alias")
	if words := listTag(f, "enum"); p.Elem != nil && words != nil {
		p.Elem.Enum = words // each element is one of them
	} else if words != nil {
		p.Enum = words
	}
	if p.Pattern != "" {
		if p.pattern, err = regexp.Compile(p.Pattern); err != nil {
			return p, err
		}
	}
	if p.Min, err = numberTag(f, "min"); err != nil {
		return p, err
	}
	p.Max, err = numberTag(f, "max")
	return p, err
}

func listTag(f reflect.StructField, name string) []string {
	if v := f.Tag.Get(name); v != "" {
		return strings.Split(v, ",")
	}
	return nil
}

func numberTag(f reflect.StructField, name string) (*float64, error) {
	v := f.Tag.Get(name)
	if v == "" {
		return nil, nil
	}
	n, err := strconv.ParseFloat(v, 64)
	return &n, err
}

// kindOf describes a Go type.
func kindOf(t reflect.Type) (Property, error) {
	p := Property{typ: t}
	if k, ok := structural[t]; ok {
		p.Kind = k
		return p, nil
	}
	switch t {
	case reflect.TypeFor[sdk.Template]():
		p.Kind, p.Raw = String, true
		return p, nil
	case reflect.TypeFor[sdk.Duration]():
		p.Kind = Duration
		return p, nil
	case reflect.TypeFor[time.Time]():
		p.Kind = DateTime
		return p, nil
	case reflect.TypeFor[State]():
		p.Kind = String
		for _, s := range model.States() {
			p.Enum = append(p.Enum, s.String())
		}
		return p, nil
	case reflect.TypeFor[sdk.Level]():
		p.Kind, p.Enum = Level, []string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR"}
		return p, nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		inner, err := kindOf(t.Elem())
		inner.typ = t
		return inner, err
	case reflect.String:
		p.Kind = String
	case reflect.Bool:
		p.Kind = Boolean
	case reflect.Int, reflect.Int64:
		p.Kind = Integer
	case reflect.Float64:
		p.Kind = Number
	case reflect.Interface:
		p.Kind = Any
	case reflect.Slice, reflect.Map:
		elem, err := kindOf(t.Elem())
		if err != nil {
			return p, err
		}
		p.Kind, p.Elem, p.Raw = List, &elem, elem.Raw
		if t.Kind() == reflect.Map {
			p.Kind = Map
		}
	case reflect.Struct:
		p.Kind = Object
		fields, err := fieldsOf(t)
		p.Fields = fields
		return p, err
	default:
		return p, fmt.Errorf("fields of type %s are not supported", t)
	}
	return p, nil
}

// Find returns the property of that name or alias.
func Find(props []Property, name string) *Property {
	for i := range props {
		if props[i].Name == name {
			return &props[i]
		}
		for _, a := range props[i].Aliases {
			if a == name {
				return &props[i]
			}
		}
	}
	return nil
}

// TimeWindow is the window of time within which several things have to happen. It is here because triggers and conditions
// have it alike.
type TimeWindow struct {
	Type          string `json:"type" default:"DURATION_WINDOW" static:"true" enum:"DAILY_TIME_DEADLINE,DAILY_TIME_WINDOW,DURATION_WINDOW,SLIDING_WINDOW" doc:"What kind of window it is."`
	Deadline      string `json:"deadline" static:"true" doc:"The time of day that ends a DAILY_TIME_DEADLINE."`
	Window        string `json:"window" static:"true" doc:"How long a DURATION_WINDOW or SLIDING_WINDOW is, as an ISO-8601 duration."`
	WindowAdvance string `json:"windowAdvance" static:"true" doc:"By how much a DURATION_WINDOW is shifted."`
	StartTime     string `json:"startTime" static:"true" doc:"The time of day that begins a DAILY_TIME_WINDOW."`
	EndTime       string `json:"endTime" static:"true" doc:"The time of day that ends it."`
	Timezone      string `json:"timezone" static:"true" doc:"The time zone of the times of day; without it the server's."`
}
