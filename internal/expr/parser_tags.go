package expr

import "slices"

// template parses the whole text.
func (p *parser) template() error {
	body, err := p.body()
	if err != nil {
		return err
	}
	if t := p.peek(); t.kind != tEOF {
		return p.unexpected("the end of the text")
	}
	p.t.body = body
	return p.resolveMacros()
}

// body parses statements up to the end of the text or one of the given tags, of which the opening delimiter is consumed.
func (p *parser) body(until ...string) ([]stmt, error) {
	leave, err := p.nest()
	if err != nil {
		return nil, err
	}
	defer leave()
	var body []stmt
	for {
		t := p.peek()
		switch t.kind {
		case tEOF:
			if len(until) > 0 {
				return nil, p.errorf(t.off, "{%% %s %%} is missing", until[len(until)-1])
			}
			return body, nil
		case tText:
			p.advance()
			body = append(body, &textStmt{t.text})
		case tRaw:
			p.advance()
			body = append(body, &textStmt{t.text})
		case tPrintOpen:
			s, err := p.print()
			if err != nil {
				return nil, err
			}
			body = append(body, s)
		default:
			open := p.advance()
			if n := p.peek(); n.kind == tName && slices.Contains(until, n.text) {
				return body, nil
			}
			s, err := p.tag(open.off)
			if err != nil {
				return nil, err
			}
			if s != nil {
				body = append(body, s)
			}
		}
	}
}

func (p *parser) print() (stmt, error) {
	open := p.advance()
	p.chain = 0
	n, err := p.expression()
	if err != nil {
		return nil, err
	}
	if p.peek().kind != tPrintClose {
		return nil, p.unexpected("}}")
	}
	p.advance()
	return &printStmt{base{open.off}, n}, nil
}

// endTag consumes the name that body stopped at and the closing delimiter.
func (p *parser) endTag() error {
	p.advance()
	return p.closeTag()
}

func (p *parser) closeTag() error {
	if p.peek().kind != tTagClose {
		return p.unexpected("%}")
	}
	p.advance()
	return nil
}

var tagNames = []string{"if", "for", "set", "macro", "block", "filter", "verbatim", "raw"}

// tag parses a tag whose opening delimiter is consumed; a macro gives no statement.
func (p *parser) tag(off int) (stmt, error) {
	p.chain = 0
	t := p.peek()
	if t.kind != tName {
		return nil, p.unexpected("the name of a tag")
	}
	p.advance()
	switch t.text {
	case "if":
		return p.ifTag(off)
	case "for":
		return p.forTag(off)
	case "set":
		return p.setTag(off)
	case "macro":
		return nil, p.macroTag()
	case "block":
		return p.blockTag(off)
	case "filter":
		return p.filterTag(off)
	case "else", "elseif", "endif", "endfor", "endmacro", "endblock", "endfilter", "endverbatim", "endraw":
		return nil, p.errorf(t.off, "{%% %s %%} without its beginning", t.text)
	}
	return nil, p.unknown(t.off, "tag", t.text, append(slices.Clone(tagNames), "else", "elseif", "endif", "endfor"))
}

func (p *parser) ifTag(off int) (stmt, error) {
	s := &ifStmt{base: base{off}}
	for {
		cond, err := p.expression()
		if err != nil {
			return nil, err
		}
		if err := p.closeTag(); err != nil {
			return nil, err
		}
		body, err := p.body("elseif", "else", "endif")
		if err != nil {
			return nil, err
		}
		s.branches = append(s.branches, branch{cond, body})
		switch p.advance().text {
		case "elseif":
			continue
		case "endif":
			return s, p.closeTag()
		}
		if err := p.closeTag(); err != nil {
			return nil, err
		}
		if s.otherwise, err = p.body("endif"); err != nil {
			return nil, err
		}
		return s, p.endTag()
	}
}

func (p *parser) forTag(off int) (stmt, error) {
	s := &forStmt{base: base{off}}
	var err error
	if s.name, _, err = p.name("the name of the loop variable"); err != nil {
		return nil, err
	}
	if !p.accept(tName, "in") {
		return nil, p.unexpected(`"in"`)
	}
	if s.over, err = p.expression(); err != nil {
		return nil, err
	}
	if err := p.closeTag(); err != nil {
		return nil, err
	}
	if s.body, err = p.body("else", "endfor"); err != nil {
		return nil, err
	}
	if p.peek().text == "else" {
		if err := p.endTag(); err != nil {
			return nil, err
		}
		if s.otherwise, err = p.body("endfor"); err != nil {
			return nil, err
		}
	}
	return s, p.endTag()
}

func (p *parser) setTag(off int) (stmt, error) {
	name, _, err := p.name("the name of a variable")
	if err != nil {
		return nil, err
	}
	if err := p.expectPunct("="); err != nil {
		return nil, err
	}
	v, err := p.expression()
	if err != nil {
		return nil, err
	}
	return &setStmt{base{off}, name, v}, p.closeTag()
}

func (p *parser) macroTag() error {
	name, off, err := p.name("the name of the macro")
	if err != nil {
		return err
	}
	if p.t.macros[name] != nil {
		return p.errorf(off, "there are two macros of the name %q", name)
	}
	m := &macro{name: name, params: []string{}}
	if err := p.parameters(m); err != nil {
		return err
	}
	if err := p.closeTag(); err != nil {
		return err
	}
	if m.body, err = p.body("endmacro"); err != nil {
		return err
	}
	if p.t.macros == nil {
		p.t.macros = map[string]*macro{}
	}
	p.t.macros[name] = m
	return p.endTag()
}

// parameters parses (a, b="default").
func (p *parser) parameters(m *macro) error {
	if err := p.expectPunct("("); err != nil {
		return err
	}
	if p.accept(tPunct, ")") {
		return nil
	}
	for {
		name, off, err := p.name("the name of a parameter")
		if err != nil {
			return err
		}
		if slices.Contains(m.params, name) {
			return p.errorf(off, "there are two parameters of the name %q", name)
		}
		var def node
		if p.accept(tPunct, "=") {
			if def, err = p.expression(); err != nil {
				return err
			}
		}
		m.params, m.defaults = append(m.params, name), append(m.defaults, def)
		if p.accept(tPunct, ")") {
			return nil
		}
		if err := p.expectPunct(","); err != nil {
			return err
		}
	}
}

func (p *parser) blockTag(off int) (stmt, error) {
	t := p.advance()
	if t.kind != tName && t.kind != tString {
		return nil, p.errorf(t.off, "expected the name of the block")
	}
	if err := p.closeTag(); err != nil {
		return nil, err
	}
	s := &blockStmt{base: base{off}, name: t.text}
	if p.t.blocks == nil {
		p.t.blocks = map[string]*blockStmt{}
	}
	p.t.blocks[s.name] = s // of two blocks with one name the last is shown in both places
	var err error
	if s.body, err = p.body("endblock"); err != nil {
		return nil, err
	}
	p.advance()
	if n := p.peek(); (n.kind == tName || n.kind == tString) && n.text == s.name {
		p.advance()
	}
	return s, p.closeTag()
}

func (p *parser) filterTag(off int) (stmt, error) {
	s := &filterStmt{base: base{off}}
	for {
		f, args, at, err := p.filterCall()
		if err != nil {
			return nil, err
		}
		s.filters = append(s.filters, filterNode{base{at}, nil, f, args})
		if p.accept(tOperator, "|") {
			continue
		}
		if err := p.closeTag(); err != nil {
			return nil, err
		}
		if s.body, err = p.body("endfilter"); err != nil {
			return nil, err
		}
		return s, p.endTag()
	}
}
