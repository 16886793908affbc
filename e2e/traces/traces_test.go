// Package traces runs executions and looks at what an OpenTelemetry collector gets to know of them.
package traces

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/windhover-io/windhover/internal/app"
	"github.com/windhover-io/windhover/internal/config"
)

const (
	child = `id: child
namespace: company.team
tasks:
  - {id: only, type: io.kestra.plugin.core.debug.Return, format: x}
`
	parent = `id: parent
namespace: company.team
tasks:
  - {id: ask, type: io.kestra.plugin.core.http.Request, uri: "%s"}
  - {id: each, type: io.kestra.plugin.core.flow.ForEach, values: [a, b], tasks: [{id: inner, type: io.kestra.plugin.core.debug.Return, format: x}]}
  - {id: sub, type: io.kestra.plugin.core.flow.Subflow, namespace: company.team, flowId: child}
  - {id: again, type: io.kestra.plugin.core.execution.Fail, errorMessage: no luck, retry: {type: constant, interval: PT0.01S, maxAttempts: 2}}
`
	outer = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
)

// receiver is a collector that keeps what it is told.
type receiver struct {
	mu    sync.Mutex
	spans []*trace.Span
	asked []string // the trace contexts that came with other requests
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if req.URL.Path != "/v1/traces" {
		r.asked = append(r.asked, req.Header.Get("traceparent"))
		return
	}
	b, err := io.ReadAll(req.Body)
	var told collector.ExportTraceServiceRequest
	if err != nil || proto.Unmarshal(b, &told) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	for _, rs := range told.ResourceSpans {
		if name := attribute(rs.Resource.Attributes, "service.name"); name != "windhover" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		for _, ss := range rs.ScopeSpans {
			r.spans = append(r.spans, ss.Spans...)
		}
	}
}

func attribute(list []*common.KeyValue, key string) string {
	for _, a := range list {
		if a.Key == key {
			return a.Value.GetStringValue()
		}
	}
	return ""
}

