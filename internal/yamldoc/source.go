package yamldoc

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// source is the text cut into lines the way YAML counts them.
type source struct {
	lines []string
	// marks holds, for lines beyond ASCII, the byte offset of every markEvery-th code point: without
	// it, finding each of the nodes on one long line would take time quadratic in its length.
	marks map[int][]int
}

const markEvery = 64

func newSource(text string) source {
	var lines []string
	for {
		i, width := lineBreak(text)
		if i < 0 {
			return source{lines: append(lines, text), marks: map[int][]int{}}
		}
		lines = append(lines, text[:i])
		text = text[i+width:]
	}
}

// lineBreak finds the first line break and its width in bytes; the index is -1 where there is none.
// Besides LF, CRLF and CR, YAML 1.1 breaks lines at NEL, LS and PS.
func lineBreak(s string) (index, width int) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\n':
			return i, 1
		case '\r':
			if strings.HasPrefix(s[i:], "\r\n") {
				return i, 2
			}
			return i, 1
		case 0xC2:
			if strings.HasPrefix(s[i:], "\u0085") {
				return i, 2
			}
		case 0xE2:
			if strings.HasPrefix(s[i:], "\u2028") || strings.HasPrefix(s[i:], "\u2029") {
				return i, 3
			}
		}
	}
	return -1, 0
}

// line returns a line's text without its break; empty outside of the document.
func (s source) line(n int) string {
	if n < 1 || n > len(s.lines) {
		return ""
	}
	return s.lines[n-1]
}

// from returns what stands on a line from a column on.
func (s source) from(line, column int) string {
	text := s.line(line)
	marks, ok := s.marks[line]
	if !ok {
		marks = offsetMarks(text)
		s.marks[line] = marks
	}
	if marks == nil {
		return text[min(max(column-1, 0), len(text)):]
	}
	mark := min(max(column-1, 0)/markEvery, len(marks)-1)
	text = text[marks[mark]:]
	return text[byteOffset(text, column-mark*markEvery):]
}

// offsetMarks is nil for a line of ASCII alone, where columns and bytes are the same.
func offsetMarks(line string) []int {
	if utf8.RuneCountInString(line) == len(line) {
		return nil
	}
	var marks []int
	count := 0
	for offset := range line {
		if count%markEvery == 0 {
			marks = append(marks, offset)
		}
		count++
	}
	return marks
}

// byteOffset is where a column, counted from 1 in code points, starts; at most len(line).
func byteOffset(line string, column int) int {
	offset := 0
	for ; column > 1 && offset < len(line); column-- {
		_, size := utf8.DecodeRuneInString(line[offset:])
		offset += size
	}
	return offset
}

// clamp moves a place behind the last line, where parsers put the end of the text, onto it.
func (s source) clamp(line, column int) (int, int) {
	switch {
	case line < 1:
		return 1, 1
	case line > len(s.lines):
		line, column = len(s.lines), utf8.RuneCountInString(s.lines[len(s.lines)-1])+1
		for line > 1 && s.lines[line-1] == "" {
			line--
			column = utf8.RuneCountInString(s.lines[line-1]) + 1
		}
	}
	return line, max(column, 1)
}

// snippetWidth is how much of a long line a snippet shows, in code points.
const snippetWidth = 100

// Snippet renders the line a problem is on, the one before it, and a mark under the offending text:
//
//	3 | tasks:
//	4 |   - id: @a
//	  |         ^^
//
// It ends with a line break, and is empty where the problem is not within src.
func Snippet(src []byte, p Problem) string {
	lines := newSource(strings.TrimPrefix(string(src), "\ufeff"))
	if p.Line < 1 || p.Line > len(lines.lines) {
		return ""
	}
	gutter := len(strconv.Itoa(p.Line))
	var out strings.Builder
	write := func(number, text string) {
		out.WriteString(strings.Repeat(" ", gutter-len(number)) + number + " | " + text)
	}
	text, column, cut := window(lines.line(p.Line), p.Column)
	if p.Line > 1 && !cut {
		before, _, _ := window(lines.line(p.Line-1), 1)
		write(strconv.Itoa(p.Line-1), before+"\n")
	}
	write(strconv.Itoa(p.Line), text+"\n")
	offset := byteOffset(text, column)
	marks := min(max(p.EndColumn-p.Column, 1), max(utf8.RuneCountInString(text[offset:]), 1))
	write("", blank(text[:offset])+strings.Repeat("^", marks)+"\n")
	return out.String()
}

// window cuts a long line to the part around a column; the column returned is that within it.
func window(line string, column int) (text string, within int, cut bool) {
	runes := []rune(line)
	column = min(max(column, 1), len(runes)+1)
	if len(runes) <= snippetWidth {
		return line, column, false
	}
	start := max(0, min(column-1-snippetWidth/2, len(runes)-snippetWidth))
	return string(runes[start : start+snippetWidth]), column - start, start > 0
}

// blank is as wide on a terminal as the text: tabs stay, so that what follows lines up.
func blank(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, text)
}
