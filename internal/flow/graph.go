package flow

import (
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// Topology is a flow, or an execution of it, as a graph for people to look at. Every flowable is a cluster with a start
// and an end; edges lead from what comes first to what follows.
type Topology struct {
	Nodes    []*Vertex
	Edges    []Edge
	Clusters []*Cluster
	// Flowables are the ids of the tasks that are clusters.
	Flowables []string

	documents map[any]*value.Map // how tasks and triggers are written, by *model.Task and *model.Trigger
}

// Vertex is a task, a trigger, or the start or end of a cluster.
type Vertex struct {
	UID      string // the path of ids that leads to it
	Type     string // one of the Graph types
	Task     *model.Task
	Trigger  *model.Trigger
	Run      *model.TaskRun // in the graph of an execution, where the task has run
	Relation Relation       // how the task runs its children, or stands among others
	Branch   Relation       // ERROR, FINALLY or AFTER_EXECUTION for tasks in such a list, else ""
}

// The types of vertices, as clients know them.
const (
	GraphTask    = "io.kestra.core.models.hierarchies.GraphTask"
	GraphSubflow = "io.kestra.core.models.hierarchies.SubflowGraphTask"
	GraphTrigger = "io.kestra.core.models.hierarchies.GraphTrigger"
	GraphStart   = "io.kestra.core.models.hierarchies.GraphClusterRoot"
	GraphEnd     = "io.kestra.core.models.hierarchies.GraphClusterEnd"
	graphCluster = "io.kestra.core.models.hierarchies.GraphCluster"
	// A subflow that is shown with what stands in it.
	subflowCluster = "io.kestra.core.models.hierarchies.SubflowGraphCluster"
)

// Relation tells how one vertex follows another.
type Relation string

// The relations.
const (
	RelSequential Relation = "SEQUENTIAL"
	RelParallel   Relation = "PARALLEL"
	RelChoice     Relation = "CHOICE"
	RelDynamic    Relation = "DYNAMIC"
	RelError      Relation = "ERROR"
	RelFinally    Relation = "FINALLY"
	RelAfter      Relation = "AFTER_EXECUTION"
)

// Edge leads from one vertex to another.
type Edge struct {
	Source, Target string
	Relation       Relation // "" where it only leads into a cluster or out of it
	Value          string   // of a branch, or of a loop
}

// Cluster is a flowable, a subflow, or all triggers.
type Cluster struct {
	UID        string
	Task       *Vertex // nil for the cluster of triggers
	Start, End string
	Nodes      []string
	Parents    []string // outermost first
	Branch     Relation
	Subflow    bool
}

// Subflows finds the flow that a vertex is to be shown with: its uid tells which vertex it is, the task names the flow. It
// returns nil where the vertex is shown as a single task.
type Subflows func(uid string, task *model.Task) *model.Flow

// Graph returns a flow as a graph. expand may be nil: then all subflows are single tasks.
func Graph(f *model.Flow, expand Subflows) *Topology { return ExecutionGraph(f, nil, expand) }

// ExecutionGraph returns an execution of a flow as a graph: tasks have their task runs, and those in a loop stand there
// once for each value.
// What is in a subflow has none: it ran in another execution.
func ExecutionGraph(f *model.Flow, runs []*model.TaskRun, expand Subflows) *Topology {
	b := &graphBuilder{g: &Topology{documents: documentsOf(f)}, flow: f, runs: map[runKey][]*model.TaskRun{}, expand: expand}
	for _, r := range runs {
		key := runKey{r.ParentID, r.TaskID}
		b.runs[key] = append(b.runs[key], r)
	}
	root := &Cluster{UID: "root"}
	b.bounds(root, "root", "")
	b.triggers(root)
	s := scope{cluster: root, path: "root", from: root.Start}
	b.close(b.whole(s, f), root.End)
	return b.g
}

// documentsOf finds the tasks and triggers in a flow's document.
func documentsOf(f *model.Flow) map[any]*value.Map {
	out := map[any]*value.Map{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case *value.Map:
			id, _ := v.Get("id")
			if name, ok := id.(string); ok && v.Has("type") && f.ByID[name] != nil && out[f.ByID[name]] == nil {
				out[f.ByID[name]] = v
			}
			for _, e := range v.All() {
				walk(e)
			}
		}
	}
	for _, key := range []string{"tasks", "errors", "finally", "afterExecution", "listeners"} {
		list, _ := f.Document.Get(key)
		walk(list)
	}
	list, _ := f.Document.Get("triggers")
	triggers, _ := list.([]any)
	for _, e := range triggers {
		for _, t := range f.Triggers {
			if m, ok := e.(*value.Map); ok && textOf(m, "id") == t.ID {
				out[t] = m
			}
		}
	}
	return out
}

