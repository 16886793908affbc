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
		v, err := x.outputValue(out.Value)
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

// outputValue renders what a flow says about an output; a text that is one expression keeps its type.
func (x *turn) outputValue(written any) (any, error) {
	switch w := written.(type) {
	case string:
		return x.eval(nil, w)
	case []any:
		out := make([]any, len(w))
		for i, e := range w {
			v, err := x.outputValue(e)
			if err != nil {
				return nil, err
			}
			out[i] = v
		}
		return out, nil
	case *value.Map:
		out := value.NewMap(w.Len())
		for k, e := range w.All() {
			v, err := x.outputValue(e)
			if err != nil {
				return nil, err
			}
			out.Set(k, v)
		}
		return out, nil
	}
	return written, nil
}
