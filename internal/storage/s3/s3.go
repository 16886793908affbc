// Package s3 keeps internal storage in a bucket, of AWS or of any server that speaks S3: {prefix}/{tenant}/{path}, metadata
// with the object. A directory is there while a key below it is; one that was made empty is an object whose key ends with a
// slash.
package s3

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/windhover-io/windhover/internal/storage"
)

const (
	// partSize is what is sent at once of a stream whose length is not known, in bytes; it is held in memory. A server takes
	// 10,000 parts, so that a file has at most 312 GiB.
	partSize = 32 << 20
	// metadataKey is the one entry of an object's own metadata that holds all of a file's: servers take ASCII there only, and
	// do not keep the case of names.
	metadataKey = "Windhover"
	// maxMetadata is what servers take of it, in bytes.
	maxMetadata = 2000
)

// Config says where the bucket is.
type Config struct {
	Connection
	Bucket string
	// Prefix is where in the bucket the files are, without slashes around it; "" is its root.
	Prefix string
}

// Storage is a storage.Storage in a bucket.
type Storage struct {
	client    minio.Core
	transport *http.Transport
	bucket    string
	prefix    string // ends with a slash, or is empty
}

var _ storage.Storage = (*Storage)(nil)

// Open uses a bucket that has to be there. Close it after use.
func Open(ctx context.Context, c Config) (*Storage, error) {
	if c.Bucket == "" {
		return nil, errors.New("open S3 storage: no bucket is named")
	}
	client, transport, err := Connect(c.Connection)
	if err != nil {
		return nil, fmt.Errorf("open S3 storage: %w", err)
	}
	s := &Storage{client: minio.Core{Client: client}, transport: transport, bucket: c.Bucket}
	if prefix := strings.Trim(c.Prefix, "/"); prefix != "" {
		s.prefix = prefix + "/"
	}
	there, err := client.BucketExists(ctx, c.Bucket)
	if err == nil && !there {
		err = errors.New("there is no such bucket")
	}
	if err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("open S3 storage: bucket %s: %w", c.Bucket, err)
	}
	return s, nil
}

// Close ends the use of the bucket.
func (s *Storage) Close() error {
	s.transport.CloseIdleConnections()
	return nil
}

// key is where a URI is in the bucket; that of a directory ends with a slash.
func (s *Storage) key(uri storage.URI) string { return s.prefix + uri.Tenant() + uri.Path() }

// Get implements storage.Storage.
func (s *Storage) Get(ctx context.Context, uri storage.URI) (*storage.Object, error) {
	if err := storage.Check(ctx, "get", uri); err != nil {
		return nil, err
	}
	if uri.IsDirectory() {
		return nil, s.absent(ctx, "get", uri, storage.ErrIsDirectory)
	}
	body, info, _, err := s.client.GetObject(ctx, s.bucket, s.key(uri), minio.GetObjectOptions{})
	if notThere(err) {
		return nil, s.absent(ctx, "get", uri, storage.ErrIsDirectory)
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

// absent says why there is no file: asDirectory where a directory is there, else that there is nothing.
func (s *Storage) absent(ctx context.Context, op string, uri storage.URI, asDirectory error) error {
	there, err := s.isDirectory(ctx, uri)
	switch {
	case err != nil:
		return storage.Error(op, uri, err)
	case there:
		return storage.Error(op, uri, asDirectory)
	}
	return storage.Error(op, uri, storage.ErrNotFound)
}

func (s *Storage) isDirectory(ctx context.Context, uri storage.URI) (bool, error) {
	if uri.IsRoot() {
		return true, nil
	}
	// The marker of a directory is asked for by itself: a server may leave it out of a list.
	page, err := s.client.ListObjectsV2(s.bucket, s.key(uri.AsDirectory()), "", "", "", 1)
	if err != nil {
		return false, err
	}
	if len(page.Contents)+len(page.CommonPrefixes) > 0 {
		return true, nil
	}
	return false, ctx.Err()
}

// Put implements storage.Storage. A stream that is longer than a part is sent in parts.
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
	own, err := encodeMetadata(metadata)
	if err != nil {
		return err
	}
	o := minio.PutObjectOptions{UserMetadata: own, PartSize: partSize}
	head, err := io.ReadAll(io.LimitReader(content, partSize))
	if err != nil {
		return err
	}
	if len(head) < partSize {
		return s.putWhole(ctx, uri, head, o)
	}
	_, err = s.client.Client.PutObject(ctx, s.bucket, s.key(uri), io.MultiReader(bytes.NewReader(head), content), -1, o)
	return err
}

// conflictTries is how often a write is tried that met another one of the same object, conflictPause the time between.
const (
	conflictTries = 5
	conflictPause = 20 * time.Millisecond
)

func (s *Storage) putWhole(ctx context.Context, uri storage.URI, content []byte, o minio.PutObjectOptions) error {
	for try := 1; ; try++ {
		_, err := s.client.Client.PutObject(ctx, s.bucket, s.key(uri), bytes.NewReader(content), int64(len(content)), o)
		if minio.ToErrorResponse(err).StatusCode != http.StatusConflict || try == conflictTries {
			return err
		}
		select {
		case <-time.After(conflictPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
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
	_, err := s.client.StatObject(ctx, s.bucket, s.key(dir.AsFile()), minio.StatObjectOptions{})
	switch {
	case err == nil:
		return storage.ErrExists
	case !notThere(err):
		return err
	}
	_, err = s.client.Client.PutObject(ctx, s.bucket, s.key(dir.AsDirectory()), bytes.NewReader(nil), 0, minio.PutObjectOptions{})
	return err
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
		info, err := s.client.StatObject(ctx, s.bucket, s.key(uri), minio.StatObjectOptions{})
		if err == nil {
			return describe(uri, info)
		}
		if !notThere(err) {
			return storage.Attributes{}, err
		}
	}
	there, err := s.isDirectory(ctx, uri)
	if err == nil && !there {
		err = storage.ErrNotFound
	}
	return storage.Attributes{Name: uri.Name(), Type: storage.Directory}, err
}

func describe(uri storage.URI, info minio.ObjectInfo) (storage.Attributes, error) {
	metadata, err := decodeMetadata(info)
	return storage.Attributes{
		Name: uri.Name(), Type: storage.File, Size: info.Size, Modified: info.LastModified, Created: info.LastModified, Metadata: metadata,
	}, err
}

// encodeMetadata writes the entry also where there is nothing to keep: some servers leave that of a replaced object in place.
func encodeMetadata(metadata map[string]string) (map[string]string, error) {
	raw, err := json.Marshal(metadata)
	if err != nil {
		return nil, err
	}
	text := base64.StdEncoding.EncodeToString(raw)
	if len(text) > maxMetadata {
		return nil, fmt.Errorf("%w metadata: %d bytes are more than the %d that a bucket keeps", storage.ErrInvalid, len(text), maxMetadata)
	}
	return map[string]string{metadataKey: text}, nil
}

func decodeMetadata(info minio.ObjectInfo) (map[string]string, error) {
	text := info.Metadata.Get("X-Amz-Meta-" + metadataKey)
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

// notThere tells whether an error says that there is no such object, be it because a part of its path is one.
func notThere(err error) bool {
	if err == nil {
		return false
	}
	r := minio.ToErrorResponse(err)
	return r.StatusCode == http.StatusNotFound && r.Code != "NoSuchBucket" || r.Code == "NoSuchKey" || r.Code == "ObjectParentIsFile"
}
