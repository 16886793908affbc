package flow_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/flow"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

// shared is the folder with what was recorded from the reference.
func shared(t testing.TB, path string) string {
	t.Helper()
	root := os.Getenv("WINDHOVER_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	path = filepath.Join(root, path)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("THE RECORDED OUTCOMES ARE NOT THERE, so nothing is compared: set WINDHOVER_SHARED (%v)", err)
	}
	return path
}

func flowsIn(t testing.TB, folder string) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"*.yaml", "*.yml"} {
		found, err := filepath.Glob(filepath.Join(shared(t, folder), pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		t.Fatalf("no flows in %s", folder)
	}
	return files
}

// TestRecordedFlows compiles every flow that the reference accepts.
func TestRecordedFlows(t *testing.T) {
	for _, folder := range []string{"conformance/flows", "conformance/dialect-2.0"} {
		for _, file := range flowsIn(t, folder) {
			t.Run(strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)), func(t *testing.T) {
				src, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				lenient := options
				lenient.Lenient = true // one of the flows has an expression that only fails when it is evaluated
				f, problems := flow.Compile(src, lenient)
				if f == nil || yamldoc.HasErrors(problems) {
					for _, p := range problems {
						t.Errorf("%s\n%s", p, yamldoc.Snippet(src, p))
					}
				} else if testing.Verbose() {
					for _, p := range problems {
						t.Log(p)
					}
				}
			})
		}
	}
}
