package backendtest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

var jobScenarios = []scenario{
	{"a job is handed out once, oldest first", handedOutOnce},
	{"claim wakes at once", claimWakes},
	{"claim respects groups", claimGroups},
	{"a pure job may run ahead", pureRunsAhead},
	{"a job follows its commit", jobFollowsCommit},
	{"a job that has ended is gone", jobEnds},
	{"a job that ends before it was claimed is not handed out", endsUnclaimed},
	{"handed out and done at once", outAndDone},
	{"the worker of a job is told to stop", cancelClaimed},
	{"a job that is cancelled while it waits is reported as killed", cancelWaiting},
	{"handed out and cancelled at once", outAndCancelled},
	{"the jobs of a worker that left are orphans", orphansOfLeft},
	{"the jobs of a worker that stopped beating are orphans", orphansOfDead},
	{"the jobs of a deleted execution go with it", jobsOfDeleted},
	{"claim needs a member", claimNeedsMember},
	{"claim obeys its context", claimCancelled},
	{"where a job is", whereJobIs},
}

// withJobs commits an execution with n jobs and returns it, with its jobs.
func withJobs(f *fixture, n int, change func(*model.Job)) (*model.Execution, []*model.Job) {
	f.t.Helper()
	e := execution(model.NewID())
	tr := create(e)
	for i := range n {
		run := taskRun(e, "task", i)
		j := job(e, run)
		if change != nil {
			change(j)
		}
		tr.TaskRuns = append(tr.TaskRuns, run)
		tr.Jobs = append(tr.Jobs, j)
	}
	f.commit(tr)
	return e, tr.Jobs
}

func handedOutOnce(t *testing.T, f *fixture) {
	f.join("w")
	_, jobs := withJobs(f, 5, nil)
	first, err := f.b.Claim(f.ctx, "w", "", 2)
	f.must(err)
	if len(first) > 2 {
		t.Fatalf("%d jobs, want at most 2", len(first))
	}
	f.equal(append(first, f.claim("w", 5-len(first))...), jobs)
	if n := f.queued(); n != 0 {
		t.Errorf("%d jobs still wait", n)
	}
}

func claimWakes(t *testing.T, f *fixture) {
	f.join("w")
	claimed := make(chan []*model.Job, 1)
	go func() {
		jobs, _ := f.b.Claim(f.ctx, "w", "", 10)
		claimed <- jobs
	}()
	_, jobs := withJobs(f, 1, nil)
	f.equal(receive(f, claimed), jobs)
}

func claimGroups(t *testing.T, f *fixture) {
	f.join("w")
	_, plain := withJobs(f, 1, nil)
	_, special := withJobs(f, 2, func(j *model.Job) { j.Group = "gpu" })
	queued, err := f.b.Queued(f.ctx)
	f.must(err)
	f.equal(queued, map[string]int{"": 1, "gpu": 2})
	var got []*model.Job
	for len(got) < 2 {
		jobs, err := f.b.Claim(f.ctx, "w", "gpu", 5)
		f.must(err)
		got = append(got, jobs...)
	}
	f.equal(got, special)
	f.equal(f.claim("w", 1), plain)
}

func pureRunsAhead(t *testing.T, f *fixture) {
	f.join("w")
	e := execution(model.NewID())
	of := model.ExecutionEntity(e.ID)
	run := taskRun(e, "a", 0)
	j := job(e, run)
	j.Pure = true
	tr := create(e, run)
	tr.Jobs = []*model.Job{j}
	committed := f.handIn(tr)
	f.equal(f.claim("w", 1), []*model.Job{j})
	f.b.Append([]model.Event{{ID: "ended", To: of, Kind: model.EventJobEnded, At: t0, Job: &model.JobReport{ID: j.ID, TaskRunID: run.ID, Attempt: 1}}}, func(error) {})
	f.receiveEvents(of, 1)
	f.commit(&model.Transition{Of: of, Version: 2, Acks: []string{"ended"}, JobsDone: []string{j.ID}, Execution: ended(e, model.Success, time.Second)})
	f.must(receive(f, committed))
	if s := f.load(of); s.Version != 2 || len(s.Jobs) != 0 {
		t.Errorf("version %d with jobs %v", s.Version, s.Jobs)
	}
}

// jobFollowsCommit: when somebody holds a job that is not pure, its execution can be read.
func jobFollowsCommit(t *testing.T, f *fixture) {
	f.join("w")
	for range 20 {
		e := execution(model.NewID())
		run := taskRun(e, "a", 0)
		tr := create(e, run)
		tr.Jobs = []*model.Job{job(e, run)}
		f.b.Commit(f.lease(tr.Of), []*model.Transition{tr}, func(error) {})
		f.equal(jobIDs(f.claim("w", 1)), []string{run.ID})
		f.load(tr.Of)
	}
}

