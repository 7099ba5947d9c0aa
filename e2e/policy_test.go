package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/pgtest"
	"github.com/psagate/psagate/internal/report"
)

const (
	newTicket    = `{"companyID":1,"title":"Printer","status":1,"priority":2,"queueID":5}`
	mayReadAll   = `permit (principal, action in [Action::"read", Action::"query"], resource);` + "\n"
	mayAddTicket = `permit (principal == Integration::"a", action == Action::"create", resource == Entity::"Tickets");`
)

// policed writes the policies, all at once.
func (w *world) policed(text string) {
	w.Helper()
	w.write("calls.cedar.new", text)
	if err := os.Rename(w.path("calls.cedar.new"), w.path("calls.cedar")); err != nil {
		w.Fatal(err)
	}
}

// denied makes a call that policy denies, and returns what its caller hears.
func (w *world) denied(integration, method, path, body string) string {
	w.Helper()
	mark := w.sim.Mark()
	a := w.call(integration, method, path, body)
	if a.status != 403 || a.reason() != "policy" || len(w.sim.Ledger().Since(mark)) != 0 {
		w.Errorf("%s %s: %d %s %s, and the PSA saw %v", method, path, a.status, a.reason(), a.body, w.sim.Ledger().Since(mark))
	}
	return a.body
}

func TestWithoutAPolicyIntegrationsReadAndTheAnswerNamesTheLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.caddyfile.policy = ""
	w.start()
	w.served("a")
	if body := w.denied("a", "POST", "/Tickets", newTicket); !strings.Contains(strings.ReplaceAll(body, `\"`, `"`), mayAddTicket) {
		t.Errorf("the answer is %s", body)
	}
	if log := strings.ReplaceAll(w.read("output.log"), `\"`, `"`); !strings.Contains(log, mayAddTicket) {
		t.Error("the log has no such line")
	}
	w.says("status", 0, "policy: built in: integrations may read and query, and nothing else")
	w.says("policy explain a create Tickets", 1, "deny: no policy permits it", mayAddTicket)
	w.says("policy explain a read Tickets", 0, "allow: ")
	w.unharmed(0)
}

func TestPoliciesAreReadAnewAndABadOneChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.caddyfile.psa = w.audit("", "")
	w.policed(mayReadAll)
	w.start()
	w.denied("a", "POST", "/Tickets", newTicket)
	w.policed(mayReadAll + mayAddTicket)
	w.until("the new line holds", func() bool { return w.call("a", "POST", "/Tickets", newTicket).status == 200 })
	w.policed(mayReadAll + "\npermit (principal, action == Action::\"reed\", resource);")
	at := w.path("calls.cedar") + ":3:"
	w.until("the status says what is wrong", func() bool { out, _ := w.ask("status"); return strings.Contains(out, at) })
	if a := w.call("a", "POST", "/Tickets", newTicket); a.status != 200 {
		t.Errorf("the policies of before do not hold: %d %s", a.status, a.body)
	}
	if out, status := w.run("validate", "--config", w.path("Caddyfile"), "--adapter", "caddyfile"); status == 0 || !strings.Contains(out, at) {
		t.Errorf("a config with it is valid: %s", out)
	}
	if _, status := w.reload("\tdebug\n", ""); status == 0 {
		t.Error("a reload with it succeeded")
	}
	w.served("a")
	w.server.stop(w)
	var events []string
	for _, e := range w.entriesIn(auditPath) {
		if e.Kind == audit.Event && strings.HasPrefix(e.Event, "policy_") {
			events = append(events, e.Event)
		}
	}
	if fmt.Sprint(events) != "[policy_changed policy_refused]" {
		t.Errorf("the audit log has %v", events)
	}
	if out := w.refusesToStart(); !strings.Contains(out, at) {
		t.Errorf("it does not say where: %s", out)
	}
}

func TestPolicyIsObservedFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.caddyfile.policy += " {\n\t\t\tobserve\n\t\t}"
	w.policed(mayReadAll)
	w.start()
	if a := w.call("a", "POST", "/Tickets", newTicket); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	w.says("status", 0, "(observe: told, not enforced)")
	w.until("the log has it", func() bool { return strings.Contains(w.read("output.log"), "policy would deny a call") })
}

