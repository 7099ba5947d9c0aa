//go:build unix

package secret

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// secretsFile is a File in a folder of its own, whose clock the test moves.
type secretsFile struct {
	*File
	t     *testing.T
	clock time.Time
}

func newSecretsFile(t *testing.T, text string) *secretsFile {
	t.Helper()
	f := &secretsFile{File: NewFile(filepath.Join(t.TempDir(), "secrets.json"), false), t: t, clock: time.Unix(2e9, 0)}
	f.now = func() time.Time { return f.clock }
	f.write(text)
	return f
}

// write changes the file in place, a minute before the clock.
func (f *secretsFile) write(text string) {
	f.t.Helper()
	f.mu.Lock() // the clock is read under it
	defer f.mu.Unlock()
	f.clock = f.clock.Add(time.Hour)
	f.writeAt(text, f.clock.Add(-time.Minute))
}

func (f *secretsFile) writeAt(text string, at time.Time) {
	f.t.Helper()
	if err := errors.Join(os.WriteFile(f.path, []byte(text), 0o600), os.Chtimes(f.path, at, at)); err != nil {
		f.t.Fatal(err)
	}
}

// secretOf reads field "s" of record "a" and the version.
func (f *secretsFile) secretOf() (string, uint64) {
	f.t.Helper()
	r, err := f.Read(f.t.Context(), "a")
	if err != nil {
		f.t.Fatal(err)
	}
	return r.Fields["s"].Reveal(), r.Version
}

func TestVersionsCountTheChangesOfEachRecordThatWereSeen(t *testing.T) {
	f := newSecretsFile(t, `{"a":{"s":"one"},"b":{"s":"x"}}`)
	for _, step := range []struct {
		text    string
		want    string
		version uint64
	}{
		{`{"a":{"s":"one"},"b":{"s":"x"}}`, "one", 1},
		{`{"a":{"s":"one"},"b":{"s":"other"}}`, "one", 1},
		{`{"a":{"s":"two"}}`, "two", 2},
		{`{"a":{"s":"two","more":"1"}}`, "two", 3},
		{`{ "a" : { "more" : "1", "s" : "two" } }`, "two", 3},
		{`{"a":{"s":"one"}}`, "one", 4},
	} {
		f.write(step.text)
		if got, version := f.secretOf(); got != step.want || version != step.version {
			t.Errorf("%s: %q, version %d; want %q, version %d", step.text, got, version, step.want, step.version)
		}
		if revision, err := f.Revision(t.Context(), "a"); err != nil || revision != fmt.Sprint(step.version) {
			t.Errorf("%s: Revision says %q, %v", step.text, revision, err)
		}
	}
}

func TestAnUnchangedFileIsNotReadAgain(t *testing.T) {
	f := newSecretsFile(t, `{"a":{"s":"one"}}`)
	f.secretOf()
	first := f.readAt
	f.clock = f.clock.Add(time.Hour)
	if f.secretOf(); f.readAt != first {
		t.Error("read again")
	}
}

func TestAFileReadRightAfterItsChangeIsReadOnceMore(t *testing.T) {
	f := newSecretsFile(t, `{"a":{"s":"one"}}`)
	at := f.clock
	f.writeAt(`{"a":{"s":"two"}}`, at)
	f.clock = at.Add(time.Second)
	if got, _ := f.secretOf(); got != "two" {
		t.Fatalf("read %q", got)
	}
	f.writeAt(`{"a":{"s":"six"}}`, at) // same size, same time: a coarse clock
	f.clock = at.Add(time.Hour)
	if got, version := f.secretOf(); got != "six" || version != 2 {
		t.Errorf("read %q, version %d", got, version)
	}
}

func TestAFileRenamedOverIsReadThoughSizeAndTimeAreTheSame(t *testing.T) {
	f := newSecretsFile(t, `{"a":{"s":"one"}}`)
	f.secretOf()
	next := secretsFile{File: NewFile(f.path+".next", false), t: t}
	next.writeAt(`{"a":{"s":"two"}}`, f.read.ModTime())
	if err := os.Rename(next.path, f.path); err != nil {
		t.Fatal(err)
	}
	if got, _ := f.secretOf(); got != "two" {
		t.Errorf("read %q", got)
	}
}

func TestAHalfWrittenFileIsAnErrorUntilItIsWhole(t *testing.T) {
	f := newSecretsFile(t, `{"a":{"s":"one"}}`)
	f.secretOf()
	f.write("{\n  \"a\": {\"s\":\"" + planted)
	for range 2 { // read, and remembered
		_, err := f.Read(t.Context(), "a")
		if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "line 2, column 29") || strings.Contains(err.Error(), planted) {
			t.Fatalf("half written: %v", err)
		}
	}
	f.write(`{"a":{"s":"two"}}`)
	if got, version := f.secretOf(); got != "two" || version != 2 {
		t.Errorf("whole again: %q, version %d", got, version)
	}
}

