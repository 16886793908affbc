package flow

import (
	"maps"
	"slices"

	"github.com/windhover-io/windhover/internal/model"
)

// graphBuilder builds a Topology.
type graphBuilder struct {
	g    *Topology
	flow *model.Flow
	runs map[runKey][]*model.TaskRun
	// expand finds the flows of subflows, nil where none is shown; within holds those that are shown now, outermost first.
	expand Subflows
	within []*model.Flow
}

// runKey finds the task runs of a task below one of its parent.
type runKey struct{ parent, task string }

// scope is where vertices are added: the cluster they belong to, with the clusters around it and the path of ids.
type scope struct {
	cluster *Cluster
	parents []string
	path    string
	from    string         // what the first of several vertices follows
	run     *model.TaskRun // that of the cluster
}

// tail is a vertex that something may follow.
type tail struct {
	uid   string
	value string
}

// bounds adds the start and the end of a cluster.
func (b *graphBuilder) bounds(c *Cluster, path string, branch Relation) {
	c.Start = path + "." + model.DeriveID("graph", b.flow.Namespace, b.flow.ID, path, "start")
	c.End = path + "." + model.DeriveID("graph", b.flow.Namespace, b.flow.ID, path, "end")
	b.g.Nodes = append(b.g.Nodes, &Vertex{UID: c.Start, Type: GraphStart, Branch: branch}, &Vertex{UID: c.End, Type: GraphEnd, Branch: branch})
}

func (b *graphBuilder) edge(source, target string, r Relation, value string) {
	b.g.Edges = append(b.g.Edges, Edge{source, target, r, value})
}

// close leads everything that nothing follows to the end of the cluster.
func (b *graphBuilder) close(tails []tail, end string) {
	for _, t := range tails {
		b.edge(t.uid, end, "", "")
	}
}

// triggers adds the cluster of the triggers, which leads to the start of the flow.
func (b *graphBuilder) triggers(root *Cluster) {
	if len(b.flow.Triggers) == 0 {
		return
	}
	const path = "root.Triggers"
	c := &Cluster{UID: "cluster_" + path, Parents: []string{}}
	b.bounds(c, path, "")
	c.Nodes = []string{c.Start, c.End}
	b.g.Clusters = append(b.g.Clusters, c)
	b.edge(c.End, root.Start, "", "")
	for _, t := range b.flow.Triggers {
		v := &Vertex{UID: path + "." + t.ID, Type: GraphTrigger, Trigger: t}
		b.g.Nodes = append(b.g.Nodes, v)
		c.Nodes = append(c.Nodes, v.UID)
		b.edge(c.Start, v.UID, "", "")
		b.edge(v.UID, c.End, "", "")
	}
}

// chain adds tasks that follow one another and returns what comes last. Relation is that of the edges; the edge to the
// first task at the very top has none.
func (b *graphBuilder) chain(s scope, tasks []*model.Task, r Relation, branch Relation, value string) []tail {
	var last []tail
	for i, t := range tasks {
		in, out := b.task(s, t, b.runOf(s, t, value), leafRelation(r), branch)
		switch {
		case i > 0:
			for _, l := range last {
				b.edge(l.uid, in, r, value)
			}
		case s.path == "root" && branch == "":
			b.edge(s.from, in, "", "")
		default:
			b.edge(s.from, in, r, value)
		}
		last = out
	}
	return last
}

// leafRelation is the relation that tasks show which stand in a list of one.
func leafRelation(r Relation) Relation {
	if r == RelChoice || r == RelDynamic {
		return RelSequential
	}
	return r
}

func (b *graphBuilder) runOf(s scope, t *model.Task, value string) *model.TaskRun {
	parent := ""
	if s.run != nil {
		parent = s.run.ID
	}
	for _, r := range b.runs[runKey{parent, t.ID}] {
		if r.Value == nil || *r.Value == value {
			return r
		}
	}
	return nil
}

// task adds a task with all that stands in it and returns where it begins and what comes last.
func (b *graphBuilder) task(s scope, t *model.Task, run *model.TaskRun, r, branch Relation) (in string, out []tail) {
	v := &Vertex{UID: s.path + "." + t.ID, Type: GraphTask, Task: t, Run: run, Relation: r, Branch: branch}
	if run != nil && run.Value != nil {
		v.UID += "_" + *run.Value
	}
	switch {
	case isCluster(t):
		return b.flowable(s, t, v)
	case t.Kind == model.KindSubflow || t.Kind == model.KindBatches:
		v.Type = GraphSubflow
		if in, out, ok := b.subflow(s, v); ok {
			return in, out
		}
	}
	b.g.Nodes = append(b.g.Nodes, v)
	s.cluster.Nodes = append(s.cluster.Nodes, v.UID)
	return v.UID, []tail{{v.UID, ""}}
}

