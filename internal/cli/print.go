package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

// printProblems prints what is wrong with a file, each with the line that it is about.
func printProblems(w io.Writer, path string, src []byte, problems []yamldoc.Problem) {
	for _, p := range problems {
		fmt.Fprintf(w, "%s:%s\n", path, p)
		if s := yamldoc.Snippet(src, p); s != "" {
			fmt.Fprintln(w, s)
		}
	}
}

// printRaw prints JSON as it is wanted.
func printRaw(w io.Writer, format string, raw json.RawMessage) error {
	switch format {
	case "yaml":
		v, err := value.ParseJSON(raw)
		if err != nil {
			return err
		}
		return writeYAML(w, v)
	case "json":
		var b bytes.Buffer
		if err := json.Indent(&b, raw, "", "  "); err != nil {
			return err
		}
		b.WriteByte('\n')
		_, err := b.WriteTo(w)
		return err
	}
	return fmt.Errorf("there is no output format %q", format)
}

// writeYAML writes a value as people write YAML, with members in their order.
func writeYAML(w io.Writer, v any) error {
	n, err := yamlNode(v)
	if err != nil {
		return err
	}
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(n); err != nil {
		return err
	}
	return e.Close()
}

func yamlNode(v any) (*yaml.Node, error) {
	switch v := v.(type) {
	case *value.Map:
		n := &yaml.Node{Kind: yaml.MappingNode}
		for key, member := range v.All() {
			k, err := yamlNode(key)
			if err != nil {
				return nil, err
			}
			m, err := yamlNode(member)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, k, m)
		}
		return n, nil
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for _, element := range v {
			e, err := yamlNode(element)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, e)
		}
		return n, nil
	}
	if value.IsNumber(v) {
		return &yaml.Node{Kind: yaml.ScalarNode, Value: value.Print(v)}, nil
	}
	n := &yaml.Node{}
	return n, n.Encode(v)
}

// The colours of log levels and states, as ANSI codes.
var (
	levelColors = map[model.Level]string{model.LevelTrace: "90", model.LevelDebug: "90", model.LevelInfo: "36", model.LevelWarn: "33", model.LevelError: "31"}
	stateColors = map[model.State]string{model.Success: "32", model.Warning: "33", model.Failed: "31", model.Killed: "31", model.Cancelled: "31", model.Paused: "35"}
)

// printer prints the progress of an execution.
type printer struct {
	w            io.Writer
	color, quiet bool
	flow         *model.Flow
	began        time.Time
	after        string // the cursor behind the last full page
	seen         map[string]bool
	last         model.State
}

func (p *printer) paint(code, text string) string {
	if !p.color || code == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// logs prints the lines that have come since the last time.
func (p *printer) logs(ctx context.Context, b backend.Backend, id string) {
	if p.quiet {
		return
	}
	for {
		page, err := b.Logs().Search(ctx, backend.Query{Tenant: "main", Page: 1, Size: pageSize, After: p.after, NoTotal: true,
			Sort: []backend.Sort{{By: "timestamp"}}, Filters: []backend.Filter{{Field: backend.FieldExecutionID, Op: backend.OpEquals, Value: id}}})
		if err != nil || len(page.Results) == 0 {
			return
		}
		for _, l := range page.Results {
			if !p.fresh(l) {
				continue
			}
			p.line(l)
		}
		if len(page.Results) < pageSize {
			return
		}
		p.after = page.Cursor
	}
}

// line prints one line of a log.
func (p *printer) line(l model.LogEntry) {
	fmt.Fprintf(p.w, "%s %s %s %s\n", p.paint("90", l.Timestamp.Local().Format("15:04:05.000")),
		p.paint(levelColors[l.Level], fmt.Sprintf("%-5s", l.Level)), p.paint("1", l.TaskID), l.Message)
}

// pageSize is how many log lines are read at once.
const pageSize = 200

// fresh tells whether a line has not been printed yet: the last page is read again until it is full.
func (p *printer) fresh(l model.LogEntry) bool {
	key := fmt.Sprint(l.TaskRunID, l.Timestamp.UnixNano(), l.Seq, l.Message)
	if p.seen[key] {
		return false
	}
	if p.seen == nil {
		p.seen = map[string]bool{}
	}
	p.seen[key] = true
	return true
}

// state tells of a change of the execution's state that people should know of.
func (p *printer) state(e *model.Execution) {
	s := e.State.Current()
	if s == p.last || p.quiet {
		return
	}
	p.last = s
	switch s {
	case model.Paused, model.Retrying, model.Queued, model.Killing:
		fmt.Fprintf(p.w, "%s %s\n", p.paint("90", time.Now().Format("15:04:05.000")), p.paint(stateColors[s], s.String()))
	}
}

// end prints how the execution has ended.
func (p *printer) end(e *model.Execution) {
	if p.quiet {
		return
	}
	s := e.State.Current()
	fmt.Fprintf(p.w, "%s %s.%s in %s\n", p.paint(stateColors[s]+";1", s.String()), p.flow.Namespace, p.flow.ID,
		time.Since(p.began).Round(100*time.Microsecond))
	if f := e.Engine.Failure; f != "" {
		fmt.Fprintln(p.w, p.paint("31", f))
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
