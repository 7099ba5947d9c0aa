package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/report"
)

// audited has the world's calls written down in a file of its own.
func (w *world) audited(more ...string) {
	w.caddyfile.psa += "\n\t\taudit {\n\t\t\toutput file " + w.path("audit/audit.log") + " {\n\t\t\t\tmode 600\n\t\t\t}\n\t\t\t" + strings.Join(more, "\n\t\t\t") + "\n\t\t}"
}

// written are the entries of the audit log, of all its files.
func (w *world) written() (list []audit.Entry) {
	w.Helper()
	files, err := filepath.Glob(w.path("audit/*"))
	if err != nil {
		w.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			w.Fatal(err)
		}
		for e, err := range audit.Entries(bytes.NewReader(text)) {
			if err != nil {
				w.Errorf("%s: %v", name, err)
			}
			list = append(list, e)
		}
	}
	return list
}

// calls are the entries of calls that reached the PSA.
func (w *world) calls() []audit.Entry {
	w.Helper()
	return slices.DeleteFunc(w.written(), func(e audit.Entry) bool { return e.Kind != audit.Call || e.DecidedBy != audit.ByPSA })
}

func (w *world) events() (words []string) {
	w.Helper()
	for _, e := range w.written() {
		if e.Kind == audit.Event {
			words = append(words, e.Event)
		}
	}
	return words
}

func TestTheAuditLogSaysWhatHappenedAndProvesIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.caddyfile.login = "queue 64 1s"
	w.audited()
	w.start()
	w.served("a")
	w.served("b")
	w.says("check main", 0, "works")
	w.refused()
	w.user.Unlock()
	w.user.SetSecret(oldPassword)
	w.says("release main --yes", 0, "released")
	w.served("a")
	w.until("the calls are written", func() bool { return len(w.calls()) >= 3 })
	w.says("audit verify", 0, "the log is as it was written", "1 chains in 1 files")
	w.says("audit print", 0, "a read Tickets/1 psa 200", "config_loaded", "main login=", "login_released main")
	var out report.Audit
	w.asJSON("status", new(report.Status))
	w.server.stop(w)
	first := w.calls()[0]
	if first.Caller != "a" || first.Key != w.keys["a"].Hash().ID() || first.Address != "127.0.0.1" || first.Login != "main" || first.CredentialVersion != "1" ||
		first.Status != 200 || first.Entity != "Tickets" || first.ID != "1" || first.Duration == 0 {
		t.Errorf("%+v", first)
	}
	for _, event := range []string{"config_loaded", "credential_accepted", "credential_refused", "login_checked", "login_released", "login_recovered"} {
		if !slices.Contains(w.events(), event) {
			t.Errorf("%s is missing from %v", event, w.events())
		}
	}
	_ = out
	_ = json.Valid
}
