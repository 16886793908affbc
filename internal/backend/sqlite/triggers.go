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
			backend.FieldType: "t.type",
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
	s, err := scanBody[model.TriggerState](t.stmts.row(ctx, "SELECT body FROM triggers"+ofTrigger, tenant, namespace, flow, trigger))
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

// writeTrigger stores what is now remembered of a trigger.
func (s *store) writeTrigger(of model.Entity, t *model.TriggerState) error {
	if t == nil {
		flow, id := model.TriggerOf(of)
		_, err := s.exec("DELETE FROM triggers"+ofTrigger, flow.Tenant, flow.Namespace, flow.ID, id)
		return err
	}
	body, err := s.enc.Encode(t)
	if err != nil {
		return reject(of, err)
	}
	_, err = s.exec(`INSERT INTO triggers (tenant, namespace, flow_id, trigger_id, type, disabled, next, waits, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant, namespace, flow_id, trigger_id) DO UPDATE SET type = excluded.type, disabled = excluded.disabled,
		next = excluded.next, waits = excluded.waits, body = excluded.body`,
		t.Tenant, t.Namespace, t.FlowID, t.TriggerID, t.Type, t.Disabled, nextOf(t), t.Waits(), body)
	return err
}

// declareTriggers remembers the triggers of a flow that nothing is remembered of.
func (s *store) declareTriggers(first []model.TriggerState) error {
	for i := range first {
		t := &first[i]
		body, err := s.enc.Encode(t)
		if err != nil {
			return refuse(err)
		}
		if _, err := s.exec("INSERT OR IGNORE INTO triggers (tenant, namespace, flow_id, trigger_id, type, disabled, next, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			t.Tenant, t.Namespace, t.FlowID, t.TriggerID, t.Type, t.Disabled, nextOf(t), body); err != nil {
			return err
		}
	}
	return nil
}
