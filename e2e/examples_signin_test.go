package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"

	"github.com/psagate/psagate/internal/issuertest"
	"github.com/psagate/psagate/internal/report"
)

// signin has people sign in before they see a site behind it.
func (e *example) signin() {
	provider := issuertest.StartLiar(e.T)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s for %s with cookies %q", r.URL.RequestURI(), r.Header.Get("Remote-User"), r.Header["Cookie"])
	}))
	e.Cleanup(site.Close)
	secrets, err := json.Marshal(map[string]any{"sso/corp": map[string]string{"value": issuertest.ClientSecret}})
	if err != nil {
		e.Fatal(err)
	}
	e.write(secretsFile, string(secrets))
	e.set("ISSUER="+provider.URL, "CLIENT_ID="+issuertest.ClientID, "GROUP=ops", "BACKEND="+site.Listener.Addr().String())
	e.server = e.launch(e.folder+"/Caddyfile", "output.log")
	ann := e.browser()
	e.until("it serves", func() bool { return e.visit(ann, "/").status == http.StatusOK })

	const hello = `/report?year=2026 for ann with cookies []`
	if a := e.visit(ann, "/report?year=2026"); a.status != http.StatusOK || a.body != hello {
		e.Errorf("ann: %d %s", a.status, a.body)
	}
	provider.Lie(issuertest.Lies{User: map[string]any{"sub": "bob", "groups": []string{"sales"}}})
	if a := e.visit(e.browser(), "/report"); a.status != http.StatusForbidden || !strings.Contains(a.body, "the group ops") {
		e.Errorf("bob: %d %s", a.status, a.body)
	}
	var sessions report.Sessions
	if e.asJSON("sessions", &sessions); len(sessions.Sessions) != 1 || sessions.Sessions[0].Subject != "ann" {
		e.Fatalf("%+v", sessions)
	}
	e.says("sessions end "+sessions.Sessions[0].ID, 0, "of ann of corp is ended")
	if a := e.visit(ann, "/report"); a.status != http.StatusForbidden { // at the provider it is bob by now
		e.Errorf("after the session was ended: %d %s", a.status, a.body)
	}
	e.says("audit print", 0, "corp/ann signed_in", "corp/bob sign_in_refused", "not-in-group", "session_ended")
	e.says("check", 0)
}

// browser keeps cookies and follows redirects.
func (e *example) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		e.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

// visit opens a page; status 0: nobody answers.
func (e *example) visit(c *http.Client, path string) (a answer) {
	r, err := http.NewRequest("GET", "http://"+e.address+path, nil)
	if err != nil {
		e.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Remote-User", "root") // which nobody believes
	resp, err := c.Do(r)
	if err != nil {
		return answer{}
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return answer{status: resp.StatusCode, header: resp.Header, body: string(text)}
}
