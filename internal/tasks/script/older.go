package script

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

const olderArea = "io.kestra.core.tasks.scripts."

// Older are the properties of the tasks that were there before those of languages.
type Older struct {
	Runner          string         `json:"runner" default:"PROCESS" enum:"PROCESS,DOCKER" doc:"Where the commands run."`
	DockerOptions   any            `json:"dockerOptions" doc:"The properties of the Docker task runner."`
	Interpreter     sdk.Template   `json:"interpreter" default:"/bin/sh" doc:"The program that runs the commands."`
	InterpreterArgs []sdk.Template `json:"interpreterArgs" default:"[\"-c\"]" doc:"Its options."`
	ExitOnFailed    bool           `json:"exitOnFailed" default:"true" doc:"Whether the first command that fails ends the task."`
	Files           []string       `json:"files" deprecated:"outputFiles" doc:"The same as outputFiles."`
	OutputsFiles    []string       `json:"outputsFiles" deprecated:"outputFiles" doc:"The same as outputFiles."`
	OutputFiles     []string       `json:"outputFiles" doc:"Names of files to store: commands find their paths as outputFiles.name."`
	OutputDirs      []string       `json:"outputDirs" deprecated:"outputFiles" doc:"Names of directories whose files are stored: commands find their paths as outputDirs.name."`
	InputFiles      any            `json:"inputFiles" raw:"true" doc:"Files to write to the working directory first: names with contents, or with URIs of files."`
	Env             any            `json:"env" raw:"true" doc:"Environment variables: a map."`
	WarningOnStdErr bool           `json:"warningOnStdErr" default:"false" doc:"Whether the task ends in WARNING when something was written to standard error."`

	deps *Deps
}

// OlderOutput is what older tasks put out.
type OlderOutput struct {
	Vars        *value.Map `json:"vars" doc:"What the script has told in lines ::{\"outputs\":{…}}::."`
	StdOut      int        `json:"stdOutLineCount" doc:"How many lines were written to standard output."`
	StdErr      int        `json:"stdErrLineCount" doc:"How many lines were written to standard error."`
	ExitCode    int        `json:"exitCode" doc:"The exit code of the command."`
	Files       *value.Map `json:"files" doc:"The same as outputFiles."`
	OutputFiles *value.Map `json:"outputFiles" doc:"The stored files by name."`

	warn bool
}

// Warning implements sdk.WarningOutput.
func (o OlderOutput) Warning() bool { return o.warn && o.StdErr > 0 }

// OlderBash runs commands of a shell.
type OlderBash struct {
	Older
	Commands []sdk.Template `json:"commands" required:"true" doc:"The commands, in their order."`
}

// Run runs them.
func (t *OlderBash) Run(ctx context.Context, run sdk.Run) (any, error) {
	return t.run(ctx, run, nil, t.Commands...)
}

// OlderPython runs a script of Python, the file main.py.
type OlderPython struct {
	Older
	PythonPath     string         `json:"pythonPath" default:"python" doc:"The Python to make the virtual environment with."`
	Args           []sdk.Template `json:"args" doc:"Arguments of the script."`
	Requirements   []sdk.Template `json:"requirements" doc:"Packages to install first, as pip names them."`
	Commands       []sdk.Template `json:"commands" default:"[\"./bin/python main.py\"]" doc:"The commands."`
	VirtualEnv     bool           `json:"virtualEnv" default:"true" doc:"Whether to make a virtual environment in the working directory."`
	PackageManager string         `json:"packageManager" default:"PIP" enum:"UV,PIP" doc:"Accepted; pip installs packages."`
}

// Run runs it.
func (t *OlderPython) Run(ctx context.Context, run sdk.Run) (any, error) {
	var commands []sdk.Template
	if t.VirtualEnv {
		commands = append(commands, sdk.Template(t.PythonPath+" -m venv --system-site-packages . > /dev/null"))
		if len(t.Requirements) > 0 {
			commands = append(commands, "./bin/pip install --quiet --disable-pip-version-check "+joined(t.Requirements))
		}
	}
	for _, c := range t.Commands {
		if len(t.Args) > 0 {
			c += " " + joined(t.Args)
		}
		commands = append(commands, c)
	}
	main := "main.py"
	if len(t.Commands) != 1 || t.Commands[0] != "./bin/python main.py" {
		main = ""
	}
	return t.run(ctx, run, &helper{"kestra.py", pythonHelper, main}, commands...)
}

// OlderNode runs a script of Node.js, the file main.js.
type OlderNode struct {
	Older
	NodePath string         `json:"nodePath" default:"node" doc:"The program that runs it."`
	NpmPath  string         `json:"npmPath" default:"npm" doc:"The program that installs what package.json names."`
	Args     []sdk.Template `json:"args" doc:"Arguments of the script."`
}

// Run runs it.
func (t *OlderNode) Run(ctx context.Context, run sdk.Run) (any, error) {
	commands := []sdk.Template{"if [ -f package.json ]; then " + sdk.Template(t.NpmPath) + " i > /dev/null; fi"}
	if dir := filepath.Dir(t.NodePath); dir != "." {
		commands = append([]sdk.Template{`PATH="$PATH:` + sdk.Template(dir) + `"`}, commands...)
	}
	commands = append(commands, sdk.Template(t.NodePath)+" main.js "+joined(t.Args))
	return t.run(ctx, run, &helper{"kestra.js", nodeHelper, "main.js"}, commands...)
}

