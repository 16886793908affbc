package expr

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/windhover-io/windhover/internal/value"
)

func defaultFilter(c *invocation) (any, error) {
	if isEmpty(c.in) {
		return c.optional(0), nil
	}
	return c.in, nil
}

// isEmpty is true for null, a blank text and a list or map without elements.
func isEmpty(v any) bool {
	switch x := v.(type) {
	case nil:
		return true
	case string:
		return blank(x)
	}
	if list, ok := asList(v); ok {
		return len(list) == 0
	}
	m, ok := value.AsMap(v)
	return ok && m.Len() == 0
}

// length of a text, list or map; null, numbers and all else have none.
func length(c *invocation) (any, error) {
	if s, ok := c.in.(string); ok {
		return int32(utf16Length(s)), nil
	}
	if list, ok := asList(c.in); ok {
		return int32(len(list)), nil
	}
	if m, ok := value.AsMap(c.in); ok {
		return int32(m.Len()), nil
	}
	return int32(0), nil
}

func first(c *invocation) (any, error) { return end(c, func(n int) int { return 0 }) }

func last(c *invocation) (any, error) { return end(c, func(n int) int { return n - 1 }) }

func end(c *invocation, which func(n int) int) (any, error) {
	if s, ok := c.in.(string); ok {
		units := utf16Length(s)
		if units == 0 {
			return nil, errors.New("the string is empty")
		}
		i := which(units)
		return utf16Slice(s, i, i+1), nil
	}
	list, err := c.inList()
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[which(len(list))], nil
}

func join(c *invocation) (any, error) {
	list, err := c.inList()
	if err != nil {
		return nil, err
	}
	sep, err := c.textOr(0, "")
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(list))
	size := 0
	for i, item := range list {
		texts[i] = value.JavaString(item)
		if size += len(texts[i]) + len(sep); size > c.st.run.lim.Text {
			return nil, c.st.run.text(size)
		}
	}
	return strings.Join(texts, sep), nil
}

func reverse(c *invocation) (any, error) {
	list, err := c.inList()
	if err != nil {
		return nil, err
	}
	result := slices.Clone(list)
	slices.Reverse(result)
	return result, nil
}

func sortFilter(c *invocation) (any, error) { return sorted(c, 1) }

func rsort(c *invocation) (any, error) { return sorted(c, -1) }

