package storage

import (
	"context"
	"fmt"
	"io"

	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/expr/ion"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

func filterType() plugin.Type {
	return plugin.Type{
		Name: area + "FilterItems", Aliases: []string{older + "FilterItems"}, Category: plugin.Task, Title: "Keep the rows that meet a condition.",
		Description: "Reads a file with one Ion or JSON object a line, evaluates an expression for each, and stores a file with those that " +
			"are to be kept. The expression reads the fields of the row as variables.",
		Examples: []plugin.Example{{Title: "Keep the orders of one product", YAML: `id: orders
type: io.kestra.plugin.core.storage.FilterItems
from: "{{ inputs.orders }}"
filterCondition: "{{ product == 20 }}"`}},
		New: func() any { return &FilterItems{} }, Outputs: FilterOutput{},
	}
}

// FilterItems keeps rows.
type FilterItems struct {
	From                string       `json:"from" required:"true" doc:"The URI of the file."`
	FilterCondition     sdk.Template `json:"filterCondition" required:"true" doc:"The condition; blank, 0 and false do not hold."`
	FilterType          string       `json:"filterType" default:"INCLUDE" enum:"INCLUDE,EXCLUDE" doc:"Whether rows for which it holds are kept or dropped."`
	ErrorOrNullBehavior string       `json:"errorOrNullBehavior" default:"FAIL" enum:"FAIL,INCLUDE,EXCLUDE" doc:"What becomes of a row for which the condition fails or is null."`
}

// FilterOutput is what FilterItems puts out.
type FilterOutput struct {
	URI       string `json:"uri" doc:"The URI of the file with the rows that were kept."`
	Processed int    `json:"processedItemsTotal" doc:"How many rows there were."`
	Dropped   int    `json:"droppedItemsTotal" doc:"How many of them were dropped."`
}

// Run streams the rows that are kept.
func (t *FilterItems) Run(ctx context.Context, run sdk.Run) (any, error) {
	var out FilterOutput
	var err error
	out.URI, err = files.Produce(ctx, run, "filtered.ion", func(w io.Writer) error {
		return files.Rows(ctx, run, t.From, func(row []byte, n int) error {
			keep, err := t.keeps(run, row)
			if err != nil {
				return fmt.Errorf("row %d: %w", n, err)
			}
			out.Processed++
			if !keep {
				out.Dropped++
				return nil
			}
			return writeRow(w, row)
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (t *FilterItems) keeps(run sdk.Run, row []byte) (bool, error) {
	fields, err := parseRow(row)
	if err != nil {
		return false, err
	}
	v, err := run.RenderTyped(string(t.FilterCondition), fields)
	if err == nil && v == nil {
		err = fmt.Errorf("filterCondition: %s gives null", t.FilterCondition)
	}
	switch {
	case err == nil:
		return expr.Truthy(value.Print(v)) == (t.FilterType == "INCLUDE"), nil
	case t.ErrorOrNullBehavior == "FAIL":
		return false, err
	}
	return t.ErrorOrNullBehavior == "INCLUDE", nil
}

// parseRow reads a row as the variables of an expression.
func parseRow(row []byte) (map[string]any, error) {
	list, err := ion.Read(string(row), 1)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("expected an object, got an empty row")
	}
	m, ok := value.AsMap(list[0])
	if !ok {
		return nil, fmt.Errorf("expected an object, got %s", value.TypeName(list[0]))
	}
	fields := make(map[string]any, m.Len())
	for k, v := range m.All() {
		fields[k] = v
	}
	return fields, nil
}

func writeRow(w io.Writer, row []byte) error {
	if _, err := w.Write(row); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func deduplicateType() plugin.Type {
	return plugin.Type{
		Name: area + "DeduplicateItems", Aliases: []string{older + "DeduplicateItems"}, Category: plugin.Task,
		Title: "Keep the last row of each key.",
		Description: "Reads a file with one Ion or JSON object a line, evaluates an expression that gives the key of each, and stores a file " +
			"with the last row of each key, in the order of the file. The keys are in memory, the rows are not.",
		Examples: []plugin.Example{{Title: "Keep one row for each customer", YAML: `id: customers
type: io.kestra.plugin.core.storage.DeduplicateItems
from: "{{ inputs.orders }}"
expr: "{{ customer }}"`}},
		New: func() any { return &DeduplicateItems{} }, Outputs: DeduplicateOutput{},
	}
}

// DeduplicateItems drops rows whose key comes again.
type DeduplicateItems struct {
	From string       `json:"from" required:"true" doc:"The URI of the file."`
	Expr sdk.Template `json:"expr" required:"true" doc:"The expression that gives a row's key; it reads the fields of the row as variables."`
}

// DeduplicateOutput is what DeduplicateItems puts out.
type DeduplicateOutput struct {
	URI       string `json:"uri" doc:"The URI of the file with the rows that were kept."`
	Keys      int    `json:"numKeys" doc:"How many keys there are."`
	Processed int    `json:"processedItemsTotal" doc:"How many rows there were."`
	Dropped   int    `json:"droppedItemsTotal" doc:"How many of them were dropped."`
}

// Run reads the file twice: for the last row of each key, then for these rows.
func (t *DeduplicateItems) Run(ctx context.Context, run sdk.Run) (any, error) {
	last := map[string]int{}
	err := files.Rows(ctx, run, t.From, func(row []byte, n int) error {
		fields, err := parseRow(row)
		if err != nil {
			return fmt.Errorf("row %d: %w", n, err)
		}
		key, err := run.Render(string(t.Expr), fields)
		if err != nil {
			return fmt.Errorf("row %d: %w", n, err)
		}
		last[key] = n
		return nil
	})
	if err != nil {
		return nil, err
	}
	kept := make(map[int]bool, len(last))
	for _, n := range last {
		kept[n] = true
	}
	out := DeduplicateOutput{Keys: len(last)}
	out.URI, err = files.Produce(ctx, run, "deduplicated.ion", func(w io.Writer) error {
		return files.Rows(ctx, run, t.From, func(row []byte, n int) error {
			out.Processed++
			if !kept[n] {
				out.Dropped++
				return nil
			}
			return writeRow(w, row)
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
