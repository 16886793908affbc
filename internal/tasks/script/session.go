package script

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/taskrunner"
	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// session is one run of a task: its directory, and what is found out step by step.
type session struct {
	*Common
	ctx       context.Context
	task      sdk.Run
	runner    taskrunner.Runner
	byDefault bool // nobody has chosen the runner
	dir       string
	out       string         // the output directory, "" for none
	vars      map[string]any // of expressions, besides the usual ones
	env       map[string]string
	script    string   // the file with the script, as the command sees it, "" for commands
	options   []string // of the program that runs the script
	first     []string // commands before all others
	local     map[string]string
	own       []string // files and directories that are not the user's
}

// open prepares the directory and the variables. The texts are what the task will render: they tell what is needed.
func (c *Common) open(ctx context.Context, run sdk.Run, texts ...sdk.Template) (*session, error) {
	s, err := c.begin(ctx, run, texts...)
	if err != nil {
		return nil, err
	}
	return s, s.fill()
}

// begin finds the task runner, and where the directories are.
func (c *Common) begin(ctx context.Context, run sdk.Run, texts ...sdk.Template) (*session, error) {
	s := &session{Common: c, ctx: ctx, task: run, vars: map[string]any{}, env: map[string]string{}, local: map[string]string{}}
	var err error
	if s.runner, s.byDefault, err = c.chosen(); err != nil {
		return nil, err
	}
	if s.dir, err = run.WorkDir(); err != nil {
		return nil, err
	}
	return s, s.places(texts)
}

// fill fills the directory and sets the variables of the command.
func (s *session) fill() error {
	if s.NamespaceFiles != nil {
		if err := files.PutNamespace(s.ctx, s.task, s.deps.Storage, s.dir, *s.NamespaceFiles); err != nil {
			return err
		}
	}
	if s.InputFiles != nil {
		given, err := s.task.RenderTyped(s.InputFiles, s.vars)
		if err != nil {
			return fmt.Errorf("inputFiles: %w", err)
		}
		if err := files.Put(s.ctx, s.task, s.dir, given); err != nil {
			return err
		}
	}
	return s.environment()
}

// places sets the variables that name directories and files.
func (s *session) places(texts []sdk.Template) error {
	seen := s.runner.Seen(s.dir)
	s.vars["workingDir"], s.env["WORKING_DIR"] = seen, seen
	wanted := s.Runner != "" || mentions(append(texts, s.BeforeCommands...), "outputDir", "OUTPUT_DIR")
	if s.OutputDirectory != nil {
		wanted = *s.OutputDirectory
	}
	if wanted {
		s.out = filepath.Join(s.dir, "output-"+model.NewID())
		if err := os.Mkdir(s.out, 0o700); err != nil {
			return err
		}
		seen := s.runner.Seen(s.out)
		s.vars["outputDir"], s.env["OUTPUT_DIR"] = seen, seen
	}
	named := map[string]any{}
	for _, name := range s.OutputFiles {
		if !strings.ContainsAny(name, "*?[") {
			named[name] = s.runner.Seen(filepath.Join(s.dir, filepath.FromSlash(name)))
		}
	}
	if len(named) > 0 {
		s.vars["outputFiles"] = named
	}
	return nil
}

// environment sets the variables of the command.
func (s *session) environment() error {
	if parent := s.task.Info().TraceParent; parent != "" {
		s.env["TRACEPARENT"] = parent
	}
	maps.Copy(s.env, s.lang.env)
	if s.Env == nil {
		return nil
	}
	given, err := s.task.RenderTyped(s.Env, s.vars)
	if err != nil {
		return fmt.Errorf("env: %w", err)
	}
	if text, ok := given.(string); ok {
		if given, err = value.ParseJSON([]byte(text)); err != nil {
			return fmt.Errorf("env: expected a map, or its JSON: %w", err)
		}
	}
	m, ok := value.AsMap(given)
	if !ok && given != nil {
		return fmt.Errorf("env: expected a map, got %s", value.TypeName(given))
	}
	for name, v := range m.All() {
		text := value.Print(v)
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.ContainsRune(text, 0) {
			return fmt.Errorf("env: %q cannot be an environment variable", name)
		}
		s.env[name] = text
	}
	return nil
}

// stored finds files of internal storage that a command names.
var stored = regexp.MustCompile(`kestra://[-\pL\pN%._+~#=/]*`)

// render renders a text; files of internal storage that it names are put into the directory and their paths into the text.
func (s *session) render(t sdk.Template) (string, error) {
	text, err := s.task.Render(string(t), s.vars)
	if err != nil {
		return "", err
	}
	return s.localized(text)
}

