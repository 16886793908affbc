package httpapi_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/config"
)

const hello = `id: hello
namespace: company.team
labels: {env: dev}
inputs:
  - {id: name, type: STRING, defaults: world}
tasks:
  - {id: say, type: io.kestra.plugin.core.log.Log, message: "hello {{ inputs.name }}"}
  - {id: give, type: io.kestra.plugin.core.debug.Return, format: "{{ inputs.name }}"}
`

func TestFlows(t *testing.T) {
	s := start(t, nil)
	s.yaml("POST", "/flows", hello).is(200).has(1.0, "revision")
	s.yaml("POST", "/main/flows", hello).is(422)
	s.yaml("POST", "/flows", "").is(422)
	s.yaml("POST", "/flows", "id: x\nnamespace: y\ntasks: nonsense\n").is(422)
	s.yaml("PUT", "/flows/company.team/other", hello).is(404)
	s.yaml("PUT", "/flows/company.team/hello", strings.Replace(hello, "id: hello", "id: other", 1)).is(422)
	s.yaml("PUT", "/flows/company.team/hello", hello+"description: d\n").is(200).has(2.0, "revision")
	s.get("/flows/company.team/hello?revision=1").is(200).has(nil, "description")
	s.get("/flows/company.team/hello/tasks/give").is(200).has("{{ inputs.name }}", "format")
	s.get("/flows/company.team/hello/tasks/none").is(404)
	s.get("/flows/source?q=RETURN").is(200).has(1.0, "total")
	s.json("POST", "/flows/disable/by-ids", `[{"namespace": "company.team", "id": "hello"}]`).is(200).has(1.0, "count")
	s.get("/flows/company.team/hello?source=true").is(200).has(true, "disabled").has(3.0, "revision")
	s.send("POST", "/executions/company.team/hello", "", "").is(409)
	s.json("POST", "/flows/enable/by-query?namespace=company", "").is(200).has(1.0, "count")
	s.get("/flows/company.team/hello").is(200).has(false, "disabled")
	s.send("DELETE", "/flows/company.team/hello/revisions?revisions=1", "", "").is(204)
	s.get("/flows/company.team/hello?revision=1").is(404)
	s.send("DELETE", "/flows/company.team/hello", "", "").is(204)
	s.get("/flows/company.team/hello").is(404)
	s.get("/flows/company.team/hello?allowDeleted=true").is(200).has(true, "deleted")
}

func TestFlowsInBulk(t *testing.T) {
	s := start(t, nil)
	other := strings.Replace(hello, "id: hello", "id: other", 1)
	s.yaml("POST", "/flows/bulk", hello+"---\n"+other).is(200).has("other", 1, "id")
	s.yaml("POST", "/flows/bulk", hello+"---\nid: broken\n").is(422)
	s.yaml("POST", "/flows/bulk", hello+"---\n"+hello).is(422)
	s.yaml("POST", "/flows/company.other", hello).is(422)
	a := s.get("/flows/export/by-query?namespace=company").is(200)
	z, err := zip.NewReader(bytes.NewReader(a.body), int64(len(a.body)))
	if err != nil || len(z.File) != 2 || z.File[0].Name != "company.team.hello.yml" {
		t.Errorf("the archive has not the two flows: %v", err)
	}
	s.yaml("POST", "/flows/company.team", other).is(200)
	s.get("/flows/company.team/hello").is(404)
	s.send("POST", "/flows/import", "application/octet-stream", string(a.body)).is(200)
	s.get("/flows/company.team/hello").is(200)
	s.send("POST", "/flows/import", "application/octet-stream", "PK\x03\x04nonsense").is(400)
	s.send("POST", "/flows/import?failOnError=true", "text/plain", "id: broken").is(422)
	s.send("POST", "/flows/import", "text/plain", "id: broken").is(200).has("flows.yml", 0)
}

