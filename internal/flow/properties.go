package flow

import (
	"slices"
	"strconv"
	"strings"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

// properties checks what only one type has and returns it as written, under the present names.
func (c *compiler) properties(o *object, props []plugin.Property) *value.Map {
	out := value.NewMap(len(props))
	for i := range props {
		p := &props[i]
		if p.Kind.Structural() {
			continue
		}
		n := o.raw(p.Name, p.Aliases...)
		c.deprecatedProperty(n, p)
		if n.IsNull() {
			if p.Required && p.Default == "" {
				o.missing(p.Name)
			}
			continue
		}
		before, elsewhere := c.extra, c.elsewhere
		c.extra = before || p.Raw
		c.elsewhere = elsewhere || p.Name == "outputs" && c.owner.task != nil && c.owner.task.Kind == model.KindSubflow
		c.property(n, p)
		c.extra, c.elsewhere = before, elsewhere
		out.Set(p.Name, n.Value())
	}
	return out
}

func (c *compiler) deprecatedProperty(n *yamldoc.Node, p *plugin.Property) {
	if n == nil || p.Deprecated == "" {
		return
	}
	w := n.Problem(yamldoc.Warning, "`"+p.Name+"` is deprecated")
	w.Suggestion = "use " + p.Deprecated
	c.report(w)
}

// property checks a value against the description of its property. What an expression will give cannot be told.
func (c *compiler) property(n *yamldoc.Node, p *plugin.Property) {
	if n.IsNull() {
		return
	}
	if n.Kind == yamldoc.Scalar && hasExpression(n.String()) {
		if p.Static {
			c.warn(n, "`"+p.Name+"` is taken as written: expressions in it are not evaluated")
		} else {
			c.expressions(n)
			return
		}
	}
	switch p.Kind {
	case plugin.Any:
		if !p.Static {
			c.expressions(n)
		}
	case plugin.List:
		c.listProperty(n, p)
	case plugin.Map:
		c.mapProperty(n, p)
	case plugin.Object:
		c.objectProperty(n, p)
	case plugin.Nested:
		c.nestedProperty(n, p)
	case plugin.String:
		c.textProperty(n, p)
	default:
		c.scalarProperty(n, p)
	}
}

// textProperty checks a text. Lists and maps become JSON where the text is evaluated.
func (c *compiler) textProperty(n *yamldoc.Node, p *plugin.Property) {
	if n.Kind != yamldoc.Scalar {
		if p.Static || len(p.Enum) > 0 {
			c.mismatch(n, p, "text")
			return
		}
		c.expressions(n)
		return
	}
	s := value.Print(n.Value())
	switch {
	case len(p.Enum) > 0 && !slices.Contains(p.Enum, s):
		problem := n.Problem(c.severityOf(p), named(p)+" is `"+shorten(s)+"`")
		problem.Expected = "one of " + strings.Join(p.Enum, ", ")
		problem.Suggestion = didYouMean(s, p.Enum)
		c.report(problem)
	case !p.Matches(s):
		c.unlike(n, p, "`"+shorten(s)+"`", "a text that matches "+p.Pattern)
	case p.Required && s == "" && p.Static:
		c.fail(n, named(p)+" must not be empty")
	}
}

func named(p *plugin.Property) string {
	if p.Name == "" {
		return "the value"
	}
	return "`" + p.Name + "`"
}

// severityOf is how bad a value is that its property cannot have. Where expressions may stand, values are converted only
// when the task runs.
func (c *compiler) severityOf(p *plugin.Property) yamldoc.Severity {
	if p.Static {
		return yamldoc.Error
	}
	return c.atRun()
}

// unlike reports that a property's value is something else than what is expected.
func (c *compiler) unlike(n *yamldoc.Node, p *plugin.Property, is, expected string) {
	problem := n.Problem(c.severityOf(p), named(p)+" is "+is)
	problem.Expected = expected
	c.report(problem)
}

func (c *compiler) mismatch(n *yamldoc.Node, p *plugin.Property, expected string) {
	if !p.Static {
		expected += ", or an expression"
	}
	c.unlike(n, p, describe(n), expected)
}

// scalarProperty checks numbers, booleans, durations, dates and levels.
func (c *compiler) scalarProperty(n *yamldoc.Node, p *plugin.Property) {
	if n.Kind != yamldoc.Scalar {
		c.mismatch(n, p, expectation[p.Kind])
		return
	}
	if n.String() == "" {
		return
	}
	ok := true
	switch p.Kind {
	case plugin.Integer:
		var i int64
		if i, ok = asInt(n); ok {
			c.bounds(n, p, float64(i))
		}
	case plugin.Number:
		var f float64
		if f, ok = asFloat(n); ok {
			c.bounds(n, p, f)
		}
	case plugin.Boolean:
		_, ok = asBool(n)
	case plugin.Duration:
		_, err := model.ParseDuration(n.String())
		ok = err == nil
	case plugin.DateTime:
		_, err := plugin.ParseTime(n.String())
		ok = err == nil
	case plugin.Level:
		_, err := model.ParseLevel(strings.ToUpper(n.String()))
		ok = err == nil
	}
	if !ok {
		c.mismatch(n, p, expectation[p.Kind])
	}
}

var expectation = map[plugin.Kind]string{
	plugin.Integer: "a whole number", plugin.Number: "a number", plugin.Boolean: "true or false", plugin.Duration: expectedDuration,
	plugin.DateTime: "a date such as 2026-01-31T12:00:00Z", plugin.Level: "one of TRACE, DEBUG, INFO, WARN, ERROR",
}

func (c *compiler) bounds(n *yamldoc.Node, p *plugin.Property, f float64) {
	format := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	switch {
	case p.Min != nil && f < *p.Min:
		c.unlike(n, p, format(f), "at least "+format(*p.Min))
	case p.Max != nil && f > *p.Max:
		c.unlike(n, p, format(f), "at most "+format(*p.Max))
	}
}

// inner is the description of what stands in a value: it is static if the whole is.
func inner(of, p *plugin.Property) *plugin.Property {
	e := *of
	e.Static = e.Static || p.Static
	return &e
}

func (c *compiler) listProperty(n *yamldoc.Node, p *plugin.Property) {
	elem := inner(p.Elem, p)
	elem.Name = p.Name
	if n.Kind == yamldoc.List {
		for _, item := range n.Items() {
			c.property(item, elem)
		}
		if p.Required && len(n.Items()) == 0 {
			c.fail(n, named(p)+" must not be empty")
		}
		return
	}
	if n.Kind == yamldoc.Scalar && (elem.Kind == plugin.String || elem.Kind == plugin.Any) && !strings.HasPrefix(n.String(), "[") {
		c.property(n, elem) // one text where several may stand
		return
	}
	if v, err := value.ParseJSON([]byte(n.String())); err == nil && n.Kind == yamldoc.Scalar {
		if _, ok := v.([]any); ok {
			return
		}
	}
	c.mismatch(n, p, "a list")
}

func (c *compiler) mapProperty(n *yamldoc.Node, p *plugin.Property) {
	if n.Kind != yamldoc.Map {
		c.jsonObject(n, p)
		return
	}
	elem := inner(p.Elem, p)
	for _, e := range n.Entries() {
		if !p.Static {
			c.parse(e.Key, c.atRun())
		}
		c.property(e.Value, elem)
	}
}

// jsonObject accepts a text that is a JSON object where a map is expected.
func (c *compiler) jsonObject(n *yamldoc.Node, p *plugin.Property) {
	if n.Kind == yamldoc.Scalar {
		if v, err := value.ParseJSON([]byte(n.String())); err == nil && value.IsMap(v) {
			return
		}
	}
	c.mismatch(n, p, "a map")
}

func (c *compiler) objectProperty(n *yamldoc.Node, p *plugin.Property) {
	if n.Kind != yamldoc.Map {
		c.jsonObject(n, p)
		return
	}
	o := &object{c: c, n: n, what: named(p)}
	fields := make([]plugin.Property, len(p.Fields))
	for i := range fields {
		fields[i] = *inner(&p.Fields[i], &plugin.Property{Static: p.Static})
	}
	c.properties(o, fields)
	o.done()
}

// nestedProperty checks a value that has a type of its own, such as a task runner.
func (c *compiler) nestedProperty(n *yamldoc.Node, p *plugin.Property) {
	o := c.object(n, "a "+singular[p.Category])
	if o == nil {
		return
	}
	o.allow("version", "pluginDefaultsRef")
	if typ := c.typeOf(o, p.Category); typ != nil {
		c.properties(o, typ.Properties())
		o.done()
	}
}
