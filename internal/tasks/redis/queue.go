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

	"github.com/windhover-io/windhover/sdk"
)

// An element that is taken from a list is gone for all others; if it were only in this process's memory, it would be lost with
// it. So it is put, in the same step, into a hash of the taker's own, under an id, and is removed from there once its
// execution, or the file that it is in, is durable. Whatever stands there when a taker begins is what its predecessor had not
// finished: an earlier run of the trigger, an earlier attempt of the task run.

// queue is a list with what was taken from it and is not finished.
type queue struct {
	*redis.Client
	list, taken string
}

func (q *queue) close() { closed(q.Client) }

// element is one that was taken.
type element struct{ id, text string }

func (l *List) open(ctx context.Context, run sdk.Run) (*queue, error) {
	client, err := l.connect(ctx)
	if err != nil {
		return nil, err
	}
	return &queue{Client: client, list: l.Key, taken: takenKey(l.Key, run.Info())}, nil
}

// takenKey is the key of what a trigger, or a task run, has taken. In a cluster it lies where the list does.
func takenKey(list string, of sdk.Info) string {
	if open := strings.IndexByte(list, '{'); open < 0 || strings.IndexByte(list[open:], '}') < 2 {
		list = "{" + list + "}"
	}
	taker := of.TriggerID
	if taker == "" {
		taker = of.TaskRunID
	}
	return strings.Join([]string{list, "windhover", of.Tenant, of.Namespace, of.FlowID, taker}, ":")
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

// back puts elements back to the head of the list, in their order.
var back = redis.NewScript(`
for i = #ARGV, 1, -1 do
  local text = redis.call('HGET', KEYS[2], ARGV[i])
  if text then
    redis.call('LPUSH', KEYS[1], text)
    redis.call('HDEL', KEYS[2], ARGV[i])
  end
end`)

// giveBack puts elements back to where they were taken from.
func (q *queue) giveBack(ctx context.Context, list []element) error {
	if len(list) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err := back.Run(ctx, q.Client, []string{q.list, q.taken}, args(list)...).Err()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	return err
}

func args(list []element) []any {
	ids := make([]any, len(list))
	for i, e := range list {
		ids[i] = e.id
	}
	return ids
}
