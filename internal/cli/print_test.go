package cli

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestYAML: what is printed as YAML keeps its order and its types, and looks as people write it.
func TestYAML(t *testing.T) {
	const src = `{"b":{"x":[1,{"y":2.5,"z":null}],"empty":[],"none":{}},"a":"true","n":"12","big":12345678901234567890,` +
		`"lines":"one\ntwo\n","accent":"\u00e9","f":false,"date":"2030-01-02","odd: key":"- x"}`
	const want = `b:
  x:
    - 1
    - "y": 2.5
      z: null
  empty: []
  none: {}
a: "true"
"n": "12"
big: 12345678901234567890
lines: |
  one
  two
accent: é
f: false
date: "2030-01-02"
'odd: key': '- x'
`
	var out strings.Builder
	if err := printRaw(&out, "yaml", json.RawMessage(src)); err != nil || out.String() != want {
		t.Errorf("%v\n%s", err, out.String())
	}
}
