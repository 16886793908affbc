package docker_test

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/taskrunner/docker"
)

// Containers are removed whose worker has died and whose task run is over, and no others.
func TestSweep(t *testing.T) {
	b := memory.New()
	defer b.Close()
	r := newRig(t)
	defer r.remove()
	t.Setenv("DOCKER_HOST", r.host)
	for id, timeout := range map[string]time.Duration{"alive" + r.run.Is.TaskRunID: time.Hour, "lost" + r.run.Is.TaskRunID: time.Nanosecond} {
		if err := b.Join(t.Context(), backend.Member{ID: id, Kind: "WORKER", State: backend.MemberRunning, Timeout: timeout}); err != nil {
			t.Fatal(err)
		}
	}
	ids := map[string]string{}
	for name, labels := range map[string]map[string]string{
		"of one that lives": {"windhover.io/worker": "alive"},
		"of one that died":  {"windhover.io/worker": "lost"},
		"kept":              {"windhover.io/worker": "lost", "windhover.io/kept": "true"},
		"of another":        {"windhover.io/worker": "unknown"},
	} {
		labels["windhover.io/worker"] += r.run.Is.TaskRunID
		labels["kestra.io/taskrun-id"], labels["kestra.io/execution-id"], labels["windhover.io/tenant"] = r.run.Is.TaskRunID, model.NewID(), "main"
		made, err := r.client().ContainerCreate(t.Context(), client.ContainerCreateOptions{Config: &container.Config{Image: "busybox", Cmd: []string{"sleep", "1000"}, Labels: labels}})
		if err != nil {
			t.Fatal(err)
		}
		ids[name] = made.ID
		if _, err := r.client().ContainerStart(t.Context(), made.ID, client.ContainerStartOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	s := docker.Sweeper{Engine: docker.New(docker.Config{}), Backend: b, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, id := range ids {
		_, err := r.client().ContainerInspect(context.Background(), id, client.ContainerInspectOptions{})
		if gone := err != nil; gone != (name == "of one that died") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Where there is no engine there is nothing to sweep.
func TestSweepWithoutEngine(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
	s := docker.Sweeper{Engine: docker.New(docker.Config{}), Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	if err := s.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
}
