// Package bucket keeps internal storage in a bucket of objects, whoever's it is: {prefix}/{tenant}/{path}, metadata with the
// object. A directory is there while a key below it is; one that was made empty is an object whose key ends with a slash.
package bucket

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/storage"
)

const (
	// MetadataKey is the one entry of an object's own metadata that holds all of a file's: servers take ASCII there only, and
	// do not keep the case of names.
	MetadataKey = "Windhover"
	// maxMetadata is what servers take of it, in bytes.
	maxMetadata = 2000
)

// Objects are those of a bucket. An object that is not there is storage.ErrNotFound.
type Objects interface {
	// Read opens an object.
	Read(ctx context.Context, key string) (io.ReadCloser, Info, error)
	Stat(ctx context.Context, key string) (Info, error)
	// Write makes or replaces an object from a stream of any length. It is there as a whole or, where that fails, as it was.
	Write(ctx context.Context, key string, content io.Reader, metadata string) error
	// Copy makes the server copy an object of a size, with its metadata.
	Copy(ctx context.Context, from, to string, size int64) error
	// Remove deletes objects in this order or at once; those that are not there are passed over.
	Remove(ctx context.Context, keys []string) error
	// List calls f for objects whose keys have a prefix, in any order. If it is not deep it calls f once for all that have a slash
	// after the prefix, with what precedes the slash and the slash. Most bounds how many there are in all; 0 does not.
	List(ctx context.Context, prefix string, deep bool, most int, f func(Item) error) error
	Close() error
}

// Info describes an object. Metadata is what Write was given.
type Info struct {
	Size              int64
	Modified, Created time.Time
	Metadata          string
}

// Item is an object of a list. Info is nil where a list does not say it.
type Item struct {
	Key  string
	Info *Info
}

// Storage is a storage.Storage in a bucket.
type Storage struct {
	objects Objects
	prefix  string // ends with a slash, or is empty
}

var _ storage.Storage = (*Storage)(nil)

// New keeps files below a prefix, which may have slashes around it.
func New(objects Objects, prefix string) *Storage {
	s := &Storage{objects: objects}
	if prefix := strings.Trim(prefix, "/"); prefix != "" {
		s.prefix = prefix + "/"
	}
	return s
}

// Close ends the use of the bucket.
func (s *Storage) Close() error { return s.objects.Close() }

// key is where a URI is in the bucket; that of a directory ends with a slash.
func (s *Storage) key(uri storage.URI) string { return s.prefix + uri.Tenant() + uri.Path() }

// Get implements storage.Storage.
func (s *Storage) Get(ctx context.Context, uri storage.URI) (*storage.Object, error) {
	if err := storage.Check(ctx, "get", uri); err != nil {
		return nil, err
	}
	if uri.IsDirectory() {
		return nil, s.absent(ctx, "get", uri)
	}
	body, info, err := s.objects.Read(ctx, s.key(uri))
	if errors.Is(err, storage.ErrNotFound) {
		return nil, s.absent(ctx, "get", uri)
	}
	if err != nil {
		return nil, storage.Error("get", uri, err)
	}
	attributes, err := describe(uri, info)
	if err != nil {
		_ = body.Close() // nothing was read
		return nil, storage.Error("get", uri, err)
	}
	return &storage.Object{ReadCloser: body, Attributes: attributes}, nil
}

// absent says why there is no file: a directory is there, or nothing.
func (s *Storage) absent(ctx context.Context, op string, uri storage.URI) error {
	there, err := s.isDirectory(ctx, uri)
	switch {
	case err != nil:
		return storage.Error(op, uri, err)
	case there:
		return storage.Error(op, uri, storage.ErrIsDirectory)
	}
	return storage.Error(op, uri, storage.ErrNotFound)
}

func (s *Storage) isDirectory(ctx context.Context, uri storage.URI) (there bool, err error) {
	if uri.IsRoot() {
		return true, nil
	}
	err = s.objects.List(ctx, s.key(uri.AsDirectory()), true, 1, func(Item) error {
		there = true
		return nil
	})
	return there, errors.Join(err, ctx.Err())
}

