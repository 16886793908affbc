package revision_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/tasks/revision"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

const name = "io.kestra.plugin.core.flow.PurgeFlows"

func TestPurgeFlows(t *testing.T) {
	for _, c := range []struct {
		how  string
		want string // the revisions that are left of both flows
	}{
		{"", "[2 5] [4]"}, // an execution runs revision 2
		{"behavior: {keepAmount: 3}", "[2 3 4 5] [2 3 4]"},
		{"behavior: {before: 2026-01-03T00:00:00Z}", "[2 3 4 5] [3 4]"},
		{"behavior: {before: 2026-01-03T00:00:00Z, keepAmount: 4}", "[2 3 4 5] [1 2 3 4]"},
		{"namespace: company.team", "[1 2 3 4 5] [4]"},
		{"namespace: company", "[2 5] [4]"},
		{"namespace: company\nflowId: a", "[2 5] [1 2 3 4]"},
		{"flowId: b\nbehavior: {keepAmount: 9}", "[1 2 3 4 5] [1 2 3 4]"},
	} {
		o := taskstest.NewOwner(t)
		a, b := save(t, o, "company", "a", 5), save(t, o, "company.team", "b", 4)
		o.Put("ended", "company", "a", model.Success, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		o.PutRevision("running", "company", "a", 2, model.Running, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		out := taskstest.Must(t, sdktest.New(t), revision.Types(o), "type: %s\n%s", name, c.how)
		left := fmt.Sprint(revisions(t, o, a), " ", revisions(t, o, b))
		if left != c.want {
			t.Errorf("%s: %s are left, want %s", c.how, left, c.want)
		}
		gone := 9 - len(revisions(t, o, a)) - len(revisions(t, o, b))
		if out != fmt.Sprintf(`{"size":%d}`, gone) {
			t.Errorf("%s: %s, though %d are gone", c.how, out, gone)
		}
	}
	if err := taskstest.Fails(t, sdktest.New(t), revision.Types(nil), "type: %s\nbehavior: {type: version}", name); !strings.Contains(err, "before or keepAmount") {
		t.Error(err)
	}
}

// save stores n revisions of a flow, one a day.
func save(t *testing.T, b backend.Backend, namespace, id string, n int) model.FlowKey {
	t.Helper()
	for i := range n {
		_, err := b.Flows().Save(t.Context(), backend.FlowRecord{
			Tenant: "main", Namespace: namespace, ID: id, Source: fmt.Sprint("revision ", i), Updated: time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC),
		}, i)
		if err != nil {
			t.Fatal(err)
		}
	}
	return model.FlowKey{Tenant: "main", Namespace: namespace, ID: id}
}

func revisions(t *testing.T, b backend.Backend, key model.FlowKey) []int {
	t.Helper()
	list, err := b.Flows().Revisions(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]int, len(list))
	for i, r := range list {
		out[i] = r.Revision
	}
	return out
}
