package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/windhover-io/windhover/internal/value"
)

// formatTable is the output for people; json and yaml are for programs.
const formatTable = "table"

// column is a column of a table: its title, and where in an element's JSON its values are, with dots between the names.
type column struct{ title, path string }

// print prints an answer of the API: as it is, or as a table with the given columns, one row an element of a list, of a
// page of results, or for the answer itself.
func (o *options) print(cmd *cobra.Command, raw []byte, columns []column) error {
	if o.output != formatTable {
		return printRaw(cmd.OutOrStdout(), o.output, raw)
	}
	v, err := value.ParseJSON(raw)
	if err != nil {
		return fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	rows, total := rowsOf(v)
	if err := printTable(cmd.OutOrStdout(), rows, columns); err != nil {
		return err
	}
	if total > int64(len(rows)) {
		fmt.Fprintf(cmd.ErrOrStderr(), "%d of %d: --size and --page tell which\n", len(rows), total)
	}
	return nil
}

// printValue prints a value of our own.
func (o *options) printValue(cmd *cobra.Command, v any, columns []column) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return o.print(cmd, raw, columns)
}

func rowsOf(v any) (rows []any, total int64) {
	switch v := v.(type) {
	case []any:
		return v, 0
	case *value.Map:
		if results, ok := first(v.Get("results")).([]any); ok {
			total, _ = value.AsInt(first(v.Get("total")))
			return results, total
		}
	}
	return []any{v}, 0
}

func printTable(w io.Writer, rows []any, columns []column) error {
	var text bytes.Buffer
	t := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	line := make([]string, len(columns))
	for i, c := range columns {
		line[i] = c.title
	}
	fmt.Fprintln(t, strings.Join(line, "\t"))
	for _, row := range rows {
		for i, c := range columns {
			line[i] = cell(at(row, c.path))
		}
		fmt.Fprintln(t, strings.Join(line, "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(text.String()) { // columns that end a row with nothing leave no blanks
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// at follows a path into a value; nil where it leads nowhere. The empty path is the value itself.
func at(v any, path string) any {
	if path == "" {
		return v
	}
	for name := range strings.SplitSeq(path, ".") {
		m, ok := value.AsMap(v)
		if !ok {
			return nil
		}
		v, _ = m.Get(name)
	}
	return v
}

// maxCell is how many characters of a value a table shows.
const maxCell = 100

// cell is a value in one line. Control characters are left out: what a flow has written must not steer the terminal.
func cell(v any) string {
	if v == nil {
		return ""
	}
	text := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.TrimSpace(value.Print(v)))
	if runes := []rune(text); len(runes) > maxCell {
		text = string(runes[:maxCell-1]) + "…"
	}
	return text
}
