package e2e

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/psagate/psagate/internal/issuertest"
)

// console has the help desk look at the page, and be told what it may do.
func (e *example) console() {
	provider := issuertest.StartLiar(e.T)
	provider.Lie(issuertest.Lies{User: map[string]any{"sub": "ann", "groups": []string{"staff"}}})
	secrets, err := json.Marshal(map[string]any{
		"autotask/main": map[string]string{"username": user, "secret": oldPassword, "integration_code": code},
		"sso/corp":      map[string]string{"value": issuertest.ClientSecret},
	})
	if err != nil {
		e.Fatal(err)
	}
	e.write(secretsFile, string(secrets))
	e.makesKey("itglue")
	site := e.address
	e.address = freeAddress(e.T)
	e.set("ISSUER="+provider.URL, "CLIENT_ID="+issuertest.ClientID, "PSAGATE_SITE=http://"+site, "PSAGATE_GATEWAY=http://"+e.address)
	e.serve(e.plain())
	e.served("itglue")

	gateway := e.address
	e.address = site
	ann := e.browser()
	for _, page := range []struct {
		path, says string
		status     int
	}{
		{"/", "Nothing is about to be locked.", http.StatusOK},
		{"/", "itglue, ", http.StatusOK},
		{"/integrations", "helpdesk@example.com", http.StatusOK},
		{"/act?do=disable&on=itglue", "Add a second factor", http.StatusOK},
		{"/act?do=release&on=main", "Not permitted", http.StatusForbidden},
	} {
		if a := e.visit(ann, page.path); a.status != page.status || !strings.Contains(a.body, page.says) {
			e.Errorf("%s: %d %s, want %q", page.path, a.status, a.body, page.says)
		}
	}
	provider.Lie(issuertest.Lies{User: map[string]any{"sub": "bob", "groups": []string{"sales"}}})
	if a := e.visit(e.browser(), "/"); a.status != http.StatusForbidden || !strings.Contains(a.body, "the group staff") {
		e.Errorf("bob: %d %s", a.status, a.body)
	}
	e.address = gateway
	e.says("check", 0)
}
