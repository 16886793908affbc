// Package secrets runs flows that let secrets out in every way that a flow has, and looks for them in all that a server
// gives out: each kind of secret, in each encoding, on each path.
package secrets

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/windhover-io/windhover/e2e/installation"
	"github.com/windhover-io/windhover/internal/mask"
)

// kinds are the expressions that reveal secrets, and what they reveal.
var kinds = map[string]struct{ expr, plain string }{
	"environment":      {`secret('ENVY')`, `env "s3cr&t"/one ü`},
	"stored":           {`secret('STORED')`, `stored <s3cr+t>/two?`},
	"former value":     {`kv('former')`, `former s3cret \three`},
	"subkey":           {`secret('STRUCTURE', subkey='inner')`, `inner=s3cret four`},
	"input":            {`inputs.pw`, `input's s3cret: five`},
	"encrypted output": {`outputs.call.encryptedBody`, `answered s3cret; six`},
}

// encodings are what flows do to secrets, and what then stands there.
var encodings = map[string]struct {
	filter string
	form   func(string) string
}{
	"plain":  {"", func(s string) string { return s }},
	"base64": {" | base64encode", func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }},
	"URL":    {" | urlencode", url.QueryEscape},
	"JSON":   {" | toJson", func(s string) string { return inJSON(s) }},
	"upper":  {" | upper", strings.ToUpper},
}

func inJSON(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s)
	return strings.TrimSuffix(b.String(), "\"\n")[1:]
}

// flow lets X out on every path that there is. The tasks that fail are allowed to.
const flow = `id: leak
namespace: company.team
inputs:
  - {id: pw, type: SECRET}
  - {id: told, type: STRING, defaults: "of the input: {{ secret('ENVY') }}"}
variables:
  v: nothing
tasks:
  - {id: call, type: io.kestra.plugin.core.http.Request, uri: "%[1]s", encryptBody: true}
  - id: all
    type: io.kestra.plugin.core.flow.AllowFailure
    tasks:
      - {id: log, type: io.kestra.plugin.core.log.Log, message: "logged <X>"}
      - {id: file, type: io.kestra.plugin.core.log.Log, message: "logged <X>", logToFile: true}
      - {id: put, type: io.kestra.plugin.core.debug.Return, format: "put out <X>"}
      - {id: indirect, type: io.kestra.plugin.core.log.Log, message: "from outputs: {{ outputs.put.value }}"}
      - {id: values, type: io.kestra.plugin.core.output.OutputValues, values: {deep: [{"<X>": "<X>"}]}}
      - {id: each, type: io.kestra.plugin.core.flow.ForEach, values: ["<X>"], tasks: [{id: inner, type: io.kestra.plugin.core.debug.Return, format: x}]}
      - {id: labels, type: io.kestra.plugin.core.execution.Labels, labels: {leaked: "<X>"}}
      - {id: vars, type: io.kestra.plugin.core.execution.SetVariables, variables: {v: "<X>"}}
      - {id: measure, type: io.kestra.plugin.core.metric.Publish, metrics: [{type: counter, name: n, value: 1, tags: {tag: "<X>"}}]}
      - {id: write, type: io.kestra.plugin.core.storage.Write, content: "written <X>", extension: .txt}
      - {id: wd, type: io.kestra.plugin.core.flow.WorkingDirectory, tasks: [{id: within, type: io.kestra.plugin.core.log.Log, message: "within <X>"}]}
      - {id: tell, type: io.kestra.plugin.core.http.Request, uri: "%[1]s", method: POST, body: "<X>"}
      - {id: property, type: io.kestra.plugin.core.log.Log, message: "{{ (<RAW>) | number }}", allowFailure: true}
      - {id: condition, type: io.kestra.plugin.core.log.Log, message: x, runIf: "{{ (<RAW>) | number }}", allowFailure: true}
      - {id: choice, type: io.kestra.plugin.core.flow.Switch, value: "<X>", cases: {none: [{id: never, type: io.kestra.plugin.core.debug.Return}]}}
  - {id: wait, type: io.kestra.plugin.core.flow.Sequential, tasks: [{id: fail, type: io.kestra.plugin.core.execution.Fail, errorMessage: "failed with <X>"}]}
outputs:
  - {id: out, type: STRING, value: "flow's output <X>"}
`

func TestNothingLeaks(t *testing.T) {
	var mu sync.Mutex
	var received []string
	peer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		received = append(received, string(b))
		mu.Unlock()
		_, _ = io.WriteString(w, kinds["encrypted output"].plain)
	}))
	defer peer.Close()
	s := start(t)
	for kind, k := range kinds {
		for encoding, enc := range encodings {
			t.Run(kind+" "+encoding, func(t *testing.T) {
				form := enc.form(k.plain)
				src := fmt.Sprintf(flow, peer.URL)
				src = strings.NewReplacer("<X>", "{{ "+k.expr+enc.filter+" }}", "<RAW>", k.expr+enc.filter).Replace(src)
				s.put(t, "/flows/company.team/leak", "application/x-yaml", src)
				given := s.leak(t)
				mu.Lock()
				told := received[len(received)-1]
				received = nil
				mu.Unlock()
				if !strings.Contains(told, form) && !strings.Contains(told, k.plain) {
					t.Fatalf("the task itself did not get the secret, but %q", told)
				}
				for where, text := range given {
					for _, leaked := range []string{k.plain, form, inJSON(k.plain), inJSON(form), inJSON(inJSON(form))} {
						if i := strings.Index(text, leaked); i >= 0 {
							t.Errorf("%s tells it: …%s…", where, text[max(0, i-100):min(len(text), i+100)])
							break
						}
					}
					if !strings.Contains(text, mask.Stars) {
						t.Errorf("%s hides nothing: %s", where, text)
					}
				}
			})
		}
	}
}

