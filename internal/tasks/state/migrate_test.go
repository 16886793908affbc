package state

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/storage"
	storagememory "github.com/windhover-io/windhover/internal/storage/memory"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// TestMigrate: states that the reference left as files are found by the tasks of this package; a second time there is nothing
// left to do, and what is newer is not overwritten.
func TestMigrate(t *testing.T) {
	b, files := memory.New(), storagememory.New()
	defer b.Close()
	keys := kv.New(b.Documents())
	run := sdktest.New(t)
	is := run.Is
	dir := "/" + strings.ReplaceAll(is.Namespace, ".", "/")
	for path, content := range map[string]string{
		"/flow/states/tasks-states/default":                                  `{"of": "flow"}`,
		"/flow/states/tasks-states/029bbd41b3a7d8cb191dae486a901e5b/default": `{"of": "a value"}`,
		"/states/tasks-states/shared":                                        `{"of": "namespace"}`,
		"/flow/states/tasks-states/newer":                                    `{"of": "file"}`,
		"/flow/states/other/text":                                            "no JSON",
		"/flow/states/other/a name":                                          "its name cannot be a key",
		"/states/task/cache/cache.zip":                                       "the cache of a flow that is called states",
		"/states/_files/main.py":                                             "a file of a namespace that is called states",
	} {
		uri, err := storage.Root(is.Tenant).Join(dir + path)
		if err == nil {
			err = files.Put(t.Context(), uri, strings.NewReader(content), nil)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	types := Types(keys)
	taskstest.Must(t, run, types, "type: %sSet\nname: newer\ndata: {of: key}", area)

	flows := []storage.Flow{{Tenant: is.Tenant, Namespace: is.Namespace, ID: "Flow"}, {Tenant: is.Tenant, Namespace: is.Namespace, ID: "second"}}
	done, err := Migrate(t.Context(), files, keys, flows)
	if err == nil || !strings.Contains(err.Error(), "a%20name") || strings.Count(err.Error(), "\n") > 0 {
		t.Errorf("what cannot be a key: %v", err)
	}
	if len(done) != 5 {
		t.Errorf("migrated: %+v", done)
	}
	for _, get := range [][2]string{
		{"", `{"count":1,"data":{"of":"flow"}}`},
		{"\nname: shared\nnamespace: true", `{"count":1,"data":{"of":"namespace"}}`},
		{"\nname: newer", `{"count":1,"data":{"of":"key"}}`},
	} {
		if out := taskstest.Must(t, run, types, "type: %sGet\nerrorOnMissing: true%s", area, get[0]); out != get[1] {
			t.Errorf("Get%s: %s, want %s", get[0], out, get[1])
		}
	}
	hello := "hello"
	run.Is.Value = &hello
	if out := taskstest.Must(t, run, types, "type: %sGet\nerrorOnMissing: true", area); out != `{"count":1,"data":{"of":"a value"}}` {
		t.Errorf("of a value: %s", out)
	}
	if e, err := keys.Get(t.Context(), is.Tenant, is.Namespace, "flow_states_other_text"); err != nil || e.Value != "no JSON" {
		t.Errorf("%v, %v", e, err)
	}

	again, _ := Migrate(t.Context(), files, keys, flows)
	want := []Migrated{{Namespace: is.Namespace, Key: "flow_states_tasks-states_newer", File: "kestra://" + dir + "/flow/states/tasks-states/newer", Kept: true}}
	if diff := cmp.Diff(want, again); diff != "" {
		t.Errorf("the second time (-want +got):\n%s", diff)
	}
	if left, err := files.AllByPrefix(t.Context(), storage.Root(is.Tenant), false); err != nil || len(left) != 4 {
		t.Errorf("files that are left: %v, %v", left, err)
	}
}
