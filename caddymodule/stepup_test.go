package caddymodule

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	otp "github.com/pquerna/otp/totp"
)

// newStepUpSite is a site of people, a part of which asks for a second factor.
func newStepUpSite(t *testing.T) *signInSite {
	s := newSignInSite(t)
	text, err := os.ReadFile(s.path("Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	const before, admin = "	respond /people/within/people/* ", "/people/within/people/admin/*" // as the site rewrites it
	if !strings.Contains(string(text), before) {
		t.Fatal("the Caddyfile is another one")
	}
	s.file("Caddyfile", strings.Replace(string(text), before, "	psa_stepup "+admin+" totp\n	respond "+admin+" \"admin {psa.person.subject} {http.request.cookie.psagate}{http.request.cookie.psagate-browser}.\"\n"+before, 1))
	return s
}

// visitor is a person with a browser.
type visitor struct {
	*http.Client
	s      *signInSite
	header http.Header // of the last answer
}

func (s *signInSite) visitor() *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.Fatal(err)
	}
	return &visitor{Client: &http.Client{Jar: jar}, s: s}
}

// expect opens a page, or sends a form where there is one, and returns what it says, which must be of that status and hold the text.
func (v *visitor) expect(status int, text, path string, form url.Values, headers ...string) string {
	v.s.Helper()
	method, body := http.MethodGet, io.Reader(http.NoBody)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(v.s.Context(), method, v.s.at+path, body)
	if err != nil {
		v.s.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	resp, err := v.Do(r)
	if err != nil {
		v.s.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		v.s.Fatal(err)
	}
	v.header = resp.Header
	if resp.StatusCode != status || !strings.Contains(html.UnescapeString(string(got)), text) {
		v.s.Fatalf("%s %s: at %s status %d, want %d that says %q: %s", method, path, resp.Request.URL, resp.StatusCode, status, text, got)
	}
	return string(got)
}

var (
	hiddenField   = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	shownSecret   = regexp.MustCompile(`<span class="secret">([^<]*)</span>`)
	shownRecovery = regexp.MustCompile(`<li class="secret">([^<]*)</li>`)
	shownLink     = regexp.MustCompile(`<a href="([^"]*)" class="button">`)
)

// formOf is what the only form of a page sends, with a code.
func formOf(page, code string) url.Values {
	form := url.Values{"code": {code}}
	for _, in := range hiddenField.FindAllStringSubmatch(page, -1) {
		form.Set(in[1], html.UnescapeString(in[2]))
	}
	return form
}

func TestPeopleProveASecondFactorInARunningCaddy(t *testing.T) {
	const enrol, ask = "/psagate/totp", "/psagate/stepup"
	s := newStepUpSite(t)
	s.run()
	ann := s.visitor()
	ann.expect(http.StatusOK, "/people/x ann@example.com ann corp", "/people/x", nil) // what asks for none
	ann.expect(http.StatusForbidden, `"stepup":"/psagate/stepup"`, "/people/admin/x", nil, "Accept: application/json")
	if reason := ann.header.Get("Psagate-Reason"); reason != "step-up" {
		t.Errorf("the reason is %q", reason)
	}

	// Enrolment, from a deep link and back to it.
	const deep = "/people/admin/x?y=z&u=%2F"
	page := ann.expect(http.StatusOK, "Add a second factor", deep, nil)
	begun := ann.expect(http.StatusOK, "Add the app", enrol, formOf(page, ""))
	seed := strings.ReplaceAll(shownSecret.FindStringSubmatch(begun)[1], " ", "")
	at := time.Now()
	code := func(ahead time.Duration) string {
		text, err := otp.GenerateCode(seed, at.Add(ahead))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	ann.expect(http.StatusForbidden, "Nothing was done", enrol, url.Values{"do": {"confirm"}, "code": {code(0)}})
	codes := ann.expect(http.StatusOK, "The app counts from now on", enrol, formOf(begun, code(0)))
	recovery := shownRecovery.FindAllStringSubmatch(codes, -1)
	if to := html.UnescapeString(shownLink.FindStringSubmatch(codes)[1]); len(recovery) != 10 || to != deep {
		t.Fatalf("%d recovery codes, and on to %s", len(recovery), to)
	}
	ann.expect(http.StatusOK, "admin ann .", deep, nil) // and none of our cookies
	s.stop()
	s.run()
	ann.expect(http.StatusOK, "admin ann .", deep, nil) // the store has it

	// Another browser, with two tabs, and a third one.
	second, third := s.visitor(), s.visitor()
	one := second.expect(http.StatusOK, "Code of your authenticator app", "/people/admin/one", nil)
	two := second.expect(http.StatusOK, "Code of your authenticator app", "/people/admin/two", nil)
	other := third.expect(http.StatusOK, "Code of your authenticator app", deep, nil)
	next := code(30 * time.Second) // right a step before its time
	second.expect(http.StatusOK, "admin ann .", ask, formOf(one, next))
	second.expect(http.StatusOK, "admin ann .", ask, formOf(two, next))
	third.expect(http.StatusConflict, "The code was used before", ask, formOf(other, next))
	with := third.expect(http.StatusOK, "Enter a recovery code", ask+"?with=recovery&return=%2Fpeople%2Fadmin%2Fx", nil)
	third.expect(http.StatusOK, "You have 9 recovery codes left", ask, formOf(with, recovery[0][1]))
	third.expect(http.StatusOK, "admin ann .", deep, nil)

	// Guesses.
	thief := s.visitor()
	page = thief.expect(http.StatusOK, "Code of your authenticator app", deep, nil)
	right := map[string]bool{}
	for ahead := -5 * time.Minute; ahead <= 10*time.Minute; ahead += 30 * time.Second {
		right[code(ahead)] = true
	}
	for n, tried := 0, 0; tried < 5; n++ {
		if guess := fmt.Sprintf("%06d", n); !right[guess] {
			tried++
			thief.expect(http.StatusForbidden, "The code is not right", ask, formOf(page, guess))
		}
	}
	thief.expect(http.StatusTooManyRequests, "Too many wrong codes", ask, formOf(page, code(time.Minute)))
	if thief.header.Get("Retry-After") == "" {
		t.Errorf("no Retry-After: %v", thief.header)
	}

	// The operator looks, and takes it away.
	command := func(args ...string) string {
		out, err := s.command(t.Context(), append(args, "--address", "unix/"+s.path("admin"))...).CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v: %s", args, err, out)
		}
		return string(out)
	}
	if out := command("totp", "list"); !strings.Contains(out, "ann at corp: an app since") || strings.Contains(out, seed) || strings.Contains(out, recovery[1][1]) {
		t.Errorf("the list: %s", out)
	}
	if out := command("totp", "reset", "corp", "ann"); !strings.Contains(out, "4 sessions ended") {
		t.Errorf("the reset: %s", out)
	}
	ann.expect(http.StatusUnauthorized, "sign in first", "/people/x", nil, "Accept: application/json")
	ann.expect(http.StatusOK, "Add a second factor", deep, nil)
}

func TestAMatcherThatTakesThePagesTooLeadsNobodyInACircle(t *testing.T) {
	s := newStepUpSite(t)
	text, err := os.ReadFile(s.path("Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "	psa_signin /people/* corp {", "	@closed not path /open /ATServicesRest/*\n	psa_signin @closed corp {", 1)
	if changed == string(text) {
		t.Fatal("the Caddyfile is another one")
	}
	s.file("Caddyfile", changed)
	s.run()
	ann := s.visitor()
	ann.expect(http.StatusOK, "/people/x ann@example.com ann corp", "/people/x", nil)
	ann.expect(http.StatusOK, "Add a second factor", "/people/admin/x", nil)
	ann.expect(http.StatusOK, "Add a second factor", "/psagate/totp", nil)
}

func TestASecondSignInAsksMoreOfAPartOfWhatTheFirstGuards(t *testing.T) {
	s := newStepUpSite(t)
	text, err := os.ReadFile(s.path("Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	const first = "	psa_signin /people/* corp {"
	changed := strings.Replace(string(text), first, "	route {\n"+first, 1)
	changed = strings.Replace(changed, "		groups ops\n	}\n", "		groups ops\n	}\n	psa_signin /people/within/people/ops/* corp {\n		groups ops\n	}\n	psa_signin /people/within/people/bosses/* corp {\n		groups bosses\n	}\n	}\n", 1)
	if strings.Count(changed, "psa_signin") != 3 {
		t.Fatal("the Caddyfile is another one")
	}
	s.file("Caddyfile", changed)
	s.run()
	ann := s.visitor()
	ann.expect(http.StatusOK, "/people/x ann@example.com ann corp", "/people/x", nil)
	ann.expect(http.StatusOK, "/people/ops/x ann@example.com ann corp", "/people/ops/x", nil)
	ann.expect(http.StatusForbidden, "Not for this account", "/people/bosses/x", nil)
}

func TestAnAdministratorInvitesInARunningCaddy(t *testing.T) {
	s := newStepUpSite(t)
	text, err := os.ReadFile(s.path("Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "	psa {\n", "	psa {\n		second_factor {\n			enrol admin\n			app_name \"Acme PSA\"\n		}\n", 1)
	if changed == string(text) {
		t.Fatal("the Caddyfile is another one")
	}
	s.file("Caddyfile", changed)
	s.run()
	ann := s.visitor()
	page := ann.expect(http.StatusOK, "ask an administrator of this site", "/people/admin/x", nil)
	ann.expect(http.StatusForbidden, "The invitation is not right", "/psagate/totp", formOf(page, "0000-0000-0000-0000"))
	out, err := s.command(t.Context(), "totp", "invite", "corp", "ann", "--address", "unix/"+s.path("admin")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	code, _, _ := strings.Cut(string(out), "\n")
	begun := ann.expect(http.StatusOK, "otpauth://totp/Acme%20PSA:ann@example.com", "/psagate/totp", formOf(page, code))
	now, err := otp.GenerateCode(strings.ReplaceAll(shownSecret.FindStringSubmatch(begun)[1], " ", ""), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ann.expect(http.StatusOK, "The app counts from now on", "/psagate/totp", formOf(begun, now))
	ann.expect(http.StatusOK, "admin ann .", "/people/admin/x", nil)
}
