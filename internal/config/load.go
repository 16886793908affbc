package config

import (
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

// key is one configuration key: how a value is put into the configuration. A nil set accepts the key and does nothing: it
// means something to the reference only.
type key struct {
	set func(c *Config, v any) error
	doc string
}

func text(p func(*Config) *string) func(*Config, any) error {
	return func(c *Config, v any) error { *p(c) = value.Print(v); return nil }
}

func whole(p func(*Config) *int) func(*Config, any) error {
	return func(c *Config, v any) error {
		n, err := strconv.Atoi(value.Print(v))
		*p(c) = n
		return err
	}
}

func flag(p func(*Config) *bool) func(*Config, any) error {
	return func(c *Config, v any) error {
		b, err := strconv.ParseBool(value.Print(v))
		*p(c) = b
		return err
	}
}

func list(p func(*Config) *[]any) func(*Config, any) error {
	return func(c *Config, v any) error {
		l, ok := v.([]any)
		if !ok {
			return fmt.Errorf("expected a list")
		}
		*p(c) = l
		return nil
	}
}

var keys = map[string]key{
	"server.host":                {text(func(c *Config) *string { return &c.Server.Host }), "The address to listen on; loopback unless it is set."},
	"server.port":                {whole(func(c *Config) *int { return &c.Server.Port }), "The port to listen on."},
	"server.basic-auth.enabled":  {flag(func(c *Config) *bool { return &c.Server.BasicAuth.Enabled }), "Ask for a name and a password."},
	"server.basic-auth.username": {text(func(c *Config) *string { return &c.Server.BasicAuth.Username }), "The name."},
	"server.basic-auth.password": {text(func(c *Config) *string { return &c.Server.BasicAuth.Password }), "The password."},
	"server.basic-auth.open-urls": {func(c *Config, v any) error {
		l, ok := v.([]any)
		if !ok {
			return fmt.Errorf("expected a list of path prefixes")
		}
		c.Server.BasicAuth.OpenURLs = nil
		for _, e := range l {
			c.Server.BasicAuth.OpenURLs = append(c.Server.BasicAuth.OpenURLs, value.Print(e))
		}
		return nil
	}, "Path prefixes that need neither name nor password."},
	"server.max-request-size": {func(c *Config, v any) error {
		n, err := strconv.ParseInt(value.Print(v), 10, 64)
		c.Server.MaxRequest = n
		return err
	}, "The largest body of a request, in bytes."},
	"server.terminationgraceperiod": {func(c *Config, v any) (err error) {
		c.Server.Grace, err = model.ParseDuration(value.Print(v))
		return err
	}, "How long a stop waits for running tasks."},
	"repository.type":               {text(func(c *Config) *string { return &c.Backend.Type }), "What remembers: memory or sqlite."},
	"repository.path":               {text(func(c *Config) *string { return &c.Backend.Path }), "The directory of SQLite's files."},
	"queue.type":                    {text(func(c *Config) *string { return &c.Backend.Type }), "The same as repository.type: one backend is both."},
	"storage.type":                  {text(func(c *Config) *string { return &c.Storage.Type }), "Where files are kept: local or memory."},
	"storage.local.base-path":       {text(func(c *Config) *string { return &c.Storage.Path }), "The directory of the files."},
	"encryption.secret-key":         {text(func(c *Config) *string { return &c.Encryption.SecretKey }), "16, 24 or 32 bytes in base64, for secrets and encrypted outputs."},
	"variables.env-vars-prefix":     {text(func(c *Config) *string { return &c.Variables.EnvPrefix }), "The prefix of environment variables that expressions see as envs."},
	"variables.cache-enabled":       {nil, ""},
	"variables.cache-size":          {nil, ""},
	"variables.recursive-rendering": {nil, ""},
	"variables.globals": {func(c *Config, v any) error {
		m, ok := v.(*value.Map)
		if !ok {
			return fmt.Errorf("expected a map")
		}
		c.Variables.Globals = m
		return nil
	}, "Variables that every expression sees as globals."},
	"tasks.tmp-dir.path":             {text(func(c *Config) *string { return &c.Tasks.TmpDir }), "Where tasks get their working directories."},
	"tasks.defaults":                 {list(func(c *Config) *[]any { return &c.Plugins.Defaults }), "The same as plugins.defaults."},
	"plugins.defaults":               {list(func(c *Config) *[]any { return &c.Plugins.Defaults }), "Plugin defaults for all flows."},
	"plugins.configurations":         {list(func(c *Config) *[]any { return &c.Plugins.Configurations }), "Settings of types."},
	"worker.threads":                 {whole(func(c *Config) *int { return &c.Worker.Threads }), "How many tasks a worker runs at once."},
	"worker.group":                   {text(func(c *Config) *string { return &c.Worker.Group }), "The worker group that a worker serves."},
	"environment.name":               {text(func(c *Config) *string { return &c.Environment.Name }), "The name of the environment in the UI."},
	"environment.color":              {text(func(c *Config) *string { return &c.Environment.Color }), "Its colour."},
	"url":                            {text(func(c *Config) *string { return &c.URL }), "The address of the web UI for people."},
	"tutorial-flows.enabled":         {flag(func(c *Config) *bool { return &c.Tutorial }), "Put the tutorial flows into an empty installation."},
	"anonymous-usage-report.enabled": {nil, ""},
	"server-type":                    {nil, ""},
}

// inert are prefixes of keys that the reference has and that mean nothing here.
var inert = []string{"jdbc.", "retries.", "anonymous-usage-report.", "server.liveness.", "server.service.", "metrics.", "hidden-labels.", "worker.controllers."}

// Load reads a file, and then the environment, over the defaults. The error lists everything that is wrong, with its place.
// Keys that are not known are warnings: a file that was written for the reference has many that mean nothing here.
func Load(path string) (c *Config, warnings []string, err error) {
	l := &loader{c: Default(), path: path}
	if path != "" {
		src, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, err
		}
		l.read(src)
	}
	l.problems = append(l.problems, l.c.environment(os.Environ())...)
	l.problems = append(l.problems, l.c.Validate()...)
	if len(l.problems) > 0 {
		return nil, l.warnings, errors.New(strings.Join(l.problems, "\n"))
	}
	return l.c, l.warnings, nil
}

