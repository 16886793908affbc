package transform_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/internal/tasks/transform"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

func TestTransformItems(t *testing.T) {
	for name, c := range map[string]struct {
		content, props, want string
		total                int64
		err                  string
	}{
		"rows":               {"{id:1,price:2.50}\n{id:2,price:4e0,day:2021-05-06}\n", "expression: \"{'n': id, 'twice': price * 2, 'd': day}\"", "{n:1,twice:5}\n{n:2,twice:8,d:\"2021-05-06\"}\n", 2, ""},
		"JSON over lines":    {"{\n  \"products\": [{\"t\": \"a\"}, {\"t\": \"b\"}]\n}\n", "expression: products.t", "\"a\"\n\"b\"\n", 2, ""},
		"lists are kept":     {"{a:[1,2]}", "expression: a\nexplodeArray: false", "[1,2]\n", 1, ""},
		"nothing":            {"{a:1}\n{b:2}\n", "expression: b", "null\n2\n", 2, ""},
		"no rows":            {"", "expression: b", "", 0, ""},
		"a bad row":          {"{a:1}\n{a:\"x\"}\n", "expression: a + 1", "", 0, "item 2: expression: + needs numbers, not a string (T2001, at 3)"},
		"a malformed row":    {"{a:1}\n{a:", "expression: a", "", 0, "item 2: "},
		"a bad expression":   {"{a:1}", "expression: a +", "", 0, "expression: the expression ends too early (S0207"},
		"it nests endlessly": {"{a:1}", "maxDepth: 50\nexpression: \"($f := function($n){1 + $f($n)}; $f(1))\"", "", 0, "maxDepth, which is 50"},
	} {
		t.Run(name, func(t *testing.T) {
			run := sdktest.New(t)
			out, err := taskstest.Run(t, run, transform.Types(), "type: io.kestra.plugin.transform.jsonata.TransformItems\nfrom: "+run.File("source", c.content)+"\n"+c.props)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("got %v, want %s", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var o transform.ItemsOutput
			if err := json.Unmarshal([]byte(out), &o); err != nil {
				t.Fatal(err)
			}
			if got := run.Content(o.URI); got != c.want || o.ProcessedItemsTotal != c.total {
				t.Errorf("%d values\n%s\nwant\n%s", o.ProcessedItemsTotal, got, c.want)
			}
		})
	}
}

func TestTransformValue(t *testing.T) {
	const order = "type: io.kestra.plugin.transform.jsonata.TransformValue\nfrom: '{\"first\": \"Ada\", \"items\": [{\"q\": 2, \"p\": 0.5}, {\"q\": 3, \"p\": 1}]}'\n"
	out, err := taskstest.Run(t, sdktest.New(t), transform.Types(), order+`expression: "{'name': $uppercase(first), 'total': $sum(items.(q * p))}"`)
	if want := `{"value":{"name":"ADA","total":4}}`; err != nil || out != want {
		t.Errorf("got %s, %v", out, err)
	}
	_, err = taskstest.Run(t, sdktest.New(t), transform.Types(), "type: io.kestra.plugin.transform.jsonata.TransformValue\nfrom: '{'\nexpression: a")
	if err == nil || !strings.Contains(err.Error(), "from: expected JSON") {
		t.Error(err)
	}
}
