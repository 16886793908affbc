package expr

import (
	"fmt"

	"github.com/windhover-io/windhover/internal/value"
)

// invocation is one call of a filter or function.
type invocation struct {
	st     *state
	in     any // what is filtered
	args   []any
	params []string
}

// arg returns the i-th argument and whether it was given; it may be null.
func (c *invocation) arg(i int) (any, bool) {
	if i < 0 || i >= len(c.args) {
		return nil, false
	}
	if _, no := c.args[i].(absent); no {
		return nil, false
	}
	return c.args[i], true
}

// optional returns an argument that may be left out; null counts as left out.
func (c *invocation) optional(i int) any {
	v, _ := c.arg(i)
	return v
}

// required returns an argument that must be given; it may be null.
func (c *invocation) required(i int) (any, error) {
	v, ok := c.arg(i)
	if !ok {
		return nil, fmt.Errorf("the argument %q is required", c.params[i])
	}
	return v, nil
}

// text returns an argument that must be a string.
func (c *invocation) text(i int) (string, error) {
	v, err := c.required(i)
	if err != nil {
		return "", err
	}
	return c.asText(i, v)
}

func (c *invocation) asText(i int, v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", fmt.Errorf("the argument %q must be a string, found %s", c.params[i], value.TypeName(v))
	}
	return s, nil
}

// textOr returns an argument that must be a string, or def where it is left out or null.
func (c *invocation) textOr(i int, def string) (string, error) {
	v := c.optional(i)
	if v == nil {
		return def, nil
	}
	return c.asText(i, v)
}

// integer returns an argument that must be a whole number.
func (c *invocation) integer(i int) (int64, error) {
	v, err := c.required(i)
	if err != nil {
		return 0, err
	}
	return c.asInteger(i, v)
}

func (c *invocation) asInteger(i int, v any) (int64, error) {
	n, ok := value.AsInt(v)
	if !ok {
		return 0, fmt.Errorf("the argument %q must be an integer, found %s", c.params[i], value.TypeName(v))
	}
	return n, nil
}

// boolean returns an argument that must be a boolean, or def where it is left out or null.
func (c *invocation) boolean(i int, def bool) (bool, error) {
	switch v := c.optional(i).(type) {
	case nil:
		return def, nil
	case bool:
		return v, nil
	default:
		return false, fmt.Errorf("the argument %q must be a boolean, found %s", c.params[i], value.TypeName(v))
	}
}

// inText returns what is filtered, which must be a string.
func (c *invocation) inText() (string, error) {
	s, ok := c.in.(string)
	if !ok {
		return "", fmt.Errorf("expected a string, found %s", value.TypeName(c.in))
	}
	return s, nil
}

// inList returns what is filtered, which must be a list.
func (c *invocation) inList() ([]any, error) {
	list, ok := asList(c.in)
	if !ok {
		return nil, fmt.Errorf("expected a list, found %s", value.TypeName(c.in))
	}
	return list, nil
}
