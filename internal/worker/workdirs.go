package worker

import (
	"errors"
	"io"
	"os"
	"sync"
)

// workDirs hands out working directories. One that its task has left empty is handed out again: to make and to remove a
// directory costs a file system more than most small tasks cost otherwise.
type workDirs struct {
	root string
	mu   sync.Mutex
	free []string
}

// spareDirs is how many empty directories are kept.
const spareDirs = 128

// take returns an empty directory that nobody else may read.
func (d *workDirs) take() (string, error) {
	d.mu.Lock()
	if last := len(d.free) - 1; last >= 0 {
		dir := d.free[last]
		d.free = d.free[:last]
		d.mu.Unlock()
		return dir, nil
	}
	d.mu.Unlock()
	if err := os.MkdirAll(d.root, 0o700); err != nil {
		return "", err
	}
	return os.MkdirTemp(d.root, "task-")
}

// giveBack takes a directory back, with all that is in it.
func (d *workDirs) giveBack(dir string) error {
	if untouched(dir) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if len(d.free) < spareDirs {
			d.free = append(d.free, dir)
			return nil
		}
	}
	return os.RemoveAll(dir)
}

// untouched tells whether a directory is as it was when it was made.
func untouched(dir string) bool {
	info, err := os.Lstat(dir)
	if err != nil || info.Mode() != os.ModeDir|0o700 {
		return false
	}
	f, err := os.Open(dir)
	if err != nil {
		return false
	}
	defer f.Close()
	_, err = f.Readdirnames(1)
	return errors.Is(err, io.EOF)
}

// close removes the directories that are kept.
func (d *workDirs) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all error
	for _, dir := range d.free {
		all = errors.Join(all, os.RemoveAll(dir))
	}
	d.free = nil
	return all
}
