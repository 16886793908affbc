package yamldoc

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// brief is severity, place, path and message; the advice is checked where it matters.
func brief(problems []Problem) string {
	lines := make([]string, len(problems))
	for i, p := range problems {
		lines[i] = fmt.Sprintf("%s %d:%d-%d [%s] %s", p.Severity, p.Line, p.Column, p.EndColumn, p.Path, p.Message)
	}
	return strings.Join(lines, "\n")
}

func TestProblems(t *testing.T) {
	tests := []struct {
		name, src, want string
		usable          bool // the tree is there in spite of the problems
	}{
		{"empty", "# nothing\n", "error 1:1-2 [] the document is empty", false},
		{"several documents", "a: 1\n---\nb: 2\n", "error 2:1-2 [] a second document begins here, and only one is read", false},
		{"duplicate keys, each", "a: 1\nb:\n  c: 1\n  'c': 2\na: 2\na: 3", `
error 4:3-6 [b.c] the key ` + "`c`" + ` stands twice in the same map, first at line 3, column 3
error 5:1-2 [a] the key ` + "`a`" + ` stands twice in the same map, first at line 1, column 1
error 6:1-2 [a] the key ` + "`a`" + ` stands twice in the same map, first at line 1, column 1`, true},
		{"a number and its text are one key", "1: a\n'1': b",
			"error 2:1-4 [1] the key `1` stands twice in the same map, first at line 1, column 1", true},
		{"keys that are none", "? [a]\n: b\n? {c: d}\n: e\n", `
error 1:3-4 [] a map or a list cannot be a key
error 3:3-4 [] a map or a list cannot be a key`, true},
		{"missing key", ": a", "error 1:1-2 [] the key before `:` is missing", true},
		{"bare expressions, in YAML's eyes maps", "a: {{ x }}\nb:\n  - {{y}}", `
error 1:4-11 [a] an expression at the start of a value must be quoted
error 3:5-10 [b[0]] an expression at the start of a value must be quoted`, true},
		{"bare expressions, in YAML's eyes nonsense", "a: {{ x }} y # c\nb: \"{{ x }}\"\nc: {{ x[0] }}\n", `
error 1:4-13 [] an expression at the start of a value must be quoted
error 3:4-14 [] an expression at the start of a value must be quoted`, true},
		{"values to be quoted", "a: x: y\nb: @z\nc: `d`\ncron: */5 * * * *\ne: *\nf: 50% off\ng: %d\nh: *gone\n", `
error 1:4-8 [] a plain value cannot hold ` + "`: `" + ` or end with ` + "`:`" + `
error 2:4-6 [] a plain value cannot begin with ` + "`@`" + `
error 3:4-7 [] a plain value cannot begin with a backquote
error 4:7-18 [] ` + "`*`" + ` begins an alias, which needs a name
error 5:4-5 [] ` + "`*`" + ` begins an alias, which needs a name
error 7:4-6 [] a plain value cannot begin with ` + "`%`" + `
error 8:4-9 [] ` + "`*gone` repeats an anchor `&gone` that is not defined above", true},
		{"syntax and structure at once", "a: x: y\na: {{ b }}\n? [c]\n", `
error 1:4-8 [] a plain value cannot hold ` + "`: `" + ` or end with ` + "`:`" + `
error 2:4-11 [a] an expression at the start of a value must be quoted
error 2:1-2 [a] the key ` + "`a`" + ` stands twice in the same map, first at line 1, column 1
error 3:3-4 [] a map or a list cannot be a key`, true},
		{"tab", "a:\n\tb: 1", "error 2:1-2 [] a tab cannot indent, only spaces can", false},
		{"key under a value", "a: 1\n b: 2", "error 2:3-4 [] a key is not allowed here: the line before already holds the value", false},
		{"list item dedented", "a:\n   - x: 1\n    y: 2",
			"error 3:5-6 [] this does not belong to the list that begins at line 2, column 4", false},
		{"item among keys", "a: 1\n- b", "error 2:1-2 [] this does not belong to the map that begins at line 1, column 1", false},
		{"list on its key's line", "a: - b", "error 1:4-5 [] a list item cannot stand on the line of its key", false},
		{"dedented below the first line", "  a: 1\nb: 2", "error 2:1-2 [] this line belongs to nothing: it is indented less than the first line", false},
		{"no colon", "a: 1\nb\nc: 2", "error 2:1-2 [] this line is neither a `key: value` nor a part of the value above", false},
		{"open quote", "a: \"x\nb: 1\n", "error 1:4-5 [] this quote is not closed", false},
		{"open bracket", "a: [1\n", "error 1:4-5 [] this `[` is not closed", false},
		{"open brace", "a: {b: 1\nc: 2\n", "error 2:2-3 [] the `{` of line 1, column 4 goes on here, or is not closed", false},
		{"closing bracket", "a: ]", "error 1:4-5 [] a value is missing before `]`", false},
		{"escape", `a: "C:\dir"`, "error 1:7-8 [] `\\d` is not an escape sequence", false},
		{"escape without digits", `a: "\xZZ"`, "error 1:5-6 [] `\\x` must be followed by hexadecimal digits", false},
		{"block header", "a: |x", "error 1:5-6 [] nothing may follow `|` or `>` on its line but an indentation digit, `+` or `-`", false},
		{"undeclared tag handle", "a: !x!y z", "error 1:4-5 [] this tag has a prefix that is declared nowhere", false},
		{"not UTF-8", "a: b\nc: \xff\xfe", `
error 2:4-5 [] the text is not valid UTF-8 here
error 2:5-6 [] the text is not valid UTF-8 here`, false},
		{"control characters", "a: \x00\nb: é\a", `
error 1:4-5 [] the character U+0000 is not allowed
error 2:5-6 [] the character U+0007 is not allowed`, false},
		{"numbers that do not fit", "a: .inf\nb: 1e400\nc: .nan\nd: !!int x\ne: !!bool 1", `
error 1:4-8 [a] ` + "`.inf`" + ` is not a number a document can hold
error 2:4-9 [b] ` + "`1e400`" + ` is too large a number
error 3:4-8 [c] ` + "`.nan`" + ` is not a number a document can hold
error 4:4-5 [d] ` + "`x` cannot be read as !!int" + `
error 5:4-5 [e] ` + "`1` cannot be read as !!bool", true},
		{"surprising readings", "a: yes\nb: [off, 010, 007, true]\nc: !x 1\nd: !y {}", `
warning 1:4-7 [a] ` + "`yes`" + ` is read as the boolean true
warning 2:5-8 [b[0]] ` + "`off`" + ` is read as the boolean false
warning 2:10-13 [b[1]] ` + "`010`" + ` is read as an octal number
warning 3:4-5 [c] the tag !x means nothing here and is ignored
warning 4:4-5 [d] the tag !y means nothing here and is ignored`, true},
		{"endless aliases", "a: &a [*a]\nb: &b {<<: *b}\nc: &c [{<<: *c}]", `
error 1:8-10 [a[0]] the alias ` + "`*a`" + ` stands inside of what it repeats
error 2:12-14 [b] the alias ` + "`*b`" + ` stands inside of what it repeats
error 3:13-15 [c[0]] the alias ` + "`*c`" + ` stands inside of what it repeats`, true},
		{"merge of what is no map", "<<: 1\na: {<<: [{b: 1}, x]}", `
error 1:5-6 [] ` + "`<<` merges maps, and this is a value" + `
error 2:18-19 [a] ` + "`<<` merges maps, and this is a value", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n, problems := Parse([]byte(test.src), Limits{})
			if diff := cmp.Diff(strings.TrimSpace(test.want), brief(problems)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if (n != nil) != test.usable {
				t.Errorf("got tree %v, want %v", n != nil, test.usable)
			}
		})
	}
}

