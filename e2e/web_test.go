package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// A link to any zone's web pages leads to the zone of the login's tenant, and after its move to the new one; programs beside it are
// served on.
func TestPeopleAreRedirectedToTheZoneOfTheirTenant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.caddyfile.site = "psa_web main"
	w.start()
	const link = "/https://ww3.autotask.net/Autotask/AutotaskExtend/ExecuteCommand.aspx?Code=OpenTicketDetail&TicketID=7"
	leads := func() string {
		client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		resp, err := client.Get(w.url(link))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.Header.Get("Location")
	}
	const page = "/Autotask/AutotaskExtend/ExecuteCommand.aspx?Code=OpenTicketDetail&TicketID=7"
	if got := leads(); got != w.zone.URL()+page {
		t.Errorf("it leads to %q", got)
	}
	w.served("a")
	six := w.sim.AddZone("Six")
	w.tenant.Migrate(six)
	w.served("a")
	if got := leads(); got != six.URL()+page {
		t.Errorf("after the move it leads to %q", got)
	}
	if a := w.call("a", "GET", "/zoneInformation?user="+user, ""); !strings.Contains(string(a.body), `"webUrl":"http://`+w.address+`/"`) {
		t.Errorf("a lookup does not name this site: %s", a.body)
	}
	w.unharmed(1)
}
