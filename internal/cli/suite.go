package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/windhover-io/windhover/internal/config"
	"github.com/windhover-io/windhover/internal/flowtest"
	"github.com/windhover-io/windhover/internal/value"
)

// suiteTime bounds one case of a test, unless it is said otherwise.
const suiteTime = time.Minute

type suiteOptions struct {
	flows   []string
	cases   []string
	timeout time.Duration
	quiet   bool
}

func newFlowTest(o *options) *cobra.Command {
	s := &suiteOptions{}
	cmd := &cobra.Command{
		Use:   "test TEST.yaml|DIRECTORY… | FLOW.yaml [KEY VALUE]…",
		Short: "Run tests of flows, without a server",
		Long: "Run tests of flows in this process and in memory. A test names a flow, gives it inputs, replaces some of its tasks by\n" +
			"what they would put out, and says what is expected:\n\n" +
			"  id: test_order\n  namespace: company.team\n  flowId: order\n  testCases:\n    - id: enough\n      fixtures:\n        inputs: {customer: Ada}\n" +
			"        tasks:\n          - {id: fetch, outputs: {body: {stock: 5}}}\n      assertions:\n        - {value: \"{{ outputs.reserve.value }}\", equalTo: done}\n\n" +
			"The flow and those that it calls are looked for in the files beside the test, or in --flows. The exit status is 0 if all\n" +
			"holds. Given a flow instead, the command runs it with the inputs that follow, as `windhover run` does.",
		Example: "  windhover flow test tests/\n  windhover flow test order_test.yaml --flows flows/ --case enough -o json",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			src, err := os.ReadFile(args[0])
			if err == nil && !flowtest.IsSuite(src) && len(args)%2 == 1 {
				return runWith(cmd, o, args[0], args[1:])
			}
			return s.run(cmd, o, args)
		},
	}
	cmd.Flags().StringArrayVar(&s.flows, "flows", nil, "a file or directory of flows; the directory of each test unless it is set")
	cmd.Flags().StringArrayVar(&s.cases, "case", nil, "run only the case of this id; may be repeated")
	cmd.Flags().DurationVar(&s.timeout, "timeout", suiteTime, "how long a case may take")
	cmd.Flags().BoolVarP(&s.quiet, "quiet", "q", false, "print only what does not hold")
	return cmd
}

// runWith runs a flow with inputs that are given as pairs of arguments.
func runWith(cmd *cobra.Command, o *options, path string, pairs []string) error {
	r := &runOptions{output: "json", noColor: os.Getenv("NO_COLOR") != ""}
	for pair := range slices.Chunk(pairs, 2) {
		r.inputs = append(r.inputs, pair[0]+"="+pair[1])
	}
	return r.run(cmd, o, path)
}

func (s *suiteOptions) run(cmd *cobra.Command, o *options, args []string) error {
	suites, err := s.read(args)
	if err != nil {
		return err
	}
	cfg := config.Default()
	if o.config != "" {
		if cfg, err = o.load(); err != nil {
			return err
		}
	}
	var reports []*flowtest.Report
	for _, one := range suites {
		flows, err := s.sources(one.path)
		if err != nil {
			return err
		}
		r := &flowtest.Runner{Flows: flows, Config: cfg, Log: o.logger(slog.LevelError), Extras: o.extras, Timeout: s.timeout}
		report := r.Run(cmd.Context(), one.suite)
		if o.output == formatTable {
			s.print(cmd.OutOrStdout(), one.path, report)
		}
		reports = append(reports, report)
	}
	if o.output != formatTable {
		if err := o.printValue(cmd, reports, nil); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(reports, func(r *flowtest.Report) bool {
		return r.State == flowtest.StateFailed || r.State == flowtest.StateError
	}) {
		return errFailed
	}
	return nil
}

// suiteFile is a file of tests.
type suiteFile struct {
	path  string
	suite *flowtest.Suite
}

// read reads the tests in files and below directories, with only those cases that are wanted.
func (s *suiteOptions) read(args []string) ([]suiteFile, error) {
	files, err := yamlFiles(args)
	if err != nil {
		return nil, err
	}
	var out []suiteFile
	for _, path := range files {
		src, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if !flowtest.IsSuite(src) {
			if slices.Contains(args, path) {
				return nil, fmt.Errorf("%s has no testCases", path)
			}
			continue
		}
		suite, err := flowtest.Parse(src)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if len(s.cases) > 0 {
			suite.Cases = slices.DeleteFunc(suite.Cases, func(c flowtest.Case) bool { return !slices.Contains(s.cases, c.ID) })
		}
		if len(suite.Cases) > 0 {
			out = append(out, suiteFile{path, suite})
		}
	}
	if len(out) == 0 {
		return nil, errors.New("there are no tests: a test is a YAML file with testCases")
	}
	return out, nil
}

// sources reads the flows that a test may need.
func (s *suiteOptions) sources(test string) ([][]byte, error) {
	where := s.flows
	if len(where) == 0 {
		where = []string{filepath.Dir(test)}
	}
	files, err := yamlFiles(where)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for _, path := range files {
		src, err := readFlow(path)
		if err != nil {
			return nil, err
		}
		if bytes.Contains(src, []byte("tasks")) && !flowtest.IsSuite(src) {
			out = append(out, src)
		}
	}
	return out, nil
}

// print prints what came of a test for people.
func (s *suiteOptions) print(w io.Writer, path string, r *flowtest.Report) {
	counts := map[string]int{}
	for _, c := range r.Results {
		counts[c.State]++
		if s.quiet && (c.State == flowtest.StateSuccess || c.State == flowtest.StateSkipped) {
			continue
		}
		fmt.Fprintf(w, "%-7s  %s › %s\n", c.State, r.FlowID, c.ID)
		for _, p := range c.Errors {
			fmt.Fprintf(w, "         %s\n", p.Message)
		}
		for _, a := range c.Outcomes {
			if a.Success {
				continue
			}
			about := strings.ToLower(strings.ReplaceAll(a.Operator, "_", " "))
			fmt.Fprintf(w, "         expected to be %s %s, but it is %s\n", about, quoted(a.Expected), quoted(a.Actual))
			for _, more := range []string{a.ErrorMessage, a.Description} {
				if more != "" {
					fmt.Fprintf(w, "         %s\n", more)
				}
			}
		}
		for _, line := range c.Log {
			fmt.Fprintf(w, "         | %s\n", line)
		}
	}
	fmt.Fprintf(w, "%s: %d passed, %d failed, %d skipped in %s\n", path, counts[flowtest.StateSuccess],
		counts[flowtest.StateFailed]+counts[flowtest.StateError], counts[flowtest.StateSkipped], r.EndDate.Sub(r.StartDate).Round(time.Millisecond))
}

// quoted is a value as JSON, so that texts can be told from numbers.
func quoted(v any) string {
	b := value.AppendJSON(nil, v, value.JSONOptions{KeepNulls: true})
	if !json.Valid(b) {
		return value.Print(v)
	}
	return cell(string(b))
}
