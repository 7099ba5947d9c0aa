package call

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The world's PSA user is resource 2; the tenant has a resource 1, too.
const newTicket = `{"companyID":0,"title":"t","status":1,"priority":1,"queueID":5,"dueDateTime":"2026-01-01T00:00:00Z"}`

// as makes a call as an integration that asks to be shown as a resource, by as many headers as there are values.
func (w *world) as(integration string, values []string, method, path, body string) answer {
	w.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, gatewayURL+"/ATServicesRest/V1.0"+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Secret", w.keys[integration].Reveal())
	req.Header.Set("Content-Type", "application/json")
	for _, v := range values {
		req.Header.Add("ImpersonationResourceID", v)
	}
	a, err := w.do(req)
	if err != nil {
		w.Fatal(err)
	}
	return a
}

// creator makes a ticket, and returns who the PSA says created it and for whom.
func (w *world) creator(integration string, values ...string) (shown, by any) {
	w.Helper()
	a := w.as(integration, values, "POST", "/Tickets", newTicket)
	if a.status != 200 {
		w.Fatalf("%d %s %s", a.status, a.reason(), a.body)
	}
	all := w.tenant.Records("Tickets")
	made := all[len(all)-1]
	return made["creatorResourceID"], made["impersonatorCreatorResourceID"]
}

// loginShownAs writes the login's record with a resource that its calls are shown as.
func (w *world) loginShownAs(resource, password string) {
	w.safe.put("main", user, password, "impersonate", resource)
}

func TestWhoMayImpersonateIsShownAsWhomHeNames(t *testing.T) {
	inWorld(t, func(w *world) {
		w.change("a", func(i *Integration) { i.Impersonate = true })
		if shown, by := w.creator("a", "1"); shown != int64(1) || by != int64(2) {
			t.Errorf("shown as %v by %v", shown, by)
		}
		if shown, by := w.creator("a"); shown != int64(2) || by != nil {
			t.Errorf("without the header: shown as %v by %v", shown, by)
		}
		if a := w.as("a", []string{"1"}, "POST", "/Tickets/query", `{"filter":[]}`); a.status != 500 || a.reason() != "" || !strings.Contains(a.body, "adequate permissions") {
			t.Errorf("the PSA's own refusal of a query does not come through: %d %s %s", a.status, a.reason(), a.body)
		}
		if a := w.as("b", []string{"1"}, "POST", "/Tickets", newTicket); a.status != 403 || a.reason() != "policy" {
			t.Errorf("one who may not: %d %s", a.status, a.reason())
		}
		if a := w.as("b", []string{"", "1"}, "GET", "/Tickets/1", ""); a.status != 403 {
			t.Errorf("one who may not, behind an empty one: %d %s", a.status, a.reason())
		}
		w.safeNow()
	})
}

func TestAnImpersonationIsOneWholeNumber(t *testing.T) {
	inWorld(t, func(w *world) {
		w.change("a", func(i *Integration) { i.Impersonate = true })
		w.served("a")
		before := w.sim.Requests().Judged
		for name, values := range map[string][]string{
			"a name": {"alice"}, "two": {"2", "2"}, "two in one": {"2, 3"}, "a fraction": {"2.0"}, "below zero": {"-2"}, "a sign": {"+2"},
			"leading zeros": {"02"}, "hexadecimal": {"0x2"}, "more than a number holds": {"9223372036854775808"}, "an empty one beside": {"2", ""},
		} {
			if a := w.as("a", values, "POST", "/Tickets", newTicket); a.status != 400 || a.reason() != "bad-request" || strings.Contains(a.body, "alice") {
				t.Errorf("%s: %d %s %s", name, a.status, a.reason(), a.body)
			}
			if a := w.as("b", values, "POST", "/Tickets", newTicket); a.status != 403 || a.reason() != "policy" {
				t.Errorf("%s, of one who may not: %d %s", name, a.status, a.reason())
			}
		}
		if n := w.sim.Requests().Judged; n != before {
			t.Errorf("%d sign-ins for calls that are none", n-before)
		}
		if shown, _ := w.creator("a", ""); shown != int64(2) {
			t.Errorf("an empty one asks for %v", shown)
		}
	})
}

func TestALoginsCallsAreShownAsItsRecordSaysWhereTheyWrite(t *testing.T) {
	inWorld(t, func(w *world) {
		w.change("a", func(i *Integration) { i.Impersonate = true })
		w.tenant.AddUser("other@example.com", "other-password", "CODE") // resource 3
		w.loginShownAs("1", "old-password")
		time.Sleep(20 * time.Second)
		if shown, by := w.creator("b"); shown != int64(1) || by != int64(2) {
			t.Errorf("shown as %v by %v", shown, by)
		}
		if shown, _ := w.creator("a", "3"); shown != int64(3) {
			t.Errorf("the caller's own counts for %v", shown)
		}
		for _, c := range []struct{ method, path, body string }{
			{"POST", "/Tickets/query", `{"filter":[]}`},
			{"GET", `/Tickets/query?search={"filter":[]}`, ""},
			{"POST", "/Tickets/query/count", `{"filter":[]}`},
			{"GET", "/Tickets/1", ""},
			{"GET", "/Tickets/1/Notes", ""},
		} {
			if a := w.call("b", c.method, c.path, c.body); a.status != 200 {
				t.Errorf("%s %s: %d %s", c.method, c.path, a.status, a.body)
			}
		}
		w.safeNow()
	})
}

// A record says whom its own secret is shown as: while an older secret serves, so does its older resource.
func TestTheResourceGoesWithTheSecretOfItsVersion(t *testing.T) {
	inWorld(t, func(w *world) {
		w.tenant.AddUser("other@example.com", "other-password", "CODE") // resource 3
		w.loginShownAs("1", "old-password")
		time.Sleep(20 * time.Second)
		w.served("b")
		w.loginShownAs("3", "new-password") // which the PSA does not know yet
		time.Sleep(20 * time.Second)
		if shown, _ := w.creator("b"); shown != int64(1) {
			t.Errorf("the older secret is sent, shown as %v", shown)
		}
		w.user.SetSecret("new-password")
		if shown, _ := w.creator("b"); shown != int64(3) {
			t.Errorf("the newer secret is sent, shown as %v", shown)
		}
		w.safeNow()
	})
}
