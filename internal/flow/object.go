package flow

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

// object reads a map whose keys are known. Asking for a key makes it known; done reports the keys that nobody asked for.
type object struct {
	c     *compiler
	n     *yamldoc.Node
	what  string // what the map is, with its article
	known []string
}

// object returns a reader of a map, or nil after reporting that n is none.
func (c *compiler) object(n *yamldoc.Node, what string) *object {
	if n.Kind != yamldoc.Map {
		c.expect(n, "this is "+describe(n)+" where "+what+" should be", "a map of keys and values")
		return nil
	}
	return &object{c: c, n: n, what: what}
}

// describe says what a node is, for messages.
func describe(n *yamldoc.Node) string {
	switch {
	case n.IsNull():
		return "empty"
	case n.Kind == yamldoc.Map:
		return "a map"
	case n.Kind == yamldoc.List:
		return "a list"
	}
	return "`" + shorten(n.String()) + "`"
}

func shorten(s string) string {
	const limit = 60
	s, _, cut := strings.Cut(strings.TrimSpace(s), "\n")
	if r := []rune(s); len(r) > limit {
		s, cut = string(r[:limit]), true
	}
	if cut {
		s += "…"
	}
	return s
}

// get returns the value of a key or of one of its older names, nil where it is absent or null.
func (o *object) get(name string, aliases ...string) *yamldoc.Node {
	n := o.raw(name, aliases...)
	if n.IsNull() {
		return nil
	}
	return n
}

// raw is get that returns nulls.
func (o *object) raw(name string, aliases ...string) *yamldoc.Node {
	o.known = append(o.known, name)
	o.known = append(o.known, aliases...)
	if n := o.n.Get(name); n != nil {
		return n
	}
	for _, a := range aliases {
		if n := o.n.Get(a); n != nil {
			return n
		}
	}
	return nil
}

// allow makes keys known that mean nothing here.
func (o *object) allow(names ...string) { o.known = append(o.known, names...) }

// unused allows keys that do nothing here, and says so where one of them stands.
func (o *object) unused(names ...string) {
	o.allow(names...)
	for _, e := range o.n.Entries() {
		if slices.Contains(names, e.Key.Text) && !e.Value.IsNull() && e.Value.Text != "false" {
			o.c.warn(e.Key, "`"+e.Key.Text+"` does nothing here: "+unusedKeys[e.Key.Text])
		}
	}
}

// unusedKeys says why keys do nothing.
var unusedKeys = map[string]string{
	"draft":      "what is saved is what runs",
	"policyRefs": "there are no policies",
	"assets":     "assets are not tracked",
	"version":    "each type has one version",
}

// done reports the keys that are not known.
func (o *object) done() {
	for _, e := range o.n.Entries() {
		switch {
		case slices.Contains(o.known, e.Key.Text):
		case o.c.injected[e.Key]:
			o.c.warn(e.Key, "`"+e.Key.Text+"` is not a property of "+o.what+", so this plugin default does nothing there")
		default:
			o.c.suggest(yamldoc.Error, e.Key, "`"+e.Key.Text+"` is not a property of "+o.what, e.Key.Text, o.known)
		}
	}
}

// missing reports that a required key is absent.
func (o *object) missing(name string) {
	at := o.n
	if n := o.n.Get(name); n != nil {
		o.c.fail(n, "`"+name+"` must not be empty")
		return
	}
	o.c.fail(at, "`"+name+"` is missing: "+o.what+" needs it")
}

// text reads a scalar as text; "" where it is absent.
func (o *object) text(name string, aliases ...string) string {
	n := o.get(name, aliases...)
	if n == nil {
		return ""
	}
	if n.Kind != yamldoc.Scalar {
		o.c.expect(n, "`"+name+"` is "+describe(n), "text")
		return ""
	}
	return n.String()
}

// name reads a required text that has to match a pattern and not to be longer than max.
func (o *object) name(name string, pattern *regexp.Regexp, maxLength int, aliases ...string) string {
	n := o.raw(name, aliases...)
	s := o.text(name, aliases...)
	switch {
	case n == nil || n.IsNull() || n.Kind == yamldoc.Scalar && s == "":
		o.missing(name)
	case n.Kind != yamldoc.Scalar:
		return ""
	case !pattern.MatchString(s):
		o.c.expect(n, "`"+shorten(s)+"` cannot be the "+name+" of "+o.what, "a text that matches "+pattern.String())
	case len(s) > maxLength:
		o.c.fail(n, fmt.Sprintf("the %s of %s must not be longer than %d characters, and has %d", name, o.what, maxLength, len(s)))
	}
	return s
}

