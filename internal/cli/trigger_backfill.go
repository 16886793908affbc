package cli

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func newTriggerBackfill(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "backfill", Short: "Run a schedule for dates that have passed"}
	cmd.AddCommand(newBackfillStart(o), newBackfillChange(o, "pause", "Hold a backfill", http.MethodPut),
		newBackfillChange(o, "unpause", "Go on with a backfill that was paused", http.MethodPut),
		newBackfillChange(o, "delete", "Give up a backfill", http.MethodPost))
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
			raw, err := o.client().sendJSON(cmd.Context(), http.MethodPut, "/triggers", nil,
				map[string]any{"namespace": args[0], "flowId": args[1], "triggerId": args[2], "backfill": fill})
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
	return &cobra.Command{
		Use: name + " NAMESPACE FLOW TRIGGER", Short: short, Args: cobra.ExactArgs(3), ValidArgsFunction: o.completeFlow,
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := o.client().sendJSON(cmd.Context(), method, "/triggers/backfill/"+name, nil,
				map[string]any{"namespace": args[0], "flowId": args[1], "triggerId": args[2]})
			if err != nil {
				return err
			}
			return o.print(cmd, raw, backfillColumns)
		},
	}
}
