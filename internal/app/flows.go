package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/windhover-io/windhover/examples"
	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/flow"
	"github.com/windhover-io/windhover/internal/flowstore"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

// FlowOptions are what every flow of this installation is compiled with.
func (a *App) FlowOptions(tenant string, revision int) flow.Options {
	return flow.Options{
		Registry: a.Registry, Defaults: a.defaults, Tenant: tenant, Revision: revision, Templates: a.Templates,
		Template: func(namespace, id string) ([]byte, error) { return a.templateSource(tenant, namespace, id) },
	}
}

// pluginDefaults are the defaults for all flows: those of the configuration, and of its settings of types those that are
// properties of the type. Others have no meaning here, and the log says so.
func (a *App) pluginDefaults() ([]flow.Default, error) {
	p := a.Config.Plugins
	defaults, err := flow.ParseDefaults(slices.Concat(a.Config.Tasks.Defaults, p.Defaults))
	if err != nil {
		return nil, fmt.Errorf("plugins.defaults: %w", err)
	}
	settings, err := flow.ParseDefaults(p.Configurations)
	if err != nil {
		return nil, fmt.Errorf("plugins.configurations: %w", err)
	}
	for _, s := range settings {
		known := value.NewMap(s.Values.Len())
		for name, v := range s.Values.All() {
			if a.hasProperty(s.Type, name) {
				known.Set(name, v)
				continue
			}
			if tasks.IsSetting(s.Type, name) {
				continue
			}
			a.Log.Warn("a setting of plugins.configurations has no effect here", "type", s.Type, "setting", name)
		}
		s.Values = known
		defaults = append(defaults, s)
	}
	return defaults, nil
}

// hasProperty tells whether a type has a property of its own of that name.
func (a *App) hasProperty(typ, name string) bool {
	t, ok := a.Registry.Lookup(typ)
	return ok && slices.ContainsFunc(t.Properties(), func(p plugin.Property) bool { return p.Name == name })
}

// templateSource reads a template: tasks that flows splice in by name.
func (a *App) templateSource(tenant, namespace, id string) ([]byte, error) {
	d, err := a.Backend.Documents().Get(context.Background(), "template", tenant, namespace, id)
	if err != nil {
		return nil, err
	}
	return d.Body, nil
}

// compile compiles a stored flow.
func (a *App) compile(_ context.Context, r *backend.FlowRecord) (*model.Flow, error) {
	f, problems := flow.Compile([]byte(r.Source), a.FlowOptions(r.Tenant, r.Revision))
	if f == nil {
		return nil, fmt.Errorf("it is no longer valid: %s", firstError(problems))
	}
	c := *f
	c.Tenant, c.Revision, c.Deleted, c.Disabled, c.Updated = r.Tenant, r.Revision, r.Deleted, r.Disabled, r.Updated
	return &c, nil
}

func firstError(problems []yamldoc.Problem) string {
	for _, p := range problems {
		if p.Severity == yamldoc.Error {
			return p.String()
		}
	}
	return "unknown reason"
}

// ValidateFlow says what is wrong with a flow.
func (a *App) ValidateFlow(tenant string, src []byte) []yamldoc.Problem {
	_, problems := flow.Compile(src, a.FlowOptions(tenant, 0))
	return problems
}

// SaveFlow compiles a flow and stores it as the next revision. The flow is nil if it is not valid; the problems say why.
func (a *App) SaveFlow(ctx context.Context, tenant string, src []byte) (*model.Flow, []yamldoc.Problem, error) {
	f, problems := flow.Compile(src, a.FlowOptions(tenant, 0))
	if f == nil {
		return nil, problems, nil
	}
	saved, err := a.StoreFlow(ctx, f, -1)
	return saved, problems, err
}

