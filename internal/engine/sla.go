package engine

import (
	"slices"

	"github.com/windhover-io/windhover/internal/model"
)

// startMonitors plans the deadlines of the flow's MAX_DURATION promises.
func (x *turn) startMonitors() {
	for _, s := range x.s.Flow.SLA {
		if s.Type == "MAX_DURATION" {
			x.setTimer(model.Timer{ID: "sla:" + s.ID, Kind: model.TimerSLA, Due: x.s.Exec.State.Start().Add(s.Duration), Ref: s.ID})
		}
	}
}

func (x *turn) slaOverdue(id string) {
	for i, s := range x.s.Flow.SLA {
		if s.ID == id && s.Type == "MAX_DURATION" && !x.s.Exec.State.Current().Terminated() {
			x.violate(i, s, "the execution takes longer than "+model.FormatDuration(s.Duration))
			return
		}
	}
}

// assertSLA evaluates the flow's EXECUTION_ASSERTION promises after every change of the execution. One that cannot be
// evaluated is not broken.
func (x *turn) assertSLA() {
	e := x.s.Exec
	if e == nil || x.t.Deleted || e.State.Current().Terminated() || !x.copied && len(x.changed) == 0 {
		return
	}
	for i, s := range x.s.Flow.SLA {
		if s.Type != "EXECUTION_ASSERTION" || slices.Contains(e.Engine.ViolatedSLA, slaKey(i, s)) {
			continue
		}
		holds, err := x.truthy(nil, s.Assert)
		if err != nil {
			continue
		}
		if !holds {
			x.violate(i, s, "the assertion "+s.Assert+" is false")
			if x.s.Exec.State.Current().Terminated() {
				return
			}
		}
	}
}

// slaKey tells apart promises that share an id.
func slaKey(i int, s *model.SLA) string { return s.ID + "#" + string(rune('0'+i%10)) + s.Type }

// violate acts on a broken promise, once.
func (x *turn) violate(i int, s *model.SLA, reason string) {
	h := x.head()
	h.Engine.ViolatedSLA = append(h.Engine.ViolatedSLA[:len(h.Engine.ViolatedSLA):len(h.Engine.ViolatedSLA)], slaKey(i, s))
	h.Labels = mergeLabels(h.Labels, s.Labels)
	x.log(nil, model.LevelWarn, "SLA %s is broken: %s", s.ID, reason)
	switch s.Behavior {
	case "FAIL":
		h.Engine.Failure = "SLA " + s.ID + " is broken: " + x.hidden(reason)
		x.terminateAll(model.Failed, model.Failed)
	case "CANCEL":
		x.terminateAll(model.Cancelled, model.Killed)
	}
}

// terminateAll ends the execution with one state and everything that is under way in it with another.
func (x *turn) terminateAll(s, open model.State) {
	x.cutAll(open)
	x.endExecution(s)
}
