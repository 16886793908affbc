package expr

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/value"
)

// recorded is a case of shared/conformance/expressions.json: what the reference did.
type recorded struct {
	Expr   string
	OK     bool
	Result *string
	Error  string
	Typed  *struct {
		Class *string
		Value json.RawMessage
	}
}

// differences is testdata/differences.json: where we do otherwise than the reference on purpose. docs/compatibility.md
// shows it.
type differences struct {
	Cases  []struct{ Expr, Reason string }                  // of the recorded ones
	Beyond []struct{ Expr, Ours, Reference, Reason string } // of our own, with the variables of sample
}

func readDifferences(t *testing.T) differences {
	t.Helper()
	data, err := os.ReadFile("testdata/differences.json")
	if err != nil {
		t.Fatal(err)
	}
	var d differences
	if err := json.Unmarshal(data, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDifferencesBeyond(t *testing.T) {
	for _, d := range readDifferences(t).Beyond {
		if got, err := render(t, d.Expr, sample); err != nil || got != d.Ours || d.Reason == "" || d.Reference == "" {
			t.Errorf("%s gave %q (%v), expected %q", d.Expr, got, err, d.Ours)
		}
	}
}

// sharedFile reads a file of the folder that is shared by all who work on the project.
func sharedFile(t *testing.T, name string) []byte {
	t.Helper()
	root := os.Getenv("WINDHOVER_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Skipf("SKIPPED, nothing was compared with the reference: %v (set WINDHOVER_SHARED)", err)
	}
	return data
}

func TestConformance(t *testing.T) {
	var in struct {
		Variables json.RawMessage
		Cases     []recorded
	}
	if err := json.Unmarshal(sharedFile(t, "conformance/expressions.json"), &in); err != nil {
		t.Fatal(err)
	}
	accepted := map[string]string{}
	for _, d := range readDifferences(t).Cases {
		accepted[d.Expr] = d.Reason
	}
	equal := 0
	for _, c := range in.Cases {
		env := newEnv(t, string(in.Variables))
		diff := compare(c, env)
		_, known := accepted[c.Expr]
		switch {
		case diff == "":
			equal++
			if known {
				t.Errorf("%s is listed as a difference but is none", c.Expr)
			}
		case !known:
			t.Errorf("%s: %s", c.Expr, diff)
		default:
			t.Logf("accepted: %s: %s", c.Expr, diff)
		}
	}
	rate := float64(equal) / float64(len(in.Cases))
	t.Logf("%d of %d equal (%.2f %%)", equal, len(in.Cases), 100*rate)
	if len(in.Cases) < 500 || rate < 0.98 {
		t.Errorf("less than 98 %% of the cases are equal, or there are too few")
	}
}

// compare says how we differ from what was recorded; "" for not at all.
func compare(c recorded, env *testEnv) string {
	got, typed, err := evaluate(c.Expr, env)
	switch {
	case err != nil && c.OK:
		return "failed: " + err.Error()
	case err == nil && !c.OK:
		return "gave " + got + ", expected an error: " + c.Error
	case err != nil:
		return ""
	}
	want := ""
	if c.Result != nil {
		want = *c.Result
	}
	if got != want {
		return "gave " + got + ", expected " + want
	}
	if c.Typed == nil || c.Typed.Value == nil {
		return ""
	}
	if text := string(value.AppendJSON(nil, typed, value.JSONOptions{})); !sameJSON(text, string(c.Typed.Value)) {
		return "gave the value " + text + ", expected " + string(c.Typed.Value)
	}
	if class := c.Typed.Class; class != nil && modelled(*class) && value.ClassName(typed) != *class {
		return "gave a " + value.ClassName(typed) + ", expected a " + *class
	}
	return ""
}

func evaluate(src string, env *testEnv) (text string, typed any, err error) {
	tpl, err := Parse(src)
	if err != nil {
		return "", nil, err
	}
	if text, err = tpl.Render(env, Limits{}); err != nil {
		return "", nil, err
	}
	typed, err = tpl.Eval(env, Limits{})
	return text, typed, err
}

// modelled are the classes that className tells apart; lists and maps come in many there.
func modelled(class string) bool {
	return strings.HasPrefix(class, "java.lang.") && class != "java.lang.Character" || strings.HasPrefix(class, "java.math.") ||
		strings.HasPrefix(class, "java.time.")
}

func sameJSON(a, b string) bool {
	x, err := value.ParseJSON([]byte(a))
	y, err2 := value.ParseJSON([]byte(b))
	return err == nil && err2 == nil && value.Equal(x, y)
}
