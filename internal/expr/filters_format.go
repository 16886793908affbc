package expr

import (
	"github.com/windhover-io/windhover/internal/expr/ion"
	"github.com/windhover-io/windhover/internal/expr/yamltext"
	"github.com/windhover-io/windhover/internal/value"
)

func toJSON(c *invocation) (any, error) {
	return string(value.AppendJSON(nil, c.in, value.JSONOptions{})), nil
}

func toIon(c *invocation) (any, error) { return string(ion.Append(nil, c.in)), nil }

func toYAML(c *invocation) (any, error) {
	if c.in == nil {
		return "null", nil
	}
	return yamltext.Write(c.in), nil
}
