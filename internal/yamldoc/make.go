package yamldoc

import "github.com/windhover-io/windhover/internal/value"

// NewMap returns a map that stands where at does. Of entries with the same key the first counts.
func NewMap(at *Node, entries []Entry) *Node {
	n := at.shell(Map, tagMap)
	n.entries = make([]Entry, 0, len(entries))
	for _, e := range entries {
		if n.find(e.Key.Text) < 0 {
			n.add(e)
		}
	}
	return n
}

// NewList returns a list that stands where at does.
func NewList(at *Node, items []*Node) *Node {
	n := at.shell(List, tagSeq)
	n.items = items
	return n
}

// FromValue returns a node for a value of package value, all of it standing where at does, so that what was not written in
// a document can be treated like what was.
func FromValue(at *Node, v any) *Node {
	switch v := v.(type) {
	case *value.Map:
		entries := make([]Entry, 0, v.Len())
		for k, e := range v.All() {
			key := at.shell(Scalar, tagStr)
			key.Text, key.scalar = k, k
			entries = append(entries, Entry{key, FromValue(at, e)})
		}
		return NewMap(at, entries)
	case []any:
		items := make([]*Node, len(v))
		for i, e := range v {
			items[i] = FromValue(at, e)
		}
		return NewList(at, items)
	}
	n := at.shell(Scalar, scalarTag(v))
	n.scalar = v
	if v != nil {
		n.Text = value.Print(v)
	}
	return n
}

// shell is an empty node at n's place.
func (n *Node) shell(kind Kind, tag string) *Node {
	return &Node{Kind: kind, Style: Quoted, Tag: tag, Line: n.Line, Column: n.Column, EndColumn: n.EndColumn, Path: n.Path}
}

func scalarTag(v any) string {
	switch v.(type) {
	case nil:
		return tagNull
	case bool:
		return tagBool
	case float32, float64:
		return tagFloat
	}
	if value.IsNumber(v) {
		return tagInt
	}
	return tagStr
}
