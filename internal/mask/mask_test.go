package mask

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/value"
)

// TestForms hides secrets in every form that filters and encoders give them, alone and within other text.
func TestForms(t *testing.T) {
	twice := func(s string) string { b, _ := json.Marshal(s); b, _ = json.Marshal(string(b)); return string(b) }
	forms := map[string]func(string) string{
		"plain":            func(s string) string { return s },
		"upper":            strings.ToUpper,
		"lower":            strings.ToLower,
		"trimmed":          strings.TrimSpace,
		"JSON":             func(s string) string { b, _ := json.Marshal(s); return string(b) },
		"JSON within JSON": twice,
		"query":            url.QueryEscape,
		"path":             url.PathEscape,
		"small escapes": func(s string) string {
			return regexp.MustCompile("%..").ReplaceAllStringFunc(url.QueryEscape(s), strings.ToLower)
		},
		"form":           func(s string) string { return url.Values{"k": {s}}.Encode()[2:] },
		"hex":            func(s string) string { return hex.EncodeToString([]byte(s)) },
		"base64":         func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"base64 of URLs": func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
	}
	for _, secret := range []string{"correct horse", `p"a\ss/wörd+&<>?`, "0123456789abcdef", " padded secret ", "a~b*c (d)"} {
		var b Book
		b.Add(secret)
		for name, form := range forms {
			for _, frame := range []string{"%s", "before %s after", "%s%s"} {
				text := strings.ReplaceAll(frame, "%s", form(secret))
				got := b.Of("").Replace(text)
				if strings.Contains(got, form(secret)) || !strings.Contains(got, Stars) {
					t.Errorf("%s of %q: %q", name, secret, got)
				}
			}
		}
		// Within a longer text that is then encoded, no more than the characters on the borders may remain.
		for before := range 5 {
			plain := strings.Repeat("x", before) + secret + "yz"
			got := b.Of("").Replace(base64.StdEncoding.EncodeToString([]byte(plain)))
			rest := strings.ReplaceAll(got, Stars, "")
			if most := len(base64.StdEncoding.EncodeToString([]byte(plain))) - len(secret)*8/6 + 2; len(rest) > most {
				t.Errorf("base64 of %q leaves %q", plain, got)
			}
		}
	}
}

// TestOverlap has secrets that contain each other or run into each other: nothing of either may remain.
func TestOverlap(t *testing.T) {
	for _, c := range []struct {
		everywhere, own []string
		text, want      string
	}{
		{[]string{"abcd", "cdef"}, nil, "xabcdefx", "x******x"},
		{[]string{"secret", "my-secret-key"}, nil, "my-secret-key secret", "****** ******"},
		{[]string{"abcdef"}, []string{"abc"}, "abcdef abc", "****** ******"},
		{[]string{"abc"}, []string{"abcdef"}, "abcdef", "******"},
		{[]string{"abc"}, nil, "abcabc", "************"},
		{[]string{"ab", ""}, nil, "ab ab", "ab ab"}, // too short to be told from other text
		{nil, []string{"line one of it\nline two of it"}, "> line two of it <", "> ****** <"},
		{nil, nil, "nothing", "nothing"},
	} {
		var b Book
		b.Add(c.everywhere...)
		b.Of("e").Add(c.own...)
		if got := b.Of("e").Replace(c.text); got != c.want {
			t.Errorf("%q became %q, not %q", c.text, got, c.want)
		}
	}
}

// TestExecutions keeps secrets of executions apart, and no more of them than there is room for.
func TestExecutions(t *testing.T) {
	var b Book
	b.Add("everywhere")
	b.Of("one").Add("first secret", "everywhere")
	if got := b.Of("two").Replace("first secret, everywhere"); got != "first secret, ******" {
		t.Errorf("another execution: %q", got)
	}
	for i := range maxExecutions {
		b.Of(fmt.Sprint("e", i)).Add("secret of it")
	}
	if len(b.of) != maxExecutions || len(b.order) != maxExecutions {
		t.Errorf("%d executions are kept", len(b.of))
	}
	if got := b.Of("one").Replace("first secret"); got != "first secret" {
		t.Errorf("the oldest was not forgotten: %q", got)
	}
	b.Of("without").Add("everywhere", "no")
	if b.execution("without") != nil {
		t.Error("an execution without secrets of its own takes room")
	}
}

// TestValues hides secrets in keys, texts and numbers of structures.
func TestValues(t *testing.T) {
	var b Book
	b.Add("hush!", "12345")
	h := b.Of("e")
	in := `{"hush!":[1,"say hush!",{"n":12345,"m":12346}],"z":null}`
	want := `{"******":[1,"say ******",{"n":"******","m":12346}],"z":null}`
	if got := string(h.JSON([]byte(in))); got != want {
		t.Errorf("JSON: %s", got)
	}
	v, err := value.ParseJSON([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(value.AppendJSON(nil, h.Value(v), value.JSONOptions{KeepNulls: true})); got != want {
		t.Errorf("value: %s", got)
	}
	if got := string(h.JSON([]byte(`{"a":"hush!`))); got != `"******"` {
		t.Errorf("what cannot be read is hidden as a whole: %s", got)
	}
	if got := h.JSON(nil); got != nil {
		t.Errorf("nothing became %q", got)
	}
}

func BenchmarkReplace(b *testing.B) {
	var book Book
	for i := range 200 {
		book.Add(fmt.Sprintf("%x", sha256.Sum256([]byte{byte(i)})))
	}
	line := strings.Repeat("2026-11-23T12:00:00Z a line of a log as tasks write it, without a secret in it; ", 12)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		book.Of("e").Replace(line)
	}
}
