package cli

import (
	"strings"
	"testing"
)

// TestSkipOptions: what cannot be read is told before anything starts; older and newer names mean the same.
func TestSkipOptions(t *testing.T) {
	for _, args := range [][]string{
		{"server", "local", "--memory", "--skip-flows", "nothing"},
		{"server", "standalone", "--ignore-namespaces", "main|a|b"},
		{"server", "executor", "--skip-namespaces", "|a"},
	} {
		if r := command(t, args...); r.err == nil || !strings.Contains(r.err.Error(), "to skip") {
			t.Errorf("%v: %v", args, r.err)
		}
	}
}
