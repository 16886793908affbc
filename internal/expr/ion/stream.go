package ion

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxChunk bounds a value of a stream, in bytes.
const maxChunk = 64 << 20

// ErrBinary is the error of a stream in Ion's binary form, which is not read.
var ErrBinary = errors.New("the file is binary Ion, expected Ion text or JSON lines")

// Decoder reads the values of a stream one after the other. In memory there is a line at a time, or as many as a value spans.
type Decoder struct {
	// KeepAnnotations gives texts with annotations as maps of ion_annotations and value; dates are left as texts.
	KeepAnnotations bool

	r     *bufio.Reader
	line  int // of the first byte of chunk, from 1
	next  int // of the first byte that is not in it
	chunk []byte
	queue []any
	state scanner
}

// NewDecoder returns a Decoder of Ion text, which JSON lines are too.
func NewDecoder(r io.Reader) *Decoder { return &Decoder{r: bufio.NewReaderSize(r, 64<<10), next: 1} }

// Next returns the next value, io.EOF after the last one, or an *Error that says where the stream is malformed. After an
// error of a value it goes on with the value after it.
func (d *Decoder) Next() (any, error) {
	for len(d.queue) == 0 {
		if err := d.fill(); err != nil {
			return nil, err
		}
		values, err := read(&reader{text: string(d.chunk), keep: d.KeepAnnotations}, -1)
		if at := (*Error)(nil); errors.As(err, &at) {
			at.Line += d.line - 1
		}
		if err != nil {
			return nil, err
		}
		d.queue = values
	}
	v := d.queue[0]
	d.queue = d.queue[1:]
	return v, nil
}

// fill reads lines up to one at whose end no value is open.
func (d *Decoder) fill() error {
	if d.next == 1 {
		if head, _ := d.r.Peek(4); bytes.Equal(head, []byte{0xE0, 1, 0, 0xEA}) {
			return ErrBinary
		}
	}
	d.line, d.chunk, d.state = d.next, d.chunk[:0], scanner{}
	for {
		part, err := d.r.ReadSlice('\n')
		d.chunk = append(d.chunk, part...)
		switch {
		case len(d.chunk) > maxChunk:
			return fmt.Errorf("the value at line %d has more than %d bytes", d.line, maxChunk)
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(d.chunk) > 0:
			return nil
		case err != nil:
			return err
		}
		d.next++
		if d.state.scan(d.chunk) {
			return nil
		}
	}
}

// scanner follows the brackets, quotes and comments of a text just far enough to know whether a value is open.
type scanner struct {
	pos   int
	depth int
	lob   bool
	until string // what closes the text or comment that is open
}

// scan goes on to the end of text, which is the end of a line, and tells whether nothing is open there.
func (s *scanner) scan(text []byte) bool {
	for s.pos < len(text) {
		if s.until != "" {
			s.close(text)
			continue
		}
		rest := text[s.pos:]
		switch c := rest[0]; {
		case c == '"':
			s.open(`"`, 1)
		case bytes.HasPrefix(rest, []byte("'''")):
			s.open("'''", 3)
		case c == '\'':
			s.open("'", 1)
		case s.lob:
			if bytes.HasPrefix(rest, []byte("}}")) {
				s.lob = false
				s.pos++
			}
			s.pos++
		case bytes.HasPrefix(rest, []byte("{{")):
			s.lob = true
			s.pos += 2
		case bytes.HasPrefix(rest, []byte("//")):
			s.open("\n", 2)
		case bytes.HasPrefix(rest, []byte("/*")):
			s.open("*/", 2)
		case c == '{' || c == '[' || c == '(':
			s.depth++
			s.pos++
		case c == '}' || c == ']' || c == ')':
			s.depth--
			s.pos++
		default:
			s.pos++
		}
	}
	return s.until == "" && s.depth <= 0 && !s.lob
}

func (s *scanner) open(until string, n int) {
	s.until = until
	s.pos += n
}

// close looks for the end of what is open. A quoted text cannot go over the end of a line that is not escaped: what is
// malformed ends there, and the reader says so.
func (s *scanner) close(text []byte) {
	escapes := s.until[0] == '"' || s.until[0] == '\''
	for ; s.pos < len(text); s.pos++ {
		switch rest := text[s.pos:]; {
		case bytes.HasPrefix(rest, []byte(s.until)):
			s.pos += len(s.until)
			s.until = ""
			return
		case escapes && rest[0] == '\\':
			s.pos++
		case escapes && rest[0] == '\n' && len(s.until) == 1:
			*s = scanner{pos: len(text)}
			return
		}
	}
}
