//go:build unix

package secret

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/realparts"
)

// allSteps are the steps of a writing, in order: nothing is visible before "rename", and all of it is safe on disk by then.
var allSteps = []string{
	"lock", "read", "remove what is left of others", "create", "take the folder's list away", "give to the owner", "write", "set the mode", "sync", "look again", "rename",
	"open to others", "sync the folder", "look at it",
}

const oldText, newText = `{"a":{"s":"one"},"b":{"s":"x"}}`, `{"a":{"s":"` + planted + `"},"b":{"s":"x"}}`

func to(text string) map[string]Value { return values(map[string]string{"s": text}) }

// now reads record "a".
func (f *secretsFile) record() Record {
	f.t.Helper()
	r, err := f.Read(f.t.Context(), "a")
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

// holds demands that the file holds the text, and that its folder holds nothing else.
func (f *secretsFile) holds(text string) {
	f.t.Helper()
	if got, err := os.ReadFile(f.path); err != nil || string(got) != text {
		f.t.Errorf("the file holds %q, %v; want %q", got, err, text)
	}
	if names := namesIn(f.t, filepath.Dir(f.path)); len(names) != 1 {
		f.t.Errorf("the folder holds %q", names)
	}
}

func namesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// wrong demands an error of a kind that says something and shows nothing.
func wrong(t *testing.T, err, kind error, says string) {
	t.Helper()
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), planted) {
		t.Errorf("error %v, want %v that says %q", err, kind, says)
	}
}

func TestAWrittenFileIsReadAsItsNextVersion(t *testing.T) {
	f := newSecretsFile(t, oldText)
	if err := f.CanWrite(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	var steps []string
	f.before = func(step string) error { steps = append(steps, step); return nil }
	written, err := f.Write(t.Context(), "a", f.record(), to(planted))
	if err != nil || written.Version != 2 || written.Fields["s"].Reveal() != planted {
		t.Fatalf("version %d, %v", written.Version, err)
	}
	f.holds(newText)
	if !reflect.DeepEqual(steps, allSteps) {
		t.Errorf("the steps are %q", steps)
	}
	if again := f.record(); !reflect.DeepEqual(again, written) {
		t.Errorf("written %+v, and read %+v", written, again)
	}
	f.clock = time.Now().Add(time.Hour)
	if again := f.record(); again.Version != 2 {
		t.Errorf("read later, it is version %d", again.Version)
	}
	created, err := f.Write(t.Context(), "c/d", Record{}, to("new"))
	if err != nil || created.Version != 1 {
		t.Errorf("a new record is version %d, %v", created.Version, err)
	}
	history, err := f.History(t.Context(), "c/d", 5)
	if err != nil || len(history) != 1 || !reflect.DeepEqual(history[0], created) {
		t.Errorf("history %+v, %v", history, err)
	}
	if none, err := f.History(t.Context(), "nowhere", 5); len(none) != 0 || err != nil {
		t.Errorf("history of nothing: %+v, %v", none, err)
	}
	if none, err := f.History(t.Context(), "a", 0); len(none) != 0 || err != nil {
		t.Errorf("a history of no length: %+v, %v", none, err)
	}
}

func TestAWriteFollowsTheReadingItWasGivenAndNoOther(t *testing.T) {
	f := newSecretsFile(t, `{"a":{"s":"one"},"n":{"x":1},"d":{},"d":{}}`)
	first := f.record()
	other := NewFile(f.path, false) // another psagate, which counts from 1 again
	for name, test := range map[string]struct {
		path string
		over Record
		kind error
		says string
	}{
		"another number":               {"a", Record{Version: 2, Fields: first.Fields}, ErrChanged, `has another record "a" now`},
		"the number of other contents": {"a", Record{Version: 1, Fields: to("two")}, ErrChanged, `has another record "a" now`},
		"a record where none was":      {"a", Record{}, ErrChanged, `has a record "a" by now`},
		"none where one was":           {"b", first, ErrChanged, `has no record "b" any more`},
		"a record with a fault":        {"n", Record{}, ErrUnavailable, `record "n" has field "x", which is a number`},
		"a record that is there twice": {"d", Record{}, ErrUnavailable, `record "d" is there twice`},
		"a path that is none":          {"b//c", Record{}, ErrReadOnly, `"b//c" is no path for a record: it has two slashes in a row`},
		"a path that is no text":       {"b\xff", Record{}, ErrReadOnly, `it is no whole UTF-8`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.Write(t.Context(), test.path, test.over, to(planted))
			wrong(t, err, test.kind, test.says)
			_, err = other.Write(t.Context(), test.path, test.over, to(planted))
			wrong(t, err, test.kind, test.says)
		})
	}
	_, err := f.Write(t.Context(), "a", first, nil)
	wrong(t, err, err, "no field to write")
	f.holds(`{"a":{"s":"one"},"n":{"x":1},"d":{},"d":{}}`)
	if _, err := other.Write(t.Context(), "a", first, to("two")); err != nil {
		t.Error(err)
	}
	_, err = f.Write(t.Context(), "a", first, to(planted))
	wrong(t, err, ErrChanged, `has another record "a" now`)
}

