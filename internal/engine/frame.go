package engine

import (
	"container/heap"
	"slices"

	"github.com/windhover-io/windhover/internal/model"
)

// frame is the progress of one list of tasks with its errors, finally and (at the top) afterExecution lists: that of the
// flow itself, or of a flowable task run. All of it follows from the records of the children.
type frame struct {
	node  *node // nil at the top
	lists lists
	phase model.Section
	after bool // it is within afterExecution, which runs when the execution has ended

	next   [numSections]int // by section, the index of the first task after all that have begun
	open   int              // children that have not ended
	failed int              // of the main list only, as the fields below
	killed int
	warned int
	broken bool // the flowable itself failed: its expression, or no branch to take

	loop   *loop  // loops over values
	begun  []bool // Parallel and Dag: which tasks of the main list have begun; next is then the first that has not
	queued bool   // waits in the turn's worklist
}

const numSections = int(model.SectionOnPause) + 1

// lists are the tasks of each section, disabled ones left out.
type lists [numSections][]*model.Task

// loop is the progress of a flowable that runs its list once for each value.
type loop struct {
	values []string
	limit  int     // groups at once; 1 is one after the other, 0 without bound
	flat   bool    // EachParallel: every task of every value on its own, in any order
	done   []int   // the index of the first task after all that have begun, by group
	open   []int   // children that have not ended, by group
	next   int     // the first group that has not begun
	ready  intHeap // begun groups that may go on; some may be stale
	live   int     // children that have not ended
}

func newFrame(n *node, l lists) *frame { return &frame{node: n, lists: l} }

func rootLists(f *model.Flow) (l lists) {
	l[model.SectionTasks] = enabled(f.Tasks)
	l[model.SectionErrors] = enabled(f.Errors)
	l[model.SectionFinally] = enabled(f.Finally)
	l[model.SectionAfter] = enabled(f.AfterExecution)
	for _, listener := range f.Listeners {
		l[model.SectionAfter] = append(slices.Clip(l[model.SectionAfter]), enabled(listener.Tasks)...)
	}
	return l
}

func enabled(tasks []*model.Task) []*model.Task {
	for i, t := range tasks {
		if t.Disabled {
			out := append([]*model.Task{}, tasks[:i]...)
			for _, t := range tasks[i+1:] {
				if !t.Disabled {
					out = append(out, t)
				}
			}
			return out
		}
	}
	return tasks
}

// place returns the index of a child's task in its list, -1 if it is in none: tasks are told apart by their ids, since a
// replay on another revision brings task runs along whose tasks stand elsewhere there.
func (f *frame) place(n *node) int {
	sec := n.run.Engine.Section
	list := f.lists[sec]
	at := f.next[sec]
	if f.loop != nil && sec == model.SectionTasks && n.group < len(f.loop.done) {
		at = f.loop.done[n.group]
	}
	if at < len(list) && list[at].ID == n.run.TaskID {
		return at
	}
	return slices.IndexFunc(list, func(t *model.Task) bool { return t.ID == n.run.TaskID })
}

// attach counts a child that was just created, or that Load found.
func (f *frame) attach(n *node) {
	sec := n.run.Engine.Section
	if sec > f.phase {
		f.phase = sec
	}
	at := f.place(n)
	switch {
	case sec == model.SectionTasks && f.loop != nil:
		f.loop.attach(n, at)
	case sec == model.SectionTasks && f.begun != nil:
		f.begun[at] = true
		for f.next[sec] < len(f.begun) && f.begun[f.next[sec]] {
			f.next[sec]++
		}
	default:
		f.next[sec] = max(f.next[sec], at+1)
	}
	f.open++
	if n.ended() {
		f.childEnded(n)
	}
}

// childEnded counts a child that has just ended.
func (f *frame) childEnded(n *node) {
	sec := n.run.Engine.Section
	f.open--
	f.count(n.run.State.Current(), sec)
	if f.loop != nil && sec == model.SectionTasks {
		f.loop.release(n, len(f.lists[sec]))
	}
}

func (f *frame) count(s model.State, sec model.Section) {
	if sec != model.SectionTasks {
		return
	}
	switch s {
	case model.Failed:
		f.failed++
	case model.Killed:
		f.killed++
	case model.Warning:
		f.warned++
	}
}

// onFailure is what the list was told to do when one of its children fails.
func (f *frame) onFailure() string {
	if f.node == nil || f.broken {
		return ""
	}
	return f.node.run.Engine.OnFailure
}

// guess is the state that the children of the main list amount to.
func (f *frame) guess() model.State {
	switch {
	case f.killed > 0:
		return model.Killed
	case f.failed > 0 || f.broken:
		return model.Failed
	case f.warned > 0:
		return model.Warning
	}
	return model.Success
}

func newLoop(values []string, limit int, flat bool) *loop {
	return &loop{values: values, limit: limit, flat: flat,
		done: make([]int, len(values)), open: make([]int, len(values))}
}

func (l *loop) attach(n *node, at int) {
	g := n.group
	if g >= len(l.done) {
		return
	}
	if l.done[g] == 0 && g >= l.next {
		l.next = g + 1
	}
	l.done[g] = max(l.done[g], at+1)
	l.open[g]++
	l.live++
}

// release gives back the slot of a child that has ended; its group waits for another turn if it has tasks left.
func (l *loop) release(n *node, tasks int) {
	g := n.group
	if g >= len(l.done) {
		return
	}
	l.open[g]--
	l.live--
	if !l.flat && l.limit != 1 && l.done[g] < tasks {
		heap.Push(&l.ready, g)
	}
}

// pick returns the next task to begin: the index of its value and of the task within the list.
func (l *loop) pick(tasks int) (group, index int, ok bool) {
	if tasks == 0 {
		return 0, 0, false
	}
	switch {
	case l.limit > 0 && l.live >= l.limit:
		return 0, 0, false
	case l.limit == 1 || l.flat:
		return l.pickInOrder(tasks)
	}
	for len(l.ready) > 0 {
		if g := heap.Pop(&l.ready).(int); l.open[g] == 0 && l.done[g] < tasks {
			return g, l.done[g], true
		}
	}
	return l.next, 0, l.next < len(l.values)
}

func (l *loop) pickInOrder(tasks int) (group, index int, ok bool) {
	g := max(l.next-1, 0)
	for ; g < len(l.values); g++ {
		if l.done[g] < tasks {
			return g, l.done[g], true
		}
	}
	return 0, 0, false
}

type intHeap []int

func (h intHeap) Len() int           { return len(h) }
func (h intHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h intHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *intHeap) Push(x any)        { *h = append(*h, x.(int)) }
func (h *intHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
