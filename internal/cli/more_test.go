package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/config"
)

const testedFlow = `id: tested
namespace: company.team
inputs:
  - {id: name, type: STRING}
tasks:
  - {id: fetch, type: io.kestra.plugin.core.http.Request, uri: "http://127.0.0.1:1/"}
  - {id: give, type: io.kestra.plugin.core.debug.Return, format: "{{ inputs.name }} {{ outputs.fetch.body }}"}
`

const passing = `id: test_tested
namespace: company.team
flowId: tested
testCases:
  - id: works
    fixtures:
      inputs: {name: Ada}
      tasks:
        - {id: fetch, outputs: {body: fine}}
    assertions:
      - {value: "{{ outputs.give.value }}", equalTo: Ada fine}
  - id: fails
    expectedState: FAILED
    fixtures:
      inputs: {name: Ada}
      tasks:
        - {id: fetch, state: FAILED}
`

func TestFlowTest(t *testing.T) {
	dir := write(t, map[string]string{
		"flows/tested.yaml": testedFlow, "flows/good_test.yaml": passing, "bad/tested.yaml": testedFlow,
		"bad/bad_test.yaml": strings.ReplaceAll(passing, "equalTo: Ada fine", "equalTo: Eve, errorMessage: it is Ada"),
	})
	path := func(name string) string { return filepath.Join(dir, name) }
	contains(t, ok(t, "flow", "test", path("flows")), "SUCCESS  tested › works", "SUCCESS  tested › fails", "2 passed, 0 failed, 0 skipped")
	if out := ok(t, "flow", "test", "-q", path("flows/good_test.yaml"), "--case", "works"); strings.Contains(out, "›") || !strings.Contains(out, "1 passed") {
		t.Errorf("quiet:\n%s", out)
	}
	r := command(t, "flow", "test", path("bad"))
	if !errors.Is(r.err, errFailed) {
		t.Errorf("a test that does not hold: %v", r.err)
	}
	contains(t, r.out, `expected to be equal to "Eve", but it is "Ada fine"`, "it is Ada", "1 passed, 1 failed")
	r = command(t, "flow", "test", path("bad"), "-o", "json")
	contains(t, r.out, `"state": "FAILED"`, `"operator": "EQUAL_TO"`, `"isSuccess": false`)
	for want, args := range map[string][]string{
		"has no testCases":   {path("flows/good_test.yaml"), path("flows/tested.yaml")},
		"there are no tests": {path("flows"), "--case", "nothing"},
		"no such file":       {path("nothing.yaml")},
	} {
		if r := command(t, append([]string{"flow", "test"}, args...)...); r.err == nil || !strings.Contains(r.err.Error(), want) {
			t.Errorf("%v: %v, want %s", args, r.err, want)
		}
	}
	greet := write(t, map[string]string{"inputs.yaml": inputsFlow})
	contains(t, ok(t, "flow", "test", filepath.Join(greet, "inputs.yaml"), "name", "Ada"), "hello Ada") // as the reference's command
}

func TestSys(t *testing.T) {
	t.Setenv("WINDHOVER_SERVER", server(t, nil))
	dir := write(t, map[string]string{"a.yaml": logFlow("a")})
	ok(t, "flow", "updates", dir)
	ok(t, "execution", "create", "company.team", "a", "--wait")
	contains(t, ok(t, "sys", "services"), "WORKER", "EXECUTOR", "RUNNING")
	contains(t, ok(t, "sys", "reindex"), "1 flows, all of them valid")
	contains(t, ok(t, "sys", "submit-queued-execution"), "0")
	type deleted struct{ Executions, Logs int }
	if got := okJSON[deleted](t, "sys", "purge", "--older-than", "P1D"); got != (deleted{}) {
		t.Errorf("deleted what is new: %+v", got)
	}
	if got := okJSON[deleted](t, "sys", "purge", "--before", "2100-01-01T00:00:00Z", "--dry-run"); got != (deleted{1, 0}) {
		t.Errorf("would delete %+v", got)
	}
	if got := okJSON[deleted](t, "sys", "purge", "--before", "2100-01-01T00:00:00Z", "--state", "success", "--keep-logs"); got != (deleted{1, 0}) {
		t.Errorf("deleted %+v", got)
	}
	for _, args := range [][]string{{}, {"--older-than", "soon"}, {"--before", "tomorrow"}, {"--before", "2100-01-01T00:00:00Z", "--older-than", "P1D"}} {
		if r := command(t, append([]string{"sys", "purge"}, args...)...); r.err == nil {
			t.Errorf("sys purge %v was accepted", args)
		}
	}
}

