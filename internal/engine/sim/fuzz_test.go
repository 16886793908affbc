package sim

import (
	"flag"
	"fmt"
	"math/rand"
	"strings"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/model"
)

// choices are what a fuzzer decides: each asks for the next byte; when they are used up, the first of everything is taken.
type choices []byte

func (c *choices) of(n int) int {
	if len(*c) == 0 {
		return 0
	}
	b := (*c)[0]
	*c = (*c)[1:]
	return int(b) % n
}

func (c *choices) pick(from ...string) string { return from[c.of(len(from))] }

// FuzzEvents lets chance write small flows and send their executions whatever can happen, in any order and again. Whatever
// that is: nothing panics, what has ended has nothing open, what has not waits for somebody (see Cluster.check and Prove), an
// event that comes again changes nothing, and memory and store never differ (see Cluster.Strict).
func FuzzEvents(f *testing.F) {
	f.Add([]byte("a flow"), []byte("what happens"))
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, []byte{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3})
	f.Fuzz(func(t *testing.T, shape, happens []byte) {
		if len(shape) > 200 || len(happens) > 400 {
			t.Skip("long inputs find what short ones do")
		}
		w := &flowWriter{choices: shape}
		src := w.flow()
		if err := play(t, src, happens); err != nil {
			t.Fatalf("%v\nin\n%s", err, src)
		}
	})
}

var (
	seeds = flag.Int64("seeds", 1000, "how many executions TestChance plays")
	show  = flag.Bool("show", false, "write every transition")
	from  = flag.Int64("from", 0, "the seed of the first")
)

// TestChance does as FuzzEvents does with inputs of its own, the same ones every time.
func TestChance(t *testing.T) {
	n := *seeds
	if testing.Short() {
		n = min(n, 100)
	}
	for seed := *from; seed < *from+n; seed++ {
		rng := rand.New(rand.NewSource(seed))
		shape, happens := make([]byte, 40+rng.Intn(60)), make([]byte, 50+rng.Intn(250))
		rng.Read(shape)
		rng.Read(happens)
		w := &flowWriter{choices: shape}
		src := w.flow()
		if err := play(t, src, happens); err != nil {
			t.Fatalf("seed %d: %v\nin\n%s", seed, err, src)
		}
	}
}

func play(t *testing.T, src string, happens choices) error {
	flows := compileAll(t, src)
	c := New(1, flows...)
	c.Strict = true
	c.Large = happens.of(2) * 2 // put off from two task runs on, or as the engine does
	if *show {
		c.Trace = func(ev *model.Event, tr *model.Transition) { fmt.Println(ev.Kind, ev.ID, ev.To.ID, text(tr)) }
	}
	c.Start(flows[0], model.DeriveID("fuzz"))
	if happens.of(2) == 0 {
		c.Start(flows[0], model.DeriveID("fuzz", "2"))
	}
	for n := 0; len(happens) > 0; n++ {
		if err := happen(c, &happens, n); err != nil {
			return err
		}
	}
	return c.Run(limit)
}

// happen does the next thing that chance decides.
func happen(c *Cluster, ch *choices, n int) error {
	switch ch.of(10) {
	case 0, 1, 2, 3:
		if len(c.inbox) > 0 {
			return c.deliver(ch.of(len(c.inbox)))
		}
	case 4:
		if len(c.inbox) > 0 {
			ev := c.inbox[ch.of(len(c.inbox))]
			c.Send(ev)
		}
	case 5, 6:
		if len(c.jobs) > 0 {
			reportSome(c, ch)
		}
	case 7:
		_, err := c.Tick()
		return err
	case 8:
		c.memory = map[model.Entity]any{}
	case 9:
		act(c, ch, n)
	}
	c.Advance(time.Duration(ch.of(3)) * time.Second)
	return nil
}

