//go:build unix

package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// lockFile is locked for as long as its process lives.
type lockFile struct {
	dir, path string
	file      *os.File
}

// lock makes the lock file of a process. It has its name once it is locked.
func lock(dir, id string) (*lockFile, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the folder of the lock files: %w", err)
	}
	path := filepath.Join(dir, id)
	f, err := os.OpenFile(path+making, os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the lock file: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		err = os.Rename(path+making, path)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the lock file: %w", err), f.Close())
	}
	return &lockFile{dir, path, f}, nil
}

// making is the end of the name of a lock file that is not locked yet.
const making = ".new"

// release ends the lock and takes the file away. Of nil it does nothing.
func (l *lockFile) release() {
	if l == nil {
		return
	}
	_ = os.Remove(l.path)
	_ = l.file.Close()
}

// dead reports whether a process had a lock file on this host, and has it locked no more. The file is taken away.
func (l *lockFile) dead(id string) bool {
	path := filepath.Join(l.dir, id)
	f, err := os.OpenFile(path, os.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	if locked(f) {
		return false
	}
	_ = os.Remove(path)
	return true
}

// locked reports whether somebody else has a file locked.
func locked(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil
}

// others returns the processes on this host, but this one, that live with a lock file in the folder.
func (l *lockFile) others() (ids []string) {
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if name := e.Name(); name != filepath.Base(l.path) && !strings.HasSuffix(name, making) && l.lives(name) {
			ids = append(ids, name)
		}
	}
	return ids
}

func (l *lockFile) lives(id string) bool {
	f, err := os.OpenFile(filepath.Join(l.dir, id), os.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	return locked(f)
}

// inUse reports whether processes of this host live with the lock files in a folder.
func inUse(dir string) bool { return len((&lockFile{dir: dir}).others()) > 0 }

// chown gives a file to the owner of another one.
func chown(path string, like os.FileInfo) error {
	owner, ok := like.Sys().(*syscall.Stat_t)
	if !ok || int(owner.Uid) == os.Geteuid() {
		return nil
	}
	return os.Chown(path, int(owner.Uid), int(owner.Gid))
}

// syncFolder puts a folder's list of files on the disk.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
