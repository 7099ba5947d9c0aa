package e2e

import (
	"path/filepath"
	"strings"

	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/report"
)

// tenantUser is the PSA user of a tenant.
func tenantUser(tenant string) string { return "api@" + tenant + ".example" }

// tenants has each key end at its own tenant, which another one's wrong password does not touch.
func (e *example) tenants() {
	e.withVault(e.public)
	operator{e, filepath.Join(filepath.Dir(e.folder), "vault-approle", "Caddyfile"), map[string]map[string]any{"autotask/main": credential(user, oldPassword)}}.followsTheHeader()
	users, tickets := map[string]*psatest.User{}, map[string]int{"acme": 1, "globex": 2, "initech": 3}
	for tenant, n := range tickets {
		added := e.sim.AddTenant(tenant, e.zone)
		added.Seed(n)
		users[tenant] = added.AddUser(tenantUser(tenant), oldPassword, code)
		e.vault.Put("autotask/"+tenant, credential(tenantUser(tenant), oldPassword))
	}
	integrations := map[string]string{"itglue-acme": "acme", "itglue-globex": "globex", "rmm-globex": "globex", "rmm-initech": "initech"}
	for name := range integrations {
		e.integration(name, newKey(e.T))
		e.vault.Put("psagate/keys/"+name, hashes(e.keys[name]))
	}
	e.serve(e.plain(), "psagate/keys/itglue-acme", "psagate/keys/itglue-globex", "psagate/keys/rmm-globex", "psagate/keys/rmm-initech")
	for name, tenant := range integrations {
		e.servedBy(name, tenant, tickets[tenant])
	}
	e.turnsAway(e.plain(), "nobody")
	e.isWell([]string{"login acme: serving", "login globex: serving", "login initech: serving", "5 of 5 free", "3 of 3 free", "7 records in use"}, "plain-http")
	e.wrongPassword(users)
}

// servedBy demands that a call sees a tenant's tickets, of which there are n, and that the tenant's user signed in for it.
func (e *example) servedBy(integration, tenant string, n int) {
	e.Helper()
	mark := e.sim.Mark()
	a := e.call(integration, "POST", "/Tickets/query", `{"filter":[{"op":"gte","field":"id","value":0}]}`)
	if got := strings.Count(a.body, `"ticketNumber"`); a.status != 200 || got != n {
		e.Errorf("%s: %d %s, and %d tickets, want %d", integration, a.status, a.reason(), got, n)
	}
	for _, in := range e.sim.Ledger().Since(mark) {
		if in.User != tenantUser(tenant) {
			e.Errorf("%s: %v", integration, in)
		}
	}
}

// wrongPassword changes one tenant's password in the PSA. Its call waits for Vault to have the new one; others do not.
func (e *example) wrongPassword(users map[string]*psatest.User) {
	e.Helper()
	users["globex"].SetSecret(newPassword)
	waits := make(chan answer, 1)
	go func() { waits <- e.call("itglue-globex", "GET", "/Tickets/1", "") }()
	e.until("globex is refused", func() bool { return e.logins()["globex"].State == report.LoginRefused })
	for name, tenant := range map[string]string{"itglue-acme": "acme", "rmm-initech": "initech"} {
		e.served(name)
		if l := e.logins()[tenant]; l.Units.Free != l.Units.Budget || users[tenant].MaxFailedSinceSuccess() != 0 {
			e.Errorf("%s: %+v", tenant, l.Units)
		}
	}
	if l := e.logins()["globex"]; l.Units.Free == l.Units.Budget {
		e.Errorf("globex: %+v", l.Units)
	}
	e.vault.Put("autotask/globex", credential(tenantUser("globex"), newPassword))
	if a := <-waits; !a.ticket() {
		e.Errorf("%d %s %s", a.status, a.reason(), a.body)
	}
	e.served("rmm-globex")
	if n := users["globex"].MaxFailedSinceSuccess(); n > 2 { // its call, and the one that asks whether it was the call's fault
		e.Errorf("globex: %d failed sign-ins", n)
	}
}

// logins are how the logins stand, by name.
func (e *example) logins() map[string]report.LoginStatus {
	e.Helper()
	all := map[string]report.LoginStatus{}
	for _, l := range e.standing().Logins {
		all[l.Name] = l
	}
	return all
}