func reportSome(c *Cluster, ch *choices) {
	job := c.jobs[ch.of(len(c.jobs))]
	r := &model.JobReport{ID: job.ID, TaskRunID: job.TaskRun.ID, Attempt: job.Attempt, Started: c.Now, Ended: c.Now}
	switch ch.of(5) {
	case 0:
		c.Report(job, model.EventJobStarted, r)
	case 1:
		c.Report(job, model.EventJobLost, r)
	case 2:
		r.State = model.Failed
		c.Report(job, model.EventJobEnded, r)
	case 3:
		r.State = model.Killed
		c.Report(job, model.EventJobEnded, r)
	default:
		c.Take(job)
		c.Report(job, model.EventJobEnded, c.Do(job))
	}
}

var fuzzActions = []model.EventKind{
	model.EventKill, model.EventRestart, model.EventReplay, model.EventPause, model.EventResume, model.EventChangeState,
	model.EventChangeStatus, model.EventLabels, model.EventUnqueue, model.EventForceRun, model.EventDelete,
}

func act(c *Cluster, ch *choices, n int) {
	ids := c.Executions()
	if len(ids) == 0 {
		return
	}
	id := ids[ch.of(len(ids))]
	states := model.States()
	a := &model.Action{Cascade: ch.of(4) > 0, Force: ch.of(3) == 0, Revision: ch.of(3), Labels: []model.Label{{Key: "k", Value: "v"}}}
	if runs := c.Runs(id); len(runs) > 0 && ch.of(2) == 0 {
		a.TaskRunID = runs[ch.of(len(runs))].ID
	}
	kind := fuzzActions[ch.of(len(fuzzActions))]
	switch kind {
	case model.EventResume, model.EventUnqueue: // what the API lets through
		a.State = []model.State{0, model.Success, model.Warning, model.Failed, model.Cancelled}[ch.of(5)]
	case model.EventChangeState, model.EventChangeStatus:
		a.State = states[ch.of(len(states))]
	}
	if ch.of(3) == 0 {
		a.Breakpoints = []model.TaskBreakpoint{{ID: fmt.Sprint("t", ch.of(6))}}
	}
	c.Send(model.Event{ID: fmt.Sprint("act", n), To: model.ExecutionEntity(id), Kind: kind, At: c.Now, Ask: "me", Action: a})
}

// flowWriter writes flows by chance.
type flowWriter struct {
	choices
	tasks int
}

const others = `
---
id: child
tasks: [{id: c, ok}]
---
id: failing
retry: {type: constant, interval: PT5S, maxAttempts: 2, behavior: CREATE_NEW_EXECUTION}
tasks: [{id: c, bad}]`

func (w *flowWriter) flow() string {
	head := "id: f\n"
	head += w.pick("", "", "", "concurrency: {limit: 1, behavior: QUEUE}\n", "concurrency: {limit: 1, behavior: CANCEL}\n")
	head += w.pick("", "", "", "sla: [{id: s, type: MAX_DURATION, duration: PT3S, behavior: FAIL}]\n", "sla: [{id: s, type: MAX_DURATION, duration: PT3S, behavior: CANCEL}]\n")
	head += w.pick("", "", "", "retry: {type: constant, interval: PT5S, maxAttempts: 2}\n", "retry: {type: constant, interval: PT5S, maxAttempts: 2, behavior: CREATE_NEW_EXECUTION}\n")
	head += w.pick("", "", `outputs: [{id: o, type: STRING, value: "{{ outputs.t1.value }}"}]`+"\n")
	first := head + "tasks: " + w.list(3) + "\n"
	for _, section := range []string{"errors", "finally", "afterExecution"} {
		if w.of(3) == 0 {
			first += section + ": " + w.list(1) + "\n"
		}
	}
	if w.of(4) == 0 {
		first += `listeners: [{conditions: [{type: io.kestra.plugin.core.condition.Expression, expression: "{{ kv('k') }}"}], tasks: ` + w.list(1) + "}]\n"
	}
	second := "\n---\nid: f\ntasks: [{id: t0, ok}, {id: new, ok}, {id: t2, bad}]\n"
	return strings.TrimRight(first, "\n") + strings.TrimRight(second, "\n") + others
}

func (w *flowWriter) list(depth int) string {
	tasks := []string{w.task(depth)}
	for len(tasks) < 4 && w.of(3) > 0 {
		tasks = append(tasks, w.task(depth))
	}
	return "[" + strings.Join(tasks, ", ") + "]"
}

