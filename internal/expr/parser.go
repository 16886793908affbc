package expr

import (
	"strconv"
)

const (
	// maxNesting is how deep brackets and tags may nest.
	maxNesting = 200
	// maxChain is how many operators, filters and attributes one expression may have.
	maxChain = 10_000
)

// Precedence levels, loosest first. Unary operators bind tighter than all of them, attributes and calls tightest.
const (
	precOr = iota + 1
	precAnd
	precCompare
	precAdd
	precMultiply
	precFilter
	precConcat
	precCoalesce
)

var precedence = map[string]int{
	"or": precOr, "and": precAnd,
	"==": precCompare, "equals": precCompare, "!=": precCompare, ">": precCompare, "<": precCompare, ">=": precCompare,
	"<=": precCompare, "is": precCompare, "is not": precCompare, "contains": precCompare, "isIn": precCompare,
	"+": precAdd, "-": precAdd, "*": precMultiply, "/": precMultiply, "%": precMultiply,
	"|": precFilter, "~": precConcat, "..": precCoalesce, "??": precCoalesce, "???": precCoalesce,
}

// parser builds the tree of a template from its tokens.
type parser struct {
	t       *Template
	toks    []token
	pos     int
	nesting int
	chain   int
	calls   []*macroCall // resolved once all macros are known
}

func (p *parser) peek() *token { return &p.toks[p.pos] }

func (p *parser) advance() *token {
	t := &p.toks[p.pos]
	if p.pos < len(p.toks)-1 {
		p.pos++
	}
	return t
}

func (p *parser) is(k kind, text string) bool {
	t := p.peek()
	return t.kind == k && t.text == text
}

func (p *parser) accept(k kind, text string) bool {
	if p.is(k, text) {
		p.advance()
		return true
	}
	return false
}

func (p *parser) errorf(off int, format string, args ...any) error {
	return (&lexer{src: p.t.src}).errorf(off, format, args...)
}

func (p *parser) unexpected(expected string) error {
	t := p.peek()
	found := t.text
	switch t.kind {
	case tEOF:
		found = "end of the text"
	case tString, tInterpolated:
		found = "a string"
	case tText:
		found = "text"
	default:
		found = strconv.Quote(found)
	}
	return p.errorf(t.off, "unexpected %s, expected %s", found, expected)
}

func (p *parser) expectPunct(text string) error {
	if p.accept(tPunct, text) {
		return nil
	}
	return p.unexpected(strconv.Quote(text))
}

func (p *parser) name(what string) (string, int, error) {
	t := p.peek()
	if t.kind != tName {
		return "", 0, p.unexpected(what)
	}
	p.advance()
	return t.text, t.off, nil
}

// nest guards recursion; the returned function leaves the level.
func (p *parser) nest() (func(), error) {
	if p.nesting++; p.nesting > maxNesting {
		return nil, p.errorf(p.peek().off, "nested deeper than %d levels", maxNesting)
	}
	return func() { p.nesting-- }, nil
}

// link counts what makes a tree deep without brackets: a + b + c …
func (p *parser) link() error {
	if p.chain++; p.chain > maxChain {
		return p.errorf(p.peek().off, "an expression must not have more than %d operators", maxChain)
	}
	return nil
}

// expression parses a whole expression, the ternary operator included.
func (p *parser) expression() (node, error) {
	leave, err := p.nest()
	if err != nil {
		return nil, err
	}
	defer leave()
	cond, err := p.binary(precOr)
	if err != nil || !p.is(tPunct, "?") {
		return cond, err
	}
	off := p.advance().off
	yes, err := p.expression()
	if err != nil {
		return nil, err
	}
	if err := p.expectPunct(":"); err != nil {
		return nil, err
	}
	no, err := p.expression()
	if err != nil {
		return nil, err
	}
	return &ternary{base{off}, cond, yes, no}, nil
}

// binary parses operators of at least the given precedence; all are left-associative.
func (p *parser) binary(least int) (node, error) {
	left, err := p.unary()
	if err != nil {
		return nil, err
	}
	for {
		t := p.peek()
		prec := precedence[t.text]
		if t.kind != tOperator || prec == 0 || prec < least {
			return left, nil
		}
		if err := p.link(); err != nil {
			return nil, err
		}
		p.advance()
		switch t.text {
		case "|":
			left, err = p.filter(left)
		case "is", "is not":
			left, err = p.test(left, t)
		default:
			var right node
			if right, err = p.binary(prec + 1); err == nil {
				left = newBinary(t, left, right)
			}
		}
		if err != nil {
			return nil, err
		}
	}
}

func (p *parser) unary() (node, error) {
	t := p.peek()
	if t.kind != tOperator {
		return p.primary()
	}
	switch t.text {
	case "not", "-", "+":
	default:
		return nil, p.unexpected("a value")
	}
	leave, err := p.nest()
	if err != nil {
		return nil, err
	}
	defer leave()
	p.advance()
	operand, err := p.unary()
	if err != nil {
		return nil, err
	}
	if t.text == "not" {
		return &not{base{t.off}, operand}, nil
	}
	return &sign{base{t.off}, operand, t.text == "-"}, nil
}

