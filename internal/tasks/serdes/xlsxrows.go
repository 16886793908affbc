package serdes

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"
)

type cellKind uint8

const (
	blankCell cellKind = iota
	textCell
	numberCell
	boolCell
	dateCell  // a number that is shown as a date or a time
	errorCell // as that of a division by zero
)

// sheetCell is a cell of a sheet. Number holds what is no text.
type sheetCell struct {
	column int // from 0
	kind   cellKind
	text   string
	number float64
}

// sheetRows reads the rows of a sheet.
type sheetRows struct {
	book    *workbook
	bounded *piece
	d       *xml.Decoder
	file    io.Closer
	row     int // the number of the row, from 1
	cells   []sheetCell
}

func (b *workbook) rows(s sheetPart) (*sheetRows, error) {
	r, err := b.open(s.part)
	if err != nil {
		return nil, err
	}
	bounded := &piece{r: r}
	return &sheetRows{book: b, bounded: bounded, d: xml.NewDecoder(bounded), file: r}, nil
}

// next reads a row that is there; io.EOF after the last one. Cells are valid until the next call.
func (s *sheetRows) next() error {
	s.bounded.left = maxPiece
	s.cells = s.cells[:0]
	for {
		token, err := s.d.Token()
		if errors.Is(err, io.EOF) {
			return err
		}
		if err != nil {
			return fmt.Errorf("after row %d: %w", s.row, err)
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "row" {
			continue
		}
		s.row++
		if n, err := strconv.Atoi(attribute(start, "r")); err == nil {
			s.row = n
		}
		if err := s.readCells(); err != nil {
			return fmt.Errorf("row %d: %w", s.row, err)
		}
		return nil
	}
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (s *sheetRows) readCells() error {
	column := 0
	for {
		token, err := s.d.Token()
		if err != nil {
			return unexpected(err)
		}
		switch t := token.(type) {
		case xml.EndElement:
			return nil
		case xml.StartElement:
			if t.Name.Local != "c" {
				if err := s.d.Skip(); err != nil {
					return unexpected(err)
				}
				continue
			}
			if ref := attribute(t, "r"); ref != "" {
				if column, err = columnOf(ref); err != nil {
					return err
				}
			}
			if n := len(s.cells); n > 0 && column <= s.cells[n-1].column {
				return errors.New("its cells are out of order")
			}
			c, err := s.readCell(t)
			if err != nil {
				return fmt.Errorf("column %d: %w", column+1, err)
			}
			c.column = column
			s.cells = append(s.cells, c)
			column++
		}
	}
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// columnOf is the column of a reference like B7, from 0.
func columnOf(ref string) (int, error) {
	n := 0
	for i := 0; i < len(ref) && ref[i] >= 'A' && ref[i] <= 'Z'; i++ {
		if n = n*26 + int(ref[i]-'A') + 1; n > maxColumns {
			break
		}
	}
	if n == 0 || n > maxColumns {
		return 0, fmt.Errorf("%q is no cell", ref)
	}
	return n - 1, nil
}

// readCell reads to the end of a cell.
func (s *sheetRows) readCell(start xml.StartElement) (c sheetCell, err error) {
	var v string
	for {
		token, err := s.d.Token()
		if err != nil {
			return c, unexpected(err)
		}
		switch t := token.(type) {
		case xml.EndElement:
			return s.cellOf(attribute(start, "t"), attribute(start, "s"), v)
		case xml.StartElement:
			switch t.Name.Local {
			case "v":
				err = s.d.DecodeElement(&v, &t)
			case "is":
				v, err = richText(s.d)
			default:
				err = s.d.Skip()
			}
			if err != nil {
				return c, unexpected(err)
			}
		}
	}
}

// cellOf says what a cell's value is by its type and its style.
func (s *sheetRows) cellOf(typ, style, v string) (c sheetCell, err error) {
	switch typ {
	case "s":
		i, err := strconv.Atoi(v)
		if err != nil {
			return c, fmt.Errorf("there is no text %q", v)
		}
		c.kind = textCell
		c.text, err = s.book.strings.get(i)
		return c, err
	case "inlineStr":
		return sheetCell{kind: textCell, text: v}, nil
	case "str":
		return sheetCell{kind: textCell, text: unescape(v)}, nil
	case "b":
		if v == "1" || v == "true" {
			c.number = 1
		}
		c.kind = boolCell
		return c, nil
	case "e":
		return sheetCell{kind: errorCell, text: v}, nil
	case "d":
		return s.isoDate(v)
	}
	if v == "" {
		return c, nil
	}
	if c.number, err = strconv.ParseFloat(v, 64); err != nil {
		return c, fmt.Errorf("%q is no number", v)
	}
	c.kind = numberCell
	if i, err := strconv.Atoi(style); err == nil && i >= 0 && i < len(s.book.isDate) && s.book.isDate[i] {
		c.kind = dateCell
	}
	return c, nil
}

// isoDate is a date that is written as such, which few programs do.
func (s *sheetRows) isoDate(v string) (sheetCell, error) {
	for _, layout := range []string{"2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05Z", "2006-01-02"} {
		if t, err := time.Parse(layout, v); err == nil {
			return sheetCell{kind: dateCell, number: serial(t, s.book.from)}, nil
		}
	}
	return sheetCell{}, fmt.Errorf("%q is no date", v)
}

// serial is the number that Excel has for a date and time: the days since the year that it counts from. The 29th of February
// 1900, which it believes in, is day 60.
func serial(t time.Time, from int) float64 {
	days := wall(t).Sub(time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)).Hours()/24 + 25569
	if from == 1904 {
		return days - 1462
	}
	if days < 61 {
		days--
	}
	return days
}

// fromSerial is the date and time that a number stands for, to the millisecond.
func fromSerial(n float64, from int) (time.Time, bool) {
	if from == 1904 {
		n += 1462
	} else if n < 60 {
		n++
	}
	if math.IsNaN(n) || n < 0 || n > 2958466 { // year 9999
		return time.Time{}, false
	}
	whole, part := math.Modf(n)
	t := time.Unix((int64(whole)-25569)*86400, 0).UTC()
	return t.Add(time.Duration(math.Round(part*86_400_000)) * time.Millisecond), true
}
