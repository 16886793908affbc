package httpapi_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestBackfillAgain: a client that sends all of a trigger leaves its backfill as it is, or pauses it; other values are another
// backfill, which `create` refuses while there is one.
func TestBackfillAgain(t *testing.T) {
	s := start(t, nil)
	s.yaml("POST", "/flows", hello+"triggers:\n  - {id: yearly, type: io.kestra.plugin.core.trigger.Schedule, cron: \"0 0 1 1 *\"}\n").is(200)
	const id = `"namespace": "company.team", "flowId": "hello", "triggerId": "yearly"`
	put := func(path, how string) *answer { return s.json("PUT", path, "{"+id+`, "backfill": {`+how+"}}") }
	const first = `"start": "2020-01-01T00:00:00Z", "end": "2024-06-01T00:00:00Z", "inputs": {"a": 1}, "labels": {"why": "test"}`
	put("/triggers/backfill/create", `"end": "2020-01-01T00:00:00Z"`).is(422)
	s.json("PUT", "/triggers/backfill/create", "{"+id+"}").is(422)
	put("/triggers/backfill/create", `"start": "2999-01-01T00:00:00Z"`).is(422).has("Invalid entity: the backfill starts in the future", "message")
	begun := put("/triggers/backfill/create", first+`, "paused": true`).is(200).has("2020-01-01T00:00:00Z", "backfill", "currentDate").at("backfill", "id")
	put("/triggers/backfill/create", `"start": "2020-01-01T00:00:00Z", "labels": {"system.from": "me"}`).is(422)
	put("/triggers/backfill/create", first).is(409).has("a backfill is under way; it can be deleted", "message")
	same := func(a *answer) { a.is(200).has(begun, "backfill", "id") }
	same(put("/triggers", first+`, "paused": true, "currentDate": "2020-01-01T00:00:00Z"`))
	same(put("/triggers", `"paused": true`))
	same(put("/triggers", `"start": "2020-01-01T00:00:00Z", "paused": true`))
	put("/triggers", `"end": "2023-01-01T00:00:00Z", "paused": true`).is(422)
	if other := put("/triggers", `"start": "2020-01-01T00:00:00Z", "end": "2023-01-01T00:00:00Z", "paused": true`).is(200).at("backfill", "id"); other == begun {
		t.Error("another end is the same backfill")
	}
}

// TestManyTriggers: by-query changes all triggers that it finds, many at a time.
func TestManyTriggers(t *testing.T) {
	s := start(t, nil)
	const n = 150
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "  - {id: t%d, type: io.kestra.plugin.core.trigger.Schedule, cron: \"0 0 1 1 *\"}\n", i)
	}
	s.yaml("POST", "/flows", hello+"triggers:\n"+b.String()).is(200)
	s.json("POST", "/triggers/set-disabled/by-query?disabled=true&namespace=company", "").is(200).has(float64(n), "count")
	for _, c := range s.get("/triggers/company.team/hello?size=1000").is(200).at("results").([]any) {
		if c.(map[string]any)["disabled"] != true {
			t.Fatal(c)
		}
	}
}

// TestWebhookAnswers: what comes of the execution decides about the answer, where the caller waits for it.
func TestWebhookAnswers(t *testing.T) {
	s := start(t, nil)
	s.yaml("POST", "/flows", `id: hook
namespace: company.team
tasks:
  - {id: say, type: io.kestra.plugin.core.execution.Fail, condition: "{{ trigger.body.fail ?? false }}"}
outputs:
  - {id: said, type: STRING, value: "done"}
triggers:
  - {id: waits, type: io.kestra.plugin.core.trigger.Webhook, key: waiting, wait: true, returnOutputs: true, responseCode: "{{ trigger.body.code }}"}
  - {id: asks, type: io.kestra.plugin.core.trigger.Webhook, key: inputs, inputs: {who: "{{ trigger.body.nobody.name }}"}}
`).is(200)
	const path = "/executions/webhook/company.team/hook/waiting"
	s.json("POST", path, `{"code": 201}`).is(201).has("done", "said")
	s.json("POST", path, `{"code": 201, "fail": true}`).is(500)
	before := s.get("/executions/search").is(200).at("total")
	s.json("POST", path, `{"code": 99}`).is(422)
	s.json("POST", path, `{}`).is(422)
	s.get("/executions/search").is(200).has(before, "total") // what cannot be answered starts nothing
	told, _ := s.json("POST", "/executions/webhook/company.team/hook/inputs", `{}`).is(422).at("message").(string)
	if !strings.Contains(told, "the inputs of the trigger") {
		t.Error(told)
	}
}

// TestWebhookOfBrokenFlow: whoever calls a webhook learns that its flow cannot be executed, not why.
func TestWebhookOfBrokenFlow(t *testing.T) {
	s := start(t, nil)
	s.yaml("POST", "/templates", "id: common\nnamespace: company\ntasks:\n  - {id: give, type: io.kestra.plugin.core.debug.Return, format: x}\n").is(200)
	s.yaml("POST", "/flows", `id: hook
namespace: company.team
tasks:
  - {id: use, type: io.kestra.plugin.core.flow.Template, namespace: company, templateId: common}
triggers:
  - {id: plain, type: io.kestra.plugin.core.trigger.Webhook, key: plain-key}
`).is(200)
	s.send("DELETE", "/templates/company/common", "", "").is(204)
	told := s.json("POST", "/executions/webhook/company.team/hook/plain-key", "{}").is(409).at("message")
	if text, _ := told.(string); strings.Contains(text, "template") {
		t.Error(text)
	}
}
