package serdes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// ExcelToIon reads Excel workbooks.
type ExcelToIon struct {
	From           string   `json:"from" required:"true" doc:"The URI of an Excel file (.xlsx)."`
	SheetsTitle    []string `json:"sheetsTitle" doc:"The titles of the sheets to convert; all of them unless it is set."`
	Charset        string   `json:"charset" default:"UTF-8" doc:"Accepted; Excel files say what they are written in."`
	ValueRender    string   `json:"valueRender" default:"UNFORMATTED_VALUE" enum:"FORMATTED_VALUE,UNFORMATTED_VALUE,FORMULA" doc:"FORMATTED_VALUE makes texts as Excel shows them; with the others numbers are numbers, and formulas what they have come to."`
	DateTimeRender string   `json:"dateTimeRender" default:"UNFORMATTED_VALUE" enum:"SERIAL_NUMBER,FORMATTED_STRING,UNFORMATTED_VALUE" doc:"SERIAL_NUMBER makes dates the numbers that Excel has for them, FORMATTED_STRING texts as Excel shows them, UNFORMATTED_VALUE dates as yyyy-MM-dd (an instant with FORMATTED_VALUE)."`
	Header         bool     `json:"header" default:"true" doc:"Whether the first row has the names of the columns; rows are lists otherwise."`
	SkipEmptyRows  bool     `json:"skipEmptyRows" default:"false" doc:"Whether rows without a value are left out."`
	SkipRows       int      `json:"skipRows" default:"0" min:"0" static:"true" doc:"How many rows at the start of each sheet are left out."`
}

// ExcelOutput is what ExcelToIon puts out.
type ExcelOutput struct {
	URIs *value.Map `json:"uris" doc:"The URI of each sheet's file, by its title."`
	Size int64      `json:"size" doc:"How many rows they have."`
}

// Run converts the file. It is read at many places, so it is copied into the working directory first.
func (t *ExcelToIon) Run(ctx context.Context, run sdk.Run) (any, error) {
	if _, err := charset(t.Charset); err != nil {
		return nil, err
	}
	file, size, err := spool(ctx, run, t.From)
	if err != nil {
		return nil, err
	}
	defer discard(file)
	dir, err := run.WorkDir()
	if err != nil {
		return nil, err
	}
	book, err := openWorkbook(file, size, dir)
	if err != nil {
		return nil, err
	}
	defer book.close()
	shown, err := t.openShown(file, dir)
	if err != nil {
		return nil, err
	}
	if shown != nil {
		defer func() { _ = shown.Close() }()
	}
	return t.convert(ctx, run, book, shown)
}

// openShown opens the file with the library that knows how Excel shows values, where that is asked for.
func (t *ExcelToIon) openShown(file *os.File, dir string) (*excelize.File, error) {
	if t.ValueRender != "FORMATTED_VALUE" && t.DateTimeRender != "FORMATTED_STRING" {
		return nil, nil
	}
	f, err := excelize.OpenFile(file.Name(), excelize.Options{TmpDir: dir, UnzipXMLSizeLimit: 1 << 20, UnzipSizeLimit: 64 << 30})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoWorkbook, err)
	}
	return f, nil
}

func (t *ExcelToIon) convert(ctx context.Context, run sdk.Run, book *workbook, shown *excelize.File) (any, error) {
	out := ExcelOutput{URIs: value.NewMap(len(book.sheets))}
	for _, title := range t.SheetsTitle {
		if !slices.ContainsFunc(book.sheets, func(s sheetPart) bool { return s.title == title }) {
			run.Log(sdk.LevelWarn, "sheetsTitle: the file has no sheet %q", title)
		}
	}
	for i, s := range book.sheets {
		if len(t.SheetsTitle) > 0 && !slices.Contains(t.SheetsTitle, s.title) {
			continue
		}
		one, err := storeIon(ctx, run, "sheet-"+strconv.Itoa(i+1)+".ion", func(row put) error {
			return guard(func() error { return t.sheet(book, s, shown, row) })
		})
		if err != nil {
			return nil, fmt.Errorf("sheet %q: %w", s.title, err)
		}
		out.URIs.Set(s.title, one.URI)
		out.Size += one.Size
	}
	run.Counter("sheets", float64(out.URIs.Len()))
	return out, nil
}

