package script

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// listen lets a listener hear what is written to standard output.
func listen(t *testing.T, text string) (*sdktest.Run, *listener) {
	run := sdktest.New(t)
	l := &listener{run: run, vars: value.NewMap(0)}
	out := l.out()
	_, _ = out.Write([]byte(text))
	out.close()
	return run, l
}

func TestOutputs(t *testing.T) {
	for _, c := range []struct {
		text, vars, logged string
		lines              int
	}{
		{`::{"outputs":{"a":1,"b":{"c":[true,null,1.5]}}}::` + "\n", `{"a":1,"b":{"c":[true,null,1.5]}}`, "", 1},
		{`::{"outputs":{"a":1,"b":2}}::` + "\n" + `::{"outputs":{"a":3}}::` + "\n", `{"a":3,"b":2}`, "", 2},
		{`::{"outputs":{"a":"::"}}::`, `{"a":"::"}`, "", 1},
		{`before ::{"outputs":{"a":1}}::`, `{}`, `before ::{"outputs":{"a":1}}::`, 1},
		{`::{"outputs":{"a":1}}:: `, `{}`, `::{"outputs":{"a":1}}:: `, 1},
		{`::{}::` + "\n", `{}`, "", 1},
		{`::{"outputs":null,"other":1}::`, `{}`, "", 1},
		{"::{nonsense}::\n", `{}`, "a line that looks like outputs is not JSON and is left out: ", 1},
		{`::{"encryptedOutputs":{"key":"s3cret"}}::`, `{"key":{"type":"io.kestra.datatype:aes_encrypted","value":"encrypted:s3cret"}}`, "", 1},
	} {
		run, l := listen(t, c.text)
		if got := value.Print(l.vars); got != c.vars {
			t.Errorf("%s: vars are %s, not %s", c.text, got, c.vars)
		}
		if got := run.Logged(); got != c.logged && (c.logged == "" || !strings.HasPrefix(got, c.logged)) {
			t.Errorf("%s: it logs %q, not %q", c.text, got, c.logged)
		}
		if l.stdout != c.lines {
			t.Errorf("%s: %d lines", c.text, l.stdout)
		}
	}
}

func TestMetrics(t *testing.T) {
	run, _ := listen(t, `::{"metrics":[{"name":"rows","type":"counter","value":3,"tags":{"table":"t","n":1}},{"name":"took","type":"timer","value":1.5}]}::
::{"metrics":[{"name":"took","type":"TIMER","value":"PT2S"},{"name":"load","type":"gauge","value":0.5}]}::
::{"metrics":[{"type":"counter","value":1},{"name":"x","type":"counter","value":"many"},{"name":"y","type":"odd","value":1},{"name":"z","type":"timer","value":"soon"},7]}::
`)
	want := []sdktest.Metric{
		{Type: "counter", Name: "rows", Value: 3, Tags: map[string]string{"table": "t", "n": "1"}},
		{Type: "timer", Name: "took", Value: 1500}, {Type: "timer", Name: "took", Value: 2000}, {Type: "gauge", Name: "load", Value: 0.5},
	}
	if diff := cmp.Diff(want, run.Metrics); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	if n := strings.Count(run.Logged(), "a metric is left out: "); n != 5 {
		t.Errorf("%d are said to be left out: %s", n, run.Logged())
	}
}

func TestLogs(t *testing.T) {
	run, _ := listen(t, `::{"logs":[{"level":"WARN","message":"careful"},{"level":"debug","message":"detail"},{"level":"LOUD","message":"x"},"y"]}::`)
	want := []sdktest.Line{{Level: sdk.LevelWarn, Text: "careful"}, {Level: sdk.LevelDebug, Text: "detail"}}
	if len(run.Logs) != 4 || !slices.Equal(run.Logs[:2], want) || strings.Count(run.Logged(), "a log line is left out") != 2 {
		t.Errorf("it logs %v", run.Logs)
	}
}

func TestQuietLines(t *testing.T) {
	run, l := listen(t, quiet+"\nbefore\n"+loud+"\nafter\n")
	want := []sdktest.Line{{Level: sdk.LevelDebug, Text: "before"}, {Level: sdk.LevelInfo, Text: "after"}}
	if !slices.Equal(run.Logs, want) || l.stdout != 2 {
		t.Errorf("it logs %v, %d lines", run.Logs, l.stdout)
	}
}

// However much a script tells, what is kept is bounded.
func TestOutputsAreBounded(t *testing.T) {
	run := sdktest.New(t)
	l := &listener{run: run, vars: value.NewMap(0)}
	out := l.out()
	big := strings.Repeat("x", 1<<20)
	for i := range 2 * maxVars >> 20 {
		_, _ = out.Write([]byte(`::{"outputs":{"v` + string(rune('a'+i%26)) + string(rune('a'+i/26)) + `":"` + big + `"}}::` + "\n"))
	}
	kept := 0
	for _, v := range l.vars.All() {
		kept += len(v.(string))
	}
	if kept > maxVars || kept < maxVars-2<<20 || !strings.Contains(run.Logged(), "outputs are left out") {
		t.Errorf("%d bytes are kept; it logs %.100q", kept, run.Logged())
	}
}
