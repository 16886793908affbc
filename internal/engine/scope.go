package engine

import "github.com/windhover-io/windhover/internal/expr"

// Scope is the context in which expressions of an execution, or of one of its task runs, are evaluated outside a step: when
// people try expressions. call answers functions that touch the world. ok is false if there is no such task run.
func Scope(s *State, taskRunID string, env *Env, call func(name string, args expr.Args) (any, error)) (_ expr.Env, ok bool) {
	x := &turn{s: s, env: env}
	if taskRunID == "" {
		return looked{x.scope(nil), call}, true
	}
	n := s.nodes[taskRunID]
	if n == nil {
		return nil, false
	}
	return looked{x.scope(n), call}, true
}

// looked is a context whose functions are answered at once.
type looked struct {
	expr.Env
	call func(name string, args expr.Args) (any, error)
}

// Call answers a function that touches the world.
func (l looked) Call(name string, args expr.Args) (any, error) { return l.call(name, args) }
