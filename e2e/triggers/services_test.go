// Package triggers tries the types of triggers that talk to others against the real ones: databases, brokers, file servers,
// started by scripts/services. What does not run is skipped, and says so.
package triggers

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/windhover-io/windhover/e2e/servers"
	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// service is the address of a real server.
func service(t *testing.T, name string) string {
	t.Helper()
	return servers.Address(t, name)
}

// unique is a name that no other run has used.
func unique(prefix string) string { return prefix + strings.ToLower(model.NewID()) }

// all are all types. One store of keys is all that they share.
func all(t *testing.T) []plugin.Type {
	b := memory.New()
	t.Cleanup(func() { b.Close() })
	reg := plugin.NewRegistry()
	tasks.Register(reg, tasks.Deps{Backend: b, KV: kv.New(b.Documents())})
	var out []plugin.Type
	for _, c := range []plugin.Category{plugin.Trigger, plugin.Task} {
		for _, typ := range reg.Types(c) {
			out = append(out, *typ)
		}
	}
	return out
}

// polled is one evaluation of a trigger.
type polled struct {
	run    *sdktest.Run
	out    string
	settle func(durable bool) error
}

func poll(t *testing.T, types []plugin.Type, yaml string) polled {
	t.Helper()
	run := sdktest.New(t)
	run.Is.TriggerID = "watch"
	out, settle, err := taskstest.Poll(t, run, types, yaml)
	if err != nil {
		t.Fatalf("%v\n%s", err, yaml)
	}
	open := true
	p := polled{run, out, func(durable bool) error {
		open = false
		return settle(durable)
	}}
	t.Cleanup(func() {
		if open { // a test that has failed must not hold what others wait for
			_ = settle(false)
		}
	})
	return p
}

func (p polled) settled(t *testing.T, durable bool) {
	t.Helper()
	if err := p.settle(durable); err != nil {
		t.Fatal(err)
	}
}

// read decodes the variables.
func (p polled) read(t *testing.T, into any) {
	t.Helper()
	if p.out == "" {
		t.Fatal("nothing was found")
	}
	if err := json.Unmarshal([]byte(p.out), into); err != nil {
		t.Fatal(err)
	}
}

// until waits for something that happens elsewhere.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("it does not come to pass that %s", what)
}

// heard is what a listener has heard.
type heard struct {
	mu   sync.Mutex
	keys []string
	vars []string
	fail func(n int) error // of the n-th, from 1; nil never fails
}

func (h *heard) emit(key, vars string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fail != nil {
		if err := h.fail(len(h.vars) + 1); err != nil {
			return err
		}
	}
	h.keys, h.vars = append(h.keys, key), append(h.vars, vars)
	return nil
}

func (h *heard) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.vars)
}

// field is a member of each of the messages.
func (h *heard) field(name string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []string
	for _, v := range h.vars {
		var m map[string]any
		if err := json.Unmarshal([]byte(v), &m); err != nil {
			return err.Error()
		}
		out = append(out, fmt.Sprint(m[name]))
	}
	return strings.Join(out, " ")
}

// failure is why a trigger cannot be evaluated.
func failure(t *testing.T, yaml string) error {
	t.Helper()
	_, _, err := taskstest.Poll(t, sdktest.New(t), all(t), yaml)
	return err
}
