package jsonata

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
)

type tokenKind uint8

const (
	endToken tokenKind = iota
	nameToken
	variableToken
	stringToken
	numberToken
	valueToken // true, false, null
	regexToken
	operatorToken
)

type token struct {
	kind  tokenKind
	text  string // of a name, a variable, a string or an operator
	value any    // of a number, a value or a regular expression
	at    int    // in bytes
}

// lexer reads tokens.
type lexer struct {
	text string
	at   int
}

// operators of several characters, and then of one.
var operators = []string{"..", ":=", "!=", "<=", ">=", "**", "~>", "?:", "??"}

const single = ".[]{}(),@#;:?+-*/%|=<>^&!~"

// space passes over blanks and comments.
func (l *lexer) space() error {
	for l.at < len(l.text) {
		switch {
		case strings.IndexByte(" \t\r\n\v", l.text[l.at]) >= 0:
			l.at++
		case strings.HasPrefix(l.text[l.at:], "/*"):
			end := strings.Index(l.text[l.at:], "*/")
			if end < 0 {
				return failAt(l.at, "S0106", "the comment is not closed")
			}
			l.at += end + 2
		default:
			return nil
		}
	}
	return nil
}

// next reads a token. Where a value is expected a slash begins a regular expression.
func (l *lexer) next(wantsValue bool) (token, error) {
	if err := l.space(); err != nil {
		return token{}, err
	}
	start := l.at
	if start >= len(l.text) {
		return token{kind: endToken, at: start}, nil
	}
	c := l.text[start]
	switch {
	case c == '/' && wantsValue:
		return l.regex()
	case c == '"' || c == '\'':
		return l.quoted(c)
	case c >= '0' && c <= '9' || c == '-' && wantsValue && start+1 < len(l.text) && l.text[start+1] >= '0' && l.text[start+1] <= '9':
		return l.number()
	case c == '`':
		end := strings.IndexByte(l.text[start+1:], '`')
		if end < 0 {
			return token{}, failAt(start, "S0105", "the quoted name is not closed")
		}
		l.at += end + 2
		return token{kind: nameToken, text: l.text[start+1 : l.at-1], at: start}, nil
	}
	for _, op := range operators {
		if strings.HasPrefix(l.text[start:], op) {
			l.at += len(op)
			return token{kind: operatorToken, text: op, at: start}, nil
		}
	}
	if strings.IndexByte(single, c) >= 0 {
		l.at++
		return token{kind: operatorToken, text: string(c), at: start}, nil
	}
	return l.word(), nil
}

// word is a name, a variable, or one of the words that mean something.
func (l *lexer) word() token {
	start := l.at
	for l.at < len(l.text) && strings.IndexByte(" \t\r\n\v"+single+"\"'`", l.text[l.at]) < 0 {
		l.at++
	}
	if l.at == start {
		_, n := utf8.DecodeRuneInString(l.text[start:])
		l.at += n
	}
	text := l.text[start:l.at]
	switch {
	case text[0] == '$':
		return token{kind: variableToken, text: text[1:], at: start}
	case text == "and" || text == "or" || text == "in":
		return token{kind: operatorToken, text: text, at: start}
	case text == "true" || text == "false":
		return token{kind: valueToken, value: text == "true", at: start}
	case text == "null":
		return token{kind: valueToken, at: start}
	}
	return token{kind: nameToken, text: text, at: start}
}

func (l *lexer) digits() {
	for l.at < len(l.text) && l.text[l.at] >= '0' && l.text[l.at] <= '9' {
		l.at++
	}
}

func (l *lexer) number() (token, error) {
	start := l.at
	if l.text[l.at] == '-' {
		l.at++
	}
	l.digits()
	follows := func(i int) bool { return i < len(l.text) && l.text[i] >= '0' && l.text[i] <= '9' }
	if l.at < len(l.text) && l.text[l.at] == '.' && follows(l.at+1) {
		l.at++
		l.digits()
	}
	if l.at < len(l.text) && (l.text[l.at] == 'e' || l.text[l.at] == 'E') {
		if i := l.at + 1; follows(i) || i < len(l.text) && (l.text[i] == '+' || l.text[i] == '-') && follows(i+1) {
			l.at += 2
			l.digits()
		}
	}
	n, err := strconv.ParseFloat(l.text[start:l.at], 64)
	if err != nil {
		return token{}, failAt(start, "S0102", "the number %s is out of range", l.text[start:l.at])
	}
	return token{kind: numberToken, value: n, at: start}, nil
}

var escapes = map[byte]string{'"': "\"", '\'': "'", '\\': "\\", '/': "/", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t"}

func (l *lexer) quoted(quote byte) (token, error) {
	start := l.at
	var b strings.Builder
	for l.at++; l.at < len(l.text); l.at++ {
		c := l.text[l.at]
		if c == quote {
			l.at++
			return token{kind: stringToken, text: b.String(), at: start}, nil
		}
		if c != '\\' {
			b.WriteByte(c)
			continue
		}
		l.at++
		if l.at >= len(l.text) {
			break
		}
		if l.text[l.at] != 'u' {
			s, ok := escapes[l.text[l.at]]
			if !ok {
				return token{}, failAt(l.at, "S0103", "the escape \\%c is not supported", l.text[l.at])
			}
			b.WriteString(s)
			continue
		}
		r, ok := l.unicode()
		if !ok {
			return token{}, failAt(l.at, "S0104", "the escape \\u must be followed by 4 hex digits")
		}
		b.WriteRune(r)
	}
	return token{}, failAt(start, "S0101", "the string is not closed")
}

// unicode reads what follows \u, and with it the other half of a pair.
func (l *lexer) unicode() (rune, bool) {
	hex := func(i int) (rune, bool) {
		if i+4 > len(l.text) {
			return 0, false
		}
		n, err := strconv.ParseUint(l.text[i:i+4], 16, 32)
		return rune(n), err == nil
	}
	r, ok := hex(l.at + 1)
	if !ok {
		return 0, false
	}
	l.at += 4
	if r >= 0xd800 && r < 0xdc00 && strings.HasPrefix(l.text[l.at+1:], "\\u") {
		if low, ok := hex(l.at + 3); ok && low >= 0xdc00 && low < 0xe000 {
			l.at += 6
			return (r-0xd800)<<10 + (low - 0xdc00) + 0x10000, true
		}
	}
	return r, true
}

func (l *lexer) regex() (token, error) {
	start := l.at
	depth := 0
	for l.at++; l.at < len(l.text); l.at++ {
		switch c := l.text[l.at]; {
		case c == '\\':
			l.at++
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			depth--
		case c == '/' && depth <= 0:
			pattern := l.text[start+1 : l.at]
			if pattern == "" {
				return token{}, failAt(start, "S0301", "the regular expression is empty")
			}
			options := regexp2.RegexOptions(regexp2.ECMAScript)
			for l.at++; l.at < len(l.text) && (l.text[l.at] == 'i' || l.text[l.at] == 'm'); l.at++ {
				if l.text[l.at] == 'i' {
					options |= regexp2.IgnoreCase
				} else {
					options |= regexp2.Multiline
				}
			}
			re, err := regexp2.Compile(pattern, options)
			if err != nil {
				return token{}, failAt(start, "S0302", "the regular expression: %s", err)
			}
			return token{kind: regexToken, value: re, at: start}, nil
		}
	}
	return token{}, failAt(start, "S0302", "the regular expression is not closed")
}