// loader reads one file into a configuration.
type loader struct {
	c                  *Config
	path               string
	problems, warnings []string
}

func (l *loader) read(src []byte) {
	root, problems := yamldoc.Parse(src, yamldoc.Limits{})
	for _, p := range problems {
		l.problems = append(l.problems, l.path+":"+p.String())
	}
	if yamldoc.HasErrors(problems) || root == nil {
		return
	}
	for _, e := range root.Entries() {
		if e.Key.Text == "kestra" || e.Key.Text == "windhover" {
			l.section("", e.Value)
		}
	}
}

// section reads the keys below a prefix. Keys are compared without case and dashes, as people write them both ways.
func (l *loader) section(prefix string, n *yamldoc.Node) {
	for _, e := range n.Entries() {
		name := prefix + e.Key.Text
		at := fmt.Sprintf("%s:%d:%d: %s: ", l.path, e.Value.Line, e.Value.Column, name)
		if k, ok := lookup(name); ok {
			if k.set == nil {
				continue
			}
			if err := k.set(l.c, expand(e.Value.Value())); err != nil {
				l.problems = append(l.problems, at+err.Error())
			}
			continue
		}
		switch {
		case isInert(name):
		case e.Value.Kind == yamldoc.Map:
			l.section(name+".", e.Value)
		default:
			l.warnings = append(l.warnings, at+"unknown key"+suggestion(name))
		}
	}
}

// environment reads variables such as WINDHOVER_SERVER_PORT or KESTRA_SERVER_PORT. Unknown ones are left alone: others
// may use the prefix.
func (c *Config) environment(vars []string) []string {
	byName := map[string]string{}
	for k := range keys {
		byName[strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(k))] = k
	}
	sort.Strings(vars)
	var out []string
	for _, v := range vars {
		name, val, _ := strings.Cut(v, "=")
		rest, ok := strings.CutPrefix(name, "WINDHOVER_")
		if !ok {
			rest, ok = strings.CutPrefix(name, "KESTRA_")
		}
		k, known := keys[byName[rest]]
		if !ok || !known || k.set == nil {
			continue
		}
		if err := k.set(c, val); err != nil {
			out = append(out, fmt.Sprintf("%s: %v", name, err))
		}
	}
	return out
}

// expand replaces ${NAME} and ${NAME:default} in texts by the environment's variables.
func expand(v any) any {
	switch v := v.(type) {
	case string:
		return os.Expand(v, func(name string) string {
			name, otherwise, _ := strings.Cut(name, ":")
			if s, ok := os.LookupEnv(name); ok {
				return s
			}
			return otherwise
		})
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = expand(e)
		}
		return out
	case *value.Map:
		out := value.NewMap(v.Len())
		for k, e := range v.All() {
			out.Set(k, expand(e))
		}
		return out
	}
	return v
}

func lookup(name string) (key, bool) {
	if k, ok := keys[name]; ok {
		return k, true
	}
	want := plain(name)
	for k, def := range keys {
		if plain(k) == want {
			return def, true
		}
	}
	return key{}, false
}

func plain(name string) string { return strings.ToLower(strings.ReplaceAll(name, "-", "")) }

func isInert(name string) bool {
	for _, p := range inert {
		if strings.HasPrefix(plain(name)+".", plain(p)) {
			return true
		}
	}
	return false
}

func suggestion(name string) string {
	if near := yamldoc.Nearest(name, Names()); near != "" {
		return ", did you mean " + near + "?"
	}
	return ""
}

// Names lists the keys, without the root.
func Names() []string {
	out := make([]string, 0, len(keys))
	for k := range keys {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// Doc is what a key means, "" if it is accepted and means nothing here.
func Doc(name string) string { return keys[name].doc }
