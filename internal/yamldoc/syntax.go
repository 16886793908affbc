package yamldoc

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

const bareExpressionMessage = "an expression at the start of a value must be quoted"

// explain turns the library's error into a problem in plain words, and says whether putting the
// value on that line between quotes would cure it.
func explain(err error, src source) (p Problem, curable bool) {
	var e *yaml.LoadError
	if !errors.As(err, &e) {
		return Problem{Line: 1, Column: 1, EndColumn: 2, Message: err.Error()}, false
	}
	f := fault{
		src: src, what: e.Message, context: e.ContextMsg,
		line: e.Mark.Line, column: e.Mark.Column,
		startLine: e.ContextMark.Line, startColumn: e.ContextMark.Column,
	}
	if p, ok := f.expression(); ok {
		return p, true
	}
	f.line, f.column = src.clamp(f.line, f.column)
	for _, rule := range rules {
		if strings.Contains(f.what, rule.when) {
			p, curable = rule.explain(f)
			break
		}
	}
	if p.Message == "" {
		p.Message = "this is not valid YAML: " + f.what
	}
	if p.Line == 0 {
		p.Line, p.Column = f.line, f.column
	}
	p.EndColumn = max(p.EndColumn, p.Column+1)
	return p, curable
}

// fault is a syntax error as the library tells it: where reading failed, and where that began.
type fault struct {
	src                    source
	what, context          string
	line, column           int
	startLine, startColumn int
}

// atStart places a problem where the failing construct began, if that is known.
func (f fault) atStart(message, suggestion string) Problem {
	p := Problem{Message: message, Suggestion: suggestion, Line: f.startLine, Column: f.startColumn}
	if f.startLine == 0 {
		p.Line, p.Column = f.line, f.column
	}
	return p
}

func (f fault) here(message, suggestion string) Problem {
	return Problem{Message: message, Suggestion: suggestion, Line: f.line, Column: f.column}
}

// value is a problem with the whole value on the fault's line.
func (f fault) value(message string) Problem {
	head, value := splitValue(f.src.line(f.line))
	p := f.here(message, "write "+quote(value))
	p.Column = utf8.RuneCountInString(head) + 1
	p.EndColumn = p.Column + utf8.RuneCountInString(value)
	return p
}

// expression finds a value that begins with `{{` on a line the failing construct covers.
func (f fault) expression() (Problem, bool) {
	for _, line := range []int{f.line, f.startLine} {
		if _, value := splitValue(f.src.line(line)); strings.HasPrefix(value, "{{") {
			f.line = line
			return f.value(bareExpressionMessage), true
		}
	}
	return Problem{}, false
}

func (f fault) character() string {
	_, size := utf8.DecodeRuneInString(f.src.from(f.line, f.column))
	return f.src.from(f.line, f.column)[:size]
}

