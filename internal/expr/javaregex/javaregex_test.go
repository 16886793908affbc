package javaregex

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var lim = Limits{Time: time.Second, Matches: 1000, Bytes: 10_000}

func compile(t *testing.T, pattern string) *Regexp {
	t.Helper()
	re, err := Compile(pattern, lim)
	if err != nil {
		t.Fatal(err)
	}
	return re
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		limit         int
		want          []string
	}{
		{",", "a,b,,c,,", 0, []string{"a", "b", "", "c"}}, {",", "a,b,,c,,", -1, []string{"a", "b", "", "c", "", ""}}, {",", "a,b,c", 2, []string{"a", "b,c"}}, {",", "", 0, []string{""}}, {",", ",,", 0, nil},
		{"", "abc", 0, []string{"a", "b", "c"}}, {"x*", "axb", 0, []string{"a", "", "b"}}, {"(?=b)", "aabab", 0, []string{"aa", "ba", "b"}}, {"\\s+", " a  b ", 0, []string{"", "a", "b"}}, {"\\|", "é|日", 0, []string{"é", "日"}},
	} {
		got, err := compile(t, c.pattern).Split(c.text, c.limit)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%q by %q, limit %d: %s %v", c.text, c.pattern, c.limit, diff, err)
		}
	}
}

func TestReplace(t *testing.T) {
	for _, c := range []struct{ pattern, text, to, want string }{
		{"a(b)?", "ab a", "[$1]", "[b] []"}, {"(?<x>\\d)", "a1b2", "<${x}>", "a<1>b<2>"}, {"a", "aa", "\\$", "$$"}, {"(a)", "a", "$12", "a2"}, {"a*", "baac", "x", "xbxxcx"}, {"(\\w)\\1", "aabbcd", "-", "--cd"},
		{"(?i)É", "éÉ", "e", "ee"}, {"[^a-c&&x]", "", "", ""}, {"\\.", "a.b", "!", "a!b"}, {"b$", "ab\n", "x", "ax\n"}, {".", "a\rb\n", "x", "x\rx\n"}, {"(?s).", "a\n", "x", "xx"}, {"\\p{Alpha}+", "aé1", "x", "xé1"},
		{"\\Q.*\\E", "a.*b", "x", "axb"}, {"\\d", "1٣", "x", "x٣"}, {"[\\s,]+", "a , b", "-", "a-b"}, {"\\u0041", "A", "b", "b"}, {"日", "日本", "x", "x本"},
	} {
		re, err := Compile(c.pattern, lim)
		if c.pattern == "[^a-c&&x]" {
			if err == nil {
				t.Error("an intersection of classes is not supported and should say so")
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", c.pattern, err)
			continue
		}
		got, _, err := re.Replace(c.text, c.to)
		if err != nil || got != c.want {
			t.Errorf("%q by %q to %q gave %q (%v), expected %q", c.text, c.pattern, c.to, got, err, c.want)
		}
	}
	for to, pattern := range map[string]string{"$": "a", "$x": "a", "$1": "a", "${n}": "(?<m>a)", "\\": "a"} {
		if got, _, err := compile(t, pattern).Replace("a", to); err == nil {
			t.Errorf("the replacement %q gave %q, expected an error", to, got)
		}
	}
}

func TestMatching(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		all           bool
	}{{"a+", "aaa", true}, {"a", "aaa", false}, {"a|ab", "ab", true}, {"a$", "a\n", false}, {"(?=a).*", "abc", true}, {"", "", true}} {
		if got, err := compile(t, c.pattern).MatchAll(c.text); got != c.all || err != nil {
			t.Errorf("MatchAll(%q, %q) is %v, %v", c.pattern, c.text, got, err)
		}
	}
	groups, err := compile(t, "(b)|(c)").Find("abc")
	if err != nil || len(groups) != 3 || *groups[0] != "b" || *groups[1] != "b" || groups[2] != nil {
		t.Errorf("Find gave %v, %v", groups, err)
	}
	if groups, err := compile(t, "x").Find("abc"); groups != nil || err != nil {
		t.Errorf("Find gave %v, %v where nothing matches", groups, err)
	}
	if diff := cmp.Diff([]string{"", "", "k", ""}, compile(t, "([(])(?<k>\\(a)(?=(b))\\k<k>").Names()); diff != "" {
		t.Error(diff)
	}
}

func TestLimits(t *testing.T) {
	if _, _, err := compile(t, "a").Replace(strings.Repeat("a", 500), strings.Repeat("b", 50)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("gave %v", err)
	}
	if _, err := compile(t, "a").Split(strings.Repeat("a", 2000), 0); !errors.Is(err, ErrTooMany) {
		t.Errorf("gave %v", err)
	}
	re, err := Compile("(a+)+(?=b)", Limits{Time: time.Millisecond, Matches: 10})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := re.Find(strings.Repeat("a", 40)); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("gave %v", err)
	}
	for _, p := range []string{"(", "[", "*a", "a{2,1}", "\\", strings.Repeat("a", 20_000), "(?<1>a)"} {
		if _, err := Compile(p, lim); err == nil {
			t.Errorf("the pattern %.20q should be refused", p)
		}
	}
}
