//go:build !unix

package backendtest

import "time"

func cpuTime() time.Duration { return 0 }

func bytesWritten() int64 { return 0 }
