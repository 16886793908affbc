package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/windhover-io/windhover/internal/model"
)

func newExecution(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "execution", Aliases: []string{"executions"}, Short: "Work with executions"}
	cmd.AddCommand(newExecutionCreate(o), newExecutionGet(o), newExecutionList(o), newExecutionRestart(o), newExecutionReplay(o),
		newExecutionResume(o), newExecutionUnqueue(o), newExecutionLabels(o), newExecutionStatus(o), newExecutionEval(o), newExecutionFile(o),
		newExecutionDelete(o), newExecutionLogs(o), newExecutionExplain(o), newExecutionFollow(o))
	for _, a := range []struct{ name, method, short string }{
		{"kill", http.MethodDelete, "Kill executions and those that they started"},
		{"pause", http.MethodPost, "Pause running executions"},
		{"force-run", http.MethodPost, "Run executions that wait, whatever they wait for"},
	} {
		cmd.AddCommand(newExecutionAction(o, a.name, a.method, a.short))
	}
	for _, c := range cmd.Commands() {
		if c.ValidArgsFunction == nil && strings.Contains(c.Use, " ID") {
			c.ValidArgsFunction = o.completeExecution
		}
	}
	return o.connect(cmd)
}

// execution is what the command line reads of an execution as the API gives it.
type execution struct {
	ID        string          `json:"id"`
	Namespace string          `json:"namespace"`
	FlowID    string          `json:"flowId"`
	Outputs   json.RawMessage `json:"outputs"`
	State     struct {
		Current  string `json:"current"`
		Duration string `json:"duration"`
	} `json:"state"`
}

// succeeded tells whether an execution has ended well.
func (e *execution) succeeded() bool {
	return e.State.Current == model.Success.String() || e.State.Current == model.Warning.String()
}

// executionColumns are what a table shows of executions, runColumns what it shows of task runs.
var (
	executionColumns = []column{{"ID", "id"}, {"NAMESPACE", "namespace"}, {"FLOW", "flowId"}, {"STATE", "state.current"},
		{"STARTED", "state.startDate"}, {"DURATION", "state.duration"}}
	runColumns = []column{{"TASK RUN", "id"}, {"TASK", "taskId"}, {"VALUE", "value"}, {"STATE", "state.current"},
		{"STARTED", "state.startDate"}, {"DURATION", "state.duration"}}
)

func executionPath(id string, rest ...string) string {
	return "/executions" + pathOf(id) + pathOf(rest...)
}

func newExecutionGet(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "get ID", Short: "Print an execution", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := o.client().get(cmd.Context(), executionPath(args[0]), nil)
			if err != nil {
				return err
			}
			if err := o.print(cmd, raw, executionColumns); err != nil || o.output != formatTable {
				return err
			}
			var x struct {
				Runs []json.RawMessage `json:"taskRunList"`
			}
			if err := json.Unmarshal(raw, &x); err != nil || len(x.Runs) == 0 {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout())
			return o.printValue(cmd, x.Runs, runColumns)
		},
	}
}

func newExecutionList(o *options) *cobra.Command {
	p := &paging{}
	var namespace, flow, state, since string
	cmd := &cobra.Command{
		Use: "list", Short: "List executions, the latest first", Args: cobra.NoArgs,
		Example: "  windhover execution list --state FAILED,KILLED --since PT1H",
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := p.query()
			q.Set("sort", "state.startDate:desc")
			setFilter(q, "namespace", "PREFIX", namespace)
			setFilter(q, "flowId", "EQUALS", flow)
			setFilter(q, "state", "IN", state)
			setFilter(q, "timeRange", "EQUALS", since)
			raw, err := o.client().get(cmd.Context(), "/executions/search", q)
			if err != nil {
				return err
			}
			return o.print(cmd, raw, executionColumns)
		},
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "", "those of a namespace and of those below it")
	cmd.Flags().StringVarP(&flow, "flow", "f", "", "those of flows with an id")
	cmd.Flags().StringVar(&state, "state", "", "those in one of the states, with commas between them")
	cmd.Flags().StringVar(&since, "since", "", "those that began within a duration such as PT1H")
	p.flags(cmd)
	return cmd
}

// act asks for something to be done with an execution and returns what the execution is afterwards.
func (o *options) act(cmd *cobra.Command, id string, r request) ([]byte, error) {
	raw, err := o.client().call(cmd.Context(), r)
	if err != nil || len(raw) > 0 {
		return raw, err
	}
	return o.client().get(cmd.Context(), executionPath(id), nil)
}

