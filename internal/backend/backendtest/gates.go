package backendtest

import (
	"fmt"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

var gateScenarios = []scenario{
	{"a gate keeps its members by difference", gateMembers},
	{"members that came and went at once", gateCameAndWent},
	{"a gate with members is active", gateIsActive},
	{"a gate is deleted", gateDeleted},
	{"a long queue", gateLongQueue},
}

var gateOf = model.GateEntity(tenant, "company.team", "limited")

// member has come to the gate so many milliseconds after t0.
func member(id string, after int, running bool) model.GateMember {
	return model.GateMember{ExecutionID: id, Visit: 1, Since: t0.Add(time.Duration(after) * time.Millisecond), Running: running}
}

func gateChange(version int64, limit int, put []model.GateMember, drop ...string) *model.Transition {
	return &model.Transition{Of: gateOf, Version: version, Gate: &model.GateChange{Limit: limit, Behavior: model.BehaviorQueue, Revision: int(version) + 6, Put: put, Drop: drop}}
}

func gateMembers(t *testing.T, f *fixture) {
	f.commit(gateChange(1, 1, []model.GateMember{member("a", 0, true), member("b", 2, false), member("c", 1, false)}))
	again := member("b", 2, true)
	again.Visit, again.Forced = 2, true
	again.Priority = -3
	f.commit(gateChange(2, 3, []model.GateMember{again}, "a", "unknown"))
	s := f.load(gateOf)
	f.equal(s.Gate, &model.GateChange{Limit: 3, Behavior: model.BehaviorQueue, Revision: 8, Put: []model.GateMember{member("c", 1, false), again}})
	f.commit(&model.Transition{Of: gateOf, Version: 3})
	f.equal(f.load(gateOf).Gate, s.Gate)
}

func gateCameAndWent(t *testing.T, f *fixture) {
	f.commit(gateChange(1, 1, []model.GateMember{member("stays", 0, true), member("goes", 1, false)}))
	f.commit(
		gateChange(2, 1, []model.GateMember{member("brief", 2, false), member("goes", 1, true)}),
		gateChange(3, 1, nil, "brief", "goes", "stays"),
		gateChange(4, 2, []model.GateMember{member("stays", 3, false)}),
	)
	f.equal(f.load(gateOf).Gate, &model.GateChange{Limit: 2, Behavior: model.BehaviorQueue, Revision: 10, Put: []model.GateMember{member("stays", 3, false)}})
}

func gateIsActive(t *testing.T, f *fixture) {
	shard := backend.ShardOf(gateOf)
	e := execution(idInShard(shard))
	f.commit(create(e))
	f.commit(gateChange(1, 1, []model.GateMember{member("a", 0, true)}))
	both := []model.Entity{model.ExecutionEntity(e.ID), gateOf}
	f.equal(f.active(shard, model.Entity{}, 10), both)
	f.equal(f.active(shard, model.Entity{}, 1), both[:1])
	f.equal(f.active(shard, both[0], 10), both[1:])
	f.equal(f.active(shard, gateOf, 10), []model.Entity(nil))
	f.commit(gateChange(2, 1, nil, "a"))
	f.equal(f.active(shard, model.Entity{}, 10), both[:1])
}

func gateDeleted(t *testing.T, f *fixture) {
	f.commit(gateChange(1, 1, []model.GateMember{member("a", 0, true)}))
	f.commit(&model.Transition{Of: gateOf, Version: 2, Deleted: true})
	_, err := f.b.Load(f.ctx, f.lease(gateOf), gateOf)
	f.wantError(err, backend.ErrGone)
	f.equal(f.active(backend.ShardOf(gateOf), model.Entity{}, 10), []model.Entity(nil))
}

func gateLongQueue(t *testing.T, f *fixture) {
	const n = 2000
	var all []model.GateMember
	for i := range n {
		all = append(all, member(fmt.Sprintf("x%05d", i), i, false))
	}
	f.commit(gateChange(1, 1, all))
	f.commit(gateChange(2, 1, []model.GateMember{member("x00000", 0, true)}))
	s := f.load(gateOf)
	if len(s.Gate.Put) != n || !s.Gate.Put[0].Running || s.Gate.Put[n-1].ExecutionID != "x01999" {
		t.Errorf("%d members, the first %+v", len(s.Gate.Put), s.Gate.Put[0])
	}
}
