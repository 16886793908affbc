// Package redis holds the types that talk to Redis: tasks for texts, lists, channels and JSON, and triggers that take elements
// from lists.
package redis

import (
	"slices"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/sdk"
)

const area = "io.kestra.plugin.redis."

// Types lists the types of this package.
func Types() []plugin.Type {
	return slices.Concat(triggers(), listTypes(), stringTypes())
}

func triggers() []plugin.Type {
	return []plugin.Type{
		{
			Name: area + "list.RealtimeTrigger", Aliases: []string{area + "RealtimeTrigger"}, Category: plugin.Trigger, Trigger: model.TriggerRealtime,
			Title: "Start the flow for each element of a list.",
			Description: "Takes the elements from the head of a list. One that is taken is kept in a hash of the trigger's own, beside the list, " +
				"until its execution is durable: it is neither lost nor, because a worker died, started twice.",
			Examples: []plugin.Example{{Title: "Each order", YAML: `id: orders
type: io.kestra.plugin.redis.list.RealtimeTrigger
url: redis://localhost:6379/0
key: orders
serdeType: JSON`}},
			New: func() any { return &RealtimeTrigger{} }, Outputs: Message{},
		},
		{
			Name: area + "list.Trigger", Aliases: []string{area + "TriggerList"}, Category: plugin.Trigger, Trigger: model.TriggerPolling,
			Title: "Start the flow for a batch of elements of a list.",
			Description: "Takes elements every `interval` and starts the flow with a file of them. They are kept beside the list until it is certain that " +
				"the flow starts, so that none is lost; if the worker dies just then, they are found once more.",
			Examples: []plugin.Example{{Title: "A hundred orders at once", YAML: `id: orders
type: io.kestra.plugin.redis.list.Trigger
url: redis://localhost:6379/0
key: orders
maxRecords: 100`}},
			New: func() any { return &Trigger{} }, Outputs: Output{},
		},
	}
}

// Connection says which server is meant.
type Connection struct {
	URL string `json:"url" required:"true" doc:"The address: redis://user:password@host:port/database, or rediss:// where it is encrypted. A password may stand alone before the @."`
}

// List says which list is meant.
type List struct {
	Connection
	Key       string `json:"key" required:"true" doc:"The key of the list."`
	SerdeType string `json:"serdeType" default:"STRING" enum:"STRING,JSON" doc:"What the elements are. One that is to be JSON and is none is given as text."`
}

// RealtimeTrigger starts the flow for each element.
type RealtimeTrigger struct{ List }

// Trigger starts the flow for a batch of elements.
type Trigger struct {
	List
	Batch
	Interval sdk.Duration `json:"interval" default:"PT60S" static:"true" doc:"How long to wait after each look."`
}

// Batch says how many elements are taken together.
type Batch struct {
	Count       int           `json:"count" default:"100" min:"1" doc:"How many elements are taken at once."`
	MaxRecords  *int          `json:"maxRecords" min:"1" doc:"How many elements there are at most. One of this and maxDuration is required."`
	MaxDuration *sdk.Duration `json:"maxDuration" doc:"How long elements are taken at most."`
}

// Message is the variable trigger of executions that an element started.
type Message struct {
	Value any `json:"value" doc:"The element."`
}

// Output is what there is of elements that were taken together.
type Output struct {
	Count int    `json:"count" doc:"How many elements there are."`
	URI   string `json:"uri" doc:"The file of Ion with the elements."`
}

// value reads an element.
func (l *List) value(run sdk.Run, text string) any {
	v, err := decode(l.SerdeType, text)
	if err != nil {
		run.Log(sdk.LevelWarn, "an element of %s is no JSON, and is given as text: %s", l.Key, err)
		return text
	}
	return v
}
