package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/purge"
	"github.com/windhover-io/windhover/internal/value"
)

// samples are, for each key that has a meaning, a value that is not the default, and what it changes.
var samples = map[string]struct {
	yaml string
	want func(*Config)
}{
	"server.host":                                 {"0.0.0.0", func(c *Config) { c.Server.Host = "0.0.0.0" }},
	"server.port":                                 {"9090", func(c *Config) { c.Server.Port = 9090 }},
	"server.basic-auth.enabled":                   {"true", func(c *Config) { c.Server.BasicAuth.Enabled = true }},
	"server.basic-auth.username":                  {"ada", func(c *Config) { c.Server.BasicAuth.Username = "ada" }},
	"server.basic-auth.password":                  {"s3cret", func(c *Config) { c.Server.BasicAuth.Password = "s3cret" }},
	"server.basic-auth.open-urls":                 {"[/ping, /health]", func(c *Config) { c.Server.BasicAuth.OpenURLs = []string{"/ping", "/health"} }},
	"server.max-request-size":                     {"10MB", func(c *Config) { c.Server.MaxRequest = 10 << 20 }},
	"server.termination-grace-period":             {"PT30S", func(c *Config) { c.Server.Grace = 30 * time.Second }},
	"server.preview.initial-rows":                 {"7", func(c *Config) { c.Server.PreviewRows = 7 }},
	"server.preview.max-rows":                     {"700", func(c *Config) { c.Server.MaxPreviewRows = 700 }},
	"repository.type":                             {"memory", func(c *Config) { c.Backend.Type = "memory" }},
	"repository.path":                             {"elsewhere", func(c *Config) { c.Backend.Path = "elsewhere" }},
	"queue.type":                                  {"memory", func(c *Config) { c.Backend.Type = "memory" }},
	"storage.type":                                {"memory", func(c *Config) { c.Storage.Type = "memory" }},
	"storage.local.base-path":                     {"files", func(c *Config) { c.Storage.Path = "files" }},
	"storage.s3.endpoint":                         {"some", func(c *Config) { c.Storage.S3.Endpoint = "some" }},
	"storage.s3.region":                           {"some", func(c *Config) { c.Storage.S3.Region = "some" }},
	"storage.s3.bucket":                           {"some", func(c *Config) { c.Storage.S3.Bucket = "some" }},
	"storage.s3.path":                             {"some", func(c *Config) { c.Storage.S3.Prefix = "some" }},
	"storage.s3.access-key":                       {"some", func(c *Config) { c.Storage.S3.AccessKey = "some" }},
	"storage.s3.secret-key":                       {"some", func(c *Config) { c.Storage.S3.SecretKey = "some" }},
	"storage.s3.session-token":                    {"some", func(c *Config) { c.Storage.S3.SessionToken = "some" }},
	"storage.s3.force-path-style":                 {"true", func(c *Config) { c.Storage.S3.PathStyle = true }},
	"storage.s3.sts-role-arn":                     {"some", func(c *Config) { c.Storage.S3.Role.ARN = "some" }},
	"storage.s3.sts-role-external-id":             {"some", func(c *Config) { c.Storage.S3.Role.ExternalID = "some" }},
	"storage.s3.sts-role-session-name":            {"some", func(c *Config) { c.Storage.S3.Role.SessionName = "some" }},
	"storage.s3.sts-role-session-duration":        {"PT20M", func(c *Config) { c.Storage.S3.Role.Duration = 20 * time.Minute }},
	"storage.s3.sts-endpoint-override":            {"some", func(c *Config) { c.Storage.S3.Role.Endpoint = "some" }},
	"storage.gcs.bucket":                          {"some", func(c *Config) { c.Storage.GCS.Bucket = "some" }},
	"storage.gcs.path":                            {"some", func(c *Config) { c.Storage.GCS.Prefix = "some" }},
	"storage.gcs.project-id":                      {"some", func(c *Config) { c.Storage.GCS.ProjectID = "some" }},
	"storage.gcs.service-account":                 {"some", func(c *Config) { c.Storage.GCS.ServiceAccount = "some" }},
	"storage.gcs.endpoint":                        {"some", func(c *Config) { c.Storage.GCS.Endpoint = "some" }},
	"storage.azure.endpoint":                      {"some", func(c *Config) { c.Storage.Azure.Endpoint = "some" }},
	"storage.azure.container":                     {"some", func(c *Config) { c.Storage.Azure.Container = "some" }},
	"storage.azure.connection-string":             {"some", func(c *Config) { c.Storage.Azure.ConnectionString = "some" }},
	"storage.azure.shared-key-account-name":       {"some", func(c *Config) { c.Storage.Azure.AccountName = "some" }},
	"storage.azure.shared-key-account-access-key": {"some", func(c *Config) { c.Storage.Azure.AccountKey = "some" }},
	"storage.azure.sas-token":                     {"some", func(c *Config) { c.Storage.Azure.SASToken = "some" }},
	"storage.azure.managed-identity-client-id":    {"some", func(c *Config) { c.Storage.Azure.ManagedIdentityClientID = "some" }},
	"storage.azure.managed-identity-resource-id":  {"some", func(c *Config) { c.Storage.Azure.ManagedIdentityResourceID = "some" }},
	"storage.azure.workload-identity-client-id":   {"some", func(c *Config) { c.Storage.Azure.WorkloadIdentityClientID = "some" }},
	"storage.azure.additionally-allowed-tenants":  {"[a, b]", func(c *Config) { c.Storage.Azure.AdditionallyAllowedTenants = []string{"a", "b"} }},
	"storage.minio.endpoint":                      {"some", func(c *Config) { c.Storage.MinIO.Host = "some" }},
	"storage.minio.port":                          {"9000", func(c *Config) { c.Storage.MinIO.Port = 9000 }},
	"storage.minio.secure":                        {"true", func(c *Config) { c.Storage.MinIO.Secure = true }},
	"storage.minio.bucket":                        {"some", func(c *Config) { c.Storage.S3.Bucket = "some" }},
	"storage.minio.access-key":                    {"some", func(c *Config) { c.Storage.S3.AccessKey = "some" }},
	"storage.minio.secret-key":                    {"some", func(c *Config) { c.Storage.S3.SecretKey = "some" }},
	"encryption.secret-key":                       {"AAAAAAAAAAAAAAAAAAAAAA==", func(c *Config) { c.Encryption.SecretKey = "AAAAAAAAAAAAAAAAAAAAAA==" }},
	"variables.env-vars-prefix":                   {"MY_", func(c *Config) { c.Variables.EnvPrefix = "MY_" }},
	"variables.recursive-rendering":               {"true", func(c *Config) { c.Variables.Recursive = true }},
	"variables.globals":                           {"{team: a}", func(c *Config) { c.Variables.Globals = value.MapOf(value.Entry{Key: "team", Value: "a"}) }},
	"tasks.scripts.runner":                        {"PROCESS", func(c *Config) { c.Tasks.Scripts.Runner = "PROCESS" }},
	"tasks.scripts.environment":                   {"[PIP_*]", func(c *Config) { c.Tasks.Scripts.Process.Environment = []string{"PIP_*"} }},
	"tasks.scripts.docker.volume-enabled":         {"true", func(c *Config) { c.Tasks.Scripts.Docker.Volumes = true }},
	"tasks.scripts.quota":                         {"1GB", func(c *Config) { c.Tasks.Scripts.Quota = 1 << 30 }},
	"tasks.scripts.kill-grace":                    {"2s", func(c *Config) { c.Tasks.Scripts.Process.Grace = 2 * time.Second }},
	"tasks.scripts.cache-dir":                     {"/cache", func(c *Config) { c.Tasks.Scripts.CacheDir = "/cache" }},
	"tasks.scripts.limits.memory":                 {"2GB", func(c *Config) { c.Tasks.Scripts.Process.Limits.Memory = 2 << 30 }},
	"tasks.scripts.limits.file-size":              {"1GB", func(c *Config) { c.Tasks.Scripts.Process.Limits.FileSize = 1 << 30 }},
	"tasks.scripts.limits.cpu":                    {"1h", func(c *Config) { c.Tasks.Scripts.Process.Limits.CPU = time.Hour }},
	"tasks.scripts.limits.open-files":             {"100", func(c *Config) { c.Tasks.Scripts.Process.Limits.OpenFiles = 100 }},
	"tasks.scripts.limits.processes":              {"50", func(c *Config) { c.Tasks.Scripts.Process.Limits.Processes = 50 }},
	"tasks.tmp-dir.path":                          {"/tmp/x", func(c *Config) { c.Tasks.TmpDir = "/tmp/x" }},
	"tasks.defaults":                              {"[a]", func(c *Config) { c.Tasks.Defaults = []any{"a"} }},
	"plugins.defaults":                            {"[a]", func(c *Config) { c.Plugins.Defaults = []any{"a"} }},
	"plugins.configurations":                      {"[a]", func(c *Config) { c.Plugins.Configurations = []any{"a"} }},
	"hidden-labels.prefixes":                      {"[team.]", func(c *Config) { c.UI.HiddenLabels = []string{"team."} }},
	"system-flows.namespace":                      {"ops", func(c *Config) { c.UI.SystemNamespace = "ops" }},
	"templates.enabled":                           {"false", func(c *Config) { c.UI.Templates = false }},
	"worker.threads":                              {"3", func(c *Config) { c.Worker.Threads = 3 }},
	"worker.group":                                {"gpu", func(c *Config) { c.Worker.Group = "gpu" }},
	"environment.name":                            {"test", func(c *Config) { c.Environment.Name = "test" }},
	"environment.color":                           {"'#fff'", func(c *Config) { c.Environment.Color = "#fff" }},
	"url":                                         {"https://flows.example.org", func(c *Config) { c.URL = "https://flows.example.org" }},
	"traces.endpoint":                             {"http://collector:4318/v1/traces", func(c *Config) { c.Traces.Endpoint = "http://collector:4318/v1/traces" }},
	"tutorial-flows.enabled":                      {"false", func(c *Config) { c.Tutorial = false }},
	"retention.executions":                        {"P90D", func(c *Config) { c.Retention.Executions = 90 * 24 * time.Hour }},
	"retention.logs":                              {"P7D", func(c *Config) { c.Retention.Logs = 7 * 24 * time.Hour }},
	"retention.metrics":                           {"P8D", func(c *Config) { c.Retention.Metrics = 8 * 24 * time.Hour }},
	"retention.files":                             {"P9D", func(c *Config) { c.Retention.Files = 9 * 24 * time.Hour }},
	"retention.interval":                          {"PT5M", func(c *Config) { c.Retention.Every = 5 * time.Minute }},
	"retention.batch-size":                        {"10", func(c *Config) { c.Retention.Batch = 10 }},
	"retention.rules": {"[{namespace: prod, states: [FAILED], keep: FOREVER}, {flowId: a, states: SUCCESS, keep: P1D}]", func(c *Config) {
		c.Retention.Rules = []purge.Rule{
			{Namespace: "prod", States: []model.State{model.Failed}},
			{FlowID: "a", States: []model.State{model.Success}, Keep: 24 * time.Hour},
		}
	}},
}

