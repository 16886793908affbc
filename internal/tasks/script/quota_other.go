//go:build !unix

package script

import "io/fs"

// occupied is what a file takes of the disk, in bytes.
func occupied(info fs.FileInfo) int64 { return info.Size() }
