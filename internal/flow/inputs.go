package flow

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/expr/javaregex"
	"github.com/windhover-io/windhover/internal/jsonschema"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

var inputTypeNames = []string{
	"STRING", "ENUM", "SELECT", "INT", "FLOAT", "BOOLEAN", "BOOL", "DATETIME", "DATE", "TIME", "DURATION", "FILE", "JSON", "ION",
	"URI", "SECRET", "ARRAY", "MULTISELECT", "YAML", "EMAIL", "FORM",
}

// inputs reads the inputs of a flow, of a form or of a Pause.
func (c *compiler) inputs(n *yamldoc.Node) []*model.Input {
	if c.owner.task == nil {
		defer c.enter(owner{place: placeInputs})()
	}
	var out []*model.Input
	seen := map[string]*yamldoc.Node{}
	for _, item := range c.items(n, "inputs") {
		in := c.input(item)
		if in == nil {
			continue
		}
		at := item.Get("id")
		if at == nil {
			at = item.Get("name")
		}
		c.unique(seen, in.ID, at, "input")
		c.checkNesting(seen, in.ID, at)
		out = append(out, in)
	}
	c.checkDependencies(n, out)
	return out
}

// checkNesting refuses an input whose id is the beginning of another's: an id with dots names a member of a map.
func (c *compiler) checkNesting(seen map[string]*yamldoc.Node, id string, at *yamldoc.Node) {
	for _, other := range slices.Sorted(maps.Keys(seen)) {
		if strings.HasPrefix(other, id+".") || strings.HasPrefix(id, other+".") {
			c.fail(at, "the inputs `"+min(id, other)+"` and `"+max(id, other)+"` cannot both be: one would be a part of the other")
			return
		}
	}
}

// input reads one input; nil if it is none.
func (c *compiler) input(n *yamldoc.Node) *model.Input {
	o := c.object(n, "an input")
	if o == nil {
		return nil
	}
	in := &model.Input{Line: n.Line, ID: o.name("id", inputID, 256, "name")}
	if old := n.Get("name"); old != nil {
		p := old.Problem(yamldoc.Warning, "`name` is the older name of an input's id")
		p.Suggestion = "use id"
		c.report(p)
	}
	if o.get("type") == nil {
		o.missing("type")
	}
	in.Type = o.choice("type", "", inputTypeNames...)
	in.Required = o.flag("required", true)
	in.DisplayName, in.Description = o.text("displayName"), o.text("description")
	for _, name := range []string{"defaults", "prefill"} {
		c.expressions(o.get(name))
	}
	if d := o.raw("defaults"); d != nil {
		in.Defaults = d.Value()
	}
	if p := o.raw("prefill"); p != nil {
		in.Prefill = p.Value()
	}
	switch d := o.get("defaults"); {
	case d == nil:
	case !in.Required:
		c.warn(o.get("required"), "`required` changes nothing here: an input with a default always has a value")
	case o.get("prefill") != nil:
		c.fail(o.get("prefill"), "an input cannot have both `defaults` and `prefill`")
	}
	in.DependsOn = c.dependsOn(o.get("dependsOn"))
	if in.Type == "" {
		return in
	}
	o.what = "an input of type " + in.Type
	in.Props = value.NewMap(4)
	c.inputType(o, in)
	o.done()
	return in
}

func (c *compiler) dependsOn(n *yamldoc.Node) *model.DependsOn {
	if n == nil {
		return nil
	}
	o := c.object(n, "a dependency of an input")
	if o == nil {
		return nil
	}
	d := &model.DependsOn{Inputs: o.words("inputs"), Condition: c.condition(o, "condition")}
	o.done()
	return d
}