// The way of a security engineer: an hour of calls, a stricter policy, its cases, the replay, the switch.
func TestAPolicyIsTestedReplayedAndSwitchedOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.caddyfile.psa = w.audit("", "")
	w.policed(mayReadAll + `permit (principal, action == Action::"create", resource == Entity::"Tickets");`)
	w.start()
	for range 3 {
		w.served("a")
		for _, name := range []string{"a", "b"} {
			if a := w.call(name, "POST", "/Tickets", newTicket); a.status != 200 {
				t.Fatalf("%d %s", a.status, a.body)
			}
		}
	}
	w.until("the audit log has them", func() bool { return len(w.entriesIn(auditPath)) >= 9 })
	w.write("new/calls.cedar", mayReadAll+mayAddTicket)
	w.write("new/calls.cases.json", `{"cases": [{"name": "b opens no tickets", "want": "deny", "request": {"integration": "b", "action": "create", "entity": "Tickets"}}]}`)
	if out, status := w.run("policy", "test", w.path("new")); status != 0 || !strings.Contains(out, "1 case passed") {
		t.Errorf("test: %d %s", status, out)
	}
	out, status := w.run("policy", "replay", "--policy", w.path("new"), w.path(auditPath))
	if status != 1 || !strings.Contains(out, `     3  Integration::"b" create Tickets: deny, was allow`) || !strings.Contains(out, "9 calls: 6 as they were, 3 otherwise") {
		t.Errorf("replay: %d %s", status, out)
	}
	w.policed(w.read("new/calls.cedar"))
	w.until("it holds", func() bool { return w.call("b", "POST", "/Tickets", newTicket).reason() == "policy" })
	w.served("b")
}

// The promise is a second; a processor that others use may make it more, so that here is only logged how long it took, and a
// test with a clock of its own demands it (internal/call).
func TestAnIntegrationIsSwitchedOffOverRestartsReloadsAndReplicas(t *testing.T) {
	t.Parallel()
	w := newDurable(t, "")
	w.withTTL()
	w.switchesOff(w.another())
}

func TestAnIntegrationIsSwitchedOffAtAllReplicasOfAPostgreSQL(t *testing.T) {
	t.Parallel()
	w := newDurable(t, "store postgres "+pgtest.Start(t).Database()+"\n\t\tinstallation_key secret file psagate/installation")
	w.saveWithKey(map[string]string{"key": strings.Repeat("k", 40)})
	w.switchesOff(w.another())
}

// switchesOff switches an integration off at one process, and on again at another.
func (w *world) switchesOff(o *world) {
	t := w.T
	for _, p := range []*world{w, o} {
		p.start()
		p.until("its store is open", func() bool { return p.call("a", "GET", "/Tickets/1", "").ticket() })
	}
	w.says("disable a --reason loops", 0, "integration a is disabled")
	began := time.Now()
	w.isOff("a")
	o.until("the other one knows", func() bool { return o.call("a", "GET", "/Tickets/1", "").reason() == "disabled" })
	t.Logf("the other one knew after %s", time.Since(began).Round(time.Millisecond))
	w.says("status", 0, "integration a: DISABLED", "loops")
	o.says("status --json", 0, `"reason": "loops"`)
	w.served("b")
	w.mustReload(0, "queue 64", "queue 65")
	w.isOff("a")
	w.restart()
	w.until("its store is open again", func() bool { return w.call("b", "GET", "/Tickets/1", "").ticket() })
	w.isOff("a")
	o.says("enable a", 0, "integration a is enabled")
	o.served("a")
	w.until("the first one knows", func() bool { return w.call("a", "GET", "/Tickets/1", "").ticket() })
	w.says("disable stranger", 1, `integration "stranger": no integration of that name`)
	w.unharmed(0)
}

// isOff demands that the integration's caller is told so.
func (w *world) isOff(integration string) {
	w.Helper()
	if a := w.call(integration, "GET", "/Tickets/1", ""); a.status != 403 || a.reason() != "disabled" || !strings.Contains(a.body, "loops") {
		w.Errorf("%d %s %s", a.status, a.reason(), a.body)
	}
}

func TestLimitsOfAnIntegrationAnswer429(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.caddyfile.a = "limit 2 per minute"
	w.start()
	w.served("a")
	w.served("a")
	if a := w.call("a", "GET", "/Tickets/1", ""); a.status != 429 || a.reason() != "rate" || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s %v", a.status, a.reason(), a.header)
	}
	w.served("b")
}

// The policies of the Caddyfile's folder are found from wherever psagate is started.
func TestPoliciesAreFoundBesideTheCaddyfile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.caddyfile.policy = "calls.cedar"
	w.start()
	w.served("a")
	var status report.Status
	w.asJSON("status", &status)
	if want := filepath.Join(w.dir, "calls.cedar"); len(status.Policy.Files) != 1 || status.Policy.Files[0] != want {
		t.Errorf("the status has %+v, want %s", status.Policy, want)
	}
}
