// Package fs holds the types that are about files in directories of the worker's machine, which have to be allowed by the
// configuration, and on servers that are reached by SFTP, and the one that runs commands on servers.
//
// What a task does with files is written once, for a tree: the machine's, a server's.
package fs

import (
	"iter"
	"slices"
	"strings"

	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/value"
)

const (
	area      = "io.kestra.plugin.fs."
	localArea = area + "local"
)

// Types lists the types of this package. Configurations are the settings of types: maps with type and values.
func Types(store *kv.Store, configurations []any) []plugin.Type {
	m := Machine{allowedPaths(configurations)}
	return slices.Concat([]plugin.Type{localTrigger(store, m), sftpTrigger(store)}, localTasks(m), sftpTasks(), []plugin.Type{commandType(openSSHAllowed(configurations))})
}

// allowedName is the setting of io.kestra.plugin.fs.local that lists the directories that flows may reach.
const allowedName = "allowed-paths"

// openSSHName is the setting of io.kestra.plugin.fs.ssh.Command that lets flows use the worker's own configuration of OpenSSH.
const openSSHName = "allow-open-ssh-config"

// IsSetting tells whether plugins.configurations may hold that setting of that type for this package.
func IsSetting(typ, name string) bool {
	if name == openSSHName {
		return typ == commandName || typ == area+"ssh"
	}
	return name == allowedName && (typ == localArea || strings.HasPrefix(typ, localArea+"."))
}

func allowedPaths(configurations []any) []string {
	var out []string
	for v := range settings(configurations, allowedName) {
		switch list := v.(type) {
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

func openSSHAllowed(configurations []any) bool {
	allowed := false
	for v := range settings(configurations, openSSHName) {
		allowed = value.Print(v) == "true"
	}
	return allowed
}

// settings are the values of a setting of this package, in their order.
func settings(configurations []any, name string) iter.Seq[any] {
	return func(yield func(any) bool) {
		for _, c := range configurations {
			m, ok := value.AsMap(c)
			if !ok {
				continue
			}
			typ, _ := m.Get("type")
			values, _ := m.Get("values")
			set, ok := value.AsMap(values)
			if !ok || !IsSetting(value.Print(typ), name) {
				continue
			}
			if v, ok := set.Get(name); ok && !yield(v) {
				return
			}
		}
	}
}
