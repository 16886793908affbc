package yamldoc

import (
	"strconv"
	"strings"

	"github.com/windhover-io/windhover/internal/value"
)

// Kind is the shape of a node. The zero Kind is Scalar.
type Kind uint8

// The three shapes that are left once aliases and merge keys are expanded.
const (
	Scalar Kind = iota
	Map
	List
)

// String returns the kind as users call it: "value", "map" or "list".
func (k Kind) String() string {
	return [...]string{"value", "map", "list"}[k]
}

// Style is how a node was written.
type Style uint8

const (
	// Plain is an unquoted scalar.
	Plain Style = iota
	// Quoted is a scalar between single or double quotes.
	Quoted
	// Block is a literal (|) or folded (>) scalar, or a map or list laid out by indentation.
	Block
	// Flow is a map or list written as in JSON.
	Flow
)

// Node is a map, a list or a scalar of a document, and where it stands in the text.
//
// Nodes of an expanded alias are copies of their own, with their own Path; the alias itself is
// placed where it is used, what lies below it where the anchor is written. Nodes are not to be
// changed; they may then be read concurrently. The accessors accept a nil *Node.
type Node struct {
	Kind  Kind
	Style Style
	// Tag is the type after resolution: !!map, !!seq, !!str, !!int, !!float, !!bool, !!null,
	// or the application's own, such as !foo, as written.
	Tag string
	// Text is a scalar's content: as written for a plain one, decoded for a quoted or block one.
	Text string
	// Line and Column of the node's first character, from 1; columns count code points.
	// EndColumn is the first column behind it on the same line.
	Line, Column, EndColumn int
	// Path from the root, e.g. `tasks[0].id`; empty for the root.
	Path string

	scalar  any
	entries []Entry
	index   map[string]int // of entries by key; nil while a scan is as fast
	items   []*Node
}

// Entry is one key of a map with its value, neither of them nil. Key is a scalar whose Text is the
// key as written: `1:` and `true:` are the keys "1" and "true".
type Entry struct {
	Key, Value *Node
}

// indexFrom is the number of entries from which a map is looked up by hash.
const indexFrom = 16

// Get returns the value of a map's key, nil where there is none or n is not a map.
func (n *Node) Get(key string) *Node {
	if i := n.find(key); i >= 0 {
		return n.entries[i].Value
	}
	return nil
}

// Entries returns a map's entries in the order of the text, nil for another kind.
func (n *Node) Entries() []Entry {
	if n == nil {
		return nil
	}
	return n.entries
}

// Items returns a list's items, nil for another kind.
func (n *Node) Items() []*Node {
	if n == nil {
		return nil
	}
	return n.items
}

// IsNull reports whether n is absent or a null (nothing, ~ or null).
func (n *Node) IsNull() bool {
	return n == nil || n.Kind == Scalar && n.scalar == nil
}

// String returns a scalar's Text, and "" for a map, a list or a nil node.
//
// This is what a property typed as text receives outside of tasks (`description: 012` is "012").
// Inside tasks the reference reads the value first and prints it then ("10"): use Value there.
func (n *Node) String() string {
	if n == nil {
		return ""
	}
	return n.Text
}

// Value returns what the node stands for, in the types of package value: nil, bool, int32, int64,
// *big.Int, float64, string, []any or *value.Map. Every call builds lists and maps anew.
func (n *Node) Value() any {
	switch {
	case n == nil:
		return nil
	case n.Kind == List:
		items := make([]any, len(n.items))
		for i, item := range n.items {
			items[i] = item.Value()
		}
		return items
	case n.Kind == Map:
		m := value.NewMap(len(n.entries))
		for _, e := range n.entries {
			m.Set(e.Key.Text, e.Value.Value())
		}
		return m
	}
	return n.scalar
}

// Problem returns a problem placed at the node.
func (n *Node) Problem(severity Severity, message string) Problem {
	return Problem{
		Severity: severity, Line: n.Line, Column: n.Column, EndColumn: n.EndColumn,
		Path: n.Path, Message: message,
	}
}

func (n *Node) find(key string) int {
	if n == nil {
		return -1
	}
	if n.index != nil {
		if i, ok := n.index[key]; ok {
			return i
		}
		return -1
	}
	for i := range n.entries {
		if n.entries[i].Key.Text == key {
			return i
		}
	}
	return -1
}

// add appends an entry whose key the map does not have yet.
func (n *Node) add(e Entry) {
	n.entries = append(n.entries, e)
	switch {
	case n.index != nil:
		n.index[e.Key.Text] = len(n.entries) - 1
	case len(n.entries) >= indexFrom:
		n.index = make(map[string]int, 2*indexFrom)
		for i := range n.entries {
			n.index[n.entries[i].Key.Text] = i
		}
	}
}

func keyPath(parent, key string) string {
	switch {
	case !plainKey(key):
		return parent + "[" + strconv.Quote(key) + "]"
	case parent == "":
		return key
	}
	return parent + "." + key
}

func itemPath(parent string, i int) string {
	return parent + "[" + strconv.Itoa(i) + "]"
}

// plainKey reports whether a key can stand in a path without quotes.
func plainKey(key string) bool {
	return key != "" && !strings.ContainsFunc(key, func(r rune) bool {
		return r <= ' ' || strings.ContainsRune(`.[]"'`, r)
	})
}