// Put implements storage.Storage.
func (s *Storage) Put(ctx context.Context, uri storage.URI, content io.Reader, metadata map[string]string) error {
	if err := storage.Check(ctx, "put", uri); err != nil {
		return err
	}
	if err := s.put(ctx, uri, storage.ContextReader(ctx, content), metadata); err != nil {
		return storage.Error("put", uri, err)
	}
	return nil
}

func (s *Storage) put(ctx context.Context, uri storage.URI, content io.Reader, metadata map[string]string) error {
	if uri.IsDirectory() {
		return storage.ErrIsDirectory
	}
	if there, err := s.isDirectory(ctx, uri); err != nil || there {
		return errors.Join(err, storage.ErrIsDirectory)
	}
	text, err := encodeMetadata(metadata)
	if err != nil {
		return err
	}
	return s.objects.Write(ctx, s.key(uri), content, text)
}

// CreateDirectory implements storage.Storage.
func (s *Storage) CreateDirectory(ctx context.Context, dir storage.URI) error {
	if err := storage.Check(ctx, "create directory", dir); err != nil {
		return err
	}
	if err := s.createDirectory(ctx, dir); err != nil {
		return storage.Error("create directory", dir, err)
	}
	return nil
}

func (s *Storage) createDirectory(ctx context.Context, dir storage.URI) error {
	if there, err := s.isDirectory(ctx, dir); err != nil || there {
		return err
	}
	_, err := s.objects.Stat(ctx, s.key(dir.AsFile()))
	switch {
	case err == nil:
		return storage.ErrExists
	case !errors.Is(err, storage.ErrNotFound):
		return err
	}
	return s.objects.Write(ctx, s.key(dir.AsDirectory()), strings.NewReader(""), "")
}

// Stat implements storage.Storage.
func (s *Storage) Stat(ctx context.Context, uri storage.URI) (storage.Attributes, error) {
	if err := storage.Check(ctx, "stat", uri); err != nil {
		return storage.Attributes{}, err
	}
	a, err := s.stat(ctx, uri)
	if err != nil {
		return storage.Attributes{}, storage.Error("stat", uri, err)
	}
	return a, nil
}

func (s *Storage) stat(ctx context.Context, uri storage.URI) (storage.Attributes, error) {
	if !uri.IsDirectory() {
		info, err := s.objects.Stat(ctx, s.key(uri))
		if err == nil {
			return describe(uri, info)
		}
		if !errors.Is(err, storage.ErrNotFound) {
			return storage.Attributes{}, err
		}
	}
	there, err := s.isDirectory(ctx, uri)
	if err == nil && !there {
		err = storage.ErrNotFound
	}
	return storage.Attributes{Name: uri.Name(), Type: storage.Directory}, err
}

func describe(uri storage.URI, info Info) (storage.Attributes, error) {
	metadata, err := decodeMetadata(info.Metadata)
	return storage.Attributes{
		Name: uri.Name(), Type: storage.File, Size: info.Size, Modified: info.Modified, Created: info.Created, Metadata: metadata,
	}, err
}

// encodeMetadata writes something also where there is nothing to keep: some servers leave that of a replaced object in place.
func encodeMetadata(metadata map[string]string) (string, error) {
	raw, err := json.Marshal(metadata)
	if err != nil {
		return "", err
	}
	text := base64.StdEncoding.EncodeToString(raw)
	if len(text) > maxMetadata {
		return "", fmt.Errorf("%w metadata: %d bytes are more than the %d that a bucket keeps", storage.ErrInvalid, len(text), maxMetadata)
	}
	return text, nil
}

func decodeMetadata(text string) (map[string]string, error) {
	if text == "" {
		return nil, nil
	}
	var metadata map[string]string
	raw, err := base64.StdEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(raw, &metadata)
	}
	if err != nil {
		return nil, fmt.Errorf("its metadata: %w", err)
	}
	if len(metadata) == 0 {
		return nil, nil
	}
	return metadata, nil
}