func TestOfTwoWritersAtOnceOneIsTold(t *testing.T) {
	f := newSecretsFile(t, oldText)
	other := NewFile(f.path, false)
	first := f.record()
	second, err := other.Read(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	inside, goOn := make(chan struct{}), make(chan struct{})
	f.before = func(step string) error {
		if step == "rename" {
			close(inside)
			<-goOn
		}
		return nil
	}
	done := make(chan error, 2)
	go func() { _, err := f.Write(t.Context(), "a", first, to("two")); done <- err }()
	<-inside
	soon, cancel := context.WithTimeout(t.Context(), 3*lockAgain)
	defer cancel()
	_, err = other.Write(soon, "a", second, to(planted))
	wrong(t, err, ErrUnavailable, "another psagate is writing "+f.path)
	go func() { _, err := other.Write(t.Context(), "a", second, to(planted)); done <- err }()
	close(goOn)
	a, b := <-done, <-done
	if a == nil {
		a, b = b, a
	}
	wrong(t, a, ErrChanged, `has another record "a" now`)
	if b != nil {
		t.Errorf("neither wrote: %v", b)
	}
	f.holds(`{"a":{"s":"two"},"b":{"s":"x"}}`)
	if _, err := other.Write(t.Context(), "b", Record{Version: 1, Fields: to("x")}, to("y")); err != nil {
		t.Errorf("another record of the file: %v", err)
	}
	f.holds(`{"a":{"s":"two"},"b":{"s":"y"}}`)
}

func TestAFileThatAnotherProgramChangesMeanwhileIsLeftToIt(t *testing.T) {
	const theirs = `{"a":{"s":"mine"}}`
	for name, change := range map[string]func(path string) error{
		"in place": func(path string) error { return os.WriteFile(path, []byte(theirs), 0o600) },
		"by renaming": func(path string) error {
			return errors.Join(os.WriteFile(path+"~", []byte(theirs), 0o600), os.Rename(path+"~", path))
		},
		"by touching it": func(path string) error { return os.Chtimes(path, time.Time{}, time.Unix(1e9, 0)) },
		"by removing it": os.Remove,
	} {
		for _, step := range []string{"create", "look again"} {
			t.Log(name, "before", step)
			f := newSecretsFile(t, oldText)
			first := f.record()
			f.before = func(now string) error {
				if now == step {
					return change(f.path)
				}
				return nil
			}
			_, err := f.Write(t.Context(), "a", first, to(planted))
			wrong(t, err, ErrChanged, "was changed by another program at the same moment")
			if text, _ := os.ReadFile(f.path); strings.Contains(string(text), planted) {
				t.Errorf("%s, before %q: it is overwritten", name, step)
			}
			if names := namesIn(t, filepath.Dir(f.path)); len(names) > 1 {
				t.Errorf("%s, before %q: left %q", name, step, names)
			}
		}
	}
}

func TestAFileThatWasReplacedBeforeItCouldBeLockedIsLockedAnew(t *testing.T) {
	f := newSecretsFile(t, oldText)
	first := f.record()
	locks := 0
	f.before = func(step string) error {
		if step != "lock" {
			return nil
		}
		if locks++; locks > 1 {
			return nil
		}
		_, err := NewFile(f.path, false).Write(t.Context(), "b", Record{Version: 1, Fields: to("x")}, to("y"))
		return err
	}
	if _, err := f.Write(t.Context(), "a", first, to("two")); err != nil || locks != 2 {
		t.Errorf("locked %d times: %v", locks, err)
	}
	f.holds(`{"a":{"s":"two"},"b":{"s":"y"}}`)
}

func TestAFileThatTookThePlaceOfTheLockedOneIsNotWritten(t *testing.T) {
	f := newSecretsFile(t, oldText)
	first := f.record()
	f.before = func(step string) error {
		if step == "read" { // the same content in another file, which another psagate may have locked
			return errors.Join(os.WriteFile(f.path+"~", []byte(oldText), 0o600), os.Rename(f.path+"~", f.path))
		}
		return nil
	}
	_, err := f.Write(t.Context(), "a", first, to(planted))
	wrong(t, err, ErrChanged, "was changed by another program at the same moment")
	f.holds(oldText)
}

func TestAStepThatFailsLeavesTheOldFileUntilTheNewOneIsInItsPlace(t *testing.T) {
	renamed := false
	for _, failing := range allSteps {
		f := newSecretsFile(t, oldText)
		first := f.record()
		f.before = func(step string) error {
			if step == failing {
				return &os.PathError{Op: "x", Path: "/somewhere", Err: syscall.ENOSPC}
			}
			return nil
		}
		_, err := f.Write(t.Context(), "a", first, to(planted))
		kind, text, version := ErrUnavailable, oldText, uint64(1)
		if renamed {
			kind, text, version = ErrMaybeWritten, newText, 2
		}
		wrong(t, err, kind, "("+failing+"): no space left on device")
		f.holds(text)
		if r := f.record(); r.Version != version {
			t.Errorf("after %q failed: version %d, want %d", failing, r.Version, version)
		}
		renamed = renamed || failing == "rename"
	}
}

// TestAKilledWriterLeavesTheOldFileOrTheNew kills a process before each step of a writing.
func TestAKilledWriterLeavesTheOldFileOrTheNew(t *testing.T) {
	if path := os.Getenv("PSAGATE_TEST_KILL_FILE"); path != "" {
		dieWriting(t, path, os.Getenv("PSAGATE_TEST_KILL_STEP"))
	}
	text := oldText
	for _, step := range allSteps {
		f := newSecretsFile(t, oldText)
		if err := os.Chmod(f.path, 0o640); err != nil {
			t.Fatal(err)
		}
		c := exec.Command(os.Args[0], "-test.run=^TestAKilledWriterLeavesTheOldFileOrTheNew$")
		c.Env = append(os.Environ(), "PSAGATE_TEST_KILL_FILE="+f.path, "PSAGATE_TEST_KILL_STEP="+step)
		said, err := c.CombinedOutput()
		if status, _ := c.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGKILL {
			t.Fatalf("before %q it was not killed: %v\n%s", step, err, said)
		}
		if got, err := os.ReadFile(f.path); err != nil || string(got) != text {
			t.Errorf("killed before %q, the file holds %q, %v", step, got, err)
		}
		for _, name := range namesIn(t, filepath.Dir(f.path)) {
			info, err := os.Stat(filepath.Join(filepath.Dir(f.path), name))
			if err != nil || info.Mode().Perm()&0o007 != 0 {
				t.Errorf("killed before %q, it leaves %s with mode %v, %v", step, name, info.Mode(), err)
			}
			if name != "secrets.json" && !strings.HasPrefix(name, ".secrets.json.psagate-new-") {
				t.Errorf("killed before %q, it leaves %s", step, name)
			}
		}
		if _, err := f.Write(t.Context(), "a", f.record(), to("next")); err != nil {
			t.Errorf("killed before %q, the next cannot write: %v", step, err)
		}
		f.holds(`{"a":{"s":"next"},"b":{"s":"x"}}`)
		if step == "rename" {
			text = newText
		}
	}
}

// dieWriting is a process that is killed before a step of its writing.
func dieWriting(t *testing.T, path, at string) {
	f := NewFile(path, false)
	f.before = func(step string) error {
		if step == at {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		return nil
	}
	r, err := f.Read(t.Context(), "a")
	if err == nil {
		_, err = f.Write(t.Context(), "a", r, to(planted))
	}
	t.Fatalf("it lives: %v", err)
}

func TestANewFileHasTheOwnerAndTheModeOfTheOld(t *testing.T) {
	for _, mode := range []os.FileMode{0o600, 0o640, 0o660, 0o644, 0o606} {
		f := newSecretsFile(t, oldText)
		f.insecurePermissions = true
		if err := os.Chmod(f.path, mode); err != nil {
			t.Fatal(err)
		}
		asRoot := os.Getuid() == 0
		if asRoot {
			if err := os.Chown(f.path, 12345, 23456); err != nil {
				t.Fatal(err)
			}
		}
		f.before = func(step string) error {
			names, _ := filepath.Glob(filepath.Join(filepath.Dir(f.path), ".secrets.json.psagate-new-*"))
			for _, name := range names {
				if info, err := os.Stat(name); err != nil || info.Mode().Perm()&0o007 != 0 {
					t.Errorf("before %q the new file has mode %v, %v", step, info.Mode(), err)
				}
			}
			return nil
		}
		if _, err := f.Write(t.Context(), "a", f.record(), to(planted)); err != nil {
			t.Errorf("mode %04o: %v", mode, err)
		}
		info, err := os.Stat(f.path)
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("the mode is %v, %v; want %04o", info.Mode(), err, mode)
		}
		if owner := info.Sys().(*syscall.Stat_t); asRoot && (owner.Uid != 12345 || owner.Gid != 23456) {
			t.Errorf("it belongs to %d:%d", owner.Uid, owner.Gid)
		}
	}
}

func TestALinkStaysALinkAndTheFileItLeadsToIsReplaced(t *testing.T) {
	f := newSecretsFile(t, oldText)
	dir := t.TempDir()
	link := filepath.Join(dir, "link.json")
	if err := errors.Join(os.Symlink(f.path, filepath.Join(dir, "hop")), os.Symlink("hop", link)); err != nil {
		t.Fatal(err)
	}
	linked := NewFile(link, false)
	r, err := linked.Read(t.Context(), "a")
	if err == nil {
		_, err = linked.Write(t.Context(), "a", r, to(planted))
	}
	if err != nil {
		t.Fatal(err)
	}
	f.holds(newText)
	if to, err := os.Readlink(link); err != nil || to != "hop" {
		t.Errorf("the link leads to %q, %v", to, err)
	}
}

func TestAFileThatIsNotOursToWriteSaysWhy(t *testing.T) {
	for name, test := range map[string]struct {
		set  func(f *secretsFile) error
		kind error
		says string
	}{
		"a volume of Kubernetes": {func(f *secretsFile) error {
			dir := filepath.Dir(f.path)
			return errors.Join(os.Mkdir(dir+"/..1", 0o700), os.Rename(f.path, dir+"/..1/secrets.json"),
				os.Symlink("..1", dir+"/..data"), os.Symlink("..data/secrets.json", f.path))
		}, ErrReadOnly, "is a volume of Kubernetes: change the Secret that it shows"},
		"a mode without writing": {func(f *secretsFile) error { return os.Chmod(f.path, 0o400) }, ErrReadOnly, "(mode 0400): chmod u+w it"},
		"a second name":          {func(f *secretsFile) error { return os.Link(f.path, f.path+".too") }, ErrReadOnly, "has 2 names (hard links)"},
		"others may write it":    {func(f *secretsFile) error { return os.Chmod(f.path, 0o602) }, ErrUnavailable, "may be written by group or others"},
		"it is not there":        {func(f *secretsFile) error { return os.Remove(f.path) }, ErrUnavailable, "cannot be found"},
		"it is half written":     {func(f *secretsFile) error { return os.WriteFile(f.path, []byte(`{"a":{"s":"`+planted), 0o600) }, ErrUnavailable, "ends too early"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newSecretsFile(t, oldText)
			f.t = t
			first := f.record()
			if err := test.set(f); err != nil {
				t.Fatal(err)
			}
			_, err := f.Write(t.Context(), "a", first, to(planted))
			wrong(t, err, test.kind, test.says)
			wrong(t, f.CanWrite(t.Context(), "a"), test.kind, test.says)
		})
	}
}

