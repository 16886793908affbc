package yamldoc

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

const (
	tagNull  = "!!null"
	tagBool  = "!!bool"
	tagInt   = "!!int"
	tagFloat = "!!float"
	tagStr   = "!!str"
	tagMap   = "!!map"
	tagSeq   = "!!seq"
	tagMerge = "!!merge"
)

// maxProblems bounds what a hostile document can make us say.
const maxProblems = 100

// builder turns the library's tree into ours and collects what is wrong with it on the way.
type builder struct {
	src      source
	limits   Limits
	nodes    int
	problems []Problem
	errors   int
	// open holds the anchored nodes being built: an alias to one of them would never end.
	open map[*yaml.Node]bool
	// full is set once a limit was hit, and ends the building: one message about it is enough.
	full bool
}

func (b *builder) report(p Problem) {
	if len(b.problems) < maxProblems {
		b.problems = append(b.problems, p)
	}
}

// warn notes what is surprising but legal.
func (b *builder) warn(n *Node, message, suggestion string) {
	p := n.Problem(Warning, message)
	p.Suggestion = suggestion
	b.report(p)
}

// fail notes what makes the document unusable; after enough of it the building ends.
func (b *builder) fail(n *Node, message, suggestion string) {
	p := n.Problem(Error, message)
	p.Suggestion = suggestion
	b.report(p)
	if b.errors++; b.errors >= maxProblems {
		b.full = true
	}
}

// node builds what y stands for. It never returns nil: where it reports a problem, a null takes the place.
func (b *builder) node(y *yaml.Node, path string, depth int) *Node {
	n := &Node{Line: y.Line, Column: y.Column, EndColumn: y.Column + 1, Path: path, Tag: tagNull}
	n.Line, n.Column = b.src.clamp(n.Line, n.Column)
	if b.overLimit(n, depth) {
		return n
	}
	if y.Anchor != "" {
		b.open[y] = true
		defer delete(b.open, y)
	}
	switch y.Kind {
	case yaml.AliasNode:
		b.alias(n, y, depth)
	case yaml.MappingNode:
		b.mapping(n, y, depth)
	case yaml.SequenceNode:
		b.sequence(n, y, depth)
	default:
		b.scalar(n, y)
	}
	return n
}

func (b *builder) overLimit(n *Node, depth int) bool {
	b.nodes++
	switch {
	case b.full:
	case b.nodes > b.limits.Nodes:
		b.full = true
		b.fail(n, fmt.Sprintf("the document holds more than %d values once its aliases are expanded", b.limits.Nodes), "")
	case depth > b.limits.Depth:
		b.full = true
		b.fail(n, fmt.Sprintf("the document is nested more than %d levels deep", b.limits.Depth), "")
	}
	return b.full
}

// alias builds the anchored node in the alias's place.
func (b *builder) alias(n *Node, y *yaml.Node, depth int) {
	n.EndColumn = n.Column + 1 + utf8.RuneCountInString(y.Value)
	if b.open[y.Alias] {
		b.fail(n, "the alias `*"+y.Value+"` stands inside of what it repeats", "")
		return
	}
	target := b.node(y.Alias, n.Path, depth)
	target.Line, target.Column, target.EndColumn = n.Line, n.Column, n.EndColumn
	*n = *target
}

func (b *builder) sequence(n *Node, y *yaml.Node, depth int) {
	n.Kind, n.Style, n.Tag = List, layout(y), tagSeq
	b.customTag(n, y)
	n.items = make([]*Node, 0, len(y.Content))
	for i, item := range y.Content {
		if b.full {
			return
		}
		n.items = append(n.items, b.node(item, itemPath(n.Path, i), depth+1))
	}
}

func (b *builder) mapping(n *Node, y *yaml.Node, depth int) {
	if b.bareExpression(n, y) {
		return
	}
	n.Kind, n.Style, n.Tag = Map, layout(y), tagMap
	b.customTag(n, y)
	n.entries = make([]Entry, 0, len(y.Content)/2)
	merged := map[string]bool{} // the keys that came by `<<`: those of the map itself override them
	for i := 0; i+1 < len(y.Content) && !b.full; i += 2 {
		k, v := y.Content[i], y.Content[i+1]
		if k.Kind == yaml.ScalarNode && k.Tag == tagMerge {
			b.merge(n, v, merged, depth)
			continue
		}
		key := b.key(k, n.Path)
		if key == nil {
			continue
		}
		e := Entry{key, b.node(v, key.Path, depth+1)}
		switch at := n.find(key.Text); {
		case at < 0:
			n.add(e)
		case merged[key.Text]:
			n.entries[at] = e
			delete(merged, key.Text)
		default:
			first := n.entries[at].Key
			b.fail(key, fmt.Sprintf("the key `%s` stands twice in the same map, first at line %d, column %d",
				key.Text, first.Line, first.Column), "remove or rename one of them")
		}
	}
	if n.Style == Block && len(n.entries) > 0 && n.entries[0].Key.Line == n.Line {
		n.EndColumn = max(n.EndColumn, n.entries[0].Key.EndColumn)
	}
}

