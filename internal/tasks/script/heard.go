package script

import (
	"io"

	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// Heard is what a command has told that no task runner runs: one on another machine. Its lines are logged, and those of the
// protocol obeyed, as those of scripts are.
type Heard struct {
	*listener
	stdout, stderr *lines
}

// Hear listens for a task.
func Hear(run sdk.Run) *Heard {
	l := &listener{run: run, vars: value.NewMap(0)}
	return &Heard{l, l.out(), l.err()}
}

// Outputs are the two that the command writes to, each from one goroutine.
func (h *Heard) Outputs() (stdout, stderr io.Writer) { return h.stdout, h.stderr }

// Vars hands on what was written without an end of line, and returns the outputs that were told of. The command must have
// ended.
func (h *Heard) Vars() *value.Map {
	h.stdout.close()
	h.stderr.close()
	return h.vars
}
