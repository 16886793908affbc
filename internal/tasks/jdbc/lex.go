package jdbc

import (
	"fmt"
	"strings"
)

// piece is a part of some SQL: code, or a comment or quoted text, in which nothing has a meaning.
type piece struct {
	text string
	code bool
}

// lex cuts SQL into pieces. Backslashes escape within quotes where the database says so; dollar quotes are PostgreSQL's.
func lex(sql string, d dialect) []piece {
	var out []piece
	begin := 0
	cut := func(from, to int) {
		if begin < from {
			out = append(out, piece{sql[begin:from], true})
		}
		out = append(out, piece{sql[from:to], false})
		begin = to
	}
	for i := 0; i < len(sql); {
		end := i
		switch c := sql[i]; {
		case c == '\'' || c == '"' || c == '`':
			end = quoteEnd(sql, i, d.backslash && c != '`')
		case strings.HasPrefix(sql[i:], "--") || c == '#' && d.hash:
			end = i + indexOr(sql[i:], "\n", len(sql)-i)
		case strings.HasPrefix(sql[i:], "/*"):
			end = i + 2 + indexOr(sql[i+2:], "*/", len(sql)-i-4) + 2
		case c == '$' && d.dollar && (i == 0 || !isWord(sql[i-1])):
			end = dollarEnd(sql, i)
		}
		if end <= i {
			i++
			continue
		}
		cut(i, end)
		i = end
	}
	if begin < len(sql) {
		out = append(out, piece{sql[begin:], true})
	}
	return out
}

// indexOr is where sub begins in s, or else if it is not there.
func indexOr(s, sub string, or int) int {
	if i := strings.Index(s, sub); i >= 0 {
		return i
	}
	return or
}

// quoteEnd is where the quoted text ends that begins at i. A doubled quote stands for itself.
func quoteEnd(sql string, i int, backslash bool) int {
	q := sql[i]
	for i++; i < len(sql); i++ {
		switch {
		case sql[i] == '\\' && backslash:
			i++
		case sql[i] == q && i+1 < len(sql) && sql[i+1] == q:
			i++
		case sql[i] == q:
			return i + 1
		}
	}
	return len(sql)
}

// dollarEnd is where $tag$ … $tag$ ends that begins at i; i where it is none.
func dollarEnd(sql string, i int) int {
	j := i + 1
	for j < len(sql) && isWord(sql[j]) {
		j++
	}
	if j == len(sql) || sql[j] != '$' || j > i+1 && sql[i+1] >= '0' && sql[i+1] <= '9' {
		return i
	}
	tag := sql[i : j+1]
	if n := strings.Index(sql[j+1:], tag); n >= 0 {
		return j + 1 + n + len(tag)
	}
	return len(sql)
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// split cuts SQL into its statements, without their semicolons. What is only blank or comment is none.
func split(sql string, d dialect) []string {
	var out []string
	var b strings.Builder
	some := false // there is code
	end := func() {
		if some {
			out = append(out, strings.TrimSpace(b.String()))
		}
		b.Reset()
		some = false
	}
	for _, p := range lex(sql, d) {
		if !p.code {
			b.WriteString(p.text)
			some = some || p.text[0] == '\'' || p.text[0] == '"' || p.text[0] == '`' || p.text[0] == '$'
			continue
		}
		for i, part := range strings.Split(p.text, ";") {
			if i > 0 {
				end()
			}
			b.WriteString(part)
			some = some || strings.TrimSpace(part) != ""
		}
	}
	end()
	return out
}

// bind replaces :name by the database's own place-holders and returns the values in their order. A name without a value is
// an error, except in SQL for which there are no parameters at all: there a colon means what the database says.
func bind(sql string, params map[string]any, d dialect) (string, []any, error) {
	if len(params) == 0 {
		return sql, nil, nil
	}
	var b strings.Builder
	var args []any
	for _, p := range lex(sql, d) {
		if !p.code {
			b.WriteString(p.text)
			continue
		}
		text := p.text
		for i := 0; i < len(text); i++ {
			name := nameAt(text, i)
			if name == "" {
				b.WriteByte(text[i])
				continue
			}
			v, ok := params[name]
			if !ok {
				return "", nil, fmt.Errorf("parameters: the SQL names :%s, for which there is no value", name)
			}
			args = append(args, argument(v))
			b.WriteString(d.place(len(args)))
			i += len(name)
		}
	}
	return b.String(), args, nil
}

// nameAt is the name of the parameter that begins at i with a colon. Two colons convert a type in PostgreSQL.
func nameAt(text string, i int) string {
	if text[i] != ':' || i > 0 && (text[i-1] == ':' || isWord(text[i-1])) {
		return ""
	}
	j := i + 1
	for j < len(text) && isWord(text[j]) {
		j++
	}
	return text[i+1 : j]
}
