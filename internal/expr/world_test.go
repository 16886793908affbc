package expr

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWorld(t *testing.T) {
	for _, c := range []struct {
		src, want string
		asked     []string
	}{
		{`{{ secret("my_secret") }}`, "secretValue", []string{"secret key=my_secret"}},
		{`{{ secret(key="PASSWORD", full=true) }}`, `{"value":"passwd"}`, []string{"secret key=PASSWORD full=true"}},
		{`[{{ kv("k", "a.b", false) }}]`, "[]", []string{"kv key=k namespace=a.b errorOnMissing=false"}},
		{`{{ fileURI("/d/f.txt") }}`, "kestra:///io/kestra/tests/_files/d/f.txt", []string{"fileURI path=/d/f.txt"}},
		{`{{ uuid() }} {{ id() }}`, "6ba7b810-9dad-11d1-80b4-00c04fd430c8 5CirGHGOMKtaB4jFrDzVRo", []string{"uuid", "id"}},
		{`{{ nanoId(3, "xy") }}{{ nanoId(length=0) }}`, "xxx", []string{"nanoId length=3 alphabet=xy"}},
		{`{{ randomInt(2, 9) }}{{ randomInt(4, 4) }}`, "24", []string{"randomInt lower=2 upper=9"}},
		{`{{ now("HH") }}`, "01", []string{"now"}},
		{`{{ no ? secret("PASSWORD") : 1 }}`, "1", nil},
	} {
		env := newEnv(t, sample)
		tpl, err := Parse(c.src)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tpl.Render(env, Limits{})
		if err != nil || got != c.want {
			t.Errorf("%s gave %q (%v), expected %q", c.src, got, err, c.want)
		}
		if diff := cmp.Diff(c.asked, env.asked); diff != "" {
			t.Errorf("%s asked otherwise: %s", c.src, diff)
		}
	}
}

func TestWorldRefusesBeforeAsking(t *testing.T) {
	for _, src := range []string{
		`{{ secret() }}`, `{{ secret(1) }}`, `{{ kv("k", errorOnMissing="x") }}`, `{{ kv(null) }}`, `{{ read() }}`, `{{ http() }}`, `{{ randomInt(2, 1) }}`,
		`{{ randomInt("1", 2) }}`, `{{ randomInt(1.5, 2) }}`, `{{ nanoId(-1) }}`, `{{ nanoId(3, "") }}`, `{{ encrypt("c2hvcnQ=", "x") }}`, `{{ encrypt("k") }}`, `{{ subflow("ns") }}`,
	} {
		env := newEnv(t, sample)
		if _, _, err := evaluate(src, env); err == nil {
			t.Errorf("%s gave no error", src)
		}
		if len(env.asked) > 0 {
			t.Errorf("%s asked %v", src, env.asked)
		}
	}
}

// key is base64 of 16 bytes.
const key = "MDEyMzQ1Njc4OWFiY2RlZg=="

func TestEncryption(t *testing.T) {
	got, err := render(t, `{{ decrypt("`+key+`", encrypt("`+key+`", "gehëim")) }} [{{ encrypt("`+key+`", null) }}{{ encrypt("`+key+`", "") }}]`, sample)
	if err != nil || got != "gehëim []" {
		t.Errorf("got %q, %v", got, err)
	}
	secret, err := Encrypt(key, "x", []byte("twelve bytes"))
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func() (string, error){
		"other key":   func() (string, error) { return Decrypt("MTEyMzQ1Njc4OWFiY2RlZg==", secret) },
		"changed":     func() (string, error) { return Decrypt(key, secret[:len(secret)-8]+"AAAAAAA=") },
		"short":       func() (string, error) { return Decrypt(key, "AAAA") },
		"not base64":  func() (string, error) { return Decrypt(key, "%") },
		"short nonce": func() (string, error) { return Encrypt(key, "x", []byte("short")) },
		"bad key":     func() (string, error) { return Encrypt("AAAA", "x", []byte("twelve bytes")) },
	} {
		if text, err := f(); err == nil {
			t.Errorf("%s gave %q, expected an error", name, text)
		}
	}
}

// TestEnvErrorsComeThrough shows that the caller finds the error of its own Env.
func TestEnvErrorsComeThrough(t *testing.T) {
	want := errors.New("needs an answer")
	env := failingEnv{newEnv(t, sample), want}
	for _, src := range []string{`{{ kv("a") }}`, `x {{ kv("a") ?? "d" | upper }}`, `{{ render("{{ kv('a') }}") }}`, `{% for x in [kv("a")] %}{% endfor %}`, `{% macro m() %}{{ kv("a") }}{% endmacro %}{{ m() }}`} {
		tpl, err := Parse(src)
		if err != nil {
			t.Fatal(err)
		}
		_, err = tpl.Render(env, Limits{})
		var placed *EvalError
		if !errors.Is(err, want) || !errors.As(err, &placed) || !strings.Contains(err.Error(), "kv: needs an answer") {
			t.Errorf("%s gave %v", src, err)
		}
	}
}

type failingEnv struct {
	*testEnv
	err error
}

func (e failingEnv) Call(string, Args) (any, error) { return nil, e.err }