func TestDependencies(t *testing.T) {
	s := start(t, nil)
	s.yaml("POST", "/flows", hello).is(200)
	s.yaml("POST", "/flows", `id: above
namespace: company.team
tasks:
  - {id: sub, type: io.kestra.plugin.core.flow.Subflow, namespace: company.team, flowId: hello}
`).is(200)
	for _, path := range []string{"/flows/company.team/hello/dependencies", "/flows/company.team/above/dependencies", "/namespaces/company.team/dependencies"} {
		s.get(path).is(200).has("company.team_above", "edges", 0, "source").has("company.team_hello", "edges", 0, "target").
			has("FLOW_TASK", "edges", 0, "relation").has("above", "nodes", 0, "id").has("hello", "nodes", 1, "id")
	}
	if edges, _ := s.get("/flows/company.team/hello/dependencies?destinationOnly=true").is(200).at("edges").([]any); len(edges) != 0 {
		t.Errorf("hello starts nothing: %v", edges)
	}
	s.get("/flows/company.team/none/dependencies").is(404)
}

func TestExecutions(t *testing.T) {
	s := start(t, nil)
	s.yaml("POST", "/flows", hello).is(200)
	x := s.form("/executions/company.team/hello?wait=true&labels=a:b", map[string]string{"name": "bob"}).is(200).
		has("SUCCESS", "state", "current").has("bob", "inputs", "name")
	s.get("/executions/"+x.id()).is(200).has("bob", "taskRunList", 1, "outputs", "value")
	s.get("/main/executions/search?labels=a:b").is(200).has(1.0, "total").has("say", "results", 0, "taskRunList", 0, "taskId")
	s.get("/executions/search?filters[labels][EQUALS][a]=c").is(200).has(0.0, "total")
	s.get("/executions/search?filters[nonsense][EQUALS]=c").is(422)
	s.get("/executions/search?sort=nonsense").is(422)
	s.get("/executions/search?size=0").is(422)
	s.get("/executions/none").is(404)
	s.form("/executions/company.team/none", nil).is(404)
	s.form("/executions/company.team/hello?labels=nonsense", nil).is(422)
	s.form("/executions/company.team/hello?labels=system.x:y", nil).is(422)
	s.get("/taskruns/search?executionId="+x.id()).is(200).has(2.0, "total")
	s.json("POST", "/executions/latest", `[{"namespace": "company.team", "id": "hello"}]`).is(200).has(x.id(), 0, "id").has("SUCCESS", 0, "status")
	s.json("POST", "/stats/summary", `{}`).is(200).has(1.0, "flows").has(1.0, "executions").has(2.0, "taskruns")
	days, _ := s.json("POST", "/stats/executions/daily", `{"namespace": "company"}`).is(200).at().([]any)
	if last, _ := days[len(days)-1].(map[string]any); last["executionCounts"].(map[string]any)["SUCCESS"] != 1.0 {
		t.Errorf("one execution today: %v", last)
	}
	s.json("POST", "/stats/executions/daily", `{"startDate": "0001-01-01T00:00:00Z"}`).is(422)
	s.get("/metrics/" + x.id()).is(200)
	s.send("DELETE", "/executions/"+x.id(), "", "").is(204)
	s.get("/executions/" + x.id()).is(404)
}

