package secret

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// lockAgain is how long it takes to look again whether another psagate has written the file.
const lockAgain = 20 * time.Millisecond

// Write implements [Writer]. The record's fields are replaced in the file's text, and all other bytes stay as they are. The
// file is never written to: a new one of the same owner and mode is renamed over it, so who reads it, and a crash, finds the
// old one or the new one. Two psagates take turns. Whoever else writes the file meanwhile makes this an ErrChanged, up to the last look at it; what they
// write between that and the renaming, some microseconds, is lost: no system can rename on a condition.
func (f *File) Write(ctx context.Context, path string, over Record, set map[string]Value) (Record, error) {
	if err := CheckSet(set); err != nil {
		return Record{}, err
	}
	held, err := f.hold(ctx)
	if err != nil {
		return Record{}, err
	}
	defer held.release()
	f.mu.Lock()
	defer f.mu.Unlock()
	data, err := f.readHeld(held)
	if err == nil {
		err = f.follows(path, over)
	}
	if err != nil {
		return Record{}, err
	}
	next := splice(data, path, set)
	records, err := f.proofread(next, path, set)
	if err != nil {
		return Record{}, err
	}
	now, err := f.replace(held.target, next)
	if err != nil {
		return Record{}, err
	}
	f.read, f.readAt, f.content = now, f.now(), records
	f.count()
	return f.record(path)
}

// readHeld reads the file that is held: another that took its place since then may be held by another psagate.
func (f *File) readHeld(h held) (data []byte, err error) {
	if err := f.enter("read"); err != nil {
		return nil, f.unwritten("read", err)
	}
	if data, err = f.reload(); err == nil && !os.SameFile(h.info, f.read) {
		err = f.unwritten("read", ErrChanged)
	}
	return data, err
}

// History implements [Writer]: a file holds the current version alone.
func (f *File) History(ctx context.Context, path string, n int) ([]Record, error) {
	r, err := f.Read(ctx, path)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case n < 1:
		return nil, nil
	}
	return []Record{r}, nil
}

// CanWrite implements [Permitter]. It makes a file beside the one that would be replaced, and removes it.
func (f *File) CanWrite(ctx context.Context, path string) error {
	held, err := f.hold(ctx)
	if err != nil {
		return err
	}
	defer held.release()
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.load(); err != nil {
		return err
	}
	if _, err := f.record(path); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	r := replacement{path: f.path, target: held.target, was: f.read}
	defer r.giveUp()
	for _, s := range r.preparing() {
		if err := s.do(); err != nil {
			return f.unwritten(s.name, err)
		}
	}
	return nil
}

// follows tells whether the file's record is the one that a Write is to follow. The number alone does not: another psagate
// counts in its own way.
func (f *File) follows(path string, over Record) error {
	now, err := f.record(path)
	switch {
	case errors.Is(err, ErrNotFound) && over.Version > 0:
		return fmt.Errorf("%w: %s has no record %q any more", ErrChanged, f.path, path)
	case errors.Is(err, ErrNotFound):
		return f.nameable(path)
	case err != nil:
		return err
	case over.Version == 0:
		return fmt.Errorf("%w: %s has a record %q by now", ErrChanged, f.path, path)
	case now.Version != over.Version || !now.sameContent(over):
		return fmt.Errorf("%w: %s has another record %q now than the one that was read", ErrChanged, f.path, path)
	default:
		return nil
	}
}

// nameable refuses a path that no record should have.
func (f *File) nameable(path string) error {
	problem := PathProblem(path)
	if problem == "" && isDamaged(path) {
		problem = "is no whole UTF-8"
	}
	if problem != "" {
		return fmt.Errorf("%w: %q is no path for a record: it %s", ErrReadOnly, path, problem)
	}
	return nil
}

// proofread reads a text that is to be the file, as a reading will. It must hold what was to be written, and in all else
// what the file holds now: what this package cannot read again must not take the place of what it can.
func (f *File) proofread(next []byte, path string, set map[string]Value) (map[string]parsedRecord, error) {
	if len(next) > maxFile {
		return nil, fmt.Errorf("%w: %s with the new record would be larger than %d MiB", ErrReadOnly, f.path, maxFile>>20)
	}
	records, problem := parseRecords(next)
	if problem != "" {
		return nil, fmt.Errorf("%w: %s with the new record %s", ErrReadOnly, f.path, problem)
	}
	want := map[string]Value{}
	maps.Copy(want, f.content[path].fields)
	maps.Copy(want, set)
	same := records[path].problem == "" && sameFields(records[path].fields, want)
	for name, record := range records {
		held, there := f.content[name]
		same = same && (name == path || there && held.problem == record.problem && sameFields(held.fields, record.fields))
	}
	for name := range f.content {
		_, there := records[name]
		same = same && there
	}
	if !same {
		return nil, fmt.Errorf("%w: the new text of %s would not be read as it is meant; change it by hand", ErrReadOnly, f.path)
	}
	return records, nil
}

