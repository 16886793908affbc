// Package expr is the expression language of flows: Pebble as Kestra 1.3 speaks it, with the filters and functions that
// 2.0 added. A text is parsed once into a Template and evaluated against an Env any number of times, also concurrently.
//
// Evaluation is pure: no clock, no randomness, no I/O, no goroutines. What touches the world (kv, secret, read, now,
// uuid, …) is asked of the Env by name, with bound arguments. Limits bound what a template may consume.
//
// Values are those of internal/value.
package expr

import (
	"strings"

	"github.com/windhover-io/windhover/internal/value"
)

// Template is a parsed text, safe for concurrent use.
type Template struct {
	src    string
	body   []stmt
	blocks map[string]*blockStmt
	macros map[string]*macro
	cache  *Cache // where render() looks for templates; nil parses anew
	// parse is how render() parses. It is a field because the table of functions, which parsing looks at, would
	// otherwise be initialised from itself.
	parse func(src string, cache *Cache) (*Template, error)
}

// Parse reads a template. Errors are of type *SyntaxError; an unknown filter, function, test or argument is one.
func Parse(src string) (*Template, error) { return parse(src, nil) }

func parse(src string, cache *Cache) (*Template, error) {
	t := &Template{src: src, cache: cache, parse: parse}
	if strings.IndexByte(src, '{') < 0 {
		t.body = []stmt{&textStmt{text: src}}
		return t, nil
	}
	toks, err := lex(src)
	if err != nil {
		return nil, err
	}
	p := &parser{t: t, toks: toks}
	if err := p.template(); err != nil {
		return nil, err
	}
	return t, nil
}

// Source returns the text that was parsed.
func (t *Template) Source() string { return t.src }

// evaluation is what one evaluation needs, in one piece of memory.
type evaluation struct {
	state
	run run
	out output
}

func (t *Template) begin(env Env, lim Limits) *evaluation {
	e := &evaluation{run: run{lim: lim.withDefaults(), cache: t.cache}}
	e.state = state{tmpl: t, env: env, run: &e.run}
	return e
}

// Render evaluates the template to text, once: expressions in the result are left as they are.
// Errors are of type *EvalError.
func (t *Template) Render(env Env, lim Limits) (string, error) {
	e := t.begin(env, lim)
	if err := e.execute(&e.out); err != nil {
		return "", e.finish(err)
	}
	return stripRaw(e.out.text()), nil
}

// RenderRecursive evaluates the template and its result again and again until it no longer changes.
func (t *Template) RenderRecursive(env Env, lim Limits) (string, error) {
	e := t.begin(env, lim)
	text, err := e.renderRecursive(t)
	return text, e.finish(e.place(err))
}

// Eval evaluates the template to a value: a template that writes exactly one value and no text gives that value, one
// that writes nothing gives null, any other a string. Errors are of type *EvalError.
func (t *Template) Eval(env Env, lim Limits) (any, error) {
	v, err := t.eval(env, lim)
	if text, ok := v.(string); ok {
		return stripRaw(text), err
	}
	return v, err
}

// eval is Eval that leaves the tags of raw blocks in a text.
func (t *Template) eval(env Env, lim Limits) (any, error) {
	e := t.begin(env, lim)
	if err := e.execute(&e.out); err != nil {
		return nil, e.finish(err)
	}
	if o, lazy := e.out.value().(value.Object); lazy {
		return o.Map(), nil
	}
	return e.out.value(), nil
}

// render evaluates the template once, within the scope of an enclosing evaluation if there is one.
func (t *Template) render(env Env, r *run, sc *scope) (string, error) {
	st := &state{tmpl: t, env: env, run: r, scope: nested(sc)}
	var out output
	if err := st.execute(&out); err != nil {
		return "", st.finish(err)
	}
	return stripRaw(out.text()), nil
}

// parseAnother parses a text that this template gave, by way of the cache if there is one.
func (t *Template) parseAnother(src string, cache *Cache) (*Template, error) {
	if cache == nil {
		return t.parse(src, nil)
	}
	return cache.get(src, t.parse)
}
