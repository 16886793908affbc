package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"

	"github.com/windhover-io/windhover/internal/expr/ion"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/value"
)

// maxMetadata bounds what is read as metadata, in bytes.
const maxMetadata = 64 << 10

// describe returns the attributes of a file or directory that the system describes as info.
func (p place) describe(name string, mustBeDirectory bool, info fs.FileInfo) (storage.Attributes, error) {
	a := storage.Attributes{Name: name, Type: storage.Directory, Modified: info.ModTime(), Created: info.ModTime()}
	if info.IsDir() {
		return a, nil
	}
	if mustBeDirectory {
		return storage.Attributes{}, storage.ErrNotFound
	}
	metadata, err := p.metadata()
	if err != nil {
		return storage.Attributes{}, err
	}
	a.Type, a.Size, a.Metadata = storage.File, info.Size(), metadata
	return a, nil
}

// metadata reads what is kept beside a file, nil where there is nothing. Something else that happens
// to have the name, in a directory that was not always ours, is nothing.
func (p place) metadata() (map[string]string, error) {
	file, err := p.root.Open(p.path + metadataSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(file, maxMetadata))
	if err != nil {
		return nil, err
	}
	values, err := ion.Read(string(text), 1)
	if err != nil || len(values) == 0 {
		return nil, nil
	}
	fields, ok := values[0].(*value.Map)
	if !ok || fields.Len() == 0 {
		return nil, nil
	}
	metadata := make(map[string]string, fields.Len())
	for key, v := range fields.All() {
		if text, ok := v.(string); ok {
			metadata[key] = text
		}
	}
	return metadata, nil
}

// writeMetadata stores metadata in a file of its own and returns its path, empty where there is none.
func (p place) writeMetadata(ctx context.Context, metadata map[string]string) (string, error) {
	if len(metadata) == 0 {
		return "", nil
	}
	fields := value.NewMap(len(metadata))
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		fields.Set(key, metadata[key])
	}
	text := ion.Append(nil, fields)
	if len(text) > maxMetadata {
		return "", fmt.Errorf("%w metadata of %d bytes: at most %d are allowed", storage.ErrInvalid, len(text), maxMetadata)
	}
	return p.write(ctx, bytes.NewReader(text))
}
