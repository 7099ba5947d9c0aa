package caddymodule

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2/modules/logging"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/call"
)

// shelf is a log writer of a test's, which remembers what became of what it opened.
type shelf struct {
	name string
	fail error
	hold chan struct{} // a Close waits for it; nil: none does

	mu    sync.Mutex
	opens int
	did   []string
	text  bytes.Buffer
}

func (s *shelf) String() string    { return s.name }
func (s *shelf) WriterKey() string { return "shelf:" + s.name }

// OpenWriter implements caddy.WriterOpener.
func (s *shelf) OpenWriter() (io.WriteCloser, error) {
	if s.fail != nil {
		return nil, s.fail
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opens++
	return &book{s}, nil
}

func (s *shelf) note(what string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.did = append(s.did, what)
	return nil
}

func (s *shelf) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.did, " ")
}

// book is what a shelf opened.
type book struct{ *shelf }

func (b *book) Sync() error { return b.note("sync") }
func (b *book) Close() error {
	if b.hold != nil {
		<-b.hold
	}
	return b.note("close")
}

// Write implements io.Writer.
func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// pipe opens what can only be written to.
type pipe struct{ *shelf }

// OpenWriter implements caddy.WriterOpener.
func (p pipe) OpenWriter() (io.WriteCloser, error) {
	return struct{ io.WriteCloser }{&book{p.shelf}}, nil
}

func isOver(t *trail) bool {
	select {
	case <-t.over:
		return true
	default:
		return false
	}
}

func TestConfigsThatNameTheSameOutputShareALog(t *testing.T) {
	s := &shelf{name: t.Name()}
	a, b := takeTrail(output{s, "a", false}), takeTrail(output{s, "b", false})
	other := takeTrail(output{&shelf{name: t.Name() + " 2"}, "a", false})
	defer other.leave()
	if a.trail != b.trail || a.trail == other.trail {
		t.Error("one output has two logs, or two have one")
	}
	for _, l := range []*lentTrail{a, b} {
		if err := l.start(); err != nil {
			t.Fatal(err)
		}
	}
	a.leave()
	a.leave() // Caddy may clean up a config twice
	if a.isEnding() {
		t.Error("it ended while a config used it")
	}
	b.leave()
	<-b.over
	if s.opens != 1 || s.all() != "close" {
		t.Errorf("opened %d times, then: %s", s.opens, s.all())
	}
}

func TestEventsAreWrittenDownAfterAConfigThatSharedTheLogHasLeft(t *testing.T) {
	s := &shelf{name: t.Name()}
	before, now := &App{audit: takeTrail(output{s, "a", false})}, &App{audit: takeTrail(output{s, "a", false})}
	for _, a := range []*App{before, now} { // a reload: the new config is in force before the old one leaves
		if err := a.startAudit(); err != nil {
			t.Fatal(err)
		}
		a.commitAudit()
	}
	before.leaveAudit()
	early := len(now.audit.early)
	noteEvent(audit.Entry{Event: eventDisabled})
	if len(now.audit.early) != early+1 {
		t.Error("an event after a reload is not in the log")
	}
	now.leaveAudit()
	if auditing.Load() != nil {
		t.Error("the log is in force after its last config has left")
	}
}

func TestACallKeepsItsLogOpenAndANewConfigGoesOnWithIt(t *testing.T) {
	s := &shelf{name: t.Name()}
	first := takeTrail(output{s, "", false})
	if err := first.start(); err != nil {
		t.Fatal(err)
	}
	first.Enter()
	first.leave()
	if first.isEnding() {
		t.Fatal("it ended under a call")
	}
	second := takeTrail(output{s, "", false})
	if second.trail != first.trail {
		t.Error("the file has two logs at once")
	}
	second.leave()
	first.Leave()
	<-first.over
	third := takeTrail(output{s, "", false})
	defer third.leave()
	if err := third.start(); err != nil || third.trail == first.trail || isOver(third.trail) {
		t.Errorf("a log that was closed is not opened again: %v", err)
	}
}

func TestALogThatIsBeingClosedIsOpenedAgainOnceItIs(t *testing.T) {
	s := &shelf{name: t.Name(), hold: make(chan struct{})}
	first := takeTrail(output{s, "", false})
	if err := first.start(); err != nil {
		t.Fatal(err)
	}
	first.leave()
	second := takeTrail(output{s, "", false})
	defer second.leave()
	if second.trail == first.trail || second.after != first.trail {
		t.Error("a config uses a log that ends")
	}
	close(s.hold)
	if err := second.start(); err != nil || !isOver(first.trail) || s.opens != 2 {
		t.Errorf("opened %d times, %v", s.opens, err)
	}
}

