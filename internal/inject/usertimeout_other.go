//go:build !linux

package inject

import (
	"syscall"
	"time"
)

// setUserTimeout does nothing where there is no TCP_USER_TIMEOUT: a dead connection is given up when TCP gives it up.
func setUserTimeout(syscall.RawConn, time.Duration) error { return nil }
