package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/windhover-io/windhover/internal/httpapi"
	"github.com/windhover-io/windhover/internal/kv"
)

// Webserver starts the API; it listens when it returns.
func (a *App) Webserver(ctx context.Context) error {
	if a.Config.Tutorial {
		if err := a.Tutorial(ctx); err != nil {
			return err
		}
	}
	api := httpapi.New(httpapi.Config{
		Backend: a.Backend, Storage: a.Storage, Flows: a.Flows, Launcher: a.Launcher, Registry: a.Registry, Templates: a.Templates,
		KV: kv.New(a.Backend.Documents()), Secrets: a.Secrets, Masks: a.Masks, Settings: a.Config, Version: Version, Log: a.Log, Metrics: a.Metrics.Registry(),
		FlowOptions: a.FlowOptions, StoreFlow: a.StoreFlow, DropFlow: a.DropFlow,
	})
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(a.Config.Server.Host, strconv.Itoa(a.Config.Server.Port)))
	if err != nil {
		return err
	}
	a.addr = l.Addr().String()
	if _, err := a.join(ctx, "WEBSERVER", ""); err != nil {
		return errors.Join(err, l.Close())
	}
	// Following an execution may take for ever, so that there is no timeout of writing.
	srv := &http.Server{Handler: api, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	a.start("webserver", func(ctx context.Context) error {
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			<-ctx.Done()
			limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			if srv.Shutdown(limit) != nil {
				_ = srv.Close()
			}
		}()
		err := srv.Serve(l)
		<-stopped
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return err
	})
	return nil
}

// Addr is the address that the web server listens on, "" before it does.
func (a *App) Addr() string { return a.addr }

// URL is where people find this installation, "" where that is not known.
func (a *App) URL() string {
	if a.Config.URL != "" || a.addr == "" {
		return a.Config.URL
	}
	return "http://" + a.addr
}