func jobEnds(t *testing.T, f *fixture) {
	f.join("w")
	e, jobs := withJobs(f, 2, nil)
	of := model.ExecutionEntity(e.ID)
	f.claim("w", 2)
	want := jobIDs(jobs)
	slices.Sort(want)
	f.equal(f.load(of).Jobs, want)
	f.commit(&model.Transition{Of: of, Version: 2, JobsDone: []string{jobs[0].ID}})
	f.equal(f.load(of).Jobs, []string{jobs[1].ID})
	_, err := f.b.Waiting(f.ctx, jobs[0].ID)
	f.wantError(err, backend.ErrNotFound)
}

func endsUnclaimed(t *testing.T, f *fixture) {
	e, jobs := withJobs(f, 2, nil)
	f.commit(&model.Transition{Of: model.ExecutionEntity(e.ID), Version: 2, JobsDone: []string{jobs[0].ID}})
	f.join("w")
	f.equal(f.claim("w", 1), jobs[1:])
	if n := f.queued(); n != 0 {
		t.Errorf("%d jobs still wait", n)
	}
}

func outAndDone(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	run := taskRun(e, "a", 0)
	tr := create(e, run)
	tr.Jobs = []*model.Job{job(e, run)}
	f.commit(tr, &model.Transition{Of: tr.Of, Version: 2, JobsDone: []string{run.ID}})
	if n := f.queued(); n != 0 {
		t.Errorf("%d jobs wait", n)
	}
	f.equal(f.load(tr.Of).Jobs, []string(nil))
}

func cancelClaimed(t *testing.T, f *fixture) {
	f.join("w")
	e, jobs := withJobs(f, 2, nil)
	of := model.ExecutionEntity(e.ID)
	f.claim("w", 2)
	cancels, err := f.b.Cancels(f.ctx, "w")
	f.must(err)
	f.commit(&model.Transition{Of: of, Version: 2, CancelJobs: []string{jobs[1].ID}})
	if id := receive(f, cancels); id != jobs[1].ID {
		t.Errorf("%s is to be stopped, want %s", id, jobs[1].ID)
	}
	if n := len(f.load(of).Jobs); n != 2 {
		t.Errorf("%d jobs are out, want 2: a cancelled one still reports", n)
	}
	// Whoever listens late still hears of it.
	_, more := withJobs(f, 1, nil)
	f.join("late")
	f.claim("late", 1)
	f.commit(&model.Transition{Of: model.ExecutionEntity(more[0].Execution.ID), Version: 2, CancelJobs: []string{more[0].ID}})
	cancels, err = f.b.Cancels(f.ctx, "late")
	f.must(err)
	if id := receive(f, cancels); id != more[0].ID {
		t.Errorf("%s is to be stopped, want %s", id, more[0].ID)
	}
}

func wantWithdrawn(f *fixture, of model.Entity, j *model.Job) model.Event {
	f.t.Helper()
	e := f.receiveEvents(of, 1)[0]
	if e.Kind != model.EventJobEnded || e.To != of || e.Job.ID != j.ID || e.Job.State != model.Killed ||
		e.Job.TaskRunID != j.TaskRun.ID || e.Job.Attempt != j.Attempt || !e.Job.Started.IsZero() {
		f.t.Fatalf("received %+v, %+v", e, e.Job)
	}
	return e
}

func cancelWaiting(t *testing.T, f *fixture) {
	f.join("w")
	e, jobs := withJobs(f, 2, nil)
	of := model.ExecutionEntity(e.ID)
	f.commit(&model.Transition{Of: of, Version: 2, CancelJobs: []string{jobs[0].ID}})
	f.equal(f.claim("w", 1), jobs[1:])
	report := wantWithdrawn(f, of, jobs[0])
	f.commit(&model.Transition{Of: of, Version: 3, Acks: []string{report.ID}, JobsDone: []string{jobs[0].ID}})
	if n := f.queued(); n != 0 {
		t.Errorf("%d jobs still wait", n)
	}
	f.equal(f.load(of).Jobs, []string{jobs[1].ID})
}

func outAndCancelled(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	run := taskRun(e, "a", 0)
	j := job(e, run)
	tr := create(e, run)
	tr.Jobs = []*model.Job{j}
	f.commit(tr, &model.Transition{Of: tr.Of, Version: 2, CancelJobs: []string{j.ID}})
	wantWithdrawn(f, tr.Of, j)
	if n := f.queued(); n != 0 {
		t.Errorf("%d jobs still wait", n)
	}
}

