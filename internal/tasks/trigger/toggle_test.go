package trigger_test

import (
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/internal/tasks/trigger"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

func TestToggle(t *testing.T) {
	b := memory.New()
	defer b.Close()
	if _, err := b.Flows().Save(t.Context(), backend.FlowRecord{
		Tenant: "main", Namespace: "company.team", ID: "flow", Source: "id: flow",
		Triggers: []model.TriggerState{{Tenant: "main", Namespace: "company.team", FlowID: "flow", TriggerID: "daily"}},
	}, 0); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		how      string
		disabled bool
	}{
		{"", true},
		{"enabled: true", false},
		{"enabled: '{{ 1 > 2 }}'\nnamespace: company.team\nflowId: flow", true},
	} {
		taskstest.Must(t, sdktest.New(t), trigger.Tasks(b), "type: io.kestra.core.tasks.trigger.Toggle\ntrigger: daily\n%s", c.how)
		s, err := b.Triggers().Get(t.Context(), "main", "company.team", "flow", "daily")
		if err != nil {
			t.Fatal(err)
		}
		if s.Disabled != c.disabled || s.Updated == nil {
			t.Errorf("%s: disabled is %v", c.how, s.Disabled)
		}
	}
	if err := taskstest.Fails(t, sdktest.New(t), trigger.Tasks(b), "type: io.kestra.plugin.core.trigger.Toggle\ntrigger: none"); !strings.Contains(err, "has no trigger none") {
		t.Error(err)
	}
}
