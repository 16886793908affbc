// Package yamldoc reads YAML into a tree that knows where everything stands, and reports what is
// wrong with a text in words for its author: all that can be told at once, each at line and column.
//
// It is strict where a lenient reading hides mistakes (duplicate keys, several documents, numbers
// that do not fit) and it types plain scalars as the reference does, which is YAML 1.1's way.
package yamldoc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"
)

// Limits bound what a document may cost. A zero field stands for its default.
type Limits struct {
	Bytes int // of the text; 1 MiB by default
	Depth int // of nested maps and lists; 200 by default
	Nodes int // maps, lists and scalars, after aliases are expanded; 200,000 by default
}

func (l Limits) orDefaults() Limits {
	if l.Bytes == 0 {
		l.Bytes = 1 << 20
	}
	if l.Depth == 0 {
		l.Depth = 200
	}
	if l.Nodes == 0 {
		l.Nodes = 200_000
	}
	return l
}

// Parse reads one YAML document in UTF-8. The problems come in the order in which they were found;
// the node is nil where the text has no usable structure. It may be there beside errors, so that a
// caller can check the rest and report that too: the document is usable only if !HasErrors(problems).
func Parse(src []byte, limits Limits) (*Node, []Problem) {
	limits = limits.orDefaults()
	if len(src) > limits.Bytes {
		return nil, []Problem{{Line: 1, Column: 1, EndColumn: 2,
			Message: fmt.Sprintf("the document has %d bytes, and at most %d are allowed", len(src), limits.Bytes)}}
	}
	text := strings.TrimPrefix(string(src), "\ufeff")
	lines := newSource(text)
	if problems := checkCharacters(lines); len(problems) > 0 {
		return nil, problems
	}
	root, problems := load(text, lines, limits)
	if root == nil {
		return nil, problems
	}
	b := &builder{src: lines, limits: limits, problems: problems, open: map[*yaml.Node]bool{}}
	return b.node(root, "", 0), b.problems
}

// checkCharacters finds what YAML does not allow anywhere: broken UTF-8 and control characters.
func checkCharacters(src source) []Problem {
	var problems []Problem
	for i, line := range src.lines {
		column := 0
		for offset, r := range line {
			column++
			message := ""
			switch {
			case r == utf8.RuneError && !strings.HasPrefix(line[offset:], "\ufffd"):
				message = "the text is not valid UTF-8 here"
			case r < ' ' && r != '\t', r >= 0x7F && r < 0xA0, r == 0xFFFE, r == 0xFFFF:
				message = fmt.Sprintf("the character U+%04X is not allowed", r)
			}
			if message == "" {
				continue
			}
			problems = append(problems, Problem{Line: i + 1, Column: column, EndColumn: column + 1, Message: message})
			if len(problems) == maxProblems {
				return problems
			}
		}
	}
	return problems
}

// maxCures bounds how often a text is read again; reading costs time linear in its size.
const maxCures = 10

// load composes the library's tree. A syntax error which quoting a value would cure is reported,
// cured in a copy, and the reading goes on: the next one is then found as well.
func load(text string, lines source, limits Limits) (*yaml.Node, []Problem) {
	var problems []Problem
	cured := source{lines: slices.Clone(lines.lines), marks: map[int][]int{}}
	for last := 0; ; {
		root, err := compose(text, limits)
		if err == nil && root == nil {
			return nil, append(problems, Problem{Line: 1, Column: 1, EndColumn: 2, Message: "the document is empty"})
		}
		if err == nil {
			return root, problems
		}
		p, curable := explain(err, cured)
		if p.Line <= last {
			return nil, problems // a consequence of the line already reported
		}
		problems = append(problems, p)
		if !curable || len(problems) == maxCures {
			return nil, problems
		}
		last = p.Line
		head, value := splitValue(cured.line(last))
		cured.lines[last-1] = head + quote(value)
		delete(cured.marks, last)
		text = strings.Join(cured.lines, "\n")
	}
}

// errSeveral is the error of a text that goes on after its first document.
var errSeveral = errors.New("several documents")

// compose returns the root of the only document, nil where the text holds none.
func compose(text string, limits Limits) (root *yaml.Node, err error) {
	defer func() {
		// The library panics where it finds itself in a state it believes impossible.
		if r := recover(); r != nil {
			root, err = nil, fmt.Errorf("reading YAML: %v", r)
		}
	}()
	if strings.HasPrefix(text, "%YAML 1.") {
		text = "#" + text[1:] // the library refuses 1.2, which reads the same here
	}
	loader, err := yaml.NewLoader(bytes.NewReader([]byte(text)),
		yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(limits.Depth))))
	if err != nil {
		return nil, err
	}
	var first, second yaml.Node
	switch err := loader.Load(&first); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, err
	}
	switch err := loader.Load(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return nil, err
	case !emptyDocument(&second):
		return nil, yaml.NewLoadError(yaml.ComposerStage, errSeveral.Error(),
			yaml.Mark{Line: second.Line, Column: second.Column}, errSeveral)
	}
	return first.Content[0], nil
}

// emptyDocument recognises what a closing `---` with nothing behind it makes.
func emptyDocument(doc *yaml.Node) bool {
	n := doc.Content[0]
	return n.Kind == yaml.ScalarNode && n.Tag == tagNull && n.Value == ""
}
