package expr

import (
	"encoding/json"
	"errors"
	"math/big"
	"reflect"
	"slices"
	"sync"

	"github.com/itchyny/gojq"
)

// The interpreter bounds neither the values that a program builds nor the time that it takes. Its instructions are
// counted (stepContext); what can make a value grow is found in the program's tree and followed by a check of the size.

const (
	maxJQWeight = 2_000_000   // of one value: a unit for each element and each 16 bytes of text
	maxJQChecks = 400_000_000 // units looked at by all checks of one program
	maxJQText   = 1 << 30     // bytes of the longer texts looked at by all checks
	maxJQDepth  = 1000
	maxJQBits   = 1 << 16   // of one integer
	maxJQIndex  = 1_000_000 // that may be assigned to
)

// jqPrelude gives back what jq 1.6 has and later versions changed, takes away what depends on the clock, and guards
// what could build much in a single instruction.
const jqPrelude = `
def leaf_paths: paths(scalars);
def _ltrimstr($x): ltrimstr($x);
def ltrimstr($x): if type == "string" and ($x | type) == "string" then _ltrimstr($x) else . end;
def _rtrimstr($x): rtrimstr($x);
def rtrimstr($x): if type == "string" and ($x | type) == "string" then _rtrimstr($x) else . end;
def now: error("now is not available in jq; use the function now()");
def localtime: gmtime;
def strflocaltime($f): strftime($f);
def _setpath($p; $v): setpath($p; $v);
def setpath($p; $v): _okpath($p) | _setpath($p; $v);
def pick(f): . as $in | reduce path(f) as $p (null; setpath($p; $in | getpath($p)));
def fromstream(f): error("fromstream is not available");
def _join($x): join($x);
def join($x): _oksize(length * ($x | length)) | _join($x);
def _transpose: transpose;
def transpose: _oksize(length * (map(length) | max // 0)) | _transpose;
def _tonumber: tonumber;
def tonumber: _oksize(if type == "string" then length * 1000 else 0 end) | _tonumber;
def _strftime($f): strftime($f);
def strftime($f): _oksize($f | [scan("[0-9]+") | length] | (max // 0) * 1000000) | _strftime($f);
def _rx($re; $flags): if ($re | type) == "array" then _regex($re[0]; $re[1]) else _regex($re; $flags) end;
def match($re; $flags): _rx($re; $flags) | .[];
def match($re): match($re; null);
def test($re; $flags): _rx($re; $flags) | length > 0;
def test($re): test($re; null);
def _named: [.captures[] | select(.name != null) | {key: .name, value: .string}] | from_entries;
def capture($re; $flags): match($re; $flags) | _named;
def capture($re): capture($re; null);
def scan($re; $flags): match($re; "g" + $flags) | if (.captures | length) > 0 then [.captures[].string] else .string end;
def scan($re): scan($re; null);
def split($re; $flags): explode as $chars
  | [foreach (match($re; "g" + $flags), null) as $m ({to: 0};
      {from: .to, to: (if $m == null then 0 else $m.offset + $m.length end)};
      $chars[.from:(if $m == null then null else $m.offset end)] | implode)];
def splits($re; $flags): split($re; $flags) | .[];
def splits($re): splits($re; null);
def sub($re; str; $flags): explode as $chars
  | [foreach (match($re; $flags), null) as $m ({to: 0};
      {from: .to, to: (if $m == null then 0 else $m.offset + $m.length end)};
      if $m == null then ($chars[.from:] | implode) else ($chars[.from:$m.offset] | implode), ($m | _named | str) end)]
  | join("");
def sub($re; str): sub($re; str; "");
def gsub($re; str; $flags): sub($re; str; $flags + "g");
def gsub($re; str): sub($re; str; "g");
`

// growing are the functions of which a result may be much larger than what they are given.
var growing = []string{"_join", "_transpose", "add", "ascii", "combinations", "explode", "flatten", "fromjson", "implode", "split", "tojson", "tostring"}