func joined(templates []sdk.Template) sdk.Template {
	out := make([]string, len(templates))
	for i, t := range templates {
		out[i] = string(t)
	}
	return sdk.Template(strings.Join(out, " "))
}

// helper is a module that scripts may use, and the file that the script has to be in.
type helper struct{ name, content, main string }

// run runs commands.
func (t *Older) run(ctx context.Context, run sdk.Run, h *helper, commands ...sdk.Template) (any, error) {
	names := slices.Concat(t.OutputFiles, t.OutputsFiles, t.Files)
	c := Common{
		deps: t.deps, lang: &languages[0], Runner: t.Runner, Docker: t.DockerOptions, Interpreter: append([]sdk.Template{t.Interpreter}, t.InterpreterArgs...),
		FailFast: t.ExitOnFailed, InputFiles: t.InputFiles, Env: t.Env, OutputFiles: names, TargetOS: "AUTO", WarningOnStdErr: t.WarningOnStdErr,
		OutputDirectory: new(bool),
	}
	s, err := c.begin(ctx, run, commands...)
	if err != nil {
		return nil, err
	}
	defer s.close()
	places, err := s.temporary(names, false, "outputFiles", "temp")
	if err != nil {
		return nil, err
	}
	dirs, err := s.temporary(t.OutputDirs, true, "outputDirs")
	if err != nil {
		return nil, err
	}
	if err := s.fill(); err != nil {
		return nil, err
	}
	if err := h.put(s); err != nil {
		return nil, err
	}
	rendered, err := s.renderAll(commands)
	if err != nil {
		return nil, err
	}
	out, err := s.execute(rendered)
	if out.OutputFiles == nil {
		return nil, err
	}
	stored, failed := s.storeAll(places, dirs)
	for name, uri := range out.OutputFiles.All() {
		stored.Set(name, uri)
	}
	result := OlderOutput{out.Vars, out.StdOut, out.StdErr, out.ExitCode, stored, stored, out.warn}
	if err == nil {
		err = failed
	}
	if err != nil {
		return nil, &sdk.OutputError{Err: err, Outputs: result}
	}
	return result, nil
}

// put writes the module, unless the task brings one of its own.
func (h *helper) put(s *session) error {
	if h == nil {
		return nil
	}
	if _, err := os.Lstat(filepath.Join(s.dir, h.main)); err != nil { // without a name this is the directory
		return fmt.Errorf("inputFiles: %s is missing, which holds the script", h.main)
	}
	path := filepath.Join(s.dir, h.name)
	if _, err := os.Lstat(path); err == nil {
		return nil
	}
	s.own = append(s.own, path)
	return os.WriteFile(path, []byte(h.content), 0o600)
}

// temporary makes an empty file or directory for each name, and the variables that commands find their paths by.
func (s *session) temporary(names []string, dirs bool, variables ...string) (map[string]string, error) {
	paths, seen := map[string]string{}, map[string]any{}
	for _, name := range names {
		if !filepath.IsLocal(name) || strings.HasPrefix(name, "./") || strings.ContainsAny(name, `/\`) {
			return nil, fmt.Errorf("%s: %q is to be a name", variables[0], name)
		}
		path := filepath.Join(s.dir, name+"_"+model.NewID())
		make := func() error { return os.WriteFile(path, nil, 0o600) }
		if dirs {
			make = func() error { return os.Mkdir(path, 0o700) }
		}
		if err := make(); err != nil {
			return nil, err
		}
		paths[name], seen[name] = path, s.runner.Seen(path)
	}
	if len(names) > 0 {
		for _, v := range variables {
			s.vars[v] = seen
		}
	}
	return paths, nil
}

// storeAll stores the files and the contents of the directories.
func (s *session) storeAll(places, dirs map[string]string) (*value.Map, error) {
	stored := value.NewMap(len(places))
	for _, name := range slices.Sorted(maps.Keys(places)) {
		found, err := files.Collect(s.ctx, s.task, s.dir, []string{filepath.Base(places[name])})
		if err != nil {
			return stored, err
		}
		for _, uri := range found.All() {
			stored.Set(name, uri)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(dirs)) {
		found, err := files.Collect(s.ctx, s.task, dirs[name], []string{"**"})
		if err != nil {
			return stored, err
		}
		for file, uri := range found.All() {
			stored.Set(name+"/"+file, uri)
		}
	}
	return stored, nil
}

func olderTypes(deps *Deps) []plugin.Type {
	of := func(name, title, example string, make func(Older) any) plugin.Type {
		return plugin.Type{
			Name: olderArea + name, Category: plugin.Task, Title: title, Deprecated: area + strings.ToLower(strings.Replace(name, "Bash", "shell", 1)) + ".Commands",
			Description: "An older form, which runs in a process of the worker unless it says otherwise.",
			Examples:    []plugin.Example{{Title: "Hello", YAML: "id: hello\ntype: " + olderArea + name + "\n" + example}},
			New:         func() any { return make(Older{deps: deps}) }, Outputs: OlderOutput{},
		}
	}
	return []plugin.Type{
		of("Bash", "Run commands of a shell, the older way.", "commands:\n  - echo hello", func(o Older) any { return &OlderBash{Older: o} }),
		of("Python", "Run a script of Python, the older way.", "inputFiles:\n  main.py: print('hello')", func(o Older) any { return &OlderPython{Older: o} }),
		of("Node", "Run a script of Node.js, the older way.", "inputFiles:\n  main.js: console.log('hello')", func(o Older) any { return &OlderNode{Older: o} }),
	}
}
