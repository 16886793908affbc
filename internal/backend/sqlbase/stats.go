package sqlbase

import "time"

// Executions are counted as they are written, in the same commit, so that neither the total of a list nor a chart reads
// them all: for the quarter of an hour of their start, for its day, UTC, and altogether. Every time zone's midnight is
// the beginning of a quarter.
const (
	Quarter = 15 * time.Minute
	Day     = 24 * time.Hour
)

// StatKey is what executions are counted by.
type StatKey struct {
	Tenant, Namespace, FlowID string
	State, Kind               string
	Child                     bool
	Quarter                   int64 // the start of the quarter, in microseconds
}

// Stat is what is counted: how many there are, how many of them have ended, and the durations of those in microseconds.
type Stat struct {
	N, Ended      int64
	Sum, Min, Max int64
}

// Stat returns what an execution counts as.
func (r *ExecutionRow) Stat() (StatKey, Stat) {
	key := StatKey{
		Tenant: r.Tenant, Namespace: r.Namespace, FlowID: r.FlowID, State: r.State, Kind: r.Kind,
		Child: r.TriggerExecution != "", Quarter: Floor(r.Started, Quarter),
	}
	if !r.Duration.Valid {
		return key, Stat{N: 1}
	}
	d := r.Duration.Int64
	return key, Stat{1, 1, d, d, d}
}

// Floor is the start of the span of that width that a time in microseconds lies in.
func Floor(micros int64, width time.Duration) int64 {
	w := width.Microseconds()
	into := micros % w
	if into < 0 {
		into += w
	}
	return micros - into
}

// StatChange is what a batch adds to a count and takes from it. Lost are the durations taken.
type StatChange struct {
	Added Stat
	Taken int64
	Ended int64 // of those taken
	Sum   int64
	Lost  []int64
}

// StatChanges gathers the changes of a batch.
type StatChanges map[StatKey]*StatChange

func (cs StatChanges) of(key StatKey) *StatChange {
	c := cs[key]
	if c == nil {
		c = &StatChange{}
		cs[key] = c
	}
	return c
}

// Add counts one more.
func (cs StatChanges) Add(key StatKey, s Stat) { cs.of(key).Added.merge(s) }

// Take counts one less.
func (cs StatChanges) Take(key StatKey, s Stat) {
	c := cs.of(key)
	c.Taken += s.N
	if s.Ended > 0 {
		c.Ended += s.Ended
		c.Sum += s.Sum
		c.Lost = append(c.Lost, s.Sum)
	}
}

func (s *Stat) merge(o Stat) {
	if o.Ended > 0 {
		if s.Ended == 0 || o.Min < s.Min {
			s.Min = o.Min
		}
		if s.Ended == 0 || o.Max > s.Max {
			s.Max = o.Max
		}
	}
	s.N += o.N
	s.Ended += o.Ended
	s.Sum += o.Sum
}