func TestActions(t *testing.T) {
	s := start(t, nil)
	s.yaml("POST", "/flows", `id: pauses
namespace: company.team
tasks:
  - id: wait
    type: io.kestra.plugin.core.flow.Pause
    onResume:
      - {id: reason, type: STRING, defaults: "{{ 'by ' ~ flow.id }}"}
      - {id: count, type: INT}
  - {id: after, type: io.kestra.plugin.core.debug.Return, format: "{{ outputs.wait.onResume.reason }}"}
`).is(200)
	x := s.form("/executions/company.team/pauses", nil).is(200)
	s.await(x.id(), "PAUSED")
	s.form("/executions/"+x.id()+"/resume", map[string]string{"count": "many"}).is(422)
	s.form("/executions/"+x.id()+"/resume/validate", map[string]string{"count": "2"}).is(200)
	s.form("/executions/"+x.id()+"/resume", map[string]string{"count": "2"}).is(204)
	s.get("/executions/" + x.id() + "/follow").is(200)
	s.get("/executions/"+x.id()).is(200).has("SUCCESS", "state", "current").has("by pauses", "taskRunList", 1, "outputs", "value")
	for action, status := range map[string]int{"pause": 409, "unqueue": 409, "force-run": 409, "actions/pause": 409, "restart": 422} {
		s.send("POST", "/executions/"+x.id()+"/"+action, "", "").is(status)
		s.send("POST", "/executions/none/"+action, "", "").is(404)
	}
	s.form("/executions/"+x.id()+"/resume", nil).is(409)
	s.send("DELETE", "/executions/"+x.id()+"/kill", "", "").is(409)
	s.send("POST", "/executions/"+x.id()+"/change-status?status=NONSENSE", "", "").is(422)
	s.json("POST", "/executions/pause/by-ids", `["`+x.id()+`", "none"]`).is(422).has(0.0, "count").has("none", "invalids", 1, "invalidValue")
	s.json("POST", "/executions/labels/by-ids", `{"executionsId": ["`+x.id()+`"], "executionLabels": [{"key": "a", "value": "b"}]}`).
		is(200).has(1.0, "count")
	s.get("/executions/search?labels=a:b").is(200).has(1.0, "total")
	y := s.send("POST", "/executions/"+x.id()+"/replay", "", "").is(200)
	if y.id() == x.id() {
		t.Error("a replay is the execution itself")
	}
	s.send("DELETE", "/executions/by-query?flowId=pauses&includeNonTerminated=true", "", "").is(200).has(2.0, "count")
	s.get("/executions/search?flowId=pauses").is(200).has(0.0, "total")
}

func TestExpressionsAreTried(t *testing.T) {
	s := start(t, nil)
	s.yaml("POST", "/flows", hello).is(200)
	x := s.form("/executions/company.team/hello?wait=true", map[string]string{"name": "bob"}).is(200)
	run, _ := x.at("taskRunList", 1, "id").(string)
	eval := "/executions/" + x.id() + "/eval"
	s.send("POST", eval, "text/plain", "{{ inputs.name }} {{ outputs.give.value | upper }}").is(200).has("bob BOB", "result")
	s.send("POST", eval+"/"+run, "text/plain", "{{ task.id }}").is(200).has("give", "result")
	s.send("POST", eval+"/none", "text/plain", "x").is(404)
	if msg, _ := s.send("POST", eval, "text/plain", "{{ nope }}").is(200).at("error").(string); !strings.Contains(msg, "nope") {
		t.Errorf("the error does not name what is missing: %q", msg)
	}
	s.form("/executions/company.team/hello/validate", map[string]string{"name": "x"}).is(200).
		has("x", "inputs", 0, "value").has("name", "inputs", 0, "input", "id").has(nil, "checks")
}

// Checks that would not hold are told before an execution is created, once its inputs are right.
func TestChecksAreTold(t *testing.T) {
	s := start(t, nil)
	s.yaml("POST", "/flows", `id: checked
namespace: company.team
inputs: [{id: n, type: INT}]
checks:
  - {condition: "{{ inputs.n < 5 }}", message: "{{ inputs.n }} is much", style: WARNING, behavior: CREATE_EXECUTION}
  - {condition: "{{ inputs.n < 9 }}", message: too much}
tasks: [{id: give, type: io.kestra.plugin.core.debug.Return, format: x}]
`).is(200)
	validate := func(n string) *answer {
		return s.form("/executions/company.team/checked/validate", map[string]string{"n": n}).is(200)
	}
	validate("1").has(nil, "checks")
	validate("many").has(nil, "checks")
	validate("7").has("7 is much", "checks", 0, "message").has("WARNING", "checks", 0, "style").has("CREATE_EXECUTION", "checks", 0, "behavior")
	validate("9").has("too much", "checks", 1, "message").has("INFO", "checks", 1, "style").has("BLOCK_EXECUTION", "checks", 1, "behavior")
	s.get("/executions/search?flowId=checked").is(200).has(0.0, "total")
}