// server is one whose memory goes with it.
type server struct{ url string }

func start(t *testing.T) *server {
	t.Helper()
	t.Setenv("SECRET_ENVY", base64.StdEncoding.EncodeToString([]byte(kinds["environment"].plain)))
	cfg := installation.Config()
	cfg.Encryption.SecretKey = base64.StdEncoding.EncodeToString(make([]byte, 32))
	log := &strings.Builder{}
	t.Cleanup(func() { // when it has stopped
		for kind, k := range kinds {
			if strings.Contains(log.String(), k.plain) {
				t.Errorf("the log of the process tells the %s", kind)
			}
		}
	})
	a := installation.Start(t, cfg, slog.New(slog.NewTextHandler(log, nil)), installation.All...)
	s := &server{a.URL() + "/api/v1/main"}
	secret := func(key, value string) {
		body, _ := json.Marshal(map[string]string{"key": key, "value": value})
		s.put(t, "/namespaces/company/secrets", "application/json", string(body))
	}
	inner, _ := json.Marshal(map[string]string{"inner": kinds["subkey"].plain})
	secret("STORED", kinds["stored"].plain)
	secret("STRUCTURE", string(inner))
	secret("FORMER", kinds["former value"].plain)
	secret("FORMER", "another value")
	s.put(t, "/namespaces/company.team/kv/former", "text/plain", inQuotes(kinds["former value"].plain))
	s.do(t, "POST", "/flows", "application/x-yaml", "id: leak\nnamespace: company.team\ntasks:\n  - {id: a, type: io.kestra.plugin.core.debug.Return}")
	return s
}

func inQuotes(s string) string { b, _ := json.Marshal(s); return string(b) }

func (s *server) put(t *testing.T, path, typ, body string) {
	t.Helper()
	s.do(t, "PUT", path, typ, body)
}

func (s *server) do(t *testing.T, method, path, typ, body string) string {
	t.Helper()
	req, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if typ != "" {
		req.Header.Set("Content-Type", typ)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		t.Fatalf("%s %s: %d %s (%v)", method, path, resp.StatusCode, b, err)
	}
	return string(b)
}

// leak runs the flow and returns all that is told of it, by where it is told.
func (s *server) leak(t *testing.T) map[string]string {
	t.Helper()
	const form = "multipart/form-data; boundary=b"
	inputs := "--b\r\nContent-Disposition: form-data; name=\"pw\"\r\n\r\n" + kinds["input"].plain + "\r\n--b--\r\n"
	created := s.do(t, "POST", "/executions/company.team/leak?wait=true", form, inputs)
	var x struct {
		ID          string
		TaskRunList []struct {
			TaskID   string
			Outputs  map[string]any
			Attempts []struct{ LogFile string }
		}
	}
	if err := json.Unmarshal([]byte(created), &x); err != nil {
		t.Fatal(err)
	}
	var written, logFile string
	for _, r := range x.TaskRunList {
		switch r.TaskID {
		case "write":
			written, _ = r.Outputs["uri"].(string)
		case "file":
			logFile = r.Attempts[0].LogFile
		}
	}
	if written == "" || logFile == "" {
		t.Fatalf("not all tasks ran: %s", created)
	}
	get := func(path string) string { return s.do(t, "GET", path, "", "") }
	file := func(how, uri string) string { return get("/executions/" + x.ID + how + url.QueryEscape(uri)) }
	out := map[string]string{
		"the answer":       created,
		"the execution":    get("/executions/" + x.ID),
		"the list":         get("/executions/search?namespace=company.team&size=1&sort=state.startDate:desc"),
		"following":        get("/executions/" + x.ID + "/follow"),
		"the log":          get("/logs/" + x.ID),
		"the log's text":   get("/logs/" + x.ID + "/download"),
		"following logs":   get("/logs/" + x.ID + "/follow"),
		"searching logs":   get("/logs/search?filters[executionId][EQUALS]=" + x.ID),
		"metrics":          get("/metrics/" + x.ID),
		"a preview":        file("/file/preview?path=", written),
		"the log file":     file("/file?path=", logFile),
		"task runs":        get("/taskruns/search?filters[executionId][EQUALS]=" + x.ID),
		"an evaluation":    s.do(t, "POST", "/executions/"+x.ID+"/eval", "text/plain", "{{ outputs.put.value }} {{ labels }} {{ vars }} {{ secret('ENVY') }}"),
		"a failing one":    s.do(t, "POST", "/executions/"+x.ID+"/eval", "text/plain", "{{ outputs.put.value | number }}"),
		"validated inputs": s.do(t, "POST", "/executions/company.team/leak/validate", form, inputs),
	}
	return out
}
