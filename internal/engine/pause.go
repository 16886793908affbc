package engine

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// beginPause holds the flow until somebody resumes it, or its time is over.
func (x *turn) beginPause(n *node) error {
	as, err := x.pauseBehavior(n)
	if err != nil {
		return err
	}
	for _, name := range []string{"pauseDuration", "delay"} {
		text, err := x.render(n, prop(n.task, name))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if text == "" {
			continue
		}
		d, err := model.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		x.setTimer(model.Timer{ID: "resume:" + n.run.ID, Kind: model.TimerResume, Due: x.now.Add(d), TaskRunID: n.run.ID})
		x.edit(n).Engine.ResumeAs = as
		break
	}
	if err := x.pauseTimeout(n); err != nil {
		return err
	}
	x.move(n, model.Paused)
	if t := n.task.OnPause; t != nil && !t.Disabled {
		child := x.create(t, nil, model.SectionOnPause, 0, 0, nil)
		x.start(child)
	}
	return nil
}

// pauseTimeout plans the failure of a Pause that has a timeout; a pauseDuration that ends earlier goes first.
func (x *turn) pauseTimeout(n *node) error {
	if n.task.Timeout == "" || x.hasTimer("resume:"+n.run.ID) {
		return nil
	}
	text, err := x.render(n, n.task.Timeout)
	if err != nil {
		return fmt.Errorf("timeout: %w", err)
	}
	d, err := model.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("timeout: %w", err)
	}
	x.edit(n).Engine.ResumeAs = model.Failed
	x.setTimer(model.Timer{ID: "resume:" + n.run.ID, Kind: model.TimerResume, Due: x.now.Add(d), TaskRunID: n.run.ID})
	return nil
}

func (x *turn) pauseBehavior(n *node) (model.State, error) {
	text, err := x.render(n, prop(n.task, "behavior"))
	if err != nil {
		return 0, fmt.Errorf("behavior: %w", err)
	}
	switch strings.ToUpper(text) {
	case "", "RESUME":
		return model.Success, nil
	case "WARN":
		return model.Warning, nil
	case "FAIL":
		return model.Failed, nil
	case "CANCEL":
		return model.Cancelled, nil
	}
	return 0, fmt.Errorf("behavior: %q is none of RESUME, WARN, FAIL, CANCEL", text)
}

// resumeByItself ends a Pause whose time is over.
func (x *turn) resumeByItself(n *node) {
	if n == nil || n.run.State.Current() != model.Paused {
		x.ignore("the task run is not paused")
		return
	}
	x.resume(n, n.run.Engine.ResumeAs, nil, "")
}

// resume ends a Pause with a state; its own tasks, if it has any, follow first.
func (x *turn) resume(n *node, s model.State, inputs json.RawMessage, by string) {
	x.clearTimer("resume:" + n.run.ID)
	out := value.NewMap(2)
	if len(inputs) > 0 {
		if m := x.object(inputs, false); m.Len() > 0 {
			out.Set("onResume", m)
		}
	}
	resumed := value.NewMap(3)
	if by != "" {
		resumed.Set("by", by)
	}
	resumed.Set("on", value.Instant{T: x.now})
	resumed.Set("to", s.String())
	out.Set("resumed", resumed)
	x.setOutputs(n, out)
	if s == model.Cancelled {
		x.terminate(n, s)
		return
	}
	run := x.edit(n)
	run.Engine.ResumeAs = s
	run.Engine.Broken = s == model.Failed
	if len(enabled(n.task.Tasks)) == 0 && len(enabled(n.task.Errors)) == 0 && len(enabled(n.task.Finally)) == 0 {
		x.endFlowable(n, s)
		return
	}
	x.move(n, model.Running)
	n.frame = x.s.frameOf(n)
	x.push(n.frame)
}
