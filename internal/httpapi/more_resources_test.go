package httpapi_test

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"
)

func TestTemplatesInBulk(t *testing.T) {
	s := start(t, nil)
	const one = "id: one\nnamespace: company.team\ntasks:\n  - {id: say, type: io.kestra.plugin.core.log.Log, message: x}\n"
	two := strings.Replace(one, "id: one", "id: two", 1)
	s.yaml("POST", "/templates", one).is(200).has("one", "id")
	s.yaml("POST", "/templates", one).is(422)
	s.yaml("POST", "/templates", strings.Replace(two, "log.Log", "log.Lgo", 1)).is(422)
	s.yaml("POST", "/templates/validate", one+"---\nid: bad\n").is(200).has("one", 0, "flow").has(nil, 0, "constraints").has(1.0, 1, "index")
	s.yaml("POST", "/templates/company.other", two).is(422)
	s.yaml("POST", "/templates/company.team", two).is(200).has("two", 0, "id") // and one is deleted
	s.get("/templates/company.team/one").is(404)
	s.json("POST", "/templates/company.team?delete=false", `[{"id": "one", "namespace": "company.team", "tasks": [{"id": "a", "type": "io.kestra.plugin.core.log.Log", "message": "x"}]}]`).is(200)
	s.get("/templates/search?namespace=company").is(200).has(2.0, "total")

	exported := s.json("POST", "/templates/export/by-ids", `[{"namespace": "company.team", "id": "two"}]`).is(200)
	z, err := zip.NewReader(bytes.NewReader(exported.body), int64(len(exported.body)))
	if err != nil || len(z.File) != 1 || z.File[0].Name != "company.team.two.yml" {
		t.Fatalf("the archive has not the template: %v", err)
	}
	s.json("DELETE", "/templates/delete/by-ids", `[{"namespace": "company.team", "id": "two"}]`).is(200).has(1.0, "count")
	s.form("/templates/import", map[string]string{"@fileUpload": string(exported.body)}).is(204)
	s.get("/templates/company.team/two").is(200).has("say", "tasks", 0, "id")
	s.get("/templates/export/by-query?namespace=company").is(200)
	s.send("DELETE", "/templates/delete/by-query?q=two", "", "").is(200).has(1.0, "count")
	s.json("DELETE", "/templates/delete/by-ids", `[{"namespace": "company.team", "id": "two"}]`).is(404)
}

func TestUpdateTask(t *testing.T) {
	s := start(t, nil)
	source := strings.Replace(hello, "tasks:\n", "# what it does\ntasks:\n  # the first\n", 1)
	s.yaml("POST", "/flows", source).is(200)
	s.json("PATCH", "/flows/company.team/hello/say", `{"id": "say", "type": "io.kestra.plugin.core.log.Log", "message": "good day"}`).is(200).
		has(2.0, "revision").has("good day", "tasks", 0, "message")
	stored, _ := s.get("/flows/company.team/hello?source=true").is(200).at("source").(string)
	for _, part := range []string{"# what it does", "# the first", "good day", "{{ inputs.name }}"} {
		if !strings.Contains(stored, part) {
			t.Errorf("%q is lost:\n%s", part, stored)
		}
	}
	s.json("PATCH", "/flows/company.team/hello/say", `{"id": "other", "type": "io.kestra.plugin.core.log.Log", "message": "x"}`).is(422)
	s.json("PATCH", "/flows/company.team/hello/say", `{"id": "say", "type": "io.kestra.plugin.core.log.Nothing"}`).is(422)
	s.json("PATCH", "/flows/company.team/nothing/say", `{"id": "say", "type": "io.kestra.plugin.core.log.Log", "message": "x"}`).is(404)
	s.get("/flows/company.team/hello").has(2.0, "revision")
}

func TestConcurrencyLimits(t *testing.T) {
	s := start(t, nil)
	s.yaml("POST", "/flows", hello).is(200)
	s.yaml("POST", "/flows", strings.Replace(hello, "id: hello", "id: limited", 1)+"concurrency: {limit: 2}\n").is(200)
	s.get("/concurrency-limit/search").is(200).has(1.0, "total").has("limited", "results", 0, "flowId").has(0.0, "results", 0, "running")
	s.json("PUT", "/concurrency-limit/company.team/limited", `{"running": 0}`).is(200).has(2.0, "limit")
	s.json("PUT", "/concurrency-limit/company.team/limited", `{"running": 5}`).is(409)
	s.json("PUT", "/concurrency-limit/company.team/hello", `{"running": 0}`).is(404)
}

