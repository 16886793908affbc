package flow_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/flow"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

// recordedGraph is the part of a graph that is compared.
type recordedGraph struct {
	Nodes []struct {
		UID          string
		Type         string
		Error        bool
		RelationType string
		Task         map[string]any
	}
	Edges []struct {
		Source, Target string
		Relation       struct{ RelationType, Value string }
	}
	Clusters []struct {
		Cluster struct {
			UID          string
			Error        bool
			RelationType string
			TaskNode     *struct{ UID string }
		}
		Nodes, Parents []string
		Start, End     string
	}
}

// normal returns the graph as sorted lines, the ids of starts and ends replaced by their kind.
func (g recordedGraph) normal() []string {
	names := map[string]string{}
	for _, n := range g.Nodes {
		names[n.UID] = n.UID
		if n.Type == flow.GraphStart || n.Type == flow.GraphEnd {
			names[n.UID] = n.UID[:strings.LastIndexByte(n.UID, '.')] + n.Type[strings.LastIndexByte(n.Type, '.'):]
		}
	}
	name := func(uid string) string {
		if n, ok := names[uid]; ok {
			return n
		}
		return uid
	}
	var out []string
	for _, n := range g.Nodes {
		out = append(out, fmt.Sprintf("node %s %s error=%v %s task=%v", name(n.UID), n.Type, n.Error, n.RelationType, n.Task["type"]))
	}
	for _, e := range g.Edges {
		out = append(out, fmt.Sprintf("edge %s -> %s %s %s", name(e.Source), name(e.Target), e.Relation.RelationType, e.Relation.Value))
	}
	for _, c := range g.Clusters {
		var inside []string
		for _, n := range c.Nodes {
			inside = append(inside, name(n))
		}
		slices.Sort(inside)
		task := ""
		if c.Cluster.TaskNode != nil {
			task = c.Cluster.TaskNode.UID
		}
		out = append(out, fmt.Sprintf("cluster %s %v %s task=%s nodes=%v parents=%v %s..%s", c.Cluster.UID, c.Cluster.Error,
			c.Cluster.RelationType, task, inside, c.Parents, name(c.Start), name(c.End)))
	}
	slices.Sort(out)
	return out
}

func TestGraphAsRecorded(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shared(t, "contract/shapes"), "graph-*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no graphs: %v", err)
	}
	compared := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var shape struct {
			Status  int
			Request struct{ Path, Body string }
			Body    json.RawMessage
		}
		if err := json.Unmarshal(raw, &shape); err != nil {
			t.Fatal(err)
		}
		if shape.Status != 200 {
			continue
		}
		compared++
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			src := []byte(shape.Request.Body)
			if len(src) == 0 {
				id := strings.Split(shape.Request.Path, "/")[3]
				if src, err = os.ReadFile(filepath.Join(shared(t, "conformance/flows"), id+".yaml")); err != nil {
					t.Fatal(err)
				}
			}
			var want, got recordedGraph
			if err := json.Unmarshal(shape.Body, &want); err != nil {
				t.Fatal(err)
			}
			decodeGraph(t, flow.Graph(mustCompile(t, string(src)), nil), &got)
			if d := cmp.Diff(want.normal(), got.normal()); d != "" {
				t.Error(d)
			}
		})
	}
	if compared == 0 {
		t.Fatal("no graph was compared")
	}
}

