package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/mask"
	"github.com/windhover-io/windhover/internal/secret"
	storagememory "github.com/windhover-io/windhover/internal/storage/memory"
	taskhttp "github.com/windhover-io/windhover/internal/tasks/http"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/world"
)

func newEval() *cobra.Command {
	var vars string
	cmd := &cobra.Command{
		Use:   "eval",
		Short: "Evaluate expressions",
		Long: "Read one JSON string, an expression, a line on standard input, and print one JSON object a line:\n" +
			`{"ok":true,"result":"…"} or {"ok":false,"error":"…"}.`,
		Example: `  echo '"{{ 1 + 1 }}"' | windhover eval`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			env, err := newEvalEnv(cmd.Context(), vars)
			if err != nil {
				return err
			}
			return evalLines(env, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&vars, "vars", "", "file with a JSON object of variables")
	return cmd
}

// evalEnv is the context of expressions on the command line: the variables of a file, and functions over nothing.
type evalEnv struct {
	ctx   context.Context
	vars  *value.Map
	world *world.World
}

func newEvalEnv(ctx context.Context, path string) (*evalEnv, error) {
	env := &evalEnv{ctx: ctx, vars: value.NewMap(0)}
	if path != "" {
		src, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		v, err := value.ParseJSON(src)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		m, ok := v.(*value.Map)
		if !ok {
			return nil, fmt.Errorf("%s: expected a JSON object", path)
		}
		env.vars = m
	}
	b := memory.New()
	secrets, _ := secret.New(b.Documents(), nil, nil, &mask.Book{})
	env.world = &world.World{Backend: b, Storage: storagememory.New(), Secrets: secrets, HTTP: taskhttp.Fetch}
	return env, nil
}

// Var returns a variable of the file.
func (e *evalEnv) Var(name string) (any, bool) { return e.vars.Get(name) }

// Names lists the variables of the file.
func (e *evalEnv) Names() []string { return e.vars.Keys() }

// Location is the time zone of the machine.
func (e *evalEnv) Location() *time.Location { return time.Local }

// Call calls a function that touches the world.
func (e *evalEnv) Call(name string, args expr.Args) (any, error) {
	c := world.Caller{Tenant: "main"}
	if m, ok := value.AsMap(first(e.vars.Get("flow"))); ok {
		c.Namespace = value.Print(first(m.Get("namespace")))
	}
	return e.world.Call(e.ctx, c, name, args)
}

func first(v any, _ bool) any { return v }

// evalResult is one line of the output.
type evalResult struct {
	OK     bool    `json:"ok"`
	Result *string `json:"result,omitempty"`
	Error  string  `json:"error,omitempty"`
}

func evalLines(env expr.Env, in io.Reader, out io.Writer) error {
	cache := expr.NewCache(1024)
	w := bufio.NewWriter(out)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 1 || err == nil && len(line) > 0 && line[0] != '\n' {
			if encodeErr := enc.Encode(evalLine(env, cache, line)); encodeErr != nil {
				return encodeErr
			}
			if flushErr := w.Flush(); flushErr != nil {
				return flushErr
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func evalLine(env expr.Env, cache *expr.Cache, line []byte) evalResult {
	var text string
	if err := json.Unmarshal(line, &text); err != nil {
		return evalResult{Error: "expected a JSON string: " + err.Error()}
	}
	s, err := cache.Render(text, env, expr.Limits{})
	if err != nil {
		return evalResult{Error: err.Error()}
	}
	return evalResult{OK: true, Result: &s}
}
