package engine

import (
	"encoding/json"
	"slices"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// workerRoots are the context variables that every worker knows by itself, or from the rest of the job.
var workerRoots = []string{"envs", "globals", "kestra", "flow", "execution", "task", "taskrun"}

// jobVars builds the part of the context that a job carries: what the task's expressions may read and no more, since a
// loop of ten thousand values must not carry ten thousand outputs ten thousand times. Secrets stay encrypted.
func (x *turn) jobVars(n *node) *value.Map {
	uses := n.task.Uses
	if uses == nil {
		uses = &model.Uses{All: true}
	}
	sealed := *x.env
	sealed.Decrypt = nil
	sc := &scope{&turn{s: x.s, env: &sealed, now: x.now}, n}
	vars := value.NewMap(len(uses.Roots) + 1)
	for _, root := range roots {
		if slices.Contains(workerRoots, root) || !uses.All && !slices.Contains(uses.Roots, root) {
			continue
		}
		if root == "outputs" && !uses.All && !uses.AllOutputs {
			vars.Set(root, usedOutputs(sc.x, n, uses.Outputs))
			continue
		}
		if v, ok := sc.Var(root); ok {
			if lazy, isObject := v.(value.Object); isObject {
				v = lazy.Map()
			}
			vars.Set(root, v)
		}
	}
	return vars
}

// contextFor is the whole context of an ended execution, for a waiting task that asked for it.
func (x *turn) contextFor(w *model.Waiting) json.RawMessage {
	if !w.Context {
		return nil
	}
	sealed := *x.env
	sealed.Decrypt = nil
	sc := &scope{&turn{s: x.s, env: &sealed, now: x.now}, nil}
	vars := value.NewMap(len(roots))
	for _, root := range roots {
		v, ok := sc.Var(root)
		if !ok {
			continue
		}
		if lazy, isObject := v.(value.Object); isObject {
			v = lazy.Map()
		}
		vars.Set(root, v)
	}
	return value.AppendJSON(nil, vars, value.JSONOptions{KeepNulls: true})
}

func usedOutputs(x *turn, n *node, uses []model.OutputUse) *value.Map {
	m := value.NewMap(len(uses))
	for _, u := range uses {
		nodes := x.s.byTask[u.TaskID].nodes
		if len(nodes) == 0 {
			continue
		}
		if depth := len(nodes[0].path); u.Own && depth > 0 && depth <= len(n.path) {
			if v := ownOutputs(x, u.TaskID, n.path[:depth], x.s.shared(u.TaskID, n)); v != nil {
				m.Set(u.TaskID, v)
			}
			continue
		}
		if v, ok := (outputsOf{x, n}).Get(u.TaskID); ok {
			if lazy, isObject := v.(value.Object); isObject {
				v = lazy.Map()
			}
			m.Set(u.TaskID, v)
		}
	}
	return m
}

// ownOutputs is the outputs of the task run at exactly that path, below the values that lead to it but the first ones, which
// the reader does without.
func ownOutputs(x *turn, task string, path []string, shared int) any {
	v, ok := x.s.outputsAt(task, path, x.reveal)
	if !ok {
		return nil
	}
	if lazy, isObject := v.(value.Object); isObject {
		v = lazy.Map()
	}
	for i := len(path) - 1; i >= shared; i-- {
		v = value.MapOf(value.Entry{Key: path[i], Value: v})
	}
	return v
}
