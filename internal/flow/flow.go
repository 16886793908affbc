// Package flow is the flow language: it compiles YAML into a model.Flow and says everything that is wrong with it at once,
// each thing at its line and column. It reads nothing but its arguments and the database of time zones.
package flow

import (
	"cmp"
	"slices"

	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

// Options are what a flow is compiled with.
type Options struct {
	// Registry has the types that a flow may use. It is required.
	Registry *plugin.Registry
	// Defaults are the plugin defaults of the configuration; those of the flow go first.
	Defaults []Default
	// Tenant and Revision are the flow's. A revision of 0 is taken from the text, or is 1.
	Tenant   string
	Revision int
	// Template returns the source of a template; nil where there are none.
	Template func(namespace, id string) ([]byte, error)
	// Templates keeps the parsed expressions for those who evaluate them; it may be nil.
	Templates *expr.Cache
	// Lenient makes warnings of what only makes a task fail when it runs: expressions that cannot be parsed, values that
	// cannot be converted to what a property holds. The reference saves such flows, so that those which are to run unchanged
	// must not be refused.
	Lenient bool
	// Limits bound what a text may cost.
	Limits yamldoc.Limits
}

// Compile compiles a flow. The flow is nil if one of the problems is an error; warnings do not stop it. Problems are in
// the order of the text.
func Compile(src []byte, opts Options) (*model.Flow, []yamldoc.Problem) {
	root, problems := yamldoc.Parse(src, opts.Limits)
	if root == nil {
		return nil, problems
	}
	c := newCompiler(src, opts)
	c.problems = problems
	f := c.compile(root)
	c.checkReferences()
	c.findUses()
	problems = c.sorted()
	if yamldoc.HasErrors(problems) {
		return nil, problems
	}
	f.Source = string(src)
	f.Document = document(root, f)
	return f, problems
}

// ValidateTask checks a single task; what it may refer to is not known.
func ValidateTask(src []byte, opts Options) []yamldoc.Problem {
	return validate(src, opts, func(c *compiler, n *yamldoc.Node) { c.task(n, nil, model.SectionTasks) })
}

// ValidateTrigger checks a single trigger.
func ValidateTrigger(src []byte, opts Options) []yamldoc.Problem {
	return validate(src, opts, func(c *compiler, n *yamldoc.Node) { c.trigger(n) })
}

func validate(src []byte, opts Options, read func(*compiler, *yamldoc.Node)) []yamldoc.Problem {
	root, problems := yamldoc.Parse(src, opts.Limits)
	if root == nil {
		return problems
	}
	c := newCompiler(src, opts)
	c.problems = problems
	read(c, c.withDefaults(root, c.opts.Defaults))
	return c.sorted()
}

// compiler is one compilation under way.
type compiler struct {
	opts     Options
	text     text
	flow     *model.Flow
	problems []yamldoc.Problem
	// order counts the tasks; places tells where each id was first used.
	order  int
	places map[string]*yamldoc.Node
	texts  []dynamic
	// defaults are the plugin defaults, the flow's own first.
	defaults []Default
	// owner is what the texts that are read belong to.
	owner owner
	// extra and elsewhere are those of dynamic.
	extra, elsewhere bool
	// injected are the keys that plugin defaults have brought in.
	injected map[*yamldoc.Node]bool
	// foreign is set while tasks are read that do not stand in this text: problems are placed at it.
	foreign *yamldoc.Node
}

func newCompiler(src []byte, opts Options) *compiler {
	return &compiler{
		opts: opts, text: newText(src), places: map[string]*yamldoc.Node{}, injected: map[*yamldoc.Node]bool{},
		flow: &model.Flow{Tenant: opts.Tenant, Revision: opts.Revision, ByID: map[string]*model.Task{}},
	}
}

// report adds a problem.
func (c *compiler) report(p yamldoc.Problem) {
	if at := c.foreign; at != nil {
		moved := at.Problem(p.Severity, "in the template, line "+itoa(p.Line)+": "+p.Message)
		moved.Expected, moved.Suggestion = p.Expected, p.Suggestion
		p = moved
	}
	c.problems = append(c.problems, p)
}

// fail reports an error at a node.
func (c *compiler) fail(n *yamldoc.Node, message string) { c.report(n.Problem(yamldoc.Error, message)) }

// warn reports a warning at a node.
func (c *compiler) warn(n *yamldoc.Node, message string) {
	c.report(n.Problem(yamldoc.Warning, message))
}

// expect reports that something else stands at a node than what is expected there.
func (c *compiler) expect(n *yamldoc.Node, message, expected string) {
	p := n.Problem(yamldoc.Error, message)
	p.Expected = expected
	c.report(p)
}

// suggest reports an error with the word that was probably meant, if there is one.
func (c *compiler) suggest(severity yamldoc.Severity, n *yamldoc.Node, message, word string, candidates []string) {
	p := n.Problem(severity, message)
	p.Suggestion = didYouMean(word, candidates)
	c.report(p)
}

func didYouMean(word string, candidates []string) string {
	if near := yamldoc.Nearest(word, candidates); near != "" {
		return "did you mean `" + near + "`?"
	}
	return ""
}

// sorted returns the problems in the order of the text, each once.
func (c *compiler) sorted() []yamldoc.Problem {
	slices.SortStableFunc(c.problems, func(a, b yamldoc.Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Severity, b.Severity))
	})
	return slices.Compact(c.problems)
}