func (w *flowWriter) task(depth int) string {
	id := fmt.Sprint("{id: t", w.tasks)
	w.tasks++
	more := w.pick("", "", "", ", allowFailure: true", `, runIf: "{{ kv('k') == 'x' }}"`, `, runIf: "{{ kv('k') != 'x' }}"`, `, runIf: "{{ nothing.there }}"`, ", disabled: true")
	if depth == 0 || w.tasks > 12 || w.of(2) == 0 {
		return id + w.leaf() + more + "}"
	}
	around := ""
	for _, section := range []string{"errors", "finally"} {
		if w.of(4) == 0 {
			around += ", " + section + ": " + w.list(0)
		}
	}
	return id + w.flowable(depth-1) + around + more + "}"
}

func (w *flowWriter) leaf() string {
	return w.pick(", ok", ", ok", ", bad", ", bad, retry: {type: constant, interval: PT2S, maxAttempts: 2}",
		", bad, retry: {type: constant, interval: PT2S, maxAttempts: 2, behavior: CREATE_NEW_EXECUTION}",
		", type: flow.Pause", ", type: flow.Pause, pauseDuration: PT4S", ", type: flow.Pause, pauseDuration: PT4S, behavior: CANCEL",
		", type: flow.Pause, timeout: PT4S", ", type: flow.Subflow, namespace: s, flowId: child", ", type: flow.Subflow, namespace: s, flowId: failing",
		", type: flow.Subflow, namespace: s, flowId: child, wait: false", ", type: flow.Subflow, namespace: s, flowId: missing",
		", type: execution.Labels, labels: {a: b}", ", type: execution.Exit, state: WARNING", ", type: execution.Exit, state: KILLED",
		", type: execution.SetVariables, variables: {v: \"{{ kv('k') }}\"}")
}

func (w *flowWriter) flowable(depth int) string {
	onFailure := func() string { return w.pick("", "", ", onChildFailure: CANCEL", ", onChildFailure: CONTINUE") }
	switch w.of(12) {
	case 0:
		return ", type: flow.Sequential, tasks: " + w.list(depth)
	case 1:
		return ", type: flow.Parallel, concurrent: " + w.pick("0", "1", "2") + onFailure() + ", tasks: " + w.list(depth)
	case 2:
		return ", type: flow.Dag" + onFailure() + ", tasks: [{task: " + w.task(depth) + "}, {task: " + w.task(0) + "}]"
	case 3:
		return `, type: flow.If, condition: "{{ kv('k') == '` + w.pick("x", "answer to kv") + `' }}", then: ` + w.list(depth) + ", else: " + w.list(0)
	case 4:
		return ", type: flow.Switch, value: " + w.pick("v", "other") + ", cases: {v: " + w.list(depth) + "}"
	case 5:
		return ", type: flow.ForEach, values: [x, y, z], concurrencyLimit: " + w.pick("1", "0", "2") + ", tasks: " + w.list(depth)
	case 6:
		return `, type: flow.EachParallel, value: "[1, 2]", tasks: ` + w.list(depth)
	case 7:
		return `, type: flow.LoopUntil, condition: "{{ kv('k') == 'x' }}", failOnMaxReached: ` + w.pick("false", "true") +
			", checkFrequency: {interval: PT2S, maxIterations: 2}, tasks: " + w.list(depth)
	case 10:
		return ", type: flow.Loop, values: " + w.pick("[x, y]", "{k: x, l: y}") + ", concurrencyLimit: " + w.pick("1", "0") +
			`, outputs: [{id: o, value: "{{ ` + w.pick("kv('k')", "outputs.t1.value", "nothing.there", "item.value") + ` }}"}], tasks: ` + w.list(depth)
	case 8:
		return ", type: flow.AllowFailure, tasks: " + w.list(depth)
	case 9:
		return ", type: flow.WorkingDirectory, tasks: [{id: w" + fmt.Sprint(w.tasks) + w.pick(", ok", ", bad") + "}]"
	}
	return `, type: flow.ForEachItem, items: "file:///all", batch: {rows: 1}, namespace: s, flowId: ` + w.pick("child", "failing")
}
