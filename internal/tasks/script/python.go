package script

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/taskrunner"
	"github.com/windhover-io/windhover/sdk"
)

// Python are the properties that only tasks of Python have.
type Python struct {
	Dependencies   []string `json:"dependencies" doc:"Packages to install first, as pip names them."`
	PythonVersion  string   `json:"pythonVersion" doc:"The version of Python to install them for, such as 3.12; the one that is there unless it is set."`
	CacheEnabled   bool     `json:"dependencyCacheEnabled" default:"true" doc:"Whether what was installed is kept on the worker for tasks with the same dependencies."`
	PackageManager string   `json:"packageManager" default:"UV" enum:"UV,PIP" doc:"What installs them; pip does where there is no uv."`
	UVAutoInstall  bool     `json:"uvAutoInstallEnabled" default:"true" doc:"Accepted and not used: uv is not installed by the server."`
	UVVersion      string   `json:"uvInstallerVersion" doc:"Accepted and not used."`
	UVSha256       string   `json:"uvInstallerSha256" doc:"Accepted and not used."`
}

// PythonScript runs a script of Python.
type PythonScript struct {
	Common
	Python
	Script sdk.Template `json:"script" required:"true" doc:"The script."`
}

// Run runs it.
func (t *PythonScript) Run(ctx context.Context, run sdk.Run) (any, error) {
	s, err := t.open(ctx, run, t.Script)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := t.install(s); err != nil {
		return nil, err
	}
	return s.runScript(t.Script, t.lang.extension, nil)
}

// PythonCommands runs commands of a shell, with Python's dependencies.
type PythonCommands struct {
	Common
	Python
	Commands []sdk.Template `json:"commands" required:"true" doc:"The commands, in their order."`
}

// Run runs them.
func (t *PythonCommands) Run(ctx context.Context, run sdk.Run) (any, error) {
	s, err := t.open(ctx, run, t.Commands...)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := t.install(s); err != nil {
		return nil, err
	}
	return s.runCommands(t.Commands)
}

// install makes the dependencies available to the commands.
func (p *Python) install(s *session) error {
	if len(p.Dependencies) == 0 {
		return nil
	}
	if err := p.make(s); err != nil {
		return fmt.Errorf("dependencies: %w", err)
	}
	return nil
}

func (p *Python) make(s *session) error {
	if !s.runner.Local() {
		return p.inContainer(s)
	}
	python, err := p.find()
	if err != nil {
		return err
	}
	dir := filepath.Join(s.dir, "venv-"+model.NewID())
	if p.CacheEnabled {
		dir, err = p.cached(s, python)
	} else {
		s.own = append(s.own, dir)
		err = p.venv(s, python, dir)
	}
	if err != nil {
		return err
	}
	path, ok := s.env["PATH"]
	if !ok {
		path = os.Getenv("PATH")
	}
	s.env["VIRTUAL_ENV"] = dir
	s.env["PATH"] = binOf(dir) + string(filepath.ListSeparator) + path
	return nil
}

// inContainer installs the dependencies in the container, before everything else.
func (p *Python) inContainer(s *session) error {
	requirements, err := s.write("requirements-", ".txt", strings.Join(p.Dependencies, "\n")+"\n")
	if err != nil {
		return err
	}
	target := filepath.Join(s.dir, "packages-"+model.NewID())
	s.own = append(s.own, target)
	seen := s.runner.Seen(target)
	s.env["PYTHONPATH"] = seen
	s.first = append(s.first, "python -m pip install --quiet --target "+posix.word(seen)+" --requirement "+posix.word(requirements))
	return nil
}