func TestAnOutputsSettingsChangeBetweenTwoLines(t *testing.T) {
	before, after := &shelf{name: "before"}, &shelf{name: "after"}
	o, err := openOutlet(output{before, "1", false})
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		t.Helper()
		if _, err := o.asOutput().Write([]byte(text)); err != nil {
			t.Error(err)
		}
	}
	write("one ")
	if err := o.renew(output{after, "1", false}); err != nil || after.opens != 0 {
		t.Errorf("the same settings: opened %d times, %v", after.opens, err)
	}
	if err := o.renew(output{&shelf{fail: errors.New("no")}, "2", false}); err == nil {
		t.Error("no error")
	}
	write("two")
	if err := o.renew(output{after, "3", false}); err != nil {
		t.Error(err)
	}
	write("three")
	if before.text.String() != "one two" || before.all() != "sync close" || after.text.String() != "three" {
		t.Errorf("%q, %s, %q", before.text.String(), before.all(), after.text.String())
	}
	if err := errors.Join(o.Close(), o.Close()); err != nil || after.all() != "close" {
		t.Errorf("%s, %v", after.all(), err)
	}
	disk := diskOutlet{o}
	if _, err := disk.Write([]byte("x")); err == nil {
		t.Error("what is closed was written to")
	}
	if disk.Sync() == nil {
		t.Error("what is closed was put on disk")
	}
}

// stuck is a log writer that takes nothing: a disk that hangs, a collector that does not read.
type stuck struct {
	*shelf

	writing, freed chan struct{}
}

// OpenWriter implements caddy.WriterOpener.
func (s *stuck) OpenWriter() (io.WriteCloser, error) { return s, nil }

func (s *stuck) Close() error { return s.note("close") }

// Write implements io.Writer.
func (s *stuck) Write([]byte) (int, error) {
	close(s.writing)
	<-s.freed
	return 0, os.ErrClosed
}

func TestAnOutputThatHangsHoldsUpNeitherALoadNorTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stuck{&shelf{name: "stuck"}, make(chan struct{}), make(chan struct{})}
		o, err := openOutlet(output{s, "1", false})
		if err != nil {
			t.Fatal(err)
		}
		written := make(chan error)
		go func() {
			_, err := o.Write([]byte("x"))
			written <- err
		}()
		<-s.writing
		began, after := time.Now(), &shelf{name: "after"}
		if err := o.renew(output{s, "1", false}); o.syncs() || err != nil || time.Since(began) > 0 {
			t.Errorf("the same settings took %v: %v", time.Since(began), err)
		}
		if err := o.renew(output{after, "2", false}); !errors.Is(err, errHangs) || after.opens != 0 {
			t.Errorf("other settings: opened %d times, %v", after.opens, err)
		}
		if err := o.Close(); !errors.Is(err, errHangs) || time.Since(began) != 2*outletPatience {
			t.Errorf("closed after %v: %v", time.Since(began), err)
		}
		synctest.Wait()
		if s.all() != "close" {
			t.Errorf("what hangs was not closed: %s", s.all())
		}
		close(s.freed)
		if <-written == nil {
			t.Error("the write that hung was told to be done")
		}
	})
}

func TestAFileThatSomebodyTookAwayIsBegunAnew(t *testing.T) {
	plain := false
	for name, roll := range map[string]*bool{"that is rotated": nil, "that is not": &plain} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.log")
			o, err := openOutlet(output{&logging.FileWriter{Filename: path, Roll: roll}, "", true})
			if err != nil {
				t.Fatal(err)
			}
			for i, away := range []func() error{
				func() error { return nil },
				func() error { return os.Rename(path, path+".1") },
				func() error { return os.Remove(path) },
				func() error { return errors.Join(os.Rename(path, path+".2"), os.WriteFile(path, nil, 0o600)) }, // as logrotate does
			} {
				if err := away(); err != nil {
					t.Fatal(err)
				}
				want := fmt.Sprintf("line %d;", i)
				if _, err := o.asOutput().Write([]byte(want)); err != nil {
					t.Error(err)
				}
				if got, err := os.ReadFile(path); string(got) != want {
					t.Errorf("the file has %q, not %q: %v", got, want, err)
				}
			}
			if before, err := os.ReadFile(path + ".1"); string(before) != "line 0;" {
				t.Errorf("the file that was moved has %q: %v", before, err)
			}
			if err := o.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestARequiredLogNeedsADisk(t *testing.T) {
	to := pipe{&shelf{name: t.Name()}}
	l := takeTrail(output{to, "", true})
	defer l.leave()
	if err := l.start(); err == nil || !strings.Contains(err.Error(), t.Name()) || !strings.Contains(err.Error(), "cannot be required") {
		t.Error(err)
	}
	if _, is := l.to.asOutput().(audit.Syncer); is {
		t.Error("a pipe is said to be a disk")
	}
	broken := takeTrail(output{&shelf{name: "broken", fail: errors.New("no such folder")}, "", false})
	defer broken.leave()
	if err := broken.start(); err == nil || !strings.Contains(err.Error(), "the audit log cannot be written to broken: no such folder") {
		t.Error(err)
	}
}

func TestWhatHappensBeforeTheKeyIsKnownWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &trail{name: "early", ready: make(chan struct{}), ending: make(chan struct{})}
		call, err := tr.Begin(t.Context(), audit.Entry{Caller: "a"})
		if err != nil {
			t.Fatal(err)
		}
		call.End(audit.Result{Status: 200})
		tr.required.Store(true)
		call, err = tr.Begin(t.Context(), audit.Entry{Caller: "b"})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a call may be made that is written nowhere: %v", err)
		}
		call.End(audit.Result{Status: 503})
		for range earlyMost {
			tr.Note(audit.Entry{Event: "x"})
		}
		if len(tr.early) != earlyMost || tr.lost != 2 || tr.early[0].Caller != "a" || tr.early[0].Status != 200 || tr.early[1].Status != 503 {
			t.Errorf("%d wait, %d are lost, the first are %+v", len(tr.early), tr.lost, tr.early[:2])
		}
		if p := tr.standing().Problems; len(p) != 1 || !strings.Contains(p[0], "nothing is written yet") {
			t.Error(p)
		}
	})
}

