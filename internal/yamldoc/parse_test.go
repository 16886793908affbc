package yamldoc

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/value"
)

// parseClean parses a text that must not raise an error; warnings are up to the caller.
func parseClean(t *testing.T, src string) *Node {
	t.Helper()
	n, problems := Parse([]byte(src), Limits{})
	if HasErrors(problems) {
		t.Fatalf("Parse(%q): %v", src, problems)
	}
	return n
}

// plain turns value maps into Go maps with their keys in order, so that cmp can tell the types of scalars apart.
func plain(v any) any {
	switch v := v.(type) {
	case *value.Map:
		out := []any{}
		for k, e := range v.All() {
			out = append(out, k, plain(e))
		}
		return map[string]any{"map": out}
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plain(v[i])
		}
		return out
	case *big.Int:
		return "big " + v.String()
	}
	return v
}

func m(keysAndValues ...any) any {
	if keysAndValues == nil {
		keysAndValues = []any{}
	}
	return map[string]any{"map": keysAndValues}
}

// The scalar values are what the reference (Kestra 1.3.34) made of the same texts.
func TestPlainScalars(t *testing.T) {
	tests := []struct {
		want  any
		texts string
	}{
		{nil, "~ null Null NULL"},
		{true, "true True TRUE yes Yes YES on On ON"},
		{false, "false False FALSE no No off"},
		{int32(0), "0 -0 +0 00"},
		{int32(7), "7 +7 007 0_7 0b111 0x7 0x_7 7_"},
		{int32(10), "10 012 1_0 1__0 +1_0 0xA 0xa"},
		{int32(-31), "-31 -0x1F -037"},
		{int32(2147483647), "2147483647 0x7FFFFFFF"},
		{int32(-2147483648), "-2147483648"},
		{int64(2147483648), "2147483648"},
		{int64(4294967295), "0xFFFFFFFF 037777777777 0b11111111111111111111111111111111"},
		{int64(-9223372036854775808), "-9223372036854775808"},
		{"big 9223372036854775808", "9223372036854775808"},
		{"big 4722366482869645213695", "0xFFFFFFFFFFFFFFFFFF"},
		{"big -9223372036854775809", "-9223372036854775809"},
		{1000.0, "1e3 1E3 1e+3 1.e3 1_000.0 1000."},
		{0.5, ".5 +.5 0.5 00.5 5e-1 ._5"},
		{-1.5, "-1.5 -1.5e0 -15.e-1"},
		{1.2345678912345679e8, "123456789.123456789123456789"},
	}
	for _, test := range tests {
		for text := range strings.FieldsSeq(test.texts) {
			if got := plain(parseClean(t, "k: "+text).Get("k").Value()); got != test.want {
				t.Errorf("%s: got %T %v, want %T %v", text, got, got, test.want, test.want)
			}
		}
	}
	// These stay the text they are.
	words := `y n Y N t f oN yES nul None inf nan NaN -.NaN +.nan Infinity 2024-01-01 2024-01-01T10:00:00Z 12:30 12:30:45 190:20:30.15
		PT1H 08 0o14 0X1f 0b12 0x 0xG _1 +_1 1.2.3 1,000 1e 1e+ 1e+-3 e1 1-2 . .. ... ._ + = << 12abc -b :b ?b x#c`
	for text := range strings.FieldsSeq(words) {
		if got := parseClean(t, "k: "+text).Get("k").Value(); got != text {
			t.Errorf("%s: got %T %v, want the text", text, got, got)
		}
	}
	if got := parseClean(t, "k: "+strings.Repeat("9", maxDigits+1)).Get("k").Tag; got != tagStr {
		t.Errorf("a number too long to count: got %s", got)
	}
}