func TestKeys(t *testing.T) {
	s := start(t, nil)
	const base = "/namespaces/company.team/kv"
	for _, c := range []struct{ body, typ, value string }{
		{"42", "NUMBER", "42"}, {"true", "BOOLEAN", "true"}, {`"text"`, "STRING", `"text"`}, {"plain text", "STRING", `"plain text"`},
		{`{"a": [1]}`, "JSON", `{"a":[1]}`}, {"2024-01-31", "DATE", `"2024-01-31"`}, {"2024-01-31T10:00:00Z", "DATETIME", `"2024-01-31T10:00:00Z"`},
	} {
		s.send("PUT", base+"/key", "text/plain", c.body).is(200)
		a := s.get(base+"/key").is(200).has(c.typ, "type")
		if !strings.Contains(string(a.body), `"value":`+c.value) {
			t.Errorf("%s is read as %s", c.body, a.body)
		}
	}
	s.send("PUT", base+"/-wrong", "text/plain", "1").is(422)
	s.send("PUT", "/namespaces/company/kv/above", "text/plain", "1").is(200)
	s.get(base+"/inheritance").is(200).has("above", 0, "key").has("company", 0, "namespace")
	s.get("/kv?namespace=company").is(200).has(2.0, "total")
	s.get(base + "/none").is(404)
	s.json("DELETE", base, `{"keys": ["key", "none"]}`).is(200).has("key", "keys", 0)
	s.send("DELETE", "/namespaces/company/kv/above", "", "").is(200).has(true)
	s.send("DELETE", "/namespaces/company/kv/above", "", "").is(200).has(false)
}

func TestNamespaces(t *testing.T) {
	s := start(t, nil)
	s.yaml("POST", "/flows", hello).is(200)
	s.get("/namespaces/company").is(200).has("company", "id")
	s.get("/namespaces/comp").is(404)
	s.json("POST", "/namespaces", `{"id": "made", "description": "d"}`).is(200).has(false, "deleted")
	s.json("POST", "/namespaces", `{"id": "made"}`).is(409)
	s.json("POST", "/namespaces", `{"id": "Not Good"}`).is(422)
	s.json("PUT", "/namespaces/made", `{"id": "made", "description": "e"}`).is(200).has("e", "description")
	s.get("/namespaces/search?sort=id:desc&size=2").is(200).has(3.0, "total").has("made", "results", 0, "id").has("company.team", "results", 1, "id")
	s.get("/namespaces/search?existing=true").is(200).has(1.0, "total")
	s.json("POST", "/namespaces/autocomplete", `{"q": "team"}`).is(200).has("company.team", 0)
	s.send("DELETE", "/namespaces/made", "", "").is(204)
	s.send("DELETE", "/namespaces/made", "", "").is(404)
}

func TestNamespaceFiles(t *testing.T) {
	s := start(t, nil)
	const base = "/namespaces/company.team/files"
	if list, _ := s.get(base + "/directory").is(200).at().([]any); len(list) != 0 {
		t.Errorf("nothing is there yet: %v", list)
	}
	s.form(base+"?path=/dir/a.txt", map[string]string{"@fileContent": "content"}).is(200)
	if got := string(s.get(base + "?path=dir/a.txt").is(200).body); got != "content" {
		t.Errorf("the file has %q", got)
	}
	s.get(base+"/stats?path=dir/a.txt").is(200).has(7.0, "size").has("File", "type")
	s.get(base+"/directory").is(200).has("dir", 0, "fileName").has("Directory", 0, "type")
	s.get(base+"/search?q=A.TXT").is(200).has("/dir/a.txt", 0)
	s.send("PUT", base+"?from=dir/a.txt&to=b.txt", "", "").is(200)
	s.get(base + "?path=dir/a.txt").is(404)
	for _, path := range []string{"../x", "a/../../x", "%2e%2e/x"} {
		s.get(base + "?path=" + path).is(422)
	}
	s.get(base).is(422)
	s.send("DELETE", base+"?path=b.txt", "", "").is(204)
	s.get(base + "?path=b.txt").is(404)
}

