package memory

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

// repository says how the records of one kind are searched.
type repository[T any] struct {
	fields  map[backend.Field]backend.ValueKind
	sorts   []string
	natural []backend.Sort // without any Sort
	// field returns a record's value: a string, []string (any of them), time.Time, int, bool, []model.Label, model.State,
	// model.Level, or nil for none.
	field func(T, backend.Field) any
	// key returns a sort value, a string or an int64; that of "" is unique.
	key func(T, string) any
}

// search selects, orders and pages.
func (r repository[T]) search(q backend.Query, all []T) (backend.Page[T], error) {
	if err := q.Validate(r.fields, r.sorts); err != nil {
		return backend.Page[T]{}, err
	}
	selected := r.selects(q.Filters, all)
	by := q.Sort
	if len(by) == 0 {
		by = r.natural
	}
	by = append(slices.Clone(by), backend.Sort{})
	slices.SortFunc(selected, func(a, b T) int { return compareKeys(r.keys(a, by), r.keys(b, by), by) })

	page := backend.Page[T]{Total: len(selected)}
	if q.NoTotal {
		page.Total = -1
	}
	first := (max(q.Page, 1) - 1) * q.Size
	if q.After != "" {
		after, err := backend.DecodeCursor(q.After, len(by))
		if err != nil {
			return backend.Page[T]{}, err
		}
		first = len(selected)
		if i := slices.IndexFunc(selected, func(t T) bool { return compareKeys(r.keys(t, by), after, by) > 0 }); i >= 0 {
			first = i
		}
	}
	first = min(first, len(selected))
	last := min(first+q.Size, len(selected))
	page.Results = selected[first:last]
	if last > first && last < len(selected) {
		page.Cursor = backend.EncodeCursor(r.keys(selected[last-1], by))
	}
	return page, nil
}

// selects returns the records that all filters hold for.
func (r repository[T]) selects(filters []backend.Filter, all []T) []T {
	var selected []T
	for _, t := range all {
		holds := true
		for _, f := range filters {
			holds = holds && matches(f, r.field(t, f.Field))
		}
		if holds {
			selected = append(selected, t)
		}
	}
	return selected
}

func (r repository[T]) keys(t T, by []backend.Sort) []any {
	keys := make([]any, len(by))
	for i, s := range by {
		keys[i] = r.key(t, s.By)
	}
	return keys
}

func compareKeys(a, b []any, by []backend.Sort) int {
	for i := range a {
		var c int
		switch x := a[i].(type) {
		case string:
			y, _ := b[i].(string)
			c = cmp.Compare(x, y)
		case int64:
			y, _ := b[i].(int64)
			c = cmp.Compare(x, y)
		}
		if by[i].Desc {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// matches tells whether a filter holds for a record's value.
func matches(f backend.Filter, have any) bool {
	switch have := have.(type) {
	case nil:
		return f.Op.Negative()
	case []model.Label:
		return matchesLabels(f, have)
	case queryTexts:
		return matchesQuery(f, have)
	case []string:
		return slices.ContainsFunc(have, func(s string) bool { return matchesText(f, s) })
	case string:
		return matchesText(f, have)
	case model.State:
		return matchesText(f, have.String())
	case model.Level:
		return matchesLevel(f, have)
	case bool:
		want, _ := f.Value.(bool)
		return (have == want) != f.Op.Negative()
	case int:
		want, _ := f.Value.(int)
		return matchesOrder(f.Op, cmp.Compare(have, want))
	case time.Time:
		want, _ := f.Value.(time.Time)
		return matchesOrder(f.Op, have.Compare(want))
	}
	return false
}

func matchesText(f backend.Filter, have string) bool {
	want, _ := f.Value.(string)
	switch f.Op {
	case backend.OpEquals:
		return have == want
	case backend.OpNotEquals:
		return have != want
	case backend.OpIn:
		return slices.Contains(f.Strings(), have)
	case backend.OpNotIn:
		return !slices.Contains(f.Strings(), have)
	case backend.OpContains:
		return strings.Contains(have, want)
	case backend.OpStarts:
		return strings.HasPrefix(have, want)
	case backend.OpEnds:
		return strings.HasSuffix(have, want)
	case backend.OpPrefix:
		return have == want || strings.HasPrefix(have, want+".")
	case backend.OpRegex:
		matched, _ := regexp.MatchString(want, have)
		return matched
	}
	return false
}

func matchesLevel(f backend.Filter, have model.Level) bool {
	if f.Op == backend.OpIn || f.Op == backend.OpNotIn {
		return matchesText(f, have.String())
	}
	want, _ := model.ParseLevel(f.Strings()[0])
	return matchesOrder(f.Op, cmp.Compare(have, want))
}

func matchesOrder(op backend.Op, c int) bool {
	switch op {
	case backend.OpEquals:
		return c == 0
	case backend.OpNotEquals:
		return c != 0
	case backend.OpGreater:
		return c > 0
	case backend.OpGreaterEq:
		return c >= 0
	case backend.OpLess:
		return c < 0
	case backend.OpLessEq:
		return c <= 0
	}
	return false
}

func matchesLabels(f backend.Filter, have []model.Label) bool {
	want, _ := f.Value.([]model.Label)
	has := func(l model.Label) bool { return slices.Contains(have, l) }
	switch f.Op {
	case backend.OpIn:
		return slices.ContainsFunc(want, has)
	case backend.OpNotEquals, backend.OpNotIn:
		return !slices.ContainsFunc(want, has)
	default:
		return !slices.ContainsFunc(want, func(l model.Label) bool { return !has(l) })
	}
}

// queryTexts is what QUERY looks into: texts, and ids by their beginning.
type queryTexts struct{ texts, ids []string }

func anyText(texts ...string) queryTexts { return queryTexts{texts: texts} }

func matchesQuery(f backend.Filter, have queryTexts) bool {
	want := f.Strings()[0]
	found := slices.ContainsFunc(have.texts, func(s string) bool { return strings.Contains(lower(s), lower(want)) }) ||
		slices.ContainsFunc(have.ids, func(id string) bool { return strings.HasPrefix(id, want) })
	return found != f.Op.Negative()
}

// lower maps ASCII letters only: other adapters cannot be relied on for more.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

func scopeOf(namespace string) string {
	if namespace == backend.SystemNamespace {
		return backend.ScopeSystem
	}
	return backend.ScopeUser
}

// orNone returns a record's value, or nil when there is none.
func orNone[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

func endKey(h model.History) int64 {
	if end, ended := h.End(); ended {
		return end.UnixMicro()
	}
	return math.MaxInt64
}

func durationKey(h model.History) int64 {
	if _, ended := h.End(); ended {
		return h.Duration(time.Time{}).Microseconds()
	}
	return math.MaxInt64
}
