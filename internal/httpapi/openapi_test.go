package httpapi

import (
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/windhover-io/windhover/api"
	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/config"
	"github.com/windhover-io/windhover/internal/mask"
	"github.com/windhover-io/windhover/internal/secret"
)

// newRoutes returns an API whose routes are there and whose handlers must not be called.
func newRoutes(t *testing.T) *API {
	t.Helper()
	b := memory.New()
	t.Cleanup(func() { _ = b.Close() })
	secrets, _ := secret.New(b.Documents(), nil, nil, &mask.Book{})
	return New(Config{Backend: b, Secrets: secrets, Settings: config.Default(), Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
}

type operation struct {
	OperationID string `yaml:"operationId"`
	Summary     string `yaml:"summary"`
	Parameters  []struct {
		Name string `yaml:"name"`
		In   string `yaml:"in"`
	} `yaml:"parameters"`
	Responses map[string]any `yaml:"responses"`
}

func document(t *testing.T) map[string]map[string]operation {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]operation `yaml:"paths"`
	}
	if err := yaml.Unmarshal(api.Document, &doc); err != nil {
		t.Fatal(err)
	}
	return doc.Paths
}

func TestEveryRouteIsDocumented(t *testing.T) {
	var documented []string
	for path, operations := range document(t) {
		for method := range operations {
			documented = append(documented, strings.ToUpper(method)+" "+path)
		}
	}
	served := slices.Clone(newRoutes(t).routes)
	slices.Sort(served)
	slices.Sort(documented)
	if diff := cmp.Diff(documented, served); diff != "" {
		t.Errorf("documented (-) and served (+) differ:\n%s", diff)
	}
}

var pathParameter = regexp.MustCompile(`\{(\w+)\}`)

func TestDocumentIsConsistent(t *testing.T) {
	ids := map[string]string{}
	for path, operations := range document(t) {
		var want []string
		for _, m := range pathParameter.FindAllStringSubmatch(path, -1) {
			want = append(want, m[1])
		}
		for method, op := range operations {
			where := method + " " + path
			if other := ids[op.OperationID]; op.OperationID == "" || other != "" {
				t.Errorf("%s: operationId %q is empty or that of %s", where, op.OperationID, other)
			}
			ids[op.OperationID] = where
			if op.Summary == "" || op.Responses["default"] == nil || len(op.Responses) < 2 {
				t.Errorf("%s has no summary or not all responses", where)
			}
			var got []string
			for _, p := range op.Parameters {
				if p.In == "path" {
					got = append(got, p.Name)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: path parameters: %s", where, diff)
			}
		}
	}
}

func TestReferencesOfTheDocumentLeadSomewhere(t *testing.T) {
	var doc map[string]any
	if err := yaml.Unmarshal(api.Document, &doc); err != nil {
		t.Fatal(err)
	}
	refs := regexp.MustCompile(`\$ref: "#/([^"]+)"`).FindAllSubmatch(api.Document, -1)
	if len(refs) == 0 {
		t.Fatal("the document has no reference at all")
	}
	for _, m := range refs {
		var at any = doc
		for _, part := range strings.Split(string(m[1]), "/") {
			next, _ := at.(map[string]any)
			at = next[part]
		}
		if at == nil {
			t.Errorf("there is no %s", m[1])
		}
	}
}
