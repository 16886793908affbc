// Package jsonschema holds values against JSON schemas that people write in flows.
package jsonschema

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/windhover-io/windhover/internal/value"
)

// Schema is a compiled schema.
type Schema struct{ compiled *jsonschema.Schema }

// place is the name of the schema in references of its own.
const place = "schema:input"

// nowhere finds no other schema: a flow must not make the server read files or ask other servers.
type nowhere struct{}

func (nowhere) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s: a schema can refer to nothing outside of itself", url)
}

// Compile reads a schema: a JSON text, or a map. Without $schema it is one of draft 2020-12.
func Compile(schema any) (*Schema, error) {
	doc, err := tree(schema, true)
	if err != nil {
		return nil, fmt.Errorf("it is not JSON: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(nowhere{})
	if err := c.AddResource(place, doc); err != nil {
		return nil, err
	}
	compiled, err := c.Compile(place)
	if err != nil {
		return nil, errors.New(flat(err))
	}
	return &Schema{compiled}, nil
}

// Check says what about a value does not agree with the schema, nil if it does.
func (s *Schema) Check(v any) error {
	doc, err := tree(v, false)
	if err != nil {
		return err
	}
	if err := s.compiled.Validate(doc); err != nil {
		return errors.New(flat(err))
	}
	return nil
}

// tree is a value in the form of encoding/json, with numbers as they are written; a text may stand for its JSON.
func tree(v any, parse bool) (any, error) {
	text, ok := v.(string)
	if !ok || !parse {
		text = string(value.AppendJSON(nil, v, value.JSONOptions{KeepNulls: true}))
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader([]byte(text)))
}

// flat puts the reasons of an error on one line, without the line above them, which names the schema only.
func flat(err error) string {
	head, reasons, found := strings.Cut(err.Error(), "\n")
	if !found {
		return head
	}
	lines := strings.Split(reasons, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimPrefix(strings.TrimSpace(l), "- ")
	}
	return strings.Join(lines, "; ")
}
