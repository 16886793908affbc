// Package tasks lists the built-in types: one line an area, so that a reader sees at once what there is.
package tasks

import (
	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/storage"
	dockerrunner "github.com/windhover-io/windhover/internal/taskrunner/docker"
	"github.com/windhover-io/windhover/internal/taskrunner/process"
	"github.com/windhover-io/windhover/internal/tasks/batch"
	"github.com/windhover-io/windhover/internal/tasks/condition"
	"github.com/windhover-io/windhover/internal/tasks/debug"
	"github.com/windhover-io/windhover/internal/tasks/directory"
	"github.com/windhover-io/windhover/internal/tasks/docker"
	"github.com/windhover-io/windhover/internal/tasks/execution"
	"github.com/windhover-io/windhover/internal/tasks/flow"
	"github.com/windhover-io/windhover/internal/tasks/fs"
	"github.com/windhover-io/windhover/internal/tasks/http"
	"github.com/windhover-io/windhover/internal/tasks/jdbc"
	"github.com/windhover-io/windhover/internal/tasks/kafka"
	kvtasks "github.com/windhover-io/windhover/internal/tasks/kv"
	"github.com/windhover-io/windhover/internal/tasks/log"
	"github.com/windhover-io/windhover/internal/tasks/metric"
	"github.com/windhover-io/windhover/internal/tasks/mqtt"
	"github.com/windhover-io/windhover/internal/tasks/namespace"
	"github.com/windhover-io/windhover/internal/tasks/output"
	"github.com/windhover-io/windhover/internal/tasks/redis"
	"github.com/windhover-io/windhover/internal/tasks/revision"
	"github.com/windhover-io/windhover/internal/tasks/s3"
	"github.com/windhover-io/windhover/internal/tasks/script"
	"github.com/windhover-io/windhover/internal/tasks/serdes"
	"github.com/windhover-io/windhover/internal/tasks/state"
	storagetasks "github.com/windhover-io/windhover/internal/tasks/storage"
	"github.com/windhover-io/windhover/internal/tasks/templating"
	"github.com/windhover-io/windhover/internal/tasks/transform"
	"github.com/windhover-io/windhover/internal/tasks/trigger"
)

// Deps are the ports that some types use. Types can be listed and described without any of them.
type Deps struct {
	Backend backend.Backend
	Storage storage.Storage
	KV      *kv.Store
	Resume  execution.Resumer
	// Configurations are the settings of types: maps with type and values.
	Configurations []any
	Scripts        script.Config
	// Docker connects to engines; nil is one of its own.
	Docker *dockerrunner.Engine
}

// Cloud is the program that has what would make this one too heavy, besides all that this one has.
const Cloud = "windhover-cloud"

// elsewhere are the types of that program alone, with their older names.
var elsewhere = []string{
	"io.kestra.plugin.ee.kubernetes.runner.Kubernetes", "io.kestra.plugin.ee.kubernetes.runner.KubernetesTaskRunner",
	"io.kestra.plugin.kubernetes.runner.Kubernetes", "io.kestra.plugin.kubernetes.runner.KubernetesTaskRunner",
}

// IsSetting tells whether a type has a setting of that name which is none of its properties.
func IsSetting(typ, name string) bool {
	return fs.IsSetting(typ, name) || dockerrunner.IsSetting(typ, name)
}

// Register adds every built-in type.
func Register(reg *plugin.Registry, deps Deps) {
	reg.Add(batch.Types(deps.Backend)...)
	reg.Add(condition.Types()...)
	reg.Add(debug.Types()...)
	reg.Add(directory.Types(deps.Storage)...)
	reg.Add(execution.Types(deps.Backend, deps.Storage, deps.Resume)...)
	reg.Add(flow.Types()...)
	reg.Add(fs.Types(deps.KV, deps.Configurations)...)
	reg.Add(http.Types()...)
	reg.Add(jdbc.Types()...)
	reg.Add(kafka.Types()...)
	reg.Add(kvtasks.Types(deps.KV)...)
	reg.Add(log.Types(deps.Backend)...)
	reg.Add(metric.Types()...)
	reg.Add(mqtt.Types()...)
	reg.Add(namespace.Types(deps.Storage)...)
	reg.Add(output.Types()...)
	reg.Add(redis.Types()...)
	reg.Add(revision.Types(deps.Backend)...)
	reg.Add(s3.Types(deps.KV)...)
	scripts := script.Deps{Registry: reg, Storage: deps.Storage, KV: deps.KV, Config: deps.Scripts}
	reg.Add(script.Types(scripts)...)
	engine := deps.Docker
	if engine == nil {
		engine = dockerrunner.New(deps.Scripts.Docker)
	}
	reg.Add(engine.Types()...)
	reg.Add(docker.Types(engine, scripts)...)
	reg.Add(serdes.Types()...)
	reg.Add(transform.Types()...)
	reg.Add(process.Types(deps.Scripts.Process)...)
	reg.Add(state.Types(deps.KV)...)
	reg.Add(storagetasks.Types(deps.Storage, deps.Backend)...)
	reg.Add(templating.Types(reg)...)
	reg.Add(trigger.Types()...)
	reg.Add(trigger.Tasks(deps.Backend)...)
	reg.Elsewhere(Cloud, elsewhere...)
}