// merge adds the entries of what `<<` names to n, where n does not have them yet.
func (b *builder) merge(n *Node, y *yaml.Node, merged map[string]bool, depth int) {
	target := y
	if y.Kind == yaml.AliasNode {
		target = y.Alias
	}
	if target.Kind == yaml.SequenceNode && !b.open[target] {
		for _, item := range target.Content {
			if b.full {
				return
			}
			b.mergeOne(n, item, merged, depth)
		}
		return
	}
	b.mergeOne(n, y, merged, depth)
}

func (b *builder) mergeOne(n *Node, y *yaml.Node, merged map[string]bool, depth int) {
	known := len(b.problems)
	from := b.node(y, n.Path, depth)
	if from.Kind != Map {
		if len(b.problems) == known {
			b.fail(from, "`<<` merges maps, and this is a "+from.Kind.String(), "quote the key if `<<` itself is meant")
		}
		return
	}
	for _, e := range from.entries {
		if n.find(e.Key.Text) < 0 {
			n.add(e)
			merged[e.Key.Text] = true
		}
	}
}

// key builds a map's key, nil where it cannot be one.
func (b *builder) key(y *yaml.Node, parent string) *Node {
	line, column := b.src.clamp(y.Line, y.Column)
	n := &Node{Line: line, Column: column, EndColumn: column + 1, Path: parent}
	if y.Kind == yaml.AliasNode {
		y = y.Alias
	}
	switch {
	case y.Kind != yaml.ScalarNode:
		b.fail(n, "a map or a list cannot be a key", "quote the key if it is text")
		return nil
	case y.Value == "" && styleOf(y) == Plain:
		b.fail(n, "the key before `:` is missing", "")
		return nil
	}
	n.Style, n.Tag, n.Text, n.scalar = styleOf(y), tagStr, y.Value, y.Value
	n.EndColumn = b.scalarEnd(n)
	n.Path = keyPath(parent, y.Value)
	return n
}

func (b *builder) scalar(n *Node, y *yaml.Node) {
	n.Style, n.Text = styleOf(y), y.Value
	n.EndColumn = b.scalarEnd(n)
	var r resolved
	switch {
	case y.Style&yaml.TaggedStyle != 0:
		r = resolveTagged(y.Tag, y.Value)
	case n.Style == Plain:
		r = resolvePlain(y.Value)
	default:
		r = resolved{value: y.Value, tag: tagStr}
	}
	n.scalar, n.Tag = r.value, r.tag
	if r.problem != "" {
		b.fail(n, r.problem, r.suggest)
	}
	if r.warning != "" {
		b.warn(n, r.warning, r.suggest)
	}
}

// customTag keeps a collection's own tag, which has no meaning to us, and says so.
func (b *builder) customTag(n *Node, y *yaml.Node) {
	if y.Style&yaml.TaggedStyle == 0 || y.Tag == n.Tag {
		return
	}
	n.Tag = y.Tag
	b.warn(n, "the tag "+y.Tag+" means nothing here and is ignored", "")
}

// bareExpression recognises `{{ x }}` without quotes, which YAML takes for a map whose key is a map.
// n becomes the text that was meant, so that what follows is checked as its author sees it.
func (b *builder) bareExpression(n *Node, y *yaml.Node) bool {
	if len(y.Content) == 0 || y.Content[0].Kind != yaml.MappingNode {
		return false
	}
	text := b.src.from(n.Line, n.Column)
	if !strings.HasPrefix(text, "{{") {
		return false
	}
	if end := strings.Index(text, "}}"); end >= 0 {
		text = text[:end+len("}}")]
	}
	n.Tag, n.Text, n.scalar = tagStr, text, text
	n.EndColumn = n.Column + utf8.RuneCountInString(text)
	b.fail(n, bareExpressionMessage, "write "+quote(text))
	return true
}

// scalarEnd is the column behind a scalar, as far as it stands on its first line.
func (b *builder) scalarEnd(n *Node) int {
	text := b.src.from(n.Line, n.Column)
	width := 0
	switch {
	case n.Style == Quoted && strings.IndexAny(text, `"'`) == 0:
		width = quotedWidth(text)
	case n.Style == Plain && strings.HasPrefix(text, n.Text):
		width = utf8.RuneCountInString(n.Text)
	}
	return n.Column + max(width, 1)
}

// quotedWidth is the number of code points of the quoted text a line begins with.
func quotedWidth(text string) int {
	quote, width, escaped := rune(text[0]), 0, false
	for i, r := range text {
		width++
		switch {
		case width == 1:
		case escaped:
			escaped = false
		case quote == '"' && r == '\\', quote == '\'' && strings.HasPrefix(text[i:], "''"):
			escaped = true
		case r == quote:
			return width
		}
	}
	return width
}

func layout(y *yaml.Node) Style {
	if y.Style&yaml.FlowStyle != 0 {
		return Flow
	}
	return Block
}

func styleOf(y *yaml.Node) Style {
	switch {
	case y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		return Quoted
	case y.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return Block
	}
	return Plain
}
