package script

import (
	"context"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/taskrunner"
	"github.com/windhover-io/windhover/sdk"
)

// Exec runs a command line, rather than commands of a shell, for tasks of other packages: of the properties it takes the image,
// the environment and the files. Without a command line the runner runs what the image does.
func (d Deps) Exec(ctx context.Context, run sdk.Run, runner taskrunner.Runner, c Common, line []sdk.Template) (any, error) {
	c.deps, c.lang, c.TargetOS, c.Interpreter = &d, &languages[0], "AUTO", []sdk.Template{}
	c.TaskRunner = &plugin.Plugin{NestedType: plugin.NestedType{Type: &plugin.Type{}, Value: runner}}
	s, err := c.open(ctx, run, line...)
	if err != nil {
		return nil, err
	}
	defer s.close()
	return s.runCommands(line)
}
