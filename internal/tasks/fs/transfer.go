package fs

import (
	"context"
	"crypto/md5"  //nolint:gosec // a flow may ask for it
	"crypto/sha1" //nolint:gosec // a flow may ask for it
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"strings"

	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/internal/tasks/listing"
	"github.com/windhover-io/windhover/sdk"
)

// UploadOne says which file is written where.
type UploadOne struct {
	From      string `json:"from" required:"true" doc:"The URI of a file in internal storage."`
	To        string `json:"to" doc:"Where it is written: a path, or a directory, which ends with a slash or is there already. The file's name in storage unless it is set."`
	Overwrite bool   `json:"overwrite" default:"true" doc:"Whether a file that is there is replaced."`
}

// put writes the file and returns its name.
func (u *UploadOne) put(ctx context.Context, run sdk.Run, t tree) (name string, size int64, err error) {
	if !files.IsURI(u.From) {
		return "", 0, fmt.Errorf("from: %s is not the URI of a file in internal storage", u.From)
	}
	to := u.To
	if to == "" {
		to = "/" + path.Base(u.From)
	}
	if name, err = target(t, to, path.Base(u.From), u.Overwrite); err != nil {
		return "", 0, err
	}
	r, err := run.Open(ctx, u.From)
	if err != nil {
		return "", 0, fmt.Errorf("from: %w", err)
	}
	defer r.Close()
	if size, err = t.Write(ctx, name, r); err != nil {
		return "", 0, fmt.Errorf("%s: %w", name, err)
	}
	run.Log(sdk.LevelDebug, "%s is written to %s", u.From, name)
	return name, size, nil
}

// UploadMany says which files are written where.
type UploadMany struct {
	From      any    `json:"from" required:"true" doc:"The files: URIs of internal storage, as a list, as a map of the names to write them by, or in a file; or one."`
	To        string `json:"to" required:"true" doc:"The directory that they are written to."`
	RegExp    string `json:"regExp" doc:"What a whole URI has to match."`
	MaxFiles  int    `json:"maxFiles" default:"25" min:"0" doc:"How many files are written at most."`
	Overwrite bool   `json:"overwrite" default:"true" doc:"Whether files that are there are replaced."`
}

// UploadsOutput is what came of writing files.
type UploadsOutput struct {
	Files []string `json:"files" doc:"The files that were written."`
}

func (u *UploadMany) run(ctx context.Context, run sdk.Run, t tree) (any, error) {
	list, err := files.Sources(ctx, run, u.From)
	if err != nil {
		return nil, err
	}
	matches, err := listing.Pattern("regExp", u.RegExp)
	if err != nil {
		return nil, err
	}
	wanted := list[:0]
	for _, s := range list {
		ok, err := matches(s.URI)
		if err != nil {
			return nil, err
		}
		if ok {
			wanted = append(wanted, s)
		}
	}
	out := UploadsOutput{Files: []string{}}
	for _, s := range first(run, wanted, u.MaxFiles) {
		one := UploadOne{From: s.URI, To: strings.TrimRight(u.To, "/") + "/" + s.Name, Overwrite: u.Overwrite}
		name, _, err := one.put(ctx, run, t)
		if err != nil {
			return nil, err
		}
		out.Files = append(out.Files, t.URI(name))
	}
	return out, nil
}

// Checksum says how a file that is read is checked.
type Checksum struct {
	ValidateChecksum  bool   `json:"validateChecksum" default:"false" doc:"Whether the file has to have the checksum that is expected. One that has not is not stored."`
	ChecksumExpected  string `json:"checksumExpected" doc:"The checksum that is expected, in hexadecimal."`
	ChecksumAlgorithm string `json:"checksumAlgorithm" default:"SHA_256" enum:"MD5,SHA_1,SHA_256,SHA_512" doc:"How checksums are computed. MD5 and SHA_1 protect against accidents only."`
}