func TestWhatTheSystemForbidsIsSaidInWordsToActOn(t *testing.T) {
	for step, test := range map[string]struct {
		cause, kind error
		says        string
	}{
		"open":   {syscall.EROFS, ErrReadOnly, "read-only file system: it lies on a file system that is mounted read-only"},
		"lock":   {syscall.EACCES, ErrReadOnly, fmt.Sprintf("psagate (user %d) must be allowed to write it, and should own it", os.Geteuid())},
		"create": {syscall.EACCES, ErrReadOnly, fmt.Sprintf("psagate (user %d) must be allowed to write to its folder too", os.Geteuid())},
		"rename": {syscall.EBUSY, ErrReadOnly, "it is a mount of its own, and cannot be replaced by a new file: mount its folder instead"},
		"write":  {syscall.EDQUOT, ErrUnavailable, "(write): disk quota exceeded"},
		"system": {errors.ErrUnsupported, ErrReadOnly, "change it by hand"},
	} {
		err := NewFile("/f.json", false).unwritten(step, &os.LinkError{Op: step, Old: "/x", New: "/y", Err: test.cause})
		wrong(t, err, test.kind, test.says)
		if strings.Contains(err.Error(), "/x") || strings.Count(err.Error(), "/f.json") != 1 {
			t.Errorf("%s: %v", step, err)
		}
	}
}

