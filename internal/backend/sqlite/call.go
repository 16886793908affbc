package sqlite

import (
	"context"
	"errors"
)

// call is a write of a repository. It goes through the same writer, in the same transaction as whatever commits have
// gathered; what it refuses leaves those alone.
type call struct {
	do func(*store) error
	// refused is what do said; it may be read once the call is durable.
	refused error
}

// refusal is an error of do that says no, rather than that the database failed.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// refuse makes err leave everything as it was, without failing the batch.
func refuse(err error) error { return refusal{err} }

// write runs do in the writer's next transaction and waits until it is durable.
func (b *Backend) write(ctx context.Context, do func(*store) error) error {
	c := &call{do: do}
	if err := b.Call(ctx, c); err != nil {
		return err
	}
	return c.refused
}

// call runs a repository's write so that it can be undone by itself.
func (s *store) call(c *call) error {
	c.refused = nil
	if _, err := s.exec("SAVEPOINT call"); err != nil {
		return err
	}
	err := c.do(s)
	var no refusal
	if errors.As(err, &no) {
		c.refused = no.error
		if _, err := s.exec("ROLLBACK TO call"); err != nil {
			return err
		}
	} else if err != nil {
		return unavailable(err)
	}
	_, err = s.exec("RELEASE call")
	return err
}
