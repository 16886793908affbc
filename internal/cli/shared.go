package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/windhover-io/windhover/internal/expr/yamltext"
	"github.com/windhover-io/windhover/internal/value"
)

// choice is a flag that has one of several values.
type choice struct {
	target *string
	names  []string
}

// newChoice returns a flag whose default is the first of its values.
func newChoice(target *string, names ...string) *choice {
	*target = names[0]
	return &choice{target, names}
}

// Set takes one of the values.
func (c *choice) Set(name string) error {
	if !slices.Contains(c.names, name) {
		return fmt.Errorf("expected one of %s", strings.Join(c.names, ", "))
	}
	*c.target = name
	return nil
}

func (c *choice) String() string { return *c.target }

// Type is what the help calls the value.
func (c *choice) Type() string { return "format" }

// paging are the flags of commands that list.
type paging struct{ page, size int }

func (p *paging) flags(cmd *cobra.Command) {
	cmd.Flags().IntVar(&p.page, "page", 1, "which page")
	cmd.Flags().IntVar(&p.size, "size", 50, "how many on a page")
}

func (p *paging) query() url.Values {
	return url.Values{"page": {strconv.Itoa(p.page)}, "size": {strconv.Itoa(p.size)}}
}

// setFilter adds a filter to a search, unless its value is empty.
func setFilter(q url.Values, field, operation, v string) {
	if v != "" {
		q.Set("filters["+field+"]["+operation+"]", v)
	}
}

// deletion are the flags of commands that make what the server has like a directory.
type deletion struct{ missing, keep bool }

func (d *deletion) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&d.missing, "delete", false, "delete what is not in the directory")
	cmd.Flags().BoolVar(&d.keep, "no-delete", false, "delete nothing, as without --delete")
	cmd.MarkFlagsMutuallyExclusive("delete", "no-delete")
}

// each does something with each file or id and prints the answers as one list. What the server refuses does not stop the
// rest; any other error does.
func (o *options) each(cmd *cobra.Command, names []string, columns []column, do func(name string) ([]byte, error)) error {
	var done []json.RawMessage
	refused := 0
	for _, name := range names {
		raw, err := do(name)
		var told *apiError
		if errors.As(err, &told) {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", name, told.Message)
			refused++
			continue
		}
		if err != nil {
			return err
		}
		done = append(done, raw)
	}
	if len(done) > 0 {
		if err := o.printValue(cmd, done, columns); err != nil {
			return err
		}
	}
	if refused > 0 {
		return errFailed
	}
	return nil
}

// eachFile is each with the content of the files.
func (o *options) eachFile(
	cmd *cobra.Command, files []string, read func(path string) ([]byte, error), columns []column, send func(src []byte) ([]byte, error),
) error {
	return o.each(cmd, files, columns, func(path string) ([]byte, error) {
		src, err := read(path)
		if err != nil {
			return nil, err
		}
		return send(src)
	})
}

// keyOf reads the namespace and id in a YAML document.
func keyOf(src []byte) (namespace, id string, err error) {
	v, err := yamltext.Read(string(src))
	if err != nil {
		return "", "", err
	}
	namespace, _ = at(v, "namespace").(string)
	id, _ = at(v, "id").(string)
	if namespace == "" || id == "" {
		return "", "", errors.New("the file has no namespace and id")
	}
	return namespace, id, nil
}

// printMember prints the text that an object has under a name.
func printMember(w io.Writer, raw []byte, name string) error {
	v, err := value.ParseJSON(raw)
	if err != nil {
		return fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	text := value.Print(at(v, name))
	if text == "" || text[len(text)-1] != '\n' {
		text += "\n"
	}
	_, err = io.WriteString(w, text)
	return err
}

// completionTime bounds how long the shell waits for the server.
const completionTime = time.Second

// completeFlow completes a namespace, then the id of a flow in it, with what the server has.
func (o *options) completeFlow(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
	defer cancel()
	var names []string
	switch len(args) {
	case 0:
		if o.client().getInto(ctx, "/flows/distinct-namespaces", nil, &names) != nil {
			return nil, cobra.ShellCompDirectiveError
		}
	case 1:
		var flows []flowKey
		if o.client().getInto(ctx, "/flows"+pathOf(args[0]), nil, &flows) != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		for _, f := range flows {
			names = append(names, f.ID)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeNamespace completes a namespace as the first argument; what follows are names of files.
func (o *options) completeNamespace(cmd *cobra.Command, args []string, text string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return o.completeFlow(cmd, args, text)
}

// maxCompleted is how many executions a completion offers.
const maxCompleted = 50

// completeExecution completes the id of an execution, the latest first; what follows where many are taken are ids too.
func (o *options) completeExecution(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 && !strings.HasSuffix(cmd.Use, "ID…") {
		return nil, cobra.ShellCompDirectiveDefault
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
	defer cancel()
	var found struct {
		Results []execution `json:"results"`
	}
	q := url.Values{"size": {strconv.Itoa(maxCompleted)}, "sort": {"state.startDate:desc"}}
	if o.client().getInto(ctx, "/executions/search", q, &found) != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var ids []string
	for _, e := range found.Results {
		if !slices.Contains(args, e.ID) {
			ids = append(ids, cobra.CompletionWithDesc(e.ID, e.Namespace+"."+e.FlowID+" "+e.State.Current))
		}
	}
	return ids, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}
