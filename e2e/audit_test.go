package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/report"
)

// auditPath is the file that a world's audit log is written to.
const auditPath = "audit/audit.log"

// audit is a block audit, with further lines, and with further ones of its file.
func (w *world) audit(more, file string) string {
	return fmt.Sprintf("audit {\n\t\t\toutput file %s {\n\t\t\t\tmode 600\n%s\n\t\t\t}\n\t\t\t%s\n\t\t}", w.path(auditPath), file, more)
}

// newAudited makes a world whose calls are written down.
func newAudited(t *testing.T, more string) *world {
	t.Helper()
	w := newWorld(t)
	w.caddyfile.login = "queue 64 1s"
	w.caddyfile.psa = w.audit(more, "")
	return w
}

// written are the entries of the audit log, of all its files.
func (w *world) written() (list []audit.Entry) {
	w.Helper()
	files, err := filepath.Glob(w.path("audit/*"))
	if err != nil {
		w.Fatal(err)
	}
	for _, path := range files {
		list = append(list, w.entriesIn("audit/"+filepath.Base(path))...)
	}
	return list
}

// entriesIn are the entries of one file.
func (w *world) entriesIn(name string) (list []audit.Entry) {
	w.Helper()
	for e, err := range audit.Entries(strings.NewReader(w.read(name))) {
		if err == nil { // the last one may be under way
			list = append(list, e)
		}
	}
	return list
}

// outcomes are the entries of calls that the PSA answered.
func (w *world) outcomes() []audit.Entry {
	w.Helper()
	return slices.DeleteFunc(w.written(), func(e audit.Entry) bool { return e.Kind != audit.Call || e.DecidedBy != audit.ByPSA })
}

// verifies runs audit verify where no server runs.
func (w *world) verifies(status int, texts ...string) {
	w.Helper()
	w.checked([]string{"audit", "verify", "--config", w.path("Caddyfile"), "--adapter", "caddyfile"}, status, texts...)
}

func (w *world) checked(line []string, status int, texts ...string) {
	w.Helper()
	out, got := w.run(line...)
	if got != status {
		w.Errorf("%v: exit status %d, want %d: %s", line, got, status, out)
	}
	for _, text := range texts {
		if !strings.Contains(out, text) {
			w.Errorf("%v: %q is missing from: %s", line, text, out)
		}
	}
}

// auditStands is how the audit log is, as the server says.
func (w *world) auditStands() (standing report.AuditStatus) {
	w.Helper()
	if err := json.Unmarshal([]byte(w.askPage("/psa/audit").body), &standing); err != nil {
		w.Fatal(err)
	}
	return standing
}

func TestTheAuditLogSaysWhatHappenedAndProvesIt(t *testing.T) {
	t.Parallel()
	w := newAudited(t, "")
	w.start()
	w.served("a")
	w.served("b")
	if a := w.call("a", "DELETE", "/TicketNotes/1", ""); a.reason() != "policy" {
		t.Errorf("%d %s", a.status, a.reason())
	}
	w.says("check main", 0, "works")
	w.refused()
	w.user.Unlock()
	w.user.SetSecret(oldPassword)
	w.says("release main --yes", 0, "released")
	w.served("a")
	w.until("the calls are written", func() bool { return len(w.outcomes()) >= 4 })
	w.says("audit verify", 0, "the log is as it was written", "1 chain in 1 file")
	w.says("audit print", 0, "a read Tickets/1 permit psa 200", "a delete TicketNotes/1 deny policy 403 policy", "psagate config_loaded - digest=", "operator login_released main", "a credential_refused main")
	w.ocsf()
	w.server.stop(w)
	first := w.outcomes()[0]
	if first.Caller != "a" || first.Key != w.keys["a"].Hash().ID() || first.Address != "127.0.0.1" || first.Login != "main" || first.CredentialVersion != "1" ||
		first.Status != 200 || first.Entity != "Tickets" || first.ID != "1" || first.Duration == 0 {
		t.Errorf("%+v", first)
	}
	w.verifies(0, "the log is as it was written", "1 chain in 1 file")
	w.unharmed(5)
}

// ocsf demands that what is printed for a SIEM is JSON, a line for each entry.
func (w *world) ocsf() {
	w.Helper()
	out, status := w.ask("audit print --ocsf")
	n := 0
	for line := range strings.Lines(out) {
		var o struct {
			Class int `json:"class_uid"`
		}
		if err := json.Unmarshal([]byte(line), &o); err != nil || o.Class != 6003 && o.Class != 3002 && o.Class != 3004 && o.Class != 0 {
			w.Errorf("%v, class %d: %s", err, o.Class, line)
		}
		n++
	}
	if status != 0 || n < len(w.outcomes()) {
		w.Errorf("exit status %d, %d lines", status, n)
	}
}