// find finds the Python of the worker.
func (p *Python) find() (string, error) {
	names := []string{"python3", "python"}
	if p.PythonVersion != "" {
		names = []string{"python" + p.PythonVersion}
		if parts := strings.Split(p.PythonVersion, "."); len(parts) > 2 {
			names = append(names, "python"+parts[0]+"."+parts[1])
		}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	if _, err := exec.LookPath("uv"); err == nil && p.PythonVersion != "" && p.PackageManager == "UV" {
		return p.PythonVersion, nil // uv fetches it
	}
	return "", fmt.Errorf("%s is not on this worker: install it there, or run the task in a container", names[0])
}

func binOf(venv string) string {
	if runtime.GOOS == "windows" {
		return filepath.Join(venv, "Scripts")
	}
	return filepath.Join(venv, "bin")
}

// building holds a lock for each environment that is made or looked for in this process.
var building sync.Map

const (
	// ready is a file that tells that an environment is whole; its date is that of its latest use.
	ready = ".windhover-ready"
	// unused is how long an environment is kept that nobody uses.
	unused = 30 * 24 * time.Hour
)

// cached returns the environment with these dependencies, and makes it where it is not there yet. Others that want it
// meanwhile wait, also those of other processes.
func (p *Python) cached(s *session, python string) (dir string, err error) {
	version, err := p.ask(s, python, "--version")
	if err != nil {
		return "", err
	}
	root := s.deps.Config.CacheDir
	if root == "" {
		if root, err = os.UserCacheDir(); err != nil {
			return "", err
		}
		root = filepath.Join(root, "windhover")
	}
	if root, err = filepath.Abs(filepath.Join(root, "python")); err != nil {
		return "", err
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return "", err
	}
	dir = filepath.Join(root, p.key(python, version))
	mine, _ := building.LoadOrStore(dir, &sync.Mutex{})
	mine.(*sync.Mutex).Lock()
	defer mine.(*sync.Mutex).Unlock()
	others := flock.New(dir + ".lock")
	if _, err := others.TryLockContext(s.ctx, 100*time.Millisecond); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, others.Unlock()) }()
	now := time.Now()
	if os.Chtimes(filepath.Join(dir, ready), now, now) == nil {
		s.task.Log(sdk.LevelDebug, "the dependencies are installed already")
		return dir, nil
	}
	forget(root, now.Add(-unused))
	if err := os.RemoveAll(dir); err != nil { // it was not finished
		return "", err
	}
	if err := p.venv(s, python, dir); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return dir, os.WriteFile(filepath.Join(dir, ready), nil, 0o600)
}

// key names an environment by all that it depends on.
func (p *Python) key(python, version string) string {
	sum := sha256.New()
	for _, part := range append([]string{runtime.GOOS, runtime.GOARCH, python, version}, slices.Sorted(slices.Values(p.Dependencies))...) {
		fmt.Fprintf(sum, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(sum.Sum(nil))[:32]
}

// forget removes environments that were not used since.
func forget(root string, since time.Time) {
	found, _ := filepath.Glob(filepath.Join(root, "*", ready))
	for _, file := range found {
		if info, err := os.Stat(file); err == nil && info.ModTime().Before(since) {
			_ = os.Remove(file) // from here on it is not whole
			_ = os.RemoveAll(filepath.Dir(file))
		}
	}
}

// venv makes an environment with the dependencies. They are named in a file: the address of an index may hold a password.
func (p *Python) venv(s *session, python, dir string) error {
	list := filepath.Join(s.dir, "requirements-"+model.NewID()+".txt")
	s.own = append(s.own, list)
	if err := os.WriteFile(list, []byte(strings.Join(p.Dependencies, "\n")+"\n"), 0o600); err != nil {
		return err
	}
	inside := filepath.Join(binOf(dir), "python")
	steps := [][]string{
		{python, "-m", "venv", dir},
		{inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", list},
	}
	if uv, err := exec.LookPath("uv"); err == nil && p.PackageManager == "UV" {
		steps = [][]string{
			{uv, "venv", "--quiet", "--python", python, dir},
			{uv, "pip", "install", "--quiet", "--no-color", "--python", inside, "--requirement", list},
		}
	}
	began := time.Now()
	for _, step := range steps {
		if _, err := p.ask(s, step...); err != nil {
			return err
		}
	}
	s.task.Log(sdk.LevelDebug, "installed %s in %v", strings.Join(p.Dependencies, ", "), time.Since(began).Round(time.Millisecond))
	return nil
}

// told bounds what is kept of what a program writes, in bytes.
const told = 16 << 10

// ask runs a program of the worker and returns what it writes. One that fails says why on standard error.
func (p *Python) ask(s *session, args ...string) (string, error) {
	var out, problems last
	r, err := s.runner.Run(s.ctx, s.task, &taskrunner.Command{Args: args, Env: s.env, Dir: s.dir, Stdout: &out, Stderr: &problems})
	if err != nil {
		return "", err
	}
	if r.ExitCode != 0 {
		return "", fmt.Errorf("%s failed with exit code %d: %s", filepath.Base(args[0]), r.ExitCode, bytes.TrimSpace(problems.text))
	}
	return string(bytes.TrimSpace(out.text)), nil
}

// last keeps the end of what is written to it.
type last struct{ text []byte }

// Write implements io.Writer.
func (l *last) Write(p []byte) (int, error) {
	l.text = append(l.text, p...)
	if over := len(l.text) - told; over > 0 {
		l.text = append(l.text[:0], l.text[over:]...)
	}
	return len(p), nil
}
