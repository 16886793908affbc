// Package config is the configuration of a process: one struct, its defaults, the file and the environment it is read from.
package config

import (
	"encoding/base64"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/purge"
	"github.com/windhover-io/windhover/internal/storage/s3"
	"github.com/windhover-io/windhover/internal/tasks/script"
	"github.com/windhover-io/windhover/internal/value"
)

// Config is the configuration. The keys are the reference's, below `kestra` or `windhover`, where it has them.
type Config struct {
	Server      Server
	Backend     Backend
	Storage     Storage
	Encryption  Encryption
	Variables   Variables
	Tasks       Tasks
	Plugins     Plugins
	Worker      Worker
	Environment Environment
	// Retention is how long executions and what they leave are kept.
	Retention purge.Policy
	// URL is the address under which people reach the web UI; it stands in answers and notifications.
	URL    string
	UI     UI
	Traces Traces
	// Tutorial is whether the tutorial flows are put into an empty installation.
	Tutorial bool
}

// Server is the web server.
type Server struct {
	Host string
	Port int
	// MaxRequest bounds the body of a request, in bytes; files in it are streamed.
	MaxRequest int64
	BasicAuth  BasicAuth
	// Grace is how long a stop waits for running tasks.
	Grace time.Duration
	// PreviewRows and MaxPreviewRows are how many rows of a file a preview shows, unless it is asked for more, and at most.
	PreviewRows, MaxPreviewRows int
}

// BasicAuth asks for a name and a password.
type BasicAuth struct {
	Enabled            bool
	Username, Password string
	// OpenURLs are path prefixes that need neither.
	OpenURLs []string
}

// Backend names what remembers.
type Backend struct {
	Type string // memory, sqlite
	// Path is the directory of SQLite's files.
	Path string
}

// Storage names where files are kept.
type Storage struct {
	Type string // local, s3, minio, memory; gcs and azure where the program has them
	Path string // of local
	// S3 is where the bucket is, of minio too.
	S3 s3.Config
	// MinIO is how the reference writes the address of a MinIO server.
	MinIO MinIO
	GCS   GCS
	Azure Azure
}

// GCS is a bucket of Google Cloud Storage. What its fields mean says the package that opens it.
type GCS struct{ Bucket, Prefix, ProjectID, ServiceAccount, Endpoint string }

// Azure is a container of Azure Blob Storage. What its fields mean says the package that opens it.
type Azure struct {
	Endpoint, Container, ConnectionString, AccountName, AccountKey, SASToken     string
	ManagedIdentityClientID, ManagedIdentityResourceID, WorkloadIdentityClientID string
	AdditionallyAllowedTenants                                                   []string
}

// MinIO is the address of a MinIO server.
type MinIO struct {
	Host   string
	Port   int // 0 is that of the scheme
	Secure bool
}

// URL returns the address, "" where there is none.
func (m MinIO) URL() string {
	if m.Host == "" || strings.Contains(m.Host, "://") {
		return m.Host
	}
	scheme, host := "http", m.Host
	if m.Secure {
		scheme = "https"
	}
	if m.Port != 0 {
		host = net.JoinHostPort(m.Host, strconv.Itoa(m.Port))
	}
	return scheme + "://" + host
}

// Encryption holds the key for secrets.
type Encryption struct {
	// SecretKey is 16, 24 or 32 bytes in base64; "" where nothing can be encrypted.
	SecretKey string
}

// Variables configures the context of expressions.
type Variables struct {
	EnvPrefix string
	Globals   *value.Map
	Recursive bool
}

// Tasks configures tasks.
type Tasks struct {
	TmpDir string
	// Defaults are plugin defaults under their older key; they come before those of Plugins.
	Defaults []any
	// Scripts configures tasks that run scripts and commands.
	Scripts script.Config
}

// Plugins configures types.
type Plugins struct {
	// Defaults are plugin defaults for all flows: maps with type, values and forced.
	Defaults []any
	// Configurations are settings of types: maps with type and values. Those that are properties of a type count as defaults.
	Configurations []any
}

// Worker configures workers.
type Worker struct {
	// Threads is how many tasks a worker runs at once.
	Threads int
	Group   string
}

