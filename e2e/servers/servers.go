// Package servers tells tests where the real servers are that scripts/services starts.
package servers

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Address is that of a server, as its script tells it. Where it does not run, the test is skipped.
func Address(t testing.TB, name string) string {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	script := filepath.Join(filepath.Dir(here), "..", "..", "scripts", "services", name+".sh")
	out, err := exec.Command(script, "status").Output()
	if err != nil {
		t.Skipf("SKIPPED: %s does not run; scripts/services/%s.sh start starts it, as scripts/test.sh does", name, name)
	}
	return strings.TrimSpace(string(out))
}

// Dir is where the script of a server keeps its files: keys, certificates.
func Dir(name string) string {
	root := os.Getenv("SERVICES_DIR")
	if root == "" {
		root = filepath.Join(os.TempDir(), "windhover-services")
	}
	return filepath.Join(root, name)
}
