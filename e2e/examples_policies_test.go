package e2e

import (
	"path/filepath"
	"strings"
)

// policies follows its header: the cases, a call that is permitted, one that is denied and why, and the audit log.
func (e *example) policies() {
	e.set("LOGS_DIRECTORY=" + e.path("logs"))
	pack := filepath.Join(e.folder, "itglue")
	if out, status := e.run("policy", "test", pack+".cedar", pack+".cases.json"); status != 0 {
		e.Errorf("exit status %d: %s", status, out)
	}
	e.makesKey("itglue")
	e.serve(e.plain())
	e.served("itglue")
	if a := e.call("itglue", "POST", "/Tickets", newTicket); a.status != 403 || a.reason() != "policy" {
		e.Errorf("a ticket: %d %s", a.status, a.body)
	}
	e.says("policy explain itglue create Tickets", 1, "deny: no policy permits it; this one would:")
	e.says("policy explain itglue update Contacts", 0, "allow: ")
	e.isWell([]string{"policy: 4 in " + pack + ".cedar"}, "plain-http")
	log := e.path("logs/audit.log")
	e.until("the audit log has both calls", func() bool { return strings.Count(e.read("logs/audit.log"), `"caller":"itglue"`) >= 2 })
	e.write("new.cedar", mayReadAll+strings.ReplaceAll(mayAddTicket, `"a"`, `"itglue"`))
	if out, status := e.run("policy", "replay", "--policy", e.path("new.cedar"), log); status != 1 || !strings.Contains(out, `1  Integration::"itglue" create Tickets: allow, was deny`) {
		e.Errorf("exit status %d: %s", status, out)
	}
	e.checked([]string{"audit", "verify", "--address", "unix/" + e.admin, log}, 0)
	e.says("disable itglue", 0)
	if a := e.call("itglue", "GET", "/Tickets/1", ""); a.reason() != "disabled" {
		e.Errorf("disabled: %d %s", a.status, a.reason())
	}
	e.unharmed(0)
}
