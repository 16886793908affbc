package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// connect connects, and sees that the server answers.
func (c *Connection) connect(ctx context.Context) (*redis.Client, error) {
	o, err := redis.ParseURL(c.URL)
	if err != nil {
		return nil, errors.New("url: it is not one such as redis://host:6379/0") // the reason would show the password
	}
	if o.Password == "" { // as the reference's client reads it
		o.Username, o.Password = "", o.Username
	}
	client := redis.NewClient(o)
	if err := client.Ping(ctx).Err(); err != nil {
		closed(client)
		return nil, fmt.Errorf("the server %s does not answer: %w", o.Addr, err)
	}
	return client, nil
}

func closed(c *redis.Client) { _ = c.Close() } // all that was asked for was answered

// decode reads what is stored.
func decode(serde, text string) (any, error) {
	if serde != "JSON" {
		return text, nil
	}
	return value.ParseJSON([]byte(text))
}

// encode writes what is to be stored. A text that is to be JSON has to be some already.
func encode(serde string, v any) (string, error) {
	text, isText := v.(string)
	switch {
	case serde != "JSON":
		return value.Print(v), nil
	case !isText:
		return string(value.AppendJSON(nil, v, value.JSONOptions{})), nil
	}
	if _, err := value.ParseJSON([]byte(text)); err != nil {
		return "", fmt.Errorf("it is no JSON: %w", err)
	}
	return text, nil
}

// Expiration says how long a key is kept.
type Expiration struct {
	ExpirationDuration *sdk.Duration `json:"expirationDuration" doc:"How long the key is kept."`
	ExpirationDate     *time.Time    `json:"expirationDate" doc:"When the key goes."`
}

// apply sets when a key goes.
func (e *Expiration) apply(ctx context.Context, c *redis.Client, key string) error {
	switch {
	case e == nil:
		return nil
	case e.ExpirationDuration != nil && e.ExpirationDate != nil:
		return errors.New("options: only one of expirationDuration and expirationDate may be set")
	case e.ExpirationDuration != nil && *e.ExpirationDuration > 0:
		return c.PExpire(ctx, key, time.Duration(*e.ExpirationDuration)).Err()
	case e.ExpirationDate != nil:
		return c.PExpireAt(ctx, key, *e.ExpirationDate).Err()
	}
	return nil
}