// run runs the parent flow once, with a trace context or without one, and returns the execution and all spans.
func run(t *testing.T, given string) (x execution, spans []*trace.Span, asked []string) {
	t.Helper()
	r := &receiver{}
	s := httptest.NewServer(r)
	defer s.Close()
	cfg := config.Default()
	cfg.Backend.Type, cfg.Storage.Type, cfg.Server.Grace, cfg.Server.Port, cfg.Tutorial = "memory", "memory", time.Second, 0, false
	cfg.Traces.Endpoint = s.URL + "/v1/traces"
	a, err := app.New(cfg, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for _, component := range []func(context.Context) error{a.Executor, a.Worker, a.Webserver} {
		if err := component(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for _, src := range []string{child, fmt.Sprintf(parent, s.URL+"/other")} {
		if f, problems, err := a.SaveFlow(ctx, "main", []byte(src)); f == nil || err != nil {
			t.Fatal(problems, err)
		}
	}
	req, err := http.NewRequest(http.MethodPost, a.URL()+"/api/v1/main/executions/company.team/parent?wait=true", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("traceparent", given)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&x); err != nil {
		t.Fatal(err)
	}
	if err := a.Stop(ctx); err != nil { // which tells all that is left to tell
		t.Fatal(err)
	}
	return x, r.spans, r.asked
}

type execution struct {
	ID          string
	State       state
	TaskRunList []struct {
		ID, TaskID string
		State      state
	}
}

type state struct {
	Current            string
	StartDate, EndDate time.Time
}

// lines tell of spans: their names, those around them, how they ended, their attempts and where they lead to.
func lines(spans []*trace.Span) []string {
	names := map[string]string{}
	for _, s := range spans {
		names[hex.EncodeToString(s.SpanId)] = s.Name
	}
	var out []string
	for _, s := range spans {
		line := s.Name + " in " + names[hex.EncodeToString(s.ParentSpanId)] + ": " + attribute(s.Attributes, "windhover.state")
		if v := attribute(s.Attributes, "windhover.value"); v != "" {
			line += ", value " + v
		}
		if s.Status.GetCode() == trace.Status_STATUS_CODE_ERROR {
			line += ", error " + s.Status.Message
		}
		for _, e := range s.Events {
			line += ", " + e.Name + " " + attribute(e.Attributes, "windhover.state")
		}
		for _, l := range s.Links {
			line += ", linked to " + names[hex.EncodeToString(l.SpanId)]
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}

func TestTraces(t *testing.T) {
	x, spans, asked := run(t, "")
	want := []string{
		"again in company.team.parent: FAILED, error no luck, attempt FAILED, attempt FAILED",
		"ask in company.team.parent: SUCCESS, attempt SUCCESS",
		"company.team.child in : SUCCESS, linked to sub",
		"company.team.parent in : FAILED, error FAILED",
		"each in company.team.parent: SUCCESS, attempt SUCCESS",
		"inner in each: SUCCESS, value a, attempt SUCCESS",
		"inner in each: SUCCESS, value b, attempt SUCCESS",
		"only in company.team.child: SUCCESS, attempt SUCCESS",
		"sub in company.team.parent: SUCCESS, attempt SUCCESS",
	}
	if diff := cmp.Diff(want, lines(spans)); diff != "" {
		t.Error(diff)
	}
	recorded := map[string]state{x.ID: x.State}
	for _, r := range x.TaskRunList {
		recorded[r.ID] = r.State
	}
	traces := map[string]string{}
	for _, s := range spans {
		id := attribute(s.Attributes, "windhover.taskrun.id") + attribute(s.Attributes, "windhover.execution.id")
		if at, ok := recorded[id]; ok {
			if begin, end := time.Unix(0, int64(s.StartTimeUnixNano)), time.Unix(0, int64(s.EndTimeUnixNano)); !begin.Equal(at.StartDate) || !end.Equal(at.EndDate) {
				t.Errorf("%s: from %s to %s, recorded from %s to %s", s.Name, begin, end, at.StartDate, at.EndDate)
			}
			delete(recorded, id)
		}
		traces[s.Name] = hex.EncodeToString(s.TraceId)
	}
	if len(recorded) > 0 {
		t.Errorf("not told of: %v", recorded)
	}
	if traces["company.team.child"] == traces["company.team.parent"] {
		t.Error("two executions are one trace")
	}
	for _, s := range spans {
		if s.Name == "ask" {
			if want := fmt.Sprintf("00-%x-%x-01", s.TraceId, s.SpanId); len(asked) != 1 || asked[0] != want {
				t.Errorf("passed on: %v, not %s", asked, want)
			}
		}
	}
}

// TestGiven has an execution within the trace of whoever has asked for it.
func TestGiven(t *testing.T) {
	_, spans, _ := run(t, outer)
	roots := 0
	for _, s := range spans {
		if got := hex.EncodeToString(s.TraceId); !strings.Contains(outer, got) {
			t.Errorf("%s is in the trace %s", s.Name, got)
		}
		if strings.Contains(outer, hex.EncodeToString(s.ParentSpanId)) {
			roots++
		}
	}
	if len(spans) != 9 || roots != 2 {
		t.Errorf("%d spans, %d of them directly within the given one", len(spans), roots)
	}
	if _, spans, _ := run(t, strings.TrimSuffix(outer, "01")+"00"); len(spans) != 0 {
		t.Errorf("%d spans of a trace that is not sampled", len(spans))
	}
}

// TestOff has nobody told unless a collector is named.
func TestOff(t *testing.T) {
	t.Setenv("OTEL_SDK_DISABLED", "true")
	if _, spans, asked := run(t, outer); len(spans) != 0 || len(asked) != 1 || asked[0] != outer {
		t.Errorf("%d spans; the given trace context goes on as %v", len(spans), asked)
	}
}
