package storage

import (
	"errors"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"kestra:///a/b.txt":      "/a/b.txt",
		"kestra:/a/b.txt":        "/a/b.txt",
		"/a/b.txt":               "/a/b.txt",
		"a/b.txt":                "/a/b.txt",
		"kestra:///a%20b/%C3%A9": "/a b/é",
		"kestra:///a b/é+1:2":    "/a b/é+1:2",
		"/a%2Fb":                 "/a/b",
		"/100%25":                "/100%",
		"//a///b/./c":            "/a/b/c",
		"/dir/":                  "/dir/",
		"/dir/.":                 "/dir/",
		"kestra:///":             "/",
		"/a/..b/c../...":         "/a/..b/c../...",
		"/a%3Fb%23c":             "/a?b#c",
	} {
		uri, err := Parse("main", text)
		if err != nil || uri.Path() != want || uri.Tenant() != "main" || !uri.Valid() {
			t.Errorf("Parse(%q) = %q (%v), want %q", text, uri.Path(), err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]error{
		"/a/../b":                          ErrOutsideRoot,
		"kestra:///..":                     ErrOutsideRoot,
		"/a/%2e%2e/b":                      ErrOutsideRoot,
		"/a/%2E./b":                        ErrOutsideRoot,
		"/a%2f..%2fb":                      ErrOutsideRoot,
		"":                                 ErrInvalid,
		"file:///etc/passwd":               ErrInvalid,
		"nsfile:///x":                      ErrInvalid,
		"KESTRA:///x":                      ErrInvalid,
		"kestra://host/x":                  ErrInvalid,
		`C:\x`:                             ErrInvalid,
		"/a?b":                             ErrInvalid,
		"/a#b":                             ErrInvalid,
		"/a%zz":                            ErrInvalid,
		"/a%00b":                           ErrInvalid,
		"/a\nb":                            ErrInvalid,
		"/a%ffb":                           ErrInvalid,
		"/" + strings.Repeat("n", 256):     ErrInvalid,
		"/" + strings.Repeat("nnnn/", 200): ErrInvalid,
	} {
		if uri, err := Parse("main", text); !errors.Is(err, want) || uri.Valid() {
			t.Errorf("Parse(%q) = %v (%v), want %v", text, uri, err, want)
		}
	}
	for _, tenant := range []string{"", ".", "..", "a/b", "-a", "_a", "A", "a.b", "é", strings.Repeat("a", 65)} {
		if _, err := Parse(tenant, "/x"); !errors.Is(err, ErrInvalid) {
			t.Errorf("tenant %q: got %v", tenant, err)
		}
		if Root(tenant).Valid() {
			t.Errorf("tenant %q has a root", tenant)
		}
	}
}

func mustJoin(t *testing.T, segments ...string) URI {
	t.Helper()
	uri, err := Root("main").Join(segments...)
	if err != nil {
		t.Fatal(err)
	}
	return uri
}

// The encoded forms are those of the reference.
func TestString(t *testing.T) {
	for path, want := range map[string]string{
		"":               "kestra:///",
		"a/b.txt":        "kestra:///a/b.txt",
		"y zé%25.txt":    "kestra:///y%20zé%2525.txt",
		"q?x":            "kestra:///q%3Fx",
		"h#x":            "kestra:///h%23x",
		"p+x":            "kestra:///p+x",
		"b[1]":           "kestra:///b%5B1%5D",
		"c{}|^`":         "kestra:///c%7B%7D%7C%5E%60",
		"d'!~*()@&=$,;:": "kestra:///d'!~*()@&=$,;:",
		"e\u00a0f\u2028": "kestra:///e%C2%A0f%E2%80%A8",
	} {
		uri := mustJoin(t, path)
		if got := uri.String(); got != want {
			t.Errorf("%q: got %s, want %s", path, got, want)
		}
		if back, err := Parse("main", want); err != nil || back != uri {
			t.Errorf("%s: parsed to %v (%v)", want, back, err)
		}
	}
}

func TestParts(t *testing.T) {
	for path, want := range map[string][3]string{ // name, parent, as a directory
		"":      {"", "/", "/"},
		"a":     {"a", "/", "/a/"},
		"a/":    {"a", "/", "/a/"},
		"a/b":   {"b", "/a/", "/a/b/"},
		"a/b c": {"b c", "/a/", "/a/b c/"},
		"a/b/":  {"b", "/a/", "/a/b/"},
	} {
		uri := mustJoin(t, path)
		if got := [3]string{uri.Name(), uri.Parent().Path(), uri.AsDirectory().Path()}; got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
	if got := mustJoin(t, "a/").AsFile().Path(); got != "/a" {
		t.Errorf("AsFile: got %s", got)
	}
	if got := Root("main").AsFile(); got != Root("main") {
		t.Errorf("AsFile of the root: got %s", got)
	}
	if _, err := mustJoin(t, "a").Join("b/../.."); !errors.Is(err, ErrOutsideRoot) {
		t.Errorf("Join of ..: got %v", err)
	}
}

func TestWithin(t *testing.T) {
	for _, test := range []struct {
		path, dir, rel string
		ok             bool
	}{
		{"a/b/c", "a/b", "c", true},
		{"a/b/c/", "a/b/", "c/", true},
		{"a/b", "a/b/", "", true},
		{"a/b/", "a/b", "", true},
		{"a/b", "", "a/b", true},
		{"", "", "", true},
		{"a/bc", "a/b", "", false},
		{"a", "a/b", "", false},
		{"", "a", "", false},
	} {
		uri, dir := mustJoin(t, test.path), mustJoin(t, test.dir)
		rel, ok := uri.Rel(dir)
		if rel != test.rel && ok || ok != test.ok || uri.Within(dir) != ok {
			t.Errorf("%q within %q: got %q, %v", test.path, test.dir, rel, ok)
		}
	}
	if mustJoin(t, "a").Within(Root("other")) || (URI{}).Within(URI{}) {
		t.Error("a file is within another tenant, or nothing within nothing")
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"kestra:///a/b%20c", "/a/%2e%2e/b", "a:b", "//./..x/", "kestra:%2f%2f", "/é%F0%9F%98%80?"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		uri, err := Parse("main", text)
		if err != nil {
			if !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrOutsideRoot) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if back, err := Parse("main", uri.String()); err != nil || back != uri {
			t.Fatalf("%q: %s is parsed to %v (%v)", text, uri, back, err)
		}
		if !uri.Within(Root("main")) || strings.Contains(uri.Path()+"/", "/../") || strings.Contains(uri.Path(), "//") {
			t.Fatalf("%q: %q", text, uri.Path())
		}
	})
}
