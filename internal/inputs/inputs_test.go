package inputs

import (
	"errors"
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

func resolver() *Resolver {
	return &Resolver{Templates: expr.NewCache(100), Encrypt: func(s string) (string, error) { return "sealed " + s, nil }}
}

func in(id, typ string, props ...any) *model.Input {
	i := &model.Input{ID: id, Type: typ, Required: true, Props: value.NewMap(len(props) / 2)}
	for n := 0; n+1 < len(props); n += 2 {
		i.Props.Set(props[n].(string), props[n+1])
	}
	return i
}

func list(items ...any) []any { return items }

// TestTypes holds every type against what the reference makes of texts and of values.
func TestTypes(t *testing.T) {
	for _, c := range []struct {
		in   *model.Input
		raw  any
		want string // as JSON, or the error
	}{
		{in("a", "STRING"), "", `""`},
		{in("a", "STRING", "validator", "[a-z]+"), "abc", `"abc"`},
		{in("a", "STRING", "validator", "[a-z]+"), "abc1", "it must match the pattern `[a-z]+`"},
		{in("a", "INT"), "42", `42`},
		{in("a", "INT"), int32(42), `42`},
		{in("a", "INT"), "3.5", `For input string: "3.5"`},
		{in("a", "INT"), " 1", `For input string`},
		{in("a", "INT", "min", int32(2)), "2", `2`},
		{in("a", "INT", "min", int32(2)), "1", "it must be more than `2`"},
		{in("a", "INT", "max", int32(5)), "6", "it must be less than `5`"},
		{in("a", "INT"), int64(2147483647), `2147483647`},
		{in("a", "INT"), int64(3000000000), "it has more than 32 bits"},
		{in("a", "INT"), "-2147483649", "For input string"},
		{in("a", "FLOAT"), "42.42", `42.42`},
		{in("a", "FLOAT", "max", 3.0), "NaN", "it is not a finite number"},
		{in("a", "FLOAT"), "-Infinity", "it is not a finite number"},
		{in("a", "FLOAT"), int32(2), `2.0`},
		{in("a", "FLOAT"), "x", "For input string"},
		{in("a", "BOOL"), "TRUE", `true`},
		{in("a", "BOOLEAN"), "yes", `false`},                                                // as the reference has it
		{in("a", "DATETIME"), "2024-01-01T01:00:00+01:00", `"2024-01-01T00:00:00.000000Z"`}, // in UTC
		{in("a", "DATETIME"), "2024-02-03T04:05:06.123456789Z", `"2024-02-03T04:05:06.123456Z"`},
		{in("a", "DATETIME"), "2024-01-01", "Expected `DATETIME`"},
		{in("a", "DATETIME", "after", "2024-01-02T00:00:00Z"), "2024-01-01T00:00:00Z", "it must be after"},
		{in("a", "DATE"), "2024-02-29", `"2024-02-29"`},
		{in("a", "DATE"), "2023-02-29", "Expected `DATE`"},
		{in("a", "TIME"), "12:30", `"12:30:00"`},
		{in("a", "TIME"), "10:11:12.5", `"10:11:12.5"`},
		{in("a", "ARRAY", "itemType", "DATETIME"), `["2024-01-01T00:00:00Z"]`, `["2024-01-01T00:00:00.000000Z"]`},
		{in("a", "DURATION", "min", "PT1M"), "PT30S", "It must be more than `PT1M`"},
		{in("a", "DURATION"), "soon", "Expected `DURATION`"},
		{in("a", "JSON"), `{"b":[1]}`, `{"b":[1]}`},
		{in("a", "JSON"), `{"b"`, "Expected `JSON`"},
		{in("a", "JSON", "jsonSchema", `{"required": ["b"]}`), `{"b":1}`, `{"b":1}`},
		{in("a", "JSON", "jsonSchema", `{"required": ["b"]}`), `{"c":1}`, "it does not agree with the schema"},
		{in("a", "JSON", "jsonSchema", `{"properties": {"b": {"type": "integer"}}}`), value.MapOf(value.Entry{Key: "b", Value: "x"}), "at '/b'"},
		{in("a", "JSON", "jsonSchema", `{`), `{}`, "its jsonSchema cannot be used"},
		{in("a", "YAML"), "b: [1]", `{"b":[1]}`},
		{in("a", "URI"), "https://example.org/x", `"https://example.org/x"`},
		{in("a", "URI"), "example", "Invalid URI format."},
		{in("a", "EMAIL"), "a@b", `"a@b"`},
		{in("a", "EMAIL"), "a b@c", "The input must be a valid email"},
		{in("a", "SECRET"), "hush", `{"type":"io.kestra.datatype:aes_encrypted","value":"sealed hush"}`},
		{in("a", "SECRET", "validator", "x+"), "hush", "it must match the pattern"},
		{in("a", "ARRAY", "itemType", "INT"), `[1,"2"]`, `[1,2]`},
		{in("a", "ARRAY", "itemType", "INT"), `[1,"x"]`, "Unable to parse array element as `INT` on `x`"},
		{in("a", "SELECT", "values", list("x", "y")), "y", `"y"`},
		{in("a", "SELECT", "values", list("x", "y")), "z", "it must match the values `[x, y]`"},
		{in("a", "SELECT", "values", list("x"), "allowCustomValue", true), "z", `"z"`},
		{in("a", "SELECT", "values", list(value.MapOf(value.Entry{Key: "label", Value: "X"}, value.Entry{Key: "value", Value: "x"}))), "x", `"x"`},
		{in("a", "MULTISELECT", "values", list("x", "y")), `["x"]`, `["x"]`},
		{in("a", "MULTISELECT", "values", list("x", "y")), `["z"]`, "value `z` doesn't match the values `[x, y]`"},
		{in("a", "FILE", "allowedFileExtensions", list(".csv")), "kestra:///a/b.txt", "one of the extensions"},
	} {
		given := value.MapOf(value.Entry{Key: "a", Value: c.raw})
		m, err := resolver().Resolve([]*model.Input{c.in}, given, nil)
		if err != nil {
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s %v: %q does not say %q", c.in.Type, c.raw, err, c.want)
			}
			continue
		}
		v, _ := m.Get("a")
		if got := string(value.AppendJSON(nil, v, value.JSONOptions{KeepNulls: true})); got != c.want {
			t.Errorf("%s %v: %s, not %s", c.in.Type, c.raw, got, c.want)
		}
	}
}