func (p *parser) primary() (node, error) {
	t := p.peek()
	switch t.kind {
	case tNumber, tString, tInterpolated:
		n, err := p.literal()
		if err != nil {
			return nil, err
		}
		return p.postfix(n)
	case tName:
		n, err := p.named()
		if err != nil {
			return nil, err
		}
		return p.postfix(n)
	case tPunct:
		switch t.text {
		case "(":
			p.advance()
			n, err := p.expression()
			if err != nil {
				return nil, err
			}
			if err := p.expectPunct(")"); err != nil {
				return nil, err
			}
			return p.postfix(n)
		case "[":
			return p.list()
		case "{":
			return p.mapping()
		}
	}
	return nil, p.unexpected("a value")
}

func (p *parser) literal() (node, error) {
	t := p.advance()
	switch t.kind {
	case tString:
		return &literal{base{t.off}, t.text}, nil
	case tInterpolated:
		return p.interpolated(t)
	}
	return p.number(t)
}

func (p *parser) number(t *token) (node, error) {
	text := t.text
	for i := range len(text) {
		if text[i] == '.' {
			f, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return nil, p.errorf(t.off, "the number %s is out of range", text)
			}
			return &literal{base{t.off}, f}, nil
		}
	}
	if text[len(text)-1] == 'L' {
		text = text[:len(text)-1]
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, p.errorf(t.off, "the number %s does not fit in 64 bits", text)
	}
	return &literal{base{t.off}, n}, nil
}

// interpolated turns "a#{b}c" into "a" ~ b ~ "c"; a string that is one expression and no text is that expression.
func (p *parser) interpolated(t *token) (node, error) {
	var whole node
	for _, part := range t.parts {
		var n node = &literal{base{t.off}, part.text}
		if part.toks != nil {
			sub := &parser{t: p.t, toks: part.toks, nesting: p.nesting, chain: p.chain}
			var err error
			if n, err = sub.expression(); err != nil {
				return nil, err
			}
			if sub.peek().kind != tEOF {
				return nil, sub.unexpected("}")
			}
			p.calls = append(p.calls, sub.calls...)
		}
		if whole == nil {
			whole = n
			continue
		}
		if err := p.link(); err != nil {
			return nil, err
		}
		whole = &concat{base{t.off}, whole, n}
	}
	return whole, nil
}

// named parses a constant, a call or a variable.
func (p *parser) named() (node, error) {
	t := p.advance()
	switch t.text {
	case "true", "TRUE":
		return &literal{base{t.off}, true}, nil
	case "false", "FALSE":
		return &literal{base{t.off}, false}, nil
	case "null", "none", "NULL", "NONE":
		return &literal{base{t.off}, nil}, nil
	}
	if p.is(tPunct, "(") {
		return p.call(t)
	}
	return &variable{base{t.off}, t.text}, nil
}

// postfix parses attributes, subscripts and method calls.
func (p *parser) postfix(n node) (node, error) {
	for {
		t := p.peek()
		if t.kind != tPunct || (t.text != "." && t.text != "[") {
			if t.kind == tPunct && t.text == "(" {
				return nil, p.errorf(t.off, "only functions and macros can be called")
			}
			return n, nil
		}
		if err := p.link(); err != nil {
			return nil, err
		}
		p.advance()
		a := &attribute{base: base{t.off}, target: n}
		if t.text == "." {
			name, off, err := p.name("the name of an attribute")
			if err != nil {
				return nil, err
			}
			a.name, a.off = name, off
		} else {
			key, err := p.expression()
			if err != nil {
				return nil, err
			}
			if err := p.expectPunct("]"); err != nil {
				return nil, err
			}
			a.setKey(key)
		}
		if p.is(tPunct, "(") {
			args, err := p.arguments()
			if err != nil {
				return nil, err
			}
			for _, arg := range args {
				if arg.name != "" {
					return nil, p.errorf(arg.off, "a method takes no named arguments")
				}
				a.args = append(a.args, arg.value)
			}
			a.method = true
		}
		n = a
	}
}

func (p *parser) list() (node, error) {
	l := &listLiteral{base: base{p.advance().off}}
	if p.accept(tPunct, "]") {
		return l, nil
	}
	for {
		item, err := p.expression()
		if err != nil {
			return nil, err
		}
		l.items = append(l.items, item)
		if p.accept(tPunct, "]") {
			return l, nil
		}
		if err := p.expectPunct(","); err != nil {
			return nil, err
		}
	}
}

func (p *parser) mapping() (node, error) {
	m := &mapLiteral{base: base{p.advance().off}}
	if p.accept(tPunct, "}") {
		return m, nil
	}
	for {
		key, err := p.expression()
		if err != nil {
			return nil, err
		}
		if err := p.expectPunct(":"); err != nil {
			return nil, err
		}
		val, err := p.expression()
		if err != nil {
			return nil, err
		}
		m.keys, m.values = append(m.keys, key), append(m.values, val)
		if p.accept(tPunct, "}") {
			return m, nil
		}
		if err := p.expectPunct(","); err != nil {
			return nil, err
		}
	}
}
