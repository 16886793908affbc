package cli

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	dir := write(t, map[string]string{
		"flow.yaml": inputsFlow, "fails.yaml": failFlow, "data.csv": "1,2,3",
		"secret.yaml": "id: secret\nnamespace: company.team\ninputs:\n  - {id: pw, type: SECRET, defaults: hush!!}\ntasks:\n" +
			"  - {id: say, type: io.kestra.plugin.core.log.Log, message: \"{{ inputs.pw }}: it is {{ inputs.pw | length }} long\"}\n",
		"parent.yaml": "id: parent\nnamespace: company.team\ntasks:\n  - id: call\n    type: io.kestra.plugin.core.flow.Subflow\n" +
			"    namespace: company.team\n    flowId: fails\n    wait: true\n    transmitFailed: true\n",
	})
	path := func(name string) string { return filepath.Join(dir, name) }

	r := command(t, "run", path("flow.yaml"), "--input", "name=Ada", "--input", "data=@"+path("data.csv"))
	var outputs struct{ Greeting string }
	if err := json.Unmarshal([]byte(r.out), &outputs); r.err != nil || err != nil || outputs.Greeting != "hello Ada" {
		t.Errorf("%v, %v\n%s%s", r.err, err, r.out, r.errOut)
	}
	contains(t, r.errOut, "Ada: 1,2,3", "SUCCESS company.team.inputs")
	if quiet := command(t, "run", "-q", "-o", "yaml", path("flow.yaml"), "-i", "name=Ada"); quiet.errOut != "" {
		t.Errorf("--quiet prints:\n%s", quiet.errOut)
	} else {
		contains(t, quiet.out, "greeting: ", "hello Ada")
	}

	r = command(t, "run", path("parent.yaml"), "--with", path("fails.yaml"))
	if !errors.Is(r.err, errFailed) {
		t.Errorf("a flow whose subflow fails: %v", r.err)
	}
	contains(t, r.errOut, "FAILED company.team.parent")
	r = command(t, "run", path("secret.yaml"))
	if r.err != nil || strings.Contains(r.out+r.errOut, "hush!!") {
		t.Errorf("a secret input without a configured key: %v\n%s%s", r.err, r.out, r.errOut)
	}
	contains(t, r.errOut, "it is 6 long")
	if r := command(t, "run", path("flow.yaml")); r.err == nil || !strings.Contains(r.err.Error(), "name") {
		t.Errorf("without a required input: %v", r.err)
	}
	if r := command(t, "run", path("nothing.yaml")); r.err == nil {
		t.Error("a flow that there is not was run")
	}
}

func TestEval(t *testing.T) {
	vars := filepath.Join(write(t, map[string]string{"vars.json": `{"who": "Ada"}`}), "vars.json")
	root := newRoot()
	var out strings.Builder
	root.SetOut(&out)
	root.SetIn(strings.NewReader("\"{{ 1 + 1 }} {{ who }}\"\n\n\"{{ nobody }}\"\nno string"))
	root.SetArgs([]string{"eval", "--vars", vars})
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || lines[0] != `{"ok":true,"result":"2 Ada"}` {
		t.Fatalf("results:\n%s", out.String())
	}
	for _, line := range lines[1:] {
		var res evalResult
		if err := json.Unmarshal([]byte(line), &res); err != nil || res.OK || res.Error == "" {
			t.Errorf("expected an error: %s", line)
		}
	}
}

func TestConfigProperties(t *testing.T) {
	contains(t, ok(t, "config", "properties"), "kestra.tutorial-flows.enabled")
}