// TestResolve covers what is between inputs: defaults, dependencies, nesting, and everything wrong told at once.
func TestResolve(t *testing.T) {
	optional := in("opt", "STRING")
	optional.Required = false
	title := in("title", "STRING")
	title.Defaults, title.DependsOn = "hi {{ inputs.name }}", &model.DependsOn{Inputs: []string{"name"}}
	admin := in("admin.level", "INT")
	admin.DependsOn = &model.DependsOn{Inputs: []string{"name"}, Condition: "{{ inputs.name == 'root' }}"}
	name := in("name", "STRING")
	name.Defaults = "Ada"
	first := in("first", "SELECT", "expression", "{{ ['p', 'q'] }}", "autoSelectFirst", true)
	form := &model.Input{ID: "form", Type: "FORM", Inputs: []*model.Input{optional}}
	some := in("some", "MULTISELECT", "values", list("p", "q"), "autoSelectFirst", true)
	all := []*model.Input{title, name, admin, optional, first, some, form}

	m, err := resolver().Resolve(all, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"title":"hi Ada","name":"Ada","opt":null,"first":"p","some":["p"],"form":{"opt":null}}`
	if got := string(value.AppendJSON(nil, m, value.JSONOptions{KeepNulls: true})); got != want {
		t.Errorf("%s, not %s", got, want)
	}

	_, err = resolver().Resolve(all, value.MapOf(value.Entry{Key: "name", Value: "root"}), nil)
	if err == nil || !strings.Contains(err.Error(), "Missing required input:admin.level") {
		t.Errorf("a required input whose condition holds is asked for: %v", err)
	}
	nested := value.MapOf(value.Entry{Key: "name", Value: "root"},
		value.Entry{Key: "admin", Value: value.MapOf(value.Entry{Key: "level", Value: int32(3)})})
	if m, err = resolver().Resolve(all, nested, nil); err != nil {
		t.Fatal(err)
	}
	if sub, _ := m.Get("admin"); value.Print(sub) != `{"level":3}` {
		t.Errorf("an id with a dot is a member of a map, not %s", value.Print(sub))
	}

	_, err = resolver().Resolve([]*model.Input{in("x", "INT"), in("y", "INT"), in("z", "STRING")},
		value.MapOf(value.Entry{Key: "x", Value: "a"}, value.Entry{Key: "y", Value: "b"}), nil)
	var problems *Error
	if !errors.As(err, &problems) || len(problems.Problems) != 3 {
		t.Errorf("everything that is wrong is told at once: %v", err)
	}
}

// TestCycle sees that inputs that depend on each other do not hang, though flows like that are refused when they are saved.
func TestCycle(t *testing.T) {
	a, b := in("a", "STRING"), in("b", "STRING")
	a.Defaults, a.DependsOn = "{{ inputs.b ?? 'x' }}", &model.DependsOn{Inputs: []string{"b"}}
	b.Defaults, b.DependsOn = "{{ inputs.a ?? 'y' }}", &model.DependsOn{Inputs: []string{"a"}}
	if _, err := resolver().Resolve([]*model.Input{a, b}, nil, nil); err != nil {
		t.Log(err) // an error is as good as a value
	}
}
