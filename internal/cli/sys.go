package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/windhover-io/windhover/internal/app"
	"github.com/windhover-io/windhover/internal/model"
)

func newSys(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "sys", Short: "Look after an installation"}
	cmd.AddCommand(&cobra.Command{
		Use: "info", Short: "Tell about this program and the server", Args: cobra.NoArgs,
		Long: "Tell the version of this program, and of the server its address, version and backend. The exit status is 0 when the\n" +
			"server answers.",
		RunE: o.sysInfo,
	}, newSysServices(o), newSysPurge(o), newSysReindex(o), newSysSubmitQueued(o), newSysDatabase(o), newSysStateStore(o),
		needless("purge-queue", noQueue, "restore-queue"), needless("restore-flow-listeners", noListeners))
	return o.connect(cmd)
}

// sysInfo prints what is known, also where the server does not answer.
func (o *options) sysInfo(cmd *cobra.Command, _ []string) error {
	info := struct {
		Client  string `json:"client"`
		Server  string `json:"server"`
		Version string `json:"version,omitempty"`
		Backend string `json:"backend,omitempty"`
	}{Client: app.Version, Server: o.conn.server}
	raw, err := o.client().get(cmd.Context(), "/configs", nil)
	if err != nil && errors.Is(err, context.Canceled) {
		return err
	}
	if err == nil {
		if jsonErr := json.Unmarshal(raw, &info); jsonErr != nil {
			err = fmt.Errorf("the server's answer cannot be read: %w", jsonErr)
		}
	}
	columns := []column{{"CLIENT", "client"}, {"SERVER", "server"}, {"VERSION", "version"}, {"BACKEND", "backend"}}
	return errors.Join(o.printValue(cmd, info, columns), err)
}

func newSysServices(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "services", Short: "List the components of the installation", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			raw, err := o.client().get(cmd.Context(), "/instance/services/search", url.Values{"size": {"1000"}})
			if err != nil {
				return err
			}
			return o.print(cmd, raw, []column{{"ID", "id"}, {"TYPE", "type"}, {"STATE", "state"}, {"HOST", "server.hostname"},
				{"VERSION", "server.version"}, {"GROUP", "workerGroup"}, {"SINCE", "createdAt"}})
		},
	}
}

func newSysPurge(o *options) *cobra.Command {
	var olderThan, before, namespace, flow string
	var states []string
	keep := map[string]*bool{}
	var dryRun bool
	cmd := &cobra.Command{
		Use: "purge", Short: "Delete old executions for good, with what belongs to them", Args: cobra.NoArgs,
		Long: "Delete executions that began before a date and have ended, with their logs, metrics and files. What runs is never\n" +
			"deleted. To have this done regularly, configure how long executions are kept: see kestra.retention in\n" +
			"`windhover config properties`.",
		Example: "  windhover sys purge --older-than P90D --dry-run\n  windhover sys purge --older-than P7D --namespace company.test --state SUCCESS",
		RunE: func(cmd *cobra.Command, _ []string) error {
			end, err := purgeDate(olderThan, before)
			if err != nil {
				return err
			}
			body := map[string]any{"endDate": end, "namespace": namespace, "flowId": flow, "states": upper(states), "dryRun": dryRun}
			for name, is := range keep {
				body[name] = *is
			}
			raw, err := o.client().sendJSON(cmd.Context(), http.MethodPost, "/instance/purge", nil, body)
			if err != nil {
				return err
			}
			return o.print(cmd, raw, []column{{"EXECUTIONS", "executions"}, {"LOGS", "logs"}, {"METRICS", "metrics"}, {"FILES", "files"}})
		},
	}
	f := cmd.Flags()
	f.StringVar(&olderThan, "older-than", "", "those that began longer ago than a duration such as P30D")
	f.StringVar(&before, "before", "", "those that began before a date such as 2030-01-31T00:00:00Z")
	f.StringVarP(&namespace, "namespace", "n", "", "those of a namespace and of those below it")
	f.StringVarP(&flow, "flow", "f", "", "those of flows with an id")
	f.StringSliceVar(&states, "state", nil, "those that ended in one of the states")
	f.BoolVar(&dryRun, "dry-run", false, "only count the executions")
	for _, part := range []string{"executions", "logs", "metrics", "files"} {
		keep["keep"+strings.ToUpper(part[:1])+part[1:]] = f.Bool("keep-"+part, false, "do not delete "+part)
	}
	cmd.MarkFlagsOneRequired("older-than", "before")
	cmd.MarkFlagsMutuallyExclusive("older-than", "before")
	return cmd
}

