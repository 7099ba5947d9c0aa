package secret

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// leftover is how the names of new files go on after a dot and the name of the file that they are to replace. Who finds one
// finds what a psagate left that was killed: it is of no use, and the next writing removes it.
const leftover = ".psagate-new-"

// replacement puts a new file in the place of one that was read.
type replacement struct {
	path   string      // as the config has it
	target string      // where its links lead
	was    fs.FileInfo // what lay there when it was read
	text   []byte

	file *os.File // the new one
	done bool     // it is renamed
	now  fs.FileInfo
}

// step is one step of a replacement. A crash before or after any of them leaves the old file or the new one.
type step struct {
	name string
	do   func() error
}

// preparing are the steps to a new file with nothing in it.
func (r *replacement) preparing() []step {
	return []step{
		{"remove what is left of others", r.sweep},
		{"create", r.create},
		{"take the folder's list away", func() error { return dropACL(r.file) }},
		{"give to the owner", func() error { return giveTo(r.file, r.was) }},
	}
}

func (r *replacement) steps() []step {
	return append(r.preparing(), []step{
		{"write", func() error { _, err := r.file.Write(r.text); return err }},
		{"set the mode", func() error { return r.file.Chmod(r.was.Mode().Perm() &^ 0o007) }},
		{"sync", func() error { return r.file.Sync() }},
		{"look again", r.lookAgain},
		{"rename", r.rename},
		{"open to others", r.open},
		{"sync the folder", r.syncFolder},
		{"look at it", func() (err error) { r.now, err = r.file.Stat(); return err }},
	}...)
}

// sweep removes new files that never came to be renamed.
func (r *replacement) sweep() error {
	folder, name := filepath.Split(r.target)
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrPermission) { // a folder may be written to and not listed: then others look after it
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "."+name+leftover) {
			err = errors.Join(err, os.Remove(folder+e.Name()))
		}
	}
	return err
}

// create makes the new file, which only its owner may read.
func (r *replacement) create() (err error) {
	folder, name := filepath.Split(r.target)
	r.file, err = os.CreateTemp(folder, "."+name+leftover+"*")
	return err
}

// lookAgain refuses to go on when the path does not lead to the file that was read any more.
func (r *replacement) lookAgain() error {
	now, err := os.Stat(r.path)
	if err != nil || !sameFile(now, r.was) {
		return ErrChanged
	}
	return nil
}

func (r *replacement) rename() error {
	err := os.Rename(r.file.Name(), r.target)
	r.done = err == nil
	return err
}

// open gives others what they had of the old file (insecure_permissions), which they had not of a new one that was left.
func (r *replacement) open() error {
	if perm := r.was.Mode().Perm(); perm&0o007 != 0 {
		return r.file.Chmod(perm)
	}
	return nil
}

// syncFolder makes the renaming outlive a loss of power.
func (r *replacement) syncFolder() error {
	folder, err := os.Open(filepath.Dir(r.target))
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	return folder.Sync()
}

// giveUp closes the new file, and removes it unless it has taken its place.
func (r *replacement) giveUp() {
	if r.file == nil {
		return
	}
	_ = r.file.Close()
	if !r.done {
		_ = os.Remove(r.file.Name())
	}
}

// replace puts a text in the place of the file that was read, and returns what the new file is.
func (f *File) replace(target string, text []byte) (fs.FileInfo, error) {
	r := replacement{path: f.path, target: target, was: f.read, text: text}
	defer r.giveUp()
	for _, s := range r.steps() {
		err := f.enter(s.name)
		if err == nil {
			err = s.do()
		}
		switch {
		case err != nil && r.done:
			return nil, fmt.Errorf("%w: %s was replaced, and then not finished (%s): %w: after a loss of power the old one may be back", ErrMaybeWritten, f.path, s.name, bare(err))
		case err != nil:
			return nil, f.unwritten(s.name, err)
		}
	}
	return r.now, nil
}

func (f *File) enter(step string) error {
	if f.before == nil {
		return nil
	}
	return f.before(step)
}
