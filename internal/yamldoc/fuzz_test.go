package yamldoc

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzParse holds any text to what Parse promises: it ends without a panic, says why it gives up,
// places everything within the text, and builds only trees whose accessors work.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"id: a\ntasks:\n  - id: b\n    cases:\n      1: [x]\n      true: {y: ~}\n",
		"a: &a [*a, {<<: *a}]\nb: {<<: [*a]}", "a: {{ x }} y\nb: c: d\n? [e]\n: - f", "a: |2-\n  b\n\tc\n", "- 'x\n- \"\\q\"",
		"\ufeff%YAML 1.1\n---\na: !!int 0x_1F # c\n...\n---\n", "a:\r\n - b\r - c\u2028d: \u0085", "é: [日本, '😀'", "{a: 1, a: 2}: *x",
	} {
		f.Add([]byte(seed))
	}
	limits := Limits{Bytes: 1 << 16, Depth: 50, Nodes: 5000}
	f.Fuzz(func(t *testing.T, src []byte) {
		n, problems := Parse(src, limits)
		if n == nil && !HasErrors(problems) {
			t.Fatal("no tree, and no error that says why")
		}
		lines := newSource(strings.TrimPrefix(string(src), "\ufeff")).lines
		within := func(line, column int) {
			if line < 1 || line > len(lines) || column < 1 || column > utf8.RuneCountInString(lines[line-1])+1 {
				t.Fatalf("line %d, column %d is not in the text", line, column)
			}
		}
		for _, p := range problems {
			within(p.Line, p.Column)
			if p.Message == "" || p.EndColumn <= p.Column || Snippet(src, p) == "" {
				t.Fatalf("%+v cannot be shown", p)
			}
			if strings.Contains(p.Message, "reading YAML") {
				t.Fatalf("the library panicked: %v", p)
			}
		}
		var walk func(*Node)
		walk = func(n *Node) {
			within(n.Line, n.Column)
			for _, e := range n.Entries() {
				within(e.Key.Line, e.Key.Column)
				if n.Get(e.Key.Text) != e.Value {
					t.Fatalf("Get(%q) is another value than its entry's", e.Key.Text)
				}
				walk(e.Value)
			}
			for _, item := range n.Items() {
				walk(item)
			}
		}
		if n != nil {
			walk(n)
			n.Value()
		}
	})
}
