package engine

import (
	"iter"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// State is an execution in the hands of its owner: its records, and indexes over them that make the cost of a step
// independent of their number. Everything in the indexes is derived from the records, so Load rebuilds it.
//
// A State belongs to one goroutine. The records that it points to are never changed once a Step has returned.
type State struct {
	Flow    *model.Flow
	Exec    *model.Execution
	Version int64
	// Gone is set when the execution was deleted: nothing brings it back.
	Gone bool

	nodes  map[string]*node // by task run id
	order  []*node          // by creation; those that were dropped are passed over until there are too many of them
	gone   int              // how many of order were dropped
	byTask map[string]runsOf
	root   *frame
	timers map[string]model.Timer
	tally  tally
	putOff []*node // what the engine has to go on with: see defer.go
}

// tally counts the task runs that something is still to happen to, by what that is. From it follows whether an execution
// is running, paused or between two tries.
type tally struct{ busy, paused, retrying int }

// node is a task run with its place in the execution.
type node struct {
	run    *model.TaskRun
	task   *model.Task // nil for a task run that a job created by itself
	parent *frame      // what it counts in; nil for a Pause's onPause task
	kids   []*node     // the task runs directly below it, by creation
	frame  *frame      // its children, if it is a flowable
	gone   bool        // it was dropped
	turn   int64       // the turn in which run was copied for writing
	group  int         // the index of its value in the loop around it
	parsed *value.Map  // outputs, once read
	path   []string    // the values of the loops around it, outermost first, its own last
}

// Load builds the state of an execution from its records, ordered by creation.
func Load(flow *model.Flow, exec *model.Execution, runs []*model.TaskRun, timers []model.Timer, version int64) *State {
	s := &State{Flow: flow, Exec: exec, Version: version, timers: map[string]model.Timer{}}
	for _, t := range timers {
		s.timers[t.ID] = t
	}
	s.index(runs)
	return s
}

// New returns the state of an execution that does not exist yet: it takes a create event and nothing else.
func New() *State { return &State{timers: map[string]model.Timer{}} }

// Exists tells whether the execution has been created.
func (s *State) Exists() bool { return s.Exec != nil }

// Records returns the task runs in the order of their creation.
func (s *State) Records() []*model.TaskRun {
	out := make([]*model.TaskRun, 0, len(s.order)-s.gone)
	for n := range s.all() {
		out = append(out, n.run)
	}
	return out
}

// Done tells whether nothing will happen to the execution any more unless somebody asks for it.
func (s *State) Done() bool { return s.Exec == nil || s.Exec.Engine.Finished }

// all yields the task runs in the order of their creation; those that are added meanwhile are not among them.
func (s *State) all() iter.Seq[*node] {
	return func(yield func(*node) bool) {
		for _, n := range s.order {
			if !n.gone && !yield(n) {
				return
			}
		}
	}
}

// newestFirst yields the task runs against the order of their creation.
func (s *State) newestFirst() iter.Seq[*node] {
	return func(yield func(*node) bool) {
		for _, n := range slices.Backward(s.order) {
			if !n.gone && !yield(n) {
				return
			}
		}
	}
}

// up yields a task run and what is around it, innermost first.
func (s *State) up(n *node) iter.Seq[*node] {
	return func(yield func(*node) bool) {
		for ; n != nil && yield(n); n = s.nodes[n.run.ParentID] {
		}
	}
}

// drop takes a task run out of every index but its parent's, whose children the caller sees to.
func (s *State) drop(n *node) {
	n.gone = true
	delete(s.nodes, n.run.ID)
	of := s.byTask[n.run.TaskID]
	of.gone++
	if crowded(of.gone, len(of.nodes)) {
		of = runsOf{nodes: live(of.nodes)}
	}
	s.byTask[n.run.TaskID] = of
	if s.gone++; crowded(s.gone, len(s.order)) {
		s.order, s.gone = live(s.order), 0
	}
}

// crowded tells when a list has so many dropped entries that passing over them costs more than a new list.
func crowded(gone, all int) bool { return gone > 16 && 2*gone > all }

func live(nodes []*node) []*node {
	return slices.DeleteFunc(slices.Clone(nodes), func(n *node) bool { return n.gone })
}

// Resting tells whether nothing is expected to happen to the execution before a time: it waits for a person, for a slot, or
// for a timer that is due later. Its owner need not keep it in memory.
func (s *State) Resting(until time.Time) bool {
	if s.tally.busy > 0 {
		return false
	}
	for _, id := range slices.Sorted(maps.Keys(s.timers)) {
		if s.timers[id].Due.Before(until) {
			return false
		}
	}
	return true
}

// index rebuilds everything that is derived from the records.
func (s *State) index(runs []*model.TaskRun) {
	s.nodes = make(map[string]*node, len(runs))
	s.byTask = map[string]runsOf{}
	s.order, s.gone = make([]*node, 0, len(runs)), 0
	s.root, s.tally, s.putOff = nil, tally{}, nil
	if s.Flow == nil || s.Exec == nil {
		return
	}
	s.root = newFrame(nil, rootLists(s.Flow))
	for _, run := range runs {
		s.attach(run)
	}
	for _, n := range s.order {
		if n.waitsForEngine() {
			s.putOff = append(s.putOff, n)
		}
	}
	if s.Exec.State.Current().Terminated() {
		s.root.phase = model.SectionAfter
	}
}

// attach enters a task run into the indexes and returns its node.
func (s *State) attach(run *model.TaskRun) *node {
	n := &node{run: run, task: s.Flow.ByID[run.TaskID], group: run.Engine.Group}
	if run.Dynamic {
		n.task = nil
	}
	s.nodes[run.ID] = n
	s.order = append(s.order, n)
	of := s.byTask[run.TaskID]
	of.nodes = append(of.nodes, n)
	s.byTask[run.TaskID] = of
	if p := s.nodes[run.ParentID]; p != nil {
		p.kids = append(p.kids, n)
	}
	n.parent = s.frameFor(n)
	n.path = s.valuePath(n)
	if n.waitsForChildren() {
		n.frame = s.frameOf(n)
	}
	if n.parent != nil {
		n.parent.attach(n)
	}
	s.tally.add(n.class(), 1)
	return n
}

// frameFor returns the frame that the task run counts in, nil if it counts in none: children of a WorkingDirectory are
// reported by one job, all at once; and after a restart on another revision there may be task runs that ended and whose
// tasks have gone elsewhere.
func (s *State) frameFor(n *node) *frame {
	run := n.run
	if run.Engine.Section == model.SectionOnPause || n.task == nil {
		return nil
	}
	f := s.root
	if run.ParentID != "" {
		p := s.nodes[run.ParentID]
		if p == nil || !p.waitsForChildren() {
			return nil
		}
		if p.frame == nil {
			p.frame = s.frameOf(p)
		}
		f = p.frame
	}
	if f.place(n) < 0 {
		return nil
	}
	return f
}

func (s *State) valuePath(n *node) []string {
	var path []string
	if p := s.nodes[n.run.ParentID]; p != nil {
		path = p.path
	}
	if n.run.Value == nil {
		return path
	}
	return append(path[:len(path):len(path)], *n.run.Value)
}

// class tells what is still to happen to a task run itself; its children are counted on their own.
func (n *node) class() class {
	switch c := n.run.State.Current(); {
	case c.Terminated():
		return idle
	case c.IsPaused():
		return paused
	case c == model.Retrying:
		return retrying
	case n.waitsForChildren():
		return idle
	}
	return busy
}

// waitsForChildren tells whether the task run, while it is open, is moved by its children only.
func (n *node) waitsForChildren() bool {
	return n.task != nil && (n.task.Kind.Flowable() || n.run.Engine.JobEnd != 0)
}

type class uint8

const (
	idle class = iota
	busy
	paused
	retrying
)

func (t *tally) add(c class, by int) {
	switch c {
	case busy:
		t.busy += by
	case paused:
		t.paused += by
	case retrying:
		t.retrying += by
	}
}

// outputs returns the task run's outputs as a map, nil if it has none.
func (n *node) outputs() *value.Map {
	if n.parsed == nil && len(n.run.Outputs) > 0 {
		if v, err := value.ParseJSON(n.run.Outputs); err == nil {
			n.parsed, _ = v.(*value.Map)
		}
	}
	return n.parsed
}

// ended tells whether the task run has come to an end.
func (n *node) ended() bool { return n.run.State.Current().Terminated() }

// lastAttempt returns the newest attempt, nil if there is none.
func (n *node) lastAttempt() *model.Attempt {
	if len(n.run.Attempts) == 0 {
		return nil
	}
	return &n.run.Attempts[len(n.run.Attempts)-1]
}

// taskRunID derives the id of a child task run: the same child of the same parent always has the same id, whatever is
// delivered twice. Restarts and turns of a loop tell apart children that replace others.
func taskRunID(exec *model.Execution, parent string, task *model.Task, group, turn int) string {
	return model.DeriveID("taskrun", exec.ID, strconv.Itoa(exec.Metadata.AttemptNumber), parent, task.ID,
		strconv.Itoa(group), strconv.Itoa(turn))
}

// laterOf keeps event time from going back.
func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
