package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/purge"
	"github.com/windhover-io/windhover/internal/value"
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
		if err != nil {
			return fmt.Errorf("%q is not a whole number", value.Print(v))
		}
		*p(c) = n
		return nil
	}
}

// size reads a number of bytes: 1024, 10KB, 10MB, 10GB.
func size(text string) (int64, error) {
	number, unit := strings.ToUpper(strings.TrimSpace(text)), int64(1)
	for i, suffix := range []string{"KB", "MB", "GB"} {
		if rest, ok := strings.CutSuffix(number, suffix); ok {
			number, unit = strings.TrimSpace(rest), 1<<(10*(i+1))
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n > math.MaxInt64/unit {
		return 0, fmt.Errorf("%q is not a number of bytes", text)
	}
	return n * unit, nil
}

func flag(p func(*Config) *bool) func(*Config, any) error {
	return func(c *Config, v any) error {
		b, err := strconv.ParseBool(value.Print(v))
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", value.Print(v))
		}
		*p(c) = b
		return nil
	}
}

func duration(p func(*Config) *time.Duration) func(*Config, any) error {
	return func(c *Config, v any) error {
		d, err := model.ParseDuration(value.Print(v))
		if err == nil && d < 0 {
			err = fmt.Errorf("a duration cannot be negative")
		}
		*p(c) = d
		return err
	}
}

// rules reads the exceptions to how long executions are kept.
func rules(v any) ([]purge.Rule, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("expected a list of maps with keep")
	}
	var out []purge.Rule
	for i, e := range list {
		m, ok := e.(*value.Map)
		if !ok {
			return nil, fmt.Errorf("element %d: expected a map with keep", i+1)
		}
		r, err := rule(m)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i+1, err)
		}
		out = append(out, r)
	}
	return out, nil
}

func rule(m *value.Map) (r purge.Rule, err error) {
	if !m.Has("keep") {
		return r, fmt.Errorf("keep is required")
	}
	for name, v := range m.All() {
		switch name {
		case "namespace":
			r.Namespace = value.Print(v)
		case "flowId":
			r.FlowID = value.Print(v)
		case "states":
			if r.States, err = states(v); err != nil {
				return r, err
			}
		case "keep":
			if value.Print(v) == "FOREVER" {
				continue
			}
			if r.Keep, err = model.ParseDuration(value.Print(v)); err == nil && r.Keep <= 0 {
				err = fmt.Errorf("it has to be longer than nothing")
			}
			if err != nil {
				return r, fmt.Errorf("keep: %w", err)
			}
		default:
			return r, fmt.Errorf("unknown key %s, expected keep, namespace, flowId or states", name)
		}
	}
	return r, nil
}