func TestGraphsOfSubflows(t *testing.T) {
	s := start(t, nil)
	s.yaml("POST", "/flows", hello).is(200)
	s.yaml("POST", "/flows", "id: caller\nnamespace: company.team\ntasks:\n  - {id: call, type: io.kestra.plugin.core.flow.Subflow, namespace: company.team, flowId: hello}\n").is(200)
	uids := func(path string) string {
		t.Helper()
		var out []string
		nodes, _ := s.get(path).is(200).at("nodes").([]any)
		for _, n := range nodes {
			uid, _ := n.(map[string]any)["uid"].(string)
			out = append(out, uid)
		}
		return strings.Join(out, " ")
	}
	if got := uids("/flows/company.team/caller/graph"); strings.Contains(got, "root.call.say") {
		t.Errorf("a subflow is shown with its tasks unasked: %s", got)
	}
	if got := uids("/flows/company.team/caller/graph?subflows=root.call"); !strings.Contains(got, "root.call.say") {
		t.Errorf("a subflow is not shown with its tasks: %s", got)
	}
	s.get("/dependencies").is(200).has("company.team_caller", "edges", 0, "source").has("company.team_hello", "edges", 0, "target")
}

func TestStatistics(t *testing.T) {
	s := start(t, nil)
	s.yaml("POST", "/flows", hello).is(200)
	x := s.send("POST", "/executions/company.team/hello?wait=true", "", "").is(200).id()
	s.json("POST", "/stats/executions/latest/group-by-flow", `{"flows": [{"namespace": "company.team", "id": "hello"}]}`).is(200).has(x, 0, "id")
	days, _ := s.json("POST", "/stats/logs/daily", `{"namespace": "company"}`).is(200).at().([]any)
	last, _ := days[len(days)-1].(map[string]any)
	counts, _ := last["counts"].(map[string]any)
	if len(days) != 31 || counts["INFO"] != 1.0 || counts["ERROR"] != 0.0 {
		t.Errorf("%d days, the last of them has %v", len(days), counts)
	}
	s.json("POST", "/stats/executions/daily", "").is(200).has(1.0, 30, "executionCounts", "SUCCESS")
	s.get("/usages/all").is(200).has(1.0, "flows", "count").has(1.0, "flows", "taskTypeCount", "io.kestra.plugin.core.log.Log")
	s.get("/taskruns/maxTaskRunSetting").is(200)
}

func TestPluginsInDetail(t *testing.T) {
	s := start(t, nil)
	const logType = "io.kestra.plugin.core.log.Log"
	version := s.get("/plugins/"+logType+"/versions").is(200).at("versions", 0).(string)
	s.get("/plugins/" + logType + "/versions/" + version).is(200)
	s.get("/plugins/" + logType + "/versions/0.0").is(404)
	s.get("/plugins/nothing/versions").is(404)
	s.get("/plugins/inputs/STRING").is(200).has("object", "schema", "properties", "type")
	s.get("/plugins/inputs/nothing").is(404)
	if s.get("/plugins/properties/flow").is(200).at("tasks") == nil {
		t.Error("a flow has no tasks")
	}
	s.get("/plugins/schemas/task?arrayOf=true").is(200).has("array", "type").has("#/$defs/task", "items", "$ref")
	s.get("/plugins/schemas/nothing").is(404)
}

func TestServices(t *testing.T) {
	s := start(t, nil)
	id, _ := s.get("/instance/services/search?type=WORKER").is(200).has(1.0, "total").has("RUNNING", "results", 0, "state").at("results", 0, "id").(string)
	s.get("/instance/services/"+id).is(200).has("WORKER", "type")
	s.get("/instance/services/nothing").is(404)
	s.get("/instance/services/active").is(200).has(4.0, "total")
}

