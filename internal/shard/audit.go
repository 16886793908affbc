package shard

import (
	"context"
	"errors"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

// auditEvery is how often a page of each shard's entities is looked at, auditPage how many entities that is.
const (
	auditEvery = time.Minute
	auditPage  = 20
)

// audit proves, a page at a time, what is promised of every entity that has not ended: that something or somebody will move
// it on. It reads what the last commit left, so it asks nothing of the shard's own goroutine. What it finds twice at the
// same version is real: an entity that waits for nothing is a defect and is reported; one that waits for what is not there
// is told so.
func (s *shard) audit(ctx context.Context) {
	tick := time.NewTicker(auditEvery)
	defer tick.Stop()
	var after model.Entity
	suspects := map[model.Entity]int64{} // version at which something was missing
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		page, err := s.cfg.Backend.Active(ctx, s.lease, after, auditPage)
		if err != nil {
			if ctx.Err() == nil && !errors.Is(err, backend.ErrFenced) && !errors.Is(err, backend.ErrClosed) {
				s.cfg.Log.Warn("auditing failed, trying again", "shard", s.lease.Shard, "error", err)
			}
			continue
		}
		for _, of := range page {
			after = of
			s.examine(ctx, of, suspects)
		}
		if len(page) < auditPage { // that was the last page: what is suspected is looked at again
			after = model.Entity{}
		}
	}
}

// examine looks at one entity.
func (s *shard) examine(ctx context.Context, of model.Entity, suspects map[model.Entity]int64) {
	snap, err := s.cfg.Backend.Load(ctx, s.lease, of)
	if err != nil {
		delete(suspects, of)
		return
	}
	forgotten, lost := s.machine.Missing(ctx, of, snap, s.cfg.Now())
	version, suspected := suspects[of]
	switch {
	case !forgotten && len(lost) == 0:
		delete(suspects, of)
	case !suspected || version != snap.Version:
		suspects[of] = snap.Version
	case forgotten:
		s.cfg.Log.Error("an entity waits for nothing", "entity", of.ID)
	default:
		s.cfg.Log.Warn("an entity waits for what is not there, and is told so", "entity", of.ID, "events", len(lost))
		s.cfg.Backend.Append(lost, func(err error) { // what does not arrive is found again by the next audit
			if err != nil && !errors.Is(err, backend.ErrClosed) {
				s.cfg.Log.Warn("telling it failed", "entity", of.ID, "error", err)
			}
		})
	}
}
