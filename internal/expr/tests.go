package expr

import (
	"fmt"
	"maps"
	"slices"

	"github.com/windhover-io/windhover/internal/value"
)

// testFunc is what may stand after "is".
type testFunc func(v any) (bool, error)

var tests = map[string]testFunc{
	"defined":  func(v any) (bool, error) { return v != nil, nil },
	"empty":    func(v any) (bool, error) { return isEmpty(v), nil },
	"null":     func(v any) (bool, error) { return v == nil, nil },
	"even":     func(v any) (bool, error) { return remainder(v, 0) },
	"odd":      func(v any) (bool, error) { return remainder(v, 1) },
	"iterable": func(v any) (bool, error) { _, ok := asList(v); return ok, nil },
	"map":      func(v any) (bool, error) { return value.IsMap(v), nil },
	"json":     isJSON,
}

func testNames() []string { return slices.Sorted(maps.Keys(tests)) }

func (n *testNode) eval(st *state) (any, error) {
	st.run.steps++
	v, err := n.in.eval(st)
	if err != nil {
		if _, undefined := err.(*missing); !undefined || n.name != "defined" {
			return nil, err
		}
	}
	yes, err := n.fn(value.Normalize(v))
	if err != nil {
		return nil, st.errorf(n.off, "is %s: %v", n.name, err)
	}
	return yes != n.negate, nil
}

func remainder(v any, want int64) (bool, error) {
	n, ok := value.AsInt(v)
	if !ok {
		return false, fmt.Errorf("expected an integer, found %s", value.TypeName(v))
	}
	return n&1 == want, nil
}

func isJSON(v any) (bool, error) {
	s, ok := v.(string)
	if !ok {
		return false, fmt.Errorf("expected a string, found %s", value.TypeName(v))
	}
	if blank(s) {
		return true, nil // a document without contents is one
	}
	_, _, err := value.ParseJSONPrefix([]byte(s))
	return err == nil, nil
}
