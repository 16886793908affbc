// Package sim is a whole cluster in one goroutine: entities, their store, an inbox, workers and a clock, with chance in
// place of the network. A seed decides in which order events arrive, which are delivered twice, which commits are lost,
// which owners and workers die. Whatever the seed, an execution has to end as it does without faults.
package sim

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"slices"
	"time"

	"github.com/windhover-io/windhover/internal/engine"
	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/inputs"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// Faults says how often things go wrong, in percent of the steps.
type Faults struct {
	Duplicate  int // an event is delivered again
	LostCommit int // a transition is computed and never committed
	OwnerDies  int // what an owner has in memory is gone
	WorkerDies int // a job's worker dies instead of reporting
	Reorder    bool
}

// Cluster is a simulated installation.
type Cluster struct {
	Flows  map[string][]*model.Flow // by namespace.id, a revision each
	Faults Faults
	Now    time.Time
	// Large is from how many task runs on a step is not left when it lacks an answer; 0 is the engine's own.
	Large int
	// Strict steps every event also on what is stored, and once more after it: see strict.go.
	Strict bool
	// Trusting leaves out the proofs after every commit, for measuring.
	Trusting bool
	// Trace is called with every committed transition; it may be nil.
	Trace func(ev *model.Event, t *model.Transition)
	// Asked is called with every function that a step has to have answered; it may be nil.
	Asked func(engine.Need)

	rng    *rand.Rand
	env    engine.Env
	store  map[model.Entity]*record
	order  []model.Entity
	memory map[model.Entity]any // *engine.State or *engine.Gate
	inbox  []model.Event
	jobs   []*model.Job
	steps  int
	atHand bool // whether flows are known without asking, in the step under way
}

// record is an entity as it is stored.
type record struct {
	version int64
	exec    *model.Execution
	runs    map[string]*model.TaskRun
	gate    map[string]model.GateMember
	limit   model.GateChange
	timers  map[string]model.Timer
	deleted bool
}

// New returns a cluster with a seed.
func New(seed int64, flows ...*model.Flow) *Cluster {
	c := &Cluster{
		Flows: map[string][]*model.Flow{}, Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), rng: rand.New(rand.NewSource(seed)),
		store: map[model.Entity]*record{}, memory: map[model.Entity]any{},
	}
	for _, f := range flows {
		c.Add(f)
	}
	templates := expr.NewCache(1024)
	in := &inputs.Resolver{Templates: templates}
	c.env = engine.Env{
		Templates: templates, Location: time.UTC, OutputValue: in.Output,
		Flow: func(k model.FlowKey) (*model.Flow, bool) { return c.Flow(k), c.atHand },
		Inputs: func(f *model.Flow, given *value.Map, e expr.Env) (json.RawMessage, error) {
			m, err := in.Resolve(f.Inputs, given, e)
			if err != nil || m.Len() == 0 {
				return nil, err
			}
			return value.AppendJSON(nil, m, value.JSONOptions{}), nil
		},
	}
	return c
}

// Add makes a flow known, or the next revision of one.
func (c *Cluster) Add(f *model.Flow) {
	key := f.Namespace + "." + f.ID
	c.Flows[key] = append(c.Flows[key], f)
}

// Flow returns a revision of a flow, the newest if none is named; nil if there is none.
func (c *Cluster) Flow(k model.FlowKey) *model.Flow {
	revisions := c.Flows[k.Namespace+"."+k.ID]
	if k.Revision == 0 {
		k.Revision = len(revisions)
	}
	if k.Revision < 1 || k.Revision > len(revisions) {
		return nil
	}
	return revisions[k.Revision-1]
}

// Start creates an execution of a flow; breakpoints may hold it.
func (c *Cluster) Start(f *model.Flow, id string, breakpoints ...model.TaskBreakpoint) {
	e := &model.Execution{
		Tenant: "main", ID: id, OriginalID: id, Namespace: f.Namespace, FlowID: f.ID, FlowRevision: f.Revision,
		State: model.NewHistory(model.Created, c.Now), Metadata: model.Metadata{AttemptNumber: 1, OriginalCreatedDate: c.Now},
		Labels: []model.Label{{Key: model.LabelCorrelation, Value: id}}, Breakpoints: breakpoints,
	}
	c.Send(model.Event{ID: "create-" + id, To: model.ExecutionEntity(id), Kind: model.EventCreate, At: c.Now,
		Create: &model.NewExecution{Execution: e}})
}

