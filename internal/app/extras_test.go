package app_test

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/app"
	"github.com/windhover-io/windhover/internal/config"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/storage/memory"
)

func TestStoragesOfTheOtherProgram(t *testing.T) {
	for _, typ := range []string{"gcs", "azure"} {
		c := settings(t)
		c.Storage.Type = typ
		_, err := app.New(c, slog.New(slog.NewTextHandler(io.Discard, nil)))
		if err == nil || !strings.Contains(err.Error(), "storage.type: "+typ+" is in windhover-cloud") {
			t.Errorf("%s: got %v", typ, err)
		}
	}
}

func TestExtras(t *testing.T) {
	ran, stopped := make(chan string, 1), make(chan struct{})
	stored := memory.New()
	extras := app.Extras{
		Types: []plugin.Type{{Name: "io.kestra.plugin.ee.kubernetes.runner.Kubernetes", Category: plugin.TaskRunner, New: func() any { return &struct{}{} }}},
		Storages: map[string]func(context.Context, config.Storage) (storage.Storage, error){
			"gcs": func(_ context.Context, c config.Storage) (storage.Storage, error) { return stored, nil },
		},
		Beside: func(ctx context.Context, a *app.App) error {
			ran <- a.Config.Storage.Type
			<-ctx.Done()
			close(stopped)
			return nil
		},
	}
	c := settings(t)
	c.Storage.Type = "gcs"
	a, err := app.New(c, slog.New(slog.NewTextHandler(io.Discard, nil)), app.Extras{}, extras)
	if err != nil {
		t.Fatal(err)
	}
	start(t, a, a.Worker)
	if got := <-ran; got != "gcs" {
		t.Errorf("beside the worker ran something that sees storage %q", got)
	}
	if a.Storage != storage.Storage(stored) {
		t.Errorf("the storage is %T", a.Storage)
	}
	name := extras.Types[0].Name
	if _, ok := a.Registry.Lookup(name); !ok || a.Registry.Program(name) != "" {
		t.Errorf("%s is not known", name)
	}
	stop(t, a)
	<-stopped
}
