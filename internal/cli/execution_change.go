package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/windhover-io/windhover/internal/model"
)

func newExecutionUnqueue(o *options) *cobra.Command {
	var state string
	cmd := &cobra.Command{
		Use: "unqueue ID…", Short: "Take executions out of the queue of their flow's concurrency limit", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.each(cmd, args, executionColumns, func(id string) ([]byte, error) {
				q := url.Values{"state": {strings.ToUpper(state)}}
				return o.act(cmd, id, request{method: http.MethodPost, path: executionPath(id, "unqueue"), query: q})
			})
		},
	}
	cmd.Flags().StringVar(&state, "state", model.Running.String(), "what becomes of them: RUNNING, CANCELLED or FAILED")
	return cmd
}

func newExecutionLabels(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "labels ID KEY=VALUE…", Short: "Add labels to an execution that has ended", Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			labels, err := labelsOf(args[1:])
			if err != nil {
				return err
			}
			raw, err := o.client().sendJSON(cmd.Context(), http.MethodPost, executionPath(args[0], "labels"), nil, labels)
			if err != nil {
				return err
			}
			return o.print(cmd, raw, append(executionColumns[:len(executionColumns):len(executionColumns)], column{"LABELS", "labels"}))
		},
	}
}

func newExecutionStatus(o *options) *cobra.Command {
	var taskRun string
	cmd := &cobra.Command{
		Use: "change-status ID STATE", Short: "Give an execution that has ended, or one of its task runs, another state", Args: cobra.ExactArgs(2),
		Long: "Give an execution that has ended another state. With --task-run one of its task runs gets it, and the execution goes on\n" +
			"from there.",
		RunE: func(cmd *cobra.Command, args []string) error {
			state := strings.ToUpper(args[1])
			var raw []byte
			var err error
			if taskRun != "" {
				raw, err = o.client().sendJSON(cmd.Context(), http.MethodPost, executionPath(args[0], "state"), nil,
					map[string]string{"taskRunId": taskRun, "state": state})
			} else {
				raw, err = o.act(cmd, args[0], request{method: http.MethodPost, path: executionPath(args[0], "change-status"), query: url.Values{"status": {state}}})
			}
			if err != nil {
				return err
			}
			return o.print(cmd, raw, executionColumns)
		},
	}
	cmd.Flags().StringVar(&taskRun, "task-run", "", "id of a task run")
	return cmd
}

func newExecutionEval(o *options) *cobra.Command {
	var taskRun string
	cmd := &cobra.Command{
		Use: "eval ID EXPRESSION", Short: "Evaluate an expression in the context of an execution", Args: cobra.ExactArgs(2),
		Example: "  windhover execution eval 4xYz '{{ outputs.fetch.body }}'",
		RunE: func(cmd *cobra.Command, args []string) error {
			path := executionPath(args[0], "eval")
			if taskRun != "" {
				path = executionPath(args[0], "eval", taskRun)
			}
			raw, err := o.client().call(cmd.Context(), request{method: http.MethodPost, path: path, body: strings.NewReader(args[1]), contentType: "text/plain"})
			if err != nil {
				return err
			}
			if o.output != formatTable {
				return o.print(cmd, raw, nil)
			}
			var told struct {
				Result *string `json:"result"`
				Error  string  `json:"error"`
			}
			if err := json.Unmarshal(raw, &told); err != nil {
				return fmt.Errorf("the server's answer cannot be read: %w", err)
			}
			if told.Result == nil {
				return fmt.Errorf("%s", told.Error)
			}
			fmt.Fprintln(cmd.OutOrStdout(), *told.Result)
			return nil
		},
	}
	cmd.Flags().StringVar(&taskRun, "task-run", "", "in the context of one of its task runs")
	return cmd
}

func newExecutionFile(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "file ID URI [FILE]", Short: "Print a file of an execution, or write it to another file", Args: cobra.RangeArgs(2, 3),
		Example: "  windhover execution file 4xYz kestra:///company/team/report/executions/4xYz/tasks/make/7aBc/report.csv report.csv",
		RunE: func(cmd *cobra.Command, args []string) error {
			r := request{method: http.MethodGet, path: executionPath(args[0], "file"), query: url.Values{"path": {args[1]}}}
			if len(args) == 3 {
				return o.client().download(cmd.Context(), r, args[2])
			}
			res, err := o.client().open(cmd.Context(), r)
			if err != nil {
				return err
			}
			defer res.Body.Close()
			_, err = io.Copy(cmd.OutOrStdout(), res.Body)
			return err
		},
	}
}