// inputType reads what only inputs of one type have.
func (c *compiler) inputType(o *object, in *model.Input) {
	keep := func(names ...string) {
		for _, name := range names {
			if n := o.get(name); n != nil {
				in.Props.Set(name, n.Value())
			}
		}
	}
	switch in.Type {
	case "STRING", "SECRET":
		keep("validator")
		c.validator(o)
	case "INT":
		keep("min", "max")
		c.checkBounds(o, func(n *yamldoc.Node) (float64, bool) { i, ok := asInt(n); return float64(i), ok }, "a whole number", "min", "max")
	case "FLOAT":
		keep("min", "max")
		c.checkBounds(o, asFloat, "a number", "min", "max")
	case "DURATION":
		keep("min", "max")
		c.checkBounds(o, durationBound, expectedDuration, "min", "max")
	case "DATETIME", "DATE", "TIME":
		keep("after", "before")
		c.checkBounds(o, timeBound(in.Type), boundExamples[in.Type], "after", "before")
	case "FILE":
		keep("extension", "allowedFileExtensions")
		c.fileInput(o)
	case "JSON":
		keep("jsonSchema")
		c.jsonSchema(o.get("jsonSchema"))
	case "ARRAY":
		keep("itemType")
		if o.get("itemType") == nil {
			o.missing("itemType")
		}
		c.itemType(o)
	case "ENUM", "SELECT", "MULTISELECT":
		keep("values", "options", "expression", "itemType", "allowCustomValue", "isRadio", "autoSelectFirst")
		c.selectInput(o, in)
	case "FORM":
		list := o.get("inputs")
		if list == nil || len(list.Items()) == 0 {
			o.missing("inputs")
		}
		in.Inputs = c.inputs(list)
	}
}

// validator checks the pattern of a text.
func (c *compiler) validator(o *object) {
	if n := o.get("validator"); n != nil {
		if _, err := javaregex.Compile(n.String(), javaregex.Limits{Time: time.Second}); err != nil {
			c.fail(n, err.Error())
		}
	}
}

// jsonSchema checks the schema of a JSON input.
func (c *compiler) jsonSchema(n *yamldoc.Node) {
	if n == nil {
		return
	}
	if _, err := jsonschema.Compile(n.Value()); err != nil {
		c.fail(n, "`jsonSchema` cannot be used: "+err.Error())
	}
}

// checkBounds checks a lower and an upper bound.
func (c *compiler) checkBounds(o *object, read func(*yamldoc.Node) (float64, bool), expected, low, high string) {
	var bounds [2]float64
	var known [2]bool
	for i, name := range []string{low, high} {
		n := o.get(name)
		if n == nil {
			continue
		}
		if bounds[i], known[i] = read(n); !known[i] {
			c.expect(n, "`"+name+"` is "+describe(n), expected)
		}
	}
	if known[0] && known[1] && bounds[0] > bounds[1] {
		c.warn(o.get(high), "no value can be both: `"+low+"` is above `"+high+"`")
	}
}

func durationBound(n *yamldoc.Node) (float64, bool) {
	d, err := model.ParseDuration(n.String())
	return float64(d), err == nil
}

var boundExamples = map[string]string{
	"DATETIME": "a date such as 2026-01-31T12:00:00Z", "DATE": "a date such as 2026-01-31", "TIME": "a time such as 12:00:00",
}

func timeBound(typ string) func(*yamldoc.Node) (float64, bool) {
	layouts := map[string][]string{"DATETIME": {time.RFC3339}, "DATE": {time.DateOnly}, "TIME": {time.TimeOnly, "15:04"}}[typ]
	return func(n *yamldoc.Node) (float64, bool) {
		for _, layout := range layouts {
			if t, err := time.Parse(layout, n.String()); err == nil {
				return float64(t.Unix()), true
			}
		}
		return 0, false
	}
}

