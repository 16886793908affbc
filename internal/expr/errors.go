package expr

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/windhover-io/windhover/internal/value"
)

// SyntaxError says why a text is not a template. Lines and columns count from 1, columns in characters.
type SyntaxError struct {
	Line, Column int
	Msg          string
	Suggestion   string // what was probably meant, or ""
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s (line %d, column %d)%s", e.Msg, e.Line, e.Column, didYouMean(e.Suggestion))
}

// EvalError says why a template could not be evaluated and where. Lines and columns count from 1, columns in characters.
type EvalError struct {
	Line, Column int
	Msg          string
	Suggestion   string // what was probably meant, or ""
	Missing      string // the name that was not found, or ""
	Err          error  // what the Env answered, or nil
}

func (e *EvalError) Error() string {
	return fmt.Sprintf("%s (line %d, column %d)%s", e.Msg, e.Line, e.Column, didYouMean(e.Suggestion))
}

// Unwrap returns the error of the Env, so that callers find their own errors with errors.As.
func (e *EvalError) Unwrap() error { return e.Err }

func didYouMean(suggestion string) string {
	if suggestion == "" {
		return ""
	}
	return "; did you mean " + suggestion + "?"
}

// missing is a name that was not found. It is the only error that ??, ???, default and "is defined" recover from, so it
// is kept cheap: its message is made when nobody did.
type missing struct {
	name string
	off  int
	root bool // it is a variable, else a member of in
	in   any
	st   *state
	seen *scope // the variables of the template that could be seen there
}

func (m *missing) Error() string { return "unable to find " + m.name }

// limitError is a limit that was reached.
type limitError struct{ msg string }

func (e *limitError) Error() string { return e.msg }

// position converts a byte offset into line and column.
func position(src string, off int) (line, column int) {
	off = min(off, len(src))
	before := src[:off]
	line = strings.Count(before, "\n") + 1
	return line, utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
}

// fail places an error at an offset of the template, unless it has a place already.
func (st *state) fail(off int, err error) error {
	var placed *EvalError
	if errors.As(err, &placed) {
		return err
	}
	if _, ok := err.(*missing); ok {
		return err
	}
	line, column := position(st.tmpl.src, off)
	return &EvalError{Line: line, Column: column, Msg: err.Error(), Err: err}
}

func (st *state) errorf(off int, format string, args ...any) error {
	line, column := position(st.tmpl.src, off)
	return &EvalError{Line: line, Column: column, Msg: fmt.Sprintf(format, args...)}
}

// finish turns a missing name that nobody recovered from into the error that users see.
func (st *state) finish(err error) error {
	m, ok := err.(*missing)
	if !ok {
		return err
	}
	src := m.st.tmpl.src
	line, column := position(src, m.off)
	return &EvalError{
		Line: line, Column: column, Missing: m.name,
		Msg:        fmt.Sprintf("Unable to find `%s` used in the expression `%s` at line %d", m.name, excerpt(src, m.off), line),
		Suggestion: nearest(m.name, m.candidates()),
	}
}

// candidates are the names that could have stood where m.name was not found.
func (m *missing) candidates() []string {
	if m.root {
		return m.st.namesFrom(m.seen)
	}
	if c, ok := value.AsMap(m.in); ok {
		return c.Keys()
	}
	return nil
}

// excerpt cuts the tag or print around off out of a template, and long ones short.
func excerpt(src string, off int) string {
	const limit = 200
	off = min(off, len(src))
	start := max(strings.LastIndex(src[:off], "{{"), strings.LastIndex(src[:off], "{%"), 0)
	end := len(src)
	if i := strings.Index(src[off:], "}}"); i >= 0 {
		end = off + i + 2
	}
	if i := strings.Index(src[off:end], "%}"); i >= 0 {
		end = off + i + 2
	}
	text := strings.ToValidUTF8(src[start:end], "\uFFFD")
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "…"
	}
	return text
}
