package state

import (
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

const area = "io.kestra.plugin.core.state."

// TestHash holds the hash to values of the published algorithm.
func TestHash(t *testing.T) {
	for text, want := range map[string]string{
		"":      "00000000000000000000000000000000",
		"hello": "029bbd41b3a7d8cb191dae486a901e5b",
		"The quick brown fox jumps over the lazy dog": "6c1b07bc7bbc4be347939ac4a93c437a",
	} {
		if got := hash(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestStates(t *testing.T) {
	b := memory.New()
	defer b.Close()
	store := kv.New(b.Documents())
	types := Types(store)
	run := sdktest.New(t)
	steps := func(steps ...[2]string) {
		t.Helper()
		for _, s := range steps {
			if out := taskstest.Must(t, run, types, "type: %s%s", area, s[0]); out != s[1] {
				t.Errorf("%s: %s, want %s", s[0], out, s[1])
			}
		}
	}
	steps(
		[2]string{"Get", `{"count":0,"data":{}}`},
		[2]string{"Set\ndata: {a: 1, b: {c: [1], d: x}}", `{"count":2,"key":"flow_states_tasks-states_default"}`},
		[2]string{"Set\ndata: '{\"a\": \"2\", \"b\": {\"c\": [2]}}'", `{"count":2,"key":"flow_states_tasks-states_default"}`},
		[2]string{"Get", `{"count":2,"data":{"a":"2","b":{"c":[1,2],"d":"x"}}}`},
		[2]string{"Set\nname: other\nnamespace: true\ndata: {n: 1}", `{"count":1,"key":"states_tasks-states_other"}`},
		[2]string{"Get\nname: other", `{"count":0,"data":{}}`},
		[2]string{"Delete", `{"deleted":true}`},
		[2]string{"Delete", `{"deleted":false}`},
	)
	for _, task := range []string{"Get", "Delete"} {
		if err := taskstest.Fails(t, run, types, "type: %s%s\nerrorOnMissing: true", area, task); !strings.Contains(err, "no such state") {
			t.Error(err)
		}
	}
	a := "hello"
	run.Is.Value = &a
	steps(
		[2]string{"Set\ndata: {v: 1}", `{"count":1,"key":"flow_states_tasks-states_default_029bbd41b3a7d8cb191dae486a901e5b"}`},
		[2]string{"Get\ntaskrunValue: false", `{"count":0,"data":{}}`},
	)
	// Installations of the reference keep the map as JSON text.
	if err := store.Set(t.Context(), kv.Put{Tenant: "main", Namespace: "company.team", Key: "flow_states_tasks-states_old", Value: `{"n":1}`}); err != nil {
		t.Fatal(err)
	}
	steps([2]string{"Get\nname: old\ntaskrunValue: false", `{"count":1,"data":{"n":1}}`})
}
