// Package redis holds the triggers that take elements from lists of Redis.
//
// An element that is taken from a list is gone for all others; if it were only in this process's memory, it would be lost with
// it. So it is put, in the same step, into a hash of the trigger's own, under an id, and is removed from there once its
// execution is durable. Whatever stands there when the trigger begins is what its predecessor had not finished.
package redis

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

const area = "io.kestra.plugin.redis."

// Types lists the types of this package.
func Types() []plugin.Type {
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

// List says which list is meant.
type List struct {
	URL       string `json:"url" required:"true" doc:"The address: redis://user:password@host:port/database, or rediss:// where it is encrypted."`
	Key       string `json:"key" required:"true" doc:"The key of the list."`
	SerdeType string `json:"serdeType" default:"STRING" enum:"STRING,JSON" doc:"What the elements are. One that is to be JSON and is none is given as text."`
}

// RealtimeTrigger starts the flow for each element.
type RealtimeTrigger struct{ List }

// Trigger starts the flow for a batch of elements.
type Trigger struct {
	List
	Interval    sdk.Duration  `json:"interval" default:"PT60S" static:"true" doc:"How long to wait after each look."`
	Count       int           `json:"count" default:"100" min:"1" doc:"How many elements are taken at once."`
	MaxRecords  *int          `json:"maxRecords" min:"1" doc:"How many elements a batch has at most. One of this and maxDuration is required."`
	MaxDuration *sdk.Duration `json:"maxDuration" doc:"How long a batch is gathered at most."`
}

// Message is the variable trigger of executions that an element started.
type Message struct {
	Value any `json:"value" doc:"The element."`
}

// Output is the variable trigger of executions that a batch started.
type Output struct {
	Count int    `json:"count" doc:"How many elements there are."`
	URI   string `json:"uri" doc:"The file of Ion with the elements."`
}

// queue is a list with what was taken from it and is not finished.
type queue struct {
	*redis.Client
	list, taken string
}

func (q *queue) close() { _ = q.Close() } // all that was asked for was answered

// element is one that was taken.
type element struct{ id, text string }

func (l *List) open(ctx context.Context, run sdk.Run) (*queue, error) {
	o, err := redis.ParseURL(l.URL)
	if err != nil {
		return nil, errors.New("url: it is not one such as redis://host:6379/0") // the reason would show the password
	}
	q := &queue{Client: redis.NewClient(o), list: l.Key, taken: takenKey(l.Key, run.Info())}
	if err := q.Ping(ctx).Err(); err != nil {
		q.close()
		return nil, err
	}
	return q, nil
}

// takenKey is the key of what a trigger has taken. In a cluster it lies where the list does.
func takenKey(list string, of sdk.Info) string {
	if open := strings.IndexByte(list, '{'); open < 0 || strings.IndexByte(list[open:], '}') < 2 {
		list = "{" + list + "}"
	}
	return strings.Join([]string{list, "windhover", of.Tenant, of.Namespace, of.FlowID, of.TriggerID}, ":")
}

// take moves elements from the head of the list to the hash, one for each id that it is given.
var take = redis.NewScript(`
local out = {}
for i = 1, #ARGV do
  local text = redis.call('LPOP', KEYS[1])
  if not text then break end
  redis.call('HSET', KEYS[2], ARGV[i], text)
  out[i] = text
end
return out`)

// next takes up to n elements.
func (q *queue) next(ctx context.Context, n int) ([]element, error) {
	ids := make([]any, n)
	prefix := make([]byte, 12)
	_, _ = rand.Read(prefix) // it never fails
	for i := range ids {
		// in the order of the list, also among those that were taken before
		ids[i] = fmt.Sprintf("%019d-%s-%05d", time.Now().UnixNano(), hex.EncodeToString(prefix), i)
	}
	texts, err := take.Run(ctx, q.Client, []string{q.list, q.taken}, ids...).StringSlice()
	if err != nil {
		return nil, err
	}
	out := make([]element, len(texts))
	for i, t := range texts {
		out[i] = element{ids[i].(string), t}
	}
	return out, nil
}

// left are the elements that were taken and not finished, in their order.
func (q *queue) left(ctx context.Context) ([]element, error) {
	all, err := q.HGetAll(ctx, q.taken).Result()
	var out []element
	for _, id := range slices.Sorted(maps.Keys(all)) {
		out = append(out, element{id, all[id]})
	}
	return out, err
}

// finish forgets elements, also when the trigger is stopped: else they would come again.
func (q *queue) finish(ctx context.Context, list []element) error {
	if len(list) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	ids := make([]string, len(list))
	for i, e := range list {
		ids[i] = e.id
	}
	return q.HDel(ctx, q.taken, ids...).Err()
}

// value reads an element.
func (l *List) value(run sdk.Run, text string) any {
	if l.SerdeType != "JSON" {
		return text
	}
	v, err := value.ParseJSON([]byte(text))
	if err != nil {
		run.Log(sdk.LevelWarn, "an element of %s is no JSON, and is given as text: %s", l.Key, err)
		return text
	}
	return v
}