func TestTables(t *testing.T) {
	s := start(t, nil)
	s.yaml("POST", "/flows", hello).is(200)
	x := s.send("POST", "/executions/company.team/hello?wait=true", "", "").is(200).id()
	for path, want := range map[string]string{
		"/executions/export/by-query/csv?namespace=company": x + ",company.team,hello,1,SUCCESS,",
		"/flows/export/by-query/csv?q=hello":                "main,company.team,hello,1,false,",
	} {
		lines := strings.Split(strings.TrimSpace(string(s.get(path).is(200).body)), "\n")
		if len(lines) != 2 || !strings.Contains(lines[1], want) {
			t.Errorf("%s:\n%s", path, strings.Join(lines, "\n"))
		}
	}
	s.get("/executions/export/by-query/csv?filters[nonsense][EQUALS]=x").is(422)
}

func TestNamespacesOfEverything(t *testing.T) {
	s := start(t, nil)
	s.form("/namespaces/only.files/files?path=a.txt", map[string]string{"@fileContent": "x"}).is(200)
	s.send("PUT", "/namespaces/only.keys/kv/k", "text/plain", "1").is(200)
	s.json("POST", "/namespaces", `{"id": "stored"}`).is(200)
	s.get("/namespaces/search?size=100").is(200).has(4.0, "total") // with only, which the two are below
	s.get("/namespaces/search?q=files").is(200).has("only.files", "results", 0, "id")
	s.get("/namespaces/only.keys").is(200)
	s.get("/namespaces/only.nothing").is(404)
	s.get("/namespaces/search?filters[existingOnly][EQUALS]=true").is(200).has(1.0, "total")
}

func TestFileRevisions(t *testing.T) {
	s := start(t, nil)
	const files = "/namespaces/company.team/files"
	for _, content := range []string{"one", "two"} {
		s.form(files+"?path=/a.txt", map[string]string{"@fileContent": content}).is(200)
	}
	s.get(files+"/revisions?path=/a.txt").is(200).has(1.0, 0, "revision").has(2.0, 1, "revision")
	for query, want := range map[string]string{"": "two", "&revision=1": "one", "&revision=2": "two"} {
		if got := string(s.get(files + "?path=a.txt" + query).is(200).body); got != want {
			t.Errorf("%q holds %q", query, got)
		}
	}
	s.get(files + "?path=a.txt&revision=3").is(404)
	s.get(files + "/revisions?path=b.txt").is(404)
	s.get(files+"/directory").is(200).has("a.txt", 0, "fileName")
	s.yaml("POST", "/flows", "id: reads\nnamespace: company.team\ntasks:\n  - {id: give, type: io.kestra.plugin.core.debug.Return, format: \"{{ read('a.txt', revision=1) }} {{ read('a.txt') }}\"}\n").is(200)
	s.send("POST", "/executions/company.team/reads?wait=true", "", "").is(200).has("one two", "taskRunList", 0, "outputs", "value")
	s.send("DELETE", files+"?path=a.txt", "", "").is(204)
	s.get(files + "?path=a.txt").is(404)
	if got := string(s.get(files + "?path=a.txt&revision=2").is(200).body); got != "two" {
		t.Errorf("what was deleted holds %q", got)
	}
}

func TestActionsOfTheNewerKind(t *testing.T) {
	s := start(t, nil)
	s.yaml("POST", "/flows", "id: pauses\nnamespace: company.team\ntasks:\n  - id: wait\n    type: io.kestra.plugin.core.flow.Pause\n    onResume:\n"+
		"      - {id: reason, type: STRING}\n  - {id: give, type: io.kestra.plugin.core.debug.Return, format: \"{{ outputs.wait.onResume.reason }}\"}\n").is(200)
	x := s.send("POST", "/executions/company.team/pauses", "", "").is(200).id()
	s.await(x, "PAUSED")
	s.form("/executions/"+x+"/actions/resume/validate", map[string]string{"reason": "fine"}).is(200)
	s.form("/executions/"+x+"/actions/resume", map[string]string{"reason": "fine"}).is(204)
	s.await(x, "SUCCESS")
	s.send("POST", "/executions/"+x+"/actions/eval", "text/plain", "{{ outputs.give.value }}").is(200).has("fine", "result")
	s.send("DELETE", "/executions/"+x+"/actions/kill", "", "").is(409)

	s.yaml("POST", "/flows", hello).is(200)
	at := s.send("POST", "/executions/company.team/hello?breakpoints=give", "", "").is(200).id()
	s.await(at, "BREAKPOINT")
	s.send("POST", "/executions/"+at+"/actions/resume-from-breakpoint", "", "").is(204)
	s.await(at, "SUCCESS")
	again := s.form("/executions/"+at+"/actions/replay-with-inputs", map[string]string{"name": "eve"}).is(200).id()
	s.await(again, "SUCCESS")
	s.get("/executions/"+again).has("eve", "inputs", "name")
}

