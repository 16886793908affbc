package files

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/windhover-io/windhover/internal/expr/ion"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// Each calls f with each value that the property from of a task stands for, and with its number from 1: the rows of a file of
// Ion or JSON lines, the elements of a list, or one map. A text that is no file's URI is the JSON of one of these. Rows are
// read as they are needed.
func Each(ctx context.Context, run sdk.Run, from any, f func(v any, n int) error) error {
	if text, ok := from.(string); ok {
		if IsURI(text) {
			return eachRow(ctx, run, text, f)
		}
		parsed, err := value.ParseJSON([]byte(text))
		if err != nil {
			return errors.New("from: expected the URI of a file, a list or a map")
		}
		from = parsed
	}
	if list, ok := from.([]any); ok {
		for i, v := range list {
			if err := f(v, i+1); err != nil {
				return fmt.Errorf("from[%d]: %w", i, err)
			}
		}
		return nil
	}
	if _, ok := value.AsMap(from); !ok {
		return fmt.Errorf("from: expected the URI of a file, a list or a map, got %s", value.TypeName(from))
	}
	if err := f(from, 1); err != nil {
		return fmt.Errorf("from: %w", err)
	}
	return nil
}

func eachRow(ctx context.Context, run sdk.Run, uri string, f func(v any, n int) error) error {
	r, err := run.Open(ctx, uri)
	if err != nil {
		return fmt.Errorf("from: %w", err)
	}
	defer r.Close()
	rows := ion.NewDecoder(r)
	for n := 1; ; n++ {
		v, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = f(v, n)
		}
		if err != nil {
			return fmt.Errorf("from: row %d: %w", n, err)
		}
	}
}
