package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/sqlbase"
	"github.com/windhover-io/windhover/internal/model"
)

type triggers struct{ *Backend }

var triggerList = list[*model.TriggerState]{
	from:    "triggers t",
	columns: "t.body",
	row:     "t.seq",
	schema: sqlbase.Schema{
		Dialect: dialect,
		Kinds:   backend.TriggerFields,
		Columns: map[backend.Field]string{
			backend.FieldNamespace: "t.namespace", backend.FieldFlowID: "t.flow_id", backend.FieldScope: "t.namespace",
			backend.FieldTriggerID: "t.trigger_id", backend.FieldDisabled: "t.disabled",
		},
		Text: []string{"t.namespace", "t.flow_id", "t.trigger_id"},
	},
	sorts:   backend.TriggerSorts,
	natural: []backend.Sort{{By: "namespace"}, {By: "flowId"}, {By: "triggerId"}},
	keys: map[string]string{
		"flowId": "t.flow_id", "namespace": "t.namespace", "triggerId": "t.trigger_id", "nextExecutionDate": "coalesce(t.next, " + never + ")",
	},
	scan: scanBody[model.TriggerState],
}

const ofTrigger = " WHERE tenant = ? AND namespace = ? AND flow_id = ? AND trigger_id = ?"

// nextOf is the trigger's next date as a column.
func nextOf(t *model.TriggerState) any {
	if t.Next == nil {
		return nil
	}
	return sqlbase.Micros(*t.Next)
}

func triggerMissing(namespace, flow, trigger string) error {
	return fmt.Errorf("trigger %s of flow %s.%s: %w", trigger, namespace, flow, backend.ErrNotFound)
}

// Get is backend.Triggers.
func (t triggers) Get(ctx context.Context, tenant, namespace, flow, trigger string) (*model.TriggerState, error) {
	if err := t.ready(ctx); err != nil {
		return nil, err
	}
	s, err := scanBody[model.TriggerState](t.state.QueryRowContext(ctx, "SELECT body FROM triggers"+ofTrigger, tenant, namespace, flow, trigger))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, triggerMissing(namespace, flow, trigger)
	}
	return s, unavailable(err)
}

// Search is backend.Triggers.
func (t triggers) Search(ctx context.Context, q backend.Query) (backend.Page[*model.TriggerState], error) {
	if err := t.ready(ctx); err != nil {
		return backend.Page[*model.TriggerState]{}, err
	}
	return triggerList.find(ctx, t.state, q, 0, equals("t.tenant", q.Tenant))
}

// Update is backend.Triggers. The writer waits for change.
func (t triggers) Update(ctx context.Context, tenant, namespace, flow, trigger string, change func(*model.TriggerState) error) (*model.TriggerState, error) {
	if err := t.ready(ctx); err != nil {
		return nil, err
	}
	var changed *model.TriggerState
	err := t.write(ctx, func(s *store) error {
		state, err := scanBody[model.TriggerState](s.row("SELECT body FROM triggers"+ofTrigger, tenant, namespace, flow, trigger))
		if errors.Is(err, sql.ErrNoRows) {
			return refuse(triggerMissing(namespace, flow, trigger))
		}
		if err != nil {
			return err
		}
		if err := change(state); err != nil {
			return refuse(err)
		}
		body, err := s.enc.Encode(state)
		if err != nil {
			return refuse(err)
		}
		changed = state
		_, err = s.exec("UPDATE triggers SET disabled = ?, next = ?, body = ?"+ofTrigger, state.Disabled, nextOf(state), body, tenant, namespace, flow, trigger)
		return err
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}

// Delete is backend.Triggers.
func (t triggers) Delete(ctx context.Context, tenant, namespace, flow, trigger string) error {
	if err := t.ready(ctx); err != nil {
		return err
	}
	return t.write(ctx, func(s *store) error {
		n, err := s.exec("DELETE FROM triggers"+ofTrigger, tenant, namespace, flow, trigger)
		if err == nil && n == 0 {
			return refuse(triggerMissing(namespace, flow, trigger))
		}
		return err
	})
}
