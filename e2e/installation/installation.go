// Package installation starts Windhover within a test.
package installation

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/app"
	"github.com/windhover-io/windhover/internal/config"
)

// Config is that of an installation in memory, without tutorial flows, whose web server takes a free port.
func Config() *config.Config {
	c := config.Default()
	c.Backend.Type, c.Storage.Type, c.Server.Port, c.Server.Grace, c.Tutorial = "memory", "memory", 0, time.Second, false
	return c
}

// Component starts a component, such as (*app.App).Worker.
type Component func(*app.App, context.Context) error

// All are the components of `server local`.
var All = []Component{(*app.App).Executor, (*app.App).Scheduler, (*app.App).Worker, (*app.App).Webserver}

// Start starts components of an installation, which is stopped with the test. A nil log is of no interest.
func Start(t testing.TB, c *config.Config, log *slog.Logger, components ...Component) *app.App {
	t.Helper()
	return StartWith(t, c, log, nil, components...)
}

// StartWith is Start for a program that has more than the plain one.
func StartWith(t testing.TB, c *config.Config, log *slog.Logger, extras []app.Extras, components ...Component) *app.App {
	t.Helper()
	if log == nil {
		log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	a, err := app.New(c, log, extras...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	for _, start := range components {
		if err := start(a, context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	return a
}
