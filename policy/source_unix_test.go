//go:build unix

package policy

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// To open a pipe that nobody writes to would wait for ever, and status, reload and stop with it.
func TestAPipeIsNoPolicyFile(t *testing.T) {
	dir := folder(t, map[string]string{"a.cedar": "a"})
	if err := syscall.Mkfifo(filepath.Join(dir, "p.cedar"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFiles(dir); err == nil || !strings.Contains(err.Error(), "p.cedar is no regular file") {
		t.Error(err)
	}
}