func newExecutionAction(o *options, name, method, short string) *cobra.Command {
	return &cobra.Command{
		Use: name + " ID…", Short: short, Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.each(cmd, args, executionColumns, func(id string) ([]byte, error) {
				return o.act(cmd, id, request{method: method, path: executionPath(id, name)})
			})
		},
	}
}

func newExecutionRestart(o *options) *cobra.Command {
	var revision int
	cmd := &cobra.Command{
		Use: "restart ID…", Short: "Run executions on from where they failed", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.each(cmd, args, executionColumns, func(id string) ([]byte, error) {
				return o.act(cmd, id, request{method: http.MethodPost, path: executionPath(id, "restart"), query: revisionQuery(revision)})
			})
		},
	}
	cmd.Flags().IntVar(&revision, "revision", 0, "go on with another revision of the flow")
	return cmd
}

func revisionQuery(revision int) url.Values {
	q := url.Values{}
	if revision > 0 {
		q.Set("revision", strconv.Itoa(revision))
	}
	return q
}

func newExecutionReplay(o *options) *cobra.Command {
	var revision int
	var taskRun string
	var given []string
	cmd := &cobra.Command{
		Use: "replay ID", Short: "Repeat an execution as a new one", Args: cobra.ExactArgs(1),
		Long: "Repeat an execution as a new one: from its beginning, from a task run on, or with other inputs.",
		RunE: func(cmd *cobra.Command, args []string) error {
			r := request{method: http.MethodPost, path: executionPath(args[0], "replay"), query: revisionQuery(revision)}
			if taskRun != "" {
				r.query.Set("taskRunId", taskRun)
			}
			if len(given) > 0 {
				r.path = executionPath(args[0], "replay-with-inputs")
				form, err := o.inputForm(cmd, executionPath(args[0], "flow"), nil, given)
				if err != nil {
					return err
				}
				form.on(&r)
			}
			raw, err := o.act(cmd, args[0], r)
			if err != nil {
				return err
			}
			return o.print(cmd, raw, executionColumns)
		},
	}
	cmd.Flags().IntVar(&revision, "revision", 0, "repeat it with another revision of the flow")
	cmd.Flags().StringVar(&taskRun, "task-run", "", "id of the task run to begin at; what came before it is kept")
	cmd.Flags().StringArrayVarP(&given, "input", "i", nil, inputHelp)
	cmd.MarkFlagsMutuallyExclusive("task-run", "input")
	return cmd
}

func newExecutionResume(o *options) *cobra.Command {
	var given []string
	cmd := &cobra.Command{
		Use: "resume ID", Short: "Resume a paused execution", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r := request{method: http.MethodPost, path: executionPath(args[0], "resume")}
			form, err := textForm(given)
			if err != nil {
				return err
			}
			form.on(&r)
			raw, err := o.act(cmd, args[0], r)
			if err != nil {
				return err
			}
			return o.print(cmd, raw, executionColumns)
		},
	}
	cmd.Flags().StringArrayVarP(&given, "input", "i", nil, "what the pause asks for as KEY=VALUE, or KEY=@FILE for the content of a file")
	return cmd
}

func newExecutionDelete(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "delete ID…", Short: "Delete executions with their logs and files", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, id := range args {
				if _, err := o.client().delete(cmd.Context(), executionPath(id), nil, nil); err != nil {
					return fmt.Errorf("%s: %w", id, err)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: deleted\n", id)
			}
			return nil
		},
	}
}

func newExecutionExplain(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "explain ID", Short: "Tell what an execution waits for", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := o.client().get(cmd.Context(), executionPath(args[0], "explain"), nil)
			if err != nil {
				return err
			}
			if o.output != formatTable {
				return o.print(cmd, raw, nil)
			}
			var x struct {
				State string            `json:"state"`
				Waits []json.RawMessage `json:"waits"`
			}
			if err := json.Unmarshal(raw, &x); err != nil {
				return fmt.Errorf("the server's answer cannot be read: %w", err)
			}
			if len(x.Waits) == 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "%s is %s: it waits for nothing\n", args[0], x.State)
				return nil
			}
			return o.printValue(cmd, x.Waits, []column{{"FOR", "for"}, {"TASK", "taskId"}, {"VALUE", "value"}, {"SINCE", "since"},
				{"UNTIL", "until"}, {"DETAIL", "detail"}, {"REF", "ref"}})
		},
	}
}
