// Package fs holds the triggers that wait for files: in directories of the worker's machine, which have to be allowed by the
// configuration, and on servers that are reached by SFTP.
package fs

import (
	"strings"

	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/value"
)

const (
	area  = "io.kestra.plugin.fs."
	local = area + "local"
)

// Types lists the types of this package. Configurations are the settings of types: maps with type and values.
func Types(store *kv.Store, configurations []any) []plugin.Type {
	return []plugin.Type{localType(store, allowedPaths(configurations)), sftpType(store)}
}

// allowedName is the setting of io.kestra.plugin.fs.local that lists the directories that flows may reach.
const allowedName = "allowed-paths"

// IsSetting tells whether plugins.configurations may hold that setting of that type for this package.
func IsSetting(typ, name string) bool {
	return name == allowedName && (typ == local || typ == local+".Trigger")
}

func allowedPaths(configurations []any) []string {
	var out []string
	for _, c := range configurations {
		m, ok := value.AsMap(c)
		if !ok {
			continue
		}
		typ, _ := m.Get("type")
		values, _ := m.Get("values")
		settings, ok := value.AsMap(values)
		if !ok || !IsSetting(value.Print(typ), allowedName) {
			continue
		}
		switch list, _ := settings.Get(allowedName); list := list.(type) {
		case []any:
			for _, p := range list {
				out = append(out, value.Print(p))
			}
		case string:
			for p := range strings.SplitSeq(list, ",") {
				out = append(out, strings.TrimSpace(p))
			}
		}
	}
	return out
}