// sheet gives the rows of a sheet.
func (t *ExcelToIon) sheet(book *workbook, s sheetPart, shown *excelize.File, row put) (err error) {
	rows, err := book.rows(s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.file.Close()) }()
	c := &sheetConverter{ExcelToIon: t, rows: rows}
	if shown != nil {
		if c.shown, err = shown.Rows(s.title); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, c.shown.Close()) }()
	}
	for n := 0; ; n++ {
		if err := rows.next(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if n < t.SkipRows {
			continue
		}
		v, ok, err := c.convert()
		if err != nil {
			return fmt.Errorf("row %d: %w", rows.row, err)
		}
		if ok {
			if err := row(v); err != nil {
				return err
			}
		}
	}
}

// sheetConverter makes rows of cells. The first row says which columns there are.
type sheetConverter struct {
	*ExcelToIon
	rows        *sheetRows
	shown       *excelize.Rows
	shownRow    int
	first, last int // of the columns, the last one exclusively
	begun       bool
	names       []string
}

// convert makes a row; false where it is a header or left out.
func (c *sheetConverter) convert() (any, bool, error) {
	cells := c.rows.cells
	texts, err := c.texts()
	if err != nil {
		return nil, false, err
	}
	if !c.begun {
		c.begun = true
		if len(cells) > 0 {
			c.last = cells[len(cells)-1].column + 1
		}
		if c.Header {
			c.header(cells, texts)
			return nil, false, nil
		}
	}
	width := c.last - c.first
	if n := len(cells); n > 0 && len(c.names) == 0 { // a list may be longer than the first one
		width = max(width, cells[n-1].column+1)
	}
	list := make([]any, width)
	empty := true
	for _, x := range cells {
		if i := x.column - c.first; i >= 0 && i < len(list) {
			list[i] = c.value(x, texts)
			empty = empty && list[i] == nil
		}
	}
	if empty && c.SkipEmptyRows {
		return nil, false, nil
	}
	if len(c.names) == 0 {
		return list, true, nil
	}
	m := value.NewMap(len(list))
	for i, name := range c.names {
		m.Set(name, list[i])
	}
	return m, true, nil
}

// header takes the names of the columns from a row.
func (c *sheetConverter) header(cells []sheetCell, texts []string) {
	if len(cells) == 0 {
		return
	}
	c.first = cells[0].column
	c.names = make([]string, c.last-c.first)
	for i := range c.names {
		c.names[i] = "Column" + strconv.Itoa(c.first+i)
	}
	for _, x := range cells {
		if v := c.value(x, texts); v != nil {
			c.names[x.column-c.first] = value.JavaString(v)
		}
	}
}

// texts are what Excel shows in the row, by column, if somebody wants to know.
func (c *sheetConverter) texts() ([]string, error) {
	if c.shown == nil {
		return nil, nil
	}
	for c.shownRow < c.rows.row {
		if !c.shown.Next() {
			return nil, c.shown.Error()
		}
		c.shownRow++
		texts, err := c.shown.Columns()
		if err != nil || c.shownRow == c.rows.row {
			return texts, err
		}
	}
	return nil, nil
}

func (c *sheetConverter) value(x sheetCell, texts []string) any {
	as := ""
	if x.column < len(texts) {
		as = texts[x.column]
	}
	if x.kind == dateCell {
		return c.date(x, as)
	}
	if c.ValueRender == "FORMATTED_VALUE" && x.kind != blankCell {
		return as
	}
	switch x.kind {
	case textCell:
		return x.text
	case numberCell:
		return x.number
	case boolCell:
		return x.number == 1
	}
	return nil
}

func (c *sheetConverter) date(x sheetCell, as string) any {
	switch c.DateTimeRender {
	case "SERIAL_NUMBER":
		return x.number
	case "FORMATTED_STRING":
		return as
	}
	t, ok := fromSerial(x.number, c.rows.book.from)
	switch {
	case !ok:
		return nil
	case c.ValueRender == "FORMATTED_VALUE":
		return value.Instant{T: time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.Local).UTC()}
	}
	return value.LocalDate{T: t}.String()
}
