package plugin_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/plugin"
)

// Place is what several outputs have.
type Place struct {
	URI string `json:"uri" doc:"Where it is."`
}

// Outputs that share fields by embedding a struct are described whole, in the order in which they are written.
func TestEmbeddedOutputs(t *testing.T) {
	reg := plugin.NewRegistry()
	reg.Add(plugin.Type{Name: "test.Embedded", Category: plugin.Task, New: func() any { return &struct{}{} }, Outputs: struct {
		Place
		Size int64 `json:"size" doc:"Its size."`
	}{}})
	typ, _ := reg.Lookup("test.Embedded")
	var names []string
	for _, p := range typ.OutputProperties() {
		names = append(names, p.Name)
	}
	if d := cmp.Diff([]string{"uri", "size"}, names); d != "" {
		t.Error(d)
	}
}
