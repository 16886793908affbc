// Package state holds the tasks of the old state store: maps that a flow keeps from one execution to the next. They are
// entries of the key-value store, under keys of their own.
package state

import (
	"context"
	"errors"
	"fmt"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// Types lists the types of this package; they use the key-value store.
func Types(store *kv.Store) []plugin.Type {
	const area, older, instead = "io.kestra.plugin.core.state.", "io.kestra.core.tasks.states.", "io.kestra.plugin.core.kv."
	return []plugin.Type{
		{
			Name: area + "Get", Aliases: []string{older + "Get"}, Category: plugin.Task, Deprecated: instead + "Get",
			Title: "Read a state.", Description: "Puts out the map that was set under a name, an empty one if there is none.",
			Examples: []plugin.Example{{Title: "Read what the last execution has left", YAML: `id: last
type: io.kestra.plugin.core.state.Get
name: progress`}},
			New: func() any { return &Get{store: store} }, Outputs: GetOutput{},
		},
		{
			Name: area + "Set", Aliases: []string{older + "Set"}, Category: plugin.Task, Deprecated: instead + "Set",
			Title: "Set a state.", Description: "Merges a map into the one that was set under a name before.",
			Examples: []plugin.Example{{Title: "Remember how far the work has come", YAML: `id: remember
type: io.kestra.plugin.core.state.Set
name: progress
data:
  page: "{{ outputs.fetch.body }}"`}},
			New: func() any { return &Set{store: store} }, Outputs: SetOutput{},
		},
		{
			Name: area + "Delete", Aliases: []string{older + "Delete"}, Category: plugin.Task, Deprecated: instead + "Delete",
			Title: "Delete a state.",
			Examples: []plugin.Example{{Title: "Begin anew", YAML: `id: forget
type: io.kestra.plugin.core.state.Delete
name: progress`}},
			New: func() any { return &Delete{store: store} }, Outputs: DeleteOutput{},
		},
	}
}

// key is the key of a state: of a namespace or of a flow in it, and of one value of the loop around or of all.
func key(run sdk.Run, name string, ofNamespace, ofValue bool) string {
	info := run.Info()
	k := "states_tasks-states_" + name
	if !ofNamespace {
		k = storage.Slug(info.FlowID) + "_" + k
	}
	if ofValue && info.Value != nil {
		k += "_" + hash(*info.Value)
	}
	return k
}

// errMissing says that there is no such state.
var errMissing = errors.New("there is no such state")

func read(ctx context.Context, run sdk.Run, store *kv.Store, key string) (*value.Map, error) {
	e, err := store.Get(ctx, run.Info().Tenant, run.Info().Namespace, key)
	if errors.Is(err, backend.ErrNotFound) || errors.Is(err, kv.ErrExpired) {
		return nil, fmt.Errorf("%s: %w", key, errMissing)
	}
	if err != nil {
		return nil, err
	}
	v := e.Value
	if text, ok := v.(string); ok { // as installations of the reference have it
		if v, err = value.ParseJSON([]byte(text)); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	m, ok := value.AsMap(v)
	if !ok {
		return nil, fmt.Errorf("%s is %s, not a state", key, value.TypeName(v))
	}
	return m, nil
}

// Get reads a state.
type Get struct {
	Name           string `json:"name" default:"default" doc:"The state's name."`
	Namespace      bool   `json:"namespace" default:"false" doc:"Whether all flows of the namespace share the state."`
	TaskrunValue   bool   `json:"taskrunValue" default:"true" doc:"Whether each value of the loop around has a state of its own."`
	ErrorOnMissing bool   `json:"errorOnMissing" default:"false" doc:"Fail if there is no such state."`
	store          *kv.Store
}

// GetOutput is what Get puts out.
type GetOutput struct {
	Count int        `json:"count" doc:"How many entries the state has."`
	Data  *value.Map `json:"data" doc:"The state."`
}

// Run reads the state.
func (t *Get) Run(ctx context.Context, run sdk.Run) (any, error) {
	m, err := read(ctx, run, t.store, key(run, t.Name, t.Namespace, t.TaskrunValue))
	if errors.Is(err, errMissing) && !t.ErrorOnMissing {
		m, err = value.NewMap(0), nil
	}
	if err != nil {
		return nil, err
	}
	return GetOutput{m.Len(), m}, nil
}

// Set sets a state.
type Set struct {
	Name         string `json:"name" default:"default" doc:"The state's name."`
	Namespace    bool   `json:"namespace" default:"false" doc:"Whether all flows of the namespace share the state."`
	TaskrunValue bool   `json:"taskrunValue" default:"true" doc:"Whether each value of the loop around has a state of its own."`
	Data         any    `json:"data" doc:"The map to merge into the state: maps within are merged too, lists appended."`
	store        *kv.Store
}

// SetOutput is what Set puts out.
type SetOutput struct {
	Count int    `json:"count" doc:"How many entries the state has."`
	Key   string `json:"key" doc:"The key of the state in the key-value store."`
}

// Run merges the map into the state.
func (t *Set) Run(ctx context.Context, run sdk.Run) (any, error) {
	data, err := t.data()
	if err != nil {
		return nil, err
	}
	k := key(run, t.Name, t.Namespace, t.TaskrunValue)
	old, err := read(ctx, run, t.store, k)
	if err != nil && !errors.Is(err, errMissing) {
		return nil, err
	}
	merged := merge(old, data)
	err = t.store.Set(ctx, kv.Put{Tenant: run.Info().Tenant, Namespace: run.Info().Namespace, Key: k, Value: merged, Type: kv.JSON})
	if err != nil {
		return nil, err
	}
	return SetOutput{merged.Len(), k}, nil
}

func (t *Set) data() (*value.Map, error) {
	v := t.Data
	if text, ok := v.(string); ok {
		var err error
		if v, err = value.ParseJSON([]byte(text)); err != nil {
			return nil, fmt.Errorf("data: expected a map, or its JSON: %w", err)
		}
	}
	if v == nil {
		return nil, nil
	}
	m, ok := value.AsMap(v)
	if !ok {
		return nil, fmt.Errorf("data: expected a map, got %s", value.TypeName(v))
	}
	return m, nil
}

// merge returns a with b put over it. A null in b leaves what a has.
func merge(a, b *value.Map) *value.Map {
	out := value.NewMap(a.Len() + b.Len())
	for k, v := range a.All() {
		out.Set(k, v)
	}
	for k, v := range b.All() {
		old, _ := out.Get(k)
		if v == nil && old != nil {
			continue
		}
		out.Set(k, mergeValue(old, v))
	}
	return out
}

func mergeValue(old, v any) any {
	if oldMap, ok := value.AsMap(old); ok {
		if m, ok := value.AsMap(v); ok {
			return merge(oldMap, m)
		}
	}
	if oldList, ok := old.([]any); ok {
		if list, ok := v.([]any); ok {
			return append(oldList[:len(oldList):len(oldList)], list...)
		}
	}
	return v
}

// Delete deletes a state.
type Delete struct {
	Name           string `json:"name" default:"default" doc:"The state's name."`
	Namespace      bool   `json:"namespace" default:"false" doc:"Whether all flows of the namespace share the state."`
	TaskrunValue   bool   `json:"taskrunValue" default:"true" doc:"Whether each value of the loop around has a state of its own."`
	ErrorOnMissing bool   `json:"errorOnMissing" default:"false" doc:"Fail if there is no such state."`
	store          *kv.Store
}

// DeleteOutput is what Delete puts out.
type DeleteOutput struct {
	Deleted bool `json:"deleted" doc:"Whether there was such a state."`
}

// Run deletes the state.
func (t *Delete) Run(ctx context.Context, run sdk.Run) (any, error) {
	k := key(run, t.Name, t.Namespace, t.TaskrunValue)
	deleted, err := t.store.Delete(ctx, run.Info().Tenant, run.Info().Namespace, k)
	if err != nil {
		return nil, err
	}
	if !deleted && t.ErrorOnMissing {
		return nil, fmt.Errorf("%s: %w", k, errMissing)
	}
	return DeleteOutput{deleted}, nil
}
