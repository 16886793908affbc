package sim

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/windhover-io/windhover/internal/engine"
	"github.com/windhover-io/windhover/internal/model"
)

// look names the executions that are new.
func (p *player) look() {
	for _, id := range p.c.Executions() {
		e := p.c.Execution(id)
		if p.names[id] != "" || e == nil {
			continue
		}
		n := 1
		for _, other := range p.ids {
			if base, _, _ := strings.Cut(p.names[other], "#"); base == e.FlowID {
				n++
			}
		}
		p.names[id] = e.FlowID
		if n > 1 {
			p.names[id] += fmt.Sprint("#", n)
		}
		p.ids = append(p.ids, id)
	}
}

// named puts names in place of ids.
func (p *player) named(s string) string {
	for _, id := range p.ids {
		s = strings.ReplaceAll(s, id, p.names[id])
		for _, r := range p.c.Runs(id) {
			s = strings.ReplaceAll(s, r.ID, label(r))
		}
	}
	return s
}

// seen writes what there is to be seen: first what was answered, then every execution with its task runs below their
// parents, each with its state, and those of its attempts where they say more than that there was one that ended so.
func (p *player) seen() string {
	var out strings.Builder
	for _, a := range p.answers {
		fmt.Fprintln(&out, a)
	}
	p.answers = nil
	for _, id := range p.ids {
		e := p.c.Execution(id)
		if e == nil {
			fmt.Fprintf(&out, "%s is gone\n", p.names[id])
			continue
		}
		fmt.Fprintf(&out, "%s %s%s\n", p.names[id], e.State.Current(), p.notes(e))
		p.tree(&out, p.c.Runs(id), "", "  ")
	}
	return out.String()
}

// notes are the revision of an execution, its attempt, its labels and its outputs, where there is anything to say.
func (p *player) notes(e *model.Execution) (s string) {
	if e.FlowRevision > 1 {
		s += fmt.Sprint(" @", e.FlowRevision)
	}
	if e.Metadata.AttemptNumber > 1 {
		s += fmt.Sprint(" attempt ", e.Metadata.AttemptNumber)
	}
	for _, l := range e.Labels {
		if l.Key != model.LabelCorrelation {
			s += " " + l.Key + "=" + l.Value
		}
	}
	if len(e.Outputs) > 0 {
		s += " " + string(e.Outputs)
	}
	if e.State.Current().Terminated() && !e.Engine.Finished {
		s += " …"
	}
	return s
}

func (p *player) tree(out *strings.Builder, runs []*model.TaskRun, parent, indent string) {
	for _, r := range runs {
		if r.ParentID == parent {
			fmt.Fprintf(out, "%s%s %s%s%s\n", indent, label(r), r.State.Current(), attempts(r), outputs(r))
			p.tree(out, runs, r.ID, indent+"  ")
		}
	}
}

func attempts(r *model.TaskRun) string {
	var states []string
	for _, a := range r.Attempts {
		states = append(states, a.State.Current().String())
	}
	if len(states) == 0 && !r.State.Current().Terminated() || len(states) == 1 && states[0] == r.State.Current().String() {
		return ""
	}
	return " (" + strings.Join(states, " ") + ")"
}

// outputs are those of a task run but for the plain ones of every task of these scenarios.
func outputs(r *model.TaskRun) string {
	var m map[string]any
	if len(r.Outputs) == 0 || json.Unmarshal(r.Outputs, &m) != nil || m["value"] == "x" {
		return ""
	}
	delete(m, "executionId")
	delete(m, "subflowOutputsBaseUri")
	if resumed, ok := m["resumed"].(map[string]any); ok {
		delete(resumed, "on")
	}
	if len(m) == 0 {
		return ""
	}
	b, _ := json.Marshal(m)
	return " " + string(b)
}

func (p *player) waits(body json.RawMessage) (out []string) {
	var waits []engine.Wait
	if err := json.Unmarshal(body, &waits); err != nil {
		p.t.Fatal(err)
	}
	for _, w := range waits {
		what := w.TaskID
		if w.Value != nil {
			what += "[" + *w.Value + "]"
		}
		if what == "" {
			what = "it"
		}
		line := fmt.Sprintf("%s waits for %s since %v", what, w.For, p.c.Now.Sub(w.Since))
		if w.Until != nil {
			line += fmt.Sprintf(" for another %v", w.Until.Sub(p.c.Now))
		}
		line += ": " + w.Detail
		if w.Ref != "" {
			line += " (" + p.named(w.Ref) + ")"
		}
		out = append(out, line)
	}
	if len(waits) == 0 {
		out = append(out, "it waits for nothing: it has ended")
	}
	return out
}
