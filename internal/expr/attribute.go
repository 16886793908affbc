package expr

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/windhover-io/windhover/internal/value"
)

// attribute is target.name, target[key] or a method call.
type attribute struct {
	base
	target node
	name   string // where it is constant
	key    node   // else
	args   []node
	method bool
}

// setKey takes the key of a subscript; a constant string needs no evaluation.
func (n *attribute) setKey(key node) {
	n.off = key.at()
	if l, ok := key.(*literal); ok {
		if s, ok := l.value.(string); ok {
			n.name = s
			return
		}
	}
	n.key = key
}

func (n *attribute) eval(st *state) (any, error) {
	st.run.steps++
	target, err := n.target.eval(st)
	if err != nil {
		return nil, err
	}
	var key any = n.name
	if n.key != nil {
		if key, err = n.key.eval(st); err != nil {
			return nil, err
		}
	}
	// The two kinds that nearly every attribute is read from come first.
	if n.key == nil && !n.method {
		switch m := target.(type) {
		case *value.Map:
			if v, ok := m.Get(n.name); ok {
				return v, nil
			}
		case value.Object:
			if v, ok := m.Get(n.name); ok {
				return v, nil
			}
		}
	}
	v, ok, err := n.find(st, value.Normalize(target), value.Normalize(key))
	switch {
	case err != nil:
		return nil, st.fail(n.off, err)
	case !ok:
		return nil, n.missing(st, target, key)
	}
	return v, nil
}

// missing names what was not found: the attribute, or the target itself where that is null.
func (n *attribute) missing(st *state, target, key any) error {
	m := &missing{name: value.JavaString(key), off: n.off, in: target, st: st}
	if target == nil {
		switch t := n.target.(type) {
		case *variable:
			m.name, m.off = t.name, t.off
		case *attribute:
			if t.key == nil {
				m.name, m.off = t.name, t.off
			}
		}
	}
	return m
}

func (n *attribute) find(st *state, target, key any) (any, bool, error) {
	if target == nil {
		return nil, false, nil
	}
	if key == nil {
		return nil, false, fmt.Errorf("the subscript is null")
	}
	name := value.JavaString(key)
	if value.IsMap(target) {
		if v, ok := member(target, name); ok {
			if value.IsNumber(key) {
				return nil, false, fmt.Errorf("the keys of a map are strings, write ['%s']", name)
			}
			return v, true, nil
		}
		if value.IsNumber(key) && mapLen(target) > 0 {
			return nil, false, fmt.Errorf("the keys of a map are strings, found %s", name)
		}
		if !n.method {
			return nil, false, nil
		}
	}
	if list, ok := asList(target); ok {
		if i, ok := listIndex(key); ok {
			if i < 0 || i >= int64(len(list)) {
				return nil, false, nil
			}
			return list[i], true, nil
		}
	}
	args, err := evalArgs(st, n.args)
	if err != nil {
		return nil, false, err
	}
	return st.callMethod(target, name, args, n.method)
}

func member(target any, name string) (any, bool) {
	if o, ok := target.(value.Object); ok {
		return o.Get(name)
	}
	m, _ := value.AsMap(target)
	return m.Get(name)
}

func mapLen(target any) int {
	m, _ := value.AsMap(target)
	return m.Len()
}

// listIndex takes an integer, or a string that is one.
func listIndex(key any) (int64, bool) {
	if s, ok := key.(string); ok {
		i, err := strconv.ParseInt(s, 10, 32)
		return i, err == nil
	}
	return value.AsInt(key)
}

// callMethod calls one of the methods of Java's classes that flows use. Without parentheses, properties are found too:
// text.empty is text.isEmpty().
func (st *state) callMethod(target any, name string, args []any, written bool) (any, bool, error) {
	names := []string{name}
	if !written && name != "" {
		capital := string(unicode.ToUpper(rune(name[0]))) + name[1:]
		names = append(names, "get"+capital, "is"+capital, "has"+capital)
	}
	for _, n := range names {
		if n == "getClass" {
			return nil, false, fmt.Errorf("getClass is not allowed")
		}
		v, ok, err := st.method(target, n, args)
		if ok || err != nil {
			return v, ok, err
		}
	}
	return nil, false, nil
}

func (st *state) method(target any, name string, args []any) (any, bool, error) {
	if name == "toString" && len(args) == 0 {
		return value.JavaString(target), true, nil
	}
	switch x := target.(type) {
	case string:
		return st.textMethod(x, name, args)
	case []any:
		return listMethod(x, name, args)
	case value.Entry:
		switch name {
		case "key", "getKey":
			return x.Key, len(args) == 0, nil
		case "value", "getValue":
			return x.Value, len(args) == 0, nil
		}
		return nil, false, nil
	}
	if m, ok := value.AsMap(target); ok {
		return mapMethod(m, name, args)
	}
	if value.IsNumber(target) {
		return numberMethod(target, name, args)
	}
	return dateMethod(target, name, args)
}

