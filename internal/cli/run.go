package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/windhover-io/windhover/internal/app"
	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/config"
	"github.com/windhover-io/windhover/internal/launch"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/value"
)

type runOptions struct {
	inputs, labels, with []string
	output               string
	quiet                bool
	noColor              bool
}

func newRun(o *options) *cobra.Command {
	r := &runOptions{}
	cmd := &cobra.Command{
		Use:   "run FLOW.yaml",
		Short: "Run one flow to its end, without a server",
		Long: "Run one flow in this process: its log is streamed to standard error, its outputs are printed to standard output.\n" +
			"The exit status is 0 when it ends in SUCCESS or WARNING.",
		Example: "  windhover run hello.yaml --input name=Ada\n  windhover run parent.yaml --with child.yaml --input report=@report.csv",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.run(cmd, o, args[0])
		},
	}
	cmd.Flags().StringArrayVarP(&r.inputs, "input", "i", nil, "an input as KEY=VALUE, or KEY=@FILE for the content of a file")
	cmd.Flags().StringArrayVar(&r.labels, "label", nil, "a label as KEY=VALUE")
	cmd.Flags().StringArrayVar(&r.with, "with", nil, "another flow file that the flow calls")
	cmd.Flags().StringVarP(&r.output, "output", "o", "json", "how to print the outputs: json or yaml")
	cmd.Flags().BoolVarP(&r.quiet, "quiet", "q", false, "do not print the log")
	cmd.Flags().BoolVar(&r.noColor, "no-color", os.Getenv("NO_COLOR") != "", "print without colours")
	return cmd
}

func (r *runOptions) run(cmd *cobra.Command, o *options, path string) error {
	cfg := config.Default()
	if o.config != "" {
		var err error
		if cfg, err = o.load(); err != nil {
			return err
		}
	}
	cfg.Backend.Type, cfg.Storage.Type, cfg.Tutorial, cfg.Server.Grace = "memory", "memory", false, time.Second
	if cfg.Encryption.SecretKey == "" {
		cfg.Encryption.SecretKey = app.RandomKey()
	}
	a, err := app.New(cfg, o.logger(slog.LevelWarn), o.extras...)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	defer func() { _ = a.Stop(context.WithoutCancel(ctx)) }()
	for _, with := range r.with {
		if _, err := saveFile(ctx, a, with, cmd.ErrOrStderr()); err != nil {
			return err
		}
	}
	flow, err := saveFile(ctx, a, path, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	if err := a.Executor(ctx); err != nil {
		return err
	}
	if err := a.Worker(ctx); err != nil {
		return err
	}
	e, err := r.execute(ctx, a, flow, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	if err := r.printOutputs(cmd.OutOrStdout(), a.Masks.Of(e.ID).JSON(e.Outputs)); err != nil {
		return err
	}
	if s := e.State.Current(); s != model.Success && s != model.Warning {
		return errFailed
	}
	return nil
}

// saveFile puts a flow into the backend; problems are printed with the lines that they are about.
func saveFile(ctx context.Context, a *app.App, path string, errOut io.Writer) (*model.Flow, error) {
	src, err := readFlow(path)
	if err != nil {
		return nil, err
	}
	flow, problems, err := a.SaveFlow(ctx, "main", src)
	printProblems(errOut, path, src, problems)
	if err == nil && flow == nil {
		err = errFailed
	}
	return flow, err
}

func (r *runOptions) execute(ctx context.Context, a *app.App, flow *model.Flow, errOut io.Writer) (*model.Execution, error) {
	labels, err := labelsOf(r.labels)
	if err != nil {
		return nil, err
	}
	id := model.NewID()
	given, err := r.givenInputs(ctx, a, flow, id)
	if err != nil {
		return nil, err
	}
	changes, stop := a.Backend.Follow(backend.FeedFilter{ExecutionID: id, Logs: true})
	defer stop()
	_, err = a.Launcher.Create(ctx, launch.Request{Flow: flow.Key(), ID: id, Inputs: given, Labels: labels})
	if err != nil {
		return nil, err
	}
	p := &printer{w: errOut, color: !r.noColor && isTerminal(errOut), quiet: r.quiet, flow: flow, began: time.Now()}
	var last *model.Execution
	cancelled := ctx.Done()
	for {
		select {
		case c := <-changes:
			p.logs(ctx, a.Backend, id)
			if c.Execution != nil {
				last = c.Execution
				p.state(last)
			}
			if last != nil && last.Engine.Finished {
				p.logs(ctx, a.Backend, id)
				p.end(last)
				return last, nil
			}
		case <-cancelled: // the first interrupt kills the execution, whose end is then awaited
			cancelled = nil
			ctx = context.WithoutCancel(ctx)
			_, err := a.Backend.Ask(ctx, model.Event{
				ID: model.NewID(), To: model.ExecutionEntity(id), Kind: model.EventKill, At: time.Now().UTC(), Ask: model.NewID(),
				Action: &model.Action{Cascade: true},
			})
			if err != nil {
				return nil, err
			}
		}
	}
}

// givenInputs reads the inputs of the command line; the content of a file becomes a file in storage for FILE inputs.
func (r *runOptions) givenInputs(ctx context.Context, a *app.App, flow *model.Flow, id string) (*value.Map, error) {
	m := value.NewMap(len(r.inputs))
	for _, kv := range r.inputs {
		k, v, ok := strings.Cut(kv, "=")
		if !ok {
			return nil, fmt.Errorf("--input %s: expected KEY=VALUE", kv)
		}
		file, isFile := strings.CutPrefix(v, "@")
		if !isFile {
			m.Set(k, v)
			continue
		}
		if !isFileInput(flow, k) {
			b, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			m.Set(k, string(b))
			continue
		}
		uri, err := storeInput(ctx, a, flow, id, k, file)
		if err != nil {
			return nil, err
		}
		m.Set(k, uri)
	}
	return m, nil
}

func isFileInput(flow *model.Flow, id string) bool {
	for _, in := range flow.Inputs {
		if in.ID == id {
			return in.Type == "FILE"
		}
	}
	return false
}

func storeInput(ctx context.Context, a *app.App, flow *model.Flow, id, input, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	e := storage.Execution{Flow: storage.Flow{Tenant: flow.Tenant, Namespace: flow.Namespace, ID: flow.ID}, ID: id}
	dir, err := e.InputDir(input)
	if err != nil {
		return "", err
	}
	uri, err := dir.Join(storage.FileName(path))
	if err != nil {
		return "", err
	}
	return uri.String(), a.Storage.Put(ctx, uri, f, nil)
}

func labelsOf(list []string) ([]model.Label, error) {
	var out []model.Label
	for _, kv := range list {
		k, v, ok := strings.Cut(kv, "=")
		if !ok {
			return nil, fmt.Errorf("--label %s: expected KEY=VALUE", kv)
		}
		out = append(out, model.Label{Key: k, Value: v})
	}
	return out, nil
}

func (r *runOptions) printOutputs(w io.Writer, outputs []byte) error {
	if len(outputs) == 0 {
		return nil
	}
	return printRaw(w, r.output, outputs)
}
