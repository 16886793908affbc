package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"

	"github.com/spf13/cobra"
)

var triggerColumns = []column{{"NAMESPACE", "namespace"}, {"FLOW", "flowId"}, {"TRIGGER", "triggerId"}, {"DISABLED", "disabled"},
	{"LAST", "date"}, {"NEXT", "nextExecutionDate"}, {"EXECUTION", "executionId"}}

func newTrigger(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "trigger", Aliases: []string{"triggers"}, Short: "Work with triggers"}
	cmd.AddCommand(newTriggerList(o), newTriggerExport(o), newTriggerDisabled(o, "enable", "Let triggers start executions again", false),
		newTriggerDisabled(o, "disable", "Keep triggers from starting executions", true), newTriggerUnlock(o), newTriggerRestart(o),
		newTriggerDelete(o), newTriggerBackfill(o), newTriggerSimulate(o))
	return o.connect(cmd)
}

// triggerFilter are the flags that select triggers.
type triggerFilter struct{ namespace, flow, text string }

func (f *triggerFilter) flags(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.namespace, "namespace", "n", "", "those of a namespace and of those below it")
	cmd.Flags().StringVarP(&f.flow, "flow", "f", "", "those of flows with an id")
	cmd.Flags().StringVarP(&f.text, "query", "q", "", "those that contain a text")
}

func (f *triggerFilter) add(q url.Values) url.Values {
	setFilter(q, "namespace", "PREFIX", f.namespace)
	setFilter(q, "flowId", "EQUALS", f.flow)
	setFilter(q, "q", "EQUALS", f.text)
	return q
}

func newTriggerList(o *options) *cobra.Command {
	p, f := &paging{}, &triggerFilter{}
	cmd := &cobra.Command{
		Use: "list", Short: "List triggers", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			raw, err := o.client().get(cmd.Context(), "/triggers/search", f.add(p.query()))
			if err != nil {
				return err
			}
			if o.output == formatTable {
				if raw, err = withStatus(raw); err != nil {
					return err
				}
			}
			return o.print(cmd, raw, []column{{"NAMESPACE", "triggerContext.namespace"}, {"FLOW", "triggerContext.flowId"},
				{"TRIGGER", "triggerContext.triggerId"}, {"LAST", "triggerContext.date"}, {"NEXT", "triggerContext.nextExecutionDate"},
				{"EXECUTION", "triggerContext.executionId"}, {"STATUS", "status"}})
		},
	}
	f.flags(cmd)
	p.flags(cmd)
	return cmd
}

// withStatus adds to each trigger that was found what it does, in words.
func withStatus(raw []byte) ([]byte, error) {
	var found struct {
		Results []map[string]any `json:"results"`
		Total   int64            `json:"total"`
	}
	if err := json.Unmarshal(raw, &found); err != nil {
		return nil, fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	for _, r := range found.Results {
		declared, _ := r["abstractTrigger"].(map[string]any)
		state, _ := r["triggerContext"].(map[string]any)
		r["status"] = statusOf(declared, state)
	}
	return json.Marshal(found)
}

// statusOf is what a trigger does.
func statusOf(declared, state map[string]any) string {
	text, _ := state["problem"].(string)
	backfill, _ := state["backfill"].(map[string]any)
	switch {
	case declared == nil:
		return "its flow has it no more, or cannot be read"
	case declared["disabled"] == true:
		return "disabled in its flow"
	case state["disabled"] == true:
		return "disabled"
	case text != "":
		return "has failed: " + text
	case backfill["paused"] == true:
		return "its backfill is paused"
	case backfill != nil:
		return "is filled up"
	case state["executionId"] != nil:
		return "waits for its execution"
	case state["evaluateRunningDate"] != nil:
		return "is evaluated"
	}
	return ""
}

func newTriggerExport(o *options) *cobra.Command {
	f := &triggerFilter{}
	cmd := &cobra.Command{
		Use: "export DIRECTORY", Short: "Write what is known of triggers to triggers.csv in a directory", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			target := filepath.Join(args[0], "triggers.csv")
			r := request{method: http.MethodGet, path: "/triggers/export/by-query/csv", query: f.add(url.Values{})}
			err := o.client().download(cmd.Context(), r, target)
			if err == nil {
				fmt.Fprintln(cmd.OutOrStdout(), target)
			}
			return err
		},
	}
	f.flags(cmd)
	return cmd
}

