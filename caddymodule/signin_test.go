package caddymodule

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/issuertest"
)

// signInSite is a Caddy with a provider, people's pages and the PSA's paths on one host.
type signInSite struct {
	*testing.T
	house
	hidden []string // what its log must not have
	liar   *issuertest.Liar
	at     string
	cmd    *exec.Cmd
}

// newSite is a Caddy that has no config yet.
func newSite(t *testing.T) *signInSite {
	s := &signInSite{T: t, house: newHouse(t)}
	s.real = true
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.at = "http://" + l.Addr().String()
	_ = l.Close()
	return s
}

func newSignInSite(t *testing.T) *signInSite {
	s := newSite(t)
	s.liar, s.hidden = issuertest.StartLiar(t), []string{issuertest.ClientSecret}
	s.file("secrets.json", `{"sso/corp": {"value": "`+issuertest.ClientSecret+`"}}`)
	s.file("Caddyfile", fmt.Sprintf(`{
	admin unix/%s
	persist_config off
	log {
		format psa
	}
	psa {
		secrets file %s
		login main {
			secret file autotask/main
			discover http://127.0.0.1:1
			hosts 127.0.0.1
			insecure_http
		}
		issuer corp %s {
			client_id %s
			client_secret secret file sso/corp
			audience %s
		}
		integration rmm {
			jwt corp client_id rmm
		}
		audit {
			output file %s
		}
	}
}

%s {
	psa_signin /people/* corp {
		groups ops
	}
	rewrite /people/* /people/within{uri}
	respond /people/within/people/* "{http.request.orig_uri} {psa.person} {psa.person.subject} {psa.person.issuer} {http.request.cookie.psagate}{http.request.cookie.theirs}"
	psa_gateway /ATServicesRest/*
	respond /open "open"
}
`, s.path("admin"), s.path("secrets.json"), s.liar.URL, issuertest.ClientID, issuertest.Audience, s.path("audit.log"), s.at))
	return s
}

func (s *signInSite) file(name, text string) {
	s.Helper()
	if err := os.WriteFile(s.path(name), []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
}

// run starts Caddy and waits until it serves.
func (s *signInSite) run() {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	s.cmd = s.command(ctx, "run", "--config", s.path("Caddyfile"), "--adapter", "caddyfile")
	var said strings.Builder
	s.cmd.Stderr = &said
	if err := s.cmd.Start(); err != nil {
		s.Fatal(err)
	}
	cmd := s.cmd
	s.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		cancel()
		if s.Failed() {
			s.Logf("it said:\n%s", said.String())
		}
		for _, secret := range s.hidden {
			if strings.Contains(said.String(), secret) {
				s.Errorf("the log has %q", secret)
			}
		}
	})
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if s.serves() {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.Fatalf("it does not serve:\n%s", said.String())
		}
	}
}

// serves reports whether the site answers, and the config is in force: only then the admin endpoint knows of it.
func (s *signInSite) serves() bool {
	admin := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", s.path("admin"))
	}}}
	for _, ask := range []func() (*http.Response, error){
		func() (*http.Response, error) { return http.Get(s.at + "/open") },
		func() (*http.Response, error) { return admin.Get("http://admin/psa/zones") },
	} {
		resp, err := ask()
		if err != nil {
			return false
		}
		if _ = resp.Body.Close(); resp.StatusCode != http.StatusOK {
			return false
		}
	}
	return true
}

func (s *signInSite) stop() {
	s.Helper()
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	_ = s.cmd.Wait()
}