func sorted(c *invocation, sign int) (any, error) {
	list, err := c.inList()
	if err != nil {
		return nil, err
	}
	result := slices.Clone(list)
	if err := c.st.run.step(len(list)); err != nil {
		return nil, err
	}
	slices.SortStableFunc(result, func(a, b any) int {
		order, ok := value.Compare(a, b)
		if !ok && err == nil {
			err = fmt.Errorf("cannot order %s and %s", value.TypeName(a), value.TypeName(b))
		}
		return sign * order
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

func slice(c *invocation) (any, error) {
	text, isText := c.in.(string)
	list, isList := asList(c.in)
	size := len(list)
	switch {
	case isText:
		size = utf16Length(text)
	case !isList:
		return nil, fmt.Errorf("expected a string or a list, found %s", value.TypeName(c.in))
	}
	from, to, err := sliceBounds(c, int64(size))
	if err != nil {
		return nil, err
	}
	if isText {
		return utf16Slice(text, from, to), nil
	}
	return slices.Clone(list[from:to]), nil
}

func sliceBounds(c *invocation, size int64) (from, to int, err error) {
	a, b := int64(0), size
	if v := c.optional(0); v != nil {
		if a, err = c.asInteger(0, v); err != nil {
			return 0, 0, err
		}
	}
	if v := c.optional(1); v != nil {
		if b, err = c.asInteger(1, v); err != nil {
			return 0, 0, err
		}
	}
	switch {
	case a < 0 || a > size:
		return 0, 0, fmt.Errorf("fromIndex %d is outside of the %d elements", a, size)
	case b > size:
		return 0, 0, fmt.Errorf("toIndex %d is beyond the %d elements", b, size)
	case b <= a && c.optional(1) != nil:
		return 0, 0, fmt.Errorf("toIndex %d must be greater than fromIndex %d", b, a)
	}
	return int(a), int(b), nil
}

// merge appends to a list or adds to a map; null on either side counts as nothing. What a map gives to a list is its
// entries, and what a list gives to a map is each element under its own name.
func merge(c *invocation) (any, error) {
	other := c.optional(0)
	switch {
	case c.in == nil && other == nil:
		return nil, errors.New("both sides are null")
	case c.in == nil:
		return other, nil
	case other == nil:
		return c.in, nil
	}
	var sum any
	more, ok := iterate(other)
	if list, isList := asList(c.in); isList && ok {
		all := slices.Clone(list)
		for i := range more.len {
			all = append(all, more.at(i))
		}
		sum = all
	} else if m, isMap := value.AsMap(c.in); isMap && ok {
		all := m.Clone()
		for i := range more.len {
			item := more.at(i)
			if e, ok := item.(value.Entry); ok {
				all.Set(e.Key, e.Value)
			} else {
				all.Set(value.JavaString(item), item)
			}
		}
		sum = all
	} else {
		return nil, fmt.Errorf("cannot merge %s with %s, expected lists or maps", value.TypeName(c.in), value.TypeName(other))
	}
	return sum, c.st.run.weigh(sum)
}

func chunk(c *invocation) (any, error) {
	list, err := c.inList()
	if err != nil {
		return nil, err
	}
	size, err := c.integer(0)
	if err != nil {
		return nil, err
	}
	if size <= 0 {
		return nil, fmt.Errorf("the size must be at least 1, found %d", size)
	}
	chunks := []any{}
	for part := range slices.Chunk(list, int(min(size, int64(max(1, len(list)))))) {
		chunks = append(chunks, slices.Clone(part))
	}
	return chunks, nil
}

func distinct(c *invocation) (any, error) {
	list, err := c.inList()
	if err != nil {
		return nil, err
	}
	seen := make(map[string]bool, len(list))
	result := []any{}
	for _, item := range list {
		key := identity(item)
		if err := c.st.run.text(len(key)); err != nil {
			return nil, err
		}
		if !seen[key] {
			seen[key] = true
			result = append(result, item)
		}
	}
	return result, nil
}

// identity is equal for equal values: those of one kind and contents. 1, 1.0 and "1" are three values, while an integer
// is one whatever its size in memory.
func identity(v any) string {
	kind := "o"
	switch v.(type) {
	case string:
		kind = "s"
	case float64, float32, value.Decimal:
		kind = "f"
	case int32, int64, int:
		kind = "i"
	}
	return kind + string(value.AppendJSON(nil, v, value.JSONOptions{KeepNulls: true}))
}

// flatten removes one level of lists.
func flatten(c *invocation) (any, error) {
	list, err := c.inList()
	if err != nil {
		return nil, err
	}
	flat := []any{}
	for _, item := range list {
		if inner, ok := asList(item); ok {
			flat = append(flat, inner...)
		} else {
			flat = append(flat, item)
		}
	}
	return flat, c.st.run.weigh(flat)
}

// keys of a map, or the indices of a list.
func keys(c *invocation) (any, error) {
	if list, ok := asList(c.in); ok {
		indices := make([]any, len(list))
		for i := range indices {
			indices[i] = int32(i)
		}
		return indices, nil
	}
	m, ok := value.AsMap(c.in)
	if !ok {
		return nil, fmt.Errorf("expected a map or a list, found %s", value.TypeName(c.in))
	}
	names := make([]any, m.Len())
	for i := range names {
		names[i], _ = m.At(i)
	}
	return names, nil
}

func mapValues(c *invocation) (any, error) {
	m, ok := value.AsMap(c.in)
	if !ok {
		return nil, fmt.Errorf("expected a map, found %s", value.TypeName(c.in))
	}
	list := make([]any, m.Len())
	for i := range list {
		_, list[i] = m.At(i)
	}
	return list, nil
}
