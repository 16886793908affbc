package engine

import (
	"encoding/json"
	"fmt"

	"github.com/windhover-io/windhover/internal/value"
)

// renderOutputs renders the flow's outputs, typed as they are declared.
func (x *turn) renderOutputs() error {
	declared := x.s.Flow.Outputs
	if len(declared) == 0 {
		return nil
	}
	m := value.NewMap(len(declared))
	for _, out := range declared {
		v, err := x.outputValue(nil, out.Value)
		if err != nil {
			return fmt.Errorf("output %s: %w", out.ID, err)
		}
		if x.env.OutputValue != nil {
			if v, err = x.env.OutputValue(out, v); err != nil {
				return fmt.Errorf("output %s: %w", out.ID, err)
			}
		}
		m.Set(out.ID, v)
	}
	x.head().Outputs = json.RawMessage(value.AppendJSON(nil, m, value.JSONOptions{}))
	return nil
}

// outputValue renders what a flow says about an output. A text that is one expression keeps its type; within lists and maps
// every text stays a text, as in all properties.
func (x *turn) outputValue(n *node, written any) (any, error) {
	switch w := written.(type) {
	case string:
		return x.eval(n, w)
	case []any, *value.Map:
		return x.renderValue(n, w)
	}
	return written, nil
}
