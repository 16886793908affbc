// Package script holds the tasks that run scripts and commands: one table of languages, and what all of them have in common.
// Where the commands run is a task runner's matter (package taskrunner).
package script

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/taskrunner"
	"github.com/windhover-io/windhover/internal/taskrunner/docker"
	"github.com/windhover-io/windhover/internal/taskrunner/process"
	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// Deps are what tasks use.
type Deps struct {
	Registry *plugin.Registry // where task runners are
	Storage  storage.Storage
	KV       *kv.Store
	Config   Config
}

// Config configures scripts of a worker.
type Config struct {
	// Runner is where tasks run that name no task runner: Docker, which "" means too, or Process.
	Runner string
	// Quota is how much a task's working directory may hold, in bytes; 0 for any amount.
	Quota int64
	// CacheDir is where dependencies are kept; "" for the user's directory of caches.
	CacheDir string
	Process  process.Config
	Docker   docker.Config
}

// The names of task runners in the configuration and in the older property runner.
const (
	Docker     = "DOCKER"
	Process    = "PROCESS"
	dockerType = docker.Name
)

// Common are the properties of all tasks here.
type Common struct {
	TaskRunner      *plugin.Plugin   `json:"taskRunner" category:"taskRunners" doc:"Where the commands run; unless it is set, where tasks.scripts.runner says: in a Docker container."`
	ContainerImage  string           `json:"containerImage" doc:"The image of the container, for task runners that need one."`
	BeforeCommands  []sdk.Template   `json:"beforeCommands" doc:"Commands that run first, in the same shell; what they write is logged as DEBUG."`
	Interpreter     []sdk.Template   `json:"interpreter" doc:"The program that runs the commands, with its options; /bin/sh -c unless it is set. An empty list runs the commands as a program with its arguments."`
	Env             any              `json:"env" raw:"true" doc:"Environment variables: a map."`
	InputFiles      any              `json:"inputFiles" raw:"true" doc:"Files to write to the working directory first: names with contents, or with URIs of files."`
	OutputFiles     []string         `json:"outputFiles" doc:"Globs of the files to store afterwards; also those of a task that has failed."`
	NamespaceFiles  *files.Namespace `json:"namespaceFiles" doc:"Namespace files to copy into the working directory first."`
	OutputDirectory *bool            `json:"outputDirectory" deprecated:"outputFiles" doc:"Whether there is a directory outputDir, all of whose files are stored afterwards."`
	FailFast        bool             `json:"failFast" default:"true" doc:"Whether the first command that fails ends the task."`
	WarningOnStdErr bool             `json:"warningOnStdErr" default:"false" deprecated:"an exit code" doc:"Whether the task ends in WARNING when something was written to standard error."`
	TargetOS        string           `json:"targetOS" default:"AUTO" enum:"LINUX,WINDOWS,AUTO" doc:"The system that the commands are written for."`
	LogIsoFormat    bool             `json:"logIsoFormat" default:"false" doc:"Whether lines begin with an ISO-8601 date, which is then the date of the line in the log."`
	Runner          string           `json:"runner" enum:"PROCESS,DOCKER" deprecated:"taskRunner" doc:"Where the commands run."`
	Docker          any              `json:"docker" deprecated:"taskRunner" doc:"The properties of the Docker task runner."`
	Context         bool             `json:"executionContext" default:"false" doc:"Accepted and not used."`

	deps *Deps
	lang *language
}

// Output is what a script puts out.
type Output struct {
	Vars        *value.Map `json:"vars" doc:"What the script has told in lines ::{\"outputs\":{…}}::."`
	ExitCode    int        `json:"exitCode" doc:"The exit code of the command."`
	OutputFiles *value.Map `json:"outputFiles" doc:"The stored files by name."`
	StdOut      int        `json:"stdOutLineCount" doc:"How many lines were written to standard output."`
	StdErr      int        `json:"stdErrLineCount" doc:"How many lines were written to standard error."`
	TaskRunner  any        `json:"taskRunner" doc:"What the task runner tells, such as the id of a container."`

	warn bool
}

// Warning implements sdk.WarningOutput.
func (o Output) Warning() bool { return o.warn && o.StdErr > 0 }

// Script runs a script that stands in the flow.
type Script struct {
	Common
	Script sdk.Template `json:"script" required:"true" doc:"The script."`
}

// Run runs it.
func (t *Script) Run(ctx context.Context, run sdk.Run) (any, error) {
	s, err := t.open(ctx, run, t.Script)
	if err != nil {
		return nil, err
	}
	defer s.close()
	return s.runScript(t.Script, t.lang.extension, nil)
}

