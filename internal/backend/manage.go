package backend

import (
	"context"
	"fmt"
	"time"

	"github.com/windhover-io/windhover/internal/model"
)

// ManageTrigger asks for a change of a trigger and returns what is remembered of it afterwards. ErrNotFound when there is
// no such trigger, ErrConflict when its state does not allow it, ErrInvalid when the request is wrong.
func ManageTrigger(ctx context.Context, f Feed, of model.Entity, kind model.EventKind, m *model.Manage) (*model.TriggerState, error) {
	id := model.NewID()
	a, err := f.Ask(ctx, model.Event{ID: id, Ask: id, To: of, Kind: kind, At: time.Now().UTC(), Manage: m})
	if err != nil {
		return nil, err
	}
	switch a.Code {
	case model.AnswerDone:
		return a.Trigger, nil
	case model.AnswerGone:
		return nil, fmt.Errorf("trigger %s: %w", of.ID, ErrNotFound)
	case model.AnswerConflict:
		return a.Trigger, fmt.Errorf("%s: %w", a.Message, ErrConflict)
	default:
		return a.Trigger, fmt.Errorf("%s: %w", a.Message, ErrInvalid)
	}
}
