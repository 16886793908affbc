package serdes

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// csvReader reads records of fields. Unlike encoding/csv any character may separate and quote, a carriage return alone ends a
// record, and reading goes on after a bad one.
type csvReader struct {
	r                   *bufio.Reader
	separator, quote    string
	extra               bool // after a closing quote more characters may follow
	maxRecord, maxField int  // bytes

	raw   []byte // the lines of the record
	lines int    // how many were read
	first int    // the line that the record begins with, from 1
	text  []byte // the fields, one after the other
	ends  []int
}

// read returns the fields of the next record, io.EOF after the last one, or a *badRow.
func (c *csvReader) read() ([]string, error) {
	c.raw, c.text, c.ends, c.first = c.raw[:0], c.text[:0], c.ends[:0], c.lines+1
	if err := c.line(); err != nil {
		return nil, err
	}
	pos := 0
	for more := true; more; {
		var err error
		if pos, more, err = c.field(pos); err != nil {
			return nil, err
		}
		start := 0
		if n := len(c.ends); n > 0 {
			start = c.ends[n-1]
		}
		if len(c.text)-start > c.maxField {
			return nil, c.bad("a field exceeds the maximum field size of %d", c.maxField)
		}
		c.ends = append(c.ends, len(c.text))
	}
	all := string(c.text)
	fields := make([]string, len(c.ends))
	start := 0
	for i, end := range c.ends {
		fields[i] = all[start:end]
		start = end
	}
	return fields, nil
}

func (c *csvReader) bad(format string, args ...any) error {
	return &badRow{fmt.Errorf("line %d: "+format, append([]any{c.first}, args...)...)}
}

// line appends a line with its end to the record.
func (c *csvReader) line() error {
	for {
		if _, err := c.r.Peek(1); err != nil {
			if errors.Is(err, io.EOF) && len(c.raw) > 0 && !ended(c.raw) {
				c.lines++
				return nil
			}
			return err
		}
		buf, _ := c.r.Peek(c.r.Buffered())
		end := bytes.IndexByte(buf, '\n')
		if end >= 0 {
			buf = buf[:end+1]
		}
		cr := bytes.IndexByte(buf, '\r')
		if cr >= 0 {
			buf = buf[:cr+1]
		}
		c.raw = append(c.raw, buf...)
		if _, err := c.r.Discard(len(buf)); err != nil {
			return err
		}
		if cr >= 0 {
			if next, _ := c.r.Peek(1); len(next) == 1 && next[0] == '\n' {
				c.raw = append(c.raw, '\n')
				_, _ = c.r.Discard(1) // it was peeked at
			}
		}
		switch {
		case len(c.raw) > c.maxRecord:
			return c.bad("the record exceeds the maximum buffer size of %d", c.maxRecord)
		case end >= 0 || cr >= 0:
			c.lines++
			return nil
		}
	}
}

func ended(raw []byte) bool {
	return len(raw) > 0 && (raw[len(raw)-1] == '\n' || raw[len(raw)-1] == '\r')
}

// field reads the field that begins at pos; more tells whether another one follows.
func (c *csvReader) field(pos int) (next int, more bool, err error) {
	if bytes.HasPrefix(c.raw[pos:], []byte(c.quote)) {
		if pos, err = c.quoted(pos + len(c.quote)); err != nil {
			return 0, false, err
		}
	}
	rest := c.raw[pos:]
	end := bytes.Index(rest, []byte(c.separator))
	if end >= 0 {
		c.text = append(c.text, rest[:end]...)
		return pos + end + len(c.separator), true, nil
	}
	c.text = append(c.text, bytes.TrimRight(rest, "\r\n")...)
	return len(c.raw), false, nil
}

// quoted reads a text in quotes, which may go over lines, and returns where it ends.
func (c *csvReader) quoted(pos int) (int, error) {
	for {
		end := bytes.Index(c.raw[pos:], []byte(c.quote))
		if end < 0 {
			c.text = append(c.text, c.raw[pos:]...)
			pos = len(c.raw)
			if err := c.line(); errors.Is(err, io.EOF) || len(c.raw) == pos {
				return 0, c.bad("the quoted field is not closed")
			} else if err != nil {
				return 0, err
			}
			continue
		}
		c.text = append(c.text, c.raw[pos:pos+end]...)
		pos += end + len(c.quote)
		rest := c.raw[pos:]
		switch {
		case bytes.HasPrefix(rest, []byte(c.quote)):
			c.text = append(c.text, c.quote...)
			pos += len(c.quote)
		case len(rest) == 0, rest[0] == '\r', rest[0] == '\n', bytes.HasPrefix(rest, []byte(c.separator)), c.extra:
			return pos, nil
		default:
			return 0, c.bad("unexpected %q after the closing quote", []rune(string(rest[:min(len(rest), 8)]))[0])
		}
	}
}
