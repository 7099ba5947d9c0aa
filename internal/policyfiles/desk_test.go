package policyfiles

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/psagate/psagate/policy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// room is a desk, its folder and its log.
type room struct {
	*testing.T
	*Desk
	dir string
	mu  sync.Mutex
	log bytes.Buffer
}

// Write is for the log.
func (r *room) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(p)
}

func (r *room) put(name, text string) {
	r.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600); err != nil {
		r.Fatal(err)
	}
}

// look waits until changes are seen.
func (r *room) look() {
	time.Sleep(Every)
	synctest.Wait()
}

func (r *room) allows(action policy.Action) bool {
	return r.Decide(policy.Request{Principal: policy.Principal{Kind: policy.Integration, Name: "a"}, Action: action, Entity: "Tickets"}).Allowed()
}

const (
	mayRead   = `permit (principal, action == Action::"read", resource);`
	mayCreate = `permit (principal, action == Action::"create", resource);`
)

// inRoom runs a test with a desk of a folder with one policy.
func inRoom(t *testing.T, f func(r *room)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := &room{T: t, dir: dir}
		r.put("one.cedar", mayRead)
		var err error
		if r.Desk, err = Open(Settings{Paths: []string{dir}}, slog.New(slog.NewTextHandler(r, nil))); err != nil {
			t.Fatal(err)
		}
		r.Start()
		defer r.Stop()
		f(r)
	})
}

func TestWithoutFilesTheDefaultHolds(t *testing.T) {
	d, err := Open(Settings{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	d.Start()
	defer d.Stop()
	r := &room{T: t, Desk: d}
	if !r.allows(policy.Read) || !r.allows(policy.Query) || r.allows(policy.Create) {
		t.Error("that is not read and query alone")
	}
	if s := d.State(); s.Policies != 4 || !s.Since.IsZero() { // reading, and three of the mailboxes
		t.Errorf("%+v", s)
	}
}

func TestChangesAreSeen(t *testing.T) {
	inRoom(t, func(r *room) {
		if !r.allows(policy.Read) || r.allows(policy.Create) {
			t.Fatal("not what the file says")
		}
		r.put("one.cedar", mayCreate)
		r.look()
		if r.allows(policy.Read) || !r.allows(policy.Create) {
			t.Error("a changed file is not seen")
		}
		r.put("two.cedar", mayRead)
		r.look()
		if !r.allows(policy.Read) || r.State().Policies != 2 {
			t.Error("a new file is not seen")
		}
		if err := os.Remove(filepath.Join(r.dir, "one.cedar")); err != nil {
			t.Fatal(err)
		}
		r.look()
		if r.allows(policy.Create) {
			t.Error("a file that is gone still holds")
		}
	})
}

// Whoever writes a file without care empties it first, and writes it in pieces. None of that is a policy.
func TestAFileThatIsBeingWrittenIsNotRead(t *testing.T) {
	inRoom(t, func(r *room) {
		const forbids = `forbid (principal, action == Action::"create", resource);`
		r.put("one.cedar", `permit (principal, action, resource);`)
		r.put("two.cedar", mayRead+forbids)
		r.look()
		for _, half := range []string{"", "\n", mayRead, mayRead + forbids[:20], ""} {
			r.put("two.cedar", half)
			time.Sleep(Every / 2)
			synctest.Wait()
			if r.allows(policy.Create) {
				t.Errorf("with %q a forbid is gone", half)
			}
		}
		r.look()
		if r.allows(policy.Create) || !strings.Contains(r.State().Problem, "two.cedar is empty") {
			t.Errorf("an emptied file: %+v", r.State())
		}
		r.put("two.cedar", mayRead+forbids+mayRead)
		r.look()
		if s := r.State(); s.Problem != "" || s.Policies != 4 {
			t.Errorf("a written one: %+v", s)
		}
	})
}

func TestABadFileKeepsTheOldPolicyAndSaysSo(t *testing.T) {
	inRoom(t, func(r *room) {
		r.put("two.cedar", "\n"+mayCreate+"\npermit (principal, action == Action::\"reed\", resource);")
		r.look()
		r.look()
		if !r.allows(policy.Read) || r.allows(policy.Create) {
			t.Error("the old policy does not hold")
		}
		if p := r.State().Problem; !strings.Contains(p, filepath.Join(r.dir, "two.cedar")+":3:") {
			t.Errorf("the problem is %q", p)
		}
		if n := strings.Count(r.log.String(), "level=ERROR"); n != 1 || !strings.Contains(r.log.String(), "two.cedar:3:") {
			t.Errorf("%d errors are logged:\n%s", n, r.log.String())
		}
		r.put("two.cedar", mayCreate)
		r.look()
		if !r.allows(policy.Create) || r.State().Problem != "" {
			t.Errorf("mended, and %+v", r.State())
		}
	})
}

func TestAnEmptiedFolderKeepsTheOldPolicy(t *testing.T) {
	inRoom(t, func(r *room) {
		if err := os.Remove(filepath.Join(r.dir, "one.cedar")); err != nil {
			t.Fatal(err)
		}
		r.look()
		if !r.allows(policy.Read) || r.State().Problem == "" {
			t.Errorf("%+v", r.State())
		}
		r.put("one.cedar", mayRead) // as it was
		r.look()
		if r.State().Problem != "" {
			t.Errorf("%+v", r.State())
		}
	})
}

func TestADeskSaysWhetherItIsOnlyObserved(t *testing.T) {
	for _, observe := range []bool{false, true} {
		d, err := Open(Settings{Observe: observe}, slog.New(slog.DiscardHandler))
		if err != nil || d.Observes() != observe {
			t.Errorf("%v: %v", observe, err)
		}
	}
}

func TestWhatIsWrongFromTheBeginningIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bad.cedar")
	if err := os.WriteFile(file, []byte("permit (principal, action, resource)"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Settings{Paths: []string{file}}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), file+":1:") {
		t.Errorf("%v", err)
	}
	if _, err := Open(Settings{Paths: []string{file + "x"}}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a file that is not there is no error")
	}
}