// nested writes a key with dots as YAML.
func nested(key, yaml string) string {
	var b strings.Builder
	b.WriteString("kestra:\n")
	parts := strings.Split(key, ".")
	for i, p := range parts {
		b.WriteString(strings.Repeat("  ", i+1) + p + ":")
		if i == len(parts)-1 {
			b.WriteString(" " + yaml)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// read reads a file of that text.
func read(t *testing.T, src string) *loader {
	t.Helper()
	l := &loader{c: Default(), path: "config.yaml"}
	l.read([]byte(src))
	return l
}

func equal(t *testing.T, what string, want, got *Config) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b *value.Map) bool { return value.Print(a) == value.Print(b) })); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestEveryKey(t *testing.T) {
	for _, key := range Names() {
		sample, ok := samples[key]
		if !ok {
			if Doc(key) != "" {
				t.Errorf("there is no sample of %s", key)
			}
			if l := read(t, nested(key, "x")); len(l.problems)+len(l.warnings) > 0 {
				t.Errorf("%s means nothing here and is not to be talked about: %v %v", key, l.problems, l.warnings)
			}
			continue
		}
		if Doc(key) == "" {
			t.Errorf("%s is not documented", key)
		}
		want := Default()
		sample.want(want)
		for _, name := range []string{key, strings.ReplaceAll(key, "-", ""), camel(key)} {
			l := read(t, nested(name, sample.yaml))
			if len(l.problems)+len(l.warnings) > 0 {
				t.Errorf("%s: %v %v", name, l.problems, l.warnings)
			}
			equal(t, name, want, l.c)
		}
	}
}

