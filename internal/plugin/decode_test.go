package plugin_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

type inner struct {
	Rows  int          `json:"rows" default:"1" min:"1"`
	Where string       `json:"where" default:"{{ place }}"`
	As    sdk.Template `json:"as"`
	Need  string       `json:"need" required:"true"`
}

type everything struct {
	Text     string            `json:"text" alias:"oldText"`
	Optional *string           `json:"optional"`
	Count    int               `json:"count" default:"3" min:"1" max:"10"`
	Ratio    float64           `json:"ratio"`
	On       bool              `json:"on"`
	Wait     sdk.Duration      `json:"wait"`
	At       time.Time         `json:"at"`
	Level    sdk.Level         `json:"level"`
	Names    []string          `json:"names"`
	Colour   string            `json:"colour" enum:"RED,BLUE"`
	Colours  []string          `json:"colours" enum:"RED,BLUE"`
	Code     string            `json:"code" pattern:"^[a-z]+$"`
	Numbers  map[string]int    `json:"numbers"`
	Any      any               `json:"any"`
	Typed    any               `json:"typed" typed:"true"`
	Params   map[string]any    `json:"params" typed:"true"`
	Static   string            `json:"static" static:"true"`
	Template sdk.Template      `json:"template"`
	Raw      []sdk.Template    `json:"raw"`
	Inner    inner             `json:"inner"`
	Inners   []inner           `json:"inners"`
	Pointer  *inner            `json:"pointer"`
	Labels   map[string]string `json:"labels"`
	Tasks    plugin.Tasks      `json:"tasks"`
}

// render stands in for the expression language: {{ n }} is 7, {{ place }} is here, {{ bad }} fails.
func render(text string, typed bool) (any, error) {
	switch {
	case strings.Contains(text, "bad"):
		return nil, errors.New("unable to find bad")
	case text == "{{ n }}" && typed:
		return int64(7), nil
	}
	return strings.NewReplacer("{{ n }}", "7", "{{ place }}", "here", "{{ list }}", `["a","b"]`, "{{ obj }}", `{"need":"x","rows":2}`).Replace(text), nil
}

func decode(t *testing.T, props *value.Map) (*everything, error) {
	t.Helper()
	reg := plugin.NewRegistry()
	reg.Add(plugin.Type{Name: "t", Category: plugin.Task, New: func() any { return &everything{} }})
	typ, _ := reg.Lookup("t")
	v, err := typ.Decode(props, render)
	if err != nil {
		return nil, err
	}
	return v.(*everything), nil
}

func object(t *testing.T, json string) *value.Map {
	t.Helper()
	v, err := value.ParseJSON([]byte(json))
	if err != nil {
		t.Fatal(err)
	}
	return v.(*value.Map)
}

