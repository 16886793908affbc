package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStateStoreMigrate: a state that the reference left as a file is a key afterwards; the flows are those of the database.
func TestStateStoreMigrate(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	contains(t, ok(t, "sys", "database", "migrate", "--data", data), "sqlite", "is ready")
	file := filepath.Join(data, "storage", "main", "company", "team", "last", "states", "tasks-states", "default")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(`{"page": 7}`), 0o600); err != nil {
		t.Fatal(err)
	}
	type migrated struct{ Namespace, Key string }
	if done := okJSON[[]migrated](t, "sys", "state-store", "migrate", "--data", data); len(done) != 0 {
		t.Errorf("without its flow: %v", done)
	}
	saveIn(t, data, "id: last\nnamespace: company.team\ntasks: [{id: a, type: io.kestra.plugin.core.log.Log, message: x}]\n")
	done := okJSON[[]migrated](t, "sys", "state-store", "migrate", "--data", data)
	if len(done) != 1 || done[0] != (migrated{"company.team", "last_states_tasks-states_default"}) {
		t.Errorf("migrated: %v", done)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the file is still there: %v", err)
	}
}

// saveIn stores a flow in the database of a directory.
func saveIn(t *testing.T, data, source string) {
	t.Helper()
	o := &options{}
	a, err := o.open(data)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Stop(t.Context()) }()
	if err := saveFlows(t.Context(), a, filepath.Join(write(t, map[string]string{"flow.yaml": source}), "flow.yaml")); err != nil {
		t.Fatal(err)
	}
}

// TestNeedless: commands of the reference that have nothing to do here say so and fail.
func TestNeedless(t *testing.T) {
	for _, args := range [][]string{
		{"server", "indexer"}, {"server", "controller", "--port", "50051"}, {"migrate", "metadata", "kv"}, {"sys", "purge-queue"},
		{"sys", "restore-queue"}, {"sys", "restore-flow-listeners"}, {"plugin", "install", "io.kestra.plugin:plugin-aws:LATEST"},
	} {
		if r := command(t, args...); r.err == nil || !strings.Contains(r.err.Error(), "there is no") && !strings.Contains(r.err.Error(), "nothing") {
			t.Errorf("%v: %v", args, r.err)
		}
	}
}
