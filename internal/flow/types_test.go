package flow_test

import (
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/flow"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

// TestExamples holds the examples of all built-in types to the compiler.
func TestExamples(t *testing.T) {
	for _, typ := range options.Registry.Types("") {
		for _, e := range typ.Examples {
			var problems []yamldoc.Problem
			switch {
			case e.Full:
				_, problems = flow.Compile([]byte(e.YAML), options)
			case typ.Category == plugin.Task:
				problems = flow.ValidateTask([]byte(e.YAML), options)
			case typ.Category == plugin.Trigger:
				problems = flow.ValidateTrigger([]byte(e.YAML), options)
			}
			for _, p := range problems {
				if p.Severity == yamldoc.Error && !strings.Contains(p.Message, "there is no task type") {
					t.Errorf("%s, %s: %s\n%s", typ.Name, e.Title, p, yamldoc.Snippet([]byte(e.YAML), p))
				}
			}
		}
	}
}

// TestCommonProperties holds what schemas say that every task and trigger has to what the compiler reads.
func TestCommonProperties(t *testing.T) {
	check := func(c plugin.Category, base string, validate func([]byte, flow.Options) []yamldoc.Problem) {
		for _, p := range plugin.Common(c) {
			if p.Name == "id" || p.Name == "type" {
				continue
			}
			for _, name := range append([]string{p.Name}, p.Aliases...) {
				for _, problem := range validate([]byte(base+name+": null\n"), options) {
					t.Errorf("%s of %s: %s", name, c, problem)
				}
			}
		}
		for _, problem := range validate([]byte(base+"another: null\n"), options) {
			if !strings.Contains(problem.Message, "`another` is not a property") {
				t.Errorf("%s: %s", c, problem)
			}
		}
	}
	check(plugin.Task, "id: a\ntype: io.kestra.plugin.core.log.Log\nmessage: x\n", flow.ValidateTask)
	check(plugin.Trigger, "id: a\ntype: io.kestra.plugin.core.trigger.Webhook\nkey: x\n", flow.ValidateTrigger)
}

// TestDocumented holds every type to having words for people.
func TestDocumented(t *testing.T) {
	for _, typ := range options.Registry.Types("") {
		if typ.Title == "" {
			if strings.Contains(typ.Name, "core.") && typ.Pure { // the stand-ins of this test have none
				t.Errorf("%s has no title", typ.Name)
			}
			continue
		}
		for _, p := range typ.Properties() {
			if p.Doc == "" && p.Kind != plugin.TaskList {
				t.Errorf("%s.%s has no words", typ.Name, p.Name)
			}
		}
		if !strings.Contains(typ.Markdown(), typ.Title) {
			t.Errorf("the page of %s does not have its title", typ.Name)
		}
	}
}