// compileJQ parses a program, guards it and puts before it what it uses of the prelude.
func (r *run) compileJQ(program string) (*gojq.Code, error) {
	q, err := gojq.Parse(program)
	if err != nil {
		return nil, err
	}
	guardTree(reflect.ValueOf(q))
	used := map[string]bool{}
	calledIn(reflect.ValueOf(q), used)
	defs := jqDefinitions()
	wanted := make([]bool, len(defs))
	for i := len(defs) - 1; i >= 0; i-- {
		if def := defs[i]; used[def.Name] {
			wanted[i] = true
			calledIn(reflect.ValueOf(def.Body), used)
		}
	}
	var chosen []*gojq.FuncDef
	for i, def := range defs {
		if wanted[i] {
			chosen = append(chosen, def)
		}
	}
	q.FuncDefs = append(chosen, q.FuncDefs...)
	checks := &jqChecks{left: maxJQChecks, text: maxJQText}
	return gojq.Compile(q,
		gojq.WithFunction("_guard", 0, 0, func(v any, _ []any) any { return checks.guard(v) }),
		gojq.WithFunction("_okpath", 1, 1, func(v any, args []any) any { return okPath(v, args[0]) }),
		gojq.WithFunction("_oksize", 1, 1, func(v any, args []any) any { return okSize(v, args[0]) }),
		gojq.WithFunction("_regex", 2, 2, func(v any, args []any) any { return r.regexJQ(v, args[0], args[1]) }),
		gojq.WithFunction("_okmul", 2, 2, func(v any, args []any) any { return okProduct(v, args[0], args[1]) }),
	)
}

// jqDefinitions are the functions of the prelude, guarded. Compiling reads them only, so they are shared.
var jqDefinitions = sync.OnceValue(func() []*gojq.FuncDef {
	q, err := gojq.Parse(jqPrelude + ".")
	if err != nil {
		panic(err) // the prelude is a constant
	}
	guardTree(reflect.ValueOf(q))
	return q.FuncDefs
})

// calledIn collects the names of the functions that a tree calls.
func calledIn(v reflect.Value, names map[string]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if f, ok := v.Interface().(*gojq.Func); ok && f != nil {
			names[f.Name] = true
		}
		if !v.IsNil() {
			calledIn(v.Elem(), names)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			calledIn(v.Field(i), names)
		}
	case reflect.Slice:
		for i := range v.Len() {
			calledIn(v.Index(i), names)
		}
	}
}

// guardTree puts checks into a tree, from the leaves up. It goes by reflection so that no kind of node can be forgotten.
func guardTree(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		guardTree(v.Elem())
		switch n := v.Interface().(type) {
		case *gojq.Term:
			guardTerm(n)
		case *gojq.Query:
			guardQuery(n)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			guardTree(v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			guardTree(v.Index(i))
		}
	}
}

func jqCall(name string, args ...*gojq.Query) *gojq.Query {
	return &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: name, Args: args}}}
}

func jqPipe(left, right *gojq.Query) *gojq.Query {
	return &gojq.Query{Left: left, Op: gojq.OpPipe, Right: right}
}

func guardTerm(t *gojq.Term) {
	grows := false
	switch t.Type {
	case gojq.TermTypeArray, gojq.TermTypeObject, gojq.TermTypeFormat:
		grows = true
	case gojq.TermTypeString:
		grows = len(t.Str.Queries) > 0
	case gojq.TermTypeFunc:
		grows = slices.Contains(growing, t.Func.Name)
	}
	if !grows {
		return
	}
	inner := *t
	inner.SuffixList = nil
	*t = gojq.Term{
		Type: gojq.TermTypeQuery, SuffixList: t.SuffixList,
		Query: jqPipe(&gojq.Query{Term: &inner}, jqCall("_guard")),
	}
}

