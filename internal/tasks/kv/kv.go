// Package kv holds tasks about the key-value store.
package kv

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/sdk"
)

// Types lists the types of this package; they use the store.
func Types(store *kv.Store) []plugin.Type {
	const area = "io.kestra.plugin.core.kv."
	return []plugin.Type{
		{
			Name: area + "Get", Category: plugin.Task, Title: "Read a key.",
			Description: "Puts out the value of a key, nothing if there is none.",
			Examples: []plugin.Example{{Title: "Read a key of this flow's namespace", YAML: `id: read
type: io.kestra.plugin.core.kv.Get
key: last-run`}},
			New: func() any { return &Get{store: store} }, Outputs: GetOutput{},
		},
		{
			Name: area + "Set", Category: plugin.Task, Title: "Set a key.",
			Description: "Stores a value under a key, for this flow and for others.",
			Examples: []plugin.Example{{Title: "Remember for a day when the flow ran", YAML: `id: remember
type: io.kestra.plugin.core.kv.Set
key: last-run
value: "{{ execution.startDate }}"
kvType: DATETIME
ttl: P1D`}},
			New: func() any { return &Set{store: store} },
		},
		{
			Name: area + "Put", Category: plugin.Task, Title: "Change the value of a key.",
			Description: "Replaces the value of a key; its description and its type stay.",
			Examples: []plugin.Example{{Title: "Replace a map", YAML: `id: put
type: io.kestra.plugin.core.kv.Put
key: settings
value:
  retries: 3`}},
			New: func() any { return &Put{store: store} },
		},
		{
			Name: area + "Delete", Category: plugin.Task, Title: "Delete a key.",
			Examples: []plugin.Example{{Title: "Delete a key", YAML: `id: forget
type: io.kestra.plugin.core.kv.Delete
key: last-run`}},
			New: func() any { return &Delete{store: store} }, Outputs: DeleteOutput{},
		},
		{
			Name: area + "GetKeys", Category: plugin.Task, Title: "List keys.",
			Description: "Lists the keys of a namespace, or those that begin with a prefix.",
			Examples: []plugin.Example{{Title: "List keys with a prefix", YAML: `id: keys
type: io.kestra.plugin.core.kv.GetKeys
prefix: customer.`}},
			New: func() any { return &GetKeys{store: store} }, Outputs: GetKeysOutput{},
		},
		{
			Name: area + "PurgeKV", Category: plugin.Task, Title: "Delete many keys.",
			Description: "Deletes expired keys, or all that match a pattern, in one or several namespaces.",
			Examples: []plugin.Example{{Title: "Delete expired keys everywhere below a namespace", YAML: `id: purge
type: io.kestra.plugin.core.kv.PurgeKV
namespaces: [company.team]`}},
			New: func() any { return &PurgeKV{store: store} }, Outputs: PurgeKVOutput{},
		},
	}
}

// Get reads a key.
type Get struct {
	Key            string `json:"key" required:"true" doc:"The key."`
	Namespace      string `json:"namespace" default:"{{ flow.namespace }}" doc:"The namespace; this flow's unless it is set."`
	ErrorOnMissing bool   `json:"errorOnMissing" default:"false" doc:"Fail if there is no such key."`
	store          *kv.Store
}

// GetOutput is what Get puts out.
type GetOutput struct {
	Value any `json:"value" doc:"The value; absent if there is none."`
}

// Run reads the key, in the namespaces above too where the namespace is the flow's own.
func (t *Get) Run(ctx context.Context, run sdk.Run) (any, error) {
	read := t.store.Get
	if t.Namespace == run.Info().Namespace {
		read = t.store.Inherited
	}
	e, err := read(ctx, run.Info().Tenant, t.Namespace, t.Key)
	switch {
	case errors.Is(err, kv.ErrExpired) && !t.ErrorOnMissing:
		return nil, fmt.Errorf("the key '%s' in the namespace '%s': %w", t.Key, t.Namespace, err)
	case errors.Is(err, backend.ErrNotFound) && !t.ErrorOnMissing:
		run.Log(sdk.LevelInfo, "no value found for the key '%s' in the namespace '%s'", t.Key, t.Namespace)
		return GetOutput{}, nil
	case errors.Is(err, backend.ErrNotFound), errors.Is(err, kv.ErrExpired):
		return nil, fmt.Errorf("no value found for the key '%s' in the namespace '%s'", t.Key, t.Namespace)
	case err != nil:
		return nil, err
	}
	return GetOutput{e.Value}, nil
}

