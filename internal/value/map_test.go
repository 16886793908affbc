package value

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMapKeepsOrder(t *testing.T) {
	var m Map
	for i := range 40 { // well beyond the size at which an index is kept
		m.Set(fmt.Sprint("k", i), i)
	}
	m.Set("k3", "changed")
	if !m.Delete("k0") || !m.Delete("k39") || m.Delete("k0") {
		t.Error("Delete should report what it removed")
	}
	if m.Len() != 38 || m.Has("k0") || m.Has("k39") || !m.Has("k38") {
		t.Errorf("38 keys should be left, found %v", m.Keys())
	}
	if k, v := m.At(2); k != "k3" || v != "changed" {
		t.Errorf("a key that is set again should keep its place, found %s=%v there", k, v)
	}
	i := 1
	for k, v := range m.All() {
		if got, ok := m.Get(k); k != fmt.Sprint("k", i) || !ok || got != v {
			t.Fatalf("entry %d is %s=%v, Get gives %v", i, k, v, got)
		}
		i++
	}
	c := m.Clone()
	c.Set("k1", "other")
	c.Delete("k2")
	if v, _ := m.Get("k1"); v != 1 || !m.Has("k2") {
		t.Error("changing a clone changed its original")
	}
}

func TestMapZeroAndNil(t *testing.T) {
	var zero Map
	var none *Map
	if zero.Len() != 0 || none.Len() != 0 || zero.Has("a") || none.Has("a") || len(none.Keys()) != 0 {
		t.Error("empty maps should have nothing")
	}
	for range none.All() {
		t.Error("a nil map should yield nothing")
	}
	zero.Set("a", nil)
	if v, ok := zero.Get("a"); v != nil || !ok {
		t.Error("a null value should be there")
	}
}

func TestMapJSON(t *testing.T) {
	var m Map
	const text = `{"z":1,"a":null,"m":{"y":[1.0,"x"]}}`
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(&m)
	if err != nil || string(got) != text {
		t.Errorf("gave %s (%v), expected %s", got, err, text)
	}
	if err := json.Unmarshal([]byte(`null`), &m); err != nil || m.Len() != 0 {
		t.Errorf("null should empty the map: %v, %v", m.Keys(), err)
	}
	if err := json.Unmarshal([]byte(`[1]`), &m); err == nil {
		t.Error("a list is not a map")
	}
	if got, err := json.Marshal((*Map)(nil)); err != nil || string(got) != "null" {
		t.Errorf("a nil map gave %s, %v", got, err)
	}
}

// lazy is an Object that counts how often all of it is built.
type lazy struct{ built *int }

func (l lazy) Get(key string) (any, bool) { return key + "!", key != "none" }
func (l lazy) Map() *Map {
	*l.built++
	return MapOf(Entry{"a", "a!"})
}

func TestObjectIsBuiltOnlyWhenWhole(t *testing.T) {
	built := 0
	o := lazy{&built}
	if !IsMap(o) || built != 0 {
		t.Error("IsMap should not build")
	}
	if m, ok := AsMap(o); !ok || m.Len() != 1 || built != 1 {
		t.Error("AsMap should build once")
	}
	if !Equal(o, MapOf(Entry{"a", "a!"})) || JavaString(o) != "{a=a!}" || Print(o) != `{"a":"a!"}` {
		t.Error("an Object should count as the map that it stands for")
	}
}

func TestNormalize(t *testing.T) {
	type name string
	number := 7
	for _, c := range []struct{ in, want any }{
		{int(5), int32(5)}, {int(1) << 40, int64(1 << 40)}, {uint8(3), int32(3)}, {name("x"), "x"}, {&number, int32(7)}, {(*Map)(nil), nil},
		{[]string{"a"}, []any{"a"}}, {[]int{1, 2}, []any{int32(1), int32(2)}}, {[]byte("b"), "b"}, {float32(1.5), float32(1.5)}, {(*int)(nil), nil},
	} {
		if diff := cmp.Diff(c.want, Normalize(c.in)); diff != "" {
			t.Errorf("%#v: %s", c.in, diff)
		}
	}
	for range 20 { // a Go map has a random order, ours must not
		if got := Print(Normalize(map[string]any{"c": 1, "a": map[string]int{"z": 1, "b": 2}, "b": nil})); got != `{"a":{"b":2,"z":1},"c":1}` {
			t.Fatalf("gave %s", got)
		}
	}
}
