// Package trigger holds the types of triggers, which start executions of the flow that they stand in. Here they are
// described; the scheduler, the executor and the web server do what they say.
package trigger

import (
	"time"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/sdk"
)

const older = "io.kestra.core.models.triggers.types."

// Types lists the types of this package.
func Types() []plugin.Type {
	return []plugin.Type{
		{
			Name: "io.kestra.plugin.core.trigger.Schedule", Aliases: []string{older + "Schedule"}, Category: plugin.Trigger, Trigger: model.TriggerSchedule,
			Title: "Start the flow at times that a cron expression gives.",
			Description: "Five fields (minute, hour, day of month, month, day of week), or six with the second first where `withSeconds` is " +
				"set; also `@hourly`, `@daily`, `@weekly`, `@monthly` and `@yearly`. The flow reads the date that it was planned for as `{{ trigger.date }}`.",
			Examples: []plugin.Example{{Title: "On weekdays at nine", YAML: `id: mornings
type: io.kestra.plugin.core.trigger.Schedule
cron: 0 9 * * 1-5
timezone: Europe/Paris`}},
			New: func() any { return &Schedule{} }, Outputs: ScheduleOutput{},
		},
		{
			Name: "io.kestra.plugin.core.trigger.ScheduleOnDates", Category: plugin.Trigger, Trigger: model.TriggerDates, Title: "Start the flow at given dates.",
			Description: "Each date starts the flow once.",
			Examples: []plugin.Example{{Title: "Twice", YAML: `id: twice
type: io.kestra.plugin.core.trigger.ScheduleOnDates
dates:
  - 2026-12-01T09:00:00Z
  - 2026-12-15T09:00:00Z`}},
			New: func() any { return &ScheduleOnDates{} },
		},
		{
			Name: "io.kestra.plugin.core.trigger.Webhook", Aliases: []string{older + "Webhook"}, Category: plugin.Trigger, Trigger: model.TriggerWebhook,
			Title: "Start the flow by an HTTP request.",
			Description: "`/api/v1/executions/webhook/{namespace}/{flowId}/{key}` starts the flow; it reads the request as `trigger.body`, " +
				"`trigger.headers` and `trigger.parameters`. Whoever knows the key may start the flow.",
			Examples: []plugin.Example{{Title: "With a secret key", YAML: `id: hook
type: io.kestra.plugin.core.trigger.Webhook
key: "{{ secret('WEBHOOK_KEY') }}"`}},
			New: func() any { return &Webhook{} }, Outputs: WebhookOutput{},
		},
		{
			Name: "io.kestra.plugin.core.trigger.Flow", Aliases: []string{older + "Flow"}, Category: plugin.Trigger, Trigger: model.TriggerFlow,
			Title: "Start the flow when executions of other flows have ended.",
			Description: "Every execution that meets the conditions starts the flow. With `preconditions` several flows must have come to " +
				"the right end within a window of time first.",
			Examples: []plugin.Example{{Title: "When two flows have succeeded today", YAML: `id: after
type: io.kestra.plugin.core.trigger.Flow
preconditions:
  id: both
  flows:
    - namespace: company.team
      flowId: extract
      states: [SUCCESS]
    - namespace: company.team
      flowId: load
      states: [SUCCESS]
  timeWindow:
    type: DAILY_TIME_DEADLINE
    deadline: "09:00:00"`}},
			New: func() any { return &Flow{} }, Outputs: FlowOutput{},
		},
		mcpToolType(),
	}
}

