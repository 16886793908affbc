// Package cloud lists what windhover-cloud has beyond windhover: one line an area, so that a reader sees at once what there is.
package cloud

import (
	"github.com/windhover-io/windhover/internal/app"
)

// Extras are all of it.
func Extras() []app.Extras {
	return []app.Extras{
		storages(),
	}
}