// flag reads a boolean.
func (o *object) flag(name string, otherwise bool, aliases ...string) bool {
	n := o.get(name, aliases...)
	if n == nil {
		return otherwise
	}
	if b, ok := asBool(n); ok {
		return b
	}
	o.c.expect(n, "`"+name+"` is "+describe(n), "true or false")
	return otherwise
}

func asBool(n *yamldoc.Node) (b, ok bool) {
	switch v := n.Value().(type) {
	case bool:
		return v, true
	case string:
		switch v {
		case "true", "True", "TRUE":
			return true, true
		case "false", "False", "FALSE":
			return false, true
		}
	}
	return false, false
}

// number reads a whole number from least on; 0 where it is absent.
func (o *object) number(name string, least int, aliases ...string) int {
	n := o.get(name, aliases...)
	if n == nil {
		return 0
	}
	i, ok := asInt(n)
	switch {
	case !ok:
		o.c.expect(n, "`"+name+"` is "+describe(n), "a whole number")
	case i < int64(least) || i > math.MaxInt32:
		o.c.expect(n, fmt.Sprintf("`%s` is %d", name, i), fmt.Sprintf("a whole number from %d on", least))
	default:
		return int(i)
	}
	return 0
}

func asInt(n *yamldoc.Node) (int64, bool) {
	v := n.Value()
	if s, ok := v.(string); ok {
		i, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
		return i, err == nil
	}
	if i, ok := value.AsInt(v); ok {
		return i, true
	}
	f, ok := value.AsFloat(v)
	return int64(f), ok && f == math.Trunc(f) && math.Abs(f) < 1<<53
}

// decimal reads a number; 0 where it is absent.
func (o *object) decimal(name string) float64 {
	n := o.get(name)
	if n == nil {
		return 0
	}
	f, ok := asFloat(n)
	if !ok {
		o.c.expect(n, "`"+name+"` is "+describe(n), "a number")
	}
	return f
}

func asFloat(n *yamldoc.Node) (float64, bool) {
	v := n.Value()
	if s, ok := v.(string); ok {
		f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
	}
	return value.AsFloat(v)
}

// duration reads a duration; 0 where it is absent.
func (o *object) duration(name string, aliases ...string) time.Duration {
	n := o.get(name, aliases...)
	if n == nil {
		return 0
	}
	if n.Kind == yamldoc.Scalar {
		if d, err := model.ParseDuration(n.String()); err == nil {
			return d
		}
	}
	o.c.expect(n, "`"+name+"` is "+describe(n), expectedDuration)
	return 0
}

const expectedDuration = "an ISO-8601 duration such as PT1H30M or P1D, or a number of seconds"

// choice reads one of some words; otherwise where it is absent.
func (o *object) choice(name, otherwise string, words ...string) string {
	n := o.get(name)
	if n == nil {
		return otherwise
	}
	if s := n.String(); n.Kind == yamldoc.Scalar && slices.Contains(words, s) {
		return s
	}
	p := n.Problem(yamldoc.Error, "`"+name+"` is "+describe(n))
	p.Expected = "one of " + strings.Join(words, ", ")
	p.Suggestion = didYouMean(n.String(), words)
	o.c.report(p)
	return otherwise
}

// list reads a list; nil where it is absent.
func (o *object) list(name string, aliases ...string) []*yamldoc.Node {
	n := o.get(name, aliases...)
	if n == nil {
		return nil
	}
	if n.Kind != yamldoc.List {
		o.c.expect(n, "`"+name+"` is "+describe(n), "a list")
		return nil
	}
	return n.Items()
}

// words reads a list of texts.
func (o *object) words(name string, aliases ...string) []string {
	var out []string
	for _, n := range o.list(name, aliases...) {
		if n.Kind != yamldoc.Scalar || n.IsNull() {
			o.c.expect(n, "this is "+describe(n), "text")
			continue
		}
		out = append(out, n.String())
	}
	return out
}

func itoa(i int) string { return strconv.Itoa(i) }
