package e2e

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/report"
)

// says runs a command against the server and demands its exit status and what it prints.
func (w *world) says(line string, status int, texts ...string) {
	w.Helper()
	out, got := w.ask(line)
	if got != status {
		w.Errorf("%s: exit status %d, want %d: %s", line, got, status, out)
	}
	for _, text := range texts {
		if !strings.Contains(out, text) {
			w.Errorf("%s: %q is missing from: %s", line, text, out)
		}
	}
}

func TestCommandsTellHowALoginStands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.says("status", 0, "in a file on this node", "policy: 3 in "+w.path("calls.cedar"), "login main: not used yet", "autotask/main")
	w.says("check", 0, "login main: works", "secret", "zone", "sign-in", "the PSA accepted version 1", "room for 1 failed sign-in")
	w.says("check main --json", 0, `"ok": true`)
	w.served("a")
	w.says("status", 0, "login main: serving", "version 1 serves", "5 of 5 free", "7 failures of 7 away", "gate        open", w.zone.URL())
	w.says("psa status", 0, "login main: serving")
	w.says("zones", 0, "login main: "+w.zone.URL(), "Five", "looked up")

	login := w.loginStatus()
	if login.Name != "main" || login.State != report.LoginServing || login.Serving == nil || login.Serving.Version != 1 ||
		login.Units != (report.UnitCounts{Budget: 5, Free: 5}) || login.InFlight != 3 || !login.Gate.Open || login.Lockout.Distance != 7 {
		t.Errorf("status %+v", login)
	}
	var zones report.Zones
	w.asJSON("zones", &zones)
	if len(zones.Zones) != 1 || zones.Zones[0].URL != w.zone.URL()+"/ATServicesRest/" || zones.Zones[0].Tenant != int64(w.tenant.CI()) || zones.Zones[0].Source != report.ZoneLookedUp {
		t.Errorf("zones %+v", zones)
	}
	w.unharmed(0)
}

func TestCommandsTellWhatDoesNotWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.caddyfile.login = "queue 64 1s"
	w.start()
	w.served("a")
	w.refused()
	w.says("status", 0, "login main: REFUSED, waiting for a new password", "→ See in the PSA whether the user is locked: if so, unlock it")
	mark := w.sim.Mark()
	w.says("check", 1, "login main: DOES NOT WORK")
	var checks report.Checks
	out, status := w.ask("check main --json")
	if err := json.Unmarshal([]byte(out), &checks); err != nil || status != 1 || checks.OK || len(checks.Logins) != 1 {
		t.Errorf("exit status %d, %v: %s", status, err, out)
	}
	if n := len(w.sim.Ledger().Since(mark)); n > 2 {
		t.Errorf("two checks signed in %d times", n)
	}
	w.says("release main", 2, "say it with --yes")
	w.user.Unlock()
	w.user.SetSecret(oldPassword)
	w.says("release main --yes", 0, "unlocked after", "login main released")
	w.served("a")
	w.unharmed(5)
}

// Something is failing: one command names whose call it was, with which key, from where, and what to do.
func TestFailuresNameTheIntegration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.caddyfile.login = "queue 64 1s"
	w.start()
	w.says("failures", 0, "nothing failed since")
	w.served("b")
	w.refused()
	id := w.keys["a"].Hash().ID()
	w.says("failures", 1, "login main: REFUSED", "a: 1 refused", "key "+id+" from 127.0.0.1", "read Tickets  1    refused  failed",
		"psagate recheck", strings.TrimPrefix(w.zone.URL(), "http://")+": 401 with a Basic challenge", "only 2 of ours failed",
		"version 1   last used by b", "next:       See in the PSA whether the user is locked", "psagate secret put main")
	var f report.Failures
	out, status := w.ask("failures --login main --since 10m --json")
	if err := json.Unmarshal([]byte(out), &f); err != nil || status != 1 || len(f.Logins) != 1 || len(f.Logins[0].Attempts) != 2 {
		t.Fatalf("exit status %d, %v: %s", status, err, out)
	}
	if a := f.Logins[0].Attempts[0]; a.Integration != "a" || a.Key != id || a.Client != "127.0.0.1" || a.Entity != "Tickets" || a.Action != "read" ||
		a.Version != 1 || a.Verdict != "refused" || a.Unit != "failed" || a.Forgiven {
		t.Errorf("%+v", a)
	}
	w.save(newPassword)
	w.until("the new password serves", func() bool { return w.call("a", "GET", "/Tickets/1", "").ticket() })
	if out, status := w.reload("queue 64", "queue 32"); status != 0 {
		t.Fatalf("reload: exit status %d: %s", status, out)
	}
	w.says("failures", 1, "login main: serving", "given back", "version 2   serves; last used by a", "version 1   last used by b", "next:       Nothing: the PSA has accepted a sign-in since")
	w.says("failures --login man", 1, `login "man": no login of that name`)
	w.says("failures --since never", 2, "is no duration")
	w.unharmed(5)
}

func TestCommandsSayWhatIsWrongWithThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.says("check man", 1, `login "man": no login of that name`)
	w.says("release man --yes", 1, `no login "man" in the running config; it has main`)
	w.says("release", 2, "it takes <login>")
	w.says("status main", 2, "it takes no arguments")
	w.says("status --jsn", 2, "--jsn")
	if out, status := w.run("psa", "statsu"); status != 2 || !strings.Contains(out, `unknown word "statsu" in psa; did you mean "status"?`) {
		t.Errorf("psa statsu: exit status %d: %s", status, out)
	}
	w.says("key new not/a/name", 2, "is no name")
	w.server.stop(w)
	w.server = nil
	for _, line := range []string{"status", "failures", "zones --json", "check", "check main", "release main --yes"} {
		w.says(line, 1, "psagate "+strings.Fields(line)[0]+": asking the server at ", "admin.sock")
	}
}

// printedKey finds the key and the line for the Caddyfile in what `key new` prints for people.
var printedKey = regexp.MustCompile(`(?s)^The key of forms, shown this once and kept nowhere:\s+(psagate_\w+)\s.*key id ([0-9a-f]{8}).*\s(key sha256:[0-9a-f]{64})\n$`)

func TestKeysArePrintedOnceAndServe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out, status := w.runUnheard("key", "new", "forms")
	human := printedKey.FindStringSubmatch(out)
	if status != 0 || human == nil {
		t.Fatalf("exit status %d, and %d characters that are not as expected", status, len(out))
	}
	var made struct{ Integration, ID, Key, Caddyfile string }
	out, status = w.runUnheard("key", "new", "itglue", "--json")
	if err := json.Unmarshal([]byte(out), &made); err != nil || status != 0 || made.Integration != "itglue" {
		t.Fatalf("exit status %d, %v, integration %q", status, err, made.Integration)
	}
	for name, printed := range map[string][]string{"forms": human[1:], "itglue": {made.Key, made.ID, made.Caddyfile}} {
		key, err := identity.ParseKey(printed[0])
		if err != nil {
			t.Fatal(err)
		}
		if printed[1] != key.Hash().ID() || printed[2] != "key "+key.Hash().String() {
			t.Errorf("%s: id %s and line %q are not the key's", name, printed[1], printed[2])
		}
		w.integration(name, key)
	}
	w.start()
	w.served("forms")
	w.served("itglue")
}
