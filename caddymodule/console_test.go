package caddymodule

import (
	"net/http"
	"os"
	"strings"
	"testing"
)

// newConsoleSite is a site of people with a console below /console/, where others are let in too, and no psa_stepup.
func newConsoleSite(t *testing.T) *signInSite {
	s := newSignInSite(t)
	text, err := os.ReadFile(s.path("Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	const gate, after = "	psa_signin /people/* corp {", "	psa_gateway /ATServicesRest/*"
	changed := strings.Replace(string(text), gate, "	@people path /people/* /console/*\n	psa_signin @people corp {", 1)
	changed = strings.Replace(changed, after, "	handle_path /console/* {\n		psa_console\n	}\n"+after, 1)
	if strings.Count(changed, "@people") != 2 || !strings.Contains(changed, "psa_console") {
		t.Fatal("the Caddyfile is another one")
	}
	s.file("Caddyfile", changed)
	return s
}

func TestTheConsoleShowsARunningCaddyToWhomPsaSigninLetsIn(t *testing.T) {
	s := newConsoleSite(t)
	s.run()
	ann := s.visitor()
	page := ann.expect(http.StatusOK, "calls of main are not served", "/console/", nil)
	for _, text := range []string{"ann@example.com", `href="failures"`, "NO CREDENTIAL from the store", "7 failures of 7 away"} {
		if !strings.Contains(page, text) {
			t.Errorf("it does not say %q: %s", text, page)
		}
	}
	ann.expect(http.StatusOK, "why the store gives no record", "/console/failures", nil)
	ann.expect(http.StatusOK, "main", "/console/login?name=main", nil)
	ann.expect(http.StatusNotFound, "No such page", "/console/x", nil)
	ann.expect(http.StatusOK, "Add a second factor", "/psagate/totp", nil) // without psa_stepup
	stranger := s.visitor()
	stranger.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	stranger.expect(http.StatusSeeOther, "", "/console/failures", nil)
	stranger.expect(http.StatusUnauthorized, "sign in first", "/console/failures", nil, "Accept: application/json")
}
