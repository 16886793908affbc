// Package cloud lists what windhover-cloud has beyond windhover: one line an area, so that a reader sees at once what there is.
package cloud

import (
	"context"
	"time"

	"github.com/windhover-io/windhover/internal/app"
	"github.com/windhover-io/windhover/internal/taskrunner/kubernetes"
)

// Extras are all of it.
func Extras() []app.Extras {
	return []app.Extras{
		pods(),
		storages(),
	}
}

// sweepEvery is how often is looked for pods that nobody comes for.
const sweepEvery = 30 * time.Second

// pods run scripts in Kubernetes.
func pods() app.Extras {
	clusters := kubernetes.New()
	return app.Extras{
		Types: clusters.Types(),
		Beside: func(ctx context.Context, a *app.App) error {
			return (&kubernetes.Sweeper{Clusters: clusters, Backend: a.Backend, Log: a.Log, Every: sweepEvery}).Run(ctx)
		},
	}
}
