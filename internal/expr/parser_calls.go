package expr

import (
	"slices"
	"strconv"
	"strings"
)

// argument is one argument as written; name is "" for a positional one.
type argument struct {
	name  string
	off   int
	value node
}

// arguments parses (a, b, name=c).
func (p *parser) arguments() ([]argument, error) {
	if err := p.expectPunct("("); err != nil {
		return nil, err
	}
	var args []argument
	if p.accept(tPunct, ")") {
		return args, nil
	}
	for {
		arg := argument{off: p.peek().off}
		if t := p.peek(); t.kind == tName && p.toks[p.pos+1].kind == tPunct && p.toks[p.pos+1].text == "=" {
			arg.name = t.text
			p.advance()
			p.advance()
		} else if len(args) > 0 && args[len(args)-1].name != "" {
			return nil, p.errorf(t.off, "positional arguments must come before named ones")
		}
		var err error
		if arg.value, err = p.expression(); err != nil {
			return nil, err
		}
		args = append(args, arg)
		if p.accept(tPunct, ")") {
			return args, nil
		}
		if err := p.expectPunct(","); err != nil {
			return nil, err
		}
	}
}

// bind puts arguments in the order of the parameters; those that were not given are nil. Without parameters (nil) any
// arguments are taken as they come, which is what the reference does.
func (p *parser) bind(what string, params []string, args []argument) ([]node, error) {
	if params == nil {
		var bound []node
		for _, arg := range args {
			bound = append(bound, arg.value)
		}
		return bound, nil
	}
	bound := make([]node, len(params))
	for i, arg := range args {
		if arg.name != "" {
			i = slices.Index(params, arg.name)
			if i < 0 {
				err := p.errorf(arg.off, "%s has no argument %q (it takes %s)", what, arg.name, listOf(params)).(*SyntaxError)
				err.Suggestion = nearest(arg.name, params)
				return nil, err
			}
		}
		if i >= len(params) {
			return nil, p.errorf(arg.off, "%s takes at most %d arguments (%s)", what, len(params), listOf(params))
		}
		bound[i] = arg.value
	}
	return bound, nil
}

func listOf(params []string) string {
	if len(params) == 0 {
		return "none"
	}
	return strings.Join(params, ", ")
}

// filter parses the filter after a |.
func (p *parser) filter(in node) (node, error) {
	f, args, off, err := p.filterCall()
	if err != nil {
		return nil, err
	}
	return &filterNode{base{off}, in, f, args}, nil
}

func (p *parser) filterCall() (*filter, []node, int, error) {
	name, off, err := p.name("the name of a filter")
	if err != nil {
		return nil, nil, 0, err
	}
	f := filters[name]
	if f == nil {
		return nil, nil, 0, p.unknown(off, "filter", name, filterNames())
	}
	var args []argument
	if p.is(tPunct, "(") {
		if args, err = p.arguments(); err != nil {
			return nil, nil, 0, err
		}
	}
	bound, err := p.bind("the filter "+name, f.params, args)
	return f, bound, off, err
}

func (p *parser) unknown(off int, what, name string, known []string) error {
	err := p.errorf(off, "there is no %s %s", what, strconv.Quote(name)).(*SyntaxError)
	err.Suggestion = nearest(name, known)
	return err
}

// test parses the test after "is" or "is not".
func (p *parser) test(in node, op *token) (node, error) {
	name, off, err := p.name("the name of a test")
	if err != nil {
		return nil, err
	}
	fn := tests[name]
	if fn == nil {
		return nil, p.unknown(off, "test", name, testNames())
	}
	if p.is(tPunct, "(") {
		args, err := p.arguments()
		if err != nil {
			return nil, err
		}
		if len(args) > 0 {
			return nil, p.errorf(args[0].off, "the test %s takes no arguments", name)
		}
	}
	return &testNode{base{op.off}, in, name, fn, op.text == "is not"}, nil
}

// call parses the call of a function or macro. Names that are not functions may be macros, also ones that are defined
// further on, so they are resolved at the end.
func (p *parser) call(name *token) (node, error) {
	args, err := p.arguments()
	if err != nil {
		return nil, err
	}
	switch name.text {
	case "block":
		bound, err := p.bind("the function block", []string{"name"}, args)
		if err != nil {
			return nil, err
		}
		if bound[0] == nil {
			return nil, p.errorf(name.off, "the function block expects the name of a block")
		}
		return &blockCall{base{name.off}, bound[0]}, nil
	case "parent":
		return nil, p.errorf(name.off, "parent() has no meaning here: templates cannot extend others")
	}
	if f := functions[name.text]; f != nil {
		bound, err := p.bind("the function "+name.text, f.params, args)
		return &call{base{name.off}, f, bound}, err
	}
	c := &macroCall{base: base{name.off}, name: name.text, written: args}
	p.calls = append(p.calls, c)
	return c, nil
}

// resolveMacros binds the calls of macros once all of them are known.
func (p *parser) resolveMacros() error {
	for _, c := range p.calls {
		m := p.t.macros[c.name]
		if m == nil {
			known := functionNames()
			for name := range p.t.macros {
				known = append(known, name)
			}
			return p.unknown(c.off, "function or macro", c.name, known)
		}
		args, err := p.bind("the macro "+c.name, m.params, c.written)
		if err != nil {
			return err
		}
		c.macro, c.args, c.written = m, args, nil
	}
	return nil
}
