package mail

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/psagate/psagate/internal/realparts"
)

func init() { rowsOfStore = append(rowsOfStore, fullDisk) }

// smallDisk gives the books a disk of their own, of 8 MB.
func (w *matrix) smallDisk() {
	w.Helper()
	dir := filepath.Dir(w.place().Place)
	if err := os.Mkdir(dir, 0o700); err != nil {
		w.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m,mode=0700"); err != nil {
		realparts.LeftOut(w.T, "a disk that is full (mount: %v); it needs root", err)
	}
	w.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
}

func (w *matrix) other() string { return filepath.Join(filepath.Dir(w.place().Place), "other") }

// fill writes until the disk is full.
func (w *matrix) fill() {
	w.Helper()
	f, err := os.Create(w.other())
	if err != nil {
		w.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		w.Fatal(err)
	}
}

func (w *matrix) makeRoom() {
	w.Helper()
	if err := os.Remove(w.other()); err != nil {
		w.Fatal(err)
	}
}
