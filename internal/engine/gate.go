package engine

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/model"
)

// Gate is the concurrency limit of one flow: which executions hold a slot and which wait for one. It is an entity of its
// own, so that the limit is exact however many executors there are.
type Gate struct {
	Of       model.Entity
	Limit    int
	Behavior string
	Revision int // of the flow that the limit is from
	Version  int64
	members  map[string]*model.GateMember // by execution id
	running  int                          // members that hold a slot
	waiting  []*model.GateMember          // the others, those whose turn is next first
}

// LoadGate builds a gate from its records; nil is a gate that nobody has asked yet.
func LoadGate(of model.Entity, rec *model.GateChange, version int64) *Gate {
	g := &Gate{Of: of, Version: version, members: map[string]*model.GateMember{}}
	if rec == nil {
		return g
	}
	g.Limit, g.Behavior, g.Revision = rec.Limit, rec.Behavior, rec.Revision
	for i := range rec.Put {
		g.add(rec.Put[i])
	}
	return g
}

func (g *Gate) add(m model.GateMember) {
	g.members[m.ExecutionID] = &m
	if m.Running {
		g.running++
		return
	}
	i, _ := slices.BinarySearchFunc(g.waiting, &m, byWait)
	g.waiting = slices.Insert(g.waiting, i, &m)
}

func (g *Gate) remove(id string) {
	m := g.members[id]
	if m == nil {
		return
	}
	delete(g.members, id)
	if m.Running {
		g.running--
		return
	}
	if i, ok := slices.BinarySearchFunc(g.waiting, m, byWait); ok {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
}

// byWait orders those that wait: by priority, then by how long they have.
func byWait(a, b *model.GateMember) int {
	if a.Priority != b.Priority {
		return b.Priority - a.Priority
	}
	if c := a.Since.Compare(b.Since); c != 0 {
		return c
	}
	return strings.Compare(a.ExecutionID, b.ExecutionID)
}

// StepGate moves a gate by one event.
func StepGate(g *Gate, ev *model.Event, now time.Time) *model.Transition {
	s := &gateStep{g: g, now: now, t: &model.Transition{Of: g.Of, Version: g.Version + 1, Acks: []string{ev.ID}}}
	s.t.Gate = &model.GateChange{}
	m := ev.Gate
	switch ev.Kind {
	case model.EventEnter:
		if m.Limit > 0 && m.Revision >= g.Revision { // what comes from an older revision does not set the limit back
			g.Limit, g.Behavior, g.Revision = m.Limit, m.Behavior, m.Revision
		}
		s.enter(m)
	case model.EventLeft:
		s.left(m)
	}
	s.admitWaiting()
	s.t.Gate.Limit, s.t.Gate.Behavior, s.t.Gate.Revision = g.Limit, g.Behavior, g.Revision
	g.Version++
	return s.t
}

type gateStep struct {
	g   *Gate
	now time.Time
	t   *model.Transition
}

func (s *gateStep) enter(m *model.GateMessage) {
	g := s.g
	old := g.members[m.ExecutionID]
	switch {
	case old != nil && old.Visit > m.Visit:
		return
	case old != nil && old.Visit == m.Visit && !m.Forced:
		if old.Running {
			s.send(model.EventGranted, m.ExecutionID, m.Visit)
		}
		return
	}
	g.remove(m.ExecutionID)
	member := model.GateMember{ExecutionID: m.ExecutionID, Visit: m.Visit, Since: m.Since, Forced: m.Forced, Priority: m.Priority}
	switch {
	case m.Forced || g.running < g.Limit && len(g.waiting) == 0:
		member.Running = true
	case g.Behavior != model.BehaviorQueue:
		s.send(model.EventRefused, m.ExecutionID, m.Visit)
		return
	}
	s.put(member)
	if member.Running {
		s.send(model.EventGranted, m.ExecutionID, m.Visit)
	} else {
		s.send(model.EventQueued, m.ExecutionID, m.Visit)
	}
}

func (s *gateStep) left(m *model.GateMessage) {
	if old := s.g.members[m.ExecutionID]; old != nil && old.Visit <= m.Visit {
		s.g.remove(m.ExecutionID)
		s.t.Gate.Drop = append(s.t.Gate.Drop, m.ExecutionID)
	}
}

// admitWaiting gives free slots to those that have waited longest.
func (s *gateStep) admitWaiting() {
	g := s.g
	for g.running < g.Limit && len(g.waiting) > 0 {
		next := *g.waiting[0]
		next.Running = true
		s.put(next)
		s.send(model.EventGranted, next.ExecutionID, next.Visit)
	}
}

func (s *gateStep) put(m model.GateMember) {
	s.g.remove(m.ExecutionID)
	s.g.add(m)
	s.t.Gate.Put = append(s.t.Gate.Put, m)
}

func (s *gateStep) send(kind model.EventKind, execution string, visit int) {
	s.t.Events = append(s.t.Events, model.Event{
		ID: model.DeriveID("gate", s.g.Of.ID, string(kind), execution, strconv.Itoa(visit), strconv.FormatInt(s.g.Version, 10)),
		To: model.ExecutionEntity(execution), Kind: kind, At: s.now,
		Gate: &model.GateMessage{Gate: s.g.Of.ID, ExecutionID: execution, Visit: visit, Limit: s.g.Limit, Behavior: s.g.Behavior},
	})
}
