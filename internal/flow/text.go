package flow

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

// text is a source cut into lines the way YAML counts them.
type text struct{ lines []string }

var lineBreaks = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")

func newText(src []byte) text {
	return text{strings.Split(lineBreaks.Replace(strings.TrimPrefix(string(src), "\ufeff")), "\n")}
}

// locate returns the place in the source of a byte offset within a scalar's content. Where the content cannot be found at
// the node, as is the case for an alias, that is the node's own place.
//
// White space is folded, indented and escaped in many ways, all else stands in the source as it does in the content. So the
// two are walked along side by side from one visible character to the next.
func (t text) locate(n *yamldoc.Node, offset int) (line, column int) {
	w := t.walkerAt(n)
	line, column = n.Line, n.Column
	for i, r := range n.Text {
		visible := !unicode.IsSpace(r)
		if visible && !w.find(r) {
			return n.Line, n.Column
		}
		switch {
		case i >= offset && visible:
			return w.line, w.column
		case i >= offset:
			return line, column
		case visible:
			line, column = w.line, w.column+1
		}
	}
	return line, column
}

// walker goes through the visible characters of a source.
type walker struct {
	t            text
	line, column int // of the character found last, from 1
	next         int // the byte offset within the line to go on from
	at           int // its column
	quote        byte
}

// walkerAt returns a walker that begins with a scalar's content.
func (t text) walkerAt(n *yamldoc.Node) *walker {
	w := &walker{t: t, line: n.Line, at: 1}
	for ; w.at < n.Column; w.at++ {
		_, size := utf8.DecodeRuneInString(w.rest())
		if size == 0 {
			break
		}
		w.next += size
	}
	switch n.Style {
	case yamldoc.Quoted:
		if r := w.rest(); r != "" && (r[0] == '"' || r[0] == '\'') {
			w.quote = r[0]
			w.skip(1)
		}
	case yamldoc.Block:
		w.newLine()
	}
	return w
}

func (w *walker) rest() string {
	if w.line < 1 || w.line > len(w.t.lines) {
		return ""
	}
	return w.t.lines[w.line-1][w.next:]
}

func (w *walker) skip(bytes int) {
	w.at += utf8.RuneCountInString(w.rest()[:bytes])
	w.next += bytes
}

func (w *walker) newLine() { w.line, w.next, w.at = w.line+1, 0, 1 }

// find goes to the next visible character and tells whether it is r.
func (w *walker) find(r rune) bool {
	for w.line <= len(w.t.lines) {
		rest := w.rest()
		if rest == "" || w.quote == '"' && rest == `\` {
			w.newLine()
			continue
		}
		got, size := w.character(rest)
		if unicode.IsSpace(got) {
			w.skip(size)
			continue
		}
		w.column = w.at
		w.skip(size)
		return got == r
	}
	return false
}

// character returns the first character of s as the scalar's content has it, and its size in the source.
func (w *walker) character(s string) (rune, int) {
	switch {
	case w.quote == '\'' && strings.HasPrefix(s, "''"):
		return '\'', 2
	case w.quote == '"' && s[0] == '\\':
		return escape(s)
	}
	return utf8.DecodeRuneInString(s)
}

// escape decodes the escape sequence that s begins with.
func escape(s string) (rune, int) {
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[1]]
	if digits > 0 && len(s) >= 2+digits {
		var r rune
		for _, d := range s[2 : 2+digits] {
			r = r<<4 | rune(strings.IndexRune("0123456789abcdef", unicode.ToLower(d)))
		}
		return r, 2 + digits
	}
	if strings.IndexByte("abtnvfreNLP_0 \t", s[1]) >= 0 {
		return ' ', 2
	}
	r, size := utf8.DecodeRuneInString(s[1:])
	return r, 1 + size
}

// dynamic is a text of the flow that holds expressions.
type dynamic struct {
	node  *yamldoc.Node
	tmpl  *expr.Template
	owner owner
	// foreign is where a template is inserted that the text stands in, nil for the flow's own.
	foreign *yamldoc.Node
	// extra is set where the task itself brings variables of any name; elsewhere where outputs are another flow's.
	extra, elsewhere bool
}

// expressions parses the templates in a value, those in the keys of maps included.
func (c *compiler) expressions(n *yamldoc.Node) { c.parseAll(n, c.atRun()) }

// atRun is the severity of what makes a task fail when it runs, such as an expression that cannot be parsed.
func (c *compiler) atRun() yamldoc.Severity {
	if c.opts.Lenient {
		return yamldoc.Warning
	}
	return yamldoc.Error
}

// parseAll is expressions with the severity of what cannot be parsed.
func (c *compiler) parseAll(n *yamldoc.Node, severity yamldoc.Severity) {
	switch {
	case n == nil:
	case n.Kind == yamldoc.List:
		for _, item := range n.Items() {
			c.parseAll(item, severity)
		}
	case n.Kind == yamldoc.Map:
		for _, e := range n.Entries() {
			c.parse(e.Key, severity)
			c.parseAll(e.Value, severity)
		}
	default:
		c.parse(n, severity)
	}
}

// parse parses the template that a scalar is, if it is one.
func (c *compiler) parse(n *yamldoc.Node, severity yamldoc.Severity) {
	s, ok := n.Value().(string)
	if !ok || !hasExpression(s) {
		return
	}
	tmpl, err := c.template(s)
	if err == nil {
		c.texts = append(c.texts, dynamic{node: n, tmpl: tmpl, owner: c.owner, foreign: c.foreign, extra: c.extra, elsewhere: c.elsewhere})
		return
	}
	p := n.Problem(severity, err.Error())
	var syntax *expr.SyntaxError
	if errors.As(err, &syntax) {
		p = c.within(n, byteOffset(s, syntax.Line, syntax.Column))
		p.Severity, p.Message = severity, syntax.Msg
		if syntax.Suggestion != "" {
			p.Suggestion = "did you mean `" + syntax.Suggestion + "`?"
		}
	}
	c.report(p)
}

// within returns a problem placed at an offset of a scalar's content.
func (c *compiler) within(n *yamldoc.Node, offset int) yamldoc.Problem {
	p := n.Problem(yamldoc.Error, "")
	p.Line, p.Column = c.text.locate(n, offset)
	p.EndColumn = p.Column + 1
	return p
}

// byteOffset converts a line and a column of a text, both from 1, the column in characters.
func byteOffset(s string, line, column int) int {
	offset := 0
	for ; line > 1; line-- {
		i := strings.IndexByte(s[offset:], '\n')
		if i < 0 {
			return len(s)
		}
		offset += i + 1
	}
	for ; column > 1 && offset < len(s); column-- {
		_, size := utf8.DecodeRuneInString(s[offset:])
		offset += size
	}
	return offset
}

func (c *compiler) template(s string) (*expr.Template, error) {
	if c.opts.Templates != nil {
		return c.opts.Templates.Parse(s)
	}
	return expr.Parse(s)
}

// hasExpression tells whether a text is more than text.
func hasExpression(s string) bool {
	return strings.Contains(s, "{{") || strings.Contains(s, "{%") || strings.Contains(s, "{#")
}