func (c *compiler) fileInput(o *object) {
	if d := o.n.Get("defaults"); !d.IsNull() {
		s := d.String()
		if !strings.HasPrefix(s, "file://") && !strings.HasPrefix(s, "nsfile://") && !hasExpression(s) {
			c.expect(d, "the default of a file is "+describe(d), "the URI of a file: file:///… or nsfile:///…")
		}
	}
	for _, n := range o.list("allowedFileExtensions") {
		if !strings.HasPrefix(n.String(), ".") {
			p := n.Problem(yamldoc.Warning, "no file has the extension "+describe(n))
			p.Expected = "a file extension with its dot, such as .csv"
			c.report(p)
		}
	}
	if old := o.get("extension"); old != nil {
		p := old.Problem(yamldoc.Warning, "`extension` is deprecated")
		p.Suggestion = "use allowedFileExtensions"
		c.report(p)
	}
}

// itemType checks the type of the elements of a list.
func (c *compiler) itemType(o *object) {
	if n := o.get("itemType"); n != nil && slices.Contains([]string{"ARRAY", "MULTISELECT", "FORM"}, n.String()) {
		c.fail(n, "`itemType` cannot be "+n.String())
		return
	}
	o.choice("itemType", "", inputTypeNames...)
}

func (c *compiler) selectInput(o *object, in *model.Input) {
	for _, name := range []string{"allowCustomValue", "isRadio", "autoSelectFirst"} {
		o.flag(name, false)
	}
	c.itemType(o)
	c.expressions(o.get("expression"))
	listed := o.get("values", "options")
	switch {
	case listed != nil || o.get("expression") != nil:
	case in.Type == "ENUM":
		o.missing("values")
	default:
		c.warn(o.n, "an input of type "+in.Type+" without `values` and `expression` has nothing to choose from")
	}
	var options []string
	for _, item := range o.list("values", "options") {
		if item.Kind != yamldoc.Map {
			if item.IsNull() || item.Kind == yamldoc.List {
				c.expect(item, "this is "+describe(item), "text, or a value with its label")
			}
			options = append(options, item.String())
			continue
		}
		v := c.object(item, "an option")
		if v.get("value") == nil {
			v.missing("value")
		}
		v.text("label")
		options = append(options, v.text("value"))
		v.done()
	}
	if listed != nil && len(listed.Items()) == 0 {
		c.fail(listed, "`values` must not be empty")
	}
	d := o.n.Get("defaults")
	if in.Type == "MULTISELECT" || d.IsNull() || d.Kind != yamldoc.Scalar || hasExpression(d.String()) || len(options) == 0 {
		return
	}
	custom, _ := asBool(orNull(o.get("allowCustomValue")))
	if !custom && !slices.Contains(options, d.String()) {
		c.suggest(yamldoc.Warning, d, "the default "+describe(d)+" is none of the values", d.String(), options)
	}
}

// checkDependencies refuses inputs that depend on unknown ones or on each other.
func (c *compiler) checkDependencies(n *yamldoc.Node, inputs []*model.Input) {
	byID := map[string]*model.Input{}
	var ids []string
	for _, in := range inputs {
		byID[in.ID] = in
		ids = append(ids, in.ID)
	}
	items := n.Items()
	for _, item := range items {
		for _, at := range item.Get("dependsOn").Get("inputs").Items() {
			if id := at.String(); byID[id] == nil && !c.inForm(id) {
				c.suggest(yamldoc.Error, at, "there is no input `"+id+"`", id, ids)
			}
		}
	}
	for i, in := range inputs {
		if dependsOnItself(in, byID) && i < len(items) {
			c.fail(items[i].Get("dependsOn"), "the input `"+in.ID+"` depends on itself")
		}
	}
}

// inForm tells whether an id is that of an input of the flow as a form's member names it: with the form's id before it.
func (c *compiler) inForm(id string) bool { return strings.Contains(id, ".") }

func dependsOnItself(in *model.Input, byID map[string]*model.Input) bool {
	seen := map[string]bool{}
	next := []*model.Input{in}
	for len(next) > 0 {
		t := next[0]
		next = next[1:]
		if t.DependsOn == nil {
			continue
		}
		for _, id := range t.DependsOn.Inputs {
			if id == in.ID {
				return true
			}
			if dep := byID[id]; dep != nil && !seen[id] {
				seen[id] = true
				next = append(next, dep)
			}
		}
	}
	return false
}