func TestAMissingRecordSuggestsTheNearest(t *testing.T) {
	f := newSecretsFile(t, `{"autotask/main":{},"other":{}}`)
	_, err := f.Read(t.Context(), "autotask/mian")
	if !errors.Is(err, ErrNotFound) || !strings.HasSuffix(err.Error(), `has no record "autotask/mian" (did you mean "autotask/main"?)`) {
		t.Errorf("got %v", err)
	}
	_, err = f.Read(t.Context(), "z")
	if !errors.Is(err, ErrNotFound) || strings.Contains(err.Error(), "mean") {
		t.Errorf("nothing is near: %v", err)
	}
}

func TestAFaultInOneRecordLeavesTheOthersAlone(t *testing.T) {
	f := newSecretsFile(t, `{"a":{"s":"one"},"b":{"n":1},"c":{},"c":{}}`)
	if got, _ := f.secretOf(); got != "one" {
		t.Errorf("read %q", got)
	}
	for path, want := range map[string]string{"b": `record "b" has field "n", which is a number, not a string`, "c": `record "c" is there twice; keep one`} {
		if _, err := f.Read(t.Context(), path); !errors.Is(err, ErrUnavailable) || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestPermissionsOfTheResolvedFileAreJudgedAtEachReading(t *testing.T) {
	f := newSecretsFile(t, `{"a":{"s":"one"}}`)
	link := filepath.Join(t.TempDir(), "link.json")
	if err := os.Symlink(f.path, link); err != nil {
		t.Fatal(err)
	}
	strict, lax := NewFile(link, false), NewFile(link, true)
	for mode, refused := range map[os.FileMode]string{
		0o600: "", 0o400: "", 0o640: "", 0o440: "",
		0o660: "may be written by group or others (mode 0660)", 0o602: "may be written by group or others (mode 0602)", 0o644: "may be read by others (mode 0644)",
	} {
		if err := os.Chmod(f.path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := strict.Read(t.Context(), "a")
		if (err != nil) != (refused != "") || err != nil && !strings.Contains(err.Error(), refused) {
			t.Errorf("mode %04o: %v, want %q", mode, err, refused)
		}
		if _, err := lax.Read(t.Context(), "a"); err != nil {
			t.Errorf("mode %04o with insecure permissions: %v", mode, err)
		}
	}
}

func TestAKubernetesMountIsFollowedWhenItsDataLinkIsSwapped(t *testing.T) {
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"..1": `{"a":{"s":"one"}}`, "..2": `{"a":{"s":"two"}}`} {
		must(os.Mkdir(filepath.Join(dir, name), 0o700))
		must(os.WriteFile(filepath.Join(dir, name, "secrets.json"), []byte(text), 0o600))
	}
	must(os.Symlink("..1", filepath.Join(dir, "..data")))
	must(os.Symlink("..data/secrets.json", filepath.Join(dir, "secrets.json")))
	f := &secretsFile{File: NewFile(filepath.Join(dir, "secrets.json"), false), t: t}
	if got, _ := f.secretOf(); got != "one" {
		t.Fatalf("read %q", got)
	}
	must(os.Symlink("..2", filepath.Join(dir, "..data_tmp")))
	must(os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	if got, version := f.secretOf(); got != "two" || version != 2 {
		t.Errorf("after the swap: %q, version %d", got, version)
	}
}

func TestWhatIsNoSecretsFileIsSaidAndNeverWaitedFor(t *testing.T) {
	dir := t.TempDir()
	fifo, huge, folder := filepath.Join(dir, "fifo"), filepath.Join(dir, "huge"), filepath.Join(dir, "folder")
	if err := errors.Join(syscall.Mkfifo(fifo, 0o600), os.WriteFile(huge, nil, 0o600), os.Truncate(huge, maxFile+1), os.Mkdir(folder, 0o700)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		fifo: "is not a regular file", huge: "is larger than 16 MiB", folder: "is a directory",
		filepath.Join(dir, "none"): "cannot be found: no such file or directory",
		filepath.Join(huge, "x"):   "cannot be found: not a directory",
	} {
		_, err := NewFile(path, false).Read(t.Context(), "a")
		if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), path) != 1 {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	// One that took the file's place after it was judged does not block either.
	if _, _, err := NewFile(fifo, false).slurp(); err == nil || !strings.Contains(err.Error(), "is not a regular file") {
		t.Errorf("a FIFO is opened: %v", err)
	}
}

func TestAStoreServesTheLastWholeFileWhileItIsTorn(t *testing.T) {
	f := newSecretsFile(t, `{"a":{"s":"one"}}`)
	started(t, f, quiet(), func(t *testing.T, s *Store) {
		defer s.Use("a", nil)()
		after(0)
		f.write(`{"a":{"s":"`)
		after(15 * time.Second)
		record, err := s.Get("a")
		if err != nil || record.Fields["s"].Reveal() != "one" {
			t.Errorf("while torn: %+v, %v", record, err)
		}
		if status := s.Status()[0]; !strings.Contains(status.LastError, "ends too early, at line 1, column 12") {
			t.Errorf("status: %+v", status)
		}
		f.write(`{"a":{"s":"two"}}`)
		after(15 * time.Second)
		if record, _ := s.Get("a"); record.Fields["s"].Reveal() != "two" || record.Version != 2 {
			t.Errorf("when whole: %+v", record)
		}
	})
}