func TestTemplates(t *testing.T) {
	s := start(t, nil)
	const template = "id: common\nnamespace: company\ntasks:\n  - {id: give, type: io.kestra.plugin.core.debug.Return, format: x}\n"
	s.yaml("POST", "/templates", template).is(200).has("common", "id")
	s.yaml("POST", "/templates", template).is(422)
	s.yaml("POST", "/templates", "nonsense").is(422)
	s.get("/templates/company/common").is(200).has("give", "tasks", 0, "id")
	s.yaml("PUT", "/templates/company/common", template+"description: d\n").is(200).has("d", "description")
	s.get("/templates/search?q=comm").is(200).has(1.0, "total")
	s.get("/templates/distinct-namespaces").is(200).has("company", 0)
	s.send("DELETE", "/templates/company/common", "", "").is(204)
	s.get("/templates/company/common").is(404)
}

func TestTriggers(t *testing.T) {
	s := start(t, nil)
	s.yaml("POST", "/flows", hello+"triggers:\n  - {id: yearly, type: io.kestra.plugin.core.trigger.Schedule, cron: \"0 0 1 1 *\"}\n").is(200)
	s.get("/triggers/search").is(200).has(1.0, "total").has("0 0 1 1 *", "results", 0, "abstractTrigger", "cron").
		has("yearly", "results", 0, "triggerContext", "triggerId")
	const id = `{"namespace": "company.team", "flowId": "hello", "triggerId": "yearly"}`
	s.json("POST", "/triggers/set-disabled/by-triggers", `{"disabled": true, "triggers": [`+id+`]}`).is(200).has(1.0, "count")
	s.get("/triggers/company.team/hello").is(200).has(true, "results", 0, "disabled")
	s.json("POST", "/triggers/set-disabled/by-query?disabled=false&namespace=company", "").is(200).has(1.0, "count")
	s.get("/triggers/company.team/hello").is(200).has(false, "results", 0, "disabled")
	const one = `"namespace": "company.team", "flowId": "hello", "triggerId": "yearly"`
	s.json("PUT", "/triggers/set-disabled", `{`+one+`, "disabled": true}`).is(200).has(true, "disabled").has("yearly", "triggerId")
	s.json("PUT", "/triggers/set-disabled", `{`+one+`, "disabled": false}`).is(200).has(false, "disabled")
	s.json("PUT", "/triggers/set-disabled", `{`+one+`}`).is(422)
	s.json("PUT", "/triggers/set-disabled", `{"namespace": "company.team", "flowId": "hello", "triggerId": "none", "disabled": true}`).is(404)
	s.json("POST", "/triggers/set-disabled/by-triggers", `{"triggers": [`+id+`]}`).is(422)
	s.send("POST", "/triggers/company.team/hello/yearly/unlock", "", "").is(409)
	s.send("POST", "/triggers/company.team/hello/none/unlock", "", "").is(404)
	s.json("DELETE", "/triggers/delete/by-query", `{"filters": [{"field": "NAMESPACE", "operation": "EQUALS", "value": "company.team"}]}`).
		is(200).has(1.0, "count")
	s.get("/triggers/search").is(200).has(1.0, "total") // its flow still has it: it begins anew
}

