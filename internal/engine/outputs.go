package engine

import (
	"slices"

	"github.com/windhover-io/windhover/internal/value"
)

// outputsOf is the variable outputs: task id to outputs, with a level of its own for the value of each loop around the
// task. Nothing of it is built but what is read, since an execution may have very many task runs.
type outputsOf struct {
	x *turn
	n *node // who reads; nil for the execution's own expressions
}

// Get returns the outputs of a task.
func (o outputsOf) Get(task string) (any, bool) {
	var path []string
	if o.n != nil {
		path = o.n.path[:o.x.s.shared(task, o.n)]
	}
	return o.x.s.outputsAt(task, path, o.x.reveal)
}

// shared is how many values of the reader's path lead to an iteration of a Loop that is around a task, too: within it the
// task's outputs are read directly.
func (s *State) shared(task string, reader *node) int {
	t := s.Flow.ByID[task]
	if t == nil || reader.task == nil {
		return 0
	}
	return min(t.Shared(reader.task), len(reader.path))
}

// Map builds the outputs of all tasks, in the order in which they first ran.
func (o outputsOf) Map() *value.Map {
	m := value.NewMap(len(o.x.s.byTask))
	for n := range o.x.s.all() {
		if m.Has(n.run.TaskID) {
			continue
		}
		if v, ok := o.Get(n.run.TaskID); ok {
			if lazy, isObject := v.(value.Object); isObject {
				v = lazy.Map()
			}
			m.Set(n.run.TaskID, v)
		}
	}
	return m
}

// reveal decrypts the encrypted values among a task run's outputs.
func (x *turn) reveal(m *value.Map) *value.Map {
	if x.env.Decrypt == nil || m == nil {
		return m
	}
	out, _ := Reveal(m, x.decrypt).(*value.Map)
	return out
}

// outputsBelow is what outputs.TASK[value]… stands for while values are still to come.
type outputsBelow struct {
	s      *State
	task   string
	path   []string
	reveal func(*value.Map) *value.Map
}

// Get goes one value deeper.
func (o outputsBelow) Get(val string) (any, bool) {
	return o.s.outputsAt(o.task, append(o.path[:len(o.path):len(o.path)], val), o.reveal)
}

// Map builds all that lies below.
func (o outputsBelow) Map() *value.Map {
	m := value.NewMap(0)
	for _, n := range o.s.byTask[o.task].nodes {
		if n.gone || !hasPrefix(n.path, o.path) {
			continue
		}
		out := o.reveal(n.visible())
		if out == nil {
			continue
		}
		at := m
		for _, v := range n.path[len(o.path):] {
			sub, _ := at.Get(v)
			next, ok := sub.(*value.Map)
			if !ok {
				next = value.NewMap(1)
				at.Set(v, next)
			}
			at = next
		}
		mergeInto(at, out)
	}
	return m
}

// outputsAt returns what a path of values within a task's outputs holds: the outputs themselves where a task run has
// exactly that path, else what lies below.
func (s *State) outputsAt(task string, path []string, reveal func(*value.Map) *value.Map) (any, bool) {
	nodes := s.byTask[task].nodes
	if len(nodes) == 0 {
		return nil, false
	}
	if len(path) == 0 && len(nodes[0].path) > 0 {
		return outputsBelow{s, task, nil, reveal}, s.anyVisible(nodes)
	}
	var exact *value.Map
	below := false
	for _, n := range s.candidates(task, path) {
		switch {
		case n.gone || !hasPrefix(n.path, path) || n.visible() == nil:
		case len(n.path) > len(path):
			below = true
		case exact == nil:
			exact = reveal(n.visible())
		default:
			exact = exact.Clone()
			mergeInto(exact, reveal(n.visible()))
		}
	}
	if exact == nil && below {
		return outputsBelow{s, task, path, reveal}, true
	}
	if exact == nil {
		return nil, false
	}
	return exact, true
}

func (s *State) anyVisible(nodes []*node) bool {
	return slices.ContainsFunc(nodes, func(n *node) bool { return !n.gone && n.visible() != nil })
}

// runsOf are the task runs of one task, by creation, with the dropped ones that are still among them.
type runsOf struct {
	nodes  []*node
	gone   int
	values *valueIndex // once it is worth it
}

// valueIndex finds the task runs of one task by the value of the outermost or of the innermost loop around them.
type valueIndex struct {
	nodes map[string][]*node
	upTo  int // nodes of the task that are in it
}

// candidates are the task runs of a task that may have the path: for a large loop, those of its first value only.
func (s *State) candidates(task string, path []string) []*node {
	of := s.byTask[task]
	if len(path) == 0 || len(of.nodes) < 16 {
		return of.nodes
	}
	if of.values == nil {
		of.values = &valueIndex{nodes: map[string][]*node{}}
		s.byTask[task] = of
	}
	last := path[len(path)-1]
	if len(path) < len(of.nodes[0].path) {
		last = path[0]
	}
	return of.values.find(last, of.nodes)
}

// find returns the nodes that have the value; those of the task that are new are entered first.
func (ix *valueIndex) find(val string, nodes []*node) []*node {
	for ; ix.upTo < len(nodes); ix.upTo++ {
		n := nodes[ix.upTo]
		if len(n.path) > 0 {
			key := n.path[len(n.path)-1]
			ix.nodes[key] = append(ix.nodes[key], n)
			if first := n.path[0]; first != key {
				ix.nodes[first] = append(ix.nodes[first], n)
			}
		}
	}
	found := ix.nodes[val]
	for len(found) > 0 && found[0].gone { // the turns of a loop go oldest first
		found = found[1:]
	}
	ix.nodes[val] = found
	return found
}

// visible returns the outputs as expressions see them: a flowable without any has an empty map, a task without any none.
func (n *node) visible() *value.Map {
	if out := n.outputs(); out != nil {
		return out
	}
	if n.task != nil && n.task.Kind.Flowable() {
		return emptyMap
	}
	return nil
}

var emptyMap = value.NewMap(0)

func hasPrefix(path, prefix []string) bool {
	return len(path) >= len(prefix) && slices.Equal(path[:len(prefix)], prefix)
}

// mergeInto adds the members of one map to another: maps member by member, lists one after the other, of other values the
// last counts, and a null replaces nothing.
func mergeInto(dst, src *value.Map) {
	for k, v := range src.All() {
		old, ok := dst.Get(k)
		if v == nil && ok {
			continue
		}
		switch v := v.(type) {
		case *value.Map:
			if m, isMap := old.(*value.Map); isMap {
				c := m.Clone()
				mergeInto(c, v)
				dst.Set(k, c)
				continue
			}
		case []any:
			if l, isList := old.([]any); isList {
				dst.Set(k, append(l[:len(l):len(l)], v...))
				continue
			}
		}
		dst.Set(k, v)
	}
}
