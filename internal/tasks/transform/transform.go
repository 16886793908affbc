// Package transform holds tasks that change values and files by expressions of JSONata.
package transform

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/windhover-io/windhover/internal/expr/ion"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/internal/tasks/transform/jsonata"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

const area = "io.kestra.plugin.transform.jsonata."

// Types lists the types of this package.
func Types() []plugin.Type {
	return []plugin.Type{
		{
			Name: area + "TransformItems", Category: plugin.Task, Title: "Transform each value of a file by a JSONata expression.",
			New: func() any { return &TransformItems{} }, Outputs: ItemsOutput{},
			Examples: []plugin.Example{{Title: "What the orders of a file come to", YAML: "id: totals\ntype: " + area + "TransformItems\nfrom: \"{{ inputs.orders }}\"\nexpression: |\n  {\"id\": id, \"total\": $sum(lines.(price * quantity))}"}},
		},
		{
			Name: area + "TransformValue", Category: plugin.Task, Title: "Transform a JSON value by a JSONata expression.",
			New: func() any { return &TransformValue{} }, Outputs: ValueOutput{},
			Examples: []plugin.Example{{Title: "A name of two parts", YAML: "id: name\ntype: " + area + "TransformValue\nfrom: '{\"first\": \"Ada\", \"last\": \"Lovelace\"}'\nexpression: first & ' ' & last"}},
		},
	}
}

// Expression is what transforms.
type Expression struct {
	Expression string `json:"expression" required:"true" doc:"The JSONata expression."`
	MaxDepth   int    `json:"maxDepth" default:"1000" min:"1" doc:"How deep the evaluation may nest: what ends functions that call themselves for ever."`
}

// compile reads the expression; the function that it returns evaluates it.
func (x *Expression) compile() (func(ctx context.Context, v any) (any, error), error) {
	e, err := jsonata.Compile(x.Expression)
	if err != nil {
		return nil, fmt.Errorf("expression: %w", err)
	}
	return func(ctx context.Context, v any) (any, error) {
		v, err := e.Evaluate(ctx, v, x.MaxDepth)
		if err != nil && ctx.Err() == nil {
			err = fmt.Errorf("expression: %w", err)
		}
		return v, err
	}, nil
}

// TransformItems transforms the values of a file.
type TransformItems struct {
	From         string `json:"from" required:"true" doc:"The URI of a file of JSON or Ion values."`
	ExplodeArray bool   `json:"explodeArray" default:"true" doc:"Whether each element of a list that the expression gives becomes a value of its own."`
	Expression
}

// ItemsOutput is what TransformItems puts out.
type ItemsOutput struct {
	URI                 string `json:"uri" doc:"The URI of the file of values."`
	ProcessedItemsTotal int64  `json:"processedItemsTotal" doc:"How many values it has."`
}

// Run transforms the file, a value at a time.
func (t *TransformItems) Run(ctx context.Context, run sdk.Run) (any, error) {
	evaluate, err := t.compile()
	if err != nil {
		return nil, err
	}
	r, err := run.Open(ctx, t.From)
	if err != nil {
		return nil, fmt.Errorf("from: %w", err)
	}
	defer r.Close()
	var out ItemsOutput
	out.URI, err = files.Produce(ctx, run, "items.ion", func(w io.Writer) error {
		in := ion.NewDecoder(r)
		for n := 1; ; n++ {
			v, err := in.Next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err == nil {
				v, err = evaluate(ctx, v)
			}
			if err == nil {
				err = t.write(w, v, &out)
			}
			if err != nil {
				return fmt.Errorf("item %d: %w", n, err)
			}
		}
	})
	return out, err
}

func (t *TransformItems) write(w io.Writer, v any, out *ItemsOutput) error {
	items := []any{v}
	if list, ok := v.([]any); ok && t.ExplodeArray {
		items = list
	}
	for _, item := range items {
		if _, err := w.Write(append(ion.Append(nil, item), '\n')); err != nil {
			return err
		}
		out.ProcessedItemsTotal++
	}
	return nil
}

// TransformValue transforms a value.
type TransformValue struct {
	From string `json:"from" required:"true" doc:"The JSON of the value."`
	Expression
}

// ValueOutput is what TransformValue puts out.
type ValueOutput struct {
	Value any `json:"value" doc:"What the expression gives."`
}

// Run transforms the value.
func (t *TransformValue) Run(ctx context.Context, _ sdk.Run) (any, error) {
	evaluate, err := t.compile()
	if err != nil {
		return nil, err
	}
	v, err := value.ParseJSON([]byte(t.From))
	if err != nil {
		return nil, fmt.Errorf("from: expected JSON: %w", err)
	}
	v, err = evaluate(ctx, v)
	return ValueOutput{v}, err
}