func TestTwoOutputsOfOneMachineAreTwoHosts(t *testing.T) {
	a, b := &trail{key: "file:/a"}, &trail{key: "file:/b"}
	if a.host() == b.host() || len(a.host()) > audit.MaxName || a.host() != (&trail{key: "file:/a"}).host() {
		t.Errorf("%s and %s", a.host(), b.host())
	}
}

func TestFilesThatAreBeingCompressedAreReadOnce(t *testing.T) {
	found := finished([]string{"a-2.log", "a-1.log.gz", "a-2.log.gz", "a-3.log.zst.tmp", "a-3.log"})
	if want := []string{"a-1.log.gz", "a-2.log", "a-3.log"}; !slices.Equal(found, want) {
		t.Errorf("%v", found)
	}
	plain := filepath.Join(t.TempDir(), "a-2.log")
	if err := os.WriteFile(plain+".gz", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := openAuditFile(plain)
	if err != nil || f.Name() != plain+".gz" {
		t.Errorf("what was compressed meanwhile is not found: %v", err)
	}
	_ = f.Close()
	if _, err := openAuditFile(plain + ".other"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestTheDocsHaveTheEventsOfTheAuditLog(t *testing.T) {
	_, table, _ := strings.Cut(readPage(t, "../docs/audit.md"), "\n| word | what happened |")
	table, _, _ = strings.Cut(table, "\n\n")
	var page []string
	code := []string{
		eventConfigLoaded, eventDisabled, eventEnabled, eventPolicyChanged, eventPolicyRefused, eventLoginChecked, eventPoolRotated, eventSecretWritten, eventSecretNotWritten, eventStoreCopied, eventTOTPReset, eventTOTPInvited, eventLogTakenAway, call.EventTooMany,
		eventSignedIn, eventWebSignInFailed, eventSignInRefused, eventSignedOut, eventSessionEnded, eventLogoutRefused, eventCodeShown,
		eventMailRead, eventMailTested, eventMailRetried, eventMailDropped, eventDeedPermitted, eventDeedRefused, eventSteppedUp, eventStepUpRefused, eventAppEnrolled, eventRecoveryCodesMade,
	}
	for line := range strings.Lines(table) {
		if word, _, ok := strings.Cut(strings.TrimPrefix(line, "| `"), "`"); ok && strings.HasPrefix(line, "| `") {
			page = append(page, word)
		}
	}
	for event := range eventFields {
		code = append(code, string(event))
	}
	sameAsPage(t, "events of the audit log", page, code)
}

func TestAKeyThatACallerPutWhereNoneBelongsIsNotWrittenDown(t *testing.T) {
	fields := []string{"title", aKey}
	e := withoutKeys(audit.Entry{Entity: aKey, Child: "x" + aKey, Fields: fields, Filters: []string{"a name that is long and no key"}, Reasons: []string{`Entity::"` + aKey + `"`}})
	text := fmt.Sprintf("%+v", e)
	if strings.Contains(text, aKey[10:]) || strings.Count(text, maskedKey) != 4 || !strings.Contains(text, "a name that is long and no key") {
		t.Error(text)
	}
	if fields[1] != aKey {
		t.Error("the caller's list was changed")
	}
}

func TestVerifyNamesEachFileThatIsNotThereAndChecksTheOthers(t *testing.T) {
	dir := t.TempDir()
	here := filepath.Join(dir, "here.log")
	if err := os.WriteFile(here, []byte("no line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	one, two := filepath.Join(dir, "one.log"), filepath.Join(dir, "two.log")
	config := audit.VerifyConfig{Keys: []audit.Key{{ID: "k", Secret: bytes.Repeat([]byte("k"), 32)}}, Heads: []audit.Head{}}
	found, err := checkedLog{files: []string{one, here, two}}.verify(config)
	if err != nil || found.OK || found.Report.Files != 1 {
		t.Fatalf("%+v, error %v", found, err)
	}
	var told []string
	for _, f := range found.Report.Findings {
		told = append(told, string(f.Kind)+" "+filepath.Base(f.File))
	}
	if want := []string{"unreadable one.log", "no-line here.log", "unreadable two.log"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	_, err = checkedLog{files: []string{one, two}}.verify(config)
	if err == nil || !strings.Contains(err.Error(), one) || !strings.Contains(err.Error(), two) {
		t.Errorf("where none is there: %v", err)
	}
}
