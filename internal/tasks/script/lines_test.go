package script

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// heard are the pieces that are handed on: + before one that is not the beginning of a line, + after one that is not its end.
func heard(writes ...string) (out []string) {
	l := &lines{line: func(b []byte, begins, ends bool) {
		text := string(b)
		if !begins {
			text = "+" + text
		}
		if !ends {
			text += "+"
		}
		out = append(out, text)
	}}
	for _, w := range writes {
		if n, err := l.Write([]byte(w)); n != len(w) || err != nil {
			panic(fmt.Sprint(n, err))
		}
	}
	l.close()
	return out
}

func TestLines(t *testing.T) {
	for _, c := range []struct {
		writes []string
		want   []string
	}{
		{nil, nil},
		{[]string{"a\nb\n"}, []string{"a", "b"}},
		{[]string{"a", "b", "\nc"}, []string{"ab", "c"}},
		{[]string{"\n\n"}, []string{"", ""}},
		{[]string{"a\r\nb\r", "\nc\rd\r"}, []string{"a", "b", "c", "d"}},
		{[]string{"10%\r20%\r\r\n"}, []string{"10%", "20%", ""}},
		{[]string{"\x1b[31mred\x1b[0m\n"}, []string{"\x1b[31mred\x1b[0m"}},
	} {
		if got := heard(c.writes...); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, not %q", c.writes, got, c.want)
		}
	}
}

func TestLongLines(t *testing.T) {
	x := strings.Repeat("x", longest)
	words := strings.Repeat("word ", longest/5)
	for _, c := range []struct {
		name, text string
		want       []int // lengths
	}{
		{"without a blank", x + x + "y\nz\n", []int{longest, longest, 1, 1}},
		{"exactly as long as a piece", x + "\n", []int{longest}},
		{"between words", words + words + "\n", []int{longest - longest%5, longest - longest%5}},
		{"between characters", strings.Repeat("é", longest/2-1) + "x€€" + "\n", []int{longest - 1, 6}},
		{"a message", opening + x + x + closing + "\n", []int{2*longest + 6}},
	} {
		var got []int
		for _, piece := range heard(slices.Collect(chunks(c.text, 1000))...) {
			if !utf8.ValidString(piece) {
				t.Errorf("%s: a character is cut", c.name)
			}
			got = append(got, len(strings.Trim(piece, "+")))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %d, not %d", c.name, got, c.want)
		}
	}
}

// chunks cuts a text.
func chunks(text string, n int) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for len(text) > n {
			if !yield(text[:n]) {
				return
			}
			text = text[n:]
		}
		yield(text)
	}
}

func FuzzLines(f *testing.F) {
	f.Add("a\r\nb\rc\n\n", 1)
	f.Add(opening+"x\n"+strings.Repeat("é", 40000), 7)
	f.Fuzz(func(t *testing.T, text string, n int) {
		if n < 1 || n > 1<<20 {
			t.Skip()
		}
		whole, cut := heard(text), heard(slices.Collect(chunks(text, n))...)
		if !slices.Equal(whole, cut) {
			t.Errorf("it depends on how it is written: %q, %q", whole, cut)
		}
		var all strings.Builder
		l := &lines{line: func(b []byte, _, _ bool) { all.Write(b) }}
		_, _ = l.Write([]byte(text))
		l.close()
		if got, want := all.String(), strings.NewReplacer("\r", "", "\n", "").Replace(text); got != want {
			t.Errorf("%q becomes %q", want, got)
		}
	})
}
