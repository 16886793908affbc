package config

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/purge"
	"github.com/windhover-io/windhover/internal/value"
)

// key is one configuration key: how a value is put into the configuration. A nil set accepts the key and does nothing: it
// means something to the reference only.
type key struct {
	set func(c *Config, v any) error
	doc string
}

func text(p func(*Config) *string) func(*Config, any) error {
	return func(c *Config, v any) error { *p(c) = value.Print(v); return nil }
}

func whole(p func(*Config) *int) func(*Config, any) error {
	return func(c *Config, v any) error {
		n, err := strconv.Atoi(value.Print(v))
		if err != nil {
			return fmt.Errorf("%q is not a whole number", value.Print(v))
		}
		*p(c) = n
		return nil
	}
}

// size reads a number of bytes: 1024, 10KB, 10MB, 10GB.
func size(text string) (int64, error) {
	number, unit := strings.ToUpper(strings.TrimSpace(text)), int64(1)
	for i, suffix := range []string{"KB", "MB", "GB"} {
		if rest, ok := strings.CutSuffix(number, suffix); ok {
			number, unit = strings.TrimSpace(rest), 1<<(10*(i+1))
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n > math.MaxInt64/unit {
		return 0, fmt.Errorf("%q is not a number of bytes", text)
	}
	return n * unit, nil
}

// bytes sets what is a number of bytes, or of other things.
func bytes(p func(*Config) *int64) func(*Config, any) error {
	return func(c *Config, v any) (err error) {
		*p(c), err = size(value.Print(v))
		return err
	}
}

func flag(p func(*Config) *bool) func(*Config, any) error {
	return func(c *Config, v any) error {
		b, err := strconv.ParseBool(value.Print(v))
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", value.Print(v))
		}
		*p(c) = b
		return nil
	}
}

func duration(p func(*Config) *time.Duration) func(*Config, any) error {
	return func(c *Config, v any) error {
		d, err := period(value.Print(v))
		*p(c) = d
		return err
	}
}

// unitDuration is a duration as the reference's framework takes it too.
var unitDuration = regexp.MustCompile(`^(\d+)\s*(ns|us|ms|s|m|h|d)$`)

var units = map[string]time.Duration{
	"ns": time.Nanosecond, "us": time.Microsecond, "ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour,
}

// period reads a duration that is not negative: ISO-8601, or a number with a unit such as 500ms, 10s, 5m, 1h or 7d.
func period(text string) (time.Duration, error) {
	if m := unitDuration.FindStringSubmatch(strings.TrimSpace(text)); m != nil {
		n, err := strconv.ParseInt(m[1], 10, 64)
		if unit := units[m[2]]; err == nil && n <= math.MaxInt64/int64(unit) {
			return time.Duration(n) * unit, nil
		}
		return 0, fmt.Errorf("%q is too long for a duration", text)
	}
	d, err := model.ParseDuration(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is not a duration: expected ISO-8601 such as PT5M or P7D, or a number with a unit such as 500ms, 10s, 5m, 1h or 7d", text)
	case d < 0:
		return 0, fmt.Errorf("a duration cannot be negative")
	}
	return d, nil
}

// rules reads the exceptions to how long executions are kept.
func rules(v any) ([]purge.Rule, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("expected a list of maps with keep")
	}
	var out []purge.Rule
	for i, e := range list {
		m, ok := e.(*value.Map)
		if !ok {
			return nil, fmt.Errorf("element %d: expected a map with keep", i+1)
		}
		r, err := rule(m)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i+1, err)
		}
		out = append(out, r)
	}
	return out, nil
}

func rule(m *value.Map) (r purge.Rule, err error) {
	if !m.Has("keep") {
		return r, fmt.Errorf("keep is required")
	}
	for name, v := range m.All() {
		switch name {
		case "namespace":
			r.Namespace = value.Print(v)
		case "flowId":
			r.FlowID = value.Print(v)
		case "states":
			if r.States, err = states(v); err != nil {
				return r, err
			}
		case "keep":
			if value.Print(v) == "FOREVER" {
				continue
			}
			if r.Keep, err = period(value.Print(v)); err == nil && r.Keep <= 0 {
				err = fmt.Errorf("it has to be longer than nothing")
			}
			if err != nil {
				return r, fmt.Errorf("keep: %w", err)
			}
		default:
			return r, fmt.Errorf("unknown key %s, expected keep, namespace, flowId or states", name)
		}
	}
	return r, nil
}

