package jsonata

// op says what a node is.
type op uint8

const (
	opLiteral op = iota
	opName
	opVariable
	opWildcard
	opDescendant
	opParent
	opRegex
	opNegate
	opArray
	opObject
	opBinary
	opRange
	opAnd
	opOr
	opApply
	opBind
	opCondition
	opCoalesce
	opDefault
	opLambda
	opCall
	opPartial
	opBlock
	opPath
	opSort
	opTransform
	opHole // ? among the arguments of a call
)

// node is a part of an expression.
type node struct {
	op     op
	text   string // a name, an operator
	value  any
	at     int
	args   []*node // operands, arguments, items, steps, expressions of a block
	pairs  []pair  // of an object
	body   *node
	params []string
	sig    *signature
	terms  []term  // of a sort
	stages []stage // what follows a step, or another node, in brackets
	group  *node   // an object that groups what the node gives
	focus  string  // the variable of @
	index  string  // the variable of #
	keep   bool    // [] keeps a single value a list
	cons   bool    // a list that is made as a step stays one
	tail   bool    // a call whose result is that of the function around it
}

type pair struct{ key, value *node }

type term struct {
	descending bool
	expr       *node
}

// stage is a predicate, or the variable of the position.
type stage struct {
	filter *node
	index  string
}

// bindingPowers of operators that follow a value.
var powers = map[string]int{
	".": 75, "[": 80, "{": 70, "(": 80, "@": 80, "#": 80, "?": 20, "?:": 40, "??": 40, "+": 50, "-": 50, "*": 60, "/": 60, "%": 60, "=": 40, "<": 40, ">": 40, "<=": 40, ">=": 40,
	"!=": 40, "^": 40, "&": 50, "~>": 40, "and": 30, "or": 25, "in": 40, ":=": 10, "..": 20,
}

// maxNesting is how deep expressions are written into each other.
const maxNesting = 500

type parser struct {
	lexer
	tok    token
	depth  int
	parent bool // the expression asks for parents
}

func parse(text string) (n *node, usesParents bool, err error) {
	p := &parser{lexer: lexer{text: text}}
	if err := p.advance(true); err != nil {
		return nil, false, err
	}
	n, err = p.expression(0)
	if err != nil {
		return nil, false, err
	}
	if p.tok.kind != endToken {
		return nil, false, failAt(p.tok.at, "S0201", "a syntax error at %q", p.describe())
	}
	return n, p.parent, nil
}

func (p *parser) describe() string {
	if p.tok.kind == endToken {
		return "the end"
	}
	return p.text[p.tok.at:p.at]
}

func (p *parser) advance(wantsValue bool) (err error) {
	p.tok, err = p.next(wantsValue)
	return err
}

func (p *parser) is(op string) bool { return p.tok.kind == operatorToken && p.tok.text == op }

// want goes past an operator that has to be there.
func (p *parser) want(op string, wantsValue bool) error {
	if p.tok.kind == endToken {
		return failAt(p.tok.at, "S0203", "expected %q before the end of the expression", op)
	}
	if !p.is(op) {
		return failAt(p.tok.at, "S0202", "expected %q, got %q", op, p.describe())
	}
	return p.advance(wantsValue)
}

func (p *parser) expression(power int) (*node, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, failAt(p.tok.at, "S0201", "the expression is nested deeper than %d levels", maxNesting)
	}
	defer func() { p.depth-- }()
	left, err := p.prefix()
	for err == nil && p.tok.kind == operatorToken && power < powers[p.tok.text] {
		left, err = p.infix(left)
	}
	return left, err
}

