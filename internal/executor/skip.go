package executor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/shard"
)

// Skip names executions that an executor leaves alone, for those who look for what is wrong with one of them: their events
// stay in the inbox, and they go on where an executor runs that does not skip them. The zero Skip skips none.
type Skip struct {
	executions, tenants map[string]bool
	namespaces          map[namespaceKey]bool
	flows               map[model.FlowKey]bool
}

type namespaceKey struct{ tenant, namespace string }

// ParseSkip reads which executions are to be skipped: ids of executions and tenants; flows as TENANT|NAMESPACE|FLOW and
// namespaces, without those below them, as TENANT|NAMESPACE. TENANT| may be left out and stands for the tenant given.
func ParseSkip(tenant string, executions, flows, namespaces, tenants []string) (Skip, error) {
	s := Skip{executions: set(executions), tenants: set(tenants), namespaces: map[namespaceKey]bool{}, flows: map[model.FlowKey]bool{}}
	for _, text := range flows {
		p, err := idParts(tenant, text, 3)
		if err != nil {
			return Skip{}, fmt.Errorf("flow to skip %q: %w, expected TENANT|NAMESPACE|FLOW", text, err)
		}
		s.flows[model.FlowKey{Tenant: p[0], Namespace: p[1], ID: p[2]}] = true
	}
	for _, text := range namespaces {
		p, err := idParts(tenant, text, 2)
		if err != nil {
			return Skip{}, fmt.Errorf("namespace to skip %q: %w, expected TENANT|NAMESPACE", text, err)
		}
		s.namespaces[namespaceKey{p[0], p[1]}] = true
	}
	return s, nil
}

func set(list []string) map[string]bool {
	m := make(map[string]bool, len(list))
	for _, s := range list {
		m[strings.TrimSpace(s)] = true
	}
	return m
}

// idParts takes an id apart whose first part, the tenant, may be missing.
func idParts(tenant, text string, n int) ([]string, error) {
	parts := strings.Split(text, "|")
	if len(parts) == n-1 {
		parts = append([]string{tenant}, parts...)
	}
	if len(parts) != n {
		return nil, fmt.Errorf("it has %d parts", len(parts))
	}
	for i := range parts {
		if parts[i] = strings.TrimSpace(parts[i]); parts[i] == "" {
			return nil, fmt.Errorf("a part of it is empty")
		}
	}
	return parts, nil
}

// Any tells whether anything is skipped.
func (s Skip) Any() bool {
	return len(s.executions)+len(s.tenants)+len(s.namespaces)+len(s.flows) > 0
}

// Has tells whether an execution is skipped.
func (s Skip) Has(e *model.Execution) bool {
	return s.executions[e.ID] || s.tenants[e.Tenant] || s.namespaces[namespaceKey{e.Tenant, e.Namespace}] ||
		s.flows[model.FlowKey{Tenant: e.Tenant, Namespace: e.Namespace, ID: e.FlowID}]
}

// skipped is an execution that is left alone.
type skipped struct{}

// Step asks for what nobody answers while the shard is owned: so this event and those that follow it stay unacknowledged,
// and the shard's next owner gets them.
func (skipped) Step(*model.Event, any, time.Time) shard.Outcome {
	return shard.Outcome{Ask: func(ctx context.Context) any {
		<-ctx.Done()
		return nil
	}}
}

// Rests is true: nothing is known of it that would have to stay in memory.
func (skipped) Rests(time.Time) bool { return true }

// skips tells whether an entity that was loaded is an execution to be left alone.
func (m *machine) skips(snap *backend.Snapshot) bool {
	return snap != nil && snap.Execution != nil && m.cfg.Skip.Has(snap.Execution)
}
