package httpapi_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

// contract reads the schemas of the reference's version 1.3.0.
func contract(t *testing.T) *jsonschema.Compiler {
	t.Helper()
	dir := os.Getenv("WINDHOVER_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	b, err := os.ReadFile(filepath.Join(dir, "contract", "openapi-1.3.0.yaml"))
	if os.IsNotExist(err) {
		t.Skipf("SKIPPED: the contract is not here (%v); set WINDHOVER_SHARED", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Components struct {
			Schemas map[string]any `yaml:"schemas"`
		} `yaml:"components"`
	}
	if err := yaml.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	schemas := map[string]any{}
	for name, s := range doc.Components.Schemas {
		schemas[name] = schemaOnly(s)
		if strings.HasPrefix(name, "Property_") { // how the reference holds what may be an expression; it is written as the value
			schemas[name] = true
		}
	}
	if err := c.AddResource("contract.json", map[string]any{"components": map[string]any{"schemas": schemas}}); err != nil {
		t.Fatal(err)
	}
	return c
}

// schemaOnly leaves out what OpenAPI has beside JSON Schema. An object of which nothing is said stands for any value there.
func schemaOnly(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = schemaOnly(v[i])
		}
	case map[string]any:
		if example, ok := v["example"]; ok && !isSchema(example) {
			delete(v, "example")
		}
		if v["type"] == "object" && v["properties"] == nil && v["additionalProperties"] == nil {
			delete(v, "type")
		}
		for k := range v {
			if ref, ok := v[k].(string); ok && k == "$ref" {
				v[k] = "contract.json" + ref
				continue
			}
			v[k] = schemaOnly(v[k])
		}
	case int:
		return float64(v)
	}
	return v
}

// isSchema tells a property that is called example from an example.
func isSchema(v any) bool {
	m, ok := v.(map[string]any)
	return ok && (m["$ref"] != nil || m["type"] == "string" || m["type"] == "object" || m["type"] == "array")
}

// Triggers are not among these: the contract has each with the date of its last evaluation, and those that were never
// evaluated have none.
func TestAnswersFitTheContract(t *testing.T) {
	c := contract(t)
	s := start(t, nil)
	flow := s.yaml("POST", "/flows", hello+"triggers:\n  - {id: yearly, type: io.kestra.plugin.core.trigger.Schedule, cron: \"0 0 1 1 *\"}\n").is(200)
	x := s.form("/executions/company.team/hello?wait=true", map[string]string{"name": "bob"}).is(200)
	s.send("PUT", "/namespaces/company.team/kv/key", "text/plain", "42").is(200)
	s.form("/namespaces/company.team/files?path=a.txt", map[string]string{"@fileContent": "content"}).is(200)
	for schema, a := range map[string]*answer{
		"FlowWithSource":                        flow,
		"ExecutionController.ExecutionResponse": x,
		"Execution":                             s.get("/executions/" + x.id()),
		"PagedResults_Execution_":               s.get("/executions/search"),
		"PagedResults_Flow_":                    s.get("/flows/search"),
		"PagedResults_SearchResult_Flow__":      s.get("/flows/source?q=hello"),
		"PagedResults_LogEntry_":                s.get("/logs/search"),
		"PagedResults_MetricEntry_":             s.get("/metrics/" + x.id()),
		"PagedResults_Namespace_":               s.get("/namespaces/search"),
		"PagedResults_KVEntry_":                 s.get("/kv"),
		"KVController.KvDetail":                 s.get("/namespaces/company.team/kv/key"),
		"FileAttributes":                        s.get("/namespaces/company.team/files/stats?path=a.txt"),
		"FlowGraph":                             s.get("/executions/" + x.id() + "/graph"),
		"FlowTopologyGraph":                     s.get("/flows/company.team/hello/dependencies"),
		"ValidateConstraintViolation":           s.yaml("POST", "/flows/validate/task", "id: a\ntype: none\n"),
		"ApiSecretListResponse_ApiSecretMeta_":  s.get("/secrets"),
		"DocumentationWithSchema":               s.get("/plugins/io.kestra.plugin.core.log.Log"),
		"BulkResponse":                          s.json("POST", "/flows/enable/by-query", ""),
		"PagedResults_ConcurrencyLimit_":        s.get("/concurrency-limit/search"),
	} {
		t.Run(schema, func(t *testing.T) {
			a.t = t
			a.is(200)
			compiled, err := c.Compile("contract.json#/components/schemas/" + schema)
			if err != nil {
				t.Fatal(err)
			}
			v, err := jsonschema.UnmarshalJSON(bytes.NewReader(a.body))
			if err != nil {
				t.Fatal(err)
			}
			if err := compiled.Validate(v); err != nil {
				t.Errorf("%v\n%s", err, strings.TrimSpace(string(a.body)))
			}
		})
	}
}