// Set sets a key.
type Set struct {
	Key           string        `json:"key" required:"true" doc:"The key."`
	KVDescription string        `json:"kvDescription" doc:"What the key is for."`
	Value         any           `json:"value" required:"true" typed:"true" doc:"The value; an expression keeps its type."`
	Namespace     string        `json:"namespace" default:"{{ flow.namespace }}" doc:"The namespace; this flow's unless it is set."`
	Overwrite     bool          `json:"overwrite" default:"true" doc:"Replace a value that is there, rather than failing."`
	TTL           *sdk.Duration `json:"ttl" doc:"How long the value lives."`
	KVType        string        `json:"kvType" enum:"STRING,NUMBER,BOOLEAN,DATETIME,DATE,DURATION,JSON" doc:"The type that a text is converted to."`
	store         *kv.Store
}

// Run sets the key.
func (t *Set) Run(ctx context.Context, run sdk.Run) (any, error) {
	p := kv.Put{Tenant: run.Info().Tenant, Namespace: t.Namespace, Key: t.Key, Value: t.Value, Type: kv.Type(t.KVType),
		Description: t.KVDescription, KeepExisting: !t.Overwrite}
	if t.TTL != nil {
		p.TTL = time.Duration(*t.TTL)
	}
	return nil, t.store.Set(ctx, p)
}

// Put changes the value of a key.
type Put struct {
	Key            string `json:"key" required:"true" doc:"The key."`
	Value          any    `json:"value" required:"true" typed:"true" doc:"The value; an expression keeps its type."`
	Namespace      string `json:"namespace" default:"{{ flow.namespace }}" doc:"The namespace; this flow's unless it is set."`
	ErrorOnMissing bool   `json:"errorOnMissing" default:"false" doc:"Fail if there is no such key yet."`
	store          *kv.Store
}

// Run replaces the value.
func (t *Put) Run(ctx context.Context, run sdk.Run) (any, error) {
	p := kv.Put{Tenant: run.Info().Tenant, Namespace: t.Namespace, Key: t.Key, Value: t.Value}
	old, err := t.store.Get(ctx, p.Tenant, t.Namespace, t.Key)
	switch {
	case errors.Is(err, backend.ErrNotFound) || errors.Is(err, kv.ErrExpired):
		if t.ErrorOnMissing {
			return nil, fmt.Errorf("no value found for the key '%s' in the namespace '%s'", t.Key, t.Namespace)
		}
	case err != nil:
		return nil, err
	default:
		p.Description = old.Description
		if old.Expires != nil {
			p.TTL = time.Until(*old.Expires)
		}
	}
	return nil, t.store.Set(ctx, p)
}

// Delete deletes a key.
type Delete struct {
	Key            string `json:"key" required:"true" doc:"The key."`
	Namespace      string `json:"namespace" default:"{{ flow.namespace }}" doc:"The namespace; this flow's unless it is set."`
	ErrorOnMissing bool   `json:"errorOnMissing" default:"false" doc:"Fail if there is no such key."`
	store          *kv.Store
}

// DeleteOutput is what Delete puts out.
type DeleteOutput struct {
	Deleted bool `json:"deleted" doc:"Whether there was such a key."`
}

// Run deletes the key.
func (t *Delete) Run(ctx context.Context, run sdk.Run) (any, error) {
	deleted, err := t.store.Delete(ctx, run.Info().Tenant, t.Namespace, t.Key)
	if err != nil {
		return nil, err
	}
	if !deleted && t.ErrorOnMissing {
		return nil, fmt.Errorf("no value found for the key '%s' in the namespace '%s'", t.Key, t.Namespace)
	}
	return DeleteOutput{deleted}, nil
}

// GetKeys lists keys.
type GetKeys struct {
	Prefix    string `json:"prefix" doc:"What the keys begin with; all keys unless it is set."`
	Namespace string `json:"namespace" default:"{{ flow.namespace }}" doc:"The namespace; this flow's unless it is set."`
	store     *kv.Store
}

