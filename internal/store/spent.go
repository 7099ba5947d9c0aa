package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/psagate/psagate/internal/guard"
)

// spent remembers, outside the store, which logins have no unit left. A store that forgets leaves each of the others one sign-in; one
// of these would get another each time, until the PSA locks it. It is a folder with a file for each, so that processes on one host
// need not know of each other.
type spent struct{ dir string }

// openSpent makes the folder where there is none.
func openSpent(dir string) (spent, error) {
	s := spent{filepath.Join(dir, "spent")}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return s, fmt.Errorf("the folder for which logins have no unit left: %w", err)
	}
	return s, nil
}

// file stands for a login. Its key would not do as a name.
func (s spent) file(key guard.Key) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(s.dir, hex.EncodeToString(sum[:16]))
}

// has reports whether a login may have no unit left, as far as this host knows.
func (s spent) has(key guard.Key) bool {
	_, err := os.Stat(s.file(key))
	return !errors.Is(err, fs.ErrNotExist)
}

// note remembers whether a login has none. That it has none is on the disk when this returns.
func (s spent) note(key guard.Key, is bool) error {
	if !is {
		if err := os.Remove(s.file(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("noting that a login has a unit left: %w", err)
		}
		return nil
	}
	f, err := os.OpenFile(s.file(key), os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		err = errors.Join(f.Sync(), f.Close(), syncFolder(s.dir))
	}
	if err != nil {
		return fmt.Errorf("noting that a login has no unit left: %w", err)
	}
	return nil
}
