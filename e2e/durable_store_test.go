package e2e

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver

	"github.com/psagate/psagate/internal/report"
)

// backup is the store as it is now.
func (w *world) backup() string {
	w.Helper()
	w.says("store backup "+w.path("backup.db"), 0)
	text := w.read("backup.db")
	if err := os.Remove(w.path("backup.db")); err != nil {
		w.Fatal(err)
	}
	return text
}

// losses are what becomes of the store's file.
var losses = map[string]func(w *world, older string){
	"replaced by an older copy": (*world).putStore,
	"deleted":                   func(w *world, _ string) { w.takeStore() },
}

// What was recorded last is lost, while the PSA has another password: it costs one sign-in, and the login is not locked.
func TestAStoreThatForgotRefusalsCostsOneSignIn(t *testing.T) {
	t.Parallel()
	for loss, lose := range losses {
		for name, while := range map[string]func(w *world, lose func()){
			"while it is stopped": func(w *world, lose func()) { w.server.stop(w); lose(); w.start() },
			"while it runs":       (*world).losesWhileItRuns,
			"beside a kill":       func(w *world, lose func()) { w.kill(); lose(); w.start() },
		} {
			t.Run(loss+" "+name, func(t *testing.T) {
				t.Parallel()
				w := newDurable(t, "")
				w.withTTL()
				w.start()
				w.served("a")
				older := w.backup()
				w.refused()
				mark := w.sim.Mark()
				while(w, func() { lose(w, older) })
				w.distrustsItsStore(mark)
			})
		}
	}
}

// withTTL makes beats frequent. The store is where it is by default.
func (w *world) withTTL() {
	w.caddyfile.psa = "store sqlite " + w.path(storePath) + " {\n\t\t\tttl 3s\n\t\t}"
}

// losesWhileItRuns waits until the process has found out.
func (w *world) losesWhileItRuns(lose func()) {
	w.Helper()
	lose()
	w.until("it has noticed", func() bool {
		return w.logged("what this process had in the store is not its own any more") > 0 && len(w.problems()) == 0
	})
}

func (w *world) problems() []string {
	w.Helper()
	var s report.Status
	w.asJSON("status", &s)
	return s.Problems
}

// distrustsItsStore: one sign-in of psagate's own, which is refused; then none before an operator has looked at it.
func (w *world) distrustsItsStore(mark int) {
	w.Helper()
	for range 5 {
		if a := w.call("a", "GET", "/Tickets/1", ""); a.status != 503 {
			w.Errorf("%d %s %s", a.status, a.reason(), a.body)
		}
	}
	if spent := w.sim.Ledger().Since(mark); len(spent) != 1 {
		w.Errorf("%d sign-ins with a store that forgot, want 1: %v", len(spent), spent)
	}
	if w.user.Locked() {
		w.Error("the user is locked")
	}
	w.save(newPassword)
	w.forgives()
	w.servesAgain()
	w.unharmed(6) // what was forgotten, and the one
}

// What was recorded last is lost while all is well: the first sign-in is psagate's own, and then all go on. Where nothing but the
// credential of the secret store is left, there is one before linger is over and one after it.
func TestAStoreThatForgotServesAfterOneSignInOfItsOwn(t *testing.T) {
	t.Parallel()
	for loss, lose := range losses {
		t.Run(loss, func(t *testing.T) {
			t.Parallel()
			w := newDurable(t, "")
			w.withTTL()
			w.start()
			w.served("a")
			older := w.backup()
			w.served("a")
			mark := w.sim.Mark()
			w.losesWhileItRuns(func() { lose(w, older) })
			w.served("a")
			spent := w.sim.Ledger().Since(mark)
			if len(spent) < 2 || len(spent) > 3 {
				w.Fatalf("a call after the loss is these sign-ins: %v", spent)
			}
			for _, own := range spent[:len(spent)-1] {
				if !strings.Contains(own.Path, "ThresholdInformation") {
					w.Errorf("before the call there are these sign-ins: %v", spent)
				}
			}
			if units := w.settled().units; units.Free != units.Budget {
				w.Errorf("units %+v after a call was served", units)
			}
			w.unharmed(0)
		})
	}
}

// A store that cannot be one: the load is refused, and says why in one line.
func TestAStoreThatCannotBeOneIsRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		put  func(w *world)
		want string
	}{
		"a text file":             {func(w *world) { w.write("psagate.db", strings.Repeat("these are notes\n", 100)) }, "psagate store restore <file>"},
		"a folder":                {func(w *world) { w.write("psagate.db/note", "") }, "is a directory"},
		"of a newer psagate":      {(*world).makeNewer, "a newer psagate has been here"},
		"below what is no folder": {func(w *world) { w.write("note", ""); w.caddyfile.psa = "store sqlite " + w.path("note/psagate.db") }, "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newDurable(t, "")
			w.caddyfile.psa = "store sqlite " + w.path("psagate.db")
			c.put(w)
			mark := w.sim.Mark()
			out := w.refusesToStart()
			if lines := linesWith(out, c.want); len(lines) != 1 || !strings.Contains(lines[0], filepath.Dir(w.path("psagate.db"))) {
				t.Errorf("%d lines with %q and the path in: %s", len(lines), c.want, out)
			}
			if n := w.sim.Mark() - mark; n > 0 {
				t.Errorf("%d sign-ins", n)
			}
		})
	}
}

func linesWith(text, part string) (lines []string) {
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			lines = append(lines, line)
		}
	}
	return lines
}

// makeNewer makes a store that has been a newer psagate's.
func (w *world) makeNewer() {
	w.Helper()
	w.start()
	w.served("a")
	w.server.stop(w)
	w.server = nil
	db, err := sql.Open("sqlite", w.path("psagate.db"))
	if err == nil {
		_, err = db.Exec(`UPDATE store SET version = 99`)
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		w.Fatal(err)
	}
}
