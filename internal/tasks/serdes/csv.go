package serdes

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// CsvToIon reads CSV.
type CsvToIon struct {
	From           string     `json:"from" required:"true" doc:"The URI of the CSV file."`
	Header         bool       `json:"header" default:"true" doc:"Whether the first row names the columns: then rows are objects, otherwise lists."`
	FieldSeparator string     `json:"fieldSeparator" default:"," doc:"The character between fields."`
	TextDelimiter  string     `json:"textDelimiter" default:"\"" doc:"The character around fields that contain others."`
	SkipEmptyRows  bool       `json:"skipEmptyRows" default:"false" doc:"Whether empty lines are passed over."`
	OnBadLines     OnBadLines `json:"onBadLines" default:"ERROR" enum:"ERROR,WARN,SKIP" doc:"What becomes of rows with another number of fields than the header, and of those that are malformed."`
	OnEmptyHeader  string     `json:"onEmptyHeader" default:"DROP" enum:"DROP,RENAME" doc:"DROP leaves out columns without a name at the end; RENAME calls all columns without a name col_0, col_1 and so on."`
	SkipRows       int        `json:"skipRows" default:"0" min:"0" doc:"How many rows to pass over, after the header."`
	Charset        string     `json:"charset" default:"UTF-8" doc:"The encoding of the file."`
	MaxBufferSize  int        `json:"maxBufferSize" default:"16777216" min:"1" doc:"How long a row may be, in bytes."`
	MaxFieldSize   int        `json:"maxFieldSize" default:"16777216" min:"1" doc:"How long a field may be, in bytes."`

	AllowExtraCharsAfterClosingQuote bool  `json:"allowExtraCharsAfterClosingQuote" default:"false" doc:"Whether a field may go on after its closing quote."`
	ErrorOnDifferentFieldCount       *bool `json:"errorOnDifferentFieldCount" deprecated:"onBadLines" doc:"Accepted and not used."`
}

// Run converts the file.
func (t *CsvToIon) Run(ctx context.Context, run sdk.Run) (any, error) {
	return toIon(ctx, run, t.From, func(r io.Reader, row put) error {
		c, err := t.reader(r)
		if err != nil {
			return err
		}
		return t.convert(run, c, row)
	})
}

func (t *CsvToIon) reader(r io.Reader) (*csvReader, error) {
	if err := errors.Join(character("fieldSeparator", t.FieldSeparator), character("textDelimiter", t.TextDelimiter)); err != nil {
		return nil, err
	}
	in, err := decoded(r, t.Charset)
	if err != nil {
		return nil, err
	}
	return &csvReader{
		r: bufio.NewReaderSize(in, 64<<10), separator: t.FieldSeparator, quote: t.TextDelimiter,
		extra: t.AllowExtraCharsAfterClosingQuote, maxRecord: t.MaxBufferSize, maxField: t.MaxFieldSize,
	}, nil
}

// character says that a property is to be one character.
func character(property, s string) error {
	if utf8.RuneCountInString(s) != 1 || s == "\n" || s == "\r" {
		return fmt.Errorf("%s: expected one character, got %q", property, s)
	}
	return nil
}

func (t *CsvToIon) convert(run sdk.Run, c *csvReader, row put) error {
	var header []string
	columns, skip := 0, t.SkipRows
	for n := 0; ; n++ {
		fields, err := c.read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
		case t.SkipEmptyRows && len(fields) == 1 && fields[0] == "":
			continue
		case t.Header && header == nil:
			header, columns = t.columns(run, fields)
			continue
		case skip > 0:
			skip--
			continue
		case t.Header && len(fields) != len(header):
			err = c.bad("bad line (field count mismatch): expected %d fields, got %d", len(header), len(fields))
		}
		if err != nil {
			if err = t.OnBadLines.handle(run, err); err != nil {
				return err
			}
			continue
		}
		if err := row(record(header[:columns], fields)); err != nil {
			return err
		}
	}
}

// record is a row: an object where there is a header, a list where there is none.
func record(header, fields []string) any {
	if header == nil {
		list := make([]any, len(fields))
		for i, f := range fields {
			list[i] = cell(f)
		}
		return list
	}
	m := value.NewMap(len(header))
	for i, name := range header {
		m.Set(name, cell(fields[i]))
	}
	return m
}

// cell is a field; \N stands for null.
func cell(field string) any {
	if field == `\N` {
		return nil
	}
	return field
}

// columns names the columns and tells how many of them are kept.
func (t *CsvToIon) columns(run sdk.Run, header []string) (names []string, kept int) {
	if t.OnEmptyHeader == "RENAME" {
		return rename(header), len(header)
	}
	kept = len(header)
	for kept > 1 && header[kept-1] == "" {
		kept--
	}
	if header[kept-1] == "" { // no column has a name
		kept = len(header)
	}
	if n := len(header) - kept; n > 0 {
		run.Log(sdk.LevelWarn, "%d columns without a name at the end of the header are left out; onEmptyHeader: RENAME keeps them", n)
	}
	distinct := slices.Compact(slices.Sorted(slices.Values(header[:kept])))
	if n := kept - len(distinct); n > 0 {
		run.Log(sdk.LevelWarn, "%d columns have the name of another one, or none: of columns of one name the last is kept", n)
	}
	return header, kept
}

