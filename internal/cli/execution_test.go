package cli

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

const inputsFlow = `id: inputs
namespace: company.team
inputs:
  - id: name
    type: STRING
  - id: data
    type: FILE
    required: false
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "{{ inputs.name }}: {{ inputs.data is defined ? read(inputs.data) : 'nothing' }}"
  - id: detail
    type: io.kestra.plugin.core.log.Log
    level: DEBUG
    message: detail
outputs:
  - id: greeting
    type: STRING
    value: "hello {{ inputs.name }}"
`

const failFlow = `id: fails
namespace: company.team
tasks:
  - id: fail
    type: io.kestra.plugin.core.execution.Fail
    errorMessage: no luck
`

const pauseFlow = `id: pauses
namespace: company.team
tasks:
  - id: before
    type: io.kestra.plugin.core.log.Log
    message: before
  - id: wait
    type: io.kestra.plugin.core.flow.Pause
`

// flows starts a server with flows.
func flows(t *testing.T, sources ...string) {
	t.Helper()
	t.Setenv("WINDHOVER_SERVER", server(t, nil))
	files := map[string]string{}
	for i, src := range sources {
		files[string(rune('a'+i))+".yaml"] = src
	}
	ok(t, "flow", "updates", write(t, files))
}

func TestExecutionFollowed(t *testing.T) {
	flows(t, inputsFlow)
	dir := write(t, map[string]string{"data.csv": "1,2,3", "name.txt": "Ada"})
	args := []string{"execution", "create", "company.team", "inputs", "--input", "name=@" + filepath.Join(dir, "name.txt"),
		"--input", "data=@" + filepath.Join(dir, "data.csv"), "--label", "team=a"}
	r := command(t, append(args, "--follow", "-o", "json")...)
	if r.err != nil {
		t.Fatalf("%v\n%s", r.err, r.errOut)
	}
	contains(t, r.errOut, "INFO", "say", "Ada: 1,2,3", "DEBUG", "detail")
	var x struct {
		execution
		Labels []struct{ Key, Value string }
	}
	if err := json.Unmarshal([]byte(r.out), &x); err != nil {
		t.Fatal(err)
	}
	if x.State.Current != "SUCCESS" || !strings.Contains(string(x.Outputs), "hello Ada") || len(x.Labels) == 0 || x.Labels[0].Key != "team" {
		t.Errorf("execution: %+v", x)
	}

	contains(t, ok(t, "execution", "get", x.ID), x.ID, "SUCCESS", "TASK RUN", "say", "detail")
	all := ok(t, "execution", "logs", x.ID)
	contains(t, all, "Ada: 1,2,3", "detail")
	if some := ok(t, "execution", "logs", x.ID, "--level", "info", "--task", "say"); strings.Contains(some, "detail") || !strings.Contains(some, "Ada") {
		t.Errorf("lines of say from INFO on:\n%s", some)
	}
	if followed := ok(t, "execution", "logs", x.ID, "--follow"); followed != all {
		t.Errorf("followed:\n%s\nlisted:\n%s", followed, all)
	}
	for line := range strings.Lines(ok(t, "execution", "logs", x.ID, "--follow", "-o", "json")) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not a line of JSON: %s", line)
		}
	}
	contains(t, ok(t, "execution", "explain", x.ID), "SUCCESS")

	replayed := okJSON[execution](t, "execution", "replay", x.ID, "--input", "name=Bob")
	if replayed.ID == x.ID {
		t.Error("a replay is a new execution")
	}
	contains(t, ok(t, "execution", "follow", replayed.ID), "SUCCESS")
	list := okJSON[found[execution]](t, "execution", "list", "-n", "company", "--state", "SUCCESS,FAILED", "--flow", "inputs")
	if len(list.Results) != 2 {
		t.Errorf("executions: %+v", list)
	}
	ok(t, "execution", "delete", x.ID)
	var told *apiError
	if r := command(t, "execution", "get", x.ID); !errors.As(r.err, &told) || told.Status != 404 {
		t.Errorf("it was deleted: %v", r.err)
	}
}

