package jsonschema

import (
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/value"
)

func TestCheck(t *testing.T) {
	const schema = `{"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#/$defs/n"}, "b": {"pattern": "^x"}}, "$defs": {"n": {"type": "integer", "maximum": 12}}}`
	s, err := Compile(schema)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][]string{
		`{"a": 1}`:                   nil,
		`{"a": 12}`:                  nil,
		`{"a": 13}`:                  {"/a", "maximum"},
		`{"b": "x"}`:                 {"a"},
		`{"a": "1", "b": "y"}`:       {"/a", "integer", "; ", "/b"},
		`{"a": null}`:                {"/a"},
		`[1]`:                        {"object"},
		`"{\"a\": 1}"`:               {"object"}, // a text is a text
		`{"a": 1, "deep": [[[{}]]]}`: nil,
	} {
		v, err := value.ParseJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		err = s.Check(v)
		if (err == nil) != (want == nil) {
			t.Errorf("%s: %v, want %q", text, err, want)
			continue
		}
		for _, part := range want {
			if !strings.Contains(err.Error(), part) || strings.ContainsAny(err.Error(), "\n") {
				t.Errorf("%s: %q, want %q in one line", text, err, part)
			}
		}
	}
}

func TestCompile(t *testing.T) {
	for schema, want := range map[string]string{
		`nonsense {`:                              "not JSON",
		`{"type": "thing"}`:                       "/type",
		`{"$ref": "file:///etc/passwd"}`:          "nothing outside of itself",
		`{"$ref": "http://127.0.0.1/x.json"}`:     "nothing outside of itself",
		`{"properties": {"a": {"pattern": "("}}}`: "(",
		`5`: "",
	} {
		if _, err := Compile(schema); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", schema, err, want)
		}
	}
	m := value.MapOf(value.Entry{Key: "type", Value: "object"})
	if s, err := Compile(m); err != nil || s.Check(m) != nil {
		t.Errorf("a schema that is a map: %v", err)
	}
}

func FuzzSchema(f *testing.F) {
	f.Add(`{"type": "object"}`, `{}`)
	f.Add(`{"$ref": "#"}`, `[]`)
	f.Add(`{"$schema": "http://json-schema.org/draft-07/schema#"}`, `1`)
	f.Fuzz(func(_ *testing.T, schema, text string) {
		s, err := Compile(schema)
		if err != nil {
			return
		}
		if v, err := value.ParseJSON([]byte(text)); err == nil {
			_ = s.Check(v)
		}
	})
}
