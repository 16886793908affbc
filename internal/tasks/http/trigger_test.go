package http_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	tasks "github.com/windhover-io/windhover/internal/tasks/http"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

func TestTrigger(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Kind", "plain")
		switch r.URL.Path {
		case "/price":
			fmt.Fprint(w, `{"price": 105}`)
		case "/empty":
			w.WriteHeader(http.StatusNoContent)
		case "/broken":
			http.Error(w, "sorry", http.StatusInternalServerError)
		default:
			echo(w, r)
		}
	}))
	defer srv.Close()
	for name, tc := range map[string]struct {
		props string
		fires bool
		want  map[string]any // some of the variables
	}{
		"an answer below 400 fires":    {props: "uri: %s/price", fires: true, want: map[string]any{"code": 200.0, "body": `{"price": 105}`}},
		"an answer of 500 does not":    {props: "uri: %s/broken"},
		"unless that is waited for":    {props: "uri: %s/broken\nresponseCondition: '{{ response.statusCode == 500 }}'", fires: true, want: map[string]any{"code": 500.0, "body": "sorry\n"}},
		"the list of codes has no say": {props: "uri: %s/broken\noptions: {allowedResponseCodes: [200]}"},
		"a condition on the body":      {props: "uri: %s/price\nresponseCondition: '{{ json(response.body).price <= 110 }}'", fires: true},
		"that does not hold":           {props: "uri: %s/price\nresponseCondition: '{{ json(response.body).price <= 100 }}'"},
		"a condition on a header":      {props: "uri: %s/price\nresponseCondition: \"{{ response.headers['x-kind'][0] == 'plain' }}\"", fires: true},
		"0 does not hold":              {props: "uri: %s/price\nresponseCondition: '0'"},
		"no body is null":              {props: "uri: %s/empty\nresponseCondition: '{{ response.body == null }}'", fires: true},
		"an encrypted body is readable for the condition": {props: "uri: %s/price\nencryptBody: true\nresponseCondition: '{{ json(response.body).price == 105 }}'", fires: true,
			want: map[string]any{"encryptedBody": map[string]any{"value": `encrypted:{"price": 105}`, "type": "io.kestra.datatype:aes_encrypted"}}},
		"all of a request is there": {props: "uri: %s/x\nmethod: POST\nparams: {a: 1}\nheaders: {X-One: one}\nbody: hello", fires: true,
			want: map[string]any{"body": "POST /x?a=1\nContent-Type: application/json; charset=UTF-8\nX-One: one\nhello"}},
	} {
		t.Run(name, func(t *testing.T) {
			out, _, err := taskstest.Poll(t, sdktest.New(t), tasks.Types(), "type: "+area+"Trigger\n"+fmt.Sprintf(tc.props, srv.URL))
			if err != nil {
				t.Fatal(err)
			}
			if (out != "") != tc.fires {
				t.Fatalf("it gives %q", out)
			}
			var got map[string]any
			if out != "" {
				if err := json.Unmarshal([]byte(out), &got); err != nil {
					t.Fatal(err)
				}
			}
			for k, want := range tc.want {
				if d := cmp.Diff(want, got[k]); d != "" {
					t.Errorf("%s: %s", k, d)
				}
			}
		})
	}
}

func TestTriggerErrors(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(echo))
	defer srv.Close()
	closed := httptest.NewServer(http.HandlerFunc(echo))
	closed.Close()
	for name, tc := range map[string]struct{ yaml, want string }{
		"the server is gone":                {"uri: " + closed.URL, "refused"},
		"the condition cannot be evaluated": {"uri: " + srv.URL + "\nresponseCondition: '{{ nothing.x }}'", "nothing"},
		"the address is not one of HTTP":    {"uri: ftp://example.com", "not an http or https address"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := taskstest.Poll(t, sdktest.New(t), tasks.Types(), "type: io.kestra.plugin.fs.http.Trigger\n"+tc.yaml)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v", err)
			}
		})
	}
}