// prefix reads what begins with a value.
func (p *parser) prefix() (*node, error) {
	t := p.tok
	leaf := func(n *node) (*node, error) {
		n.at = t.at
		return n, p.advance(false)
	}
	switch t.kind {
	case nameToken:
		return leaf(&node{op: opPath, args: []*node{{op: opName, text: t.text, at: t.at}}})
	case variableToken:
		return leaf(&node{op: opVariable, text: t.text})
	case stringToken:
		return leaf(&node{op: opLiteral, value: t.text})
	case numberToken, valueToken:
		return leaf(&node{op: opLiteral, value: t.value})
	case regexToken:
		return leaf(&node{op: opRegex, value: t.value})
	case endToken:
		return nil, failAt(t.at, "S0207", "the expression ends too early")
	}
	switch t.text {
	case "and", "or", "in": // names, where no value precedes
		return leaf(&node{op: opPath, args: []*node{{op: opName, text: t.text, at: t.at}}})
	case "*":
		return leaf(&node{op: opPath, args: []*node{{op: opWildcard, at: t.at}}})
	case "**":
		return leaf(&node{op: opPath, args: []*node{{op: opDescendant, at: t.at}}})
	case "%":
		p.parent = true
		return leaf(&node{op: opPath, args: []*node{{op: opParent, at: t.at}}})
	case "-":
		return p.negation()
	case "(":
		return p.block()
	case "[":
		return p.array()
	case "{":
		return p.object()
	case "|":
		return p.transform()
	}
	return nil, failAt(t.at, "S0211", "%q cannot begin a value", t.text)
}

func (p *parser) negation() (*node, error) {
	at := p.tok.at
	if err := p.advance(true); err != nil {
		return nil, err
	}
	n, err := p.expression(70)
	if err != nil {
		return nil, err
	}
	if f, ok := n.value.(float64); ok && n.op == opLiteral {
		return &node{op: opLiteral, value: -f, at: at}, nil
	}
	return &node{op: opNegate, args: []*node{n}, at: at}, nil
}

// list reads expressions up to an operator.
func (p *parser) list(separator, end string, read func() (*node, error)) (out []*node, err error) {
	for !p.is(end) {
		n, err := read()
		if err != nil {
			return nil, err
		}
		out = append(out, n)
		if !p.is(separator) {
			break
		}
		if err := p.advance(true); err != nil {
			return nil, err
		}
	}
	return out, p.want(end, false)
}

func (p *parser) any() (*node, error) { return p.expression(0) }

func (p *parser) block() (*node, error) {
	n := &node{op: opBlock, at: p.tok.at}
	err := p.advance(true)
	if err == nil {
		n.args, err = p.list(";", ")", p.any)
	}
	return n, err
}

func (p *parser) array() (*node, error) {
	n := &node{op: opArray, at: p.tok.at}
	err := p.advance(true)
	if err != nil {
		return nil, err
	}
	n.args, err = p.list(",", "]", p.any)
	return n, err
}

func (p *parser) object() (*node, error) {
	n := &node{op: opObject, at: p.tok.at}
	if err := p.advance(true); err != nil {
		return nil, err
	}
	for !p.is("}") {
		key, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		if err := p.want(":", true); err != nil {
			return nil, err
		}
		v, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		n.pairs = append(n.pairs, pair{key, v})
		if !p.is(",") {
			break
		}
		if err := p.advance(true); err != nil {
			return nil, err
		}
	}
	return n, p.want("}", false)
}

func (p *parser) transform() (*node, error) {
	n := &node{op: opTransform, at: p.tok.at}
	if err := p.advance(true); err != nil {
		return nil, err
	}
	parts, err := p.list(",", "|", func() (*node, error) {
		e, err := p.expression(0)
		if err == nil && len(n.args) == 0 && p.is("|") {
			n.args = append(n.args, e)
			if err := p.advance(true); err != nil {
				return nil, err
			}
			return p.expression(0)
		}
		return e, err
	})
	if err == nil && (len(n.args) != 1 || len(parts) == 0 || len(parts) > 2) {
		err = failAt(n.at, "S0202", "a transform is written |location|update| or |location|update,delete|")
	}
	n.args = append(n.args, parts...)
	return n, err
}
