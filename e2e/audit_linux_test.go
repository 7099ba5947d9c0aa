package e2e

import (
	"slices"
	"testing"

	"github.com/psagate/psagate/internal/audit"
)

// Where the log is required and its disk is full, the PSA sees nothing of the calls, and they are told why.
func TestARequiredAuditLogOnAFullDiskLetsNoCallLeave(t *testing.T) {
	t.Parallel()
	w := newAudited(t, "")
	w.smallDisk()
	w.caddyfile.psa = "audit {\n\t\t\toutput file " + w.path("disk/audit.log") + "\n\t\t\trequired\n\t\t}"
	w.start()
	w.served("a")
	w.fill()
	w.until("the call is not made", func() bool { return w.call("a", "GET", "/Tickets/1", "").reason() == "audit-unavailable" })
	before := w.zone.Requests()
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/Tickets/1", ""},
		{"POST", "/Tickets/query", `{"filter":[{"op":"eq","field":"id","value":1}]}`},
		{"POST", "/Tickets", `{"title":"x"}`},
		{"PATCH", "/Tickets", `{"id":1,"title":"x"}`},
	} {
		a := w.call("a", c.method, c.path, c.body)
		if a.status != 503 || a.reason() != "audit-unavailable" || a.header.Get("Retry-After") == "" {
			t.Errorf("%s %s: %d %s %s", c.method, c.path, a.status, a.reason(), a.body)
		}
	}
	if after := w.zone.Requests(); after != before {
		t.Errorf("the PSA saw %+v, and before %+v", after, before)
	}
	w.says("status", 0, "! the audit log "+w.path("disk/audit.log")+": it cannot be written", "no space left")
	w.says("audit verify", 0)
	if w.metric("psagate_audit_failing") != "1" {
		t.Error("the metrics do not say so")
	}
	w.makeRoom()
	w.servesAgain()
	if failing, lost := w.metric("psagate_audit_failing"), w.metric("psagate_audit_lost_total"); failing != "0" || lost != "0" {
		t.Errorf("the metrics say %s, %s lost", failing, lost)
	}
	w.until("what was refused is written", func() bool { return w.refusedForAudit("disk/audit.log") >= 5 })
	w.says("audit verify", 0)
	w.server.stop(w)
	w.verifies(0, "the log is as it was written")
	w.unharmed(0)
}

// refusedForAudit is how many calls a file says were refused as they could not be written down.
func (w *world) refusedForAudit(name string) (n int) {
	w.Helper()
	for _, e := range w.entriesIn(name) {
		if e.Reason == "audit-unavailable" && e.DecidedBy == audit.ByGateway && e.Caller == "a" {
			n++
		}
	}
	return n
}

// Where the log is not required, a full disk stops nobody; what waits is written once there is room.
func TestAnAuditLogThatIsNotRequiredStopsNobodyWhenItsDiskIsFull(t *testing.T) {
	t.Parallel()
	w := newAudited(t, "")
	w.smallDisk()
	w.caddyfile.psa = "audit {\n\t\t\toutput file " + w.path("disk/audit.log") + "\n\t\t}"
	w.start()
	w.served("a")
	w.until("its line is written", func() bool { return len(w.entriesIn("disk/audit.log")) > 1 })
	w.fill()
	for range 50 {
		w.served("b")
	}
	w.makeRoom()
	w.until("what waited is written", func() bool {
		ofB := slices.DeleteFunc(w.entriesIn("disk/audit.log"), func(e audit.Entry) bool { return e.Caller != "b" || e.Status != 200 })
		return len(ofB) == 50
	})
	w.server.stop(w)
	w.verifies(0, "the log is as it was written")
}