// TestAnotherUserThanTheOwnerWritesNothing runs as a user who may read the file, and neither it nor its folder may be written by.
func TestAnotherUserThanTheOwnerWritesNothing(t *testing.T) {
	if path := os.Getenv("PSAGATE_TEST_STRANGER"); path != "" {
		f := NewFile(path, false)
		r, err := f.Read(t.Context(), "a")
		if err == nil {
			_, err = f.Write(t.Context(), "a", r, to(planted))
		}
		wrong(t, err, ErrReadOnly, os.Getenv("PSAGATE_TEST_SAYS"))
		wrong(t, f.CanWrite(t.Context(), "a"), ErrReadOnly, os.Getenv("PSAGATE_TEST_SAYS"))
		return
	}
	if os.Getuid() != 0 {
		realparts.LeftOut(t, "only root can run a test as another user")
	}
	const stranger = 54321
	dir, err := os.MkdirTemp("", "psagate-stranger-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path, program := filepath.Join(dir, "secrets.json"), filepath.Join(dir, "test")
	self, err := os.ReadFile(os.Args[0])
	if err := errors.Join(err, os.WriteFile(program, self, 0o755), os.WriteFile(path, []byte(oldText), 0o640), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	for says, owner := range map[string][2]int{
		"(open): permission denied: psagate (user 54321) must be allowed to write it":                {0, stranger},
		"(create): permission denied: it is replaced by a new file, so psagate (user 54321) must be": {stranger, stranger},
	} {
		if err := os.Chown(path, owner[0], owner[1]); err != nil {
			t.Fatal(err)
		}
		c := exec.Command(program, "-test.run=^TestAnotherUserThanTheOwnerWritesNothing$")
		c.Dir = dir
		c.Env = append(os.Environ(), "PSAGATE_TEST_STRANGER="+path, "PSAGATE_TEST_SAYS="+says)
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: stranger, Gid: stranger}}
		if said, err := c.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, said)
		}
	}
	if text, _ := os.ReadFile(path); string(text) != oldText {
		t.Errorf("the file holds %q", text)
	}
}

