package trigger

import (
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/model"
)

// BenchmarkDeclare reads a trigger as it is declared, which each event of it begins with.
func BenchmarkDeclare(b *testing.B) {
	f := &model.Flow{Tenant: "main", Namespace: "company.team", ID: "flow", Revision: 1}
	t := &model.Trigger{ID: "t", Type: "x.Y", Kind: model.TriggerSchedule, Props: object(`{"cron": "*/5 9-17 * * mon-fri", "timezone": "Europe/Paris", "inputs": {"a": 1, "b": "{{ trigger.date }}"}}`)}
	for b.Loop() {
		if _, err := Declare(f, t, time.UTC, RecoverAll, nil); err != nil {
			b.Fatal(err)
		}
	}
}
