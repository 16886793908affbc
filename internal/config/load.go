package config

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sort"
	"strings"

	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

// Load reads a file, and then the environment, over the defaults. The error lists everything that is wrong, with its place.
// Keys that are not known are warnings: a file that was written for the reference has many that mean nothing here.
func Load(path string) (c *Config, warnings []string, err error) {
	l := &loader{c: Default(), path: path}
	if path != "" {
		src, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, err
		}
		l.read(src)
	}
	l.problems = append(l.problems, l.c.environment(os.Environ())...)
	l.problems = append(l.problems, l.c.Validate()...)
	if len(l.problems) > 0 {
		return nil, l.warnings, errors.New(strings.Join(l.problems, "\n"))
	}
	return l.c, l.warnings, nil
}

// loader reads one file into a configuration.
type loader struct {
	c                  *Config
	path               string
	problems, warnings []string
}

func (l *loader) read(src []byte) {
	root, problems := yamldoc.Parse(src, yamldoc.Limits{})
	for _, p := range problems {
		l.problems = append(l.problems, l.path+":"+p.String())
	}
	if yamldoc.HasErrors(problems) || root == nil {
		return
	}
	for _, e := range root.Entries() {
		switch e.Key.Text {
		case "kestra", "windhover":
			l.section("", e.Value)
		case "micronaut":
			l.micronaut("micronaut.", e.Value)
		}
	}
}

// section reads the keys below a prefix. Keys are compared without case and dashes, as people write them both ways.
func (l *loader) section(prefix string, n *yamldoc.Node) {
	for _, e := range n.Entries() {
		name := prefix + e.Key.Text
		at := fmt.Sprintf("%s:%d:%d: %s: ", l.path, e.Value.Line, e.Value.Column, name)
		if k, ok := lookup(name); ok {
			if k.set == nil {
				continue
			}
			if err := k.set(l.c, expand(e.Value.Value())); err != nil {
				l.problems = append(l.problems, at+err.Error())
			}
			continue
		}
		why, ok := unservedWhy(name)
		switch {
		case ok:
			l.warnings = append(l.warnings, at+"it has no effect here: "+why)
		case isInert(name):
		case e.Value.Kind == yamldoc.Map:
			l.section(name+".", e.Value)
		default:
			l.warnings = append(l.warnings, at+"unknown key"+suggestion(name))
		}
	}
}

// frameworkKeys are keys of the framework that the reference is built with which mean the same as keys here; its other keys
// mean nothing.
var frameworkKeys = map[string]string{
	"micronaut.server.port": "server.port", "micronaut.server.host": "server.host", "micronaut.server.maxrequestsize": "server.max-request-size",
}

// micronaut reads the keys below a prefix that have a meaning here.
func (l *loader) micronaut(prefix string, n *yamldoc.Node) {
	for _, e := range n.Entries() {
		name := prefix + e.Key.Text
		if e.Value.Kind == yamldoc.Map {
			l.micronaut(name+".", e.Value)
			continue
		}
		k, ok := keys[frameworkKeys[plain(name)]]
		if !ok {
			continue
		}
		if err := k.set(l.c, expand(e.Value.Value())); err != nil {
			l.problems = append(l.problems, fmt.Sprintf("%s:%d:%d: %s: %v", l.path, e.Value.Line, e.Value.Column, name, err))
		}
	}
}

// environment reads variables such as WINDHOVER_SERVER_PORT or KESTRA_SERVER_PORT. Unknown ones are left alone: others
// may use the prefix.
func (c *Config) environment(vars []string) []string {
	byName := map[string]string{}
	for k := range keys {
		byName[envName(k)] = k
	}
	sort.Strings(vars)
	var out []string
	for _, v := range vars {
		name, val, _ := strings.Cut(v, "=")
		rest, ok := strings.CutPrefix(name, "WINDHOVER_")
		if !ok {
			rest, ok = strings.CutPrefix(name, "KESTRA_")
		}
		k, known := keys[byName[envName(rest)]]
		if !ok || !known || k.set == nil {
			continue
		}
		if err := k.set(c, envValue(val)); err != nil {
			out = append(out, fmt.Sprintf("%s: %v", name, err))
		}
	}
	return out
}

// envName is a key as variables name it; underscores stand for dots and for dashes, or for nothing.
func envName(key string) string {
	return strings.ToLower(strings.NewReplacer(".", "", "-", "", "_", "").Replace(key))
}

// envValue is a variable's value: lists and maps are JSON.
func envValue(text string) any {
	if strings.HasPrefix(text, "[") || strings.HasPrefix(text, "{") {
		if v, err := value.ParseJSON([]byte(text)); err == nil {
			return v
		}
	}
	return text
}

// expand replaces ${NAME} and ${NAME:default} in texts by the environment's variables.
func expand(v any) any {
	switch v := v.(type) {
	case string:
		return os.Expand(v, func(name string) string {
			name, otherwise, _ := strings.Cut(name, ":")
			if s, ok := os.LookupEnv(name); ok {
				return s
			}
			return otherwise
		})
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = expand(e)
		}
		return out
	case *value.Map:
		out := value.NewMap(v.Len())
		for k, e := range v.All() {
			out.Set(k, expand(e))
		}
		return out
	}
	return v
}

func lookup(name string) (key, bool) {
	if k, ok := keys[name]; ok {
		return k, true
	}
	want := plain(name)
	for k, def := range keys {
		if plain(k) == want {
			return def, true
		}
	}
	return key{}, false
}

func plain(name string) string { return strings.ToLower(strings.ReplaceAll(name, "-", "")) }

func isInert(name string) bool {
	return slices.ContainsFunc(inert, func(p string) bool { return below(name, p) })
}

// unservedWhy tells why a key that the reference has changes nothing.
func unservedWhy(name string) (string, bool) {
	for p, why := range unserved {
		if below(name, p) {
			return why, true
		}
	}
	return "", false
}

// below tells whether a key has a prefix, or is all of it.
func below(name, prefix string) bool { return strings.HasPrefix(plain(name)+".", plain(prefix)) }

func suggestion(name string) string {
	if near := yamldoc.Nearest(name, Names()); near != "" {
		return ", did you mean " + near + "?"
	}
	return ""
}

// Names lists the keys, without the root.
func Names() []string {
	out := make([]string, 0, len(keys))
	for k := range keys {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// Doc is what a key means, "" if it is accepted and means nothing here.
func Doc(name string) string { return keys[name].doc }
