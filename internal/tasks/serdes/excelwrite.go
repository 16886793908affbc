package serdes

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"strings"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"

	"github.com/windhover-io/windhover/internal/expr/ion"
	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// What a sheet of Excel can hold.
const (
	maxColumns  = 16384
	maxCellText = 32767 // in UTF-16
)

// IonToExcel writes Excel workbooks.
type IonToExcel struct {
	From        any    `json:"from" required:"true" doc:"The URI of a file of Ion or JSON lines, a row each, an object or a list; or a map of the titles of sheets to such URIs."`
	Charset     string `json:"charset" default:"UTF-8" doc:"Accepted; Excel files are UTF-8."`
	SheetsTitle string `json:"sheetsTitle" default:"Sheet" doc:"The title of the sheet, where there is one file."`
	Header      bool   `json:"header" default:"true" doc:"Whether the first row has the names of the columns."`
	Styles      bool   `json:"styles" default:"true" doc:"Whether dates are shown by dateFormat and dateTimeFormat; they are numbers otherwise."`
	Dates
}

// Run converts the file.
func (t *IonToExcel) Run(ctx context.Context, run sdk.Run) (out any, err error) {
	sheets, err := t.sheets()
	if err != nil {
		return nil, err
	}
	if _, err := charset(t.Charset); err != nil {
		return nil, err
	}
	f, err := t.formats()
	if err != nil {
		return nil, err
	}
	dir, err := run.WorkDir()
	if err != nil {
		return nil, err
	}
	w := &bookWriter{IonToExcel: t, formats: f, book: excelize.NewFile(excelize.Options{TmpDir: dir})}
	defer func() { err = errors.Join(err, w.book.Close()) }()
	if err := w.addStyles(); err != nil {
		return nil, err
	}
	first := true
	for title, from := range sheets.All() {
		if err := w.addSheet(ctx, run, title, from, first); err != nil {
			return nil, fmt.Errorf("sheet %q: %w", title, err)
		}
		first = false
	}
	uri, err := files.Produce(ctx, run, "rows.xlsx", w.save)
	if err != nil {
		return nil, err
	}
	run.Counter("records", float64(w.rows))
	return Output{URI: uri, Size: w.rows}, nil
}

// sheets are the files by the titles of their sheets.
func (t *IonToExcel) sheets() (*value.Map, error) {
	if uri, ok := t.From.(string); ok {
		return value.MapOf(value.Entry{Key: t.SheetsTitle, Value: uri}), nil
	}
	m, ok := value.AsMap(t.From)
	if !ok || m.Len() == 0 {
		return nil, errors.New("from: expected the URI of a file, or a map of titles to URIs")
	}
	return m, nil
}

// bookWriter writes sheet after sheet. Rows wait on the disk.
type bookWriter struct {
	*IonToExcel
	formats        *formats
	book           *excelize.File
	date, dateTime int // styles
	rows           int64
	stream         *excelize.StreamWriter
	cells          []any
	row            int // of the sheet
}

// addStyles makes the two styles that there are.
func (w *bookWriter) addStyles() (err error) {
	if !w.Styles {
		return nil
	}
	style := func(name, pattern string) int {
		code, e := excelFormat(pattern)
		id := 0
		if e == nil {
			id, e = w.book.NewStyle(&excelize.Style{CustomNumFmt: &code})
		}
		if e != nil && err == nil {
			err = fmt.Errorf("%s: %w", name, e)
		}
		return id
	}
	w.date, w.dateTime = style("dateFormat", w.DateFormat), style("dateTimeFormat", w.DateTimeFormat)
	return err
}

var patternPart = regexp.MustCompile(`'[^']*'|\[[^\]]*\]|([A-Za-z])[A-Za-z]*|.`)

// excelFormat is how Excel writes a pattern of dates. It has no zones: they are left out, as optional sections are.
func excelFormat(pattern string) (string, error) {
	var code strings.Builder
	for _, part := range patternPart.FindAllString(pattern, -1) {
		switch {
		case part == "''":
			code.WriteString(`"'"`)
		case part[0] == '\'':
			code.WriteString(`"` + part[1:len(part)-1] + `"`)
		case part[0] == '[':
		default:
			for _, run := range runsOf(part) {
				s, err := excelRun(run)
				if err != nil {
					return "", err
				}
				code.WriteString(s)
			}
		}
	}
	return code.String(), nil
}

// runsOf splits a text where its letter changes.
func runsOf(s string) []string {
	var runs []string
	for i := 0; i < len(s); {
		j := i + 1
		for j < len(s) && s[j] == s[i] {
			j++
		}
		runs, i = append(runs, s[i:j]), j
	}
	return runs
}

