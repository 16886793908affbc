package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

func stringTypes() []plugin.Type {
	return []plugin.Type{
		{
			Name: area + "string.Get", Aliases: []string{area + "Get"}, Category: plugin.Task, Title: "Read the value of a key.",
			Examples: []plugin.Example{{Title: "A value that may be missing", YAML: `id: get
type: io.kestra.plugin.redis.string.Get
url: redis://localhost:6379/0
key: greeting`}},
			New: func() any { return &Get{} }, Outputs: GetOutput{},
		},
		{
			Name: area + "string.Set", Aliases: []string{area + "Set"}, Category: plugin.Task, Title: "Write the value of a key.",
			Description: "Options say how long it is kept, and whether the key has to be there, or must not be; where that does not hold nothing is written.",
			Examples: []plugin.Example{{Title: "A value for an hour", YAML: `id: set
type: io.kestra.plugin.redis.string.Set
url: redis://localhost:6379/0
key: greeting
value: "hello {{ inputs.name }}"
options:
  expirationDuration: PT1H`}},
			New: func() any { return &Set{} }, Outputs: SetOutput{},
		},
		{
			Name: area + "string.Delete", Aliases: []string{area + "Delete"}, Category: plugin.Task, Title: "Delete keys.",
			Examples: []plugin.Example{{Title: "Two keys", YAML: `id: delete
type: io.kestra.plugin.redis.string.Delete
url: redis://localhost:6379/0
keys: [greeting, "{{ inputs.name }}"]`}},
			New: func() any { return &Delete{} }, Outputs: Count{},
		},
		{
			Name: area + "string.Increment", Category: plugin.Task, Title: "Add to the number of a key.",
			Description: "A key that is missing counts from 0.",
			Examples: []plugin.Example{{Title: "Another one", YAML: `id: count
type: io.kestra.plugin.redis.string.Increment
url: redis://localhost:6379/0
key: visits`}},
			New: func() any { return &Increment{} }, Outputs: IncrementOutput{},
		},
		{
			Name: area + "string.Ttl", Category: plugin.Task, Title: "Tell how long a key is kept.",
			Examples: []plugin.Example{{Title: "Seconds to go", YAML: `id: ttl
type: io.kestra.plugin.redis.string.Ttl
url: redis://localhost:6379/0
key: greeting`}},
			New: func() any { return &TTL{} }, Outputs: TTLOutput{},
		},
	}
}

// Get reads the value of a key.
type Get struct {
	Connection
	Key             string `json:"key" required:"true" doc:"The key."`
	SerdeType       string `json:"serdeType" default:"STRING" enum:"STRING,JSON" doc:"What the value is."`
	FailedOnMissing bool   `json:"failedOnMissing" default:"false" doc:"Whether a missing key is an error."`
}

// GetOutput is what was read.
type GetOutput struct {
	Data any    `json:"data" doc:"The value; nothing where the key is missing."`
	Key  string `json:"key" doc:"The key."`
}

// Run reads the value.
func (t *Get) Run(ctx context.Context, _ sdk.Run) (any, error) {
	c, err := t.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer closed(c)
	text, err := c.Get(ctx, t.Key).Result()
	switch {
	case errors.Is(err, redis.Nil) && t.FailedOnMissing:
		return nil, fmt.Errorf("there is no key %s", t.Key)
	case errors.Is(err, redis.Nil):
		return GetOutput{Key: t.Key}, nil
	case err != nil:
		return nil, err
	}
	data, err := decode(t.SerdeType, text)
	if err != nil {
		return nil, fmt.Errorf("the value of %s is no JSON: %w", t.Key, err)
	}
	return GetOutput{data, t.Key}, nil
}

// Set writes the value of a key.
type Set struct {
	Connection
	Key       string     `json:"key" required:"true" doc:"The key."`
	Value     any        `json:"value" required:"true" doc:"The value."`
	Options   SetOptions `json:"options" doc:"When it is written, and how long it is kept."`
	Get       bool       `json:"get" default:"false" doc:"Whether the value before is put out."`
	SerdeType string     `json:"serdeType" default:"STRING" enum:"STRING,JSON" doc:"What the value is written as. A text that is written as JSON has to be some already."`
}

// SetOptions say when a value is written, and how long it is kept.
type SetOptions struct {
	Expiration
	Existence
	KeepTTL bool `json:"keepTtl" default:"false" doc:"Whether the key is kept for as long as it was to be."`
}

// Existence says when a value is written.
type Existence struct {
	MustNotExist bool `json:"mustNotExist" default:"false" doc:"Whether it is written only where there is none."`
	MustExist    bool `json:"mustExist" default:"false" doc:"Whether it is written only where there is one."`
}

// SetOutput is what was there.
type SetOutput struct {
	OldValue *string `json:"oldValue" doc:"The value before, where that is asked for."`
}

