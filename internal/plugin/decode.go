package plugin

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// Render evaluates a text of a flow. Typed keeps the type of a text that is one expression.
type Render func(text string, typed bool) (any, error)

// Decode makes the type's struct from properties as a flow has them, rendering every expression. Errors name the property.
func (t *Type) Decode(props *value.Map, render Render) (any, error) {
	v := t.New()
	d := &decoder{render: render, registry: t.registry}
	if err := d.fields(reflect.ValueOf(v).Elem(), t.props, props, ""); err != nil {
		return nil, err
	}
	return v, nil
}

// decoder makes Go values of rendered ones.
type decoder struct {
	render   Render
	registry *Registry
}

func (d *decoder) fields(dst reflect.Value, props []Property, src *value.Map, path string) error {
	for i := range props {
		p := &props[i]
		if p.Kind.Structural() {
			continue
		}
		written, ok := get(src, p)
		if !ok || written == nil {
			switch {
			case p.Default != "":
				written = p.Default
			case p.Required:
				return fmt.Errorf("%s is required", join(path, p.Name))
			default:
				if err := d.defaults(dst.FieldByIndex(p.index), p, join(path, p.Name)); err != nil {
					return err
				}
				continue
			}
		}
		if err := d.decode(dst.FieldByIndex(p.index), p, written, join(path, p.Name)); err != nil {
			return err
		}
	}
	return nil
}

// defaults gives the fields of an object that was left out their defaults.
func (d *decoder) defaults(dst reflect.Value, p *Property, path string) error {
	if p.Kind != Object || dst.Kind() != reflect.Struct {
		return nil
	}
	for i := range p.Fields {
		f := &p.Fields[i]
		at := join(path, f.Name)
		if f.Default == "" {
			if err := d.defaults(dst.FieldByIndex(f.index), f, at); err != nil {
				return err
			}
			continue
		}
		if err := d.decode(dst.FieldByIndex(f.index), f, f.Default, at); err != nil {
			return err
		}
	}
	return nil
}

