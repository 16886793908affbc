package yamldoc

import (
	"os"
	"path/filepath"
	"testing"
)

// shared finds the recorded behaviour of the reference, which is kept outside of the repository.
func shared(t testing.TB, sub string) string {
	t.Helper()
	root := os.Getenv("WINDHOVER_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	dir := filepath.Join(root, sub)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("SKIPPED: the recorded flows are not here (%v); set WINDHOVER_SHARED to run this test", err)
	}
	return dir
}

func sharedFlows(t testing.TB, sub string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(shared(t, sub), "*.y*ml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no flows in %s: %v", sub, err)
	}
	flows := map[string][]byte{}
	for _, file := range files {
		if flows[filepath.Base(file)], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	return flows
}

// Flows that the reference runs are read without a word.
func TestRecordedFlows(t *testing.T) {
	for _, dir := range []string{"conformance/flows", "conformance/dialect-2.0"} {
		for name, src := range sharedFlows(t, dir) {
			n, problems := Parse(src, Limits{})
			if n == nil || n.Get("id").String() == "" || len(problems) > 0 {
				t.Errorf("%s: %v", name, problems)
			}
		}
	}
}

// Of the flows that the reference refuses, only this one is wrong as YAML.
func TestRecordedInvalidFlows(t *testing.T) {
	for name, src := range sharedFlows(t, "conformance/invalid") {
		n, problems := Parse(src, Limits{})
		switch {
		case name == "duplicate-key.yaml":
			if len(problems) != 1 || problems[0].Line != 10 || problems[0].Path != `tasks[0].data["variables.tf"]` {
				t.Errorf("%s: %v", name, problems)
			}
		case n == nil || len(problems) > 0:
			t.Errorf("%s: %v", name, problems)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	src := sharedFlows(b, "conformance/flows")["all-flowable.yaml"]
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if n, _ := Parse(src, Limits{}); n == nil {
			b.Fatal("not parsed")
		}
	}
}