// Schedule starts the flow at times that a cron expression gives.
type Schedule struct {
	Cron                   string            `json:"cron" required:"true" static:"true" doc:"The cron expression."`
	WithSeconds            bool              `json:"withSeconds" default:"false" static:"true" doc:"Whether its first field is the second."`
	Timezone               string            `json:"timezone" static:"true" doc:"The time zone it is meant in, such as Europe/Paris; without it the server's."`
	Inputs                 map[string]any    `json:"inputs" doc:"The inputs of the executions."`
	LateMaximumDelay       sdk.Duration      `json:"lateMaximumDelay" static:"true" doc:"Dates that are later than this are left out."`
	RecoverMissedSchedules string            `json:"recoverMissedSchedules" enum:"LAST,NONE,ALL" static:"true" doc:"Which of the dates that were missed while no server ran are made up for."`
	Overlap                string            `json:"overlap" enum:"QUEUE_ALL,QUEUE_ONE,SKIP,CANCEL_RUNNING,ALLOW" static:"true" doc:"What happens to dates that come while an execution runs that this trigger has started: all of them run afterwards, the last of them does, none does, the execution is killed for it, or they run beside it. Without it QUEUE_ALL, or ALLOW where allowConcurrent is set."`
	Priority               int               `json:"priority" default:"0" static:"true" doc:"Which executions go first that wait for the flow's concurrency limit: those with the highest priority."`
	Jitter                 sdk.Duration      `json:"jitter" static:"true" doc:"Each date is put off by a part of this, which depends on the trigger and the date alone: so that many schedules of one minute do not begin in one moment."`
	Interval               sdk.Duration      `json:"interval" static:"true" doc:"Accepted and not used."`
	ExecutionTime          map[string]any    `json:"executionTime" static:"true" doc:"Accepted and not used."`
	ScheduleConditions     plugin.Conditions `json:"scheduleConditions" deprecated:"conditions" doc:"The older name of conditions."`
	Backfill               map[string]any    `json:"backfill" static:"true" deprecated:"a backfill started by the API" doc:"Accepted and not used."`
}

// ScheduleOutput is the variable trigger of executions that a Schedule started.
type ScheduleOutput struct {
	Date     time.Time  `json:"date" doc:"The date that the execution was planned for."`
	Next     *time.Time `json:"next" doc:"The one after it."`
	Previous *time.Time `json:"previous" doc:"The one before it."`
}

// ScheduleOnDates starts the flow at given dates.
type ScheduleOnDates struct {
	Dates                  []time.Time    `json:"dates" required:"true" doc:"The dates, with time and offset."`
	Timezone               string         `json:"timezone" doc:"The time zone they are shown in; without it the server's."`
	Inputs                 map[string]any `json:"inputs" doc:"The inputs of the executions."`
	RecoverMissedSchedules string         `json:"recoverMissedSchedules" enum:"LAST,NONE,ALL" static:"true" doc:"Which of the dates that were missed while no server ran are made up for."`
	Interval               sdk.Duration   `json:"interval" static:"true" doc:"Accepted and not used."`
}

// Webhook starts the flow by an HTTP request.
type Webhook struct {
	Key                 string         `json:"key" required:"true" doc:"The last part of the address; at most 256 characters."`
	Inputs              map[string]any `json:"inputs" doc:"The inputs of the execution."`
	Wait                bool           `json:"wait" default:"false" static:"true" doc:"Whether the answer waits for the end of the execution."`
	ReturnOutputs       bool           `json:"returnOutputs" default:"false" static:"true" doc:"Whether the answer is the flow's outputs; needs wait."`
	ResponseContentType string         `json:"responseContentType" static:"true" doc:"The content type of the answer."`
	ResponseCode        *int           `json:"responseCode" min:"100" max:"599" doc:"The status of the answer."`
	FetchType           string         `json:"fetchType" default:"FETCH" enum:"NONE,FETCH,STORE" static:"true" doc:"What happens to parts of a multipart request: left out, read, or stored."`
}

// WebhookOutput is the variable trigger of executions that a Webhook started.
type WebhookOutput struct {
	Body       any                 `json:"body" doc:"The request's body; JSON is read."`
	Headers    map[string][]string `json:"headers" doc:"Its headers."`
	Parameters map[string][]string `json:"parameters" doc:"The parameters of its query."`
	URI        string              `json:"uri" doc:"Its path behind the key."`
	Parts      []map[string]any    `json:"parts" doc:"The files of a multipart request."`
	FormFields map[string][]string `json:"formFields" doc:"The fields of a multipart request."`
}