// isCluster tells whether a task is shown with what stands in it.
func isCluster(t *model.Task) bool {
	if t.Kind == model.KindPause {
		return len(t.Tasks)+len(t.Errors)+len(t.Finally) > 0
	}
	return t.Kind.Flowable() || t.Kind == model.KindWorkingDirectory
}

// flowable adds a task as a cluster.
func (b *graphBuilder) flowable(s scope, t *model.Task, v *Vertex) (in string, out []tail) {
	v.Relation = relationOf(t)
	c, inner := b.cluster(s, v)
	b.g.Flowables = append(b.g.Flowables, t.ID)
	tails := b.children(inner, t)
	if len(tails) == 0 {
		tails = []tail{{v.UID, ""}}
	}
	inner.from = c.Start
	b.close(b.handlers(inner, tails, t.Errors, t.Finally), c.End)
	return c.Start, []tail{{c.End, ""}}
}

// cluster adds a cluster around a vertex and returns it with the scope of what stands in it.
func (b *graphBuilder) cluster(s scope, v *Vertex) (*Cluster, scope) {
	c := &Cluster{UID: "cluster_" + v.UID, Task: v, Parents: slices.Clone(s.parents), Branch: v.Branch}
	if c.Parents == nil {
		c.Parents = []string{}
	}
	b.bounds(c, v.UID, v.Branch)
	c.Nodes = []string{c.Start, c.End, v.UID}
	b.g.Nodes = append(b.g.Nodes, v)
	b.g.Clusters = append(b.g.Clusters, c)
	s.cluster.Nodes = append(s.cluster.Nodes, c.UID, c.Start, c.End)
	b.edge(c.Start, v.UID, "", "")
	return c, scope{cluster: c, parents: append(slices.Clone(s.parents), c.UID), path: v.UID, from: v.UID, run: v.Run}
}

// subflow adds a subflow with what stands in it, if it is to be shown so. A flow is not shown within itself.
func (b *graphBuilder) subflow(s scope, v *Vertex) (in string, out []tail, ok bool) {
	if b.expand == nil {
		return "", nil, false
	}
	f := b.expand(v.UID, v.Task)
	if f == nil || sameFlow(b.flow)(f) || slices.ContainsFunc(b.within, sameFlow(f)) {
		return "", nil, false
	}
	maps.Copy(b.g.documents, documentsOf(f))
	c, inner := b.cluster(s, v)
	c.Subflow = true
	b.within = append(b.within, f)
	tails := b.whole(inner, f)
	b.within = b.within[:len(b.within)-1]
	b.close(tails, c.End)
	return c.Start, []tail{{c.End, ""}}, true
}

// sameFlow tells flows that have the same name, at whichever revision.
func sameFlow(a *model.Flow) func(*model.Flow) bool {
	return func(b *model.Flow) bool { return a.Namespace == b.Namespace && a.ID == b.ID }
}

// whole adds all tasks of a flow and returns what comes last.
func (b *graphBuilder) whole(s scope, f *model.Flow) []tail {
	tails := b.chain(s, f.Tasks, RelSequential, "", "")
	if len(f.Tasks) == 0 {
		tails = []tail{{s.from, ""}}
	}
	s.from = s.cluster.Start
	tails = b.handlers(s, tails, f.Errors, f.Finally)
	if len(f.AfterExecution) > 0 {
		tails = b.section(s, tails, f.AfterExecution, RelAfter)
	}
	return tails
}

// relationOf tells how a flowable runs its children.
func relationOf(t *model.Task) Relation {
	switch t.Kind {
	case model.KindParallel:
		return RelParallel
	case model.KindIf, model.KindSwitch:
		return RelChoice
	case model.KindDag, model.KindForEach, model.KindEachSequential, model.KindEachParallel, model.KindLoop, model.KindForEachItem:
		return RelDynamic
	}
	return RelSequential
}