// Value is the graph as data for the API. trigger returns what is known of a trigger's state and run a task run as the
// API shows it; both may be nil.
func (g *Topology) Value(trigger func(id string) any, run func(*model.TaskRun) any) *value.Map {
	nodes, edges, clusters := make([]any, len(g.Nodes)), make([]any, len(g.Edges)), make([]any, len(g.Clusters))
	for i, n := range g.Nodes {
		nodes[i] = g.vertexValue(n, trigger, run)
	}
	for i, e := range g.Edges {
		relation := value.NewMap(2)
		set(relation, "relationType", string(e.Relation))
		set(relation, "value", e.Value)
		edges[i] = value.MapOf(value.Entry{Key: "source", Value: e.Source}, value.Entry{Key: "target", Value: e.Target},
			value.Entry{Key: "relation", Value: relation})
	}
	for i, c := range g.Clusters {
		typ := graphCluster
		if c.Subflow {
			typ = subflowCluster
		}
		inner := value.MapOf(value.Entry{Key: "uid", Value: c.UID}, value.Entry{Key: "type", Value: typ},
			value.Entry{Key: "error", Value: c.Branch == RelError})
		set(inner, "branchType", string(c.Branch))
		if c.Task != nil {
			inner.Set("relationType", string(c.Task.Relation))
			inner.Set("taskNode", g.vertexValue(c.Task, trigger, run))
		}
		clusters[i] = value.MapOf(value.Entry{Key: "cluster", Value: inner}, value.Entry{Key: "nodes", Value: anyList(c.Nodes)},
			value.Entry{Key: "parents", Value: anyList(c.Parents)}, value.Entry{Key: "start", Value: c.Start},
			value.Entry{Key: "end", Value: c.End})
	}
	return value.MapOf(value.Entry{Key: "nodes", Value: nodes}, value.Entry{Key: "edges", Value: edges},
		value.Entry{Key: "clusters", Value: clusters}, value.Entry{Key: "flowables", Value: anyList(g.Flowables)})
}

func (g *Topology) vertexValue(n *Vertex, trigger func(string) any, run func(*model.TaskRun) any) *value.Map {
	m := value.MapOf(value.Entry{Key: "uid", Value: n.UID}, value.Entry{Key: "type", Value: n.Type},
		value.Entry{Key: "error", Value: n.Branch == RelError})
	set(m, "branchType", string(n.Branch))
	if n.Trigger != nil {
		m.Set("triggerDeclaration", g.documents[n.Trigger])
		if trigger != nil {
			if state := trigger(n.Trigger.ID); state != nil {
				m.Set("trigger", state)
			}
		}
	}
	if n.Task != nil {
		doc := g.documents[n.Task]
		if doc == nil { // it is not written but follows from another one
			doc = value.MapOf(value.Entry{Key: "id", Value: n.Task.ID}, value.Entry{Key: "type", Value: n.Task.Type})
		}
		m.Set("task", doc)
		if n.Run != nil && run != nil {
			m.Set("taskRun", run(n.Run))
			values := []any{}
			if n.Run.Value != nil {
				values = append(values, *n.Run.Value)
			}
			m.Set("values", values)
		}
		m.Set("relationType", string(n.Relation))
	}
	return m
}

func set(m *value.Map, key, text string) {
	if text != "" {
		m.Set(key, text)
	}
}

func anyList(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}