func purgeDate(olderThan, before string) (time.Time, error) {
	if before != "" {
		at, err := time.Parse(time.RFC3339, before)
		if err != nil {
			return at, fmt.Errorf("--before %s: expected a date such as 2030-01-31T00:00:00Z", before)
		}
		return at, nil
	}
	d, err := model.ParseDuration(olderThan)
	if err != nil || d <= 0 {
		return time.Time{}, fmt.Errorf("--older-than %s: expected a duration such as P30D", olderThan)
	}
	return time.Now().UTC().Add(-d), nil
}

func upper(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strings.ToUpper(s)
	}
	return out
}

func newSysReindex(o *options) *cobra.Command {
	var typ string
	cmd := &cobra.Command{
		Use: "reindex", Short: "Compile all flows again and tell which are no longer valid", Args: cobra.NoArgs,
		Long: "Compile all stored flows with the types of the server as it is now, and tell which of them are no longer valid. There is\n" +
			"nothing else to index again: what is stored is found by what it was stored with. The exit status is 0 if all are valid.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if typ != "flow" {
				return fmt.Errorf("--type %s: only flow is known", typ)
			}
			return o.checkFlows(cmd)
		},
	}
	cmd.Flags().StringVarP(&typ, "type", "t", "flow", "what to look at: flow")
	return cmd
}

// invalidFlow is a stored flow that cannot be compiled any more.
type invalidFlow struct {
	Namespace string `json:"namespace"`
	ID        string `json:"id"`
	Revision  int    `json:"revision"`
	Exception string `json:"exception"`
}

func (o *options) checkFlows(cmd *cobra.Command) error {
	invalid := []invalidFlow{}
	seen := 0
	for p := (paging{page: 1, size: 500}); ; p.page++ {
		q := p.query()
		q.Set("sort", "id:asc")
		var found struct {
			Results []invalidFlow `json:"results"`
		}
		if err := o.client().getInto(cmd.Context(), "/flows/search", q, &found); err != nil {
			return err
		}
		seen += len(found.Results)
		for _, f := range found.Results {
			if f.Exception != "" {
				invalid = append(invalid, f)
			}
		}
		if len(found.Results) < p.size {
			break
		}
	}
	if len(invalid) == 0 {
		if o.output == formatTable {
			fmt.Fprintf(cmd.OutOrStdout(), "%d flows, all of them valid\n", seen)
			return nil
		}
		return o.printValue(cmd, invalid, nil)
	}
	err := o.printValue(cmd, invalid, []column{{"NAMESPACE", "namespace"}, {"ID", "id"}, {"REVISION", "revision"}, {"REASON", "exception"}})
	return errors.Join(err, errFailed)
}

func newSysSubmitQueued(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "submit-queued-execution", Short: "Let all executions begin that wait for a slot", Args: cobra.NoArgs,
		Long: "Let all executions begin that wait in a queue of a flow's concurrency limit, whatever the limit. Slots are counted\n" +
			"exactly, so that nothing waits for one that is free: this is for limits that were set too low.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := url.Values{}
			setFilter(q, "state", "EQUALS", model.Queued.String())
			raw, err := o.client().call(cmd.Context(), request{method: http.MethodPost, path: "/executions/unqueue/by-query", query: q})
			if err != nil {
				return err
			}
			return o.print(cmd, raw, []column{{"EXECUTIONS", "count"}})
		},
	}
}

func newSysDatabase(o *options) *cobra.Command {
	var data string
	migrate := &cobra.Command{
		Use: "migrate", Short: "Bring the database to this version of the program", Args: cobra.NoArgs,
		Long: "Bring the configured database to this version of the program, and stop. Servers do so by themselves when they start; this\n" +
			"is for those who want it to happen before. The database must not be in use by another version.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := o.open(data)
			if err != nil {
				return err
			}
			name := a.Backend.Caps().Name
			if err := a.Stop(cmd.Context()); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "the %s backend is ready for version %s\n", name, app.Version)
			return nil
		},
	}
	dataFlag(migrate, &data)
	cmd := &cobra.Command{Use: "database", Short: "Look after the database"}
	cmd.AddCommand(migrate)
	return cmd
}

// dataFlag is for commands that open the database themselves, as `server local` does.
func dataFlag(cmd *cobra.Command, data *string) {
	cmd.Flags().StringVar(data, "data", "", "directory of the embedded database and the files, instead of the configured one")
}

// open opens the configured backend and storage, or those in a directory.
func (o *options) open(data string) (*app.App, error) {
	cfg, err := o.load()
	if err != nil {
		return nil, err
	}
	if data != "" {
		cfg.Backend.Type, cfg.Backend.Path = "sqlite", data
	}
	return app.New(cfg, o.logger(slog.LevelWarn), o.extras...)
}