func (c *Checksum) new() hash.Hash {
	switch c.ChecksumAlgorithm {
	case "MD5":
		return md5.New() //nolint:gosec // as above
	case "SHA_1":
		return sha1.New() //nolint:gosec // as above
	case "SHA_512":
		return sha512.New()
	}
	return sha256.New()
}

// summed reads a file and sums it up. At its end it fails, rather than ends, if that is not what was expected.
type summed struct {
	io.Reader
	hash.Hash
	want string // "" for any
	size int64
}

func (s *summed) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	_, _ = s.Write(p[:n]) // it never fails
	s.size += int64(n)
	if errors.Is(err, io.EOF) && s.want != "" && !strings.EqualFold(s.want, s.hex()) {
		return 0, fmt.Errorf("its checksum is %s, and %s was expected", s.hex(), s.want)
	}
	return n, err
}

func (s *summed) hex() string { return hex.EncodeToString(s.Sum(nil)) }

// fetch brings a file to internal storage.
func (c *Checksum) fetch(ctx context.Context, run sdk.Run, t tree, name string) (uri string, read *summed, err error) {
	want := strings.TrimSpace(c.ChecksumExpected)
	if c.ValidateChecksum && want == "" {
		return "", nil, errors.New("checksumExpected is required where validateChecksum is set")
	}
	if !c.ValidateChecksum {
		want = ""
	}
	if c.ChecksumAlgorithm == "MD5" || c.ChecksumAlgorithm == "SHA_1" {
		run.Log(sdk.LevelWarn, "checksumAlgorithm: %s is weak, SHA_256 is not", c.ChecksumAlgorithm)
	}
	if dir, err := isDir(t, name); err != nil || dir {
		return "", nil, errors.Join(err, fmt.Errorf("from: %s is a directory", name))
	}
	r, err := t.Open(name)
	if err != nil {
		return "", nil, fmt.Errorf("from: %s: %w", name, err)
	}
	defer r.Close()
	read = &summed{Reader: r, Hash: c.new(), want: want}
	if uri, err = run.Store(ctx, listing.NameOf(name), read); err != nil {
		return "", nil, fmt.Errorf("%s: %w", name, err)
	}
	run.Log(sdk.LevelDebug, "%s is stored as %s", name, uri)
	return uri, read, nil
}

// DownloadMany says which files are read, and what becomes of them then.
type DownloadMany struct {
	From string `json:"from" required:"true" doc:"The directory; where it is missing there are no files."`
	Selection
	Action        string `json:"action" default:"NONE" enum:"MOVE,DELETE,NONE" doc:"What becomes of the files once all are stored: NONE leaves them in place."`
	MoveDirectory string `json:"moveDirectory" doc:"Where files are moved, and replace others."`
	MaxFiles      int    `json:"maxFiles" default:"25" min:"0" doc:"How many files are read at most."`
}

// fetched is a file that was stored.
type fetched struct {
	found
	uri string
}

func (d *DownloadMany) fetch(ctx context.Context, run sdk.Run, t tree) ([]fetched, error) {
	if d.Action == listing.Move && d.MoveDirectory == "" {
		return nil, errors.New("moveDirectory is required where action is MOVE")
	}
	list, err := d.files(ctx, t, t.Name(d.From))
	if err != nil {
		return nil, err
	}
	out := []fetched{}
	for _, f := range first(run, list, d.MaxFiles) {
		uri, _, err := (&Checksum{}).fetch(ctx, run, t, f.name)
		if err != nil {
			return nil, err
		}
		out = append(out, fetched{f, uri})
	}
	for _, f := range out {
		if err := d.after(t, f.name); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// after does with a file that is stored what the flow says.
func (d *DownloadMany) after(t tree, name string) error {
	var err error
	switch d.Action {
	case "DELETE":
		err = t.Remove(name)
	case listing.Move:
		var to string
		if to, err = target(t, strings.TrimRight(d.MoveDirectory, "/")+"/", path.Base(name), true); err == nil && to != name {
			err = t.Rename(name, to)
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
