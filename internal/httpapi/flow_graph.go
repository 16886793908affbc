package httpapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/flow"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

func (a *API) graphRoutes() {
	a.route("GET", "/flows/{namespace}/{id}/graph", a.flowGraph)
	a.route("POST", "/flows/graph", a.graphOfSource)
	a.route("GET", "/executions/{id}/graph", a.executionGraph)
	a.route("GET", "/flows/{namespace}/{id}/dependencies", a.flowDependencies)
	a.route("GET", "/namespaces/{namespace}/dependencies", a.namespaceDependencies)
	a.route("GET", "/dependencies", a.allDependencies)
}

func (a *API) flowGraph(w http.ResponseWriter, r *http.Request) error {
	f, err := a.flowAt(r)
	if err != nil {
		return err
	}
	return writeValue(w, flow.Graph(f, a.subflows(r)).Value(a.triggerStates(r.Context(), f), nil))
}

// subflows finds the flows of the subflows that a request wants to see with what stands in them, named by their uids.
func (a *API) subflows(r *http.Request) flow.Subflows {
	wanted := map[string]bool{}
	for _, list := range r.URL.Query()["subflows"] {
		for _, uid := range strings.Split(list, ",") {
			wanted[uid] = true
		}
	}
	return func(uid string, task *model.Task) *model.Flow {
		if !wanted[uid] {
			return nil
		}
		namespace, _ := task.Props.Get("namespace")
		id, _ := task.Props.Get("flowId")
		rev, _ := task.Props.Get("revision")
		revision, _ := value.AsInt(rev)
		f, err := a.Flows.Get(r.Context(), model.FlowKey{Tenant: Tenant, Namespace: value.Print(namespace), ID: value.Print(id), Revision: int(revision)})
		if err != nil { // it is not there, or named by an expression: then the task stays a single one
			return nil
		}
		return f
	}
}

// flowAt finds the flow that a request's path names, at the revision that it asks for.
func (a *API) flowAt(r *http.Request) (*model.Flow, error) {
	rev, err := whole(r.URL.Query(), "revision", 0)
	if err != nil {
		return nil, invalid("revision: not a number")
	}
	return a.Flows.Get(r.Context(), model.FlowKey{Tenant: Tenant, Namespace: r.PathValue("namespace"), ID: r.PathValue("id"), Revision: rev})
}

func (a *API) graphOfSource(w http.ResponseWriter, r *http.Request) error {
	src, err := readFlow(r)
	if err != nil {
		return err
	}
	f, err := a.compileFlow(src)
	if err != nil {
		return err
	}
	return writeValue(w, flow.Graph(f, a.subflows(r)).Value(nil, nil))
}

