package kubernetes

import (
	"io"
	"time"
)

// NewAt is New for pods whose containers are processes of this machine: their directories are below one of it.
func NewAt(root string) *Clusters {
	c := New()
	c.root = root
	return c
}

// Hasty makes runners give up soon what a cluster does not do.
func (c *Clusters) Hasty() { c.stubborn = 50 * time.Millisecond }

// Use makes the cluster of a runner one that is in use.
func (c *Clusters) Use(r *Runner) {
	if _, err := c.connect(r.Config, r.Namespace); err != nil {
		panic(err)
	}
}

// Log hands on several streams of one log, one after the other, as when each has broken.
func Log(write func([]byte) error, streams ...io.Reader) error {
	var at place
	for _, r := range streams {
		if err := at.copy(r, write); err != nil {
			return err
		}
	}
	return nil
}