func TestBackfill(t *testing.T) {
	s := start(t, nil)
	s.yaml("POST", "/flows", hello+"triggers:\n  - {id: yearly, type: io.kestra.plugin.core.trigger.Schedule, cron: \"0 0 1 1 *\"}\n").is(200)
	const id = `"namespace": "company.team", "flowId": "hello", "triggerId": "yearly"`
	backfill := func(how string) *answer { return s.json("PUT", "/triggers", "{"+id+`, "backfill": {`+how+"}}") }
	backfill(`"end": "2020-01-01T00:00:00Z"`).is(422)
	backfill(`"start": "2021-02-01T00:00:00Z", "end": "2020-01-01T00:00:00Z"`).is(422)
	backfill(`"start": "2020-02-01T00:00:00Z", "end": "2020-03-01T00:00:00Z"`).is(422) // no date in between
	s.json("PUT", "/triggers/backfill/pause", "{"+id+"}").is(409)
	backfill(`"start": "2020-01-01T00:00:00Z", "end": "2024-06-01T00:00:00Z", "paused": true, "labels": {"why": "backfill"}`).is(200).
		has(true, "backfill", "paused").has("2020-01-01T00:00:00Z", "backfill", "currentDate")
	s.json("POST", "/triggers/backfill/unpause/by-triggers", "[{"+id+"}]").is(200).has(1.0, "count")
	for s.get("/executions/search?filters[labels][EQUALS][why]=backfill&filters[state][EQUALS]=SUCCESS").is(200).at("total") != 5.0 {
		runtime.Gosched() // 2020 to 2024, one after the other
	}
	s.get("/triggers/company.team/hello").is(200).has(nil, "results", 0, "backfill")
	s.json("POST", "/triggers/backfill/delete", "{"+id+"}").is(409)
}

func TestWebhook(t *testing.T) {
	s := start(t, nil)
	s.yaml("POST", "/flows", `id: hook
namespace: company.team
inputs:
  - {id: who, type: STRING, defaults: nobody}
tasks:
  - {id: say, type: io.kestra.plugin.core.debug.Return, format: "{{ inputs.who }} {{ trigger.body.n ?? trigger.body }} {{ trigger.parameters.p[0] ?? '' }} {{ trigger.headers['x-h'][0] ?? '' }} {{ trigger.uri ?? '' }}"}
outputs:
  - {id: said, type: STRING, value: "{{ outputs.say.value }}"}
triggers:
  - {id: plain, type: io.kestra.plugin.core.trigger.Webhook, key: plain-key}
  - id: waits
    type: io.kestra.plugin.core.trigger.Webhook
    key: "{{ 'wait' ~ 'ing' }}"
    wait: true
    returnOutputs: true
    responseCode: 201
    inputs: {who: "{{ trigger.body.who }}"}
    conditions:
      - {type: io.kestra.plugin.core.condition.Expression, expression: "{{ trigger.body.who != 'nobody' }}"}
  - {id: off, type: io.kestra.plugin.core.trigger.Webhook, key: off-key, disabled: true}
`).is(200)
	const base = "/executions/webhook/company.team/hook/"
	s.json("POST", base+"plain-key", `{"n": 1}`).is(200).has("company.team", "namespace").has("plain", "trigger", "id")
	s.get(base + "plain-key").is(200)
	s.json("PUT", base+"plain-key/some/path", `[1]`).is(200).has("/some/path", "trigger", "variables", "uri")
	s.json("POST", base+"other-key", "{}").is(404)
	s.json("POST", base+"off-key", "{}").is(409)
	s.json("POST", "/executions/webhook/company.team/none/plain-key", "{}").is(404)
	s.json("POST", base+"waiting?p=q", `{"who": "me", "n": 5}`).is(201).has("me 5 q  ", "said")
	s.json("POST", base+"waiting", `{"who": "nobody"}`).is(204)
	s.send("POST", base+"plain-key", "text/plain", "some text").is(200).has("some text", "trigger", "variables", "body")
	s.json("POST", "/executions/webhook/company.team/hook//x", "{}").is(404)
}

// TestWebhookNeedsNoPassword: whoever has a key needs no password, for that and for nothing else.
func TestWebhookNeedsNoPassword(t *testing.T) {
	s := start(t, func(c *config.Config) {
		c.Server.BasicAuth.Enabled, c.Server.BasicAuth.Username, c.Server.BasicAuth.Password = true, "ada@example.com", "Secret12"
	})
	s.json("POST", "/executions/webhook/company.team/none/key", "{}").is(404)
	for _, path := range []string{"/executions/webhook/hello", "/executions/webhook/hello/", "/executions/webhook/company.team/hook/", "/executions/search"} {
		s.json("POST", path, "{}").is(401)
	}
}

