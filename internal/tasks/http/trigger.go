package http

import (
	"context"
	"net/http"

	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/sdk"
)

func triggerType() plugin.Type {
	return plugin.Type{
		Name: area + "Trigger", Aliases: []string{older + "Trigger"}, Category: plugin.Trigger, Trigger: model.TriggerPolling,
		Title: "Start the flow when an HTTP request gets the right answer.",
		Description: "Sends a request every `interval` and starts the flow when `responseCondition` holds of the answer. Every status is an " +
			"answer, 500 too; a server that does not answer is an error of the trigger, which is tried again after the interval.",
		Examples: []plugin.Example{{Title: "When a service is up", YAML: `id: up
type: io.kestra.plugin.core.http.Trigger
uri: https://example.com/health
interval: PT30S
responseCondition: "{{ response.statusCode == 200 }}"`}, {Title: "When a price has fallen, and then no more", YAML: `id: price
type: io.kestra.plugin.core.http.Trigger
uri: https://example.com/products/1
responseCondition: "{{ json(response.body).price <= 110 }}"
stopAfter:
  - SUCCESS`}},
		New: func() any { return &Trigger{} }, Outputs: RequestOutput{},
	}
}

// Trigger starts the flow when a request gets the right answer.
type Trigger struct {
	Request
	Interval          sdk.Duration `json:"interval" default:"PT60S" static:"true" doc:"How long to wait after each request."`
	ResponseCondition sdk.Template `json:"responseCondition" default:"{{ response.statusCode < 400 }}" doc:"What must hold of the answer: the variable response has statusCode, body and headers."`
}

// Poll sends the request.
func (t *Trigger) Poll(ctx context.Context, run sdk.Run) (any, error) {
	t.acceptAll()
	a, err := t.send(ctx, run, "")
	if err != nil {
		return nil, err
	}
	defer a.Close()
	out, body, err := t.read(run, a)
	if err != nil {
		return nil, err
	}
	response := map[string]any{"statusCode": out.Code, "body": nil, "headers": out.Headers}
	if body != nil {
		response["body"] = *body
	}
	run.Log(sdk.LevelDebug, "%s answered with status %d %s", out.URI, out.Code, http.StatusText(out.Code))
	answer, err := run.Render(string(t.ResponseCondition), map[string]any{"response": response})
	if err != nil {
		return nil, err
	}
	if !expr.Truthy(answer) {
		return nil, nil
	}
	return out, nil
}

// acceptAll makes every status an answer: the condition decides what it is worth.
func (t *Trigger) acceptAll() {
	yes := true
	t.AllowFailed, t.Options.AllowFailed, t.Options.AllowedResponseCodes = &yes, true, nil
}