func TestPurge(t *testing.T) {
	s := start(t, nil)
	s.yaml("POST", "/flows", hello).is(200)
	x := s.send("POST", "/executions/company.team/hello?wait=true", "", "").is(200).id()
	s.json("POST", "/instance/purge", `{}`).is(422)
	s.json("POST", "/instance/purge", `{"endDate": "2100-01-01T00:00:00Z", "states": ["RUNNING"]}`).is(422)
	s.json("POST", "/instance/purge", `{"endDate": "2000-01-01T00:00:00Z"}`).is(200).has(0.0, "executions")
	s.json("POST", "/instance/purge", `{"endDate": "2100-01-01T00:00:00Z", "startDate": "2099-01-01T00:00:00Z"}`).is(200).has(0.0, "executions")
	s.json("POST", "/instance/purge", `{"endDate": "2100-01-01T00:00:00Z", "dryRun": true}`).is(200).has(1.0, "executions").has(0.0, "logs")
	s.json("POST", "/instance/purge", `{"endDate": "2100-01-01T00:00:00Z", "keepExecutions": true, "namespace": "company"}`).is(200).has(0.0, "executions").has(1.0, "logs")
	s.get("/executions/" + x).is(200)
	s.json("POST", "/instance/purge", `{"endDate": "2100-01-01T00:00:00Z", "states": ["SUCCESS"]}`).is(200).has(1.0, "executions")
	s.get("/executions/" + x).is(404)
}

func TestPrometheus(t *testing.T) {
	s := start(t, nil)
	s.yaml("POST", "/flows", "id: pauses\nnamespace: company.team\ntasks:\n  - {id: wait, type: io.kestra.plugin.core.flow.Pause}\n").is(200)
	x := s.send("POST", "/executions/company.team/pauses", "", "").is(200).id()
	s.await(x, "PAUSED")
	s.send("DELETE", "/executions/"+x+"/kill", "", "").is(202)
	s.await(x, "KILLED")
	s.send("DELETE", "/executions/"+x+"/kill", "", "").is(409)
	s.await(s.send("POST", "/executions/company.team/pauses", "", "").is(200).id(), "PAUSED")
	text := string(s.send("GET", "//metrics", "", "").is(200).body)
	for _, line := range []string{
		`windhover_executions_unfinished{state="PAUSED"} 1`, `windhover_executions_unfinished{state="RUNNING"} 0`,
		`windhover_members{kind="WORKER",state="RUNNING"} 1`, `windhover_http_requests_total{method="POST",status="200"} 3`, "windhover_build_info{",
		// as the reference calls them
		`kestra_webserver_execution_kill_total 1`, `kestra_webserver_execution_pause_total 0`,
		`kestra_sse_connections_opened_total{sse_type="execution"} `, `kestra_sse_connections_active{sse_type="execution"} `,
		`kestra_worker_job_running{worker_group=""} 0`, `kestra_executor_execution_end_count_total{flow_id="pauses",`,
	} {
		if !strings.Contains(text, line) {
			t.Errorf("%s is not among the metrics", line)
		}
	}
}

func TestUnknownPlaces(t *testing.T) {
	s := start(t, nil)
	for path, want := range map[string]string{
		"//api/v1/other/flows/search": `there is no tenant \"other\", only \"main\"`, "//api/v1/nothing": `"Not Found"`, "/nothing/x/y/z": `"Not Found"`,
	} {
		if a := s.get(path).is(404); !strings.Contains(string(a.body), want) {
			t.Errorf("%s: %s", path, a.body)
		}
	}
	s.get("//prometheus").is(200)
	for query, want := range map[string]string{"size=x": "size: must be a whole number", "size=0": "size: must be greater than", "page=1.5": "page: must be a whole number"} {
		if a := s.get("/flows/search?" + query).is(422); !strings.Contains(string(a.body), want) {
			t.Errorf("%s: %s", query, a.body)
		}
	}
}