func states(v any) ([]model.State, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var out []model.State
	for _, e := range list {
		s, err := model.ParseState(value.Print(e))
		if err != nil {
			return nil, fmt.Errorf("states: %w", err)
		}
		out = append(out, s)
	}
	return out, nil
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
		n, err := size(value.Print(v))
		c.Server.MaxRequest = n
		return err
	}, "The largest body of a request, in bytes, or as 10MB or 10GB."},
	"server.termination-grace-period": {duration(func(c *Config) *time.Duration { return &c.Server.Grace }), "How long a stop waits for running tasks."},
	"server.preview.initial-rows":     {whole(func(c *Config) *int { return &c.Server.PreviewRows }), "How many rows of a file a preview shows, unless more are asked for."},
	"server.preview.max-rows":         {whole(func(c *Config) *int { return &c.Server.MaxPreviewRows }), "How many rows of a file a preview shows at most."},
	"repository.type":                 {text(func(c *Config) *string { return &c.Backend.Type }), "What remembers: memory or sqlite."},
	"repository.path":                 {text(func(c *Config) *string { return &c.Backend.Path }), "The directory of SQLite's files."},
	"queue.type":                      {text(func(c *Config) *string { return &c.Backend.Type }), "The same as repository.type: one backend is both."},
	"storage.type":                    {text(func(c *Config) *string { return &c.Storage.Type }), "Where files are kept: local or memory."},
	"storage.local.base-path":         {text(func(c *Config) *string { return &c.Storage.Path }), "The directory of the files."},
	"encryption.secret-key":           {text(func(c *Config) *string { return &c.Encryption.SecretKey }), "16, 24 or 32 bytes in base64, for secrets and encrypted outputs."},
	"variables.env-vars-prefix":       {text(func(c *Config) *string { return &c.Variables.EnvPrefix }), "The prefix of environment variables that expressions see as envs."},
	"variables.cache-enabled":         {nil, ""},
	"variables.cache-size":            {nil, ""},
	"variables.recursive-rendering":   {nil, ""},
	"variables.globals": {func(c *Config, v any) error {
		m, ok := v.(*value.Map)
		if !ok {
			return fmt.Errorf("expected a map")
		}
		c.Variables.Globals = m
		return nil
	}, "Variables that every expression sees as globals."},
	"tasks.tmp-dir.path":     {text(func(c *Config) *string { return &c.Tasks.TmpDir }), "Where tasks get their working directories."},
	"tasks.defaults":         {list(func(c *Config) *[]any { return &c.Plugins.Defaults }), "The same as plugins.defaults."},
	"plugins.defaults":       {list(func(c *Config) *[]any { return &c.Plugins.Defaults }), "Plugin defaults for all flows."},
	"plugins.configurations": {list(func(c *Config) *[]any { return &c.Plugins.Configurations }), "Settings of types."},
	"worker.threads":         {whole(func(c *Config) *int { return &c.Worker.Threads }), "How many tasks a worker runs at once."},
	"worker.group":           {text(func(c *Config) *string { return &c.Worker.Group }), "The worker group that a worker serves."},
	"retention.executions": {duration(func(c *Config) *time.Duration { return &c.Retention.Executions }),
		"How long executions are kept after their end, with all that belongs to them, such as P90D; for ever unless it is set."},
	"retention.logs":    {duration(func(c *Config) *time.Duration { return &c.Retention.Logs }), "How long log lines are kept at most."},
	"retention.metrics": {duration(func(c *Config) *time.Duration { return &c.Retention.Metrics }), "How long metrics of tasks are kept at most."},
	"retention.files":   {duration(func(c *Config) *time.Duration { return &c.Retention.Files }), "How long files of executions are kept after their end at most."},
	"retention.rules": {func(c *Config, v any) (err error) { c.Retention.Rules, err = rules(v); return err },
		"Exceptions to retention.executions: a list of maps with keep, a duration or FOREVER, and any of namespace, flowId and states; the first that fits decides."},
	"retention.interval":             {duration(func(c *Config) *time.Duration { return &c.Retention.Every }), "How often what is old is deleted."},
	"retention.batch-size":           {whole(func(c *Config) *int { return &c.Retention.Batch }), "How many executions are deleted at once."},
	"environment.name":               {text(func(c *Config) *string { return &c.Environment.Name }), "The name of the environment in the UI."},
	"environment.color":              {text(func(c *Config) *string { return &c.Environment.Color }), "Its colour."},
	"url":                            {text(func(c *Config) *string { return &c.URL }), "The address of the web UI for people."},
	"traces.endpoint":                {text(func(c *Config) *string { return &c.Traces.Endpoint }), "The OpenTelemetry collector that traces of executions are sent to (OTLP over HTTP); the OTEL_* variables say the rest."},
	"traces.root":                    {nil, ""},
	"tutorial-flows.enabled":         {flag(func(c *Config) *bool { return &c.Tutorial }), "Put the tutorial flows into an empty installation."},
	"anonymous-usage-report.enabled": {nil, ""},
	"server-type":                    {nil, ""},
}

// inert are prefixes of keys that the reference has and that mean nothing here.
var inert = []string{
	"jdbc.", "retries.", "anonymous-usage-report.", "ui-anonymous-usage-report.", "server.liveness.", "server.service.", "metrics.", "hidden-labels.",
	"worker.controllers.", "worker.max-num-threads.", "heartbeat.", "indexer.", "executor.", "scheduler.", "controller.", "grpc.", "security.",
	"templates.", "system-flows.", "kv.", "ui.", "logs.", "secret.", "plugins.repositories.", "plugins.management.", "plugins.auto-install.",
	"server.workerTaskRestartStrategy.", "tasks.scripts.", "pebble.", "regex.", "uid.", "logging.",
}