func TestDatabaseMigrate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(path, []byte("kestra: {repository: {path: "+filepath.Join(dir, "data")+"}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	contains(t, ok(t, "sys", "database", "migrate", "-c", path), "the sqlite backend is ready")
	contains(t, ok(t, "config", "validate", path), "valid")
	if err := os.WriteFile(path, []byte("kestra: {server: {port: x, prot: 1}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := command(t, "configs", "validate", path)
	if r.err == nil || !strings.Contains(r.err.Error(), "server.port") {
		t.Errorf("%v", r.err)
	}
	contains(t, r.errOut, "did you mean server.port?")
}

func TestExecutionsAreChanged(t *testing.T) {
	t.Setenv("WINDHOVER_SERVER", server(t, nil))
	dir := write(t, map[string]string{"a.yaml": logFlow("a")})
	ok(t, "flow", "updates", dir)
	x := okJSON[execution](t, "execution", "create", "company.team", "a", "--wait")
	contains(t, ok(t, "execution", "labels", x.ID, "team=a"), x.ID, "team")
	contains(t, ok(t, "execution", "change-status", x.ID, "warning"), "WARNING")
	if got := ok(t, "execution", "eval", x.ID, "{{ flow.id }}"); got != "a\n" {
		t.Errorf("eval: %q", got)
	}
	if r := command(t, "execution", "eval", x.ID, "{{ nothing }}"); r.err == nil || !strings.Contains(r.err.Error(), "nothing") {
		t.Errorf("eval of what is not there: %v", r.err)
	}
	if r := command(t, "execution", "unqueue", x.ID); !errors.Is(r.err, errFailed) {
		t.Errorf("what is not queued was taken out of the queue: %v", r.err)
	}
	if r := command(t, "execution", "file", x.ID, "kestra:///etc/passwd"); r.err == nil {
		t.Error("a file that is none of the execution's was given out")
	}
}

func TestTriggersAndSecrets(t *testing.T) {
	t.Setenv("WINDHOVER_SERVER", server(t, func(c *config.Config) { c.Encryption.SecretKey = "AAAAAAAAAAAAAAAAAAAAAA==" }))
	dir := write(t, map[string]string{"a.yaml": logFlow("a") + "triggers:\n  - {id: yearly, type: io.kestra.plugin.core.trigger.Schedule, cron: \"0 0 1 1 *\"}\n"})
	ok(t, "flow", "updates", dir)
	contains(t, ok(t, "trigger", "list", "-n", "company"), "yearly", "company.team")
	contains(t, ok(t, "trigger", "disable", "company.team", "a", "yearly"), "true")
	contains(t, ok(t, "trigger", "enable", "company.team", "a", "yearly"), "false")

	root := newRoot()
	root.SetIn(strings.NewReader("s3cret\n"))
	root.SetArgs([]string{"secret", "set", "company.team", "DB_PASSWORD", "--description", "of the database"})
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	list := ok(t, "secret", "list", "company.team")
	contains(t, list, "DB_PASSWORD", "of the database")
	if strings.Contains(list, "s3cret") {
		t.Error("the value of a secret is listed")
	}
	contains(t, ok(t, "secret", "delete", "company.team", "DB_PASSWORD"), "deleted")
}

func TestFilesOfFlowsAndRevisions(t *testing.T) {
	t.Setenv("WINDHOVER_SERVER", server(t, nil))
	dir := write(t, map[string]string{"other.yaml": strings.ReplaceAll(logFlow("a"), "company.team", "elsewhere"), "f/x.txt": "one", "g/x.txt": "two"})
	flows := write(t, map[string]string{"other.yaml": strings.ReplaceAll(logFlow("a"), "company.team", "elsewhere")})
	if r := command(t, "flow", "namespace", "update", "company.team", flows); r.err == nil {
		t.Error("a flow of another namespace was taken")
	}
	ok(t, "flow", "namespace", "update", "company.team", flows, "--override-namespaces")
	target := t.TempDir()
	ok(t, "flow", "namespace", "export", "company.team", target)
	if b, err := os.ReadFile(filepath.Join(target, "a.yaml")); err != nil || !strings.Contains(string(b), "namespace: company.team") {
		t.Errorf("%v\n%s", err, b)
	}
	ok(t, "namespace", "files", "update", "company.team", filepath.Join(dir, "f"))
	ok(t, "namespace", "files", "update", "company.team", filepath.Join(dir, "g"))
	contains(t, ok(t, "namespace", "files", "revisions", "company.team", "x.txt"), "1", "2")
	if got := ok(t, "namespace", "files", "get", "company.team", "x.txt", "--revision", "1"); got != "one" {
		t.Errorf("revision 1: %q", got)
	}
}

func TestValidateForPrograms(t *testing.T) {
	dir := write(t, map[string]string{"good.yaml": logFlow("good"), "bad.yaml": "id: bad\nnamespace: company.team\ntasks:\n  - {id: say, type: io.kestra.plugin.core.log.Lgo}\n"})
	r := command(t, "flow", "validate", dir, "-o", "json")
	if !errors.Is(r.err, errFailed) {
		t.Errorf("%v", r.err)
	}
	contains(t, r.out, `"valid": true`, `"valid": false`, `"line": 4`, `"severity": "error"`)
	contains(t, ok(t, "template", "validate", filepath.Join(dir, "good.yaml")), "valid")
	contains(t, ok(t, "plugin", "search", "log.log"), "io.kestra.plugin.core.log.Log")
	if r := command(t, "plugins", "install", "io.kestra:x", "--repositories=y"); r.err == nil || !strings.Contains(r.err.Error(), "part of the program") {
		t.Errorf("%v", r.err)
	}
	contains(t, ok(t, "config", "properties", "-o", "json"), `"variable": "WINDHOVER_RETENTION_LOGS"`)
}

// Every command says what it does, and takes the flags that its help names.
func TestHelp(t *testing.T) {
	var walk func(path []string)
	walk = func(path []string) {
		root := newRoot()
		cmd, _, err := root.Find(path)
		if err != nil {
			t.Fatal(err)
		}
		if cmd.Short == "" {
			t.Errorf("%v says nothing of itself", path)
		}
		if !cmd.DisableFlagParsing {
			contains(t, ok(t, append(path, "--help")...), "Usage:")
		}
		for _, sub := range cmd.Commands() {
			if !sub.Hidden && sub.Name() != "help" {
				walk(append(path[:len(path):len(path)], sub.Name()))
			}
		}
	}
	walk(nil)
}