// get asks for a path, with more headers, and returns the status and the body.
func (s *signInSite) get(c *http.Client, path string, headers ...string) (int, string) {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), http.MethodGet, s.at+path, nil)
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	resp, err := c.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestPeopleSignInAndMachinesHaveTokensAndNeitherIsTheOther(t *testing.T) {
	s := newSignInSite(t)
	s.liar.Lie(issuertest.Lies{Status: http.StatusInternalServerError}) // it is down while the config is loaded
	s.run()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	person := &http.Client{Jar: jar}
	if status, body := s.get(person, "/people/x"); status != http.StatusServiceUnavailable || !strings.Contains(body, "corp does not answer") {
		t.Errorf("while it is down: %d %s", status, body)
	}
	s.liar.Lie(issuertest.Lies{})
	const hello = "/people/x?y=z ann@example.com ann corp x" // and no token
	site, err := url.Parse(s.at)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(site, []*http.Cookie{{Name: "theirs", Value: "x", Path: "/"}})
	for end := time.Now().Add(time.Minute); ; { // it is asked again after a moment
		status, body := s.get(person, "/people/x?y=z")
		if status == http.StatusOK && body == hello {
			break
		}
		if status != http.StatusServiceUnavailable || time.Now().After(end) {
			t.Fatalf("nobody can sign in: %d %s", status, body)
		}
		time.Sleep(100 * time.Millisecond)
	}
	machine := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	const call = "/ATServicesRest/V1.0/Tickets/1"
	token := s.liar.AccessToken()
	bearer := "Authorization: Bearer " + token
	for name, test := range map[string]struct {
		client       *http.Client
		path, header string
		status       int
	}{
		"a person at the PSA's paths":     {person, call, "Accept: text/html", 401},
		"a machine at the PSA's paths":    {machine, call, bearer, 503}, // the login has no credential yet
		"a forged token there":            {machine, call, "Authorization: Bearer eyJhbGciOiJub25lIn0.e30.x", 401},
		"a machine that asks for a page":  {machine, "/people/x", bearer, 303}, // to sign in, as anybody who does
		"a machine that asks for no page": {machine, "/people/x", "Accept: application/json", 401},
		"who says that he is somebody":    {machine, "/people/x", "Remote-User: ann", 303},
	} {
		if status, body := s.get(test.client, test.path, test.header); status != test.status {
			t.Errorf("%s: status %d, want %d: %s", name, status, test.status, body)
		}
	}
	s.stop()
	s.run() // the store has the session
	if status, body := s.get(person, "/people/x?y=z"); status != http.StatusOK || body != hello {
		t.Errorf("after a restart: %d %s", status, body)
	}
	s.endSessions(&http.Client{Jar: jar, CheckRedirect: machine.CheckRedirect})
	s.liar.Lie(issuertest.Lies{User: map[string]any{"sub": "bob", "groups": []string{"sales"}}})
	otherJar, _ := cookiejar.New(nil)
	if status, body := s.get(&http.Client{Jar: otherJar}, "/people/x"); status != http.StatusForbidden || !strings.Contains(body, "the group ops") {
		t.Errorf("who is not in the group: %d %s", status, body)
	}
	s.stop()
	s.checkAudit(token, jar.Cookies(site))
}

// endSessions has an operator sign ann out: at the next request she is nobody.
func (s *signInSite) endSessions(ann *http.Client) {
	s.Helper()
	listed := run(s.T, "sessions", "--address", "unix/"+s.path("admin"))
	if listed.status != exitYes || strings.Count(listed.out, "ann of corp") != 1 || strings.Contains(listed.out, "@") {
		s.Errorf("%+v", listed)
	}
	site, _ := url.Parse(s.at)
	for _, c := range ann.Jar.Cookies(site) {
		if c.Name != "theirs" && strings.Contains(listed.out, c.Value) {
			s.Error("it shows what the browser holds")
		}
	}
	if ended := run(s.T, "sessions", "end", "--issuer", "corp", "--person", "ann", "--address", "unix/"+s.path("admin")); ended.status != exitYes {
		s.Errorf("%+v", ended)
	}
	if status, _ := s.get(ann, "/people/x"); status != http.StatusSeeOther {
		s.Errorf("after the session was ended: status %d", status)
	}
	if listed := run(s.T, "sessions", "--address", "unix/"+s.path("admin")); listed.status != exitNo {
		s.Errorf("%+v", listed)
	}
}

// checkAudit demands that the audit log has what happened to people and machines, and nothing of what they proved themselves with.
func (s *signInSite) checkAudit(token string, cookies []*http.Cookie) {
	s.Helper()
	text, err := os.ReadFile(s.path("audit.log"))
	if err != nil {
		s.Fatal(err)
	}
	told := map[string]int{}
	for e, err := range audit.Entries(bytes.NewReader(text)) {
		if err != nil {
			s.Fatal(err)
		}
		switch e.Kind {
		case audit.Event:
			told[strings.Join([]string{e.Event, e.Caller, e.Issuer, e.Data["reason"]}, " ")]++
		default:
			told[strings.Join([]string{string(e.Kind), e.Caller, e.Issuer, string(e.DecidedBy)}, " ")]++
		}
	}
	for what, n := range map[string]int{"signed_in ann corp ": 1, "session_ended ann corp ": 1, "sign_in_refused bob corp not-in-group": 1, "call rmm corp guard": 1, "call   identity": 2} {
		if told[what] != n {
			s.Errorf("%q is there %d times, want %d: %v", what, told[what], n, told)
		}
	}
	if told["sign_in_refused  corp issuer-unavailable"] == 0 {
		s.Errorf("nothing is told of the provider that was down: %v", told)
	}
	hidden := append(strings.Split(token, "."), "ann@example.com", issuertest.ClientSecret)
	for _, c := range cookies {
		if c.Name != "theirs" {
			hidden = append(hidden, c.Value)
		}
	}
	if len(hidden) < 6 {
		s.Errorf("the person has no cookie of ours: %v", cookies)
	}
	for _, secret := range hidden {
		if bytes.Contains(text, []byte(secret)) {
			s.Errorf("the audit log has %q", secret)
		}
	}
}