func TestValues(t *testing.T) {
	tests := []struct {
		name, src string
		want      any
	}{
		{"empty value", "k:", m("k", nil)},
		{"quoted", `{a: '1', b: "1", c: 'it''s', d: "\x41\n"}`, m("a", "1", "b", "1", "c", "it's", "d", "A\n")},
		{"literal", "k: |\n x\n  y\n\n\nl: 1", m("k", "x\n y\n", "l", int32(1))},
		{"literal keeps", "k: |+\n x\n\n", m("k", "x\n\n")},
		{"literal strips", "k: |-\n x\n\n", m("k", "x")},
		{"folded", "k: >\n x\n y\n\n z\n", m("k", "x y\nz\n")},
		{"tabs in a block text", "k: |\n  a:\n  \tb\n", m("k", "a:\n\tb\n")},
		{"expressions in a block text", "k: |\n  {{ x }}\n  - {{ y }}\n", m("k", "{{ x }}\n- {{ y }}\n")},
		{"continued plain", "k: x\n  y", m("k", "x y")},
		{"continued quoted", "k: \"x\\\n  y\"", m("k", "xy")},
		{"expression within", "k: x {{ y }}", m("k", "x {{ y }}")},
		{"keys keep their text", "1: a\ntrue: b\nnull: c\n~: d\n1.0: e\n0x1F: f\n012: g\n2024-01-01: h\n'': i\nyes: j",
			m("1", "a", "true", "b", "null", "c", "~", "d", "1.0", "e", "0x1F", "f", "012", "g", "2024-01-01", "h", "", "i", "yes", "j")},
		{"list under its key", "k:\n- 1\n-\n- x", m("k", []any{int32(1), nil, "x"})},
		{"flow", "k: {a: [1,], b: {}, c: [], d}", m("k", m("a", []any{int32(1)}, "b", m(), "c", []any{}, "d", nil))},
		{"pair in a flow list", "[b: 1]", []any{m("b", int32(1))}},
		{"JSON", `{"a":1,"b":[true,null]}`, m("a", int32(1), "b", []any{true, nil})},
		{"scalar document", "a:1", "a:1"},
		{"markers", "---\na: 1\n...\n", m("a", int32(1))},
		{"empty last document", "a: 1\n---\n", m("a", int32(1))},
		{"YAML 1.2 directive", "%YAML 1.2\n---\na: 1", m("a", int32(1))},
		{"CRLF", "a: 1\r\nb: |\r\n  x\r\n  y\r\n", m("a", int32(1), "b", "x\ny\n")},
		{"CR", "a: 1\rb: 2", m("a", int32(1), "b", int32(2))},
		{"byte order mark", "\ufeffa: 1", m("a", int32(1))},
		{"tagged", "[!!str 12, !!int '12', !!float 1, !!bool yes, !!null x, ! 12, !!float 0x10]",
			[]any{"12", int32(12), 1.0, true, nil, int32(12), 16.0}},
		{"foreign tags", "[!foo 12, !!timestamp 2024-01-01, !foo {a: 1}, !foo [1]]",
			[]any{"12", "2024-01-01", m("a", int32(1)), []any{int32(1)}}},
		{"aliases", "a: &x {k: 1}\nb: *x\nc: &y v\nd: [*y, *x]",
			m("a", m("k", int32(1)), "b", m("k", int32(1)), "c", "v", "d", []any{"v", m("k", int32(1))})},
		{"alias as a key", "a: &x v\n*x : 1", m("a", "v", "v", int32(1))},
		{"redefined anchor", "[&a 1, *a, &a 2, *a]", []any{int32(1), int32(1), int32(2), int32(2)}},
		{"merge", "a: &x {k: 1, l: 2}\nb:\n  l: 3\n  <<: *x\n  n: 4", m("a", m("k", int32(1), "l", int32(2)), "b", m("l", int32(3), "k", int32(1), "n", int32(4)))},
		{"merge overridden below", "<<: {a: 1, b: 2}\na: 3", m("a", int32(3), "b", int32(2))},
		{"merge of several, the first wins", "<<: [{a: 1}, {a: 2, b: 3}]", m("a", int32(1), "b", int32(3))},
		{"merge of a list's alias", "x: &x [{a: 1}]\ny:\n  <<: *x", m("x", []any{m("a", int32(1))}, "y", m("a", int32(1)))},
		{"merge of a merge", "x: &x {a: 1}\ny: &y {<<: *x, b: 2}\nz: {<<: *y}",
			m("x", m("a", int32(1)), "y", m("a", int32(1), "b", int32(2)), "z", m("a", int32(1), "b", int32(2)))},
		{"quoted merge key", "'<<': {a: 1}", m("<<", m("a", int32(1)))},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, plain(parseClean(t, test.src).Value())); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// outline writes each node as path, kind, style and place.
func outline(n *Node) string {
	var out strings.Builder
	var walk func(*Node)
	line := func(what string, n *Node) {
		fmt.Fprintf(&out, "%s %s %d:%d-%d %s\n", n.Path, what, n.Line, n.Column, n.EndColumn, n.Tag)
	}
	walk = func(n *Node) {
		line(n.Kind.String()+"/"+[]string{"plain", "quoted", "block", "flow"}[n.Style], n)
		for _, e := range n.Entries() {
			line("key", e.Key)
			walk(e.Value)
		}
		for _, item := range n.Items() {
			walk(item)
		}
	}
	walk(n)
	return strings.TrimSpace(out.String())
}

func TestPositions(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"block", "id: a\ntasks:\n  - id: \"b c\" # d\n    x.y: |\n      text\n", `
map/block 1:1-3 !!map
id key 1:1-3 !!str
id value/plain 1:5-6 !!str
tasks key 2:1-6 !!str
tasks list/block 3:3-4 !!seq
tasks[0] map/block 3:5-7 !!map
tasks[0].id key 3:5-7 !!str
tasks[0].id value/quoted 3:9-14 !!str
tasks[0]["x.y"] key 4:5-8 !!str
tasks[0]["x.y"] value/block 4:10-11 !!str`},
		{"flow", "[{a: 1}, 'it''s', \"a\\\"b\", ~]", `
list/flow 1:1-2 !!seq
[0] map/flow 1:2-3 !!map
[0].a key 1:3-4 !!str
[0].a value/plain 1:6-7 !!int
[1] value/quoted 1:10-17 !!str
[2] value/quoted 1:19-25 !!str
[3] value/plain 1:27-28 !!null`},
		{"code points", "é😀: x😀\n\"日本\": 'é'", `
map/block 1:1-3 !!map
é😀 key 1:1-3 !!str
é😀 value/plain 1:5-7 !!str
日本 key 2:1-5 !!str
日本 value/quoted 2:7-10 !!str`},
		{"CRLF behind a byte order mark", "\ufeffa: 1\r\nb: 2", `
map/block 1:1-2 !!map
a key 1:1-2 !!str
a value/plain 1:4-5 !!int
b key 2:1-2 !!str
b value/plain 2:4-5 !!int`},
		{"an alias stands where it is used, its content where it is written", "a: &x {k: 1}\nb: *x", `
map/block 1:1-2 !!map
a key 1:1-2 !!str
a map/flow 1:4-5 !!map
a.k key 1:8-9 !!str
a.k value/plain 1:11-12 !!int
b key 2:1-2 !!str
b map/flow 2:4-6 !!map
b.k key 1:8-9 !!str
b.k value/plain 1:11-12 !!int`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(strings.TrimSpace(test.want), outline(parseClean(t, test.src))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestAccessors(t *testing.T) {
	var none *Node
	if none.Get("a") != nil || none.Entries() != nil || none.Items() != nil || none.String() != "" || none.Value() != nil || !none.IsNull() {
		t.Error("a nil node is not empty")
	}
	var src strings.Builder
	for i := range 3 * indexFrom { // enough to be indexed
		fmt.Fprintf(&src, "k%d: v%d\n", i, i)
	}
	n := parseClean(t, src.String())
	for i := range 3 * indexFrom {
		if got, want := n.Get(fmt.Sprintf("k%d", i)).String(), fmt.Sprintf("v%d", i); got != want {
			t.Errorf("Get: got %q, want %q", got, want)
		}
	}
	if n.Get("k") != nil || n.Get("k0").Get("x") != nil {
		t.Error("Get found a key that is not there")
	}
	if got := parseClean(t, "d: 012").Get("d").String(); got != "012" {
		t.Errorf("String of a number: got %q, want its text", got)
	}
	for src, want := range map[string]bool{"k:": true, "k: ~": true, "k: ''": false, "k: []": false, "k: 0": false} {
		if got := parseClean(t, src).Get("k").IsNull(); got != want {
			t.Errorf("IsNull of %q: got %v", src, got)
		}
	}
}
