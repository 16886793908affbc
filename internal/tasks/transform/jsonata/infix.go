package jsonata

// infix reads what follows a value.
func (p *parser) infix(left *node) (*node, error) {
	t := p.tok
	if err := p.advance(true); err != nil {
		return nil, err
	}
	switch t.text {
	case ".":
		return p.step(left, t)
	case "[":
		return p.predicate(left)
	case "{":
		return p.grouping(left, t)
	case "(":
		return p.call(left, t)
	case "@", "#":
		return p.binding(left, t)
	case "^":
		return p.sorting(left, t)
	case "?":
		return p.condition(left, t)
	case ":=":
		if left.op != opVariable || len(left.stages) > 0 {
			return nil, failAt(t.at, "S0212", "what precedes := must be a variable")
		}
		right, err := p.expression(powers[":="] - 1)
		return &node{op: opBind, text: left.text, body: right, at: t.at}, err
	}
	right, err := p.expression(powers[t.text])
	n := &node{op: opBinary, text: t.text, args: []*node{left, right}, at: t.at}
	switch t.text {
	case "and":
		n.op = opAnd
	case "or":
		n.op = opOr
	case "~>":
		n.op = opApply
	case "??":
		n.op = opCoalesce
	case "?:":
		n.op = opDefault
	case "..":
		n.op = opRange
	}
	return n, err
}

// path makes a path of a node, so that steps can follow.
func path(n *node) *node {
	if n.op == opPath && n.group == nil {
		return n
	}
	return &node{op: opPath, args: []*node{n}, at: n.at, keep: n.keep}
}

func (p *parser) step(left *node, t token) (*node, error) {
	if left.op == opPath && left.group != nil {
		return nil, failAt(t.at, "S0209", "no step can follow what groups")
	}
	right, err := p.expression(powers["."])
	if err != nil {
		return nil, err
	}
	n := path(left)
	if right.op == opPath && right.group == nil {
		n.args = append(n.args, right.args...)
	} else {
		n.args = append(n.args, right)
	}
	n.keep = n.keep || right.keep
	for _, s := range []*node{n.args[0], n.args[len(n.args)-1]} {
		s.cons = s.cons || s.op == opArray
	}
	for i, s := range n.args {
		if l, ok := s.value.(string); ok && s.op == opLiteral && i >= 0 { // a quoted name
			s.op, s.text, s.value = opName, l, nil
		} else if s.op == opLiteral {
			return nil, failAt(s.at, "S0213", "the value %v cannot be a step", s.value)
		}
	}
	return n, nil
}

// last is the step that what follows belongs to.
func last(n *node) *node {
	if n.op == opPath {
		return n.args[len(n.args)-1]
	}
	return n
}

func (p *parser) predicate(left *node) (*node, error) {
	if p.is("]") {
		left.keep = true
		last(left).keep = true
		return left, p.advance(false)
	}
	filter, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if left.group != nil {
		return nil, failAt(filter.at, "S0209", "no predicate can follow what groups")
	}
	step := last(left)
	step.stages = append(step.stages, stage{filter: filter})
	return left, p.want("]", false)
}

func (p *parser) grouping(left *node, t token) (*node, error) {
	if left.group != nil {
		return nil, failAt(t.at, "S0210", "a step groups once")
	}
	p.tok = t // which object goes past
	p.at = t.at + 1
	object, err := p.object()
	left.group = object
	return left, err
}

func (p *parser) binding(left *node, t token) (*node, error) {
	if p.tok.kind != variableToken {
		return nil, failAt(t.at, "S0214", "%s must be followed by a variable", t.text)
	}
	name := p.tok.text
	n := path(left)
	step := last(n)
	switch {
	case t.text == "@" && len(step.stages) > 0:
		return nil, failAt(t.at, "S0215", "@ precedes predicates")
	case t.text == "@" && step.op == opSort:
		return nil, failAt(t.at, "S0216", "@ precedes the order")
	case t.text == "@":
		step.focus = name
	case len(step.stages) > 0:
		step.stages = append(step.stages, stage{index: name})
	default:
		step.index = name
	}
	return n, p.advance(false)
}

func (p *parser) sorting(left *node, t token) (*node, error) {
	if err := p.want("(", true); err != nil {
		return nil, err
	}
	s := &node{op: opSort, at: t.at}
	_, err := p.list(",", ")", func() (*node, error) {
		descending := p.is(">")
		if descending || p.is("<") {
			if err := p.advance(true); err != nil {
				return nil, err
			}
		}
		e, err := p.expression(0)
		s.terms = append(s.terms, term{descending, e})
		return e, err
	})
	n := path(left)
	n.args = append(n.args, s)
	return n, err
}

func (p *parser) condition(left *node, t token) (*node, error) {
	yes, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	n := &node{op: opCondition, args: []*node{left, yes}, at: t.at}
	if !p.is(":") {
		return n, nil
	}
	if err := p.advance(true); err != nil {
		return nil, err
	}
	no, err := p.expression(0)
	n.args = append(n.args, no)
	return n, err
}

// call reads arguments, or the parameters and the body of a function.
func (p *parser) call(left *node, t token) (*node, error) {
	if left.op == opPath && len(left.args) == 1 && (left.args[0].text == "function" || left.args[0].text == "λ") && left.args[0].op == opName {
		return p.lambda(t)
	}
	n := &node{op: opCall, body: left, at: left.at}
	args, err := p.list(",", ")", func() (*node, error) {
		if p.is("?") {
			n.op = opPartial
			return &node{op: opHole, at: p.tok.at}, p.advance(false)
		}
		return p.expression(0)
	})
	n.args = args
	return n, err
}

func (p *parser) lambda(t token) (*node, error) {
	n := &node{op: opLambda, at: t.at}
	_, err := p.list(",", ")", func() (*node, error) {
		if p.tok.kind != variableToken {
			return nil, failAt(p.tok.at, "S0208", "a parameter must be a variable, got %q", p.describe())
		}
		n.params = append(n.params, p.tok.text)
		return nil, p.advance(false)
	})
	if err != nil {
		return nil, err
	}
	if p.is("<") {
		text, depth := "<", 1
		for depth > 0 && p.at < len(p.text) {
			c := p.text[p.at]
			p.at++
			text += string(c)
			if c == '<' {
				depth++
			} else if c == '>' {
				depth--
			}
		}
		if n.sig, err = parseSignature(text); err != nil {
			return nil, err
		}
		if err := p.advance(false); err != nil {
			return nil, err
		}
	}
	if err := p.want("{", true); err != nil {
		return nil, err
	}
	if n.body, err = p.expression(0); err != nil {
		return nil, err
	}
	markTail(n.body)
	return n, p.want("}", false)
}

// markTail finds the calls whose result is that of the function: they need no room of their own.
func markTail(n *node) {
	if len(n.stages) > 0 || n.group != nil || n.keep {
		return
	}
	switch n.op {
	case opCall:
		n.tail = true
	case opCondition:
		for _, branch := range n.args[1:] {
			markTail(branch)
		}
	case opBlock:
		if len(n.args) > 0 {
			markTail(n.args[len(n.args)-1])
		}
	}
}
