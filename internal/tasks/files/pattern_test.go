package files

import (
	"slices"
	"strings"
	"testing"
)

func TestPattern(t *testing.T) {
	paths := []string{"a.txt", "b.csv", "sub/a.txt", "sub/deep/c.txt", "x[1].txt"}
	for _, c := range []struct{ pattern, want string }{
		{"a.txt", "a.txt sub/a.txt"},
		{"/a.txt", "a.txt"},
		{"*.txt", ""},
		{"/*.txt", "a.txt x[1].txt"},
		{"glob:*.txt", ""},
		{"**.txt", "a.txt sub/a.txt sub/deep/c.txt x[1].txt"},
		{"**a.txt", "a.txt sub/a.txt"},
		{"/sub/**", "sub/a.txt sub/deep/c.txt"},
		{"sub/*/*.txt", "sub/deep/c.txt"},
		{"glob:**/c.txt", "sub/deep/c.txt"},
		{"**.{csv,tsv}", "b.csv"},
		{"/[!a].csv", "b.csv"},
		{"/?.txt", "a.txt"},
		{`/x\[1\].txt`, "x[1].txt"},
		{"regex:.*/[ab]\\.(txt|csv)", "a.txt b.csv sub/a.txt"},
		{"**", strings.Join(paths, " ")},
	} {
		match, err := Pattern(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		var got []string
		for _, p := range paths {
			if match(p) {
				got = append(got, p)
			}
		}
		if !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("%s: %q, want %q", c.pattern, got, c.want)
		}
	}
}

func FuzzPattern(f *testing.F) {
	for _, p := range []string{"a*", "**/x", "{a,b", "[z-a]", `\`, "regex:(", "[]", "[!]"} {
		f.Add(p, "a/b")
	}
	f.Fuzz(func(_ *testing.T, pattern, path string) {
		if match, err := Pattern(pattern); err == nil {
			match(path)
		}
	})
}
