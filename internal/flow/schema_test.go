package flow_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/windhover-io/windhover/internal/flow"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	raw := value.AppendJSON(nil, flow.Schema(options.Registry), value.JSONOptions{KeepNulls: true})
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("flow.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("flow.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func schemaError(t *testing.T, s *jsonschema.Schema, src []byte) error {
	t.Helper()
	n, problems := yamldoc.Parse(src, yamldoc.Limits{})
	if n == nil {
		t.Fatal(problems)
	}
	raw := value.AppendJSON(nil, n.Value(), value.JSONOptions{}) // a null is a property that is not there
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

// TestSchemaAcceptsRecordedFlows holds the schema to what the compiler accepts.
func TestSchemaAcceptsRecordedFlows(t *testing.T) {
	s := compiledSchema(t)
	for _, folder := range []string{"conformance/flows", "conformance/dialect-2.0"} {
		for _, file := range flowsIn(t, folder) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := schemaError(t, s, src); err != nil {
				text := err.Error()
				t.Errorf("%s: %s", filepath.Base(file), text[:min(len(text), 1500)])
			}
		}
	}
}

func TestSchemaRefuses(t *testing.T) {
	s := compiledSchema(t)
	const task = "\ntasks: [{id: a, type: io.kestra.plugin.core.log.Log, message: x}]\n"
	tests := []struct{ name, src string }{
		{"no tasks", "id: f\nnamespace: n\n"},
		{"an unknown key", "id: f\nnamespace: n\nfoo: 1" + task},
		{"a bad id", "id: f#\nnamespace: n" + task},
		{"an unknown task type", "id: f\nnamespace: n\ntasks: [{id: a, type: nope}]\n"},
		{"an unknown property", "id: f\nnamespace: n\ntasks: [{id: a, type: io.kestra.plugin.core.log.Log, message: x, mesage: y}]\n"},
		{"a missing property", "id: f\nnamespace: n\ntasks: [{id: a, type: io.kestra.plugin.core.log.Log}]\n"},
		{"an unknown property further inside", "id: f\nnamespace: n\ntasks: [{id: a, type: io.kestra.plugin.core.flow.Sequential, " +
			"tasks: [{id: b, type: io.kestra.plugin.core.log.Log, message: x, mesage: y}]}]\n"},
		{"an unknown input type", "id: f\nnamespace: n\ninputs: [{id: i, type: FOO}]" + task},
		{"a property of another input type", "id: f\nnamespace: n\ninputs: [{id: i, type: BOOLEAN, validator: x}]" + task},
		{"a word that is none of those", "id: f\nnamespace: n\nconcurrency: {limit: 1, behavior: WAIT}" + task},
	}
	if err := schemaError(t, s, []byte("id: f\nnamespace: n"+task)); err != nil {
		t.Fatalf("the flow that the others differ from: %v", err)
	}
	for _, test := range tests {
		if err := schemaError(t, s, []byte(test.src)); err == nil {
			t.Errorf("%s: the schema accepts %s", test.name, strings.TrimSpace(test.src))
		}
	}
}