func TestAnAuditLogThatSomebodyChangedIsFoundWithFileAndLine(t *testing.T) {
	t.Parallel()
	w := newAudited(t, "required")
	w.start()
	for range 5 {
		w.served("a")
	}
	w.server.stop(w)
	whole := w.read(auditPath)
	lines := strings.SplitAfter(whole, "\n")
	place := func(n int) string { return fmt.Sprintf("%s:%d: ", w.path(auditPath), n) }
	// lines[at], line at+1 of the file, is the first call's: how many lines of events come before it differs.
	at := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, `"caller":"a"`) })
	if at < 0 || at+1 >= len(lines)-3 {
		t.Fatalf("a call of a's, and a line after it that is not cut off, are wanted in\n%s", whole)
	}
	for name, c := range map[string]struct {
		text string
		want string
	}{
		"changed":   {strings.Replace(whole, lines[at], strings.Replace(lines[at], `"caller":"a"`, `"caller":"b"`, 1), 1), place(at+1) + "changed"},
		"taken out": {strings.Replace(whole, lines[at], "", 1), place(at+1) + "missing"},
		"moved":     {strings.Replace(whole, lines[at]+lines[at+1], lines[at+1]+lines[at], 1), "reordered"},
		"copied":    {strings.Replace(whole, lines[at], lines[at]+lines[at], 1), place(at+2) + "duplicate"},
		"cut off":   {strings.Join(lines[:len(lines)-3], ""), "cut"},
		"made up":   {whole + "{\"caller\":\"b\"}\n", "no-line"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.text == whole {
				t.Fatal("nothing was changed")
			}
			w := &world{T: t, dir: w.dir, binary: w.binary, caddyfile: w.caddyfile, env: w.env}
			w.write(auditPath, c.text)
			w.verifies(1, c.want, "THE LOG IS NOT AS IT WAS WRITTEN")
		})
	}
	w.write(auditPath, whole)
	w.verifies(0)
	w.server = nil
}

func TestTheAuditLogGoesOnOverReloadsAndRestarts(t *testing.T) {
	t.Parallel()
	w := newAudited(t, "")
	w.start()
	w.served("a")
	if out, status := w.reload(w.audit("", ""), w.audit("required", "\t\t\t\troll_keep 3")); status != 0 {
		t.Fatal(out)
	}
	w.served("a")
	w.says("disable b --reason loops", 0)
	w.says("enable b", 0)
	for _, event := range []string{"integration_disabled", "integration_enabled"} {
		w.until(event+" is written after a reload too", func() bool {
			return slices.ContainsFunc(w.written(), func(e audit.Entry) bool { return e.Event == event })
		})
	}
	if standing := w.auditStands(); !standing.Required || standing.Lost != 0 || len(standing.Heads) != 1 || standing.Output != w.path(auditPath) {
		t.Errorf("%+v", standing)
	}
	if out, status := w.reload(w.audit("", ""), ""); status != 0 {
		t.Fatal(out)
	}
	w.served("b") // nobody writes that down
	w.says("audit verify "+w.path(auditPath), 1, "writes no audit log")
	if out, status := w.reload(); status != 0 {
		t.Fatal(out)
	}
	w.served("a")
	w.restart()
	before := len(w.outcomes())
	w.served("a")
	w.until("the call is written", func() bool { return len(w.outcomes()) > before })
	w.kill()
	w.start()
	w.served("a")
	w.server.stop(w)
	for _, e := range w.outcomes() {
		if e.Caller != "a" {
			t.Errorf("%+v", e)
		}
	}
	chains, phases := map[string]bool{}, map[audit.Phase]int{}
	for _, e := range w.written() {
		chains[e.Chain] = true
		phases[e.Phase]++
	}
	if len(chains) != 4 || phases[audit.Intent] != 1 || phases[audit.Outcome] != 1 {
		t.Errorf("%d chains, %v", len(chains), phases)
	}
	w.verifies(0, "4 chains in 1 file", "open:")
}