// words are the command's options.
func (o *SetOptions) words() ([]any, error) {
	var out []any
	switch {
	case o.MustExist && o.MustNotExist:
		return nil, errors.New("options: only one of mustExist and mustNotExist may be set")
	case o.MustExist:
		out = append(out, "XX")
	case o.MustNotExist:
		out = append(out, "NX")
	}
	switch {
	case o.KeepTTL && (o.ExpirationDuration != nil || o.ExpirationDate != nil):
		return nil, errors.New("options: keepTtl goes with neither expirationDuration nor expirationDate")
	case o.ExpirationDuration != nil && o.ExpirationDate != nil:
		return nil, errors.New("options: only one of expirationDuration and expirationDate may be set")
	case o.KeepTTL:
		out = append(out, "KEEPTTL")
	case o.ExpirationDuration != nil:
		out = append(out, "PX", time.Duration(*o.ExpirationDuration).Milliseconds())
	case o.ExpirationDate != nil:
		out = append(out, "PXAT", o.ExpirationDate.UnixMilli())
	}
	return out, nil
}

// Run writes the value.
func (t *Set) Run(ctx context.Context, run sdk.Run) (any, error) {
	text, err := encode(t.SerdeType, t.Value)
	if err != nil {
		return nil, fmt.Errorf("value: %w", err)
	}
	words, err := t.Options.words()
	if err != nil {
		return nil, err
	}
	if t.Get {
		words = append(words, "GET")
	}
	c, err := t.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer closed(c)
	old, err := c.Do(ctx, append([]any{"SET", t.Key, text}, words...)...).Text()
	switch {
	case err == nil && t.Get:
		return SetOutput{&old}, nil
	case errors.Is(err, redis.Nil) && !t.Get:
		run.Log(sdk.LevelInfo, "nothing is written: the options do not hold for %s", t.Key)
		return SetOutput{}, nil
	case errors.Is(err, redis.Nil):
		return SetOutput{}, nil
	}
	return SetOutput{}, err
}

// Delete deletes keys.
type Delete struct {
	Connection
	Keys            []string `json:"keys" required:"true" doc:"The keys."`
	FailedOnMissing bool     `json:"failedOnMissing" default:"false" doc:"Whether a missing key is an error; the others are deleted all the same."`
}

// Run deletes the keys.
func (t *Delete) Run(ctx context.Context, run sdk.Run) (any, error) {
	c, err := t.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer closed(c)
	n := int64(0)
	if len(t.Keys) > 0 {
		if n, err = c.Del(ctx, t.Keys...).Result(); err != nil {
			return nil, err
		}
	}
	if t.FailedOnMissing && n < int64(len(t.Keys)) {
		return nil, fmt.Errorf("only %d of %d keys were there", n, len(t.Keys))
	}
	run.Counter("deleted.records.count", float64(n))
	return Count{n}, nil
}

// Increment adds to the number of a key.
type Increment struct {
	Connection
	Key     string      `json:"key" required:"true" doc:"The key."`
	Amount  any         `json:"amount" typed:"true" doc:"What is added: a whole number, or one with a fraction; 1 unless it is set."`
	Options *Expiration `json:"options" doc:"How long the key is kept."`
}

// IncrementOutput is what came of adding.
type IncrementOutput struct {
	Value any    `json:"value" doc:"The number now."`
	Key   string `json:"key" doc:"The key."`
}

// Run adds to the number.
func (t *Increment) Run(ctx context.Context, _ sdk.Run) (any, error) {
	whole, fraction, err := amount(t.Amount)
	if err != nil {
		return nil, err
	}
	c, err := t.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer closed(c)
	out := IncrementOutput{Key: t.Key}
	if fraction != 0 {
		out.Value, err = c.IncrByFloat(ctx, t.Key, fraction).Result()
	} else {
		out.Value, err = c.IncrBy(ctx, t.Key, whole).Result()
	}
	if err != nil {
		return nil, err
	}
	return out, t.Options.apply(ctx, c, t.Key)
}

// amount is a whole number, or one with a fraction.
func amount(v any) (whole int64, fraction float64, err error) {
	if text, ok := v.(string); ok {
		if v, err = value.ParseJSON([]byte(text)); err != nil {
			return 0, 0, fmt.Errorf("amount: %q is not a number", text)
		}
	}
	if v == nil {
		return 1, 0, nil
	}
	if n, ok := value.AsInt(v); ok {
		return n, 0, nil
	}
	if f, ok := value.AsFloat(v); ok {
		return 0, f, nil
	}
	return 0, 0, fmt.Errorf("amount: %s is not a number", value.Print(v))
}

// TTL tells how long a key is kept.
type TTL struct {
	Connection
	Key string `json:"key" required:"true" doc:"The key."`
}

// TTLOutput is how long a key is kept.
type TTLOutput struct {
	TTL int64  `json:"ttl" doc:"For how many seconds: -1 for ever, -2 where the key is missing."`
	Key string `json:"key" doc:"The key."`
}

// Run asks for it.
func (t *TTL) Run(ctx context.Context, _ sdk.Run) (any, error) {
	c, err := t.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer closed(c)
	n, err := c.Do(ctx, "TTL", t.Key).Int64()
	return TTLOutput{n, t.Key}, err
}