// runScript runs a text of the task's language.
func (s *session) runScript(text sdk.Template, extension string, options []string) (any, error) {
	script, err := s.render(text)
	if err != nil {
		return nil, fmt.Errorf("script: %w", err)
	}
	if s.lang.program == nil { // the shell's own language
		return s.run([]string{script})
	}
	if s.script, err = s.write("script-", extension, s.lang.prelude(script)); err != nil {
		return nil, err
	}
	s.options = options
	return s.run(nil)
}

// JBang runs a script with JBang.
type JBang struct {
	Common
	Script    sdk.Template `json:"script" required:"true" doc:"The script."`
	Extension string       `json:"extension" default:".java" pattern:"^\\.[a-zA-Z]+$" doc:"The extension of its file, which tells the language: .java, .jsh, .kt, .groovy or .md."`
	Quiet     bool         `json:"quiet" default:"true" doc:"Whether JBang tells of errors only."`
}

// Run runs it.
func (t *JBang) Run(ctx context.Context, run sdk.Run) (any, error) {
	s, err := t.open(ctx, run, t.Script)
	if err != nil {
		return nil, err
	}
	defer s.close()
	var options []string
	if t.Quiet {
		options = []string{"--quiet"}
	}
	return s.runScript(t.Script, t.Extension, options)
}

// Commands runs commands of a shell.
type Commands struct {
	Common
	Commands []sdk.Template `json:"commands" required:"true" doc:"The commands, in their order."`
}

// Run runs them.
func (t *Commands) Run(ctx context.Context, run sdk.Run) (any, error) {
	s, err := t.open(ctx, run, t.Commands...)
	if err != nil {
		return nil, err
	}
	defer s.close()
	return s.runCommands(t.Commands)
}

func (s *session) runCommands(commands []sdk.Template) (any, error) {
	rendered, err := s.renderAll(commands)
	if err != nil {
		return nil, fmt.Errorf("commands: %w", err)
	}
	return s.run(rendered)
}

// chosen is the task runner of the task.
func (c *Common) chosen() (r taskrunner.Runner, byDefault bool, err error) {
	runner := c.Runner
	if c.TaskRunner != nil && runner == "" {
		if c.Docker == nil || c.TaskRunner.Type.Name != dockerType {
			r, ok := c.TaskRunner.Value.(taskrunner.Runner)
			if !ok {
				return nil, false, fmt.Errorf("taskRunner: %s runs nothing here", c.TaskRunner.Type.Name)
			}
			return r, false, nil
		}
		runner = Docker // the older property counts
	}
	if runner == "" {
		runner, byDefault = c.deps.Config.Runner, true
	}
	name, props := dockerType, value.NewMap(0)
	if runner == Process {
		name = process.Name
	} else if c.Docker != nil {
		given, ok := value.AsMap(c.Docker)
		if !ok {
			return nil, false, fmt.Errorf("docker: expected an object, got %s", value.TypeName(c.Docker))
		}
		props = given
	}
	typ, ok := c.deps.Registry.Lookup(name)
	if !ok {
		err = fmt.Errorf("this server has no task runner %s", name)
		return nil, byDefault, advised(err, byDefault)
	}
	v, err := typ.Decode(props, asWritten)
	if err != nil {
		return nil, byDefault, err
	}
	return v.(taskrunner.Runner), byDefault, nil
}

// asWritten renders nothing: what it is asked for was rendered before.
func asWritten(text string, _ bool) (any, error) { return text, nil }

// advised adds to an error of a task runner that nobody has chosen what may be done.
func advised(err error, byDefault bool) error {
	if !byDefault {
		return err
	}
	return fmt.Errorf("%w; the task names no task runner, so it is to run in a container: to run it as a process of the worker, "+
		"set its taskRunner to {type: %s}, or tasks.scripts.runner to PROCESS for all tasks", err, process.Name)
}

// failure is how a task fails whose command has.
func failure(r taskrunner.Result) error {
	text := fmt.Sprintf("Command failed with exit code %d", r.ExitCode)
	if r.Reason != "" {
		text += ": " + r.Reason
	}
	return errors.New(text)
}

// mentions tells whether one of the texts names something.
func mentions(texts []sdk.Template, words ...string) bool {
	for _, t := range texts {
		for _, w := range words {
			if strings.Contains(string(t), w) {
				return true
			}
		}
	}
	return false
}