func orphans(f *fixture) []string {
	f.t.Helper()
	list, err := f.b.Orphans(f.ctx, 10)
	f.must(err)
	ids := jobIDs(list)
	slices.Sort(ids)
	return ids
}

func orphansOfLeft(t *testing.T, f *fixture) {
	f.join("w")
	f.join("other")
	e, jobs := withJobs(f, 1, nil)
	f.claim("w", 1)
	_, kept := withJobs(f, 1, nil)
	f.claim("other", 1)
	f.equal(orphans(f), []string(nil))
	f.must(f.b.Leave(f.ctx, "w"))
	f.equal(orphans(f), []string{jobs[0].ID})
	f.equal(orphans(f), []string{jobs[0].ID}) // until somebody ends it
	f.commit(&model.Transition{Of: model.ExecutionEntity(e.ID), Version: 2, JobsDone: []string{jobs[0].ID}})
	f.equal(orphans(f), []string(nil))
	status, err := f.b.Waiting(f.ctx, kept[0].ID)
	f.must(err)
	if status.Worker != "other" {
		t.Errorf("the other job is with %q", status.Worker)
	}
}

func orphansOfDead(t *testing.T, f *fixture) {
	f.must(f.b.Join(f.ctx, backend.Member{ID: "w", Kind: "WORKER", Started: t0, Timeout: 300 * time.Millisecond}))
	_, jobs := withJobs(f, 1, nil)
	f.claim("w", 1)
	f.eventually("its job is an orphan", func() bool { return len(orphans(f)) == 1 })
	f.equal(orphans(f), []string{jobs[0].ID})
	f.wantError(f.b.Beat(f.ctx, "w", backend.MemberRunning), backend.ErrFenced)
	_, err := f.b.Claim(f.ctx, "w", "", 1)
	f.wantError(err, backend.ErrFenced)
}

func jobsOfDeleted(t *testing.T, f *fixture) {
	f.join("w")
	cancels, err := f.b.Cancels(f.ctx, "w")
	f.must(err)
	e, jobs := withJobs(f, 2, nil)
	f.claim("w", 1)
	late := job(e, taskRun(e, "late", 2))
	f.commit(&model.Transition{Of: model.ExecutionEntity(e.ID), Version: 2, Deleted: true, Jobs: []*model.Job{late}, CancelJobs: []string{jobs[0].ID}})
	if id := receive(f, cancels); id != jobs[0].ID {
		t.Errorf("%s is to be stopped, want %s", id, jobs[0].ID)
	}
	f.equal(f.queued(), 0)
	if f.h.Reopen != nil {
		f.reopen()
	} else {
		f.must(f.b.Leave(f.ctx, "w"))
	}
	f.equal(orphans(f), []string(nil))
	f.equal(f.queued(), 0)
	_, err = f.b.Waiting(f.ctx, jobs[0].ID)
	f.wantError(err, backend.ErrNotFound)
}

func claimNeedsMember(t *testing.T, f *fixture) {
	_, err := f.b.Claim(f.ctx, "nobody", "", 1)
	f.wantError(err, backend.ErrFenced)
	_, err = f.b.Cancels(f.ctx, "nobody")
	f.wantError(err, backend.ErrFenced)
	f.join("w")
	got := make(chan error, 1)
	go func() {
		_, err := f.b.Claim(f.ctx, "w", "", 1)
		got <- err
	}()
	f.must(f.b.Leave(f.ctx, "w"))
	f.wantError(receive(f, got), backend.ErrFenced)
}

func claimCancelled(t *testing.T, f *fixture) {
	f.join("w")
	ctx, cancel := context.WithCancel(f.ctx)
	got := make(chan error, 1)
	go func() {
		_, err := f.b.Claim(ctx, "w", "", 1)
		got <- err
	}()
	cancel()
	f.wantError(receive(f, got), context.Canceled)
}

func whereJobIs(t *testing.T, f *fixture) {
	_, jobs := withJobs(f, 1, nil)
	status, err := f.b.Waiting(f.ctx, jobs[0].ID)
	f.must(err)
	if status.Worker != "" || status.Since.IsZero() || status.Job.ID != jobs[0].ID {
		t.Errorf("while it waits: %+v", status)
	}
	f.join("w")
	f.claim("w", 1)
	status, err = f.b.Waiting(f.ctx, jobs[0].ID)
	f.must(err)
	if status.Worker != "w" || status.Since.IsZero() {
		t.Errorf("while it runs: %+v", status)
	}
	_, err = f.b.Waiting(f.ctx, "unknown")
	f.wantError(err, backend.ErrNotFound)
}