func TestTheAuditLogIsWholeOverRotation(t *testing.T) {
	t.Parallel()
	w := newAudited(t, "")
	w.caddyfile.psa = w.audit("required", "\t\t\t\troll_size 1MiB")
	w.caddyfile.login = ""
	w.start()
	w.until("the file was rotated", func() bool {
		parallel(8, func(int) {
			for range 25 {
				w.served("a")
			}
		})
		files, _ := filepath.Glob(w.path("audit/audit-*"))
		return len(files) > 0
	})
	w.says("audit verify", 0, "the log is as it was written")
	w.server.stop(w)
	w.verifies(0, "1 chain in 2 files")
	rotated, _ := filepath.Glob(w.path("audit/audit-*"))
	if err := os.Remove(rotated[0]); err != nil {
		t.Fatal(err)
	}
	w.verifies(0, "begins-late")
	w.checked([]string{"audit", "verify", "--complete", "--config", w.path("Caddyfile"), "--adapter", "caddyfile"}, 1, "begins-late")
}

func TestAnAuditLogsFileThatIsTakenAwayIsFound(t *testing.T) {
	t.Parallel()
	w := newAudited(t, "required")
	w.start()
	for range 3 {
		w.served("a")
	}
	moved := w.path("moved.log")
	if err := os.Rename(w.path(auditPath), moved); err != nil {
		t.Fatal(err)
	}
	w.served("a")
	w.until("it is written down", func() bool {
		return slices.ContainsFunc(w.written(), func(e audit.Entry) bool { return e.Event == audit.EventLogTakenAway })
	})
	w.says("audit verify", 1, "taken-away: somebody moved or removed the log's file")
	w.says("audit verify "+moved+" "+w.path(auditPath), 0, "note: ", "taken-away")
	w.says("audit verify "+moved+" "+w.path("none.log")+" "+w.path("nor.log")+" "+w.path(auditPath), 1, "none.log: unreadable", "nor.log: unreadable", "in 2 files")
}

func TestTheAuditLogsKeyIsTheInstallations(t *testing.T) {
	t.Parallel()
	w := newAudited(t, "required")
	w.caddyfile.psa += "\n\t\tinstallation_key secret file psagate/installation"
	w.saveWithKey(map[string]string{"key": strings.Repeat("k", 40)})
	w.start()
	w.until("it serves", func() bool { return w.call("a", "GET", "/Tickets/1", "").ticket() })
	w.says("audit verify", 0, "the log is as it was written")
	w.server.stop(w)
	w.verifies(0, "the log is as it was written")
	w.saveWithKey(map[string]string{"key": strings.Repeat("n", 40), "former": strings.Repeat("k", 40)})
	w.verifies(0, "the log is as it was written")
	w.saveWithKey(map[string]string{"key": strings.Repeat("n", 40)})
	w.verifies(1, "unknown-key")
}

func TestAnAuditLogThatCannotBeWrittenRefusesTheConfig(t *testing.T) {
	t.Parallel()
	w := newAudited(t, "")
	w.start()
	w.write("other", "a file")
	out, status := w.reload(w.path(auditPath), w.path("other/audit.log"))
	if status == 0 || !strings.Contains(out, "the audit log cannot be written to "+w.path("other/audit.log")) {
		t.Errorf("exit status %d: %s", status, out)
	}
	w.servesAgain()
	w.until("the call is written", func() bool { return len(w.outcomes()) == 1 })
	w.says("audit verify", 0)
}

// Two processes of one installation write a chain each, and both are anchored in the store that they share.
func TestEachProcessHasAChainOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newAudited(t, "required")
	o := w.another()
	o.caddyfile.psa = o.audit("required", "")
	for _, world := range []*world{w, o} {
		world.caddyfile.psa += "\n\t\tstore sqlite " + w.path(storePath) + " {\n\t\t\tttl 3s\n\t\t}"
		world.start()
		world.servesAgain()
	}
	both := " " + w.path(auditPath) + " " + o.path(auditPath)
	o.says("audit verify --complete"+both, 0, "2 chains in 2 files")
	w.says("audit verify", 0, "1 chain in 1 file", "note: elsewhere: ")
	o.until("what it wrote is anchored", func() bool { s := o.auditStands(); return s.Written >= 3 && s.Anchored == s.Written })
	o.kill()
	o.server = nil
	lines := strings.SplitAfter(o.read(auditPath), "\n")
	w.says("audit verify"+both, 0)
	o.write(auditPath, strings.Join(lines[:2], ""))
	w.says("audit verify"+both, 1, o.path(auditPath), "cut")
	if err := os.Remove(o.path(auditPath)); err != nil {
		t.Fatal(err)
	}
	w.says("audit verify --complete", 1, "absent")
}
