package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

const inputHelp = "an input as KEY=VALUE, or KEY=@FILE for a file: it is uploaded for an input of type FILE, else its content is the value"

func newExecutionCreate(o *options) *cobra.Command {
	c := &creation{}
	f := &following{}
	cmd := &cobra.Command{
		Use:   "create NAMESPACE FLOW",
		Short: "Run a flow",
		Long: "Run a flow. With --wait the command ends when the execution has, with --follow it prints the log meanwhile; then the\n" +
			"exit status is 0 if the execution ended in SUCCESS or WARNING.",
		Example: "  windhover execution create company.team hello --input name=Ada --follow\n" +
			"  windhover execution create company.team import --input data=@data.csv --label team=a",
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: o.completeFlow,
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := c.create(cmd, o, args)
			if err != nil {
				return err
			}
			if !c.wait && !c.follow {
				return o.print(cmd, raw, executionColumns)
			}
			var x execution
			if err := json.Unmarshal(raw, &x); err != nil {
				return fmt.Errorf("the server's answer cannot be read: %w", err)
			}
			return f.toEnd(cmd, o, x.ID, c.follow)
		},
	}
	cmd.Flags().StringArrayVarP(&c.inputs, "input", "i", nil, inputHelp)
	cmd.Flags().StringArrayVar(&c.labels, "label", nil, "a label as KEY=VALUE")
	cmd.Flags().IntVar(&c.revision, "revision", 0, "an older revision of the flow; 0 is the latest")
	cmd.Flags().StringVar(&c.schedule, "schedule-date", "", "when to begin, such as 2030-01-02T03:04:05Z; at once without it")
	cmd.Flags().BoolVar(&c.wait, "wait", false, "wait for the end")
	cmd.Flags().BoolVar(&c.follow, "follow", false, "wait for the end and print the log meanwhile")
	f.flags(cmd)
	return cmd
}

// creation is what an execution is created with.
type creation struct {
	inputs, labels []string
	revision       int
	schedule       string
	wait, follow   bool
}

func (c *creation) create(cmd *cobra.Command, o *options, flow []string) ([]byte, error) {
	q := revisionQuery(c.revision)
	form, err := o.inputForm(cmd, "/flows"+pathOf(flow...), q, c.inputs)
	if err != nil {
		return nil, err
	}
	labels, err := labelsOf(c.labels)
	if err != nil {
		return nil, err
	}
	r := request{method: http.MethodPost, path: "/executions" + pathOf(flow...), query: url.Values{}}
	for name, v := range q {
		r.query[name] = v
	}
	for _, l := range labels {
		r.query.Add("labels", l.Key+":"+l.Value)
	}
	if c.schedule != "" {
		r.query.Set("scheduleDate", c.schedule)
	}
	form.on(&r)
	return o.client().call(cmd.Context(), r)
}

// field is one input: text, or a file to upload.
type field struct{ name, text, file string }

// form is the inputs of a request.
type form []field

// inputForm reads inputs of the command line. The flow is asked for only if there are files: its inputs tell whether they
// are uploaded.
func (o *options) inputForm(cmd *cobra.Command, flowPath string, q url.Values, given []string) (form, error) {
	var flow struct {
		Inputs []struct{ ID, Type string } `json:"inputs"`
	}
	for _, kv := range given {
		if _, v, _ := strings.Cut(kv, "="); strings.HasPrefix(v, "@") {
			if err := o.client().getInto(cmd.Context(), flowPath, q, &flow); err != nil {
				return nil, err
			}
			break
		}
	}
	files := map[string]bool{}
	for _, in := range flow.Inputs {
		files[in.ID] = in.Type == "FILE"
	}
	return formOf(given, files)
}

// textForm reads inputs none of which is a file.
func textForm(given []string) (form, error) { return formOf(given, nil) }

func formOf(given []string, files map[string]bool) (form, error) {
	var out form
	for _, kv := range given {
		name, v, ok := strings.Cut(kv, "=")
		if !ok {
			return nil, fmt.Errorf("--input %s: expected KEY=VALUE", kv)
		}
		path, isFile := strings.CutPrefix(v, "@")
		switch {
		case !isFile:
			out = append(out, field{name: name, text: v})
		case files[name]:
			if _, err := os.Stat(path); err != nil { // before a request begins that could not be finished
				return nil, err
			}
			out = append(out, field{name: name, file: path})
		default:
			b, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			out = append(out, field{name: name, text: string(b)})
		}
	}
	return out, nil
}

// on makes the form the body of a request. Files are read while they are sent, so that they may be large.
func (f form) on(r *request) {
	if len(f) == 0 {
		return
	}
	body, out := io.Pipe()
	w := multipart.NewWriter(out)
	r.body, r.contentType = body, w.FormDataContentType()
	go func() { _ = out.CloseWithError(f.write(w)) }()
}

func (f form) write(w *multipart.Writer) error {
	for _, one := range f {
		if one.file == "" {
			if err := w.WriteField(one.name, one.text); err != nil {
				return err
			}
			continue
		}
		if err := writeFile(w, one.name, one.file); err != nil {
			return err
		}
	}
	return w.Close()
}

func writeFile(w *multipart.Writer, name, path string) error {
	src, err := os.Open(path)
	if err != nil {
		return err
	}
	defer src.Close()
	part, err := w.CreateFormFile(name, filepath.Base(path))
	if err == nil {
		_, err = io.Copy(part, src)
	}
	return err
}
