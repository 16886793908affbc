package plugin

import (
	"fmt"
	"strings"
)

// Markdown is the type's documentation.
func (t *Type) Markdown() string {
	var b strings.Builder
	short := t.Name[strings.LastIndexByte(t.Name, '.')+1:]
	fmt.Fprintf(&b, "# %s\n\n```yaml\ntype: %q\n```\n\n%s\n", short, t.Name, t.Title)
	if t.Deprecated != "" {
		fmt.Fprintf(&b, "\n> **Deprecated.** Use %s instead.\n", codeIfType(t.Deprecated))
	}
	if t.Description != "" {
		b.WriteString("\n" + t.Description + "\n")
	}
	if len(t.Aliases) > 0 {
		fmt.Fprintf(&b, "\nOlder names: %s.\n", codes(t.Aliases))
	}
	if len(t.Examples) > 0 {
		b.WriteString("\n## Examples\n")
	}
	for _, e := range t.Examples {
		fmt.Fprintf(&b, "\n%s\n\n```yaml\n%s\n```\n", e.Title, strings.TrimSuffix(e.YAML, "\n"))
	}
	if len(t.props) > 0 {
		b.WriteString("\n## Properties\n\n| Name | Type | Required | Expressions | Default | Description |\n| --- | --- | --- | --- | --- | --- |\n")
		rows(&b, "", t.props)
	}
	if len(t.outputs) > 0 {
		b.WriteString("\n## Outputs\n\n| Name | Type | Description |\n| --- | --- | --- |\n")
		for _, p := range t.outputs {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", p.Name, typeName(&p), cell(p.Doc))
		}
	}
	return b.String()
}

// rows writes the rows of properties, those of objects below the object.
func rows(b *strings.Builder, prefix string, props []Property) {
	for i := range props {
		p := &props[i]
		doc := p.Doc
		if p.Deprecated != "" {
			doc = strings.TrimSpace("Deprecated: use " + p.Deprecated + ". " + doc)
		}
		if len(p.Enum) > 0 {
			doc = strings.TrimSpace(doc + " One of " + codes(p.Enum) + ".")
		}
		if len(p.Aliases) > 0 {
			doc = strings.TrimSpace(doc + " Older names: " + codes(p.Aliases) + ".")
		}
		def := ""
		if p.Default != "" {
			def = "`" + strings.ReplaceAll(p.Default, "\n", `\n`) + "`"
		}
		fmt.Fprintf(b, "| `%s%s` | %s | %s | %s | %s | %s |\n", prefix, p.Name, typeName(p), mark(p.Required && p.Default == ""),
			mark(!p.Static && !p.Kind.Structural()), cell(def), cell(doc))
		fields, below := p.Fields, prefix+p.Name+"."
		if p.Elem != nil && p.Elem.Kind == Object {
			fields, below = p.Elem.Fields, prefix+p.Name+"[]."
		}
		rows(b, below, fields)
	}
}

func mark(yes bool) string {
	if yes {
		return "yes"
	}
	return ""
}

// typeName says in words what a property holds.
func typeName(p *Property) string {
	switch p.Kind {
	case String, Level:
		return "text"
	case Integer:
		return "whole number"
	case DateTime:
		return "date and time"
	case List:
		return "list of " + typeName(p.Elem)
	case Map:
		return "map to " + typeName(p.Elem)
	case TaskList:
		return "list of tasks"
	case DagTaskList:
		return "list of tasks with dependencies"
	case CaseMap:
		return "map to lists of tasks"
	case InputList:
		return "list of inputs"
	case ConditionList:
		return "list of conditions"
	case ConditionMap:
		return "map to conditions"
	case Nested:
		return "one of the " + string(p.Category)
	}
	return string(p.Kind)
}

func codes(words []string) string { return "`" + strings.Join(words, "`, `") + "`" }

func codeIfType(s string) string {
	if strings.Contains(s, ".") && !strings.Contains(s, " ") {
		return "`" + s + "`"
	}
	return s
}

// cell makes a text fit for a table.
func cell(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\n", " "), "|", `\|`)
}
