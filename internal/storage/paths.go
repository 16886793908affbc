package storage

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// The layout below is the reference's, so that an installation's files stay where they are:
//
//	/{namespace}/{flow}/executions/{execution}/tasks/{task}/{taskrun}/{name}
//	/{namespace}/{flow}/executions/{execution}/trigger/{trigger}/{name}
//	/{namespace}/{flow}/executions/{execution}/inputs/{input}/{name}
//	/{namespace}/{flow}/{task}/cache[/{hash}]/cache.zip
//	/{namespace}/_files/{path}[.v{version}]
//	/{namespace}/_kv/{key}.ion[.v{version}]
//	/_messages/{name}
//
// A namespace's dots separate directories. Flows, tasks and triggers are slugs; the rest is as it is.

// Flow names a flow of a tenant.
type Flow struct {
	Tenant, Namespace, ID string
}

// Execution names an execution of a flow.
type Execution struct {
	Flow
	ID string
}

// Dir returns the directory of everything a flow keeps, its executions included.
func (f Flow) Dir() (URI, error) { return directory(f.Tenant, namespacePath(f.Namespace), Slug(f.ID)) }

// ExecutionsDir returns the directory of a flow's executions.
func (f Flow) ExecutionsDir() (URI, error) {
	return directory(f.Tenant, namespacePath(f.Namespace), Slug(f.ID), "executions")
}

// CacheFile returns the archive of a task's cached working directory, one for each key; key may be empty.
func (f Flow) CacheFile(task, key string) (URI, error) {
	segments := []string{namespacePath(f.Namespace), Slug(f.ID), Slug(task), "cache"}
	if key != "" {
		hash := sha256.Sum256([]byte(key))
		segments = append(segments, hex.EncodeToString(hash[:16]))
	}
	dir, err := directory(f.Tenant, segments...)
	if err != nil {
		return URI{}, err
	}
	return dir.Join("cache.zip")
}

// Dir returns the directory of everything an execution keeps.
func (e Execution) Dir() (URI, error) { return e.dir() }

// TaskDir returns the directory of the files a task run produced.
func (e Execution) TaskDir(task, taskRun string) (URI, error) {
	return e.dir("tasks", Slug(task), taskRun)
}

// TriggerDir returns the directory of the files a trigger brought. The execution is then the one
// that the trigger is about to create.
func (e Execution) TriggerDir(trigger string) (URI, error) { return e.dir("trigger", Slug(trigger)) }

// InputDir returns the directory of the file given for an input.
func (e Execution) InputDir(input string) (URI, error) { return e.dir("inputs", input) }

func (e Execution) dir(segments ...string) (URI, error) {
	head := []string{namespacePath(e.Namespace), Slug(e.Flow.ID), "executions", e.ID}
	return directory(e.Tenant, append(head, segments...)...)
}

// NamespaceDir returns the directory of everything below a namespace, its flows and child
// namespaces included.
func NamespaceDir(tenant, namespace string) (URI, error) {
	return directory(tenant, namespacePath(namespace))
}

// NamespaceFile returns the place of one version of a namespace file. Its path is relative to the
// namespace, with or without a leading slash; either slash separates. Versions count from 1. With
// an empty path it is the directory of all namespace files; directories have no versions.
func NamespaceFile(tenant, namespace, path string, version int) (URI, error) {
	dir, err := directory(tenant, namespacePath(namespace), "_files")
	if err != nil {
		return URI{}, err
	}
	uri, err := dir.Join(strings.ReplaceAll(path, `\`, "/"))
	if err != nil || uri.IsDirectory() {
		return uri, err
	}
	return versioned(uri, version)
}

// keyPattern is what the reference allows as a key of the key-value store.
var keyPattern = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]*$`)

// KVFile returns the place of one version of a value in a namespace's key-value store. Versions
// count from 1. It fails with ErrInvalid for a key of other characters than letters, digits, `.`,
// `_` and `-`, or one that does not begin with a letter or digit.
func KVFile(tenant, namespace, key string, version int) (URI, error) {
	if !keyPattern.MatchString(key) {
		return URI{}, fmt.Errorf("%w key %q: it must begin with a letter or digit and go on with these, `.`, `_` or `-`", ErrInvalid, key)
	}
	dir, err := directory(tenant, namespacePath(namespace), "_kv")
	if err != nil {
		return URI{}, err
	}
	uri, err := dir.Join(key + ".ion")
	if err != nil {
		return URI{}, err
	}
	return versioned(uri, version)
}

// MessageFile returns the place of a value that is too big for where it belongs.
func MessageFile(tenant, name string) (URI, error) {
	dir, err := directory(tenant, "_messages")
	if err != nil {
		return URI{}, err
	}
	return dir.Join(name)
}

// versioned marks the versions after the first, which are kept beside it.
func versioned(uri URI, version int) (URI, error) {
	switch {
	case version < 1:
		return URI{}, fmt.Errorf("%w version %d of %s", ErrInvalid, version, uri)
	case version == 1:
		return uri, nil
	}
	return uri.Parent().Join(uri.Name() + ".v" + strconv.Itoa(version))
}

// directory joins segments none of which may be missing: an empty one would silently address all of
// what is above it.
func directory(tenant string, segments ...string) (URI, error) {
	for _, segment := range segments {
		if strings.Trim(segment, "/.") == "" {
			return URI{}, fmt.Errorf("%w path %q: an identifier in it is missing", ErrInvalid, strings.Join(segments, "/"))
		}
	}
	return Root(tenant).Join(append(segments, "")...)
}

func namespacePath(namespace string) string { return strings.ReplaceAll(namespace, ".", "/") }

// Slug turns an identifier into a directory's name as the reference does: lower case, words joined
// by single dashes, accents removed, and so is all that is neither letter, digit, dash nor underscore.
func Slug(id string) string {
	var out strings.Builder
	for _, r := range norm.NFD.String(id) {
		switch {
		case r == '-', r == '_', unicode.IsSpace(r):
			if text := out.String(); text != "" && text[len(text)-1] != '-' {
				out.WriteByte('-')
			}
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			out.WriteRune(r)
		case r >= 'A' && r <= 'Z':
			out.WriteRune(r - 'A' + 'a')
		}
	}
	return strings.TrimSuffix(out.String(), "-")
}

// maxName leaves room for what a storage may have to add to a name.
const maxName = 180

// FileName makes a name from anywhere, an upload or a header say, fit for the last segment of a
// URI: its directories and control characters are dropped, and one that is too long keeps its end,
// with a part of its hash in front so that it stays its own. It is empty where nothing is left.
func FileName(name string) string {
	name = strings.ReplaceAll(strings.ToValidUTF8(name, "\uFFFD"), `\`, "/")
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, path.Base(name))
	if name == "." || name == ".." || name == "/" {
		return ""
	}
	if len(name) <= maxName {
		return name
	}
	hash := sha256.Sum256([]byte(name))
	end := strings.ToValidUTF8(name[len(name)-maxName+9:], "")
	return hex.EncodeToString(hash[:4]) + "-" + end
}

// executionFile is the part of a path that only the files of an execution have.
var executionFile = regexp.MustCompile(`/executions/([^/]+)/(?:tasks|trigger|inputs)/`)

// ExecutionID returns the execution a file belongs to, and whether it belongs to one.
func ExecutionID(uri URI) (string, bool) {
	if match := executionFile.FindStringSubmatch(uri.path); match != nil {
		return match[1], true
	}
	return "", false
}
