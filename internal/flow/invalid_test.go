package flow_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/flow"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

// TestRecordedRefusals refuses every flow that the reference refuses, at the lines where its author has to look.
func TestRecordedRefusals(t *testing.T) {
	want := map[string][]string{
		"dag-cyclicdependency":        {"13 tasks[0].tasks[0].dependsOn[0]"},
		"dag-notexist-task":           {"17 tasks[0].tasks[1].dependsOn[0]"},
		"duplicate":                   {"6 listeners[0].tasks[0].id", "21 tasks[2].tasks[0].id", "25 tasks[2].errors[0].id", "30 errors[0].id", "37 triggers[1].id"},
		"duplicate-inputs":            {"8 inputs[1].id"},
		"duplicate-key":               {`10 tasks[0].data["variables.tf"]`},
		"duplicate-parallel":          {"38 tasks[1].tasks[3].tasks[0].tasks[0].tasks[0].tasks[0].id"},
		"empty":                       {"1 "},
		"inputs":                      {"4 inputs[0]", "4 inputs[0].id"},
		"inputs-bad-type":             {"4 inputs[0].id", "5 inputs[0].type"},
		"inputs-bad-validator-syntax": {"6 inputs[0].validator"},
		"inputs-validation":           {"7 inputs[0].defaults", "10 inputs[1].itemType"},
		"invalid":                     {"1 id", "2 namespace", "4 tasks[0]"},
		"invalid-parallel":            {"1 id", "2 namespace", "12 tasks[0]", "18 tasks[1].tasks", "22 tasks[2].tasks"},
		"invalid-property":            {"7 tasks[0].invalid"},
		"invalid-task":                {"7 listeners[0].tasks[0].type", "12 tasks[0].type", "18 errors[0].type"},
		"listener":                    {"7 listeners[0].tasks", "9 listeners[1].tasks"},
		"recursive-flow":              {"7 tasks[0].flowId"},
		"switch-invalid":              {"9 tasks[0]"},
		"system-labels":               {`5 labels["system.label"]`, `6 labels["system.id"]`, "10 tasks[0]"},
		"workingdirectory-invalid":    {"11 tasks[0].tasks[1].id"},
		"workingdirectory-no-tasks":   {"5 tasks[0]"},
	}
	for _, file := range flowsIn(t, "conformance/invalid") {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			f, problems := flow.Compile(src, options)
			if f != nil {
				t.Error("there is a flow")
			}
			var got []string
			for _, p := range problems {
				if p.Severity == yamldoc.Error {
					got = append(got, fmt.Sprintf("%d %s", p.Line, p.Path))
				}
			}
			if d := cmp.Diff(want[name], got); d != "" {
				t.Errorf("%s\n%v", d, problems)
			}
		})
	}
}
