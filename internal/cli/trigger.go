package cli

import (
	"fmt"
	"net/http"

	"github.com/spf13/cobra"
)

var triggerColumns = []column{{"NAMESPACE", "namespace"}, {"FLOW", "flowId"}, {"TRIGGER", "triggerId"}, {"DISABLED", "disabled"},
	{"LAST", "date"}, {"NEXT", "nextExecutionDate"}, {"EXECUTION", "executionId"}}

func newTrigger(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "trigger", Aliases: []string{"triggers"}, Short: "Work with triggers"}
	cmd.AddCommand(newTriggerList(o), newTriggerDisabled(o, "enable", "Let a trigger start executions again", false),
		newTriggerDisabled(o, "disable", "Keep a trigger from starting executions", true),
		newTriggerChange(o, "unlock", "Let a trigger go on that waits for an execution that will not end"),
		newTriggerChange(o, "restart", "Give up an evaluation of a trigger that is under way"), newTriggerDelete(o),
		newTriggerBackfill(o), newTriggerSimulate(o))
	return o.connect(cmd)
}

func newTriggerList(o *options) *cobra.Command {
	p := &paging{}
	var namespace, flow, text string
	cmd := &cobra.Command{
		Use: "list", Short: "List triggers", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := p.query()
			setFilter(q, "namespace", "PREFIX", namespace)
			setFilter(q, "flowId", "EQUALS", flow)
			setFilter(q, "q", "EQUALS", text)
			raw, err := o.client().get(cmd.Context(), "/triggers/search", q)
			if err != nil {
				return err
			}
			columns := make([]column, len(triggerColumns))
			for i, c := range triggerColumns {
				columns[i] = column{c.title, "triggerContext." + c.path}
			}
			return o.print(cmd, raw, columns)
		},
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "", "those of a namespace and of those below it")
	cmd.Flags().StringVarP(&flow, "flow", "f", "", "those of flows with an id")
	cmd.Flags().StringVarP(&text, "query", "q", "", "those that contain a text")
	p.flags(cmd)
	return cmd
}

func newTriggerDisabled(o *options, name, short string, disabled bool) *cobra.Command {
	return &cobra.Command{
		Use: name + " NAMESPACE FLOW TRIGGER", Short: short, Args: cobra.ExactArgs(3), ValidArgsFunction: o.completeFlow,
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := o.client().sendJSON(cmd.Context(), http.MethodPut, "/triggers", nil,
				map[string]any{"namespace": args[0], "flowId": args[1], "triggerId": args[2], "disabled": disabled})
			if err != nil {
				return err
			}
			return o.print(cmd, raw, triggerColumns)
		},
	}
}

func newTriggerChange(o *options, name, short string) *cobra.Command {
	return &cobra.Command{
		Use: name + " NAMESPACE FLOW TRIGGER", Short: short, Args: cobra.ExactArgs(3), ValidArgsFunction: o.completeFlow,
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := o.client().call(cmd.Context(), request{method: http.MethodPost, path: "/triggers" + pathOf(args...) + pathOf(name)})
			if err != nil {
				return err
			}
			return o.print(cmd, raw, triggerColumns)
		},
	}
}

func newTriggerDelete(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "delete NAMESPACE FLOW TRIGGER", Short: "Forget what is remembered of a trigger", Args: cobra.ExactArgs(3), ValidArgsFunction: o.completeFlow,
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := o.client().delete(cmd.Context(), "/triggers"+pathOf(args...), nil, nil); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s.%s.%s: deleted\n", args[0], args[1], args[2])
			return nil
		},
	}
}
