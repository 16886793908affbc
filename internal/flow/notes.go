package flow

import (
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

// Notes say which types of a flow are deprecated or go by another name now.
type Notes struct {
	// Deprecated are the paths of what has a deprecated type.
	Deprecated []string
	// Renamed are the types that are written by an older name.
	Renamed []Renamed
}

// Renamed is a type that is written by an older name.
type Renamed struct{ Path, Old, New string }

// Inspect reads the notes of a flow; a text that is no YAML has none.
func Inspect(src []byte, opts Options) Notes {
	var notes Notes
	root, _ := yamldoc.Parse(src, opts.Limits)
	notes.read(root, opts.Registry)
	return notes
}

func (notes *Notes) read(n *yamldoc.Node, reg *plugin.Registry) {
	if typ := n.Get("type"); typ != nil {
		if t, ok := reg.Lookup(typ.String()); ok {
			if t.Deprecated != "" {
				notes.Deprecated = append(notes.Deprecated, n.Path)
			}
			if t.Name != typ.String() {
				notes.Renamed = append(notes.Renamed, Renamed{n.Path, typ.String(), t.Name})
			}
		}
	}
	for _, e := range n.Entries() {
		notes.read(e.Value, reg)
	}
	for _, item := range n.Items() {
		notes.read(item, reg)
	}
}
