package flowstore

import (
	"testing"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/trigger"
	"github.com/windhover-io/windhover/internal/value"
)

// TestToldOnce: a trigger that names a flow in several ways hears of each state of its executions once.
func TestToldOnce(t *testing.T) {
	l := NewListeners(nil, nil, "main")
	one := func(id string) *listener {
		return &listener{of: model.TriggerEntity("main", "company", "listens", id), flow: model.FlowKey{Tenant: "main", Namespace: "company", ID: "listens"},
			trigger: &model.Trigger{ID: id, Kind: model.TriggerFlow, Props: value.NewMap(0)}}
	}
	a, b := one("a"), one("b")
	l.index.Store(&map[trigger.Interest][]*listener{
		{Namespace: "company", FlowID: "up"}: {a}, {Namespace: "company"}: {a, b}, {}: {b},
	})
	got := l.Of(&model.Execution{Namespace: "company", FlowID: "up"}, model.Success)
	if len(got) != 2 || got[0].Trigger != a.of || got[1].Trigger != b.of {
		t.Errorf("told: %v", got)
	}
	if own := l.Of(&model.Execution{Namespace: "company", FlowID: "listens"}, model.Success); len(own) != 0 {
		t.Errorf("its own: %v", own)
	}
}