func TestSuggestions(t *testing.T) {
	for src, want := range map[string]string{
		"a: {{ x }}":            `write "{{ x }}"`,
		"a: {{ x | f('y') }} z": `write "{{ x | f('y') }} z"`,
		`a: {{ x ~ "it's" }}`:   `write '{{ x ~ "it''s" }}'`,
		"a: b: c":               `write "b: c"`,
		"a: @b\\c":              `write '@b\c'`,
	} {
		_, problems := Parse([]byte(src), Limits{})
		if len(problems) != 1 || problems[0].Suggestion != want {
			t.Errorf("%s: got %v, want %s", src, problems, want)
		}
	}
}

func TestLimits(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 20; i++ {
		fmt.Fprintf(&bomb, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), ", "))
	}
	merges := strings.ReplaceAll(strings.ReplaceAll(bomb.String(), "[x, x, x, x, x, x, x, x, x]", "{k: {k: 1}}"), "[", "{k: {k: 1}, <<: [")
	merges = strings.ReplaceAll(merges, "]", "]}")
	many := func(n int) string { return strings.Repeat("- x\n", n) }
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	indented := func(n int) string {
		var s strings.Builder
		for i := range n {
			s.WriteString(strings.Repeat(" ", i) + "a:\n")
		}
		return s.String()
	}
	tests := []struct {
		name, src string
		limits    Limits
		want      string // of the only error; empty for none
	}{
		{"bytes", many(10), Limits{Bytes: 39}, "the document has 40 bytes, and at most 39 are allowed"},
		{"bytes, just", many(10), Limits{Bytes: 40}, ""},
		{"nodes", many(10), Limits{Nodes: 10}, "the document holds more than 10 values once its aliases are expanded"},
		{"nodes, just", many(10), Limits{Nodes: 11}, ""},
		{"alias bomb", bomb.String(), Limits{}, "the document holds more than 200000 values once its aliases are expanded"},
		{"merge bomb", merges, Limits{}, "the document holds more than 200000 values once its aliases are expanded"},
		{"depth, flow", nested(201), Limits{}, "the document is nested more than 200 levels deep"},
		{"depth, flow, just", nested(200), Limits{}, ""},
		{"depth, block", indented(202), Limits{}, "the document is nested more than 200 levels deep"},
		{"depth, block, just", indented(200), Limits{}, ""},
		{"depth by aliases", "a: &a [[x]]\nb: &b [[*a]]\nc: [[*b]]", Limits{Depth: 6}, "the document is nested more than 6 levels deep"},
		{"depth by aliases, just", "a: &a [[x]]\nb: &b [[*a]]\nc: [[*b]]", Limits{Depth: 7}, ""},
		{"half a million brackets", nested(500_000), Limits{}, "the document is nested more than 200 levels deep"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n, problems := Parse([]byte(test.src), test.limits)
			if test.want == "" {
				if n == nil || problems != nil {
					t.Fatalf("got %v", problems)
				}
				return
			}
			if len(problems) != 1 || problems[0].Message != test.want {
				t.Fatalf("got %v, want %s", problems, test.want)
			}
		})
	}
}