func TestExecutionThatFails(t *testing.T) {
	flows(t, failFlow)
	r := command(t, "execution", "create", "company.team", "fails", "--wait", "-o", "json")
	if !errors.Is(r.err, errFailed) || r.errOut != "" {
		t.Fatalf("error %v, log %q", r.err, r.errOut)
	}
	var x execution
	if err := json.Unmarshal([]byte(r.out), &x); err != nil || x.State.Current != "FAILED" {
		t.Fatalf("%v\n%s", err, r.out)
	}
	ok(t, "execution", "restart", x.ID)
	r = command(t, "execution", "follow", x.ID)
	if !errors.Is(r.err, errFailed) || strings.Count(r.errOut, "no luck") < 2 {
		t.Errorf("after the restart: %v\n%s", r.err, r.errOut)
	}
	if r := command(t, "execution", "kill", x.ID); !errors.Is(r.err, errFailed) || !strings.HasPrefix(r.errOut, x.ID+": ") {
		t.Errorf("what has ended was killed: %v %s", r.err, r.errOut)
	}
}

func TestExecutionPaused(t *testing.T) {
	flows(t, pauseFlow)
	for _, c := range []struct{ action, want string }{{"resume", "SUCCESS"}, {"kill", "KILLED"}} {
		x := okJSON[execution](t, "execution", "create", "company.team", "pauses")
		awaitPause(t, x.ID)
		ok(t, "execution", c.action, x.ID)
		contains(t, command(t, "execution", "follow", x.ID).out, c.want)
	}
}

// awaitPause follows an execution until it waits for a person.
func awaitPause(t *testing.T, id string) {
	t.Helper()
	o := &options{}
	o.conn.server, o.conn.tenant = serverAddress(), "main"
	paused := errors.New("paused")
	err := o.client().stream(t.Context(), executionPath(id, "follow"), nil, func(data []byte, _ bool) error {
		var x execution
		if err := json.Unmarshal(data, &x); err != nil || x.State.Current != "PAUSED" {
			return err
		}
		return paused
	})
	if !errors.Is(err, paused) {
		t.Fatalf("it does not pause: %v", err)
	}
	contains(t, ok(t, "execution", "explain", id), "FOR", "wait")
}

func TestExecutionRefused(t *testing.T) {
	flows(t, inputsFlow)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"create", "company.team", "inputs"}, "name"},
		{[]string{"create", "company.team", "nothing"}, "Flow not found"},
		{[]string{"create", "company.team", "inputs", "-i", "name"}, "expected KEY=VALUE"},
		{[]string{"create", "company.team", "inputs", "-i", "data=@/does/not/exist"}, "/does/not/exist"},
		{[]string{"create", "company.team", "inputs", "--label", "x"}, "expected KEY=VALUE"},
		{[]string{"logs", "nothing", "--follow"}, "Not Found"},
		{[]string{"explain", "nothing"}, "Not Found"},
		{[]string{"logs", "x", "--follow", "-o", "yaml"}, "--follow prints no yaml"},
	} {
		r := command(t, append([]string{"execution"}, c.args...)...)
		if r.err == nil || !strings.Contains(r.err.Error(), c.want) {
			t.Errorf("%v: error %v, want %q", c.args, r.err, c.want)
		}
	}
}

func TestReadEvents(t *testing.T) {
	for _, c := range []struct {
		name, stream, want string
		err                error
	}{
		{"to the end", "id: start\ndata: {}\n\nid: progress\ndata: 1\n\n: alive\n\nid:end\ndata:2\n\n", "1 2.", nil},
		{"several lines", "id: progress\r\ndata: a\r\ndata: b\r\n\r\nid: end\ndata: c\n\n", "a\nb c.", nil},
		{"cut", "id: progress\ndata: 1\n\nid: progress\ndata: 2\n", "1 ", errCut},
		{"empty", "", "", errCut},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got strings.Builder
			err := readEvents(strings.NewReader(c.stream), func(data []byte, end bool) error {
				got.Write(data)
				got.WriteString(map[bool]string{false: " ", true: "."}[end])
				return nil
			})
			if !errors.Is(err, c.err) || got.String() != c.want {
				t.Errorf("%q, %v; want %q, %v", got.String(), err, c.want, c.err)
			}
		})
	}
}

func TestCellsAreHarmless(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "two\nlines": "two lines", "\x1b[31mred\a": "[31mred", strings.Repeat("é", 200): strings.Repeat("é", maxCell-1) + "…",
	} {
		if got := strings.TrimSpace(cell(in)); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}
