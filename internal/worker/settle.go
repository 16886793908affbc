package worker

import (
	"context"
	"time"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/sdk"
)

// finding is what an evaluation of a trigger has found and has not settled yet.
type finding struct{ settler sdk.Settler }

// settleLimit bounds how long settling may take after its job was stopped: what is half done is better ended than left.
const settleLimit = time.Minute

// settle lets a trigger mark as done what it has found, once it is durable that the trigger has taken it. It does not end
// with its job: the execution begins in any case, and what is not marked would be found again.
func (w *Worker) settle(ctx context.Context, job *model.Job, f *finding, durable bool) {
	if f.settler == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleLimit)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			w.cfg.Log.Error("panic while a trigger settled", "trigger", job.TriggerID)
		}
	}()
	if err := f.settler.Settle(ctx, durable); err != nil {
		w.cfg.Log.Error("what a trigger has found could not be marked as done, and may be found again",
			"namespace", job.Flow.Namespace, "flow", job.Flow.ID, "trigger", job.TriggerID,
			"error", w.cfg.Masks.Of(job.Execution.ID).Replace(err.Error()))
	}
}

// hold keeps the trigger's next evaluation in this process waiting until this one has settled: else it would find the same
// again.
func (w *Worker) hold(job *model.Job) (release func()) {
	key, settled := job.Entity(), make(chan struct{})
	w.mu.Lock()
	w.settling[key] = settled
	w.mu.Unlock()
	return func() {
		w.mu.Lock()
		if w.settling[key] == settled {
			delete(w.settling, key)
		}
		w.mu.Unlock()
		close(settled)
	}
}

// await waits until the trigger's latest evaluation has settled.
func (w *Worker) await(ctx context.Context, job *model.Job) {
	w.mu.Lock()
	settled := w.settling[job.Entity()]
	w.mu.Unlock()
	if settled == nil {
		return
	}
	select {
	case <-settled:
	case <-ctx.Done():
	}
}
