package flowtest

import (
	"fmt"
	"strings"

	"github.com/windhover-io/windhover/internal/value"
)

// Outcome is what one operator of an assertion came to.
type Outcome struct {
	Operator     string `json:"operator"`
	Expected     any    `json:"expected"`
	Actual       any    `json:"actual"`
	Success      bool   `json:"isSuccess"`
	TaskID       string `json:"taskId,omitempty"`
	Description  string `json:"description,omitempty"`
	ErrorMessage string `json:"errorMessage,omitempty"`
}

// operator is one comparison of an assertion.
type operator struct {
	name     string
	expected operand
	holds    func(actual, expected any) (bool, error)
}

// operators lists those that an assertion has, in the order of its properties.
func (a *Assertion) operators() []operator {
	all := []operator{
		{"EQUAL_TO", a.EqualTo, func(x, y any) (bool, error) { return same(x, y), nil }},
		{"NOT_EQUAL_TO", a.NotEqualTo, func(x, y any) (bool, error) { return !same(x, y), nil }},
		{"STARTS_WITH", a.StartsWith, onTexts(strings.HasPrefix)},
		{"ENDS_WITH", a.EndsWith, onTexts(strings.HasSuffix)},
		{"CONTAINS", a.Contains, contains},
		{"GREATER_THAN", a.GreaterThan, ordered(func(order int) bool { return order > 0 })},
		{"GREATER_THAN_OR_EQUAL_TO", a.GreaterThanEq, ordered(func(order int) bool { return order >= 0 })},
		{"LESS_THAN", a.LessThan, ordered(func(order int) bool { return order < 0 })},
		{"LESS_THAN_OR_EQUAL_TO", a.LessThanEq, ordered(func(order int) bool { return order <= 0 })},
		{"IN", a.In, func(x, y any) (bool, error) { return contains(y, x) }},
		{"NOT_IN", a.NotIn, func(x, y any) (bool, error) { in, err := contains(y, x); return !in, err }},
		{"IS_NULL", a.IsNull, func(x, y any) (bool, error) { return (x == nil) == isTrue(y), nil }},
		{"IS_NOT_NULL", a.IsNotNull, func(x, y any) (bool, error) { return (x != nil) == isTrue(y), nil }},
	}
	var out []operator
	for _, o := range all {
		if o.expected.v != nil {
			out = append(out, o)
		}
	}
	return out
}

func isTrue(v any) bool { return value.Print(v) == "true" }

// same compares values; a text is the same as what prints like it, as expressions often give texts.
func same(x, y any) bool {
	if value.Equal(x, y) {
		return true
	}
	_, xText := x.(string)
	_, yText := y.(string)
	return (xText || yText) && value.Print(x) == value.Print(y)
}

func onTexts(holds func(text, part string) bool) func(x, y any) (bool, error) {
	return func(x, y any) (bool, error) { return holds(value.Print(x), value.Print(y)), nil }
}

// contains tells whether a list has an element, a map a key, or a text a part.
func contains(x, y any) (bool, error) {
	if list, ok := x.([]any); ok {
		for _, e := range list {
			if same(e, y) {
				return true, nil
			}
		}
		return false, nil
	}
	if m, ok := value.AsMap(x); ok {
		return m.Has(value.Print(y)), nil
	}
	return strings.Contains(value.Print(x), value.Print(y)), nil
}

// ordered compares numbers, also those that are written as texts.
func ordered(holds func(order int) bool) func(x, y any) (bool, error) {
	return func(x, y any) (bool, error) {
		a, err := number(x)
		if err != nil {
			return false, err
		}
		b, err := number(y)
		if err != nil {
			return false, err
		}
		order, _ := value.CompareNumbers(a, b)
		return holds(order), nil
	}
}

func number(v any) (any, error) {
	if text, ok := v.(string); ok {
		parsed, err := value.ParseJSON([]byte(strings.TrimSpace(text)))
		if err == nil {
			v = parsed
		}
	}
	if _, ok := value.CompareNumbers(v, v); !ok {
		return nil, fmt.Errorf("%q is not a number", value.Print(v))
	}
	return v, nil
}

// check evaluates an assertion; render evaluates what is written in it.
func (a *Assertion) check(render func(any) (any, error)) ([]Outcome, error) {
	actual, err := render(a.Value.v)
	if err != nil {
		return nil, fmt.Errorf("value: %w", err)
	}
	var out []Outcome
	for _, o := range a.operators() {
		expected, err := render(o.expected.v)
		if err != nil {
			return out, err
		}
		holds, err := o.holds(actual, expected)
		if err != nil {
			return out, fmt.Errorf("%s: %w", o.name, err)
		}
		one := Outcome{Operator: o.name, Expected: expected, Actual: actual, Success: holds, TaskID: a.TaskID, Description: a.Description}
		if !holds {
			one.ErrorMessage = a.ErrorMessage
		}
		out = append(out, one)
	}
	return out, nil
}