// GetKeysOutput is what GetKeys puts out.
type GetKeysOutput struct {
	Keys []string `json:"keys" doc:"The keys, sorted."`
}

// Run lists the keys.
func (t *GetKeys) Run(ctx context.Context, run sdk.Run) (any, error) {
	entries, err := t.store.List(ctx, run.Info().Tenant, t.Namespace)
	if err != nil {
		return nil, err
	}
	out := GetKeysOutput{Keys: []string{}}
	for _, e := range entries {
		if strings.HasPrefix(e.Key, t.Prefix) {
			out.Keys = append(out.Keys, e.Key)
		}
	}
	return out, nil
}

// PurgeKV deletes many keys.
type PurgeKV struct {
	KeyPattern             string   `json:"keyPattern" doc:"A glob that the keys have to match."`
	Namespaces             []string `json:"namespaces" doc:"The namespaces; this flow's unless one is named."`
	NamespacePattern       string   `json:"namespacePattern" doc:"A glob for namespaces, instead of naming them."`
	IncludeChildNamespaces bool     `json:"includeChildNamespaces" default:"true" doc:"Also the namespaces below."`
	ExpiredOnly            *bool    `json:"expiredOnly" deprecated:"behavior" doc:"Only keys whose time is over."`
	Behavior               *struct {
		Type        string `json:"type" default:"key" enum:"key,version" doc:"key purges keys; version purges older versions, of which there are none here."`
		ExpiredOnly bool   `json:"expiredOnly" default:"true" doc:"Only keys whose time is over."`
		Before      string `json:"before" doc:"Versions from before this date."`
		KeepAmount  *int   `json:"keepAmount" doc:"How many versions to keep."`
	} `json:"behavior" doc:"What to purge."`
	store *kv.Store
}

// PurgeKVOutput is what PurgeKV puts out.
type PurgeKVOutput struct {
	Size int `json:"size" doc:"How many keys were deleted."`
}

// Run deletes the keys.
func (t *PurgeKV) Run(ctx context.Context, run sdk.Run) (any, error) {
	expiredOnly := true
	if t.Behavior != nil {
		expiredOnly = t.Behavior.ExpiredOnly
		if t.Behavior.Type == "version" {
			run.Log(sdk.LevelInfo, "of each key the present version is kept here and no other, so that there are none to purge")
			return PurgeKVOutput{}, nil
		}
	}
	if t.ExpiredOnly != nil {
		expiredOnly = *t.ExpiredOnly
	}
	purged, err := t.purge(ctx, run, t.store.Expired, t.store.Forget)
	if err == nil && !expiredOnly {
		var more int
		more, err = t.purge(ctx, run, t.store.All, t.store.Delete)
		purged += more
	}
	if err != nil {
		return nil, err
	}
	return PurgeKVOutput{purged}, nil
}

// purge deletes those of the listed keys that match, and counts them.
func (t *PurgeKV) purge(ctx context.Context, run sdk.Run, list func(context.Context, string) ([]*kv.Entry, error),
	remove func(ctx context.Context, tenant, namespace, key string) (bool, error)) (int, error) {
	info := run.Info()
	entries, err := list(ctx, info.Tenant)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, e := range entries {
		if !t.matches(e, info.Namespace) {
			continue
		}
		deleted, err := remove(ctx, info.Tenant, e.Namespace, e.Key)
		if err != nil {
			return n, err
		}
		if deleted {
			n++
		}
	}
	return n, nil
}

func (t *PurgeKV) matches(e *kv.Entry, own string) bool {
	if t.KeyPattern != "" {
		if ok, err := path.Match(t.KeyPattern, e.Key); err != nil || !ok {
			return false
		}
	}
	if t.NamespacePattern != "" {
		ok, err := path.Match(t.NamespacePattern, e.Namespace)
		return err == nil && ok
	}
	namespaces := t.Namespaces
	if len(namespaces) == 0 {
		namespaces = []string{own}
	}
	for _, ns := range namespaces {
		if e.Namespace == ns || t.IncludeChildNamespaces && strings.HasPrefix(e.Namespace, ns+".") {
			return true
		}
	}
	return false
}