func camel(key string) string {
	return regexp.MustCompile(`-(.)`).ReplaceAllStringFunc(key, func(s string) string { return strings.ToUpper(s[1:]) })
}

// Every part of the configuration can be configured: it is changed by a sample.
func TestEveryPartHasAKey(t *testing.T) {
	c := Default()
	for _, s := range samples {
		s.want(c)
	}
	var walk func(path string, was, now reflect.Value)
	walk = func(path string, was, now reflect.Value) {
		if was.Kind() == reflect.Struct {
			for i := range was.NumField() {
				walk(path+"."+was.Type().Field(i).Name, was.Field(i), now.Field(i))
			}
			return
		}
		if reflect.DeepEqual(was.Interface(), now.Interface()) {
			t.Errorf("no key sets %s", path)
		}
	}
	walk("Config", reflect.ValueOf(*Default()), reflect.ValueOf(*c))
}

func TestKeysOfTheFramework(t *testing.T) {
	l := read(t, "micronaut:\n  server:\n    port: 9000\n    max-request-size: 1GB\n    cors: {enabled: true}\ndatasources: {postgres: {url: x}}\n")
	if len(l.problems)+len(l.warnings) > 0 || l.c.Server.Port != 9000 || l.c.Server.MaxRequest != 1<<30 {
		t.Errorf("%v %v %+v", l.problems, l.warnings, l.c.Server)
	}
}

