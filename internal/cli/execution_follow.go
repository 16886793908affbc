package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/windhover-io/windhover/internal/model"
)

// errCut tells that a stream ended although what it follows has not.
var errCut = errors.New("the server closed the stream before the end of the execution")

// maxEvent bounds one event of a stream, in bytes.
const maxEvent = 64 << 20

// stream reads server-sent events until one whose id is "end". The server sends a first one that only says that it is there.
func (c *client) stream(ctx context.Context, path string, query url.Values, event func(data []byte, end bool) error) error {
	res, err := c.open(ctx, request{method: http.MethodGet, path: path, query: query, header: http.Header{"Accept": {"text/event-stream"}}})
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return readEvents(res.Body, event)
}

func readEvents(r io.Reader, event func(data []byte, end bool) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxEvent)
	var id string
	var data []byte
	for lines.Scan() {
		name, v, _ := bytes.Cut(lines.Bytes(), []byte(":"))
		v = bytes.TrimPrefix(v, []byte(" "))
		switch {
		case len(lines.Bytes()) > 0 && string(name) == "id":
			id = string(v)
		case len(lines.Bytes()) > 0 && string(name) == "data":
			if data != nil {
				data = append(data, '\n')
			}
			data = append(data, v...)
		case len(lines.Bytes()) == 0 && data != nil:
			if id != "start" {
				if err := event(data, id == "end"); err != nil {
					return err
				}
			}
			if id == "end" {
				return nil
			}
			id, data = "", nil
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return errCut
}

// following is how the log of an execution is printed.
type following struct {
	level   string
	noColor bool
}

func (f *following) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.level, "level", "", "least level of the lines: TRACE, DEBUG, INFO, WARN, ERROR")
	cmd.Flags().BoolVar(&f.noColor, "no-color", os.Getenv("NO_COLOR") != "", "print without colours")
}

func (f *following) query() url.Values {
	q := url.Values{}
	if f.level != "" {
		q.Set("minLevel", strings.ToUpper(f.level))
	}
	return q
}

func (f *following) printer(w io.Writer) *printer {
	return &printer{w: w, color: !f.noColor && isTerminal(w)}
}

// toEnd follows an execution to its end and prints it then; the log goes to standard error. The error is errFailed if the
// execution did not end well.
func (f *following) toEnd(cmd *cobra.Command, o *options, id string, logs bool) error {
	c, ctx := o.client(), cmd.Context()
	p := f.printer(cmd.ErrOrStderr())
	if logs {
		if err := c.stream(ctx, "/logs"+pathOf(id, "follow"), f.query(), p.event); err != nil {
			return followError(ctx, id, err)
		}
	}
	var last []byte
	err := c.stream(ctx, executionPath(id, "follow"), nil, func(data []byte, _ bool) error {
		last = bytes.Clone(data)
		return nil
	})
	if err != nil {
		return followError(ctx, id, err)
	}
	var x execution
	if err := json.Unmarshal(last, &x); err != nil {
		return fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	if err := o.print(cmd, last, executionColumns); err != nil {
		return err
	}
	if !x.succeeded() {
		return errFailed
	}
	return nil
}

// followError tells that an execution goes on although nobody follows it any more.
func followError(ctx context.Context, id string, err error) error {
	if ctx.Err() != nil || errors.Is(err, errCut) {
		return fmt.Errorf("%w; %s goes on", err, id)
	}
	return err
}

// event prints a line of a log that came as an event.
func (p *printer) event(data []byte, end bool) error {
	if end {
		return nil
	}
	var l model.LogEntry
	if err := json.Unmarshal(data, &l); err != nil {
		return fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	p.line(l)
	return nil
}

func newExecutionFollow(o *options) *cobra.Command {
	f := &following{}
	cmd := &cobra.Command{
		Use: "follow ID", Short: "Print the log of an execution until it ends, then the execution", Args: cobra.ExactArgs(1),
		Long: "Print the log of an execution until it ends, then the execution. The exit status is 0 if it ended in SUCCESS or WARNING.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.toEnd(cmd, o, args[0], true)
		},
	}
	f.flags(cmd)
	return cmd
}

func newExecutionLogs(o *options) *cobra.Command {
	f := &following{}
	var follow bool
	var task string
	cmd := &cobra.Command{
		Use: "logs ID", Short: "Print the log of an execution", Args: cobra.ExactArgs(1),
		Long: "Print the log of an execution; with --follow until it ends. -o json --follow prints one JSON object a line.",
		RunE: func(cmd *cobra.Command, args []string) error {
			q := f.query()
			if task != "" {
				q.Set("taskId", task)
			}
			if follow {
				return f.stream(cmd, o, args[0], q)
			}
			return f.list(cmd, o, args[0], q)
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on until the execution ends")
	cmd.Flags().StringVar(&task, "task", "", "only the lines of a task")
	f.flags(cmd)
	return cmd
}

// stream prints a log as it comes.
func (f *following) stream(cmd *cobra.Command, o *options, id string, q url.Values) error {
	event := f.printer(cmd.OutOrStdout()).event
	switch o.output {
	case formatTable:
	case "json":
		event = func(data []byte, end bool) error {
			if end {
				return nil
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\n", data)
			return err
		}
	default:
		return fmt.Errorf("--follow prints no %s", o.output)
	}
	return followError(cmd.Context(), id, o.client().stream(cmd.Context(), "/logs"+pathOf(id, "follow"), q, event))
}

// list prints the log that there is.
func (f *following) list(cmd *cobra.Command, o *options, id string, q url.Values) error {
	raw, err := o.client().get(cmd.Context(), "/logs"+pathOf(id), q)
	if err == nil && string(raw) == "[]" { // of nothing, or of no execution at all
		_, err = o.client().get(cmd.Context(), executionPath(id), nil)
	}
	if err != nil || o.output != formatTable {
		if err == nil {
			err = o.print(cmd, raw, nil)
		}
		return err
	}
	var lines []model.LogEntry
	if err := json.Unmarshal(raw, &lines); err != nil {
		return fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	p := f.printer(cmd.OutOrStdout())
	for _, l := range lines {
		p.line(l)
	}
	return nil
}