// children adds the tasks of a flowable.
func (b *graphBuilder) children(s scope, t *model.Task) []tail {
	switch t.Kind {
	case model.KindParallel:
		return b.fan(s, t.Tasks, RelParallel)
	case model.KindDag:
		return b.dag(s, t)
	case model.KindIf:
		return append(b.branch(s, t.Tasks, "then"), b.branch(s, t.Else, "else")...)
	case model.KindSwitch:
		var tails []tail
		for _, c := range t.Cases {
			tails = append(tails, b.branch(s, c.Tasks, c.Value)...)
		}
		return append(tails, b.branch(s, t.Defaults, "defaults")...)
	case model.KindForEach, model.KindEachSequential, model.KindEachParallel, model.KindLoop:
		return b.loop(s, t)
	}
	return b.chain(s, t.Tasks, relationOf(t), "", "")
}

// fan adds tasks that begin together.
func (b *graphBuilder) fan(s scope, tasks []*model.Task, r Relation) []tail {
	var tails []tail
	for _, t := range tasks {
		in, out := b.task(s, t, b.runOf(s, t, ""), r, "")
		b.edge(s.from, in, r, "")
		tails = append(tails, out...)
	}
	return tails
}

// branch adds the tasks of one branch.
func (b *graphBuilder) branch(s scope, tasks []*model.Task, value string) []tail {
	if len(tasks) == 0 {
		return nil
	}
	in, out := b.task(s, tasks[0], b.runOf(s, tasks[0], ""), RelSequential, "")
	b.edge(s.from, in, RelChoice, value)
	for _, t := range tasks[1:] {
		in, next := b.task(s, t, b.runOf(s, t, ""), RelSequential, "")
		for _, l := range out {
			b.edge(l.uid, in, RelSequential, value)
		}
		out = next
	}
	return out
}

// dag adds tasks behind what they depend on.
func (b *graphBuilder) dag(s scope, t *model.Task) []tail {
	ends := map[string][]tail{}
	begins := map[string]string{}
	needed := map[string]bool{}
	for _, child := range t.Tasks {
		begins[child.ID], ends[child.ID] = b.task(s, child, b.runOf(s, child, ""), RelSequential, "")
		for _, id := range child.DependsOn {
			needed[id] = true
		}
	}
	var tails []tail
	for _, child := range t.Tasks {
		if len(child.DependsOn) == 0 {
			b.edge(s.from, begins[child.ID], RelParallel, "")
		}
		for _, id := range child.DependsOn {
			for _, l := range ends[id] {
				b.edge(l.uid, begins[child.ID], RelParallel, "")
			}
		}
		if !needed[child.ID] {
			tails = append(tails, ends[child.ID]...)
		}
	}
	return tails
}

// loop adds the tasks of a loop: once, or in an execution once for each value that has begun.
func (b *graphBuilder) loop(s scope, t *model.Task) []tail {
	values := b.valuesBelow(s, t)
	if len(values) == 0 {
		return b.chain(s, t.Tasks, RelDynamic, "", "")
	}
	var tails []tail
	for _, v := range values {
		var begun []*model.Task
		for _, child := range t.Tasks {
			if b.runOf(s, child, v) != nil {
				begun = append(begun, child)
			}
		}
		tails = append(tails, b.chain(s, begun, RelDynamic, "", v)...)
	}
	return tails
}

// valuesBelow lists the values of the task runs of a loop's tasks, in the order in which they began.
func (b *graphBuilder) valuesBelow(s scope, t *model.Task) []string {
	if s.run == nil {
		return nil
	}
	var out []string
	seen := map[string]bool{}
	for _, child := range t.Tasks {
		for _, r := range b.runs[runKey{s.run.ID, child.ID}] {
			if r.Value != nil && !seen[*r.Value] {
				seen[*r.Value] = true
				out = append(out, *r.Value)
			}
		}
	}
	return out
}

// handlers adds the errors and finally tasks behind what comes last and returns what comes last then.
func (b *graphBuilder) handlers(s scope, tails []tail, errs, finally []*model.Task) []tail {
	if len(errs) > 0 {
		s.from = s.cluster.Start
		tails = append(tails, b.chain(s, errs, RelError, RelError, "")...)
	}
	if len(finally) > 0 {
		tails = b.section(s, tails, finally, RelFinally)
	}
	return tails
}

// section adds tasks that follow everything before them.
func (b *graphBuilder) section(s scope, tails []tail, tasks []*model.Task, r Relation) []tail {
	for _, t := range tasks {
		in, out := b.task(s, t, b.runOf(s, t, ""), r, r)
		for _, l := range tails {
			b.edge(l.uid, in, r, "")
		}
		tails = out
	}
	return tails
}
