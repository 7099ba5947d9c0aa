package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

const wsdlPath = "/ATServices/1.6/atws.wsdl"

// eachSOAPClient runs a test with each of the clients.
func eachSOAPClient(t *testing.T, test func(w *world, name string)) {
	for name := range soapClients {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(newWorld(t), name)
		})
	}
}

func TestSOAPClientsFindTheGatewayAndWorkThroughIt(t *testing.T) {
	eachSOAPClient(t, func(w *world, name string) {
		w.policed(callsPolicy + `permit (principal, action == Action::"delete", resource == Entity::"Attachments");`)
		w.start()
		c := w.soapClient(name, "a")
		for _, at := range []string{wsdlPath, "/atservices/1.6/atws.asmx?wsdl"} {
			zone := c.must("zone", w.url(at))
			if zone["url"] != w.url("/ATServices/1.6/atws.asmx") || zone["errorCode"] != 0.0 {
				w.Errorf("the zone is %v", zone)
			}
		}
		if all := c.must("open", w.url(wsdlPath))["operations"].([]any); len(all) != 14 {
			w.Errorf("operations: %v", all)
		}
		if n := c.entities("query", queryXML("Ticket", 1)); n != 25 {
			w.Errorf("%d tickets", n)
		}
		c.works()
		w.unharmed(0)
		if n := len(w.sim.Ledger().Failed()); n != 0 || len(w.sim.Ledger().Of(user)) != len(w.sim.Ledger()) {
			w.Errorf("%d failed sign-ins, and these were made: %v", n, w.sim.Ledger())
		}
	})
}

// works uses what there is beside queries.
func (c *soapClient) works() {
	c.Helper()
	c.must("threshold")
	c.must("create", "Ticket", ticket("Grüße & <mehr>"))
	c.must("update", "Ticket", with(ticket("Changed"), "id", 1))
	c.must("entities")
	c.must("fields", "Account")
	c.must("version")
	c.must("attach", 1, "a.txt", "hello")
	if got := c.must("attachment", 1); got["text"] != "hello" {
		c.Errorf("%s: the attachment is %v", c.name, got)
	}
	c.must("detach", 1)
	if bad := c.must("query", queryXML("Unicorn", 1)); bad["returnCode"] != -1.0 {
		c.Errorf("%s: a ReturnCode of the PSA's comes as %v", c.name, bad)
	}
}

func ticket(title string) map[string]any {
	return map[string]any{"AccountID": 1, "Title": title, "Status": 1, "Priority": 2, "QueueID": 5}
}

func with(fields map[string]any, name string, value any) map[string]any {
	fields[name] = value
	return fields
}

// A client that has loaded the WSDL once works on through a rotation in either order, and through a move to another zone.
func TestSOAPClientsSeeNothingOfARotationOrAZoneMove(t *testing.T) {
	const later = 2 * time.Second
	eachSOAPClient(t, func(w *world, name string) {
		w.start()
		c := w.soapClient(name, "a")
		c.must("open", w.url(wsdlPath))
		made := 0
		works := func() {
			w.Helper()
			made++
			if answer := c.must("create", "Ticket", ticket(fmt.Sprint("number ", made))); answer["returnCode"] != 1.0 {
				w.Errorf("%s: ticket %d: %v", name, made, answer)
			}
			if n := c.entities("query", queryXML("Ticket", 26)); n != made {
				w.Errorf("%s: %d tickets, want %d", name, n, made)
			}
		}
		works()
		w.user.SetSecret(newPassword) // the PSA first
		time.AfterFunc(later, func() { w.save(newPassword) })
		works()
		w.tenant.Migrate(w.sim.AddZone("Six"))
		works()
		w.save(oldPassword) // the store first
		time.AfterFunc(later, func() { w.user.SetSecret(oldPassword) })
		for range 10 {
			works()
			time.Sleep(later / 5)
		}
		w.until("the old password serves again", func() bool { works(); return w.loginStatus().Units.Failed == 0 })
		w.unharmed(3)
		if n := len(w.tenant.Records("Tickets")); n != 25+made {
			w.Errorf("%s: %d tickets, want %d: each once", name, n, 25+made)
		}
	})
}

// What people see in each client's own words when psagate refuses, for examples/clients: run with -v.
func TestSOAPClientsShowWhyTheyAreRefused(t *testing.T) {
	eachSOAPClient(t, func(w *world, name string) {
		w.caddyfile.a = "limit 1 per minute"
		w.caddyfile.login = "queue 64 1s"
		w.keys["stranger"] = newKey(w.T)
		w.start()
		c := w.soapClient(name, "b")
		c.must("open", w.url(wsdlPath))
		c.must("query", queryXML("Ticket", 1))
		c.shows("denied", "no policy permits it; this one would: permit (principal == Integration::\"b\", action == Action::\"delete\", resource == Entity::\"ContactGroups\");",
			"delete", "ContactGroup", map[string]any{"id": 1, "Name": "VIP"})
		throttled := w.soapClient(name, "a")
		throttled.must("open", w.url(wsdlPath))
		throttled.must("query", queryXML("Ticket", 1))
		throttled.shows("throttled", "this integration may make 1 calls in a minute, and has made them", "query", queryXML("Ticket", 1))
		stranger := w.soapClient(name, "stranger")
		stranger.must("open", w.url(wsdlPath))
		stranger.showsNoKey()
		w.user.SetSecret(newPassword)
		c.shows("credential refused", "the PSA does not take the login's credential", "query", queryXML("Ticket", 1))
		w.save(newPassword)
		c.must("query", queryXML("Ticket", 1))
		w.sim.Fault(psatest.Fault{At: psatest.Received, Operation: "query", Times: 1, Then: psatest.Answer, Body: lockout})
		c.shows("locked", "locked", "query", queryXML("Ticket", 1))
		c.shows("locked, again", "locked", "query", queryXML("Ticket", 1))
		w.unharmed(3)
	})
}

// lockout is how the PSA tells that a login is locked.
const lockout = `<?xml version="1.0"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault>` +
	`<faultcode>soap:Server</faultcode><faultstring>The user account has been locked. Please see your Autotask Administrator for details.</faultstring>` +
	`</soap:Fault></soap:Body></soap:Envelope>`