func TestWhatWouldBeReadOtherwiseIsNotWritten(t *testing.T) {
	f := newSecretsFile(t, `{"a":{"s":"one"},"b":{"s":"x"}}`)
	f.secretOf()
	set := values(map[string]string{"s": "two"})
	for name, text := range map[string]string{
		"the record is another":  `{"a":{"s":"six"},"b":{"s":"x"}}`,
		"it lost a field":        `{"a":{},"b":{"s":"x"}}`,
		"another record changed": `{"a":{"s":"two"},"b":{"s":"y"}}`,
		"one is missing":         `{"a":{"s":"two"}}`,
		"one is too many":        `{"a":{"s":"two"},"b":{"s":"x"},"c":{}}`,
		"it is there twice":      `{"a":{"s":"two"},"a":{"s":"two"},"b":{"s":"x"}}`,
		"no JSON":                `{"a":{"s":"two"},"b":{"s":"x"}`,
		"too large":              `{"a":{"s":"two"},"b":{"s":"x"}}` + strings.Repeat(" ", maxFile),
	} {
		if _, err := f.proofread([]byte(text), "a", set); err == nil || strings.Contains(err.Error(), "two") {
			t.Errorf("%s: %v", name, err)
		}
	}
	records, err := f.proofread([]byte(`{"a":{"s":"two"},"b":{"s":"x"}}`), "a", set)
	if err != nil || len(records) != 2 || !maps.EqualFunc(records["a"].fields, set, Value.Equal) {
		t.Errorf("what is right: %v", err)
	}
}
