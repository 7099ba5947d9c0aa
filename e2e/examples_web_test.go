package e2e

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/psagate/psagate/internal/issuertest"
)

// web leads people to the zone from one address, and carries them there under the other.
func (e *example) web() {
	provider := issuertest.StartLiar(e.T)
	e.write(secretsFile, fmt.Sprintf(`{"autotask/main": {"username": %q, "secret": %q, "integration_code": %q}, "sso/corp": {"value": %q}}`, user, oldPassword, code, issuertest.ClientSecret))
	links := freeAddress(e.T)
	e.set("ISSUER="+provider.URL, "CLIENT_ID="+issuertest.ClientID, "LINKS_SITE=http://"+links)
	e.server = e.launch(e.folder+"/Caddyfile", "output.log")
	const page = "/Mvc/ServiceDesk/TicketDetail.mvc?ticketId=7"
	ann := e.browser()
	ann.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	e.until("it redirects", func() bool {
		resp, err := ann.Get("http://" + links + "/https://ww3.autotask.net" + page)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.Header.Get("Location") == e.zone.URL()+page
	})
	ann.CheckRedirect = nil
	// This zone has no pages: what it says of that comes through, in words that do not name it.
	if a := e.visit(ann, page); a.status != http.StatusNotFound || !strings.Contains(a.body, "http://"+e.address+page) {
		e.Errorf("carried: %d %s", a.status, a.body)
	}
	e.says("audit print", 0, "corp/ann signed_in")
	e.says("check", 0)
	e.unharmed(0)
}
