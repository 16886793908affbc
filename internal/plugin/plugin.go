// Package plugin knows the types that flows are made of: tasks, triggers, conditions, task runners. A type is described
// once, by a Go struct and a few words; from that come decoding and rendering of its properties, validation with "did you
// mean", JSON Schema and documentation.
package plugin

import (
	"fmt"
	"reflect"
	"sort"
	"strings"

	"github.com/windhover-io/windhover/internal/model"
)

// Category is what a type is for.
type Category string

// The categories.
const (
	Task       Category = "tasks"
	Trigger    Category = "triggers"
	Condition  Category = "conditions"
	TaskRunner Category = "taskRunners"
	Chart      Category = "charts"
	Data       Category = "dataFilters"
)

// Type describes one type.
type Type struct {
	// Name is the type's present name; Aliases are its older ones, which mean the same.
	Name     string
	Aliases  []string
	Category Category
	// Kind tells how a task is executed.
	Kind model.Kind
	// Trigger tells how a trigger comes to start executions.
	Trigger model.TriggerKind

	Title       string
	Description string // Markdown
	Deprecated  string // what to use instead; "" if it is not deprecated
	Examples    []Example

	// New returns a pointer to a new struct whose exported fields are the properties (see package sdk for the tags). For
	// a runnable task it implements sdk.Task.
	New func() any
	// Outputs is a zero value of the struct that a task returns, nil if it has no outputs.
	Outputs any
	// Pure tells that a run has no effect outside its result and its log, so that it may safely happen twice.
	Pure bool
	// WholeContext tells that the task evaluates text that is not in the flow, and so may read any variable.
	WholeContext bool

	props    []Property
	outputs  []Property
	registry *Registry
}

// Example is a piece of YAML that shows a type's use.
type Example struct {
	Title string
	YAML  string
	Full  bool // a whole flow rather than the task alone
}

// Registry holds the types of one process. It is filled at start and only read afterwards.
type Registry struct {
	types     map[string]*Type // by name and alias
	names     []string
	elsewhere map[string]string // programs by names of types
}

// NewRegistry returns an empty registry.
func NewRegistry() *Registry {
	return &Registry{types: map[string]*Type{}, elsewhere: map[string]string{}}
}

// Add registers types. A name that is taken, or a struct that cannot be described, is a programmer's error and panics.
func (r *Registry) Add(types ...Type) {
	for i := range types {
		t := &types[i]
		props, err := describe(t.New())
		if err != nil {
			panic(fmt.Sprintf("plugin %s: %v", t.Name, err))
		}
		t.props, t.outputs, t.registry = props, outputsOf(t.Outputs), r
		for _, name := range append([]string{t.Name}, t.Aliases...) {
			if r.types[name] != nil {
				panic("plugin type registered twice: " + name)
			}
			r.types[name] = t
		}
		r.names = append(r.names, t.Name)
	}
	sort.Strings(r.names)
}

// Lookup finds a type by its name or an alias.
func (r *Registry) Lookup(name string) (*Type, bool) {
	t, ok := r.types[name]
	return t, ok
}

// Elsewhere names types that this program may leave to another one, so that who uses them is told of it.
func (r *Registry) Elsewhere(program string, names ...string) {
	for _, name := range names {
		r.elsewhere[name] = program
	}
}

// Program is the program that has a type which this one has not, "" if none is known.
func (r *Registry) Program(name string) string {
	if r.types[name] != nil {
		return ""
	}
	return r.elsewhere[name]
}

// Types lists the types of a category by name; "" lists all.
func (r *Registry) Types(c Category) []*Type {
	var out []*Type
	for _, name := range r.names {
		if t := r.types[name]; c == "" || t.Category == c {
			out = append(out, t)
		}
	}
	return out
}

// Names lists every name and alias of a category, sorted, for suggestions.
func (r *Registry) Names(c Category) []string {
	var out []string
	for name, t := range r.types {
		if c == "" || t.Category == c {
			out = append(out, name)
		}
	}
	sort.Strings(out)
	return out
}

// Properties lists the properties that only this type has, in the order of its struct.
func (t *Type) Properties() []Property { return t.props }

// OutputProperties lists the outputs that the type describes, nil if it has none or any.
func (t *Type) OutputProperties() []Property { return t.outputs }

// outputsOf describes a struct of outputs. Fields of types that properties cannot have may hold anything.
func outputsOf(outputs any) []Property {
	t := reflect.TypeOf(outputs)
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	return outputFields(t)
}

func outputFields(t reflect.Type) []Property {
	var out []Property
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct { // its fields are as if they were the struct's own
			out = append(out, outputFields(f.Type)...)
			continue
		}
		if !f.IsExported() || name == "" || name == "-" {
			continue
		}
		p, err := kindOf(f.Type)
		if err != nil || p.Kind == Object && len(p.Fields) == 0 {
			p = Property{Kind: Any}
		}
		p.Name, p.Doc = name, f.Tag.Get("doc")
		out = append(out, p)
	}
	return out
}