func get(src *value.Map, p *Property) (any, bool) {
	if v, ok := src.Get(p.Name); ok {
		return v, true
	}
	for _, a := range p.Aliases {
		if v, ok := src.Get(a); ok {
			return v, true
		}
	}
	return nil, false
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// decode renders what was written and puts it into dst.
func (d *decoder) decode(dst reflect.Value, p *Property, written any, path string) error {
	if p.Kind == Nested {
		return d.nested(dst, written, path)
	}
	v := written
	if !p.Static && !p.Raw {
		var err error
		if v, err = d.rendered(p, written, p.Typed); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return convert(dst, p, v, path)
}

// rendered renders the texts of a value. With typed, a text that is one expression keeps its type: the value itself, or each
// element of what is declared to be a list or a map, but never what is deeper within. Objects are rendered as a whole, the defaults of their fields filled in: what comes
// of it needs no further rendering.
func (d *decoder) rendered(p *Property, v any, typed bool) (any, error) {
	if p.Static || p.Raw {
		return v, nil
	}
	switch v := v.(type) {
	case string:
		if strings.IndexByte(v, '{') < 0 {
			return v, nil
		}
		return d.render(v, typed)
	case []any:
		elem, typed := p, typed && p.Kind == List
		if p.Kind == List {
			elem = p.Elem
		}
		out := make([]any, len(v))
		for i, e := range v {
			r, err := d.rendered(elem, e, typed)
			if err != nil {
				return nil, err
			}
			out[i] = r
		}
		return out, nil
	case *value.Map:
		if p.Kind == Object {
			return d.renderedObject(p, v)
		}
		return d.renderedMap(p, v, typed)
	}
	return v, nil
}

func (d *decoder) renderedMap(p *Property, m *value.Map, typed bool) (any, error) {
	elem, typed := p, typed && p.Kind == Map
	if p.Kind == Map {
		elem = p.Elem
	}
	out := value.NewMap(m.Len())
	for k, e := range m.All() {
		key, err := d.rendered(&Property{}, k, false)
		if err != nil {
			return nil, err
		}
		r, err := d.rendered(elem, e, typed)
		if err != nil {
			return nil, err
		}
		if name := value.Print(key); !out.Has(name) {
			out.Set(name, r)
		}
	}
	return out, nil
}

func (d *decoder) renderedObject(p *Property, m *value.Map) (any, error) {
	out := value.NewMap(m.Len())
	for i := range p.Fields {
		f := &p.Fields[i]
		v, _ := get(m, f)
		if v == nil {
			if v = f.Default; f.Default == "" {
				continue
			}
		}
		r, err := d.rendered(f, v, f.Typed)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		out.Set(f.Name, r)
	}
	return out, nil
}

func (d *decoder) nested(dst reflect.Value, written any, path string) error {
	m, ok := written.(*value.Map)
	if !ok {
		return fmt.Errorf("%s: expected an object with a type, got %s", path, value.TypeName(written))
	}
	name, _ := m.Get("type")
	t, ok := d.registry.Lookup(value.Print(name))
	if program := d.registry.Program(value.Print(name)); program != "" {
		return fmt.Errorf("%s: the type %s is in %s, not in this program", path, value.Print(name), program)
	}
	if !ok {
		return fmt.Errorf("%s: there is no type %q", path, value.Print(name))
	}
	v, err := t.Decode(m, d.render)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if dst.Kind() == reflect.Pointer {
		dst.Set(reflect.New(dst.Type().Elem()))
		dst = dst.Elem()
	}
	dst.Set(reflect.ValueOf(Plugin{NestedType{t, v}}))
	return nil
}

// convert puts a rendered value into dst. An empty text or null leaves anything but a string as it is.
func convert(dst reflect.Value, p *Property, v any, path string) error {
	if v == nil {
		return nil
	}
	if dst.Kind() == reflect.Pointer {
		if v == "" && p.Kind != String {
			return nil
		}
		n := reflect.New(dst.Type().Elem())
		if err := convert(n.Elem(), p, v, path); err != nil {
			return err
		}
		dst.Set(n)
		return nil
	}
	if s, ok := v.(string); ok && p.Kind != String && p.Kind != Any {
		s = strings.TrimSpace(s)
		if s == "" || s == "null" {
			return nil
		}
		v = s
	}
	err := assign(dst, p, v, path)
	if err != nil && !strings.HasPrefix(err.Error(), path) {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return err
}

func assign(dst reflect.Value, p *Property, v any, path string) error {
	switch p.Kind {
	case Any:
		dst.Set(reflect.ValueOf(v))
	case String:
		s := value.Print(v) // lists and maps become JSON
		if len(p.Enum) > 0 && !slices.Contains(p.Enum, s) {
			return fmt.Errorf("%q is none of %s", s, strings.Join(p.Enum, ", "))
		}
		if !p.Matches(s) {
			return fmt.Errorf("%q does not match %s", s, p.Pattern)
		}
		dst.SetString(s)
	case Boolean:
		return assignBool(dst, v)
	case Integer:
		n, err := integer(v)
		if err != nil {
			return err
		}
		dst.SetInt(n)
		return bounds(p, float64(n))
	case Number:
		f, err := number(v)
		if err != nil {
			return err
		}
		dst.SetFloat(f)
		return bounds(p, f)
	case Duration:
		if vd, ok := v.(value.Duration); ok {
			dst.SetInt(int64(vd))
			return nil
		}
		dur, err := model.ParseDuration(value.Print(v))
		if err != nil {
			return err
		}
		dst.SetInt(int64(dur))
	case DateTime:
		at, err := ParseTime(value.Print(v))
		if err != nil {
			return err
		}
		dst.Set(reflect.ValueOf(at))
	case Level:
		l, err := model.ParseLevel(strings.ToUpper(value.Print(v)))
		if err != nil {
			return err
		}
		dst.SetUint(uint64(l))
	case List:
		return assignList(dst, p, v, path)
	case Map:
		return assignMap(dst, p, v, path)
	case Object:
		return assignObject(dst, p, v, path)
	}
	return nil
}

func assignBool(dst reflect.Value, v any) error {
	switch t := v.(type) {
	case bool:
		dst.SetBool(t)
		return nil
	case string:
		switch t {
		case "true", "True", "TRUE":
			dst.SetBool(true)
			return nil
		case "false", "False", "FALSE":
			dst.SetBool(false)
			return nil
		}
	}
	return fmt.Errorf("%s is not true or false", quoted(v))
}

func integer(v any) (int64, error) {
	if n, ok := value.AsInt(v); ok {
		return n, nil
	}
	if f, ok := value.AsFloat(v); ok && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return int64(f), nil
	}
	if s, ok := v.(string); ok {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%s is not a whole number", quoted(v))
}

func number(v any) (float64, error) {
	if f, ok := value.AsFloat(v); ok {
		return f, nil
	}
	if s, ok := v.(string); ok {
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return f, nil
		}
	}
	return 0, fmt.Errorf("%s is not a number", quoted(v))
}

func bounds(p *Property, f float64) error {
	if p.Min != nil && f < *p.Min {
		return fmt.Errorf("it must be at least %s", strconv.FormatFloat(*p.Min, 'f', -1, 64))
	}
	if p.Max != nil && f > *p.Max {
		return fmt.Errorf("it must be at most %s", strconv.FormatFloat(*p.Max, 'f', -1, 64))
	}
	return nil
}

// fromText reads the JSON that a text stands for where a list or an object is expected.
func fromText(v any) (any, error) {
	s, ok := v.(string)
	if !ok {
		return v, nil
	}
	return value.ParseJSON([]byte(s))
}

func assignList(dst reflect.Value, p *Property, v any, path string) error {
	parsed, err := fromText(v)
	list, ok := parsed.([]any)
	if err != nil || !ok {
		if p.Elem.Kind != String {
			return fmt.Errorf("expected a list, got %s", quoted(v))
		}
		list = []any{v} // one text where several may stand
	}
	out := reflect.MakeSlice(dst.Type(), len(list), len(list))
	for i, e := range list {
		if err := convert(out.Index(i), p.Elem, e, fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return err
		}
	}
	dst.Set(out)
	return nil
}

func assignMap(dst reflect.Value, p *Property, v any, path string) error {
	parsed, err := fromText(v)
	m, ok := value.AsMap(parsed)
	if err != nil || !ok {
		return fmt.Errorf("expected a map, got %s", quoted(v))
	}
	out := reflect.MakeMapWithSize(dst.Type(), m.Len())
	for k, e := range m.All() {
		elem := reflect.New(dst.Type().Elem()).Elem()
		if err := convert(elem, p.Elem, e, join(path, k)); err != nil {
			return err
		}
		out.SetMapIndex(reflect.ValueOf(k).Convert(dst.Type().Key()), elem)
	}
	dst.Set(out)
	return nil
}

func assignObject(dst reflect.Value, p *Property, v any, path string) error {
	parsed, err := fromText(v)
	m, ok := value.AsMap(parsed)
	if err != nil || !ok {
		return fmt.Errorf("expected an object, got %s", quoted(v))
	}
	plain := &decoder{render: func(text string, _ bool) (any, error) { return text, nil }}
	return plain.fields(dst, p.Fields, m, path)
}

func quoted(v any) string {
	s := value.Print(v)
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return strconv.Quote(s)
}

// ParseTime reads a date with time and offset, or one that is taken as UTC.
func ParseTime(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a date: expected ISO-8601 such as 2026-01-31T12:00:00Z", s)
}