func mapMethod(m *value.Map, name string, args []any) (any, bool, error) {
	if len(args) == 1 {
		key, _ := args[0].(string)
		v, ok := m.Get(key)
		switch name {
		case "get":
			return v, true, nil
		case "containsKey":
			return ok, true, nil
		}
		return nil, false, nil
	}
	if name == "getOrDefault" && len(args) == 2 {
		key, _ := args[0].(string)
		if v, ok := m.Get(key); ok {
			return v, true, nil
		}
		return args[1], true, nil
	}
	if len(args) > 0 {
		return nil, false, nil
	}
	switch name {
	case "size":
		return int32(m.Len()), true, nil
	case "isEmpty":
		return m.Len() == 0, true, nil
	case "keySet", "values", "entrySet":
		list := make([]any, m.Len())
		for i := range list {
			k, v := m.At(i)
			switch name {
			case "keySet":
				list[i] = k
			case "values":
				list[i] = v
			default:
				list[i] = value.Entry{Key: k, Value: v}
			}
		}
		return list, true, nil
	}
	return nil, false, nil
}

func listMethod(list []any, name string, args []any) (any, bool, error) {
	switch {
	case name == "size" && len(args) == 0:
		return int32(len(list)), true, nil
	case name == "isEmpty" && len(args) == 0:
		return len(list) == 0, true, nil
	case name == "getFirst" && len(args) == 0 && len(list) > 0:
		return list[0], true, nil
	case name == "getLast" && len(args) == 0 && len(list) > 0:
		return list[len(list)-1], true, nil
	case name == "indexOf" && len(args) == 1:
		for i, item := range list {
			if value.Equal(item, args[0]) {
				return int32(i), true, nil
			}
		}
		return int32(-1), true, nil
	case name == "get" && len(args) == 1:
		if i, ok := args[0].(int32); ok && i >= 0 && int(i) < len(list) {
			return list[i], true, nil
		}
	}
	return nil, false, nil
}

func numberMethod(n any, name string, args []any) (any, bool, error) {
	if len(args) > 0 {
		return nil, false, nil
	}
	f, _ := value.AsFloat(n)
	i, whole := value.AsInt(n)
	if !whole {
		i = int64(f)
	}
	switch name {
	case "intValue":
		return int32(i), true, nil
	case "longValue":
		return i, true, nil
	case "doubleValue":
		return f, true, nil
	case "floatValue":
		return float32(f), true, nil
	}
	return nil, false, nil
}

// textMethod has those methods of String that take no numbers, and with an Integer from a variable those that do:
// a number written in an expression is a Long, which the reference does not accept in their place.
func (st *state) textMethod(s, name string, args []any) (any, bool, error) {
	switch len(args) {
	case 0:
		return textMethod0(s, name)
	case 1:
		if i, ok := args[0].(int32); ok {
			return textMethodAt(s, name, int(i))
		}
	case 2:
		from, ok := args[0].(int32)
		to, ok2 := args[1].(int32)
		if n := utf16Length(s); name == "substring" && ok && ok2 && from >= 0 && from <= to && int(to) <= n {
			return utf16Slice(s, int(from), int(to)), true, nil
		}
	}
	texts := make([]string, len(args))
	for i, a := range args {
		t, ok := a.(string)
		if !ok {
			return nil, false, nil
		}
		texts[i] = t
	}
	return st.textMethodText(s, name, texts)
}

func textMethod0(s, name string) (any, bool, error) {
	switch name {
	case "length":
		return int32(utf16Length(s)), true, nil
	case "isEmpty":
		return s == "", true, nil
	case "isBlank":
		return blank(s), true, nil
	case "toUpperCase":
		return strings.ToUpper(s), true, nil
	case "toLowerCase":
		return toLower(s), true, nil
	case "trim":
		return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' }), true, nil
	case "strip":
		return strings.TrimSpace(s), true, nil
	}
	return nil, false, nil
}

func textMethodAt(s, name string, i int) (any, bool, error) {
	n := utf16Length(s)
	if i < 0 || i > n || (name == "charAt" && i == n) {
		return nil, false, fmt.Errorf("%s: the index %d is outside of the %d characters", name, i, n)
	}
	switch name {
	case "substring":
		return utf16Slice(s, i, n), true, nil
	case "charAt":
		return utf16Slice(s, i, i+1), true, nil
	}
	return nil, false, nil
}

func (st *state) textMethodText(s, name string, args []string) (any, bool, error) {
	if len(args) == 2 && (name == "replace" || name == "replaceAll") {
		c := &invocation{st: st}
		step, err := c.replacer(args[0], args[1], name == "replaceAll")
		if err != nil {
			return nil, false, err
		}
		text, err := step(s)
		return text, true, err
	}
	if len(args) != 1 {
		return nil, false, nil
	}
	arg := args[0]
	switch name {
	case "indexOf", "lastIndexOf":
		find := strings.Index
		if name == "lastIndexOf" {
			find = strings.LastIndex
		}
		i := find(s, arg)
		if i > 0 {
			i = utf16Length(s[:i])
		}
		return int32(i), true, nil
	case "startsWith":
		return strings.HasPrefix(s, arg), true, nil
	case "endsWith":
		return strings.HasSuffix(s, arg), true, nil
	case "equalsIgnoreCase":
		return strings.EqualFold(s, arg), true, nil
	case "concat":
		text, err := st.join(s, arg)
		return text, true, err
	case "matches":
		re, err := (&invocation{st: st}).compile(arg)
		if err != nil {
			return nil, false, err
		}
		yes, err := re.MatchAll(s)
		return yes, true, err
	case "split":
		v, err := split(&invocation{st: st, in: s, args: []any{arg}, params: []string{"regex"}})
		return v, true, err
	}
	return nil, false, nil
}