func TestWrongFiles(t *testing.T) {
	for name, c := range map[string]struct{ src, problem, warning string }{
		"mistyped key":     {"kestra:\n  server:\n    prot: 80\n", "", "config.yaml:3:11: server.prot: unknown key, did you mean server.port?"},
		"unknown section":  {"windhover:\n  zzz:\n    yyy: 1\n", "", "zzz.yyy: unknown key"},
		"inert key":        {"kestra:\n  jdbc: {queues: {poll-size: 1}}\n  metrics: {labels: {}}\n", "", ""},
		"unserved key":     {"kestra:\n  server: {workerTaskRestartStrategy: NEVER}\n", "", "config.yaml:2:39: server.workerTaskRestartStrategy: it has no effect here: tasks of a lost worker"},
		"unserved section": {"kestra:\n  local-files: {allowed-paths: [/x]}\n", "", "local-files: it has no effect here"},
		"unserved name":    {"kestra:\n  metrics: {prefix: x}\n", "", "metrics.prefix: it has no effect here"},
		"no unit":          {"kestra: {retention: {logs: 5y}}\n", `"5y" is not a duration`, ""},
		"too long":         {"kestra: {retention: {logs: 99999999999d}}\n", "is too long", ""},
		"no number":        {"kestra:\n  server:\n    port: many\n", `config.yaml:3:11: server.port: "many" is not a whole number`, ""},
		"no flag":          {"kestra: {tutorialFlows: {enabled: perhaps}}\n", `tutorialFlows.enabled: "perhaps" is neither true nor false`, ""},
		"no duration":      {"kestra: {retention: {logs: soon}}\n", "retention.logs: ", ""},
		"negative":         {"kestra: {retention: {logs: -P1D}}\n", "retention.logs: ", ""},
		"no size":          {"kestra: {server: {max-request-size: 10XB}}\n", `"10XB" is not a number of bytes`, ""},
		"size overflows":   {"kestra: {server: {max-request-size: 99999999999GB}}\n", "is not a number of bytes", ""},
		"rules no list":    {"kestra: {retention: {rules: {}}}\n", "expected a list", ""},
		"rule without":     {"kestra: {retention: {rules: [{namespace: a}]}}\n", "element 1: keep is required", ""},
		"rule unknown":     {"kestra: {retention: {rules: [{keep: P1D, flow: a}]}}\n", "unknown key flow", ""},
		"rule state":       {"kestra: {retention: {rules: [{keep: P1D, states: [DONE]}]}}\n", "states: ", ""},
		"rule for nothing": {"kestra: {retention: {rules: [{keep: PT0S}]}}\n", "longer than nothing", ""},
		"no YAML":          {"kestra: [", "config.yaml:", ""},
		"key twice":        {"kestra:\n  url: a\n  url: b\n", "config.yaml:", ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := read(t, c.src)
			check := func(kind, want string, got []string) {
				if want == "" && len(got) > 0 || want != "" && !strings.Contains(strings.Join(got, "\n"), want) {
					t.Errorf("%s %q, want %q", kind, got, want)
				}
			}
			check("problems", c.problem, l.problems)
			check("warnings", c.warning, l.warnings)
		})
	}
}

