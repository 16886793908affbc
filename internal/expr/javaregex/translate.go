package javaregex

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// classes are what Java writes \p{Name}, as the inside of a class.
var classes = map[string]string{
	"ASCII": `\x00-\x7F`, "Alnum": "a-zA-Z0-9", "Alpha": "a-zA-Z", "Blank": ` \t`, "Cntrl": `\x00-\x1F\x7F`, "Digit": "0-9",
	"Graph": "!-~", "Lower": "a-z", "Print": " -~", "Punct": `!-\/:-@\[-` + "`{-~", "Space": ` \t\n\x0B\f\r`, "Upper": "A-Z",
	"XDigit": "0-9a-fA-F", "IsAlphabetic": `\p{L}\p{Nl}`, "IsDigit": `\p{Nd}`, "IsLetter": `\p{L}`, "IsLowercase": `\p{Ll}`,
	"IsPunctuation": `\p{P}`, "IsUppercase": `\p{Lu}`, "javaLowerCase": `\p{Ll}`, "javaUpperCase": `\p{Lu}`,
}

const (
	digitClass = "0-9"
	wordClass  = "a-zA-Z0-9_"
	spaceClass = `\t\n\x0B\f\r `
	anyButLine = `[^\n\r\x{85}\x{2028}\x{2029}]`
	lineBreak  = `(?:\r\n|[\n\x0B\f\r\x{85}\x{2028}\x{2029}])`
)

// translate spells a Java pattern so that both engines read it as Java does; dollar says whether it uses $.
func translate(p string) (text string, dollar bool, err error) {
	var b strings.Builder
	inClass := false
	dotAll := strings.Contains(p, "(?s") || strings.Contains(p, "(?is") || strings.Contains(p, "(?ms")
	for i := 0; i < len(p); {
		c := p[i]
		if strings.HasPrefix(p[i:], `\Q`) {
			quoted, rest, _ := strings.Cut(p[i+2:], `\E`)
			b.WriteString(quoteMeta(quoted))
			i = len(p) - len(rest)
			continue
		}
		switch {
		case c == '\\' && i+1 < len(p):
			n, s := escape(p[i:], inClass)
			b.WriteString(s)
			i += n
			continue
		case inClass && (c == '[' || strings.HasPrefix(p[i:], "&&")):
			return "", false, errors.New("classes within classes are not supported")
		case c == '[':
			inClass = true
			if rest := strings.TrimPrefix(p[i+1:], "^"); strings.HasPrefix(rest, "]") {
				return "", false, errors.New("an empty class matches nothing")
			}
		case c == ']':
			inClass = false
		case c == '.' && !inClass && !dotAll:
			b.WriteString(anyButLine)
			i++
			continue
		case c == '$' && !inClass:
			dollar = true
		}
		b.WriteByte(c)
		i++
	}
	return b.String(), dollar, nil
}

func quoteMeta(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte(`\.+*?()|[]{}^$-&#`, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// escape translates the escape that p begins with and returns its length.
func escape(p string, inClass bool) (n int, text string) {
	class := func(set string, negated bool) string {
		switch {
		case negated:
			return "[^" + set + "]"
		case inClass:
			return set
		}
		return "[" + set + "]"
	}
	switch c := p[1]; c {
	case 'd', 'w', 's':
		return 2, class(map[byte]string{'d': digitClass, 'w': wordClass, 's': spaceClass}[c], false)
	case 'D', 'W', 'S':
		if !inClass {
			return 2, class(map[byte]string{'D': digitClass, 'W': wordClass, 'S': spaceClass}[c], true)
		}
	case 'h':
		return 2, class(`\t \x{A0}\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}`, false)
	case 'R':
		return 2, lineBreak
	case 'e':
		return 2, `\x1B`
	case 'u':
		if len(p) >= 6 {
			return 6, `\x{` + p[2:6] + `}`
		}
	case 'p', 'P':
		if end := strings.IndexByte(p, '}'); end > 3 && p[2] == '{' {
			name := p[3:end]
			if set, ok := classes[name]; ok {
				return end + 1, class(set, c == 'P')
			}
			return end + 1, p[:2] + "{" + strings.TrimPrefix(name, "Is") + "}"
		}
	}
	_, size := utf8.DecodeRuneInString(p[1:])
	return 1 + size, p[:1+size]
}

// nameless takes the names from groups, since the backtracking engine would number named groups after all others. It
// returns them by number; \k<name> becomes a reference to the number.
func nameless(p string) (text string, names []string, err error) {
	var b strings.Builder
	names = []string{""}
	inClass := false
	for i := 0; i < len(p); {
		switch c := p[i]; {
		case strings.HasPrefix(p[i:], `\k<`) && !inClass:
			name, rest, _ := strings.Cut(p[i+3:], ">")
			n := slices.Index(names, name)
			if n < 1 {
				return "", nil, fmt.Errorf("there is no group %q", name)
			}
			fmt.Fprintf(&b, `(?:\%d)`, n)
			i = len(p) - len(rest)
			continue
		case c == '\\' && i+1 < len(p):
			b.WriteString(p[i : i+2])
			i += 2
			continue
		case c == '[':
			inClass = true
		case c == ']':
			inClass = false
		case c == '(' && !inClass:
			name, length, err := groupName(p[i:])
			if err != nil {
				return "", nil, err
			}
			if length > 0 {
				names = append(names, name)
				b.WriteByte('(')
				i += length
				continue
			}
		}
		b.WriteByte(p[i])
		i++
	}
	return b.String(), names, nil
}

// groupName reads the beginning of a group: its length is 1 for one without a name and 0 for one that captures nothing.
func groupName(p string) (name string, length int, err error) {
	rest, ok := strings.CutPrefix(p, "(?<")
	switch {
	case strings.HasPrefix(p, "(?P"):
		return "", 0, errors.New("a group is named by (?<name>…)")
	case strings.HasPrefix(p, "(?") && !ok, ok && (strings.HasPrefix(rest, "=") || strings.HasPrefix(rest, "!")):
		return "", 0, nil
	case !ok:
		return "", 1, nil
	}
	name, _, ok = strings.Cut(rest, ">")
	if !ok || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" || name == "" || name[0] <= '9' {
		return "", 0, errors.New("a group has a malformed name")
	}
	return name, len("(?<") + len(name) + 1, nil
}
