package trigger_test

import (
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/internal/tasks/trigger"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

func TestToggle(t *testing.T) {
	o := taskstest.NewOwner(t)
	of := model.TriggerEntity("main", "company.team", "flow", "daily")
	asked := func(answer model.Answer) <-chan model.Event {
		events := make(chan model.Event, 1)
		go func() { events <- o.AnswerFor(of, answer) }()
		return events
	}
	for _, c := range []struct {
		how      string
		disabled bool
	}{
		{"", true},
		{"enabled: true", false},
		{"enabled: '{{ 1 > 2 }}'\nnamespace: company.team\nflowId: flow", true},
	} {
		event := asked(model.Answer{})
		taskstest.Must(t, sdktest.New(t), trigger.Tasks(o), "type: io.kestra.core.tasks.trigger.Toggle\ntrigger: daily\n%s", c.how)
		if ev := <-event; ev.Kind != model.EventSetDisabled || ev.Manage == nil || ev.Manage.Disabled != c.disabled {
			t.Errorf("%s: %+v", c.how, ev)
		}
	}
	event := asked(model.Answer{Code: model.AnswerGone})
	if err := taskstest.Fails(t, sdktest.New(t), trigger.Tasks(o), "type: io.kestra.plugin.core.trigger.Toggle\ntrigger: daily"); !strings.Contains(err, "has no trigger daily") {
		t.Error(err)
	}
	<-event
}
