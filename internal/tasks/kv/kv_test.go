package kv_test

import (
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/kv"
	tasks "github.com/windhover-io/windhover/internal/tasks/kv"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

const area = "io.kestra.plugin.core.kv."

// TestSteps runs one task after the other on one store.
func TestSteps(t *testing.T) {
	b := memory.New()
	defer b.Close()
	types := tasks.Types(kv.New(b.Documents()))
	run := sdktest.New(t)
	run.Vars["inputs"] = map[string]any{"n": 5, "list": []any{1, "a"}}
	for _, s := range []struct{ yaml, want string }{ // a want that begins with ! is part of an error
		{"Get\nkey: none", `{}`},
		{"Get\nkey: none\nerrorOnMissing: true", "!no value found for the key 'none' in the namespace 'company.team'"},
		{"Set\nkey: n\nvalue: '{{ inputs.n }}'", ""},
		{"Get\nkey: n", `{"value":5}`},
		{"Set\nkey: n\nvalue: 6\noverwrite: false", "!exists already"},
		{"Set\nkey: l\nvalue: '{{ inputs.list }}'", ""},
		{"Get\nkey: l", `{"value":[1,"a"]}`},
		{"Set\nkey: m\nvalue: {a: '{{ inputs.n }}'}", ""},
		{"Get\nkey: m", `{"value":{"a":"5"}}`},
		{"Set\nkey: typed\nvalue: '12.5'\nkvType: NUMBER", ""},
		{"Get\nkey: typed", `{"value":12.5}`},
		{"Set\nkey: typed\nvalue: many\nkvType: NUMBER", "!is no NUMBER"},
		{"Set\nkey: text\nvalue: '12'\nkvType: STRING", ""},
		{"Get\nkey: text", `{"value":"12"}`},
		{"Set\nkey: '-'\nvalue: x", "!begins with a letter or digit"},
		{"Set\nkey: above\nvalue: up\nnamespace: company", ""},
		{"Get\nkey: above", `{"value":"up"}`}, // the flow's own namespace inherits
		{"Get\nkey: n\nnamespace: company", `{}`},
		{"Put\nkey: n\nvalue: 7", ""},
		{"Get\nkey: n", `{"value":7}`},
		{"Put\nkey: none\nvalue: 7\nerrorOnMissing: true", "!no value found"},
		{"GetKeys", `{"keys":["l","m","n","text","typed"]}`},
		{"GetKeys\nprefix: t", `{"keys":["text","typed"]}`},
		{"GetKeys\nnamespace: nobody", `{"keys":[]}`},
		{"Delete\nkey: n", `{"deleted":true}`},
		{"Delete\nkey: n", `{"deleted":false}`},
		{"Delete\nkey: n\nerrorOnMissing: true", "!no value found"},
		{"PurgeKV\nkeyPattern: 't*'", `{"size":0}`}, // only expired ones
		{"Set\nkey: brief\nvalue: 1\nttl: PT0.000001S", ""},
		{"Get\nkey: brief", "!the requested value has expired"},
		{"Get\nkey: brief\nerrorOnMissing: true", "!no value found"},
		{"Put\nkey: brief\nvalue: 2\nerrorOnMissing: true", "!no value found"},
		{"PurgeKV\nkeyPattern: 'x*'", `{"size":0}`},
		{"PurgeKV\nbehavior: {type: version, keepAmount: 1}", `{"size":0}`},
		{"PurgeKV", `{"size":1}`},
		{"Get\nkey: brief", `{}`},
		{"PurgeKV\nkeyPattern: 't*'\nbehavior: {type: key, expiredOnly: false}", `{"size":2}`},
		{"PurgeKV\nnamespaces: [company]\nexpiredOnly: false", `{"size":3}`},
		{"GetKeys\nnamespace: company", `{"keys":[]}`},
	} {
		out, err := taskstest.Run(t, run, types, "type: "+area+s.yaml)
		want, fails := strings.CutPrefix(s.want, "!")
		switch {
		case fails && out != "":
			t.Errorf("%s fails and puts out %s", s.yaml, out)
		case fails && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", s.yaml, err, want)
		case !fails && (err != nil || out != want):
			t.Errorf("%s: %s, %v, want %s", s.yaml, out, err, want)
		}
	}
}