// Traces says where traces of executions go.
type Traces struct {
	// Endpoint is the URL of an OpenTelemetry collector; "" leaves it to the OTEL_* variables of the environment.
	Endpoint string
}

// UI is what the web UI is told to show.
type UI struct {
	HiddenLabels    []string
	SystemNamespace string
	Templates       bool
}

// Environment is what the UI shows of where it runs.
type Environment struct{ Name, Color string }

// Default returns the configuration of `server local` on a laptop.
func Default() *Config {
	return &Config{
		Server: Server{
			Host: "127.0.0.1", Port: 8080, MaxRequest: 10 << 30, Grace: 5 * time.Minute, PreviewRows: 100, MaxPreviewRows: 5000,
			BasicAuth: BasicAuth{OpenURLs: []string{"/ping"}},
		},
		Backend:   Backend{Type: "sqlite", Path: "data"},
		Storage:   Storage{Type: "local"},
		Variables: Variables{EnvPrefix: "ENV_", Globals: value.NewMap(0)},
		Worker:    Worker{Threads: 128},
		Retention: purge.Policy{Every: time.Hour, Batch: 100},
		UI:        UI{HiddenLabels: []string{"system.", "internal."}, SystemNamespace: "system", Templates: true},
		Tutorial:  true,
	}
}

// maxBatch bounds how many executions are deleted at once.
const maxBatch = 1000

// Validate says what is wrong, all of it at once.
func (c *Config) Validate() []string {
	var out []string
	if c.Server.Port < 0 || c.Server.Port > 65535 {
		out = append(out, fmt.Sprintf("server.port: %d is not a port", c.Server.Port))
	}
	switch c.Backend.Type {
	case "memory", "sqlite":
	default:
		out = append(out, fmt.Sprintf("repository.type: %q is none of memory, sqlite", c.Backend.Type))
	}
	if k := c.Encryption.SecretKey; k != "" {
		raw, err := base64.StdEncoding.DecodeString(k)
		if n := len(raw); err != nil || n != 16 && n != 24 && n != 32 {
			out = append(out, "encryption.secret-key: expected 16, 24 or 32 bytes in base64")
		}
	}
	if c.Server.BasicAuth.Enabled && (c.Server.BasicAuth.Username == "" || c.Server.BasicAuth.Password == "") {
		out = append(out, "server.basic-auth: a username and a password are required")
	}
	if c.Server.MaxRequest < 1 {
		out = append(out, "server.max-request-size: at least one byte is required")
	}
	if c.Server.PreviewRows < 1 || c.Server.MaxPreviewRows < c.Server.PreviewRows {
		out = append(out, "server.preview: initial-rows is to be at least 1, and at most max-rows")
	}
	switch c.Storage.Type {
	case "local", "memory":
	case "gcs":
		if c.Storage.GCS.Bucket == "" {
			out = append(out, "storage.gcs.bucket: it is required")
		}
	case "azure":
		if c.Storage.Azure.Container == "" {
			out = append(out, "storage.azure.container: it is required")
		}
		if c.Storage.Azure.Endpoint == "" && c.Storage.Azure.ConnectionString == "" {
			out = append(out, "storage.azure.endpoint: it is required, unless there is a connection-string")
		}
	case "s3", "minio":
		if c.Storage.S3.Bucket == "" {
			out = append(out, "storage."+c.Storage.Type+".bucket: it is required")
		}
		if c.Storage.Type == "minio" && c.Storage.MinIO.Host == "" {
			out = append(out, "storage.minio.endpoint: it is required")
		}
	default:
		out = append(out, fmt.Sprintf("storage.type: %q is none of local, s3, minio, gcs, azure, memory", c.Storage.Type))
	}
	if r := c.Tasks.Scripts.Runner; r != "" && r != script.Docker && r != script.Process {
		out = append(out, fmt.Sprintf("tasks.scripts.runner: %q is none of %s, %s", r, script.Docker, script.Process))
	}
	if c.Retention.Every < time.Second {
		out = append(out, "retention.interval: at least a second is required")
	}
	if c.Retention.Batch < 1 || c.Retention.Batch > maxBatch {
		out = append(out, fmt.Sprintf("retention.batch-size: expected 1 to %d", maxBatch))
	}
	if c.Worker.Threads < 1 {
		out = append(out, "worker.threads: at least one is required")
	}
	return out
}
