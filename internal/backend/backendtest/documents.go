package backendtest

import (
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
)

var documentScenarios = []scenario{
	{"conditional writes", documentVersions},
	{"one of many writers wins", documentRace},
	{"expiry", documentExpiry},
	{"search", documentSearch},
	{"deletion", documentDeletion},
}

func document(namespace, id, body string) backend.Document {
	return backend.Document{Kind: "kv", Tenant: tenant, Namespace: namespace, ID: id, Body: json.RawMessage(body), Text: "about " + id, Created: t0, Updated: t0}
}

func documentVersions(t *testing.T, f *fixture) {
	docs := f.b.Documents()
	_, err := docs.Put(f.ctx, document("ns", "a", `1`), 1)
	f.wantError(err, backend.ErrConflict)
	v, err := docs.Put(f.ctx, document("ns", "a", `1`), 0)
	f.must(err)
	f.equal(v, 1)
	for _, expect := range []int{0, 2} {
		_, err = docs.Put(f.ctx, document("ns", "a", `2`), expect)
		f.wantError(err, backend.ErrConflict)
	}
	second := document("ns", "a", `2`)
	second.Created, second.Updated = hour(1), hour(1)
	v, err = docs.Put(f.ctx, second, 1)
	f.must(err)
	f.equal(v, 2)
	v, err = docs.Put(f.ctx, second, backend.AnyVersion)
	f.must(err)
	f.equal(v, 3)
	got, err := docs.Get(f.ctx, "kv", tenant, "ns", "a")
	f.must(err)
	want := second
	want.Version, want.Created = 3, t0 // that of the first Put
	f.equal(got, &want)
	for _, other := range []struct{ kind, tenant, namespace string }{{"secret", tenant, "ns"}, {"kv", "other", "ns"}, {"kv", tenant, ""}} {
		_, err = docs.Get(f.ctx, other.kind, other.tenant, other.namespace, "a")
		f.wantError(err, backend.ErrNotFound)
	}
	_, err = docs.Put(f.ctx, document("ns", "new", `{`), 0)
	f.wantError(err, backend.ErrInvalid)
	v, err = docs.Put(f.ctx, document("ns", "new", `1`), backend.AnyVersion)
	f.must(err)
	f.equal(v, 1)
}

func documentRace(t *testing.T, f *fixture) {
	var won atomic.Int32
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() {
			if _, err := f.b.Documents().Put(f.ctx, document("ns", "a", fmt.Sprint(i)), 0); err == nil {
				won.Add(1)
			}
		})
	}
	all.Wait()
	f.equal(won.Load(), int32(1))
}

func documentExpiry(t *testing.T, f *fixture) {
	docs := f.b.Documents()
	soon := document("ns", "soon", `1`)
	soon.Expires = pointer(time.Now().Add(200 * time.Millisecond).UTC().Truncate(time.Microsecond))
	past := document("ns", "past", `1`)
	past.Expires = pointer(t0.Add(-100 * time.Hour))
	later := document("ns", "later", `1`)
	later.Expires = pointer(time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond))
	for _, d := range []backend.Document{soon, past, later} {
		_, err := docs.Put(f.ctx, d, 0)
		f.must(err)
	}
	_, err := docs.Get(f.ctx, "kv", tenant, "ns", "past")
	f.wantError(err, backend.ErrNotFound)
	f.wantError(docs.Delete(f.ctx, "kv", tenant, "ns", "past"), backend.ErrNotFound)
	f.eventually("the document expires", func() bool {
		_, err := docs.Get(f.ctx, "kv", tenant, "ns", "soon")
		return err != nil
	})
	page, err := docs.Search(f.ctx, "kv", backend.Query{Tenant: tenant, Size: 5})
	f.must(err)
	if len(page.Results) != 1 || page.Total != 1 || page.Results[0].ID != "later" || !page.Results[0].Expires.Equal(*later.Expires) {
		t.Errorf("left: %+v", page)
	}
	v, err := docs.Put(f.ctx, document("ns", "soon", `2`), 0) // as if it were deleted
	f.must(err)
	f.equal(v, 1)
}

func documentSearch(t *testing.T, f *fixture) {
	for i, id := range []string{"c", "a", "b"} {
		d := document(fmt.Sprint("ns", i%2), id, `1`)
		d.Created, d.Updated = hour(i), hour(9-i)
		_, err := f.b.Documents().Put(f.ctx, d, 0)
		f.must(err)
	}
	for _, c := range []struct {
		filters []backend.Filter
		sort    []backend.Sort
		want    string
	}{
		{nil, nil, "a b c"},
		{nil, []backend.Sort{{By: "id", Desc: true}}, "c b a"},
		{nil, []backend.Sort{{By: "created"}}, "c a b"},
		{nil, []backend.Sort{{By: "updated"}}, "b a c"},
		{nil, []backend.Sort{{By: "namespace", Desc: true}, {By: "id"}}, "a b c"},
		{[]backend.Filter{{Field: backend.FieldNamespace, Op: backend.OpEquals, Value: "ns0"}}, nil, "b c"},
		{[]backend.Filter{{Field: backend.FieldQuery, Op: backend.OpEquals, Value: "ABOUT B"}}, nil, "b"},
	} {
		page, err := f.b.Documents().Search(f.ctx, "kv", backend.Query{Tenant: tenant, Size: 10, Filters: c.filters, Sort: c.sort})
		f.must(err)
		var ids []string
		for _, d := range page.Results {
			ids = append(ids, d.ID)
		}
		if joined(ids) != c.want || page.Total != len(ids) {
			t.Errorf("%v by %v: %v (total %d), want %s", c.filters, c.sort, ids, page.Total, c.want)
		}
	}
	page, err := f.b.Documents().Search(f.ctx, "secret", backend.Query{Tenant: tenant, Size: 10})
	f.must(err)
	f.equal(page.Total, 0)
}

func documentDeletion(t *testing.T, f *fixture) {
	f.wantError(f.b.Documents().Delete(f.ctx, "kv", tenant, "ns", "a"), backend.ErrNotFound)
	_, err := f.b.Documents().Put(f.ctx, document("ns", "a", `1`), 0)
	f.must(err)
	f.must(f.b.Documents().Delete(f.ctx, "kv", tenant, "ns", "a"))
	_, err = f.b.Documents().Get(f.ctx, "kv", tenant, "ns", "a")
	f.wantError(err, backend.ErrNotFound)
	v, err := f.b.Documents().Put(f.ctx, document("ns", "a", `2`), 0)
	f.must(err)
	f.equal(v, 1)
}