// StoreFlow stores a compiled flow as the next revision. expect is the revision that it replaces: 0 for none, -1 for
// whichever there is; backend.ErrConflict if there is another.
func (a *App) StoreFlow(ctx context.Context, f *model.Flow, expect int) (*model.Flow, error) {
	key := model.FlowKey{Tenant: f.Tenant, Namespace: f.Namespace, ID: f.ID}
	if expect < 0 {
		switch old, err := a.Backend.Flows().Get(ctx, key, false); {
		case err == nil:
			expect = old.Revision
		case errors.Is(err, backend.ErrNotFound):
			expect = 0
		default:
			return nil, err
		}
	}
	r := backend.FlowRecord{
		Tenant: f.Tenant, Namespace: f.Namespace, ID: f.ID, Source: f.Source, Description: f.Description, Labels: f.Labels,
		Disabled: f.Disabled, Updated: time.Now().UTC().Truncate(time.Microsecond),
	}
	for _, t := range f.Triggers {
		r.Triggers = append(r.Triggers, model.TriggerState{
			Tenant: f.Tenant, Namespace: f.Namespace, FlowID: f.ID, TriggerID: t.ID, Type: t.Type, StopAfter: t.StopAfter,
		})
	}
	told, listening, err := a.tellTriggers(ctx, key, f.Triggers)
	if err != nil {
		return nil, err
	}
	r.Events = told
	revision, err := a.Backend.Flows().Save(ctx, r, expect)
	if err != nil {
		return nil, err
	}
	a.Flows.Forget(key)
	if listening {
		a.refreshListeners(ctx)
	}
	key.Revision = revision
	return a.Flows.Get(ctx, key)
}

// DropFlow deletes a flow.
func (a *App) DropFlow(ctx context.Context, key model.FlowKey) error {
	told, listening, err := a.tellTriggers(ctx, key, nil)
	if err != nil {
		return err
	}
	_, err = a.Backend.Flows().Delete(ctx, key, told)
	a.Flows.Forget(key)
	if err == nil && listening {
		a.refreshListeners(ctx)
	}
	return err
}

// refreshListeners reads again who listens to executions, whether or not the client still waits. The flow is saved: what
// fails is tried again.
func (a *App) refreshListeners(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	if err := a.Listeners.Refresh(ctx); err != nil {
		a.Log.Warn("reading the triggers that listen to flows failed, trying again", "error", err)
		time.AfterFunc(time.Second, func() {
			if a.Backend.Ping(ctx) == nil || !errors.Is(a.Backend.Ping(ctx), backend.ErrClosed) {
				a.refreshListeners(ctx)
			}
		})
	}
}

// tellTriggers makes the events that tell a flow's triggers, those that it has now and those that it is to have, that it
// has changed. listening is set when any of them listens to other flows.
func (a *App) tellTriggers(ctx context.Context, key model.FlowKey, next []*model.Trigger) (told []model.Event, listening bool, err error) {
	ids := map[string]bool{}
	for _, t := range next {
		ids[t.ID] = true
		listening = listening || t.Kind == model.TriggerFlow
	}
	is := func(f backend.Field, v string) backend.Filter {
		return backend.Filter{Field: f, Op: backend.OpEquals, Value: v}
	}
	page, err := a.Backend.Triggers().Search(ctx, backend.Query{Tenant: key.Tenant, Page: 1, Size: 1000, NoTotal: true,
		Filters: []backend.Filter{is(backend.FieldNamespace, key.Namespace), is(backend.FieldFlowID, key.ID)}})
	if err != nil {
		return nil, false, err
	}
	for _, t := range page.Results {
		ids[t.TriggerID] = true
		listening = listening || t.Type == flowstore.FlowTrigger
	}
	for id := range ids {
		told = append(told, model.Event{
			ID: model.NewID(), To: model.TriggerEntity(key.Tenant, key.Namespace, key.ID, id), Kind: model.EventSync, At: time.Now().UTC(),
		})
	}
	return told, listening, nil
}

// Tutorial puts the tutorial flows into an installation that has no flows.
func (a *App) Tutorial(ctx context.Context) error {
	page, err := a.Backend.Flows().Search(ctx, backend.Query{Tenant: "main", Page: 1, Size: 1, NoTotal: true})
	if err != nil || len(page.Results) > 0 {
		return err
	}
	for _, name := range examples.Tutorial {
		src, err := fs.ReadFile(examples.Files, name)
		if err != nil {
			return err
		}
		f, problems, err := a.SaveFlow(ctx, "main", src)
		if err != nil {
			return err
		}
		if f == nil {
			return fmt.Errorf("tutorial flow %s: %s", name, firstError(problems))
		}
	}
	return nil
}
