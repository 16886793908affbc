package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The newest content of a namespace file is at its path, where whoever knows nothing of revisions finds it; those that it
// replaced are beside the files, each under its number:
//
//	/{namespace}/_files/{path}
//	/{namespace}/_revisions/{path}/@{number}
//
// The newest content has the number after the highest one there, so that nothing else has to be remembered. A file that is
// deleted leaves its last content behind as a revision. Where two processes replace a file at the same moment, one of the
// two new contents may leave no revision.

// KeptRevisions is how many contents of a namespace file are kept, the newest included.
const KeptRevisions = 20

const (
	filesSegment     = "/_files/"
	revisionsSegment = "/_revisions/"
	revisionMark     = "@"
)

// revisionsDir is the directory of what a namespace file, or the files of a directory, held before.
func revisionsDir(file URI) (URI, error) {
	head, path, ok := strings.Cut(file.AsDirectory().path, filesSegment)
	if !ok {
		return URI{}, fmt.Errorf("%w: %s is no namespace file", ErrInvalid, file)
	}
	return URI{file.tenant, head + "/"}.Join(revisionsSegment, path, "")
}

// savedRevisions lists the numbers of the contents that were replaced, in ascending order.
func savedRevisions(ctx context.Context, s Storage, file URI) (dir URI, numbers []int, err error) {
	if dir, err = revisionsDir(file); err != nil {
		return dir, nil, err
	}
	list, err := s.List(ctx, dir)
	if errors.Is(err, ErrNotFound) {
		return dir, nil, nil
	}
	for _, at := range list {
		text, ok := strings.CutPrefix(at.Name, revisionMark)
		if n, convErr := strconv.Atoi(text); ok && convErr == nil && n > 0 && at.Type == File {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return dir, numbers, err
}

func revisionIn(dir URI, number int) (URI, error) {
	return dir.Join(revisionMark + strconv.Itoa(number))
}

// next is the number after those that are saved.
func next(saved []int) int {
	if len(saved) == 0 {
		return 1
	}
	return saved[len(saved)-1] + 1
}

// Revisions lists the numbers of the revisions of a namespace file that can be read, in ascending order. It fails with
// ErrNotFound where there was never such a file.
func Revisions(ctx context.Context, s Storage, file URI) ([]int, error) {
	_, saved, err := savedRevisions(ctx, s, file)
	if err != nil {
		return nil, err
	}
	there, err := isFile(ctx, s, file)
	switch {
	case err != nil:
		return nil, err
	case there:
		saved = append(saved, next(saved))
	case len(saved) == 0:
		return nil, Error("revisions", file, ErrNotFound)
	}
	return saved, nil
}

// Revision returns where a revision of a namespace file is; 0 is the newest. It fails with ErrNotFound where there is none
// of that number.
func Revision(ctx context.Context, s Storage, file URI, number int) (URI, error) {
	if number == 0 {
		return file, nil
	}
	dir, saved, err := savedRevisions(ctx, s, file)
	if err != nil {
		return URI{}, err
	}
	if slices.Contains(saved, number) {
		return revisionIn(dir, number)
	}
	there, err := isFile(ctx, s, file)
	if err == nil && (!there || number != next(saved)) {
		err = Error(fmt.Sprintf("revision %d", number), file, ErrNotFound)
	}
	return file, err
}

// PutRevision writes a namespace file and keeps what it replaces as a revision. The oldest revisions go when there are more
// than KeptRevisions.
func PutRevision(ctx context.Context, s Storage, file URI, content io.Reader) error {
	if err := keep(ctx, s, file); err != nil {
		return err
	}
	if err := s.Put(ctx, file, content, nil); err != nil {
		return err
	}
	_, err := PruneRevisions(ctx, s, file, KeptRevisions, time.Time{})
	return err
}

// keep copies what a namespace file holds to its revisions, where there is a file.
func keep(ctx context.Context, s Storage, file URI) error {
	there, err := isFile(ctx, s, file)
	if err != nil || !there {
		return err
	}
	dir, saved, err := savedRevisions(ctx, s, file)
	if err != nil {
		return err
	}
	place, err := revisionIn(dir, next(saved))
	if err != nil {
		return err
	}
	obj, err := s.Get(ctx, file)
	if errors.Is(err, ErrNotFound) { // deleted meanwhile
		return nil
	}
	if err != nil {
		return err
	}
	defer obj.Close()
	return s.Put(ctx, place, obj, obj.Metadata)
}

// DeleteRevision deletes a namespace file, or a directory of them, and keeps what the files held as revisions. It reports
// whether there was anything.
func DeleteRevision(ctx context.Context, s Storage, uri URI) (bool, error) {
	files, err := filesOf(ctx, s, uri)
	if err != nil {
		return false, err
	}
	for _, file := range files {
		if err := keep(ctx, s, file); err != nil {
			return false, err
		}
	}
	return s.Delete(ctx, uri)
}

// MoveRevision renames a namespace file, or a directory of them, with the revisions. Where it replaces a file, it becomes the
// newest revision of that one, and its own revisions stay where they are.
func MoveRevision(ctx context.Context, s Storage, from, to URI) error {
	oldDir, err := revisionsDir(from)
	if err != nil {
		return err
	}
	newDir, err := revisionsDir(to)
	if err != nil {
		return err
	}
	hasPast, err := Exists(ctx, s, newDir)
	if err != nil {
		return err
	}
	replaces, err := isFile(ctx, s, to)
	if err != nil {
		return err
	}
	if replaces || hasPast {
		if err := errors.Join(keep(ctx, s, to), keep(ctx, s, from)); err != nil {
			return err
		}
		return s.Move(ctx, from, to)
	}
	if err := s.Move(ctx, from, to); err != nil {
		return err
	}
	if err := s.Move(ctx, oldDir, newDir); !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

// PruneRevisions deletes old revisions of a namespace file and returns how many: all but so many, the newest included, or
// with 0 those that were written before a date. The newest content always stays.
func PruneRevisions(ctx context.Context, s Storage, file URI, keep int, before time.Time) (int, error) {
	dir, saved, err := savedRevisions(ctx, s, file)
	if err != nil {
		return 0, err
	}
	there, err := isFile(ctx, s, file)
	if err != nil {
		return 0, err
	}
	if there {
		keep-- // the newest
	}
	gone := 0
	for i, n := range saved {
		place, err := revisionIn(dir, n)
		if err != nil {
			return gone, err
		}
		old := !before.IsZero()
		if old {
			at, err := s.Stat(ctx, place)
			if err != nil && !errors.Is(err, ErrNotFound) {
				return gone, err
			}
			old = at.Modified.Before(before)
		} else {
			old = i < len(saved)-keep
		}
		if !old {
			continue
		}
		if _, err := s.Delete(ctx, place); err != nil {
			return gone, err
		}
		gone++
	}
	return gone, nil
}

// FilesWithRevisions lists the namespace files that have, or had, a content, in order; dir is the directory of all files of
// a namespace.
func FilesWithRevisions(ctx context.Context, s Storage, dir URI) ([]URI, error) {
	revisions, err := revisionsDir(dir)
	if err != nil {
		return nil, err
	}
	saved, err := s.AllByPrefix(ctx, revisions, false)
	if err != nil {
		return nil, err
	}
	all, err := s.AllByPrefix(ctx, dir, false)
	if err != nil {
		return nil, err
	}
	for _, place := range saved {
		path, ok := place.Parent().Rel(revisions)
		if !ok || !strings.HasPrefix(place.Name(), revisionMark) {
			continue
		}
		file, err := dir.Join(strings.TrimSuffix(path, "/"))
		if err != nil {
			return nil, err
		}
		all = append(all, file)
	}
	slices.SortFunc(all, func(a, b URI) int { return strings.Compare(a.path, b.path) })
	return slices.Compact(all), nil
}

// filesOf lists the files at or below a place.
func filesOf(ctx context.Context, s Storage, uri URI) ([]URI, error) {
	there, err := isFile(ctx, s, uri)
	if err != nil {
		return nil, err
	}
	if there {
		return []URI{uri}, nil
	}
	return s.AllByPrefix(ctx, uri.AsDirectory(), false)
}

func isFile(ctx context.Context, s Storage, uri URI) (bool, error) {
	at, err := s.Stat(ctx, uri)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrNotDirectory) {
		return false, nil
	}
	return err == nil && at.Type == File, err
}

// Namespaces lists the namespaces of a tenant that have files, in order. It looks at directories only, never at what
// executions keep.
func Namespaces(ctx context.Context, s Storage, tenant string) ([]string, error) {
	return namespacesWith(ctx, s, tenant, filesSegment)
}

// NamespacesWithRevisions is Namespaces for those that have, or had, more than one content of a file.
func NamespacesWithRevisions(ctx context.Context, s Storage, tenant string) ([]string, error) {
	return namespacesWith(ctx, s, tenant, revisionsSegment)
}

func namespacesWith(ctx context.Context, s Storage, tenant, segment string) ([]string, error) {
	var out []string
	var walk func(dir URI, namespace string) error
	walk = func(dir URI, namespace string) error {
		list, err := s.List(ctx, dir)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, at := range list {
			switch {
			case at.Type != Directory || at.Name == "executions":
			case "/"+at.Name+"/" == segment && namespace != "":
				out = append(out, namespace)
			case strings.HasPrefix(at.Name, "_"):
			default:
				below, err := dir.Join(at.Name, "")
				if err != nil {
					return err
				}
				if err := walk(below, strings.TrimPrefix(namespace+"."+at.Name, ".")); err != nil {
					return err
				}
			}
		}
		return nil
	}
	err := walk(Root(tenant), "")
	slices.Sort(out)
	return out, err
}
