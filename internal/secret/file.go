package secret

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	// maxFile is the largest secrets file that is read, in bytes.
	maxFile = 16 << 20
	// unsettled: a file changed less than this before it was read may have changed again within the same tick
	// of the file system's clock, so it is read once more.
	unsettled = 2 * time.Second
)

// File is the [Source] "file": a JSON object of record paths, each an object of text fields:
//
//	{"autotask/main": {"username": "api@example.com", "secret": "…", "integration_code": "…"}}
//
// A version counts the changes of its record that this process saw; the first reading is 1. The file is read again
// only when it changed. Replace it by renaming a finished file over it (as Kubernetes mounts do): one that is found
// half written is an error, which shows no contents, and the next reading tries again. Its own [File.Write] does so.
type File struct {
	path                string
	insecurePermissions bool
	now                 func() time.Time
	// before is called before each step of a writing, by its name, in tests; nil: nothing is.
	before func(step string) error

	mu      sync.Mutex
	read    fs.FileInfo // the file that content came from; nil: none yet
	readAt  time.Time
	content map[string]parsedRecord
	err     error // of that reading
	seen    map[string]*seenRecord
}

// seenRecord is the last content of a record and how many there have been.
type seenRecord struct {
	fields  map[string]Value
	version uint64
}

// NewFile returns the source of the file at path; it does not open it yet. A file that group or others may write,
// or others may read, is refused unless insecurePermissions. Of a symbolic link, the file that it leads to is judged.
func NewFile(path string, insecurePermissions bool) *File {
	return &File{path: path, insecurePermissions: insecurePermissions, now: time.Now, seen: map[string]*seenRecord{}}
}

// Read returns the record as the file has it now.
func (f *File) Read(_ context.Context, path string) (Record, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.load(); err != nil {
		return Record{}, err
	}
	return f.record(path)
}

// record returns a record of the content.
func (f *File) record(path string) (Record, error) {
	parsed, found := f.content[path]
	if !found {
		return Record{}, fmt.Errorf("%w: %s has no record %q%s", ErrNotFound, f.path, path, didYouMean(path, f.content))
	}
	if parsed.problem != "" {
		return Record{}, fmt.Errorf("%w: %s: record %q %s", ErrUnavailable, f.path, path, parsed.problem)
	}
	version := f.seen[path].version
	return Record{Path: path, Version: version, Revision: strconv.FormatUint(version, 10), Fields: parsed.fields}, nil
}

// Revision returns the record's revision after a look at the file's size and time, and a reading only if those changed.
func (f *File) Revision(ctx context.Context, path string) (string, error) {
	record, err := f.Read(ctx, path)
	return record.Revision, err
}

// load brings content up to date with the file.
func (f *File) load() error {
	info, err := f.stat()
	if err != nil {
		return err
	}
	if f.settled(info) {
		return f.err
	}
	_, err = f.reload()
	return err
}

// reload reads the file whatever is known of it, and returns its bytes.
func (f *File) reload() (data []byte, err error) {
	f.readAt = f.now()
	f.read, data, f.err = f.slurp()
	if f.err != nil {
		return nil, f.err
	}
	records, problem := parseRecords(data)
	if problem != "" {
		f.err = fmt.Errorf("%w: %s %s", ErrUnavailable, f.path, problem)
		return nil, f.err
	}
	f.content = records
	f.count()
	return data, nil
}

// settled tells whether the file is the one that was read last, and was old enough then to have been whole.
func (f *File) settled(now fs.FileInfo) bool {
	return f.read != nil && sameFile(now, f.read) && f.readAt.Sub(now.ModTime()) >= unsettled
}

// count gives each record whose content differs from its last one the next version.
func (f *File) count() {
	for path, parsed := range f.content {
		if parsed.problem != "" {
			continue
		}
		held, known := f.seen[path]
		switch {
		case !known:
			f.seen[path] = &seenRecord{fields: parsed.fields, version: 1}
		case !sameFields(parsed.fields, held.fields):
			held.fields = parsed.fields
			held.version++
		}
	}
}

func (f *File) stat() (fs.FileInfo, error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return nil, f.cannot("be found", err)
	}
	return info, f.judge(info)
}

// judge refuses what is no file, is too large, or may be changed or read by those who should not.
func (f *File) judge(info fs.FileInfo) error {
	mode := info.Mode()
	switch {
	case mode.IsDir():
		return fmt.Errorf("%w: %s is a directory; name the JSON file in it", ErrUnavailable, f.path)
	case !mode.IsRegular():
		return fmt.Errorf("%w: %s is not a regular file (%s)", ErrUnavailable, f.path, mode.Type())
	case info.Size() > maxFile:
		return fmt.Errorf("%w: %s is larger than %d MiB", ErrUnavailable, f.path, maxFile>>20)
	case f.insecurePermissions || runtime.GOOS == "windows": // Windows: the mode bits are made up
		return nil
	case mode.Perm()&0o022 != 0:
		return fmt.Errorf("%w: %s may be written by group or others (mode %04o): chmod 0600 it, or set insecure_permissions", ErrUnavailable, f.path, mode.Perm())
	case mode.Perm()&0o004 != 0:
		return fmt.Errorf("%w: %s may be read by others (mode %04o): chmod 0600 it, or set insecure_permissions", ErrUnavailable, f.path, mode.Perm())
	default:
		return nil
	}
}

// slurp returns the file's bytes and what the file was before they were read.
func (f *File) slurp() (fs.FileInfo, []byte, error) {
	// Non-blocking, because a FIFO may have taken the file's place since it was judged.
	file, err := os.OpenFile(f.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, f.cannot("be opened", err)
	}
	defer func() { _ = file.Close() }()
	before, err := file.Stat()
	if err != nil {
		return nil, nil, f.cannot("be read", err)
	}
	if err := f.judge(before); err != nil {
		return nil, nil, err
	}
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, nil, f.cannot("be read", err)
	}
	after, err := file.Stat()
	if err != nil || !after.ModTime().Equal(before.ModTime()) || after.Size() != before.Size() || int64(len(data)) != after.Size() {
		return nil, nil, fmt.Errorf("%w: %s changed while it was read: write a new file and rename it over this one", ErrUnavailable, f.path)
	}
	return before, data, nil
}

// cannot leaves the path out of the system's error, which the text names already.
func (f *File) cannot(what string, err error) error {
	return fmt.Errorf("%w: %s cannot %s: %w", ErrUnavailable, f.path, what, bare(err))
}

// sameFile tells whether a file was not changed or replaced, as far as size and time tell.
func sameFile(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// bare returns what the system says, without the paths that it was said of.
func bare(err error) error {
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		return inner.Err
	}
	if inner, ok := errors.AsType[*os.LinkError](err); ok {
		return inner.Err
	}
	return err
}
