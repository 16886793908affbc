package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/windhover-io/windhover/internal/expr/ion"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// Source is a file of internal storage, and the name to write it by.
type Source struct{ URI, Name string }

// Sources are the files that the property from of a task stands for: URIs as a list, as a map of names, in a file, or one.
func Sources(ctx context.Context, run sdk.Run, from any) (out []Source, err error) {
	if text, ok := from.(string); ok && IsURI(text) {
		if listed, err := lists(ctx, run, text); err != nil || !listed {
			return []Source{{text, path.Base(text)}}, err
		}
	}
	err = Each(ctx, run, from, func(v any, _ int) error {
		m, ok := value.AsMap(v)
		if !ok {
			uri := value.Print(v)
			out = append(out, Source{uri, path.Base(uri)})
			return nil
		}
		for name, uri := range m.All() {
			out = append(out, Source{value.Print(uri), name})
		}
		return nil
	})
	return out, err
}

// lists tells whether a file holds URIs of files, rather than being one that is meant.
func lists(ctx context.Context, run sdk.Run, uri string) (bool, error) {
	r, err := run.Open(ctx, uri)
	if err != nil {
		return false, fmt.Errorf("from: %w", err)
	}
	defer r.Close()
	head := make([]byte, 4<<10) // more than a line with a URI has
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, fmt.Errorf("from: %w", err)
	}
	line, _, _ := strings.Cut(string(head[:n]), "\n")
	v, err := ion.Read(line, 1)
	if err != nil || len(v) == 0 {
		return false, nil // it is no list
	}
	text, _ := v[0].(string)
	return IsURI(text), nil
}