// held is the file while no other psagate writes it.
type held struct {
	target string // where the links lead
	file   *os.File
	info   fs.FileInfo
}

func (h held) release() { _ = h.file.Close() }

// hold waits until no other psagate writes the file, and keeps others from doing so.
func (f *File) hold(ctx context.Context) (held, error) {
	for {
		h, err := f.tryHold()
		if h.file != nil || err != nil {
			return h, err
		}
		select {
		case <-time.After(lockAgain):
		case <-ctx.Done():
			return held{}, fmt.Errorf("%w: another psagate is writing %s, and does not come to an end", ErrUnavailable, f.path)
		}
	}
}

// tryHold locks the file that the path leads to now; none: another psagate has it, or has just replaced it.
func (f *File) tryHold() (held, error) {
	target, err := f.target()
	if err != nil {
		return held{}, err
	}
	// To be written, though it is not: that is the permission to do so, and some file systems lock no other.
	file, err := os.OpenFile(target, os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		return held{}, f.unwritten("open", err)
	}
	h := held{target: target, file: file}
	locked := false
	if err = f.enter("lock"); err == nil {
		locked, err = tryLock(file)
	}
	if err == nil && locked {
		locked, err = h.isThere()
	}
	switch {
	case err != nil:
		h.release()
		return held{}, f.unwritten("lock", err)
	case !locked:
		h.release()
		return held{}, nil
	}
	return h, nil
}

// isThere tells whether the open file is the one that lies there.
func (h *held) isThere() (bool, error) {
	there, err := os.Stat(h.target)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		h.info, err = h.file.Stat()
	}
	return err == nil && os.SameFile(h.info, there), err
}

// target finds the file that is to be replaced, and refuses one that is not ours to write.
func (f *File) target() (string, error) {
	info, err := f.stat()
	if err != nil {
		return "", err
	}
	target, err := filepath.EvalSymlinks(f.path)
	if err != nil {
		return "", f.cannot("be found", err)
	}
	if problem := notOurs(target, info); problem != "" {
		return "", fmt.Errorf("%w: %s %s", ErrReadOnly, f.path, problem)
	}
	return target, nil
}

// notOurs says why a file is not to be replaced, though that may be possible.
func notOurs(target string, info fs.FileInfo) string {
	for part := range strings.SplitSeq(filepath.ToSlash(filepath.Dir(target)), "/") {
		if strings.HasPrefix(part, "..") && part != ".." { // ..data leads to such a folder
			return "is a volume of Kubernetes: change the Secret that it shows"
		}
	}
	switch {
	case info.Mode().Perm()&0o200 == 0:
		return fmt.Sprintf("is marked as not to be written (mode %04o): chmod u+w it", info.Mode().Perm())
	case linksOf(info) > 1:
		return fmt.Sprintf("has %d names (hard links), of which only one would lead to the new file: leave one", linksOf(info))
	case hasACL(target):
		return "is not replaced: it has an access control list, which a new file would not have: change it by hand, or take the list away (setfacl -b) and give its group what it needs (chmod)"
	default:
		return ""
	}
}

// unwritten says why a step of a writing failed before anything was changed.
func (f *File) unwritten(step string, err error) error {
	if errors.Is(err, ErrChanged) {
		return fmt.Errorf("%w: %s was changed by another program at the same moment", ErrChanged, f.path)
	}
	kind, advice := ErrUnavailable, ""
	switch {
	case errors.Is(err, syscall.EROFS):
		kind, advice = ErrReadOnly, ": it lies on a file system that is mounted read-only"
	case errors.Is(err, syscall.EBUSY):
		kind, advice = ErrReadOnly, ": it is a mount of its own, and cannot be replaced by a new file: mount its folder instead"
	case errors.Is(err, fs.ErrPermission) && step == "create":
		kind, advice = ErrReadOnly, fmt.Sprintf(": it is replaced by a new file, so psagate (user %d) must be allowed to write to its folder too", os.Geteuid())
	case errors.Is(err, fs.ErrPermission):
		kind, advice = ErrReadOnly, fmt.Sprintf(": psagate (user %d) must be allowed to write it, and should own it", os.Geteuid())
	case errors.Is(err, errors.ErrUnsupported):
		kind, advice = ErrReadOnly, ": change it by hand"
	}
	return fmt.Errorf("%w: %s cannot be written (%s): %w%s", kind, f.path, step, bare(err), advice)
}
