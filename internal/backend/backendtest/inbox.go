package backendtest

import (
	"context"
	"sync"
	"testing"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

var inboxScenarios = []scenario{
	{"events arrive in the order of their sender", eventsInOrder},
	{"receive wakes at once", receiveWakes},
	{"receive gives an event once", receivedOnce},
	{"an event that is sent again has one effect", sentAgain},
	{"an event that is sent again after its end may come again", sentAfterEnd},
	{"ids are those of a receiver", sameIDTwoReceivers},
	{"reset brings back what is not acknowledged", resetBringsBack},
	{"an event without an id is refused", eventWithoutID},
	{"receive obeys its context", receiveCancelled},
	{"many senders", manySenders},
}

func eventsInOrder(t *testing.T, f *fixture) {
	to := entitiesIn(5, 3)
	var want []string
	for i := range 30 {
		e := event(numbered("e", i), to[i%3])
		want = append(want, e.ID)
		if i%2 == 0 {
			f.append(e)
		} else {
			f.b.Append([]model.Event{e}, func(error) {})
		}
	}
	f.equal(eventIDs(f.receiveEvents(to[0], 30)), want)
}

func receiveWakes(t *testing.T, f *fixture) {
	to := model.ExecutionEntity(model.NewID())
	got := make(chan []model.Event, 1)
	go func() {
		events, _ := f.b.Receive(f.ctx, f.lease(to), 10)
		got <- events
	}()
	f.append(event("e", to))
	f.equal(eventIDs(receive(f, got)), []string{"e"})
}

func receivedOnce(t *testing.T, f *fixture) {
	to := model.ExecutionEntity(model.NewID())
	f.append(event("a", to), event("b", to), event("c", to))
	first, err := f.b.Receive(f.ctx, f.lease(to), 2)
	f.must(err)
	if len(first) > 2 {
		t.Fatalf("%d events, want at most 2", len(first))
	}
	rest := f.receiveEvents(to, 3-len(first))
	f.equal(append(eventIDs(first), eventIDs(rest)...), []string{"a", "b", "c"})
	f.nothingToReceive(to)
}

func sentAgain(t *testing.T, f *fixture) {
	to := model.ExecutionEntity(model.NewID())
	e := event("e", to)
	f.append(e)
	f.append(e)
	f.append(e, e)
	f.receiveEvents(to, 1)
	// However often it was stored, one acknowledgement ends it.
	f.commit(&model.Transition{Of: to, Acks: []string{"e"}})
	f.b.Reset(f.lease(to))
	f.nothingToReceive(to)
}

func sentAfterEnd(t *testing.T, f *fixture) {
	to := model.ExecutionEntity(model.NewID())
	f.append(event("e", to))
	f.receiveEvents(to, 1)
	f.commit(&model.Transition{Of: to, Acks: []string{"e"}})
	f.append(event("e", to)) // the sender did not hear of the first time
	f.append(event("next", to))
	ids := eventIDs(f.receiveEvents(to, 1))
	if ids[0] == "e" {
		ids = append(ids, eventIDs(f.receiveEvents(to, 1))...)
	}
	if ids[len(ids)-1] != "next" {
		t.Errorf("received %v", ids)
	}
}

func sameIDTwoReceivers(t *testing.T, f *fixture) {
	to := entitiesIn(9, 2)
	f.append(event("same", to[0]), event("same", to[1]))
	events := f.receiveEvents(to[0], 2)
	f.equal([]model.Entity{events[0].To, events[1].To}, to)
	f.commit(&model.Transition{Of: to[0], Acks: []string{"same"}})
	f.b.Reset(f.leases[9])
	again := f.receiveEvents(to[0], 1)
	f.equal(again[0].To, to[1])
	f.nothingToReceive(to[0])
}

func resetBringsBack(t *testing.T, f *fixture) {
	to := entitiesIn(2, 1)[0]
	f.append(event("a", to), event("b", to), event("c", to))
	f.receiveEvents(to, 3)
	f.commit(&model.Transition{Of: to, Acks: []string{"b"}})
	f.b.Reset(f.leases[2])
	f.equal(eventIDs(f.receiveEvents(to, 2)), []string{"a", "c"})
	f.nothingToReceive(to)
}

func eventWithoutID(t *testing.T, f *fixture) {
	f.wantError(f.appendError(event("", model.ExecutionEntity("x"))), backend.ErrInvalid)
	f.wantError(f.appendError(event("e", model.ExecutionEntity(""))), backend.ErrInvalid)
}

func receiveCancelled(t *testing.T, f *fixture) {
	ctx, cancel := context.WithCancel(f.ctx)
	got := make(chan error, 1)
	go func() {
		_, err := f.b.Receive(ctx, f.leases[0], 1)
		got <- err
	}()
	cancel()
	f.wantError(receive(f, got), context.Canceled)
}

func manySenders(t *testing.T, f *fixture) {
	const senders, each = 8, 50
	to := entitiesIn(7, 4)
	var sent sync.WaitGroup
	for s := range senders {
		sent.Go(func() {
			for i := range each {
				done := make(chan error, 1)
				f.b.Append([]model.Event{event(numbered(string(rune('a'+s)), i), to[i%4])}, func(err error) { done <- err })
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
		})
	}
	last := map[byte]string{}
	for _, e := range f.receiveEvents(to[0], senders*each) {
		if sender := e.ID[0]; e.ID <= last[sender] {
			t.Errorf("%s came after %s", e.ID, last[sender])
		} else {
			last[sender] = e.ID
		}
	}
	sent.Wait()
	f.nothingToReceive(to[0])
}
