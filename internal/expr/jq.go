package expr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"sort"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/value"
)

// jq runs a jq program on a value, or on the JSON that a string holds, and gives the list of its results.
func jq(c *invocation) (any, error) {
	program, err := c.text(0)
	if err != nil {
		return nil, err
	}
	in := c.in
	conv := &jqConverter{run: c.st.run, program: program, order: map[string]int{}, floats: map[float64]bool{}}
	if s, ok := in.(string); ok && blank(s) {
		in = nil
	} else if ok {
		conv.keepNulls = true
		if in, err = value.ParseJSON([]byte(s)); err != nil {
			return nil, err
		}
	}
	code, err := c.st.run.compileJQ(program)
	if err != nil {
		return nil, err
	}
	input, err := conv.toJQ(in)
	if err != nil {
		return nil, err
	}
	ctx := &stepContext{left: c.st.run.lim.JQSteps, done: make(chan struct{})}
	results := []any{}
	for iter := code.RunWithContext(ctx, input); ; {
		v, more := iter.Next()
		if !more {
			return results, nil
		}
		if err, failed := v.(error); failed {
			if errors.Is(err, errJQSteps) {
				return nil, &limitError{fmt.Sprintf("the jq program needs more than %d steps", c.st.run.lim.JQSteps)}
			}
			return nil, err
		}
		r, err := conv.fromJQ(v)
		if err != nil {
			return nil, err
		}
		results = append(results, r)
	}
}

// stepContext is done after a number of looks at it. The interpreter looks once for each instruction, so this bounds a
// program without a clock.
type stepContext struct {
	left int
	done chan struct{}
}

var errJQSteps = errors.New("too many steps")

func (c *stepContext) Deadline() (time.Time, bool) { return time.Time{}, false }
func (c *stepContext) Value(any) any               { return nil }

func (c *stepContext) Done() <-chan struct{} {
	if c.left--; c.left == 0 {
		close(c.done)
	}
	return c.done
}

func (c *stepContext) Err() error {
	if c.left <= 0 {
		return errJQSteps
	}
	return nil
}

var _ context.Context = (*stepContext)(nil)

// jqConverter carries over what gojq's values lack: the order of members and which whole numbers were doubles.
type jqConverter struct {
	run       *run
	program   string
	keepNulls bool // the members of maps that are null; other filters that make JSON drop them
	order     map[string]int
	floats    map[float64]bool
}

func (j *jqConverter) toJQ(v any) (any, error) {
	if err := j.run.step(1); err != nil {
		return nil, err
	}
	switch x := value.Normalize(v).(type) {
	case nil, bool, string:
		return x, nil
	case int32:
		return int(x), nil
	case int64:
		return int(x), nil
	case *big.Int:
		return x, nil
	case float64:
		return j.double(x), nil
	case float32:
		return j.double(float64(x)), nil
	case value.Decimal:
		return j.double(x.Float64()), nil
	case []any:
		list := make([]any, len(x))
		for i, item := range x {
			var err error
			if list[i], err = j.toJQ(item); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	if m, ok := value.AsMap(v); ok {
		return j.object(m)
	}
	if e, ok := v.(value.Entry); ok {
		return j.object(value.MapOf(e))
	}
	return value.Print(v), nil
}

func (j *jqConverter) double(f float64) any {
	if f == math.Trunc(f) {
		j.floats[f] = true
	}
	return f
}

func (j *jqConverter) object(m *value.Map) (any, error) {
	object := make(map[string]any, m.Len())
	for k, item := range m.All() {
		if item == nil && !j.keepNulls {
			continue
		}
		if _, seen := j.order[k]; !seen {
			j.order[k] = len(j.order)
		}
		v, err := j.toJQ(item)
		if err != nil {
			return nil, err
		}
		object[k] = v
	}
	return object, nil
}

func (j *jqConverter) fromJQ(v any) (any, error) {
	if err := j.run.step(1); err != nil {
		return nil, err
	}
	switch x := v.(type) {
	case int:
		return value.Int(int64(x)), nil
	case json.Number:
		n, err := value.ParseJSON([]byte(x))
		return n, err
	case float64:
		if x == math.Trunc(x) && math.Abs(x) < 1<<53 && !j.floats[x] {
			return value.Int(int64(x)), nil
		}
		return x, nil
	case []any:
		list := make([]any, len(x))
		for i, item := range x {
			var err error
			if list[i], err = j.fromJQ(item); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		m := value.NewMap(len(x))
		for _, k := range j.sorted(x) {
			item, err := j.fromJQ(x[k])
			if err != nil {
				return nil, err
			}
			m.Set(k, item)
		}
		return m, nil
	}
	return v, nil
}

// sorted orders the members of a result: as in the program where it names them all, else as in the input, new ones last.
func (j *jqConverter) sorted(object map[string]any) []string {
	keys := make([]string, 0, len(object))
	inProgram := true
	for k := range object {
		keys = append(keys, k)
		inProgram = inProgram && strings.Contains(j.program, k)
	}
	sort.Strings(keys)
	rank := func(k string) int {
		if inProgram {
			return strings.Index(j.program, k)
		}
		if i, ok := j.order[k]; ok {
			return i
		}
		return math.MaxInt
	}
	sort.SliceStable(keys, func(a, b int) bool { return rank(keys[a]) < rank(keys[b]) })
	return keys
}