func guardQuery(q *gojq.Query) {
	inner := *q
	switch q.Op {
	case gojq.OpAdd:
		*q = *jqPipe(&inner, jqCall("_guard"))
	case gojq.OpMul:
		// A text times a number can be large at once, so the operands are looked at first. The right one is the outer loop.
		*q = *jqTemplate(`_b as $__b | _a as $__a | _okmul($__a; $__b) | $__a * $__b | _guard`, q.Left, q.Right)
	case gojq.OpUpdateMul:
		*q = *jqTemplate(`_b as $__b | reduce path(_a) as $__p (.; _okpath($__p) | setpath($__p; getpath($__p) | _okmul(.; $__b) | . * $__b | _guard))`, q.Left, q.Right)
	case gojq.OpAssign, gojq.OpModify, gojq.OpUpdateAdd, gojq.OpUpdateSub, gojq.OpUpdateDiv, gojq.OpUpdateMod, gojq.OpUpdateAlt:
		// An index that is assigned to decides how long a list becomes, so the paths are looked at first.
		*q = *jqPipe(jqTemplate(`reduce path(_a) as $__p (.; _okpath($__p))`, q.Left, nil), jqPipe(&inner, jqCall("_guard")))
	}
}

// jqTemplate parses a query in which _a and _b stand for others. It must not go through guardTree again.
func jqTemplate(text string, a, b *gojq.Query) *gojq.Query {
	q, err := gojq.Parse(text)
	if err != nil {
		panic(err) // the templates are constants
	}
	fill(reflect.ValueOf(q), a, b)
	return q
}

func fill(v reflect.Value, a, b *gojq.Query) {
	switch v.Kind() {
	case reflect.Pointer:
		if q, ok := v.Interface().(*gojq.Query); ok && q != nil && q.Term != nil && q.Term.Func != nil {
			switch q.Term.Func.Name {
			case "_a":
				*q = *a
				return
			case "_b":
				*q = *b
				return
			}
		}
		if !v.IsNil() {
			fill(v.Elem(), a, b)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), a, b)
		}
	case reflect.Slice:
		for i := range v.Len() {
			fill(v.Index(i), a, b)
		}
	}
}

// okProduct lets v pass unless a text would be repeated too often.
func okProduct(v, a, b any) any {
	if s, ok := b.(string); ok {
		a, b = s, a
	}
	s, isText := a.(string)
	n := 0.0
	switch x := b.(type) {
	case int:
		n = float64(x)
	case float64:
		n = x
	}
	if isText && n*float64(len(s)) > 16*maxJQWeight {
		return errJQSize
	}
	return v
}

var (
	errJQSize  = errors.New("the jq program builds a value that is too large")
	errJQIndex = errors.New("the jq program assigns to an index that is too large")
)

func okPath(v, path any) any {
	steps, _ := path.([]any)
	for _, s := range steps {
		if i, ok := s.(int); ok && i > maxJQIndex {
			return errJQIndex
		}
	}
	return v
}

// okSize lets v pass if the estimate of what will be built of it is small enough.
func okSize(v, estimate any) any {
	switch n := estimate.(type) {
	case int:
		if n <= 16*maxJQWeight {
			return v
		}
	case float64:
		if n <= 16*maxJQWeight {
			return v
		}
	}
	return errJQSize
}

// jqChecks looks at the sizes of the values of one program.
type jqChecks struct{ left, text int }

func (c *jqChecks) guard(v any) any {
	left := maxJQWeight
	if c.left <= 0 || c.text <= 0 || !c.weigh(v, &left, 0) {
		return errJQSize
	}
	c.left -= maxJQWeight - left
	return v
}

func (c *jqChecks) weigh(v any, left *int, depth int) bool {
	*left--
	switch x := v.(type) {
	case string:
		*left -= len(x) / 16
		if len(x) > 1024 { // many distinct ones would add up to much before a list of them is looked at
			c.text -= len(x)
		}
	case json.Number:
		if len(x) > maxDigits {
			return false
		}
	case *big.Int:
		if x.BitLen() > maxJQBits {
			return false
		}
	case []any:
		for _, item := range x {
			if *left < 0 || depth > maxJQDepth || !c.weigh(item, left, depth+1) {
				return false
			}
		}
	case map[string]any:
		for k, item := range x {
			*left -= len(k) / 16
			if *left < 0 || depth > maxJQDepth || !c.weigh(item, left, depth+1) {
				return false
			}
		}
	}
	return *left >= 0
}
