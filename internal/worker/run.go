package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/engine"
	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/mask"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/world"
	"github.com/windhover-io/windhover/sdk"
)

// run is one task's run in progress: what the task may use (sdk.Run) and the context of its expressions (expr.Env).
type run struct {
	w       *Worker
	ctx     context.Context // of the run: functions that expressions call end with it
	job     *model.Job
	flow    *model.Flow
	task    *model.Task
	taskRun *model.TaskRun
	vars    *value.Map
	timeout time.Duration
	// timedOut is set when the task took longer than that.
	timedOut bool

	mask    mask.Hider
	logs    *runLog
	metrics []model.Metric
	// measured counts them, also those that were left out.
	measured int
	dir      string
	ownDir   bool
	values   []string
	// cacheKey names the task's outputs in the cache, "" before it was asked for.
	cacheKey string
}

func (w *Worker) newRun(ctx context.Context, job *model.Job, flow *model.Flow, task *model.Task, tr *model.TaskRun) *run {
	rc := &run{w: w, ctx: ctx, job: job, flow: flow, task: task, taskRun: tr, mask: w.cfg.Masks.Of(job.Execution.ID)}
	rc.logs = newRunLog(rc, job.Pure)
	rc.vars = job.Vars
	if w.cfg.Decrypt != nil {
		rc.vars = rc.reveal(job.Vars)
	}
	return rc
}

// reveal decrypts the encrypted values among the variables; from then on they are masked.
func (rc *run) reveal(vars *value.Map) *value.Map {
	if !hasEncrypted(vars) {
		return vars
	}
	out := engine.Reveal(vars, func(text string) (string, error) {
		plain, err := rc.w.cfg.Decrypt(text)
		if err == nil {
			rc.mask.Add(plain)
		}
		return plain, err
	})
	m, _ := out.(*value.Map)
	return m
}

// close removes the task's own directory, and a log that was not stored.
func (rc *run) close() {
	rc.logs.discard()
	if rc.ownDir {
		if err := rc.w.dirs.giveBack(rc.dir); err != nil {
			rc.w.cfg.Log.Warn("removing a working directory failed", "dir", rc.dir, "error", err)
		}
	}
}

// finish adds to the report what was logged and measured. The lines of a task that ran ahead of its commit go with the
// report; those of others are durable before their end is reported.
func (rc *run) finish(r *model.JobReport) {
	r.Values = rc.values
	r.Metrics = append(r.Metrics, rc.metrics...)
	lines, file := rc.logs.finish()
	r.Logs, r.LogFile = append(r.Logs, lines...), file
	r.Errors += rc.logs.errors
}

// Info tells what runs.
func (rc *run) Info() sdk.Info {
	e, t := rc.job.Execution, rc.taskRun
	parent := e.TraceParent
	if rc.w.cfg.TraceParent != nil {
		parent = rc.w.cfg.TraceParent(e, t.ID)
	}
	return sdk.Info{
		Tenant: t.Tenant, Namespace: t.Namespace, FlowID: t.FlowID, FlowRevision: rc.flow.Revision,
		ExecutionID: e.ID, TaskRunID: t.ID, TaskID: t.TaskID, TaskType: rc.task.Type, Attempt: len(t.Attempts) + 1,
		Value: t.Value, Iteration: t.Iteration, ParentTaskRunID: t.ParentID, TriggerID: e.TriggerID,
		ExecutionStart: e.StartDate, TaskRunStart: t.State.Start(), OriginalID: e.OriginalID, TraceParent: parent, Worker: rc.w.cfg.Member,
	}
}

// Var returns a context variable.
func (rc *run) Var(name string) (any, bool) {
	if v, ok := rc.vars.Get(name); ok {
		return v, true
	}
	switch name {
	case "flow":
		return engine.FlowVar(rc.job.Flow), true
	case "execution":
		return engine.ExecutionVar(rc.job.Execution), true
	case "task":
		return engine.TaskVar(rc.task), true
	case "taskrun":
		return engine.TaskRunVar(rc.taskRun), true
	case "envs":
		return rc.w.cfg.Envs, rc.w.cfg.Envs != nil
	case "globals":
		return rc.w.cfg.Globals, rc.w.cfg.Globals != nil
	case "kestra":
		return rc.w.cfg.Kestra, rc.w.cfg.Kestra != nil
	}
	return nil, false
}

