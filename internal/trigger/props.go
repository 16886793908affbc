package trigger

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// props reads properties that are never rendered. They were checked when the flow was compiled.
type props struct{ m *value.Map }

func (p props) get(name string) any {
	if p.m == nil {
		return nil
	}
	v, _ := p.m.Get(name)
	return v
}

func (p props) text(name string) string {
	v := p.get(name)
	if v == nil {
		return ""
	}
	return value.Print(v)
}

func (p props) flag(name string) bool { return p.text(name) == "true" }

func (p props) sub(name string) props {
	m, _ := p.get(name).(*value.Map)
	return props{m}
}

func (p props) list(name string) []any {
	l, _ := p.get(name).([]any)
	return l
}

func (p props) maps(name string) []props {
	var out []props
	for _, v := range p.list(name) {
		if m, ok := v.(*value.Map); ok {
			out = append(out, props{m})
		}
	}
	return out
}

func (p props) states(name string) []model.State {
	var out []model.State
	for _, v := range p.list(name) {
		if s, err := model.ParseState(value.Print(v)); err == nil {
			out = append(out, s)
		}
	}
	return out
}

func (p props) duration(name string) (time.Duration, error) {
	text := p.text(name)
	if text == "" {
		return 0, nil
	}
	d, err := model.ParseDuration(text)
	return d, inProperty(err, name)
}

// PropertyError says which property of a trigger cannot be read, by the keys that lead to it.
type PropertyError struct {
	Path []string
	Err  error
}

// Error is the property, and what is wrong with it.
func (e *PropertyError) Error() string { return strings.Join(e.Path, ".") + ": " + e.Err.Error() }

// Unwrap is what is wrong with it.
func (e *PropertyError) Unwrap() error { return e.Err }

// inProperty names the property that an error is about, or those that it is within; nil where there is no error.
func inProperty(err error, path ...string) error {
	var inner *PropertyError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &inner):
		return &PropertyError{append(path, inner.Path...), inner.Err}
	}
	return &PropertyError{path, err}
}

// rendered evaluates a text if it is an expression.
func rendered(text string, render func(string) (string, error)) (string, error) {
	if !strings.Contains(text, "{{") && !strings.Contains(text, "{%") {
		return text, nil
	}
	return render(text)
}

// dates reads a list of dates with time and offset, and sorts it. An expression may stand for the list, or for a date.
func (p props) dates(name string, render func(string) (string, error)) ([]time.Time, error) {
	list := p.list(name)
	if text, ok := p.get(name).(string); ok {
		out, err := rendered(text, render)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		v, err := value.ParseJSON([]byte(out))
		if list, ok = v.([]any); err != nil || !ok {
			return nil, fmt.Errorf("%s: %q is not a list of dates", name, out)
		}
	}
	var out []time.Time
	for _, v := range list {
		if i, ok := v.(value.Instant); ok {
			out = append(out, i.T.UTC())
			continue
		}
		text, err := rendered(value.Print(v), render)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return nil, fmt.Errorf("%s: %q is not a date with time and offset", name, text)
		}
		out = append(out, at.UTC())
	}
	slices.SortFunc(out, time.Time.Compare)
	return out, nil
}
