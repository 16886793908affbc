package yamldoc

import (
	"testing"

	"github.com/windhover-io/windhover/internal/value"
)

func TestFromValue(t *testing.T) {
	at := parseClean(t, "a:\n  b: 1\n").Get("a").Get("b")
	v, err := value.ParseJSON([]byte(`{"text": "x", "n": 1, "f": 1.5, "b": true, "null": null, "list": [1, {"k": "v"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	n := FromValue(at, v)
	if !value.Equal(n.Value(), v) {
		t.Errorf("%s became %s", value.Print(v), value.Print(n.Value()))
	}
	tags := map[string]string{"text": tagStr, "n": tagInt, "f": tagFloat, "b": tagBool, "null": tagNull, "list": tagSeq}
	for key, tag := range tags {
		if got := n.Get(key); got.Tag != tag || got.Line != 2 || got.Column != 6 || got.Path != "a.b" {
			t.Errorf("%s is %+v, want the tag %s at the place of a.b", key, got, tag)
		}
	}
	if !n.Get("null").IsNull() || n.Get("n").String() != "1" {
		t.Error("the accessors do not work")
	}
}

func TestNewMap(t *testing.T) {
	at := parseClean(t, "{a: 1, b: 2}")
	entries := append(at.Entries(), Entry{at.Entries()[0].Key, at.Get("b")})
	n := NewMap(at, entries)
	if len(n.Entries()) != 2 || n.Get("a").String() != "1" {
		t.Errorf("%v", n.Value())
	}
	if l := NewList(at, []*Node{at, n}); l.Kind != List || len(l.Items()) != 2 {
		t.Errorf("%v", l.Value())
	}
}