func TestDecode(t *testing.T) {
	text := func(s string) *string { return &s }
	base := func(change func(*everything)) *everything {
		e := &everything{Count: 3, Inner: inner{Rows: 1, Where: "here"}}
		change(e)
		return e
	}
	tests := []struct {
		name, props string
		want        *everything
	}{
		{"defaults, also of an absent object", `{}`, base(func(*everything) {})},
		{"text is rendered", `{"text": "a{{ n }}"}`, base(func(e *everything) { e.Text = "a7" })},
		{"an older name", `{"oldText": "a"}`, base(func(e *everything) { e.Text = "a" })},
		{"numbers become text", `{"text": 12, "optional": true}`, base(func(e *everything) { e.Text, e.Optional = "12", text("true") })},
		{"a list becomes JSON where text is expected", `{"text": [1, "{{ n }}"]}`, base(func(e *everything) { e.Text = `[1,"7"]` })},
		{"an absent pointer differs from an empty text", `{"optional": ""}`, base(func(e *everything) { e.Optional = text("") })},
		{"numbers from text", `{"count": "{{ n }}", "ratio": " 1.5 "}`, base(func(e *everything) { e.Count, e.Ratio = 7, 1.5 })},
		{"blank means absent", `{"on": "", "wait": " "}`, base(func(*everything) {})},
		{"null means absent", `{"count": null, "on": null}`, base(func(*everything) {})},
		{"booleans", `{"on": "True"}`, base(func(e *everything) { e.On = true })},
		{"durations as ISO and as seconds", `{"wait": "PT1M"}`, base(func(e *everything) { e.Wait = sdk.Duration(time.Minute) })},
		{"seconds", `{"wait": 1.5}`, base(func(e *everything) { e.Wait = sdk.Duration(1500 * time.Millisecond) })},
		{"dates", `{"at": "2026-01-31T12:00:00+01:00"}`, base(func(e *everything) {
			e.At = time.Date(2026, 1, 31, 12, 0, 0, 0, time.FixedZone("", 3600))
		})},
		{"levels in any case", `{"level": "warn"}`, base(func(e *everything) { e.Level = sdk.LevelWarn })},
		{"a list of an expression", `{"names": "{{ list }}"}`, base(func(e *everything) { e.Names = []string{"a", "b"} })},
		{"one text where several may stand", `{"names": "a"}`, base(func(e *everything) { e.Names = []string{"a"} })},
		{"words", `{"colour": "RED", "colours": ["BLUE", "RED"]}`, base(func(e *everything) {
			e.Colour, e.Colours = "RED", []string{"BLUE", "RED"}
		})},
		{"keys are rendered", `{"numbers": {"k{{ n }}": "{{ n }}"}}`, base(func(e *everything) { e.Numbers = map[string]int{"k7": 7} })},
		{"any value is rendered to text", `{"any": {"a": ["{{ n }}", 1]}}`, base(func(e *everything) {
			e.Any = value.MapOf(value.Entry{Key: "a", Value: []any{"7", int32(1)}})
		})},
		{"typed keeps the type", `{"typed": "{{ n }}"}`, base(func(e *everything) { e.Typed = int64(7) })},
		{"typed is the whole text only", `{"typed": {"a": "{{ n }}", "b": ["{{ n }}"]}}`, base(func(e *everything) {
			e.Typed = value.MapOf(value.Entry{Key: "a", Value: "7"}, value.Entry{Key: "b", Value: []any{"7"}})
		})},
		{"typed elements", `{"params": {"a": "{{ n }}", "b": ["{{ n }}"]}}`, base(func(e *everything) {
			e.Params = map[string]any{"a": int64(7), "b": []any{"7"}}
		})},
		{"static is not rendered", `{"static": "{{ bad }}"}`, base(func(e *everything) { e.Static = "{{ bad }}" })},
		{"templates are not rendered", `{"template": "{{ bad }}", "raw": ["{{ bad }}"]}`, base(func(e *everything) {
			e.Template, e.Raw = "{{ bad }}", []sdk.Template{"{{ bad }}"}
		})},
		{"an object with its defaults", `{"inner": {"need": "{{ n }}", "as": "{{ bad }}"}}`, base(func(e *everything) {
			e.Inner = inner{Rows: 1, Where: "here", Need: "7", As: "{{ bad }}"}
		})},
		{"templates within a list of objects", `{"inners": [{"need": "x", "as": "{{ bad }}", "rows": "{{ n }}"}]}`, base(func(e *everything) {
			e.Inners = []inner{{Rows: 7, Where: "here", Need: "x", As: "{{ bad }}"}}
		})},
		{"an object of an expression", `{"pointer": "{{ obj }}"}`, base(func(e *everything) {
			e.Pointer = &inner{Rows: 2, Where: "{{ place }}", Need: "x"}
		})},
		{"what is a part of the flow is left alone", `{"tasks": [{"id": "{{ bad }}"}]}`, base(func(*everything) {})},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := decode(t, object(t, test.props))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.want, got, cmp.Comparer(func(a, b *value.Map) bool { return value.Equal(a, b) })); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	tests := []struct{ props, want string }{
		{`{"text": "{{ bad }}"}`, "text: unable to find bad"},
		{`{"count": 11}`, "count: it must be at most 10"},
		{`{"count": "0"}`, "count: it must be at least 1"},
		{`{"count": 1.5}`, `count: "1.5" is not a whole number`},
		{`{"ratio": "x"}`, `ratio: "x" is not a number`},
		{`{"on": "yes"}`, `on: "yes" is not true or false`},
		{`{"wait": "1 hour"}`, "wait: "},
		{`{"at": "tomorrow"}`, "at: "},
		{`{"level": "loud"}`, "level: "},
		{`{"colour": "GREEN"}`, `colour: "GREEN" is none of RED, BLUE`},
		{`{"colours": ["RED", "GREEN"]}`, `colours[1]: "GREEN" is none of RED, BLUE`},
		{`{"code": "A1"}`, `code: "A1" does not match ^[a-z]+$`},
		{`{"numbers": [1]}`, "numbers: expected a map"},
		{`{"numbers": {"a": "x"}}`, `numbers.a: "x" is not a whole number`},
		{`{"inner": {"rows": 2}}`, "inner.need is required"},
		{`{"inner": {"need": null}}`, "inner.need is required"},
		{`{"inners": [{"need": "x"}, {"need": "x", "rows": 0}]}`, "inners[1].rows: it must be at least 1"},
		{`{"pointer": "no json"}`, "pointer: expected an object"},
	}
	for _, test := range tests {
		_, err := decode(t, object(t, test.props))
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: the error is %v, want %s…", test.props, err, test.want)
		}
	}
}

