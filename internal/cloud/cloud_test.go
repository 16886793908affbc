package cloud_test

import (
	"os/exec"
	"strings"
	"testing"
)

// heavy are prefixes of what must not get into the plain program.
var heavy = []string{
	"k8s.io/", "sigs.k8s.io/", "cloud.google.com/", "google.golang.org/api", "github.com/Azure/",
	"github.com/windhover-io/windhover/internal/cloud", "github.com/windhover-io/windhover/internal/taskrunner/kubernetes",
}

func TestThePlainProgramIsLight(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "../../cmd/windhover").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(out))
	if len(packages) < 100 {
		t.Fatalf("go list tells of %d packages only", len(packages))
	}
	for _, p := range packages {
		for _, h := range heavy {
			if strings.HasPrefix(p, h) {
				t.Errorf("cmd/windhover imports %s", p)
			}
		}
	}
}