func TestEnvironment(t *testing.T) {
	c := Default()
	problems := c.environment([]string{
		"WINDHOVER_SERVER_PORT=81", "KESTRA_SERVER_HOST=::1", "KESTRA_SERVER_TERMINATIONGRACEPERIOD=PT1S", "KESTRA_VARIABLES_GLOBALS={\"a\": 1}",
		"WINDHOVER_WORKER_THREADS=many", "KESTRA_NOBODY_KNOWS=1", "SERVER_PORT=82", "KESTRA_JDBC_X=1", "WINDHOVER_SERVER=http://elsewhere",
	})
	want := Default()
	want.Server.Port, want.Server.Host, want.Server.Grace = 81, "::1", time.Second
	want.Variables.Globals = value.MapOf(value.Entry{Key: "a", Value: int64(1)})
	equal(t, "environment", want, c)
	if diff := cmp.Diff([]string{`WINDHOVER_WORKER_THREADS: "many" is not a whole number`}, problems); diff != "" {
		t.Error(diff)
	}
}

// Durations are ISO-8601, or as files for the reference have them.
func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"PT5M": 5 * time.Minute, "30": 30 * time.Second, "500ms": 500 * time.Millisecond, "10s": 10 * time.Second, "5m": 5 * time.Minute,
		"1h": time.Hour, "7d": 7 * 24 * time.Hour, "100us": 100 * time.Microsecond, "9ns": 9,
	} {
		l := read(t, "kestra: {server: {terminationGracePeriod: "+text+"}}\n")
		if len(l.problems) > 0 || l.c.Server.Grace != want {
			t.Errorf("%s: %s %v, want %s", text, l.c.Server.Grace, l.problems, want)
		}
	}
}

func TestExpand(t *testing.T) {
	t.Setenv("CONFIG_TEST_HOST", "db")
	l := read(t, "kestra:\n  url: http://${CONFIG_TEST_HOST}:${CONFIG_TEST_PORT:8080}/${CONFIG_TEST_NOTHING}\n  variables: {globals: {list: ['${CONFIG_TEST_HOST}']}}\n")
	if l.c.URL != "http://db:8080/" {
		t.Errorf("url: %s", l.c.URL)
	}
	if got := value.Print(l.c.Variables.Globals); !strings.Contains(got, `"db"`) {
		t.Errorf("globals: %s", got)
	}
}

func TestLoad(t *testing.T) {
	t.Setenv("WINDHOVER_SERVER_PORT", "99999")
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte("kestra:\n  repository: {type: paper}\n  server: {basic-auth: {enabled: true}}\n  worker: {threads: 0}\n  servr: {port: 1}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, warnings, err := Load(path)
	if err == nil || len(warnings) != 1 {
		t.Fatalf("%v %v", err, warnings)
	}
	for _, part := range []string{"99999 is not a port", `"paper"`, "a username and a password", "worker.threads"} { // all at once
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in: %v", part, err)
		}
	}
	if _, _, err := Load(filepath.Join(t.TempDir(), "nothing.yaml")); !os.IsNotExist(err) {
		t.Errorf("a file that there is not: %v", err)
	}
	t.Setenv("WINDHOVER_SERVER_PORT", "8081")
	if c, _, err := Load(""); err != nil || c.Server.Port != 8081 {
		t.Errorf("%v %v", c, err)
	}
}

func TestValidate(t *testing.T) {
	if problems := Default().Validate(); len(problems) > 0 {
		t.Errorf("the defaults are wrong: %v", problems)
	}
	for want, change := range map[string]func(*Config){
		"server.port":             func(c *Config) { c.Server.Port = -1 },
		"server.max-request-size": func(c *Config) { c.Server.MaxRequest = 0 },
		"server.preview":          func(c *Config) { c.Server.PreviewRows = 10_000 },
		"server.basic-auth":       func(c *Config) { c.Server.BasicAuth.Enabled = true },
		"repository.type":         func(c *Config) { c.Backend.Type = "" },
		"storage.type":            func(c *Config) { c.Storage.Type = "tape" },
		"encryption.secret-key":   func(c *Config) { c.Encryption.SecretKey = "c2hvcnQ=" },
		"worker.threads":          func(c *Config) { c.Worker.Threads = 0 },
		"retention.interval":      func(c *Config) { c.Retention.Every = 0 },
		"retention.batch-size":    func(c *Config) { c.Retention.Batch = 100_000 },
	} {
		c := Default()
		change(c)
		if problems := c.Validate(); len(problems) != 1 || !strings.HasPrefix(problems[0], want) {
			t.Errorf("%s: %v", want, problems)
		}
	}
}

func FuzzRead(f *testing.F) {
	for key, s := range samples {
		f.Add(nested(key, s.yaml))
	}
	f.Fuzz(func(_ *testing.T, src string) {
		l := &loader{c: Default(), path: "config.yaml"}
		l.read([]byte(src))
	})
}
