// Package engine decides. It moves executions: given the state of one, an event and the answers to what it asked, Step
// says what changed and what has to follow. It does no I/O, holds no lock, reads no clock and starts no goroutine, so that
// the same events always have the same outcome and everything about execution can be tested with values.
//
// The parts: step.go takes events; turn.go is one step under way; state.go and frame.go are an execution and the progress
// of its lists of tasks; advance.go works the lists; start.go begins task runs and end.go ends them; the files named after
// a kind of task hold what is special about it; actions.go holds what people ask for; gate.go is the other entity, a flow's
// concurrency limit.
package engine
