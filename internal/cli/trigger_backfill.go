package cli

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func newTriggerBackfill(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "backfill", Short: "Run a schedule for dates that have passed"}
	cmd.AddCommand(newBackfillStart(o), newBackfillList(o), newBackfillChange(o, "pause", "Hold backfills", http.MethodPut),
		newBackfillChange(o, "unpause", "Go on with backfills that were paused", http.MethodPut),
		newBackfillChange(o, "delete", "Give up backfills", http.MethodPost))
	return cmd
}

// backfilled is what is told of a trigger with a backfill.
type backfilled struct {
	Namespace string `json:"namespace"`
	FlowID    string `json:"flowId"`
	TriggerID string `json:"triggerId"`
	Backfill  *struct {
		Start   time.Time `json:"start"`
		End     time.Time `json:"end"`
		Current time.Time `json:"currentDate"`
		Paused  bool      `json:"paused"`
	} `json:"backfill"`
	Progress string `json:"progress"` // how much of the time is behind it
}

func newBackfillList(o *options) *cobra.Command {
	f := &triggerFilter{}
	cmd := &cobra.Command{
		Use: "list", Short: "List the backfills that are under way, and how far they have come", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := []backfilled{}
			for p := (&paging{page: 1, size: 1000}); ; p.page++ {
				var found struct {
					Results []struct {
						Trigger backfilled `json:"triggerContext"`
					} `json:"results"`
				}
				if err := o.client().getInto(cmd.Context(), "/triggers/search", f.add(p.query()), &found); err != nil {
					return err
				}
				for _, r := range found.Results {
					if b := r.Trigger.Backfill; b != nil {
						r.Trigger.Progress = fmt.Sprintf("%.0f %%", 100*b.Current.Sub(b.Start).Hours()/b.End.Sub(b.Start).Hours())
						list = append(list, r.Trigger)
					}
				}
				if len(found.Results) < p.size {
					return o.printValue(cmd, list, append(slices.Clip(backfillColumns), column{"DONE", "progress"}))
				}
			}
		},
	}
	f.flags(cmd)
	return cmd
}

var backfillColumns = []column{{"NAMESPACE", "namespace"}, {"FLOW", "flowId"}, {"TRIGGER", "triggerId"}, {"FROM", "backfill.start"},
	{"TO", "backfill.end"}, {"AT", "backfill.currentDate"}, {"PAUSED", "backfill.paused"}}

func newBackfillStart(o *options) *cobra.Command {
	var start, end string
	var inputs, labels []string
	cmd := &cobra.Command{
		Use: "start NAMESPACE FLOW TRIGGER", Short: "Begin a backfill", Args: cobra.ExactArgs(3), ValidArgsFunction: o.completeFlow,
		Example: "  windhover trigger backfill start company.team report daily --start 2026-01-01 --end 2026-02-01 --label reason=repair",
		RunE: func(cmd *cobra.Command, args []string) error {
			from, err := date(start, time.Local, time.Time{})
			if err != nil || from.IsZero() {
				return fmt.Errorf("--start: expected a date such as 2026-03-28 or 2026-03-28T12:00:00Z")
			}
			fill := map[string]any{"start": from}
			if end != "" {
				if fill["end"], err = date(end, time.Local, time.Time{}); err != nil {
					return fmt.Errorf("--end: %w", err)
				}
			}
			if fill["inputs"], err = pairs("input", inputs); err != nil {
				return err
			}
			if fill["labels"], err = pairs("label", labels); err != nil {
				return err
			}
			body := triggerBody(args)
			body["backfill"] = fill
			raw, err := o.client().sendJSON(cmd.Context(), http.MethodPut, "/triggers/backfill/create", nil, body)
			if err != nil {
				return err
			}
			return o.print(cmd, raw, backfillColumns)
		},
	}
	cmd.Flags().StringVar(&start, "start", "", "the first date")
	cmd.Flags().StringVar(&end, "end", "", "the last date; now unless given")
	cmd.Flags().StringArrayVarP(&inputs, "input", "i", nil, "an input of the executions, as KEY=VALUE")
	cmd.Flags().StringArrayVar(&labels, "label", nil, "a label of the executions, as KEY=VALUE")
	return cmd
}

// pairs reads KEY=VALUE arguments.
func pairs(what string, given []string) (map[string]string, error) {
	m := map[string]string{}
	for _, g := range given {
		k, v, ok := strings.Cut(g, "=")
		if !ok {
			return nil, fmt.Errorf("--%s: %q is not KEY=VALUE", what, g)
		}
		m[k] = v
	}
	return m, nil
}

func newBackfillChange(o *options, name, short, method string) *cobra.Command {
	return o.newTriggerChange(triggerChange{
		name: name, short: short, columns: backfillColumns,
		one: func(cmd *cobra.Command, id []string) ([]byte, error) {
			return o.client().sendJSON(cmd.Context(), method, "/triggers/backfill/"+name, nil, triggerBody(id))
		},
		many: request{method: http.MethodPost, path: "/triggers/backfill/" + name + "/by-query"},
	})
}
