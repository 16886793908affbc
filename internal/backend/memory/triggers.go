package memory

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

type triggers struct{ *Backend }

type triggerKey struct {
	flowKey
	trigger string
}

func (k triggerKey) missing() error {
	return fmt.Errorf("trigger %s of flow %s.%s: %w", k.trigger, k.namespace, k.id, backend.ErrNotFound)
}

// Get is backend.Triggers.
func (t triggers) Get(ctx context.Context, tenant, namespace, flow, trigger string) (*model.TriggerState, error) {
	if err := t.ready(ctx); err != nil {
		return nil, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	key := triggerKey{flowKey{tenant, namespace, flow}, trigger}
	s := t.triggers[key]
	if s == nil {
		return nil, key.missing()
	}
	copied := *s
	return &copied, nil
}

var triggerRepository = repository[*model.TriggerState]{
	fields:  backend.TriggerFields,
	sorts:   backend.TriggerSorts,
	natural: []backend.Sort{{By: "namespace"}, {By: "flowId"}, {By: "triggerId"}},
	field: func(s *model.TriggerState, f backend.Field) any {
		switch f {
		case backend.FieldQuery:
			return anyText(s.Namespace, s.FlowID, s.TriggerID)
		case backend.FieldNamespace:
			return s.Namespace
		case backend.FieldScope:
			return scopeOf(s.Namespace)
		case backend.FieldFlowID:
			return s.FlowID
		case backend.FieldTriggerID:
			return s.TriggerID
		case backend.FieldDisabled:
			return s.Disabled
		case backend.FieldType:
			return s.Type
		}
		return nil
	},
	key: func(s *model.TriggerState, by string) any {
		switch by {
		case "flowId":
			return s.FlowID
		case "namespace":
			return s.Namespace
		case "triggerId":
			return s.TriggerID
		case "nextExecutionDate":
			if s.Next == nil {
				return int64(math.MaxInt64)
			}
			return s.Next.UnixMicro()
		}
		return strings.Join([]string{s.Namespace, s.FlowID, s.TriggerID}, "\x00")
	},
}

// Search is backend.Triggers.
func (t triggers) Search(ctx context.Context, q backend.Query) (backend.Page[*model.TriggerState], error) {
	if err := t.ready(ctx); err != nil {
		return backend.Page[*model.TriggerState]{}, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	var all []*model.TriggerState
	for key, s := range t.triggers {
		if key.tenant == q.Tenant {
			copied := *s
			all = append(all, &copied)
		}
	}
	return triggerRepository.search(q, all)
}