func decodeGraph(t *testing.T, g *flow.Topology, into any) {
	t.Helper()
	raw := value.AppendJSON(nil, g.Value(nil, nil), value.JSONOptions{})
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

func mustCompile(t testing.TB, src string) *model.Flow {
	t.Helper()
	f, problems := flow.Compile([]byte(src), options)
	if f == nil {
		for _, p := range problems {
			t.Errorf("%s\n%s", p, yamldoc.Snippet([]byte(src), p))
		}
		t.FailNow()
	}
	return f
}

func TestGraphOfSections(t *testing.T) {
	f := mustCompile(t, `
id: f
namespace: n
tasks:
  - {id: a, type: io.kestra.plugin.core.log.Log, message: x}
finally:
  - {id: b, type: io.kestra.plugin.core.log.Log, message: x}
errors:
  - {id: e, type: io.kestra.plugin.core.log.Log, message: x}
afterExecution:
  - {id: c, type: io.kestra.plugin.core.log.Log, message: x}
`)
	var g recordedGraph
	decodeGraph(t, flow.Graph(f, nil), &g)
	var edges []string
	for _, line := range g.normal() {
		if strings.HasPrefix(line, "edge") {
			edges = append(edges, strings.TrimSpace(line))
		}
	}
	want := []string{
		"edge root.GraphClusterRoot -> root.a",
		"edge root.GraphClusterRoot -> root.e ERROR",
		"edge root.a -> root.b FINALLY",
		"edge root.b -> root.c AFTER_EXECUTION",
		"edge root.c -> root.GraphClusterEnd",
		"edge root.e -> root.b FINALLY",
	}
	if d := cmp.Diff(want, edges); d != "" {
		t.Error(d)
	}
}

func TestExecutionGraph(t *testing.T) {
	f := mustCompile(t, `
id: f
namespace: n
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [x, y]
    tasks:
      - {id: a, type: io.kestra.plugin.core.log.Log, message: x}
      - {id: b, type: io.kestra.plugin.core.log.Log, message: x}
  - {id: later, type: io.kestra.plugin.core.log.Log, message: x}
`)
	x, y := "x", "y"
	g := flow.ExecutionGraph(f, []*model.TaskRun{
		{ID: "1", TaskID: "each"}, {ID: "2", TaskID: "a", ParentID: "1", Value: &x}, {ID: "3", TaskID: "b", ParentID: "1", Value: &x},
		{ID: "4", TaskID: "a", ParentID: "1", Value: &y},
	}, nil)
	got := map[string]string{}
	for _, n := range g.Nodes {
		switch {
		case n.Task == nil:
		case n.Run == nil:
			got[n.UID] = ""
		default:
			got[n.UID] = n.Run.ID
		}
	}
	want := map[string]string{"root.each": "1", "root.each.a_x": "2", "root.each.b_x": "3", "root.each.a_y": "4", "root.later": ""}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestGraphWithSubflows(t *testing.T) {
	child := mustCompile(t, "id: child\nnamespace: a\ntasks:\n  - {id: say, type: io.kestra.plugin.core.log.Log, message: x}\n"+
		"  - {id: again, type: io.kestra.plugin.core.flow.Subflow, namespace: a, flowId: parent}\n")
	parent := mustCompile(t, "id: parent\nnamespace: a\ntasks:\n  - {id: say, type: io.kestra.plugin.core.debug.Return, format: y}\n"+
		"  - {id: call, type: io.kestra.plugin.core.flow.Subflow, namespace: a, flowId: child}\n")
	var asked []string
	g := flow.Graph(parent, func(uid string, task *model.Task) *model.Flow {
		asked = append(asked, uid)
		id, _ := task.Props.Get("flowId")
		return map[any]*model.Flow{"child": child, "parent": parent}[id]
	})
	if diff := cmp.Diff([]string{"root.call", "root.call.again"}, asked); diff != "" {
		t.Error("asked for:", diff)
	}
	var shown recordedGraph
	decodeGraph(t, g, &shown)
	types := map[string]any{}
	for _, n := range shown.Nodes {
		types[n.UID] = n.Task["type"]
	}
	for uid, want := range map[string]string{ // a task of the subflow is not taken for the one of the same name around it
		"root.say": "io.kestra.plugin.core.debug.Return", "root.call": "io.kestra.plugin.core.flow.Subflow",
		"root.call.say": "io.kestra.plugin.core.log.Log", "root.call.again": "io.kestra.plugin.core.flow.Subflow",
	} {
		if types[uid] != want {
			t.Errorf("%s is %v, want %s", uid, types[uid], want)
		}
	}
	if len(shown.Clusters) != 1 || shown.Clusters[0].Cluster.UID != "cluster_root.call" || !g.Clusters[0].Subflow {
		t.Errorf("clusters: %+v", shown.Clusters)
	}
}