func TestPlugins(t *testing.T) {
	s := start(t, nil)
	groups, _ := s.get("/plugins").is(200).at().([]any)
	if !slices.ContainsFunc(groups, func(g any) bool { return g.(map[string]any)["group"] == "io.kestra.plugin.core" }) {
		t.Errorf("the core types are in none of the groups: %v", groups)
	}
	s.get("/plugins/io.kestra.plugin.core.log.Log").is(200).has("object", "schema", "properties", "type")
	s.get("/plugins/none").is(404)
	s.get("/plugins/schemas/flow").is(200)
	s.get("/plugins/schemas/none").is(404)
	s.get("/plugins/inputs").is(200).has("STRING", 0, "type")
}

func TestBasicAuth(t *testing.T) {
	s := start(t, func(c *config.Config) {
		c.Server.BasicAuth.Enabled, c.Server.BasicAuth.Username, c.Server.BasicAuth.Password = true, "ada", "correct"
	})
	if got := s.get("/flows/search").is(401).header.Get("WWW-Authenticate"); !strings.HasPrefix(got, "Basic ") {
		t.Errorf("WWW-Authenticate: %q", got)
	}
	s.get("//ping").is(200)
	s.user, s.password = "ada", "wrong"
	for _, path := range []string{"//ping", "//health", "//health/liveness", "//health/readiness"} {
		s.get(path).is(200)
	}
	s.get("//metrics").is(401)
	s.get("//healthy").is(401)
	s.get("/flows/search").is(401)
	s.password = "correct"
	s.get("/flows/search").is(200)
}

func TestSecretsAreHidden(t *testing.T) {
	t.Setenv("SECRET_TOKEN", base64.StdEncoding.EncodeToString([]byte("open-sesame")))
	s := start(t, nil)
	s.yaml("POST", "/flows", `id: leaks
namespace: company.team
tasks:
  - {id: give, type: io.kestra.plugin.core.debug.Return, format: "is {{ secret('TOKEN') }}"}
  - {id: coded, type: io.kestra.plugin.core.debug.Return, format: "{{ secret('TOKEN') | base64encode }}"}
`).is(200)
	x := s.form("/executions/company.team/leaks?wait=true", nil).is(200).has("SUCCESS", "state", "current")
	x.has("is ******", "taskRunList", 0, "outputs", "value")
	for _, a := range []*answer{
		x, s.get("/executions/" + x.id()), s.get("/executions/" + x.id() + "/graph"), s.get("/taskruns/search"), s.get("/logs/" + x.id()),
		s.get("/executions/" + x.id() + "/follow"),
		s.send("POST", "/executions/"+x.id()+"/eval", "text/plain", "{{ secret('TOKEN') }} {{ outputs.give.value }}"),
	} {
		for _, form := range []string{"open-sesame", base64.StdEncoding.EncodeToString([]byte("open-sesame"))} {
			if a.is(200); bytes.Contains(a.body, []byte(form)) {
				t.Errorf("%s tells the secret: %s", a.what, a.body)
			}
		}
	}
}

func TestPagesAndErrors(t *testing.T) {
	s := start(t, nil)
	for path, contentType := range map[string]string{
		"//": "text/html", "//ui/main/flows": "text/html", "/openapi.yaml": "application/yaml", "/main/openapi.json": "application/json",
		"//metrics": "text/plain", "//health": "application/json", "//health/readiness": "application/json",
	} {
		if got := s.get(path).is(200).header.Get("Content-Type"); !strings.HasPrefix(got, contentType) {
			t.Errorf("%s is %s, expected %s", path, got, contentType)
		}
	}
	if !strings.Contains(string(s.get("//metrics").body), `windhover_http_requests_total{method="GET",status="200"}`) {
		t.Error("requests are not counted")
	}
	s.get("/other/flows/search").is(404).has("/api/v1/other/flows/search", "_links", "self", "href")
	s.send("PATCH", "/flows/search", "", "").is(405)
	s.json("POST", "/flows/delete/by-ids", "").is(405)
	s.json("DELETE", "/flows/delete/by-ids", "nonsense").is(400)
}