// rename gives columns without a name one that no other has.
func rename(header []string) []string {
	names := slices.Clone(header)
	for i, name := range names {
		if name != "" {
			continue
		}
		unique := fmt.Sprintf("col_%d", i)
		for n := 2; slices.Contains(names, unique); n++ {
			unique = fmt.Sprintf("col_%d_%d", i, n)
		}
		names[i] = unique
	}
	return names
}

// IonToCsv writes CSV.
type IonToCsv struct {
	From              string `json:"from" required:"true" doc:"The URI of a file of Ion or JSON lines: a row each, an object or a list."`
	Header            bool   `json:"header" default:"true" doc:"Whether the first line is to name the columns. The names are those of the first row."`
	FieldSeparator    string `json:"fieldSeparator" default:"," doc:"The character between fields."`
	TextDelimiter     string `json:"textDelimiter" default:"\"" doc:"The character around fields that contain others."`
	LineDelimiter     string `json:"lineDelimiter" default:"\n" doc:"What ends a line: \\n, \\r or \\r\\n."`
	AlwaysDelimitText bool   `json:"alwaysDelimitText" default:"false" doc:"Whether all fields are quoted. quoteMode goes before it."`
	QuoteMode         string `json:"quoteMode" enum:"ALWAYS,REQUIRED,NON_NUMERIC" doc:"Which fields are quoted: all, those that have to be, or those that are no numbers."`
	Charset           string `json:"charset" default:"UTF-8" doc:"The encoding of the file."`
	Dates
}

// Run converts the file.
func (t *IonToCsv) Run(ctx context.Context, run sdk.Run) (any, error) {
	if err := errors.Join(character("fieldSeparator", t.FieldSeparator), character("textDelimiter", t.TextDelimiter), t.lineDelimiter()); err != nil {
		return nil, err
	}
	dates, err := t.formats()
	if err != nil {
		return nil, err
	}
	return fromIon(ctx, run, t.From, "rows.csv", func(w io.Writer, rows *rows) error {
		out, err := encoded(w, t.Charset)
		if err != nil {
			return err
		}
		c := &csvWriter{IonToCsv: t, dates: dates, w: out}
		return errors.Join(rows.each(c.row), out.Close())
	})
}

func (t *IonToCsv) lineDelimiter() error {
	switch t.LineDelimiter {
	case "\n", "\r", "\r\n":
		return nil
	}
	return fmt.Errorf("lineDelimiter: expected a line feed, a carriage return or both, got %q", t.LineDelimiter)
}

// csvWriter writes rows.
type csvWriter struct {
	*IonToCsv
	dates *formats
	w     io.Writer
	begun bool
	line  []byte
}

func (c *csvWriter) row(row any) error {
	if list, ok := row.([]any); ok {
		if c.Header {
			return errors.New("the row is a list, whose columns have no names: set header to false")
		}
		return c.write(list)
	}
	m, ok := value.AsMap(row)
	if !ok {
		return fmt.Errorf("expected an object or a list, got %s", value.TypeName(row))
	}
	if !c.begun && c.Header {
		names := make([]any, 0, m.Len())
		for _, k := range m.Keys() {
			names = append(names, k)
		}
		if err := c.write(names); err != nil {
			return err
		}
	}
	c.begun = true
	values := make([]any, 0, m.Len())
	for _, v := range m.All() {
		values = append(values, v)
	}
	return c.write(values)
}

func (c *csvWriter) write(values []any) error {
	c.line = c.line[:0]
	for i, v := range values {
		if i > 0 {
			c.line = append(c.line, c.FieldSeparator...)
		}
		if v == nil {
			if c.QuoteMode == "ALWAYS" || c.QuoteMode == "" && c.AlwaysDelimitText {
				c.line = append(append(c.line, c.TextDelimiter...), c.TextDelimiter...)
			}
			continue
		}
		text, err := c.dates.text(v)
		if err != nil {
			return err
		}
		c.field(text, i == 0)
	}
	c.line = append(c.line, c.LineDelimiter...)
	_, err := c.w.Write(c.line)
	return err
}

// field appends a field.
func (c *csvWriter) field(text string, first bool) {
	if !c.quotes(text, first) {
		c.line = append(c.line, text...)
		return
	}
	c.line = append(c.line, c.TextDelimiter...)
	c.line = append(c.line, strings.ReplaceAll(text, c.TextDelimiter, c.TextDelimiter+c.TextDelimiter)...)
	c.line = append(c.line, c.TextDelimiter...)
}

// quotes tells whether a field is quoted. One that begins a line with # could be taken for a comment, so it is, too.
func (c *csvWriter) quotes(text string, first bool) bool {
	switch {
	case c.QuoteMode == "ALWAYS", c.QuoteMode == "" && c.AlwaysDelimitText, c.QuoteMode == "NON_NUMERIC" && !numeric(text):
		return true
	}
	return strings.ContainsAny(text, "\r\n") || strings.Contains(text, c.FieldSeparator) || strings.Contains(text, c.TextDelimiter) ||
		first && strings.HasPrefix(text, "#")
}

// numeric tells whether a text is digits with at most a sign before them and a point in between.
func numeric(text string) bool {
	if text != "" && (text[0] == '-' || text[0] == '+') {
		text = text[1:]
	}
	return text != "" && strings.Count(text, ".") <= 1 && strings.Trim(text, "0123456789.") == ""
}