// excelRun is what Excel has for a letter that is repeated.
func excelRun(run string) (string, error) {
	n := len(run)
	switch run[0] {
	case 'y', 'u':
		if n == 2 {
			return "yy", nil
		}
		return "yyyy", nil
	case 'M', 'L':
		return strings.Repeat("m", min(n, 5)), nil
	case 'd':
		return strings.Repeat("d", min(n, 2)), nil
	case 'E':
		return strings.Repeat("d", max(3, min(n, 4))), nil
	case 'H', 'h', 'k', 'K':
		return strings.Repeat("h", min(n, 2)), nil
	case 'm':
		return strings.Repeat("m", min(n, 2)), nil
	case 's':
		return strings.Repeat("s", min(n, 2)), nil
	case 'S':
		return strings.Repeat("0", min(n, 3)), nil
	case 'a':
		return "AM/PM", nil
	case 'X', 'x', 'z', 'Z', 'V', 'O':
		return "", nil
	}
	if c := run[0]; c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
		return "", fmt.Errorf("Excel has nothing for %q", run)
	}
	return run, nil
}

// addSheet writes a file as a sheet; the first one takes the place of that which a new workbook has.
func (w *bookWriter) addSheet(ctx context.Context, run sdk.Run, title string, from any, first bool) (err error) {
	uri, ok := from.(string)
	if !ok {
		return fmt.Errorf("from: expected the URI of a file, got %s", value.TypeName(from))
	}
	if first {
		err = w.book.SetSheetName(w.book.GetSheetName(0), title)
	} else {
		_, err = w.book.NewSheet(title)
	}
	if err != nil {
		return err
	}
	r, err := run.Open(ctx, uri)
	if err != nil {
		return fmt.Errorf("from: %w", err)
	}
	defer r.Close()
	if w.stream, err = w.book.NewStreamWriter(title); err != nil {
		return err
	}
	w.row = 0
	in := &rows{Decoder: ion.NewDecoder(r), ctx: ctx}
	if err := in.each(func(row any) error { return w.write(row, in.n == 1) }); err != nil {
		return err
	}
	w.rows += in.n
	return w.stream.Flush()
}

// write writes a row, and before the first one the names of the columns.
func (w *bookWriter) write(row any, first bool) error {
	if list, ok := row.([]any); ok {
		if w.Header {
			return errors.New("the row is a list, whose columns have no names: header: false writes it")
		}
		return w.line(list)
	}
	m, ok := value.AsMap(row)
	if !ok {
		return fmt.Errorf("expected an object or a list, got %s", value.TypeName(row))
	}
	if first && w.Header {
		names := make([]any, 0, m.Len())
		for _, name := range m.Keys() {
			names = append(names, name)
		}
		if err := w.line(names); err != nil {
			return err
		}
	}
	list := make([]any, 0, m.Len())
	for _, v := range m.All() {
		list = append(list, v)
	}
	return w.line(list)
}

func (w *bookWriter) line(list []any) error {
	w.row++
	at, err := excelize.CoordinatesToCellName(1, w.row)
	if err != nil {
		return fmt.Errorf("a sheet of Excel has no more than %d rows", excelize.TotalRows)
	}
	if len(list) > maxColumns {
		return fmt.Errorf("the row has %d columns, a sheet of Excel no more than %d", len(list), maxColumns)
	}
	w.cells = w.cells[:0]
	for i, v := range list {
		c, err := w.cell(v)
		if err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
		w.cells = append(w.cells, c)
	}
	return w.stream.SetRow(at, w.cells)
}

// cell is what the library is given for a value; nothing for null.
func (w *bookWriter) cell(v any) (any, error) {
	switch x := v.(type) {
	case nil, bool, int32, int64, float32, float64:
		return x, nil
	case value.Decimal:
		return x.Float64(), nil
	case *big.Int:
		return x.String(), nil
	case value.LocalDate:
		return excelize.Cell{StyleID: w.date, Value: serial(x.T, 1900)}, nil
	case value.LocalDateTime:
		return excelize.Cell{StyleID: w.dateTime, Value: serial(x.T, 1900)}, nil
	case value.Instant:
		return excelize.Cell{StyleID: w.dateTime, Value: serial(x.T.In(w.formats.zone), 1900)}, nil
	}
	text, err := w.formats.text(v)
	if err != nil {
		return nil, err
	}
	if formula, ok := strings.CutPrefix(text, "Formula:"); ok {
		return excelize.Cell{Formula: formula}, nil
	}
	if len(text) > maxCellText && len(utf16.Encode([]rune(text))) > maxCellText {
		return nil, fmt.Errorf("the text is longer than the %d characters that a cell of Excel holds", maxCellText)
	}
	return text, nil
}

// save writes the file as it is packed: the library would hold it in memory.
func (w *bookWriter) save(out io.Writer) error {
	w.book.SetZipWriter(func(io.Writer) excelize.ZipWriter { return zip.NewWriter(out) })
	_, err := w.book.WriteTo(io.Discard)
	return err
}
