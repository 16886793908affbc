//go:build unix

package script

import (
	"io/fs"
	"syscall"
)

// occupied is what a file takes of the disk, in bytes: a file may have holes.
func occupied(info fs.FileInfo) int64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Blocks * 512
	}
	return info.Size()
}