func (s *session) localized(text string) (string, error) {
	var failed error
	text = stored.ReplaceAllStringFunc(text, func(uri string) string {
		path, err := s.fetch(uri)
		failed = errors.Join(failed, err)
		return path
	})
	return text, failed
}

// renderAll renders commands. A single expression may give a list of them.
func (s *session) renderAll(templates []sdk.Template) ([]string, error) {
	if len(templates) != 1 {
		out := make([]string, len(templates))
		for i, t := range templates {
			var err error
			if out[i], err = s.render(t); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	v, err := s.task.RenderTyped(string(templates[0]), s.vars)
	if err != nil {
		return nil, err
	}
	given, ok := v.([]any)
	if !ok {
		given = []any{v}
	}
	out := make([]string, len(given))
	for i, e := range given {
		if out[i], err = s.localized(value.Print(e)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// fetch puts a file of internal storage into the directory and returns its path as the command sees it.
func (s *session) fetch(uri string) (string, error) {
	if path, ok := s.local[uri]; ok {
		return path, nil
	}
	name := "file-" + model.NewID() + files.Extension(uri)
	err := files.Put(s.ctx, s.task, s.dir, value.MapOf(value.Entry{Key: name, Value: uri}))
	if err != nil {
		return "", err
	}
	path := filepath.Join(s.dir, name)
	s.own = append(s.own, path)
	s.local[uri] = s.runner.Seen(path)
	return s.local[uri], nil
}

// write writes a file of ours into the directory and returns its path as the command sees it.
func (s *session) write(prefix, extension, content string) (string, error) {
	path := filepath.Join(s.dir, prefix+model.NewID()+extension)
	s.own = append(s.own, path)
	return s.runner.Seen(path), os.WriteFile(path, []byte(content), 0o600)
}

// close removes the files that are not the user's.
func (s *session) close() {
	for _, path := range s.own {
		_ = os.RemoveAll(path) // the directory goes as a whole, unless tasks share it
	}
	s.own = nil
}

// run runs the commands, or the script, to the end and collects what comes of it. The outputs of a task that fails are told
// too, unless its command did not come to its end.
func (s *session) run(commands []string) (any, error) {
	out, err := s.execute(commands)
	switch {
	case err == nil:
		return out, nil
	case out.OutputFiles == nil:
		return nil, err
	}
	return nil, &sdk.OutputError{Err: err, Outputs: out}
}

func (s *session) execute(commands []string) (Output, error) {
	args, err := s.arguments(commands)
	if err != nil {
		return Output{}, err
	}
	l := &listener{run: s.task, dated: s.LogIsoFormat, vars: value.NewMap(0)}
	out, stderr := l.out(), l.err()
	ctx, stop := watch(s.ctx, s.dir, s.deps.Config.Quota)
	r, err := s.runner.Run(ctx, s.task, &taskrunner.Command{
		Args: args, Env: s.env, Dir: s.dir, OutputDir: s.out, OutputFiles: s.OutputFiles, Image: s.image(), Stdout: out, Stderr: stderr,
	})
	stop()
	out.close()
	stderr.close()
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, errQuota) {
		err = cause
	}
	if errors.Is(err, taskrunner.ErrUnavailable) {
		err = advised(err, s.byDefault)
	}
	if err != nil {
		return Output{}, err
	}
	result := Output{
		Vars: l.vars, ExitCode: r.ExitCode, StdOut: l.stdout, StdErr: l.stderr, TaskRunner: r.Details, warn: s.WarningOnStdErr,
	}
	if result.OutputFiles, err = s.collect(); err != nil {
		err = fmt.Errorf("outputFiles: %w", err)
	}
	if r.ExitCode != 0 {
		err = errors.Join(failure(r), err)
	}
	return result, err
}

func (s *session) image() string {
	if s.ContainerImage != "" {
		return s.ContainerImage
	}
	return s.lang.image
}

// collect stores the files that the task is to put out.
func (s *session) collect() (*value.Map, error) {
	s.close()
	stored := value.NewMap(0)
	if s.out != "" {
		everything, err := files.Collect(s.ctx, s.task, s.out, []string{"**"})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return stored, err
		}
		stored = everything
		if err := os.RemoveAll(s.out); err != nil {
			return stored, err
		}
	}
	if len(s.OutputFiles) == 0 {
		return stored, nil
	}
	named, err := files.Collect(s.ctx, s.task, s.dir, s.OutputFiles)
	for name, uri := range named.All() {
		stored.Set(name, uri)
	}
	return stored, err
}