// rules are tried in order; when is a part of the library's message.
var rules = []struct {
	when    string
	explain func(fault) (p Problem, curable bool)
}{
	{"several documents", func(f fault) (Problem, bool) {
		return f.here("a second document begins here, and only one is read", "put it into a text of its own"), false
	}},
	{"cannot start any token", func(f fault) (Problem, bool) {
		if f.character() == "\t" {
			return f.here("a tab cannot indent, only spaces can", "replace the tab with spaces"), false
		}
		name := "`" + f.character() + "`"
		if f.character() == "`" {
			name = "a backquote"
		}
		return f.value("a plain value cannot begin with " + name), f.inValue()
	}},
	{"tab", func(f fault) (Problem, bool) {
		return f.here("a tab cannot indent, only spaces can", "replace the tab with spaces"), false
	}},
	{"mapping values are not allowed", func(f fault) (Problem, bool) {
		if f.inValue() {
			return f.value("a plain value cannot hold `: ` or end with `:`"), true
		}
		return f.here("a key is not allowed here: the line before already holds the value",
			"indent this line like the keys it belongs to"), false
	}},
	{"alphabetic or numeric character", explainAlias},
	{"unknown anchor", explainAlias},
	{"block sequence entries are not allowed", func(f fault) (Problem, bool) {
		return f.here("a list item cannot stand on the line of its key", "begin the list on the next line, or quote the value"), false
	}},
	{"mapping keys are not allowed", func(f fault) (Problem, bool) {
		return f.value("a plain value cannot begin with `? `"), f.inValue()
	}},
	{"did not find expected key", func(f fault) (Problem, bool) {
		p := f.here(fmt.Sprintf("this does not belong to the map that begins at line %d, column %d", f.startLine, f.startColumn),
			"check the indentation and the quotes before this place")
		p.Expected = fmt.Sprintf("a key at column %d", f.startColumn)
		return p, false
	}},
	{"did not find expected '-' indicator", func(f fault) (Problem, bool) {
		p := f.here(fmt.Sprintf("this does not belong to the list that begins at line %d, column %d", f.startLine, f.startColumn),
			"check the indentation of this line")
		p.Expected = fmt.Sprintf("`- ` at column %d", f.startColumn)
		return p, false
	}},
	{"did not find expected ',' or ", func(f fault) (Problem, bool) {
		closing := f.what[len(f.what)-2 : len(f.what)-1]
		opening := map[string]string{"]": "[", "}": "{"}[closing]
		p := f.atStart("this `"+opening+"` is not closed", "add the `"+closing+"`, or quote the value if it is text")
		if rest := strings.TrimSpace(f.src.from(f.line, f.column)); rest != "" {
			p = f.here(fmt.Sprintf("the `%s` of line %d, column %d goes on here, or is not closed", opening, f.startLine, f.startColumn), p.Suggestion)
			p.Expected = "`,` or `" + closing + "`"
		}
		return p, false
	}},
	{"unexpected end of stream", func(f fault) (Problem, bool) {
		return f.atStart("this quote is not closed", "add the closing quote"), false
	}},
	{"unexpected document indicator", func(f fault) (Problem, bool) {
		return f.atStart("this quote is not closed before the document ends", "add the closing quote"), false
	}},
	{"could not find expected ':'", func(f fault) (Problem, bool) {
		p := f.atStart("this line is neither a `key: value` nor a part of the value above",
			"add the `:`, or indent the line further if it goes on with the text above")
		return p, false
	}},
	{"expected <document start>", func(f fault) (Problem, bool) {
		return f.here("this line belongs to nothing: it is indented less than the first line",
			"indent the lines of one level alike"), false
	}},
	{"unknown escape character", func(f fault) (Problem, bool) {
		return f.here("`"+f.escape()+"` is not an escape sequence", "write `\\\\` for a backslash, or use single quotes"), false
	}},
	{"expected hexadecimal number", func(f fault) (Problem, bool) {
		f.column -= len(`\x`) // the library points at the digits
		return f.here("`"+f.escape()+"` must be followed by hexadecimal digits", "write `\\\\` for a backslash, or use single quotes"), false
	}},
	{"Unicode character escape", func(f fault) (Problem, bool) {
		return f.here("this escape sequence is no character", "write the character itself, or \\U and its eight digits"), false
	}},
	{"node content", func(f fault) (Problem, bool) {
		if c := f.character(); c != "" {
			return f.here("a value is missing before `"+c+"`", "quote the value if `"+c+"` belongs to it"), false
		}
		return f.here("a value is missing here", ""), false
	}},
	{"undefined tag handle", func(f fault) (Problem, bool) {
		return f.here("this tag has a prefix that is declared nowhere", "quote the value if `!` belongs to it"), false
	}},
	{"max depth", func(f fault) (Problem, bool) {
		limit := f.what[strings.LastIndexByte(f.what, ' ')+1:]
		return f.here("the document is nested more than "+limit+" levels deep", ""), false
	}},
	{"expected comment or line break", func(f fault) (Problem, bool) {
		return f.here("nothing may follow `|` or `>` on its line but an indentation digit, `+` or `-`",
			"begin the text on the next line"), false
	}},
	{"without preceding whitespace", func(f fault) (Problem, bool) {
		return f.here("a comment needs a space before its `#`", ""), false
	}},
}

// explainAlias is about `*name`, and about texts such as `* * * * *` that were never meant as one.
func explainAlias(f fault) (Problem, bool) {
	_, value := splitValue(f.src.line(f.line))
	if strings.HasPrefix(value, "&") {
		return f.value("`&` begins an anchor, which needs a name"), f.inValue()
	}
	if name, ok := strings.CutPrefix(f.what, "unknown anchor '"); ok && strings.HasPrefix(value, "*") {
		name, _, _ = strings.Cut(name, "'")
		return f.value("`*" + name + "` repeats an anchor `&" + name + "` that is not defined above"), f.inValue()
	}
	if strings.HasPrefix(value, "*") {
		return f.value("`*` begins an alias, which needs a name"), f.inValue()
	}
	return f.here("`*` and `&` begin an alias or an anchor that is not defined", "quote the value if it is text"), false
}

// inValue reports whether the fault is in the value on its line, and that value can be quoted as a whole.
func (f fault) inValue() bool {
	head, value := splitValue(f.src.line(f.line))
	return value != "" && strings.IndexAny(value, `"'[{|>`) != 0 && f.column > utf8.RuneCountInString(head)
}

// escape is the escape sequence the fault is at; the library points at its backslash.
func (f fault) escape() string {
	text := []rune(f.src.from(f.line, f.column))
	return string(text[:min(2, len(text))])
}

// valueHead is what stands on a line before its value: indentation, dashes and a key.
var valueHead = regexp.MustCompile(`^[ ]*(?:- +)*(?:(?:[^\s"'{}\[\],#&*!|>@%-][^\s#:]*|"[^"]*"|'[^']*') *: +)?`)

// splitValue cuts a line of a block into what leads to its value and the value, without a comment.
func splitValue(line string) (head, value string) {
	head = valueHead.FindString(line)
	value = line[len(head):]
	if i := strings.Index(value, " #"); i >= 0 {
		value = value[:i]
	}
	return head, strings.TrimRight(value, " \t")
}

// quote puts a text between quotes, so that YAML reads exactly the text.
func quote(text string) string {
	if strings.Contains(text, `"`) || strings.Contains(text, `\`) {
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	return `"` + text + `"`
}
