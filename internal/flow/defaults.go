package flow

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

// Default gives the properties of a type values that a flow leaves out.
type Default struct {
	// Type is a type, an alias of one, or the beginning of their names.
	Type string
	// Forced values replace those of the flow.
	Forced bool
	// Ref restricts it to those whose property pluginDefaultsRef names it.
	Ref    string
	Values *value.Map

	// node is the values as a flow has them, nil for those of the configuration.
	node *yamldoc.Node
}

// ParseDefaults reads plugin defaults as a configuration has them: maps with type, values, forced and ref.
func ParseDefaults(list []any) ([]Default, error) {
	var out []Default
	for i, e := range list {
		m, ok := value.AsMap(e)
		if !ok {
			return nil, fmt.Errorf("plugin default %d is not a map", i+1)
		}
		typ, _ := m.Get("type")
		name, _ := typ.(string)
		if name == "" {
			return nil, fmt.Errorf("plugin default %d has no type", i+1)
		}
		d := Default{Type: name}
		forced, _ := m.Get("forced")
		d.Forced = forced == true || forced == "true"
		if ref, _ := m.Get("ref"); ref != nil {
			d.Ref = value.Print(ref)
		}
		values, _ := m.Get("values")
		if d.Values, ok = value.AsMap(values); !ok && values != nil {
			return nil, fmt.Errorf("the values of the plugin default %s are not a map", name)
		}
		out = append(out, d)
	}
	return out, nil
}

// readDefaults reads the plugin defaults of the flow.
func (c *compiler) readDefaults(o *object) []Default {
	var out []Default
	for _, name := range []string{"pluginDefaults", "taskDefaults"} {
		for _, item := range o.list(name) {
			d := c.object(item, "a plugin default")
			if d == nil {
				continue
			}
			if d.get("type") == nil {
				d.missing("type")
			}
			def := Default{Type: d.text("type"), Forced: d.flag("forced", false), Ref: d.text("ref"), node: d.get("values")}
			if def.node != nil && def.node.Kind != yamldoc.Map {
				c.expect(def.node, "`values` is "+describe(def.node), "a map")
				def.node = nil
			}
			d.done()
			c.checkDefaultType(item.Get("type"), def.Type)
			if def.Type != "" && def.node != nil {
				out = append(out, def)
			}
		}
	}
	if n := o.n.Get("taskDefaults"); n != nil {
		p := n.Problem(yamldoc.Warning, "`taskDefaults` is deprecated")
		p.Suggestion = "use pluginDefaults"
		c.report(p)
	}
	return out
}

// checkDefaultType warns of a default that is for no type.
func (c *compiler) checkDefaultType(at *yamldoc.Node, name string) {
	known := c.opts.Registry.Names("")
	if name == "" || slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(k, name) }) {
		return
	}
	p := at.Problem(yamldoc.Warning, "there is no type `"+shorten(name)+"`, and none that begins with it")
	if near := nearestType(name, known); near != "" {
		p.Suggestion = "did you mean `" + near + "`?"
	}
	c.report(p)
}

// withDefaults returns the tree with defaults filled into every map that has a type, those that stand inside first. The
// tree itself is not changed.
func (c *compiler) withDefaults(n *yamldoc.Node, defaults []Default) *yamldoc.Node {
	if len(defaults) == 0 {
		return n
	}
	switch n.Kind {
	case yamldoc.List:
		items := make([]*yamldoc.Node, len(n.Items()))
		for i, item := range n.Items() {
			items[i] = c.withDefaults(item, defaults)
		}
		return yamldoc.NewList(n, items)
	case yamldoc.Map:
		entries := make([]yamldoc.Entry, len(n.Entries()))
		for i, e := range n.Entries() {
			entries[i] = e
			if k := e.Key.Text; k != "pluginDefaults" && k != "taskDefaults" {
				entries[i].Value = c.withDefaults(e.Value, defaults)
			}
		}
		return c.fill(yamldoc.NewMap(n, entries), defaults)
	}
	return n
}

// fill merges the defaults that are meant for a map into it.
func (c *compiler) fill(n *yamldoc.Node, defaults []Default) *yamldoc.Node {
	typ, ok := n.Get("type").Value().(string)
	if !ok {
		return n
	}
	ref := n.Get("pluginDefaultsRef").String()
	var mine []Default
	for _, d := range defaults {
		if c.meant(d.Type, typ) && (d.Ref == "" || d.Ref == ref) {
			if d.node == nil {
				d.node = yamldoc.FromValue(n, d.Values)
			}
			mine = append(mine, d)
		}
	}
	// Those that were asked for by name count first; of the others, those that say more of the type's name.
	slices.SortStableFunc(mine, func(a, b Default) int {
		switch named := a.Ref != ""; {
		case named == (b.Ref != ""):
			return cmp.Compare(len(c.canonical(b.Type)), len(c.canonical(a.Type)))
		case named:
			return -1
		}
		return 1
	})
	for _, d := range mine {
		if !d.Forced {
			n = c.merge(n, d.node, false)
		}
	}
	for _, d := range slices.Backward(mine) {
		if d.Forced {
			n = c.merge(n, d.node, true)
		}
	}
	return n
}

// meant tells whether a default for one type, or for all that begin with it, is for another.
func (c *compiler) meant(of, typ string) bool {
	names := []string{typ, c.canonical(typ)}
	for _, prefix := range []string{of, c.canonical(of)} {
		for _, name := range names {
			if strings.HasPrefix(name, prefix) {
				return true
			}
		}
	}
	return false
}

// canonical is the present name of a type.
func (c *compiler) canonical(name string) string {
	if t, ok := c.opts.Registry.Lookup(name); ok {
		return t.Name
	}
	return name
}

// merge returns n with what d has: maps are merged, lists joined; of other values n's counts, or d's if it is forced.
func (c *compiler) merge(n, d *yamldoc.Node, forced bool) *yamldoc.Node {
	entries := slices.Clone(n.Entries())
	for _, e := range d.Entries() {
		i := slices.IndexFunc(entries, func(o yamldoc.Entry) bool { return o.Key.Text == e.Key.Text })
		if i < 0 {
			c.injected[e.Key] = true
			entries = append(entries, e)
			continue
		}
		own := entries[i].Value
		switch {
		case own.IsNull():
			entries[i].Value = e.Value
		case own.Kind == yamldoc.Map && e.Value.Kind == yamldoc.Map:
			entries[i].Value = c.merge(own, e.Value, forced)
		case own.Kind == yamldoc.List && e.Value.Kind == yamldoc.List && forced:
			entries[i].Value = yamldoc.NewList(own, slices.Concat(own.Items(), e.Value.Items()))
		case own.Kind == yamldoc.List && e.Value.Kind == yamldoc.List:
			entries[i].Value = yamldoc.NewList(own, slices.Concat(e.Value.Items(), own.Items()))
		case forced:
			entries[i].Value = e.Value
		}
	}
	return yamldoc.NewMap(n, entries)
}
