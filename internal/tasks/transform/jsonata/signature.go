package jsonata

import (
	"regexp"
	"strings"

	"github.com/windhover-io/windhover/internal/value"
)

// signature says what a function takes, as <s-n?:s>.
type signature struct {
	params []param
	match  *regexp.Regexp
}

type param struct {
	context bool   // the input stands for it where it is missing
	array   bool   // a single value stands for a list of it
	item    string // the types of a list's items, "" for all
	types   string // letters
	may     bool   // it may be missing
}

// typeLetters are what an argument may be where the signature has a letter.
var typeLetters = map[byte]string{'s': "s", 'n': "n", 'b': "b", 'l': "l", 'o': "o", 'a': "asnblfo", 'f': "f", 'x': "asnblfo", 'j': "asnblo", 'u': "bsnl"}

func parseSignature(text string) (*signature, error) {
	s := &signature{}
	pattern := "^"
	text = strings.TrimSuffix(strings.TrimPrefix(text, "<"), ">")
	for i := 0; i < len(text) && text[i] != ':'; i++ {
		var p param
		if text[i] == '(' {
			end := strings.IndexByte(text[i:], ')')
			if end < 0 || strings.ContainsAny(text[i:i+end], "<>") {
				return nil, fail("S0402", "the signature <%s> has a choice that is not supported", text)
			}
			for _, c := range []byte(text[i+1 : i+end]) {
				p.types += typeLetters[c]
			}
			p.array = false
			i += end
		} else {
			p.types = typeLetters[text[i]]
			p.array = text[i] == 'a'
		}
		if p.types == "" {
			return nil, fail("S0401", "the signature <%s> has the type %q, which is none", text, text[i])
		}
		function := text[i] == 'f'
		if i+1 < len(text) && text[i+1] == '<' {
			end := matching(text, i+1)
			if end < 0 || !p.array && !function {
				return nil, fail("S0401", "the signature <%s> has a type in brackets that nothing is of", text)
			}
			if p.array {
				for _, c := range []byte(text[i+2 : end]) {
					p.item += typeLetters[c]
				}
			}
			i = end
		}
		suffix := ""
		for i+1 < len(text) && strings.IndexByte("-?+", text[i+1]) >= 0 {
			i++
			if text[i] == '-' {
				p.context = true
				suffix = "?"
			} else {
				suffix = string(text[i])
				p.may = suffix == "?"
			}
		}
		s.params = append(s.params, p)
		pattern += "([" + p.types + "m]" + suffix + ")"
	}
	re, err := regexp.Compile(pattern + "$")
	if err != nil {
		return nil, fail("S0401", "the signature <%s>: %s", text, err)
	}
	s.match = re
	return s, nil
}

// required is how many arguments there have to be.
func (s *signature) required() int {
	n := 0
	for n < len(s.params) && !s.params[n].may {
		n++
	}
	return n
}

func matching(text string, open int) int {
	depth := 0
	for i := open; i < len(text); i++ {
		if text[i] == '<' {
			depth++
		} else if text[i] == '>' {
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func letter(v any) string {
	switch v.(type) {
	case nil:
		return "l"
	case bool:
		return "b"
	case string:
		return "s"
	case float64:
		return "n"
	case *array:
		return "a"
	case *value.Map:
		return "o"
	case *function:
		return "f"
	}
	return "m"
}

// validate puts arguments where they belong, and the context where one is missing.
func (s *signature) validate(name string, args []any, context any) ([]any, error) {
	letters := ""
	for _, a := range args {
		letters += letter(a)
	}
	m := s.match.FindStringSubmatch(letters)
	if m == nil {
		return nil, s.mismatch(name, args)
	}
	var out []any
	next := 0
	for i, p := range s.params {
		got := m[i+1]
		if got == "" {
			if p.context {
				if !strings.Contains(p.types, letter(context)) && letter(context) != "m" {
					return nil, fail("T0411", "the context of $%s is a %s, which is not what argument %d may be", name, typeName(context), i+1)
				}
				out = append(out, context)
			} else if next < len(args) {
				out = append(out, args[next])
				next++
			} else {
				out = append(out, undefined)
			}
			continue
		}
		for range got {
			if next >= len(args) {
				out = append(out, undefined)
				continue
			}
			v, err := p.fit(name, args[next], next)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
			next++
		}
	}
	return out, nil
}

func (s *signature) mismatch(name string, args []any) error {
	for n := range args {
		letters := ""
		for _, a := range args[:n+1] {
			letters += letter(a)
		}
		partial := regexp.MustCompile(strings.Replace(s.match.String(), "$", "", 1))
		if len(partial.FindString(letters)) < len(letters) {
			return fail("T0410", "argument %d of $%s cannot be a %s", n+1, name, typeName(args[n]))
		}
	}
	return fail("T0410", "the arguments of $%s are not what it takes", name)
}

// fit makes a list where one is wanted.
func (p param) fit(name string, v any, at int) (any, error) {
	if !p.array || !defined(v) {
		return v, nil
	}
	a, ok := v.(*array)
	if !ok {
		a = &array{items: []any{v}}
	}
	if p.item != "" {
		for _, item := range a.items {
			if !strings.Contains(p.item, letter(item)) {
				return nil, fail("T0412", "argument %d of $%s must be a list of other things than a %s", at+1, name, typeName(item))
			}
		}
	}
	return a, nil
}
