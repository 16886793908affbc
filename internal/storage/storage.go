// Package storage is the port to internal storage: the files of executions, namespaces and the
// key-value store, addressed by URIs such as kestra:///company/team/flow/executions/ID/….
//
// Tenants do not see each other's files. The tenant is not part of a URI's text; on disk or in a
// bucket it is the first directory.
package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// The errors that storages and this package wrap.
var (
	// ErrNotFound: there is no such file or directory.
	ErrNotFound = errors.New("not found")
	// ErrExists: something is there that must not be replaced.
	ErrExists = errors.New("already exists")
	// ErrIsDirectory: a file was needed, and this is a directory.
	ErrIsDirectory = errors.New("is a directory")
	// ErrNotDirectory: a directory was needed, and this is a file.
	ErrNotDirectory = errors.New("is not a directory")
	// ErrOutsideRoot: the path leads out of the storage or of the tenant, by `..` or by a link.
	ErrOutsideRoot = errors.New("leads outside of the storage")
	// ErrInvalid: the text is no URI of this storage, or the operation makes no sense for it.
	ErrInvalid = errors.New("invalid")
)

// Storage keeps files in directories. It is safe for concurrent use by many processes.
//
// Files appear whole or not at all, and once Put has returned they survive a crash. Directories come
// into being with what is put into them. Whether a directory that has lost its last file remains is
// up to the storage. Methods stop early when ctx ends; what they had begun may then be done in part,
// except that Put has happened or has not.
type Storage interface {
	// AllByPrefix lists every file below a directory at any depth, and with directories also every
	// directory below it, these ending with a slash. The order is the reverse of the alphabet's, so
	// that what is inside a directory precedes it. It is empty where there is no such directory.
	AllByPrefix(ctx context.Context, dir URI, directories bool) ([]URI, error)

	// CreateDirectory makes a directory, and those above it. One that is there already is left as it
	// is; a file there is ErrExists.
	CreateDirectory(ctx context.Context, dir URI) error

	// Delete removes a file, or a directory with all it holds, and reports whether it was there.
	Delete(ctx context.Context, uri URI) (bool, error)

	// DeleteByPrefix is Delete that tells what it removed, in the order of AllByPrefix.
	DeleteByPrefix(ctx context.Context, uri URI) ([]URI, error)

	// Get opens a file; the caller closes it. It fails with ErrNotFound or ErrIsDirectory.
	Get(ctx context.Context, file URI) (*Object, error)

	// List returns what is directly in a directory, ordered by name. It fails with ErrNotFound or
	// ErrNotDirectory.
	List(ctx context.Context, dir URI) ([]Attributes, error)

	// Move renames a file or a directory, its metadata included, and makes the directories above the
	// target. A file replaces a file; any other target that is there is ErrExists. It fails with
	// ErrNotFound where there is nothing to move, and with ErrInvalid for a move into itself.
	Move(ctx context.Context, from, to URI) error

	// Put writes a file from a stream of any length, with metadata that may be nil, and replaces the
	// file that is there. It fails with ErrIsDirectory where a directory is there or the URI says so.
	Put(ctx context.Context, file URI, content io.Reader, metadata map[string]string) error

	// Stat describes a file or a directory. It fails with ErrNotFound.
	Stat(ctx context.Context, uri URI) (Attributes, error)
}

// Object is an open file: a stream of its content, and what is known about it. Where its
// ReadCloser is also an io.Seeker, parts can be read without the rest.
type Object struct {
	io.ReadCloser
	Attributes
}

// Type tells files from directories. Its values are those of the REST API.
type Type string

// What there is in a storage.
const (
	File      Type = "File"
	Directory Type = "Directory"
)

// Attributes describe a file or a directory.
type Attributes struct {
	Name string // the last segment of the path, without a slash; empty for the root
	Type Type
	Size int64 // in bytes; 0 for a directory
	// Modified is when the content was written; for a directory it may be anything not later than now.
	Modified time.Time
	// Created is when the file appeared. As every Put makes a new file, it equals Modified unless the
	// storage knows better.
	Created  time.Time
	Metadata map[string]string // nil where there is none
}

// Exists reports whether there is a file or a directory.
func Exists(ctx context.Context, s Storage, uri URI) (bool, error) {
	_, err := s.Stat(ctx, uri)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Error wraps an error with the operation and the URI it is about; it is for implementations.
func Error(op string, uri URI, err error) error {
	return fmt.Errorf("%s %s: %w", op, uri, err)
}

// Check is how every method begins: it fails where uri is no place or ctx has ended. It is for
// implementations.
func Check(ctx context.Context, op string, uri URI) error {
	if !uri.Valid() {
		return Error(op, uri, ErrInvalid)
	}
	if err := ctx.Err(); err != nil {
		return Error(op, uri, err)
	}
	return nil
}

// ContextReader reads from r until ctx ends, and then fails with its error; it is for implementations.
func ContextReader(ctx context.Context, r io.Reader) io.Reader { return contextReader{ctx, r} }

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
