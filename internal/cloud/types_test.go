package cloud_test

import (
	"slices"
	"testing"

	"github.com/windhover-io/windhover/internal/cloud"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks"
)

// The plain program knows the name of each type that only this one has, so that its errors tell where that is.
func TestThePlainProgramKnowsWhereTypesAre(t *testing.T) {
	plain := plugin.NewRegistry()
	tasks.Register(plain, tasks.Deps{})
	for _, x := range cloud.Extras() {
		for _, typ := range x.Types {
			for _, name := range slices.Concat([]string{typ.Name}, typ.Aliases) {
				if plain.Program(name) != "windhover-cloud" {
					t.Errorf("the plain program does not know of %s", name)
				}
			}
			if len(typ.Examples) == 0 || typ.Title == "" || typ.Description == "" {
				t.Errorf("%s is not described", typ.Name)
			}
		}
	}
}
