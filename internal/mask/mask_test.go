package mask

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/value"
)

func TestReplace(t *testing.T) {
	const secret = `p@ss "word"/1`
	var m Masker
	m.Add(secret, "inner", "an inner secret", "")
	json := string(value.AppendJSONString(nil, secret))
	for name, text := range map[string]string{
		"plain": secret, "upper": strings.ToUpper(secret), "query": url.QueryEscape(secret), "path": url.PathEscape(secret),
		"json": json, "base64": base64.StdEncoding.EncodeToString([]byte(secret)),
		"base64 url": base64.URLEncoding.EncodeToString([]byte(secret)),
	} {
		got := m.Replace("before " + text + " after")
		if !strings.Contains(got, Stars) || strings.Contains(got, text) || !strings.HasPrefix(got, "before ") {
			t.Errorf("%s: %q", name, got)
		}
	}
	for shift := range 3 {
		basic := base64.StdEncoding.EncodeToString([]byte("user:"[:2+shift] + secret + "!"))
		if got := m.Replace(basic); !strings.Contains(got, Stars) {
			t.Errorf("within base64, shifted by %d: %q", shift, got)
		}
	}
	if got := m.Replace("an inner secret"); got != Stars {
		t.Errorf("a secret within another: %q", got)
	}
	if got := m.Replace("nothing to hide"); got != "nothing to hide" {
		t.Errorf("%q", got)
	}
}

func TestValue(t *testing.T) {
	var m Masker
	m.Add("hunter2")
	in := value.MapOf(value.Entry{Key: "a", Value: []any{"x hunter2", int32(1)}}, value.Entry{Key: "hunter2", Value: nil})
	got := string(value.AppendJSON(nil, m.Value(in), value.JSONOptions{KeepNulls: true}))
	if want := `{"a":["x ******",1],"******":null}`; got != want {
		t.Errorf("%s", got)
	}
}
