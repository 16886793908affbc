package sqlite

import (
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/sqlbase"
)

// span is a range of start dates in microseconds: from, and before.
type span struct{ from, before int64 }

var allTime = span{sqlbase.Floor(-1<<62, sqlbase.Day), sqlbase.Floor(1<<62, sqlbase.Day)}

// spanOf is the range that filters on the start date leave, and the number of those filters. One that leaves no range is
// not among them.
func spanOf(filters []backend.Filter) (s span, n int) {
	s = allTime
	for _, f := range filters {
		if f.Field != backend.FieldStartDate || f.Op == backend.OpNotEquals {
			continue
		}
		n++
		at, _ := f.Value.(time.Time)
		micros := sqlbase.Micros(at)
		switch f.Op {
		case backend.OpGreater:
			s.from = max(s.from, micros+1)
		case backend.OpGreaterEq:
			s.from = max(s.from, micros)
		case backend.OpLess:
			s.before = min(s.before, micros)
		case backend.OpLessEq:
			s.before = min(s.before, micros+1)
		case backend.OpEquals:
			s.from, s.before = max(s.from, micros), min(s.before, micros+1)
		}
	}
	return s, n
}

// within returns the range of whole buckets inside the span, which may be empty.
func (s span) within(width time.Duration) span {
	in := span{sqlbase.Floor(s.from, width), sqlbase.Floor(s.before, width)}
	if in.from < s.from {
		in.from += width.Microseconds()
	}
	in.before = max(in.before, in.from)
	return in
}

// edges are what is left of the span without its whole quarters of an hour.
func (s span) edges() []span {
	in := s.within(sqlbase.Quarter)
	if in.from == in.before {
		in = span{s.before, s.before} // there is none: all of it is one edge
	}
	var edges []span
	for _, e := range []span{{s.from, in.from}, {in.before, s.before}} {
		if e.from < e.before {
			edges = append(edges, e)
		}
	}
	return edges
}
