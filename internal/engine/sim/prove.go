package sim

import (
	"fmt"

	"github.com/windhover-io/windhover/internal/engine"
	"github.com/windhover-io/windhover/internal/model"
)

// check holds an execution against what must always be true of it.
func (c *Cluster) check(rec *record) error {
	if rec.exec == nil || len(rec.exec.State) == 0 {
		return nil
	}
	e := rec.exec
	if !e.Engine.Finished {
		for _, w := range engine.Explain(c.load(rec)) {
			if w.For == engine.WaitNothing {
				return fmt.Errorf("execution %s of %s is %s and waits for nothing: %+v", e.ID, e.FlowID, e.State.Current(), w)
			}
		}
		return nil
	}
	if !e.State.Current().Terminated() {
		return fmt.Errorf("execution %s is finished and %s", e.ID, e.State.Current())
	}
	if len(rec.timers) > 0 {
		return fmt.Errorf("execution %s has ended and has timers: %v", e.ID, sortedKeys(rec.timers))
	}
	for _, id := range sortedKeys(rec.runs) {
		r := rec.runs[id]
		if !r.State.Current().Terminated() {
			return fmt.Errorf("execution %s is %s and its task run %s is %s", e.ID, e.State.Current(), r.TaskID, r.State.Current())
		}
		for _, a := range r.Attempts {
			if !a.State.Current().Terminated() {
				return fmt.Errorf("execution %s is %s and an attempt of %s is %s", e.ID, e.State.Current(), r.TaskID, a.State.Current())
			}
		}
	}
	return nil
}

// Prove sees, when nothing is on its way and no timer is set, that every execution has ended or waits for somebody outside:
// what it says that it waits for has to be there, and to wait itself. That is the promise that nothing is ever forgotten.
func (c *Cluster) Prove() error {
	for _, of := range c.order {
		rec := c.store[of]
		if of.Kind == model.EntityGate {
			if err := c.proveGate(of, rec); err != nil {
				return err
			}
			continue
		}
		if rec.exec == nil || rec.exec.Engine.Finished {
			continue
		}
		for _, w := range engine.Explain(c.load(rec)) {
			if err := c.proveWait(rec, w); err != nil {
				return fmt.Errorf("execution %s of %s is %s: %w", rec.exec.ID, rec.exec.FlowID, rec.exec.State.Current(), err)
			}
		}
	}
	return nil
}

func (c *Cluster) proveWait(rec *record, w engine.Wait) error {
	switch w.For {
	case engine.WaitPerson, engine.WaitBreakpoint:
		return nil
	case engine.WaitSlot:
		e := rec.exec
		of := model.GateEntity(e.Tenant, e.Namespace, e.FlowID)
		if gate := c.store[of]; gate == nil || gate.gate[e.ID].Visit != e.Engine.Visit || gate.gate[e.ID].Running {
			return fmt.Errorf("it waits for a slot, and the gate does not know")
		}
		return nil
	case engine.WaitSubflow:
		return c.proveChildren(w)
	}
	return fmt.Errorf("it waits for %s (%s), and nothing is on its way", w.For, w.Detail)
}

// proveChildren sees that some execution which the task run started has not ended.
func (c *Cluster) proveChildren(w engine.Wait) error {
	for _, of := range c.order {
		if child := c.store[of].exec; child != nil && !child.Engine.Finished && child.Engine.Waiting != nil && child.Engine.Waiting.TaskRunID == w.TaskRunID {
			return nil
		}
	}
	return fmt.Errorf("%s waits for an execution that it started, and none is under way", w.TaskID)
}

// proveGate sees that nobody waits for a slot that is free, and that who holds one is under way.
func (c *Cluster) proveGate(of model.Entity, rec *record) error {
	running, waiting := 0, 0
	for _, id := range sortedKeys(rec.gate) {
		if !rec.gate[id].Running {
			waiting++
			continue
		}
		running++
		if e := c.Execution(id); e == nil || e.Engine.Finished {
			return fmt.Errorf("gate %s: %s holds a slot and has ended", of.ID, id)
		}
	}
	if waiting > 0 && running < rec.limit.Limit {
		return fmt.Errorf("gate %s: %d wait and only %d of %d slots are taken", of.ID, waiting, running, rec.limit.Limit)
	}
	return nil
}