func TestManyProblemsAreBounded(t *testing.T) {
	_, problems := Parse([]byte(strings.Repeat("a: 1\n", 1000)), Limits{})
	if len(problems) != maxProblems {
		t.Errorf("got %d problems", len(problems))
	}
	if _, problems = Parse([]byte(strings.Repeat("a: b: c\n", 1000)), Limits{}); len(problems) != maxCures {
		t.Errorf("got %d problems", len(problems))
	}
}

func TestSnippet(t *testing.T) {
	long := strings.Repeat("x", 300)
	tests := []struct {
		name, src string
		p         Problem
		want      string
	}{
		{"first line", "a: @b\nc: d", Problem{Line: 1, Column: 4, EndColumn: 6}, `
1 | a: @b
  |    ^^
`},
		{"with the line before", strings.Repeat("\n", 8) + "a:\r\n  - @b\r\n", Problem{Line: 10, Column: 5, EndColumn: 7}, `
 9 | a:
10 |   - @b
   |     ^^
`},
		{"tabs and code points", "é\t😀: @b", Problem{Line: 1, Column: 6, EndColumn: 8}, "\n1 | é\t😀: @b\n  |  \t   ^^\n"},
		{"end of the line", "a: b", Problem{Line: 1, Column: 5, EndColumn: 6}, `
1 | a: b
  |     ^
`},
		{"no end", "a: b", Problem{Line: 1, Column: 4}, `
1 | a: b
  |    ^
`},
		{"long line", "k\na: " + long + "@" + long, Problem{Line: 2, Column: 304, EndColumn: 305},
			"\n2 | " + strings.Repeat("x", 50) + "@" + strings.Repeat("x", 49) + "\n  | " + strings.Repeat(" ", 50) + "^\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(strings.TrimPrefix(test.want, "\n"), Snippet([]byte(test.src), test.p)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	if got := Snippet([]byte("a"), Problem{Line: 2}); got != "" {
		t.Errorf("outside of the text: got %q", got)
	}
}

func TestProblemString(t *testing.T) {
	p := Problem{Line: 2, Column: 3, Path: "tasks[0].id", Message: "not an id", Expected: "letters", Suggestion: "write `a`"}
	if got, want := p.String(), "line 2, column 3: tasks[0].id: not an id; expected letters; write `a`"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	n := parseClean(t, "tasks: [x]").Get("tasks").Items()[0]
	if diff := cmp.Diff(Problem{Severity: Warning, Line: 1, Column: 9, EndColumn: 10, Path: "tasks[0]", Message: "odd"}, n.Problem(Warning, "odd")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestNearest(t *testing.T) {
	keys := []string{"id", "type", "tasks", "inputs", "outputs", "concurrency", "description", "taskDefaults"}
	for word, want := range map[string]string{
		"tasks": "tasks", "task": "tasks", "taks": "tasks", "Tasks": "tasks", "INPUTS": "inputs", "input": "inputs",
		"concurency": "concurrency", "conucrrency": "concurrency", "descripton": "description", "taskdefaults": "taskDefaults",
		"tpye": "type", "ids": "id", "x": "", "od": "", "zzzzzz": "", "out": "", "": "", "namespaces": "",
	} {
		if got := Nearest(word, keys); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
	if got := Nearest("bat", []string{"cat", "hat"}); got != "cat" {
		t.Errorf("of two equally near ones: got %q, want the first", got)
	}
}
