package s3

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"github.com/minio/minio-go/v7"

	"github.com/windhover-io/windhover/internal/tasks/listing"
	"github.com/windhover-io/windhover/sdk"
)

// Run reads the object, or several.
func (t *Download) Run(ctx context.Context, run sdk.Run) (any, error) {
	several := t.Prefix != "" || t.Delimiter != "" || t.Regexp != ""
	if !several && t.Key == "" {
		return nil, errors.New("one of key, prefix, delimiter and regexp is required")
	}
	b, err := t.open(&Listing{Of: t.Of, Keys: t.Keys}, "FILES")
	if err != nil {
		return nil, err
	}
	defer b.Close()
	if !several {
		f, err := b.fetch(ctx, run, t.Key, t.VersionID, t.ValidateChecksum)
		return DownloadOutput{URI: f.URI, ContentLength: &f.ContentLength, ContentType: f.ContentType, Metadata: f.Metadata, Version: f.Version, Checksum: f.Checksum}, err
	}
	list, err := b.objects(ctx, run, t.MaxFiles)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		run.Log(sdk.LevelWarn, "there is no such object")
	}
	out := DownloadOutput{Files: map[string]FileInfo{}}
	for _, o := range list {
		if out.Files[o.Key], err = b.fetch(ctx, run, o.Key, "", t.ValidateChecksum); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// objects are those that are meant, the first of them.
func (b *bucket) objects(ctx context.Context, run sdk.Run, most int) ([]Object, error) {
	found, _, err := b.List(ctx)
	if err != nil {
		return nil, err
	}
	if len(found) > most {
		run.Log(sdk.LevelWarn, "there are %d objects, and maxFiles is %d: the others are left", len(found), most)
		found = found[:most]
	}
	out := make([]Object, len(found))
	for i, f := range found {
		out[i], _ = f.Of.(Object)
	}
	return out, nil
}

// fetch brings an object to internal storage.
func (b *bucket) fetch(ctx context.Context, run sdk.Run, key, version string, validate bool) (FileInfo, error) {
	o := minio.GetObjectOptions{VersionID: version, Checksum: validate}
	for name, value := range b.headers() {
		o.Set(name, value)
	}
	r, err := b.client.GetObject(ctx, b.Bucket, key, o)
	if err != nil {
		return FileInfo{}, fmt.Errorf("%s: %w", key, err)
	}
	defer func() { _ = r.Close() }() // it was read to its end, or something else failed
	info, err := r.Stat()
	if err != nil {
		return FileInfo{}, fmt.Errorf("%s: %w", key, err)
	}
	out := FileInfo{ContentLength: info.Size, ContentType: info.ContentType, Metadata: info.UserMetadata, Version: versionOf(info.ETag, info.VersionID)}
	var from io.Reader = r
	if validate {
		out.Checksum = checksumOf(info)
		if from, err = verified(r, out.Checksum); err != nil {
			run.Log(sdk.LevelWarn, "%s is not compared: %s", key, err)
			from = r
		}
	}
	if out.URI, err = run.Store(ctx, listing.NameOf(key), from); err != nil {
		return FileInfo{}, fmt.Errorf("%s: %w", key, err)
	}
	run.Counter("file.size", float64(info.Size))
	run.Log(sdk.LevelDebug, "%s is stored as %s", key, out.URI)
	return out, nil
}

// checksumOf is what the server knows of an object.
func checksumOf(info minio.ObjectInfo) Checksum {
	for _, c := range []Checksum{
		{"SHA256", info.ChecksumSHA256}, {"SHA1", info.ChecksumSHA1}, {"CRC32", info.ChecksumCRC32}, {"CRC32C", info.ChecksumCRC32C}, {"CRC64NVME", info.ChecksumCRC64NVME},
	} {
		if c.ChecksumValue != "" {
			return c
		}
	}
	return Checksum{}
}

// verified fails at the end of what is read, unless it has that checksum.
func verified(r io.Reader, c Checksum) (io.Reader, error) {
	switch {
	case c.ChecksumValue == "":
		return nil, errors.New("the server knows no checksum of it")
	case strings.Contains(c.ChecksumValue, "-"):
		return nil, errors.New("the server knows only the checksum of its parts")
	}
	return &comparing{r, checksums[c.ChecksumAlgorithm].Hasher(), c.ChecksumValue}, nil
}

type comparing struct {
	io.Reader
	sum  hash.Hash
	want string
}

func (c *comparing) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	_, _ = c.sum.Write(p[:n]) // it never fails
	if errors.Is(err, io.EOF) {
		if got := base64.StdEncoding.EncodeToString(c.sum.Sum(nil)); got != c.want {
			return 0, fmt.Errorf("its checksum is %s, and the server says %s", got, c.want)
		}
	}
	return n, err
}

// Run reads the objects.
func (t *Downloads) Run(ctx context.Context, run sdk.Run) (any, error) {
	if t.Action == listing.Move && t.MoveTo == nil {
		return nil, errors.New("moveTo is required where action is MOVE")
	}
	b, err := t.open(&t.Listing, t.Filter)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	b.moveTo = t.MoveTo
	list, err := b.objects(ctx, run, t.MaxFiles)
	if err != nil {
		return nil, err
	}
	out, size := DownloadsOutput{Output{[]Object{}}, map[string]string{}}, int64(0)
	for _, o := range list {
		if strings.HasSuffix(o.Key, "/") { // there is nothing in it
			continue
		}
		f, err := b.fetch(ctx, run, o.Key, "", t.ValidateChecksum)
		if err != nil {
			return nil, err
		}
		o.URI, o.Checksum = f.URI, f.Checksum
		out.Objects, out.OutputFiles[o.Key], size = append(out.Objects, o), f.URI, size+f.ContentLength
	}
	run.Counter("files.count", float64(len(out.Objects)))
	run.Counter("files.size.total", float64(size))
	return out, t.after(ctx, b, list)
}

// after does with objects that are stored what the flow says.
func (t *Downloads) after(ctx context.Context, b *bucket, list []Object) error {
	for _, o := range list {
		f := listing.File{Key: o.Key, Version: strings.Trim(o.ETag, `"`), Of: o}
		var err error
		switch t.Action {
		case "DELETE":
			err = b.Delete(ctx, f)
		case listing.Move:
			err = b.Move(ctx, f)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", o.Key, err)
		}
	}
	return nil
}