func states(v any) ([]model.State, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var out []model.State
	for _, e := range list {
		s, err := model.ParseState(value.Print(e))
		if err != nil {
			return nil, fmt.Errorf("states: %w", err)
		}
		out = append(out, s)
	}
	return out, nil
}

func list(p func(*Config) *[]any) func(*Config, any) error {
	return func(c *Config, v any) error {
		l, ok := v.([]any)
		if !ok {
			return fmt.Errorf("expected a list")
		}
		*p(c) = l
		return nil
	}
}

func texts(p func(*Config) *[]string) func(*Config, any) error {
	return func(c *Config, v any) error {
		l, ok := v.([]any)
		if !ok {
			return fmt.Errorf("expected a list of texts")
		}
		*p(c) = make([]string, 0, len(l))
		for _, e := range l {
			*p(c) = append(*p(c), value.Print(e))
		}
		return nil
	}
}

var keys = map[string]key{
	"server.host":                                 {text(func(c *Config) *string { return &c.Server.Host }), "The address to listen on; loopback unless it is set."},
	"server.port":                                 {whole(func(c *Config) *int { return &c.Server.Port }), "The port to listen on."},
	"server.basic-auth.enabled":                   {flag(func(c *Config) *bool { return &c.Server.BasicAuth.Enabled }), "Ask for a name and a password."},
	"server.basic-auth.username":                  {text(func(c *Config) *string { return &c.Server.BasicAuth.Username }), "The name."},
	"server.basic-auth.password":                  {text(func(c *Config) *string { return &c.Server.BasicAuth.Password }), "The password."},
	"server.basic-auth.open-urls":                 {texts(func(c *Config) *[]string { return &c.Server.BasicAuth.OpenURLs }), "Path prefixes that need neither name nor password."},
	"server.max-request-size":                     {bytes(func(c *Config) *int64 { return &c.Server.MaxRequest }), "The largest body of a request, in bytes, or as 10MB or 10GB."},
	"server.termination-grace-period":             {duration(func(c *Config) *time.Duration { return &c.Server.Grace }), "How long a stop waits for running tasks."},
	"server.preview.initial-rows":                 {whole(func(c *Config) *int { return &c.Server.PreviewRows }), "How many rows of a file a preview shows, unless more are asked for."},
	"server.preview.max-rows":                     {whole(func(c *Config) *int { return &c.Server.MaxPreviewRows }), "How many rows of a file a preview shows at most."},
	"repository.type":                             {text(func(c *Config) *string { return &c.Backend.Type }), "What remembers: memory or sqlite."},
	"repository.path":                             {text(func(c *Config) *string { return &c.Backend.Path }), "The directory of SQLite's files."},
	"queue.type":                                  {text(func(c *Config) *string { return &c.Backend.Type }), "The same as repository.type: one backend is both."},
	"storage.type":                                {text(func(c *Config) *string { return &c.Storage.Type }), "Where files are kept: local, s3, minio or memory; gcs and azure in windhover-cloud."},
	"storage.local.base-path":                     {text(func(c *Config) *string { return &c.Storage.Path }), "The directory of the files."},
	"storage.s3.endpoint":                         {text(func(c *Config) *string { return &c.Storage.S3.Endpoint }), "The address of a server that is not AWS's."},
	"storage.s3.region":                           {text(func(c *Config) *string { return &c.Storage.S3.Region }), "The region."},
	"storage.s3.bucket":                           {text(func(c *Config) *string { return &c.Storage.S3.Bucket }), "The bucket; it has to be there."},
	"storage.s3.path":                             {text(func(c *Config) *string { return &c.Storage.S3.Prefix }), "Where in the bucket the files are."},
	"storage.s3.access-key":                       {text(func(c *Config) *string { return &c.Storage.S3.AccessKey }), "The access key; without keys those of the environment, of AWS's files or of the machine are used."},
	"storage.s3.secret-key":                       {text(func(c *Config) *string { return &c.Storage.S3.SecretKey }), "Its secret."},
	"storage.s3.session-token":                    {text(func(c *Config) *string { return &c.Storage.S3.SessionToken }), "The token of keys that are for a while only."},
	"storage.s3.force-path-style":                 {flag(func(c *Config) *bool { return &c.Storage.S3.PathStyle }), "Put the bucket into the path rather than into the host."},
	"storage.s3.sts-role-arn":                     {text(func(c *Config) *string { return &c.Storage.S3.Role.ARN }), "The role to assume."},
	"storage.s3.sts-role-external-id":             {text(func(c *Config) *string { return &c.Storage.S3.Role.ExternalID }), "The external id for that."},
	"storage.s3.sts-role-session-name":            {text(func(c *Config) *string { return &c.Storage.S3.Role.SessionName }), "The name of the role's session."},
	"storage.s3.sts-role-session-duration":        {duration(func(c *Config) *time.Duration { return &c.Storage.S3.Role.Duration }), "How long the role is assumed for."},
	"storage.s3.sts-endpoint-override":            {text(func(c *Config) *string { return &c.Storage.S3.Role.Endpoint }), "The address of the service that gives roles, unless it is AWS's."},
	"storage.gcs.bucket":                          {text(func(c *Config) *string { return &c.Storage.GCS.Bucket }), "The bucket; it has to be there. In windhover-cloud, as all of gcs."},
	"storage.gcs.path":                            {text(func(c *Config) *string { return &c.Storage.GCS.Prefix }), "Where in the bucket the files are."},
	"storage.gcs.project-id":                      {text(func(c *Config) *string { return &c.Storage.GCS.ProjectID }), "The project that pays for requests, where the bucket is one of others."},
	"storage.gcs.service-account":                 {text(func(c *Config) *string { return &c.Storage.GCS.ServiceAccount }), "The key of a service account, as JSON; without it the credentials of the environment or of the machine are used."},
	"storage.gcs.endpoint":                        {text(func(c *Config) *string { return &c.Storage.GCS.Endpoint }), "The address of a server that is not Google's."},
	"storage.azure.endpoint":                      {text(func(c *Config) *string { return &c.Storage.Azure.Endpoint }), "The address of the account's blobs. In windhover-cloud, as all of azure."},
	"storage.azure.container":                     {text(func(c *Config) *string { return &c.Storage.Azure.Container }), "The container; it has to be there."},
	"storage.azure.connection-string":             {text(func(c *Config) *string { return &c.Storage.Azure.ConnectionString }), "What says the address and who asks in one."},
	"storage.azure.shared-key-account-name":       {text(func(c *Config) *string { return &c.Storage.Azure.AccountName }), "The account of a shared key."},
	"storage.azure.shared-key-account-access-key": {text(func(c *Config) *string { return &c.Storage.Azure.AccountKey }), "The shared key."},
	"storage.azure.sas-token":                     {text(func(c *Config) *string { return &c.Storage.Azure.SASToken }), "The query of a signed address; without it and a key the identity of the environment, of a workload or of the machine is used."},
	"storage.azure.managed-identity-client-id":    {text(func(c *Config) *string { return &c.Storage.Azure.ManagedIdentityClientID }), "Which identity of the machine is used, by its client."},
	"storage.azure.managed-identity-resource-id":  {text(func(c *Config) *string { return &c.Storage.Azure.ManagedIdentityResourceID }), "Which one by its resource."},
	"storage.azure.workload-identity-client-id":   {text(func(c *Config) *string { return &c.Storage.Azure.WorkloadIdentityClientID }), "The application that a pod is federated with."},
	"storage.azure.additionally-allowed-tenants":  {texts(func(c *Config) *[]string { return &c.Storage.Azure.AdditionallyAllowedTenants }), "The tenants that tokens may be of besides its own; * stands for all."},
	"storage.minio.endpoint":                      {text(func(c *Config) *string { return &c.Storage.MinIO.Host }), "The host of a MinIO server, or its whole address."},
	"storage.minio.port":                          {whole(func(c *Config) *int { return &c.Storage.MinIO.Port }), "Its port."},
	"storage.minio.secure":                        {flag(func(c *Config) *bool { return &c.Storage.MinIO.Secure }), "Talk to it over TLS."},
	"storage.minio.bucket":                        {text(func(c *Config) *string { return &c.Storage.S3.Bucket }), "The bucket; it has to be there."},
	"storage.minio.access-key":                    {text(func(c *Config) *string { return &c.Storage.S3.AccessKey }), "The access key."},
	"storage.minio.secret-key":                    {text(func(c *Config) *string { return &c.Storage.S3.SecretKey }), "Its secret."},
	"storage.minio.part-size":                     {nil, ""},
	"encryption.secret-key":                       {text(func(c *Config) *string { return &c.Encryption.SecretKey }), "16, 24 or 32 bytes in base64, for secrets and encrypted outputs."},
	"variables.env-vars-prefix":                   {text(func(c *Config) *string { return &c.Variables.EnvPrefix }), "The prefix of environment variables that expressions see as envs."},
	"variables.cache-enabled":                     {nil, ""},
	"variables.cache-size":                        {nil, ""},
	"variables.recursive-rendering": {flag(func(c *Config) *bool { return &c.Variables.Recursive }),
		"Evaluate what an expression gives again, until it no longer changes: what render() does where it is wanted."},
	"variables.globals": {func(c *Config, v any) error {
		m, ok := v.(*value.Map)
		if !ok {
			return fmt.Errorf("expected a map")
		}
		c.Variables.Globals = m
		return nil
	}, "Variables that every expression sees as globals."},
	"tasks.tmp-dir.path": {text(func(c *Config) *string { return &c.Tasks.TmpDir }), "Where tasks get their working directories."},
	"tasks.scripts.runner": {text(func(c *Config) *string { return &c.Tasks.Scripts.Runner }),
		"Where scripts run that name no task runner: DOCKER, as unless it is set, or PROCESS."},
	"tasks.scripts.environment": {texts(func(c *Config) *[]string { return &c.Tasks.Scripts.Process.Environment }),
		"Variables of the server's environment that processes of tasks see besides PATH, HOME, the language, the time zone and proxies; PIP_* stands for all that begin so."},
	"tasks.scripts.docker.volume-enabled": {flag(func(c *Config) *bool { return &c.Tasks.Scripts.Docker.Volumes }),
		"Let flows mount directories of the machine into Docker containers; newer: volume-enabled of the type in plugins.configurations."},
	"tasks.scripts.quota":      {bytes(func(c *Config) *int64 { return &c.Tasks.Scripts.Quota }), "How much the working directory of a script may hold; a script that fills it is ended."},
	"tasks.scripts.kill-grace": {duration(func(c *Config) *time.Duration { return &c.Tasks.Scripts.Process.Grace }), "How long a process may take to end itself after it was asked to, before it is killed."},
	"tasks.scripts.cache-dir":  {text(func(c *Config) *string { return &c.Tasks.Scripts.CacheDir }), "Where dependencies of scripts are kept; a directory beside the data unless it is set."},
	"tasks.scripts.limits.memory": {bytes(func(c *Config) *int64 { return &c.Tasks.Scripts.Process.Limits.Memory }),
		"The address space of each process of a task, where the system can bound it; the same holds for the other limits."},
	"tasks.scripts.limits.file-size":  {bytes(func(c *Config) *int64 { return &c.Tasks.Scripts.Process.Limits.FileSize }), "The largest file that it writes."},
	"tasks.scripts.limits.cpu":        {duration(func(c *Config) *time.Duration { return &c.Tasks.Scripts.Process.Limits.CPU }), "The time that it may compute."},
	"tasks.scripts.limits.open-files": {bytes(func(c *Config) *int64 { return &c.Tasks.Scripts.Process.Limits.OpenFiles }), "How many files it has open at once."},
	"tasks.scripts.limits.processes":  {bytes(func(c *Config) *int64 { return &c.Tasks.Scripts.Process.Limits.Processes }), "How many processes its user may have, those of others included."},
	"tasks.defaults":                  {list(func(c *Config) *[]any { return &c.Tasks.Defaults }), "The older name of plugins.defaults; where both are set, these come first."},
	"plugins.defaults":                {list(func(c *Config) *[]any { return &c.Plugins.Defaults }), "Plugin defaults for all flows."},
	"plugins.configurations":          {list(func(c *Config) *[]any { return &c.Plugins.Configurations }), "Settings of types: maps with type and values. Those that are properties of the type count as plugin defaults."},
	"worker.threads":                  {whole(func(c *Config) *int { return &c.Worker.Threads }), "How many tasks a worker runs at once."},
	"worker.group":                    {text(func(c *Config) *string { return &c.Worker.Group }), "The worker group that a worker serves."},
	"retention.executions": {duration(func(c *Config) *time.Duration { return &c.Retention.Executions }),
		"How long executions are kept after their end, with all that belongs to them, such as P90D; for ever unless it is set."},
	"retention.logs":    {duration(func(c *Config) *time.Duration { return &c.Retention.Logs }), "How long log lines are kept at most."},
	"retention.metrics": {duration(func(c *Config) *time.Duration { return &c.Retention.Metrics }), "How long metrics of tasks are kept at most."},
	"retention.files":   {duration(func(c *Config) *time.Duration { return &c.Retention.Files }), "How long files of executions are kept after their end at most."},
	"retention.rules": {func(c *Config, v any) (err error) { c.Retention.Rules, err = rules(v); return err },
		"Exceptions to retention.executions: a list of maps with keep, a duration or FOREVER, and any of namespace, flowId and states; the first that fits decides."},
	"retention.interval":             {duration(func(c *Config) *time.Duration { return &c.Retention.Every }), "How often what is old is deleted."},
	"retention.batch-size":           {whole(func(c *Config) *int { return &c.Retention.Batch }), "How many executions are deleted at once."},
	"environment.name":               {text(func(c *Config) *string { return &c.Environment.Name }), "The name of the environment in the UI."},
	"environment.color":              {text(func(c *Config) *string { return &c.Environment.Color }), "Its colour."},
	"hidden-labels.prefixes":         {texts(func(c *Config) *[]string { return &c.UI.HiddenLabels }), "Prefixes of labels that the UI does not show."},
	"system-flows.namespace":         {text(func(c *Config) *string { return &c.UI.SystemNamespace }), "The namespace that the UI takes for that of flows which look after the installation."},
	"templates.enabled":              {flag(func(c *Config) *bool { return &c.UI.Templates }), "Show templates in the UI; flows may use them in any case."},
	"url":                            {text(func(c *Config) *string { return &c.URL }), "The address of the web UI for people."},
	"traces.endpoint":                {text(func(c *Config) *string { return &c.Traces.Endpoint }), "The OpenTelemetry collector that traces of executions are sent to (OTLP over HTTP); the OTEL_* variables say the rest."},
	"traces.root":                    {nil, ""},
	"tutorial-flows.enabled":         {flag(func(c *Config) *bool { return &c.Tutorial }), "Put the tutorial flows into an empty installation."},
	"anonymous-usage-report.enabled": {nil, ""},
	"server-type":                    {nil, ""},
}

// inert are prefixes of keys that the reference has and that mean nothing here: how it is built inside, and what only its
// paid edition has.
var inert = []string{
	"jdbc.", "retries.", "anonymous-usage-report.", "ui-anonymous-usage-report.", "server.liveness.", "server.service.", "metrics.labels.", "metrics.tags.",
	"worker.controllers.", "worker.max-num-threads.", "heartbeat.", "indexer.", "executor.", "scheduler.", "controller.", "grpc.", "security.",
	"ui.", "plugins.repositories.", "plugins.management.", "plugins.auto-install.", "pebble.", "uid.", "logging.",
}

// unserved are prefixes of keys of the reference that change what people see, and do not here: who sets one is told why.
var unserved = map[string]string{
	"metrics.prefix.":                      "the names of metrics begin with windhover_, or kestra_ where the reference has them",
	"regex.":                               "regular expressions have limits of their own",
	"kv.":                                  "keys are kept in the backend",
	"logs.":                                "retention.logs says how long log lines are kept",
	"secret.":                              "secrets come from the environment and from the backend",
	"server.worker-task-restart-strategy.": "tasks of a lost worker always begin again",
	"local-files.":                         "flows cannot read files of the server",
}
