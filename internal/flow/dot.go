package flow

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/windhover-io/windhover/internal/model"
)

// Dot writes a flow's graph in the language of Graphviz.
func Dot(f *model.Flow) string {
	g := Graph(f, nil)
	var b strings.Builder
	b.WriteString("digraph " + strconv.Quote(f.Namespace+"."+f.ID) + " {\n  rankdir=LR\n  compound=true\n  node [shape=box]\n")
	byUID := map[string]*Vertex{}
	inside := map[string]bool{}
	for _, n := range g.Nodes {
		byUID[n.UID] = n
	}
	children := map[string][]*Cluster{}
	for _, c := range g.Clusters {
		parent := ""
		if len(c.Parents) > 0 {
			parent = c.Parents[len(c.Parents)-1]
		}
		children[parent] = append(children[parent], c)
	}
	var write func(c *Cluster, indent string)
	write = func(c *Cluster, indent string) {
		fmt.Fprintf(&b, "%ssubgraph %s {\n", indent, strconv.Quote(c.UID))
		label := "triggers"
		if c.Task != nil {
			label = c.Task.Task.ID
		}
		fmt.Fprintf(&b, "%s  label=%s\n", indent, strconv.Quote(label))
		for _, sub := range children[c.UID] {
			write(sub, indent+"  ")
		}
		for _, uid := range c.Nodes {
			if n := byUID[uid]; n != nil && !inside[uid] {
				inside[uid] = true
				b.WriteString(indent + "  " + dotVertex(n))
			}
		}
		b.WriteString(indent + "}\n")
	}
	for _, c := range children[""] {
		write(c, "  ")
	}
	for _, n := range g.Nodes {
		if !inside[n.UID] {
			b.WriteString("  " + dotVertex(n))
		}
	}
	for _, e := range g.Edges {
		fmt.Fprintf(&b, "  %s -> %s%s\n", strconv.Quote(e.Source), strconv.Quote(e.Target), dotEdge(e))
	}
	b.WriteString("}\n")
	return b.String()
}

func dotVertex(n *Vertex) string {
	switch {
	case n.Task != nil:
		return fmt.Sprintf("%s [label=%s]\n", strconv.Quote(n.UID), strconv.Quote(n.Task.ID))
	case n.Trigger != nil:
		return fmt.Sprintf("%s [label=%s, shape=cds]\n", strconv.Quote(n.UID), strconv.Quote(n.Trigger.ID))
	}
	return strconv.Quote(n.UID) + " [label=\"\", shape=point]\n"
}

func dotEdge(e Edge) string {
	switch {
	case e.Value != "":
		return " [label=" + strconv.Quote(e.Value) + "]"
	case e.Relation == RelError:
		return ` [label="error", style=dashed]`
	case e.Relation == RelFinally, e.Relation == RelAfter:
		return " [style=dashed]"
	}
	return ""
}