// triggerChange is a command that changes one trigger, or all that its flags select.
type triggerChange struct {
	name, short string
	columns     []column
	// one changes the trigger with that namespace, flow and id; nil is the answer where there is nothing to print.
	one func(cmd *cobra.Command, id []string) ([]byte, error)
	// many is the request for all that filters select.
	many request
}

func (o *options) newTriggerChange(c triggerChange) *cobra.Command {
	f := &triggerFilter{}
	var all bool
	cmd := &cobra.Command{
		Use: c.name + " [NAMESPACE FLOW TRIGGER]", Short: c.short, ValidArgsFunction: o.completeFlow,
		Long: c.short + ": one, or all that --namespace, --flow and --query select together.",
		RunE: func(cmd *cobra.Command, args []string) error {
			q := f.add(url.Values{})
			switch many := all || len(q) > 0; {
			case many && len(args) > 0:
				return fmt.Errorf("expected NAMESPACE FLOW TRIGGER or flags that select triggers, not both")
			case !many && len(args) != 3:
				return fmt.Errorf("expected NAMESPACE FLOW TRIGGER, or --namespace, --flow, --query or --all")
			case !many:
				raw, err := c.one(cmd, args)
				if err != nil || raw == nil {
					return err
				}
				return o.print(cmd, raw, c.columns)
			}
			r := c.many
			for name, v := range r.query {
				q[name] = v
			}
			r.query = q
			raw, err := o.client().call(cmd.Context(), r)
			if err != nil {
				return err
			}
			return o.print(cmd, raw, []column{{"TRIGGERS", "count"}})
		},
	}
	f.flags(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "all there are")
	return cmd
}

// triggerBody names a trigger in requests.
func triggerBody(id []string) map[string]any {
	return map[string]any{"namespace": id[0], "flowId": id[1], "triggerId": id[2]}
}

func newTriggerDisabled(o *options, name, short string, disabled bool) *cobra.Command {
	return o.newTriggerChange(triggerChange{
		name: name, short: short, columns: triggerColumns,
		one: func(cmd *cobra.Command, id []string) ([]byte, error) {
			body := triggerBody(id)
			body["disabled"] = disabled
			return o.client().sendJSON(cmd.Context(), http.MethodPut, "/triggers/set-disabled", nil, body)
		},
		many: request{method: http.MethodPost, path: "/triggers/set-disabled/by-query", query: url.Values{"disabled": {fmt.Sprint(disabled)}}},
	})
}

func newTriggerUnlock(o *options) *cobra.Command {
	return o.newTriggerChange(triggerChange{
		name: "unlock", short: "Let triggers go on that wait for an execution that will not end", columns: triggerColumns,
		one: func(cmd *cobra.Command, id []string) ([]byte, error) {
			return o.client().call(cmd.Context(), request{method: http.MethodPost, path: "/triggers" + pathOf(id...) + "/unlock"})
		},
		many: request{method: http.MethodPost, path: "/triggers/unlock/by-query"},
	})
}

func newTriggerRestart(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "restart NAMESPACE FLOW TRIGGER", Short: "Give up an evaluation of a trigger that is under way, and begin another",
		Args: cobra.ExactArgs(3), ValidArgsFunction: o.completeFlow,
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := o.client().call(cmd.Context(), request{method: http.MethodPost, path: "/triggers" + pathOf(args...) + "/restart"})
			if err != nil {
				return err
			}
			return o.print(cmd, raw, triggerColumns)
		},
	}
}

func newTriggerDelete(o *options) *cobra.Command {
	return o.newTriggerChange(triggerChange{
		name: "delete", short: "Forget what is remembered of triggers",
		one: func(cmd *cobra.Command, id []string) ([]byte, error) {
			if _, err := o.client().delete(cmd.Context(), "/triggers"+pathOf(id...), nil, nil); err != nil {
				return nil, err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s.%s.%s: deleted\n", id[0], id[1], id[2])
			return nil, nil
		},
		many: request{method: http.MethodDelete, path: "/triggers/delete/by-query"},
	})
}