// Send puts an event into the inbox.
func (c *Cluster) Send(e model.Event) { c.inbox = append(c.inbox, e) }

// Run steps until nothing is left to happen, at most so many steps.
func (c *Cluster) Run(limit int) error {
	for ; c.steps < limit; c.steps++ {
		if c.chance(c.Faults.OwnerDies) {
			c.memory = map[model.Entity]any{}
		}
		switch {
		case len(c.inbox) > 0 && (len(c.jobs) == 0 || c.rng.Intn(3) > 0):
			if err := c.deliver(c.pick(len(c.inbox))); err != nil {
				return err
			}
		case len(c.jobs) > 0:
			c.work(c.pick(len(c.jobs)))
		default:
			more, err := c.Tick()
			if err != nil {
				return err
			}
			if !more {
				return c.Prove()
			}
		}
	}
	return fmt.Errorf("not at rest after %d steps", limit)
}

func (c *Cluster) chance(percent int) bool { return percent > 0 && c.rng.Intn(100) < percent }

// pick chooses which of n things happens next.
func (c *Cluster) pick(n int) int {
	if c.Faults.Reorder {
		return c.rng.Intn(n)
	}
	return 0
}

// deliver steps an event of the inbox and commits what comes of it, unless chance has it otherwise.
func (c *Cluster) deliver(i int) error {
	ev := c.inbox[i]
	t, err := c.step(&ev)
	if err != nil {
		return err
	}
	if c.chance(c.Faults.LostCommit) {
		delete(c.memory, ev.To) // the event stays in the inbox
		return nil
	}
	if !c.chance(c.Faults.Duplicate) {
		c.inbox = slices.Delete(c.inbox, i, i+1)
	}
	return c.commit(&ev, t)
}

// step moves an entity by an event, from memory or from the store.
func (c *Cluster) step(ev *model.Event) (*model.Transition, error) {
	rec := c.store[ev.To]
	if ev.To.Kind == model.EntityGate {
		g, ok := c.memory[ev.To].(*engine.Gate)
		if !ok {
			g = engine.LoadGate(ev.To, nil, 0)
			if rec != nil {
				change := rec.limit
				for _, id := range sortedKeys(rec.gate) {
					change.Put = append(change.Put, rec.gate[id])
				}
				g = engine.LoadGate(ev.To, &change, rec.version)
			}
			c.memory[ev.To] = g
		}
		return engine.StepGate(g, ev, c.Now), nil
	}
	s, ok := c.memory[ev.To].(*engine.State)
	if !ok {
		s = c.load(rec)
		c.memory[ev.To] = s
	}
	c.atHand = c.rng.Intn(3) > 0
	if c.Strict {
		return c.strictly(rec, s, ev)
	}
	return c.stepExecution(s, ev, nil)
}

// stepExecution steps an execution and answers what it asks; unanswered is called each time before that, if it is not nil.
func (c *Cluster) stepExecution(s *engine.State, ev *model.Event, unanswered func() error) (*model.Transition, error) {
	env := c.env
	env.Now, env.Large = c.Now, c.Large
	for range 100_000 {
		res := engine.Step(s, ev, &env)
		if len(res.Needs) == 0 {
			return res.Transition, nil
		}
		if unanswered != nil {
			if err := unanswered(); err != nil {
				return nil, err
			}
		}
		env.Answers = c.answer(env.Answers, res.Needs)
	}
	return nil, fmt.Errorf("%s of %s needs answers without end", ev.Kind, ev.To.ID)
}

func (c *Cluster) answer(had map[string]engine.Answer, needs []engine.Need) map[string]engine.Answer {
	out := map[string]engine.Answer{}
	for k, a := range had {
		out[k] = a
	}
	for _, n := range needs {
		if n.Flow != nil {
			out[n.Key] = engine.Answer{Flow: c.Flow(*n.Flow)}
		} else {
			out[n.Key] = engine.Answer{Value: "answer to " + n.Call}
			if c.Asked != nil {
				c.Asked(n)
			}
		}
	}
	return out
}

