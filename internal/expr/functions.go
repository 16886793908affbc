package expr

import (
	"fmt"
	"maps"
	"slices"

	"github.com/windhover-io/windhover/internal/expr/ion"
	"github.com/windhover-io/windhover/internal/expr/yamltext"
	"github.com/windhover-io/windhover/internal/value"
)

// function is what may be called by name.
type function struct {
	name   string
	params []string // nil: any positional arguments
	world  bool     // it asks the Env
	call   func(c *invocation) (any, error)
}

// functions by name: those that are pure. world.go adds those that ask the Env.
var functions = functionTable(worldFunctions(),
	function{name: "currentEachOutput", params: []string{"outputs"}, call: currentEachOutput},
	function{name: "dayOfMonth", params: []string{"date"}, call: dayOfMonth},
	function{name: "dayOfWeek", params: []string{"date"}, call: dayOfWeek},
	function{name: "decrypt", params: []string{"key", "encrypted"}, call: decrypt},
	function{name: "env", params: []string{"name", "default"}, call: envFunction},
	function{name: "fetchContext", params: []string{}, call: printContext},
	function{name: "fromIon", params: []string{"ion", "allRows"}, call: fromIon},
	function{name: "fromJson", params: []string{"json"}, call: fromJSON},
	function{name: "hourOfDay", params: []string{"date"}, call: hourOfDay},
	function{name: "i18n", params: []string{"bundle", "key", "params"}, call: i18n},
	function{name: "isDayWeekInMonth", params: []string{"date", "dayOfWeek", "position"}, call: isDayWeekInMonth},
	function{name: "isLastWorkingDay", params: []string{"date", "workingDays"}, call: isLastWorkingDay},
	function{name: "isPublicHoliday", params: []string{"date", "countryCode", "subDivision"}, call: isPublicHoliday},
	function{name: "isWeekend", params: []string{"date"}, call: isWeekend},
	function{name: "json", params: []string{"json"}, call: fromJSON},
	function{name: "loopOutputs", params: []string{"outputs", "name"}, call: loopOutputs},
	function{name: "max", call: func(c *invocation) (any, error) { return extreme(c, 1) }},
	function{name: "min", call: func(c *invocation) (any, error) { return extreme(c, -1) }},
	function{name: "monthOfYear", params: []string{"date"}, call: monthOfYear},
	function{name: "printContext", params: []string{}, call: printContext},
	function{name: "range", params: []string{"start", "end", "increment"}, call: rangeFunction},
	function{name: "render", params: []string{"toRender", "recursive"}, call: renderFunction},
	function{name: "renderOnce", params: []string{"toRender"}, call: renderOnceFunction},
	function{name: "tasksWithState", params: []string{"state"}, call: tasksWithState},
	function{name: "yaml", params: []string{"yaml"}, call: fromYAML},
)

func functionTable(world []function, pure ...function) map[string]*function {
	table := make(map[string]*function, len(world)+len(pure))
	for _, list := range [][]function{world, pure} {
		for i := range list {
			table[list[i].name] = &list[i]
		}
	}
	return table
}

func functionNames() []string { return append(slices.Sorted(maps.Keys(functions)), "block") }

// i18n would read a text from a bundle of translations. Those are files of an installation's own classes, which there are none
// of here.
func i18n(c *invocation) (any, error) {
	bundle, err := c.text(0)
	if err != nil {
		return nil, err
	}
	if _, err := c.text(1); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("there is no bundle of translations %q", shorten(bundle))
}

func fromJSON(c *invocation) (any, error) {
	v, err := c.required(0)
	if err != nil || v == nil {
		return nil, err
	}
	s, err := c.asText(0, v)
	if err != nil {
		return nil, err
	}
	v, _, err = value.ParseJSONPrefix([]byte(s))
	return v, err
}

func fromIon(c *invocation) (any, error) {
	v, err := c.required(0)
	if err != nil || v == nil {
		return nil, err
	}
	s, err := c.asText(0, v)
	if err != nil {
		return nil, err
	}
	all, err := c.boolean(1, false)
	if err != nil {
		return nil, err
	}
	if all {
		rows, err := ion.Read(s, -1)
		if rows == nil {
			rows = []any{}
		}
		return rows, err
	}
	values, err := ion.Read(s, 1)
	if err != nil || len(values) == 0 {
		return nil, err
	}
	return values[0], nil
}