type runner struct {
	Image string `json:"image" required:"true"`
}

type withRunner struct {
	Runner *plugin.Plugin `json:"taskRunner" category:"taskRunners"`
}

func TestDecodeNested(t *testing.T) {
	reg := plugin.NewRegistry()
	reg.Add(plugin.Type{Name: "t", Category: plugin.Task, New: func() any { return &withRunner{} }},
		plugin.Type{Name: "docker", Category: plugin.TaskRunner, New: func() any { return &runner{} }})
	typ, _ := reg.Lookup("t")
	v, err := typ.Decode(object(t, `{"taskRunner": {"type": "docker", "image": "a{{ n }}"}}`), render)
	if err != nil {
		t.Fatal(err)
	}
	got := v.(*withRunner).Runner
	if got == nil || got.Type.Name != "docker" || got.Value.(*runner).Image != "a7" {
		t.Errorf("%+v", got)
	}
	for props, want := range map[string]string{
		`{"taskRunner": "docker"}`:           "taskRunner: expected an object with a type, got",
		`{"taskRunner": {"type": "podman"}}`: `taskRunner: there is no type "podman"`,
		`{"taskRunner": {"type": "docker"}}`: "taskRunner: image is required",
	} {
		if _, err := typ.Decode(object(t, props), render); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: the error is %v, want %s…", props, err, want)
		}
	}
}

func TestEncode(t *testing.T) {
	type sub struct {
		A int `json:"a"`
	}
	type out struct {
		URI     string            `json:"uri"`
		Missing *string           `json:"missing"`
		Empty   string            `json:"empty,omitempty"`
		Subs    []sub             `json:"subs"`
		Counts  map[string]int    `json:"counts"`
		Wait    sdk.Duration      `json:"wait"`
		At      time.Time         `json:"at"`
		Hidden  string            `json:"-"`
		Deep    map[string][]*sub `json:"deep"`
	}
	typ := &plugin.Type{Name: "t"}
	raw, err := typ.Encode(out{
		URI: "u", Subs: []sub{{1}, {2}}, Counts: map[string]int{"b": 2, "a": 1}, Wait: sdk.Duration(90 * time.Second),
		At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Hidden: "x", Deep: map[string][]*sub{"k": {{3}, nil}},
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"uri":"u","subs":[{"a":1},{"a":2}],"counts":{"a":1,"b":2},"wait":90.0,"at":"2026-01-02T03:04:05Z","deep":{"k":[{"a":3},null]}}`
	if string(raw) != want {
		t.Errorf("got  %s\nwant %s", raw, want)
	}
	if raw, err := typ.Encode(nil); raw != nil || err != nil {
		t.Errorf("no outputs are %s, %v", raw, err)
	}
	if _, err := typ.Encode([]int{1}); err == nil {
		t.Error("a list was taken for outputs")
	}
	if _, err := typ.Encode(map[string]any{"f": func() {}}); err == nil {
		t.Error("a function was taken for an output")
	}
}

// Common is what several types have alike.
type Common struct {
	Text  string `json:"text" default:"given"`
	Inner inner  `json:"inner"`
}

type embedding struct {
	Own string `json:"own"`
	Common
	Last int `json:"last" default:"4"`
}

func TestDecodeEmbedded(t *testing.T) {
	reg := plugin.NewRegistry()
	reg.Add(plugin.Type{Name: "test.Embedding", Category: plugin.Task, New: func() any { return &embedding{} }})
	typ, _ := reg.Lookup("test.Embedding")
	var names []string
	for _, p := range typ.Properties() {
		names = append(names, p.Name)
	}
	if diff := cmp.Diff([]string{"own", "text", "inner", "last"}, names); diff != "" {
		t.Error(diff)
	}
	got, err := typ.Decode(value.MapOf(
		value.Entry{Key: "own", Value: "mine"},
		value.Entry{Key: "inner", Value: value.MapOf(value.Entry{Key: "need", Value: "{{ n }}"})},
	), render)
	if err != nil {
		t.Fatal(err)
	}
	want := &embedding{Own: "mine", Common: Common{Text: "given", Inner: inner{Rows: 1, Where: "here", Need: "7"}}, Last: 4}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
