package sim

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/model"
)

// player plays the commands of a scenario.
type player struct {
	t       *testing.T
	c       *Cluster
	ids     []string          // executions in the order in which they were first seen
	names   map[string]string // execution id to name
	held    []*model.Job      // those that a worker has begun
	answers []string          // what was answered since the last look
	last    model.Event       // the action that was sent last
	sent    int
}

func newPlayer(t *testing.T, flows []*model.Flow) *player {
	p := &player{t: t, c: New(1, flows...), names: map[string]string{}}
	p.c.Trace = func(ev *model.Event, tr *model.Transition) {
		for _, a := range tr.Answers {
			switch {
			case a.Body != nil:
				p.answers = append(p.answers, p.waits(a.Body)...)
			case a.Code != model.AnswerDone:
				p.answers = append(p.answers, "refused: "+p.named(a.Message))
			}
		}
	}
	return p
}

// play does one command:
//
//	start FLOW [@REV] [break=TASK[VALUE]]   creates an execution, named by its flow
//	work [TASK…]        those jobs, or all that are out, run as tasks of their kind do
//	begin TASK          a worker takes the job
//	end TASK STATE [JSON], lose TASK        a worker reports the end with outputs; or dies
//	run                 everything goes on until it is at rest
//	tick [N]            the clock moves to the next timer
//	wait DURATION       the clock moves
//	kill, kill-alone, pause, resume [TASK] [STATE], restart [@REV], replay [TASK] [@REV], set TASK STATE, status STATE,
//	labels K=V, unqueue [STATE], force, delete, explain        asks for it; "in NAME" in front asks another execution
//	again               the last action is delivered once more
//	crash               the execution cannot be stepped any more
func (p *player) play(line string) {
	words := strings.Fields(line)
	id := ""
	if len(p.ids) > 0 {
		id = p.ids[0]
	}
	if words[0] == "in" {
		id, words = p.id(words[1]), words[2:]
	}
	cmd, args := words[0], words[1:]
	if kind, ok := actions[cmd]; ok {
		p.act(id, kind, cmd, args)
	} else {
		p.drive(id, cmd, args)
	}
	if err := p.c.Settle(); err != nil {
		p.t.Fatal(err)
	}
	p.look()
}

var actions = map[string]model.EventKind{
	"kill": model.EventKill, "kill-alone": model.EventKill, "pause": model.EventPause, "resume": model.EventResume,
	"restart": model.EventRestart, "replay": model.EventReplay, "set": model.EventChangeState, "status": model.EventChangeStatus,
	"labels": model.EventLabels, "unqueue": model.EventUnqueue, "force": model.EventForceRun, "delete": model.EventDelete,
	"force-delete": model.EventDelete, "explain": model.EventExplain,
}

func (p *player) act(id string, kind model.EventKind, cmd string, args []string) {
	a := &model.Action{Cascade: cmd != "kill-alone", Force: cmd == "force-delete"}
	for _, arg := range args {
		if s, err := model.ParseState(arg); err == nil {
			a.State = s
		} else if n, err := fmt.Sscanf(arg, "@%d", &a.Revision); n == 1 && err == nil {
			continue
		} else if k, v, ok := strings.Cut(arg, "="); ok {
			a.Labels = append(a.Labels, model.Label{Key: k, Value: v})
		} else {
			a.TaskRunID = p.run(id, arg).ID
		}
	}
	p.sent++
	p.last = model.Event{ID: fmt.Sprint("action-", p.sent), To: model.ExecutionEntity(id), Kind: kind, At: p.c.Now, Ask: "me", Action: a}
	p.c.Send(p.last)
}

func (p *player) drive(id, cmd string, args []string) {
	var err error
	switch cmd {
	case "start":
		p.start(args)
	case "work":
		for _, j := range append([]*model.Job(nil), p.c.Jobs()...) {
			if len(args) == 0 || contains(args, p.task(j)) {
				p.c.Take(j)
				p.c.Report(j, model.EventJobEnded, p.c.Do(j))
			}
		}
	case "begin", "end", "lose":
		p.report(p.job(args[0]), cmd, args[1:])
	case "run":
		err = p.c.Run(limit)
	case "tick":
		n := 1
		if len(args) > 0 {
			_, err = fmt.Sscan(args[0], &n)
		}
		for ; n > 0 && err == nil; n-- {
			if _, err = p.c.Tick(); err == nil {
				err = p.c.Settle()
			}
		}
	case "wait":
		var d time.Duration
		d, err = time.ParseDuration(args[0])
		p.c.Advance(d)
	case "again":
		p.c.Send(p.last)
	case "crash":
		err = p.c.Crash(id, "it cannot be stepped")
	default:
		err = fmt.Errorf("what is %q?", cmd)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *player) start(args []string) {
	key := model.FlowKey{Namespace: "s", ID: args[0]}
	var breaks []model.TaskBreakpoint
	for _, arg := range args[1:] {
		if task, ok := strings.CutPrefix(arg, "break="); ok {
			name, val, _ := strings.Cut(strings.TrimSuffix(task, "]"), "[")
			breaks = append(breaks, model.TaskBreakpoint{ID: name, Value: val})
			continue
		}
		if _, err := fmt.Sscanf(arg, "@%d", &key.Revision); err != nil {
			p.t.Fatal(err)
		}
	}
	if key.Revision == 0 {
		key.Revision = 1 // scenarios that use the others say so
	}
	p.sent++
	p.c.Start(p.c.Flow(key), model.DeriveID("scenario", fmt.Sprint(p.sent)), breaks...)
}

func (p *player) report(j *model.Job, cmd string, args []string) {
	r := &model.JobReport{ID: j.ID, TaskRunID: j.TaskRun.ID, Attempt: j.Attempt, Started: p.c.Now, Ended: p.c.Now}
	switch cmd {
	case "begin":
		p.held = append(p.held, j)
		p.c.Report(j, model.EventJobStarted, r)
		return
	case "lose":
		p.c.Take(j)
		p.c.Report(j, model.EventJobLost, r)
		return
	}
	p.c.Take(j)
	state, err := model.ParseState(args[0])
	if err != nil {
		p.t.Fatal(err)
	}
	if r.State = state; len(args) > 1 {
		r.Outputs = json.RawMessage(strings.Join(args[1:], " "))
	}
	p.c.Report(j, model.EventJobEnded, r)
}

func (p *player) task(j *model.Job) string { return label(j.TaskRun) }

func label(r *model.TaskRun) string {
	if r.Value != nil {
		return r.TaskID + "[" + *r.Value + "]"
	}
	return r.TaskID
}

func (p *player) job(task string) *model.Job {
	for _, j := range append(p.held, p.c.Jobs()...) { // who has begun one may report it after it was taken back
		if p.task(j) == task {
			return j
		}
	}
	p.t.Fatalf("no job of %s is out", task)
	return nil
}

// run finds the newest task run of a task.
func (p *player) run(id, task string) (found *model.TaskRun) {
	for _, r := range p.c.Runs(id) {
		if label(r) == task {
			found = r
		}
	}
	if found == nil {
		p.t.Fatalf("%s has no task run %s", p.names[id], task)
	}
	return found
}

func (p *player) id(name string) string {
	for id, n := range p.names {
		if n == name {
			return id
		}
	}
	p.t.Fatalf("there is no execution %s", name)
	return ""
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}