func fromYAML(c *invocation) (any, error) {
	s, err := c.text(0)
	if err != nil {
		return nil, err
	}
	return yamltext.Read(s)
}

func rangeFunction(c *invocation) (any, error) {
	start, err := c.required(0)
	if err != nil {
		return nil, err
	}
	end, err := c.required(1)
	if err != nil {
		return nil, err
	}
	step := any(int64(1))
	if v := c.optional(2); v != nil {
		step = v
	}
	return c.st.rangeOf(start, end, step)
}

// rangeOf lists the numbers, or the characters, from start to end, both included. Fractions are cut off.
func (st *state) rangeOf(start, end, increment any) (any, error) {
	step, ok := wholeNumber(increment)
	if !ok || step == 0 {
		return nil, fmt.Errorf("the increment of a range must be a number other than 0")
	}
	if from, ok := singleRune(start); ok {
		if to, ok := singleRune(end); ok {
			return st.series(int64(from), int64(to), step, func(n int64) any { return string(rune(n)) })
		}
	}
	from, ok := wholeNumber(start)
	to, ok2 := wholeNumber(end)
	if !ok || !ok2 {
		return nil, fmt.Errorf("a range goes from number to number or from character to character, found %s and %s",
			value.TypeName(start), value.TypeName(end))
	}
	return st.series(from, to, step, func(n int64) any { return n })
}

func (st *state) series(from, to, step int64, item func(n int64) any) (any, error) {
	count := uint64(0)
	switch {
	case step > 0 && from <= to:
		count = (uint64(to)-uint64(from))/uint64(step) + 1
	case step < 0 && from >= to:
		count = (uint64(from)-uint64(to))/(-uint64(step)) + 1
	}
	if count > uint64(st.run.lim.Range) {
		return nil, &limitError{fmt.Sprintf("the range has more than %d elements", st.run.lim.Range)}
	}
	list := make([]any, count)
	for i := range list {
		list[i] = item(from + int64(i)*step)
	}
	return list, nil
}

func wholeNumber(v any) (int64, bool) {
	if n, ok := value.AsInt(v); ok {
		return n, true
	}
	f, ok := value.AsFloat(v)
	return int64(f), ok && f > -(1<<62) && f < 1<<62
}

func singleRune(v any) (rune, bool) {
	s, ok := v.(string)
	r := []rune(s)
	if !ok || len(r) != 1 {
		return 0, false
	}
	return r[0], true
}

// extreme finds the greatest or, with sign -1, the least argument; nulls do not count.
func extreme(c *invocation, sign int) (any, error) {
	var best any
	for _, v := range c.args {
		switch {
		case v == nil:
		case best == nil:
			best = v
		case !value.IsNumber(v) || !value.IsNumber(best):
			return nil, fmt.Errorf("cannot compare %s with %s, expected numbers", value.TypeName(best), value.TypeName(v))
		default:
			if order, ok := value.CompareNumbers(v, best); ok && sign*order > 0 {
				best = v
			}
		}
	}
	return best, nil
}

func decrypt(c *invocation) (any, error) {
	return cryptText(c, func(key, text string) (any, error) { return Decrypt(key, text) })
}

// cryptText applies f to the key and the text; no text and an empty one need no key.
func cryptText(c *invocation, f func(key, text string) (any, error)) (any, error) {
	key, err := c.text(0)
	if err != nil {
		return nil, err
	}
	v, err := c.required(1)
	if err != nil || v == nil || v == "" {
		return v, err
	}
	text, err := c.asText(1, v)
	if err != nil {
		return nil, err
	}
	return f(key, text)
}

// envFunction reads an environment variable that is shown to flows, by its name in envs, or gives the default.
func envFunction(c *invocation) (any, error) {
	name, err := c.text(0)
	if err != nil {
		return nil, err
	}
	if envs, ok := c.st.lookup("envs"); ok && value.IsMap(envs) {
		if v, ok := member(envs, name); ok && v != nil {
			return v, nil
		}
	}
	return c.optional(1), nil
}
