// Package docs holds the documentation against what it documents.
package docs

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestCompatibility sees that every known difference is told, with its reason.
func TestCompatibility(t *testing.T) {
	page := read(t, "../../docs/compatibility.md")
	var expressions struct {
		Cases, Beyond []struct{ Expr, Reason string }
	}
	if err := json.Unmarshal([]byte(read(t, "../../internal/expr/testdata/differences.json")), &expressions); err != nil {
		t.Fatal(err)
	}
	for _, c := range append(expressions.Cases, expressions.Beyond...) {
		if !strings.Contains(page, c.Reason) {
			t.Errorf("%s: its reason is not told: %s", c.Expr, c.Reason)
		}
	}
	var flows map[string]string
	if err := json.Unmarshal([]byte(read(t, "../conformance/exceptions.json")), &flows); err != nil {
		t.Fatal(err)
	}
	for name, reason := range flows {
		if !strings.Contains(page, reason) {
			t.Errorf("%s: its reason is not told: %s", name, reason)
		}
	}
}

// TestDependencies sees that every module that is required directly stands on the page that says why.
func TestDependencies(t *testing.T) {
	page := read(t, "../../docs/dependencies.md")
	line := regexp.MustCompile(`(?m)^\s*(\S+) v\S+( // indirect)?$`)
	for _, m := range line.FindAllStringSubmatch(read(t, "../../go.mod"), -1) {
		if m[2] == "" && !strings.Contains(page, m[1]) {
			t.Errorf("%s is not in docs/dependencies.md", m[1])
		}
	}
}