// Names lists the context variables.
func (rc *run) Names() []string {
	return append(rc.vars.Keys(), "flow", "execution", "task", "taskrun", "envs", "globals", "kestra")
}

// Location is the time zone that dates are shown in.
func (rc *run) Location() *time.Location { return rc.w.cfg.Location }

// Call calls a function that touches the world.
func (rc *run) Call(name string, args expr.Args) (any, error) {
	t := rc.taskRun
	return rc.w.cfg.Functions.Call(rc.ctx, world.Caller{
		Tenant: t.Tenant, Namespace: t.Namespace, FlowID: t.FlowID, ExecutionID: t.ExecutionID, Secret: rc.mask.Add,
		Errors: rc.job.Execution.Errors,
	}, name, args)
}

// env returns the context with extra variables before the others.
func (rc *run) env(extra map[string]any) expr.Env {
	if len(extra) == 0 {
		return rc
	}
	return &extended{rc, extra}
}

type extended struct {
	*run
	extra map[string]any
}

func (e *extended) Var(name string) (any, bool) {
	if v, ok := e.extra[name]; ok {
		return value.Normalize(v), true
	}
	return e.run.Var(name)
}

func (e *extended) Names() []string {
	names := e.run.Names()
	for k := range e.extra {
		names = append(names, k)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Render evaluates a template to text.
func (rc *run) Render(template string, extra map[string]any) (string, error) {
	return rc.w.cfg.Templates.Render(template, rc.env(extra), rc.w.cfg.Limits)
}

// RenderTyped evaluates a template, or the templates within a value, and keeps the type of one that is one expression.
func (rc *run) RenderTyped(v any, extra map[string]any) (any, error) {
	if s, ok := v.(string); ok {
		return rc.w.cfg.Templates.Eval(s, rc.env(extra), rc.w.cfg.Limits)
	}
	return rc.w.cfg.Templates.RenderValue(value.Normalize(v), rc.env(extra), rc.w.cfg.Limits)
}

// renderProperty renders a text within the task's properties.
func (rc *run) renderProperty(text string, typed bool) (any, error) {
	if typed {
		return rc.w.cfg.Templates.Eval(text, rc, rc.w.cfg.Limits)
	}
	return rc.w.cfg.Templates.Render(text, rc, rc.w.cfg.Limits)
}

// Log writes a line to the execution's log.
func (rc *run) Log(level sdk.Level, format string, args ...any) {
	text := format
	if len(args) > 0 {
		text = fmt.Sprintf(format, args...)
	}
	rc.LogAt(now(), level, text)
}

// LogAt writes a line that has a date of its own.
func (rc *run) LogAt(at time.Time, level sdk.Level, text string) {
	rc.logs.add(at.UTC().Truncate(time.Microsecond), model.Level(level), rc.mask.Replace(text))
}

// Counter adds to a metric.
func (rc *run) Counter(name string, v float64, tags ...string) { rc.measure("counter", name, v, tags) }

// Timer records a duration, in milliseconds.
func (rc *run) Timer(name string, d time.Duration, tags ...string) {
	rc.measure("timer", name, float64(d)/float64(time.Millisecond), tags)
}

// Gauge records a current value.
func (rc *run) Gauge(name string, v float64, tags ...string) { rc.measure("gauge", name, v, tags) }

// maxMetrics is how many metrics one attempt may record; all of them come with its report.
const maxMetrics = 10_000

func (rc *run) measure(typ, name string, v float64, tags []string) {
	if rc.measured++; rc.measured > maxMetrics {
		if rc.measured == maxMetrics+1 {
			rc.Log(sdk.LevelWarn, "this attempt records too many metrics: those after the first %d are left out", maxMetrics)
		}
		return
	}
	t := rc.taskRun
	m := model.Metric{
		Tenant: t.Tenant, Namespace: t.Namespace, FlowID: t.FlowID, TaskID: t.TaskID, ExecutionID: t.ExecutionID, TaskRunID: t.ID,
		Type: typ, Name: rc.mask.Replace(name), Value: v, Timestamp: now(), Kind: rc.job.Execution.Kind,
	}
	for i := 0; i+1 < len(tags); i += 2 {
		if m.Tags == nil {
			m.Tags = map[string]string{}
		}
		m.Tags[rc.mask.Replace(tags[i])] = rc.mask.Replace(tags[i+1])
	}
	rc.metrics = append(rc.metrics, m)
}

// WorkDir is the task's own directory.
func (rc *run) WorkDir() (string, error) {
	if rc.dir != "" {
		return rc.dir, nil
	}
	dir, err := rc.w.dirs.take()
	if err != nil {
		return "", err
	}
	rc.dir, rc.ownDir = dir, true
	return dir, nil
}

// Open reads a file by its URI.
func (rc *run) Open(ctx context.Context, uri string) (io.ReadCloser, error) {
	var at storage.URI
	var err error
	if rest, ok := strings.CutPrefix(uri, "nsfile:///"); ok {
		at, err = storage.NamespaceFile(rc.taskRun.Tenant, rc.taskRun.Namespace, rest, 1)
	} else {
		at, err = storage.Parse(rc.taskRun.Tenant, uri)
	}
	if err != nil {
		return nil, err
	}
	return rc.w.cfg.Storage.Get(ctx, at)
}

// Store keeps a file in internal storage, under the task run.
func (rc *run) Store(ctx context.Context, name string, r io.Reader) (string, error) {
	t := rc.taskRun
	e := storage.Execution{Flow: storage.Flow{Tenant: t.Tenant, Namespace: t.Namespace, ID: t.FlowID}, ID: t.ExecutionID}
	dir, err := e.TaskDir(t.TaskID, t.ID)
	if rc.job.TriggerID != "" {
		dir, err = e.TriggerDir(rc.job.TriggerID)
	}
	if err != nil {
		return "", err
	}
	uri, err := dir.Join(filepath.ToSlash(name))
	if err != nil {
		return "", err
	}
	return uri.String(), rc.w.cfg.Storage.Put(ctx, uri, r, nil)
}

// Encrypt turns text into an encrypted output value.
func (rc *run) Encrypt(text string) (any, error) {
	rc.mask.Add(text)
	if rc.w.cfg.Encrypt == nil {
		rc.Log(sdk.LevelWarn, "no encryption key is configured: the value is kept as it is")
		return text, nil
	}
	sealed, err := rc.w.cfg.Encrypt(text)
	if err != nil {
		return nil, err
	}
	return value.MapOf(value.Entry{Key: "value", Value: sealed}, value.Entry{Key: "type", Value: model.EncryptedType}), nil
}

// Mask hides a text in what is logged from now on.
func (rc *run) Mask(secret string) { rc.mask.Add(secret) }

// Batches hands the files that a split made to the executions that follow.
func (rc *run) Batches(files []string) { rc.values = files }

// hasEncrypted tells whether there is an encrypted value within v.
func hasEncrypted(v any) bool {
	switch t := v.(type) {
	case *value.Map:
		if typ, ok := t.Get("type"); ok {
			if s, isText := typ.(string); isText && strings.EqualFold(s, model.EncryptedType) {
				return true
			}
		}
		for _, e := range t.All() {
			if hasEncrypted(e) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(t, hasEncrypted)
	}
	return false
}

// outputsOf reads a report's outputs for the tasks that follow in the same job.
func outputsOf(raw json.RawMessage) *value.Map {
	if len(raw) == 0 {
		return nil
	}
	v, err := value.ParseJSON(raw)
	if err != nil {
		return nil
	}
	m, _ := v.(*value.Map)
	return m
}