func (a *API) executionGraph(w http.ResponseWriter, r *http.Request) error {
	x, runs, err := a.loadExecution(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	f, err := a.Flows.Get(r.Context(), model.FlowKey{Tenant: Tenant, Namespace: x.Namespace, ID: x.FlowID, Revision: x.FlowRevision})
	if err != nil {
		return err
	}
	return writeValue(w, flow.ExecutionGraph(f, runs, a.subflows(r)).Value(a.triggerStates(r.Context(), f), a.taskRunValue))
}

// taskRunValue is a task run in a graph.
func (a *API) taskRunValue(run *model.TaskRun) any {
	e := a.encoder(512)
	e.taskRun(run)
	v, err := value.ParseJSON(e.b)
	if err != nil {
		return nil
	}
	return v
}

// triggerStates finds what is remembered of a flow's triggers.
func (a *API) triggerStates(ctx context.Context, f *model.Flow) func(id string) any {
	return func(id string) any {
		t, err := a.Backend.Triggers().Get(ctx, f.Tenant, f.Namespace, f.ID, id)
		if err != nil {
			return nil
		}
		m := value.NewMap(8)
		if m.UnmarshalJSON(mustJSON(t)) != nil {
			return nil
		}
		return m
	}
}

// dependency leads from a flow to one that it starts: by a task, or because its end is what the other's trigger waits for.
type dependency struct {
	Source   string `json:"source"`
	Target   string `json:"target"`
	Relation string `json:"relation"`
}

// flowNode is a flow among dependencies.
type flowNode struct {
	UID       string `json:"uid"`
	Namespace string `json:"namespace"`
	ID        string `json:"id"`
}

// topology is flows with their dependencies.
type topology struct {
	Nodes []flowNode   `json:"nodes"`
	Edges []dependency `json:"edges"`

	known map[string]flowNode
}

func nodeOf(key model.FlowKey) flowNode {
	return flowNode{key.Namespace + "_" + key.ID, key.Namespace, key.ID}
}

// topology reads the dependencies between all flows. Flows that are no longer valid have none.
func (a *API) topology(ctx context.Context) (*topology, error) {
	keys, err := a.flowKeys(ctx, backend.Query{Tenant: Tenant})
	if err != nil {
		return nil, err
	}
	t := &topology{known: map[string]flowNode{}}
	byNamespace := map[string][]string{}
	for _, key := range keys {
		n := nodeOf(key)
		t.known[n.UID] = n
		byNamespace[n.Namespace] = append(byNamespace[n.Namespace], n.UID)
	}
	for _, key := range keys {
		f, err := a.Flows.Get(ctx, key)
		if errors.Is(err, backend.ErrUnavailable) || errors.Is(err, context.Canceled) {
			return nil, err
		}
		if err != nil {
			continue
		}
		self := nodeOf(key).UID
		for _, d := range flow.Dependencies(f) {
			others := []string{nodeOf(model.FlowKey{Namespace: d.Namespace, ID: d.FlowID}).UID}
			if d.FlowID == "" {
				others = byNamespace[d.Namespace]
			}
			for _, other := range others {
				if _, ok := t.known[other]; ok {
					t.add(self, other, d)
				}
			}
		}
	}
	return t, nil
}

func (t *topology) add(self, other string, d flow.Dependency) {
	edge := dependency{self, other, d.Relation()}
	if d.ByTrigger {
		edge.Source, edge.Target = other, self
	}
	t.Edges = append(t.Edges, edge)
}

// around is the part of the topology that some flows belong to: their direct neighbours, or all that can be reached from
// them. With downstream, only edges away from them count.
func (t *topology) around(from []string, downstream, transitive bool) *topology {
	out := &topology{Nodes: []flowNode{}, Edges: []dependency{}}
	reached := map[string]bool{}
	for next := from; len(next) > 0; {
		here := next
		next = nil
		for _, uid := range here {
			reached[uid] = true
		}
		for _, e := range t.Edges {
			forth, back := slices.Contains(here, e.Source), !downstream && slices.Contains(here, e.Target)
			if !forth && !back || slices.Contains(out.Edges, e) {
				continue
			}
			out.Edges = append(out.Edges, e)
			for _, uid := range []string{e.Source, e.Target} {
				if !reached[uid] {
					reached[uid] = true
					next = append(next, uid)
				}
			}
		}
		if !transitive {
			break
		}
	}
	for uid := range reached {
		if n, ok := t.known[uid]; ok {
			out.Nodes = append(out.Nodes, n)
		}
	}
	slices.SortFunc(out.Nodes, func(a, b flowNode) int { return strings.Compare(a.UID, b.UID) })
	return out
}

func (a *API) flowDependencies(w http.ResponseWriter, r *http.Request) error {
	key := model.FlowKey{Tenant: Tenant, Namespace: r.PathValue("namespace"), ID: r.PathValue("id")}
	if _, err := a.Backend.Flows().Get(r.Context(), key, false); err != nil {
		return err
	}
	t, err := a.topology(r.Context())
	if err != nil {
		return err
	}
	v := r.URL.Query()
	return writeJSON(w, http.StatusOK, t.around([]string{nodeOf(key).UID}, v.Get("destinationOnly") == "true", v.Get("expandAll") == "true"))
}

func (a *API) namespaceDependencies(w http.ResponseWriter, r *http.Request) error {
	t, err := a.topology(r.Context())
	if err != nil {
		return err
	}
	var from []string
	for uid, n := range t.known {
		if n.Namespace == r.PathValue("namespace") {
			from = append(from, uid)
		}
	}
	return writeJSON(w, http.StatusOK, t.around(from, r.URL.Query().Get("destinationOnly") == "true", false))
}

// allDependencies are those between all flows; flows that have to do with no other are left out.
func (a *API) allDependencies(w http.ResponseWriter, r *http.Request) error {
	t, err := a.topology(r.Context())
	if err != nil {
		return err
	}
	var from []string
	for _, e := range t.Edges {
		from = append(from, e.Source)
	}
	return writeJSON(w, http.StatusOK, t.around(from, false, true))
}