func (c *Cluster) load(rec *record) *engine.State {
	if rec == nil || rec.exec == nil {
		s := engine.New()
		s.Gone = rec != nil && rec.deleted
		return s
	}
	var runs []*model.TaskRun
	for _, id := range sortedKeys(rec.runs) {
		runs = append(runs, reencode(rec.runs[id]))
	}
	slices.SortFunc(runs, func(a, b *model.TaskRun) int { return a.Engine.Seq - b.Engine.Seq })
	var timers []model.Timer
	for _, id := range sortedKeys(rec.timers) {
		timers = append(timers, rec.timers[id])
	}
	e := rec.exec
	flow := c.Flow(model.FlowKey{Namespace: e.Namespace, ID: e.FlowID, Revision: e.FlowRevision})
	return engine.Load(flow, reencode(e), runs, timers, rec.version)
}

// reencode passes a record through its stored form, so that what is not stored is not there.
func reencode[T any](v *T) *T {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	out := new(T)
	if err := json.Unmarshal(b, out); err != nil {
		panic(err)
	}
	return out
}

// commit applies a transition to the store.
func (c *Cluster) commit(ev *model.Event, t *model.Transition) error {
	rec := c.store[t.Of]
	if rec == nil {
		rec = &record{runs: map[string]*model.TaskRun{}, gate: map[string]model.GateMember{}, timers: map[string]model.Timer{}}
		c.store[t.Of] = rec
		c.order = append(c.order, t.Of)
	}
	if t.Version > 0 { // 0 changes no entity
		if t.Version != rec.version+1 {
			return fmt.Errorf("version %d of %s follows %d", t.Version, t.Of.ID, rec.version)
		}
		rec.version = t.Version
	}
	if t.Execution != nil {
		rec.exec = t.Execution
	}
	if t.Deleted {
		*rec = record{version: rec.version, deleted: true, timers: map[string]model.Timer{}}
	}
	for _, r := range t.TaskRuns {
		rec.runs[r.ID] = r
	}
	for _, id := range t.DropRuns {
		delete(rec.runs, id)
	}
	for _, id := range t.ClearTimers {
		delete(rec.timers, id)
	}
	for _, timer := range t.SetTimers {
		rec.timers[timer.ID] = timer
	}
	if t.Gate != nil {
		rec.limit = model.GateChange{Limit: t.Gate.Limit, Behavior: t.Gate.Behavior, Revision: t.Gate.Revision}
		for _, m := range t.Gate.Put {
			rec.gate[m.ExecutionID] = m
		}
		for _, id := range t.Gate.Drop {
			delete(rec.gate, id)
		}
	}
	c.jobs = append(c.jobs, t.Jobs...)
	c.jobs = slices.DeleteFunc(c.jobs, func(j *model.Job) bool { return slices.Contains(t.JobsDone, j.ID) })
	c.inbox = append(c.inbox, t.Events...)
	if c.Trace != nil {
		c.Trace(ev, t)
	}
	if c.Trusting {
		return nil
	}
	if c.Strict && t.Of.Kind == model.EntityExecution {
		if err := c.repeat(rec, ev); err != nil {
			return err
		}
	}
	return c.check(rec)
}

// Settle delivers events until none is left, and does nothing else.
func (c *Cluster) Settle() error {
	for ; len(c.inbox) > 0; c.steps++ {
		if err := c.deliver(c.pick(len(c.inbox))); err != nil {
			return err
		}
	}
	return nil
}

// Tick moves the clock to the next timer and fires it; it tells whether there was one.
func (c *Cluster) Tick() (bool, error) {
	var next *model.Timer
	for _, e := range c.order {
		for _, id := range sortedKeys(c.store[e].timers) {
			t := c.store[e].timers[id]
			if next == nil || t.Due.Before(next.Due) {
				next = &t
			}
		}
	}
	if next == nil {
		return false, nil
	}
	c.Now = laterOf(c.Now, next.Due)
	ev := model.Event{ID: "timer:" + next.ID, To: next.Of, Kind: model.EventTimer, At: c.Now, Timer: next}
	t, err := c.step(&ev)
	if err != nil {
		return false, err
	}
	if c.chance(c.Faults.LostCommit) {
		delete(c.memory, ev.To)
		return true, nil
	}
	return true, c.commit(&ev, t)
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
