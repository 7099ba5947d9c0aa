package caddymodule

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	otp "github.com/pquerna/otp/totp"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/issuertest"
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
	s.denied()
	for path, text := range map[string]string{
		"/console/integrations": "token of corp with client_id rmm",
		"/console/decisions":    `principal == Integration::"rmm", action == Action::"delete"`,
		"/console/people":       "which is yours here",
		"/console/settings":     "lockout.threshold",
	} {
		ann.expect(http.StatusOK, text, path, nil)
	}
	stranger := s.visitor()
	stranger.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	stranger.expect(http.StatusSeeOther, "", "/console/failures", nil)
	stranger.expect(http.StatusUnauthorized, "sign in first", "/console/failures", nil, "Accept: application/json")
}

// denied has a machine ask for what policy denies.
func (s *signInSite) denied() {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), http.MethodDelete, s.at+"/ATServicesRest/V1.0/Tickets/1", nil)
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.liar.AccessToken())
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	if _ = resp.Body.Close(); resp.StatusCode != http.StatusForbidden {
		s.Fatalf("status %d", resp.StatusCode)
	}
}

func TestTheConsolesSettingsAreThoseInEffectAndNoSecretIsAmongThem(t *testing.T) {
	hash := "sha256:" + strings.Repeat("ab", 32)
	app := &App{
		Logins:       map[string]*Login{"main": {Secret: &SecretRef{Store: "vault", Path: "autotask/main"}, Lockout: &Lockout{Threshold: 9}}},
		Integrations: map[string]*Integration{"itglue": {Keys: []string{hash}, Hours: []Window{{Days: []string{"mon-fri"}, Span: "08:00-18:00"}}}},
		Store:        &Store{Kind: "postgres", DSN: "postgres://psagate:hunter2@db.example.com/psagate"},
		Alerts:       &Alerts{Every: caddy.Duration(time.Minute), Webhooks: []*AlertWebhook{{URL: "https://u:hunter2@hooks.example.com/x"}, {URL: "https://hooks.example.com/services/hunter2?token=hunter2", Headers: map[string]*SecretText{"X-Token": {Placeholder: "{env.HOOK}"}}}}},
		Audit:        &Audit{WriterRaw: json.RawMessage(`{"output":"file","filename":"/var/log/audit.log","password":"hunter2"}`)},
		stores:       map[string]SecretStore{"vault": &VaultSecrets{Address: "https://vault.example.com:8200", Poll: caddy.Duration(15 * time.Second), Auth: &VaultAuth{Method: "token", Token: &SecretText{Placeholder: "{env.VAULT_TOKEN}"}}}},
	}
	var all []string
	for _, s := range (consoleSource{app}).Settings() {
		for _, one := range s.Settings {
			all = append(all, s.Title+" "+one.Name+" "+one.Value)
		}
	}
	text := strings.Join(all, "\n") + "\n"
	for _, want := range []string{
		"login main secret.path autotask/main", "login main lockout.threshold 9", "login main lockout.budget 7", "login main queue.deadline 30s", "integration itglue keys key abababab",
		"integration itglue hours[0] mon-fri 08:00-18:00", "store kind postgres", "alerts every 1m0s", "alerts webhooks[1].url https://hooks.example.com", "alerts webhooks[1].headers.X-Token.placeholder {env.HOOK}", "audit writer file /var/log/audit.log",
		"secrets vault kind vault", "secrets vault address https://vault.example.com:8200", "secrets vault poll 15s", "secrets vault auth.token.placeholder {env.VAULT_TOKEN}",
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("it has no %q", want)
		}
	}
	if strings.Contains(text, "hunter2") || strings.Contains(text, hash) || app.Logins["main"].Queue != nil {
		t.Errorf("it has a secret, or has changed the config: %s", text)
	}
}

// A live page is a connection that never ends by itself: neither a reload nor a stop waits for it.
func TestLivePagesDoNotKeepCaddyFromReloadingAndStopping(t *testing.T) {
	s := newConsoleSite(t)
	s.run()
	ann := s.visitor()
	live := func() *http.Response {
		ann.expect(http.StatusOK, "calls of main", "/console/", nil)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.at+"/console/live?page=", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "text/event-stream")
		resp, err := ann.Do(r)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(resp, err)
		}
		t.Cleanup(func() { _ = resp.Body.Close() })
		return resp
	}
	ends := func(what string, resp *http.Response) {
		if text, _ := io.ReadAll(resp.Body); !strings.Contains(string(text), "event: page") {
			t.Errorf("%s: the live page heard %q", what, text)
		}
	}
	first := live()
	out, err := s.command(t.Context(), "reload", "--force", "--config", s.path("Caddyfile"), "--adapter", "caddyfile", "--address", "unix/"+s.path("admin")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ends("a reload", first)
	second := live()
	s.stop()
	ends("a stop", second)
}

// enrol has a person who is signed in add an app, and so prove a second factor.
func (v *visitor) enrol() {
	v.s.Helper()
	begun := v.expect(http.StatusOK, "Add the app", "/psagate/totp", formOf(v.expect(http.StatusOK, "Add a second factor", "/psagate/totp", nil), ""))
	code, err := otp.GenerateCode(strings.ReplaceAll(shownSecret.FindStringSubmatch(begun)[1], " ", ""), time.Now())
	if err != nil {
		v.s.Fatal(err)
	}
	v.expect(http.StatusOK, "The app counts from now on", "/psagate/totp", formOf(begun, code))
}

func TestWhatPeopleDoInARunningConsoleIsInTheAuditLogWithTheirNames(t *testing.T) {
	s := newConsoleSite(t)
	s.file("people.cedar", `permit (principal in PersonGroup::"corp/ops", action in [Action::"disable", Action::"enable"], resource is Integration);
permit (principal in PersonGroup::"corp/ops", action in [Action::"end_session", Action::"reset_factor"], resource is Person);
permit (principal in PersonGroup::"corp/ops", action in [Action::"check", Action::"show_code"], resource is Login);
`)
	s.file("secrets.json", `{"sso/corp": {"value": "`+issuertest.ClientSecret+`"}, "totp/main": {"totp_seed": "`+seedOfMain+`"}}`)
	text, err := os.ReadFile(s.path("Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "	psa {\n", "	psa {\n		policy "+s.path("people.cedar")+"\n", 1)
	s.file("Caddyfile", strings.Replace(changed, "		login main {\n", "		login main {\n			totp secret file totp/main\n", 1))
	s.run()
	ann := s.visitor()
	const disable = "/console/act?do=disable&on=rmm"
	page := ann.expect(http.StatusOK, "Add a second factor", disable, nil) // who has none is led to it
	if !strings.Contains(page, "console") {
		t.Errorf("the way back is lost: %s", page)
	}
	ann.enrol()
	form := formOf(ann.expect(http.StatusOK, "Switch rmm off", disable, nil), "")
	form.Set("reason", "it loops")
	ann.expect(http.StatusOK, "integration rmm is disabled, at all replicas", "/console/act", form)
	ann.expect(http.StatusOK, "switched off", "/console/integrations", nil)
	ann.expect(http.StatusOK, "rmm is switched on", "/console/act", formOf(ann.expect(http.StatusOK, "Switch rmm on", "/console/act?do=enable&on=rmm", nil), ""))
	ann.expect(http.StatusOK, "main does not work", "/console/act", formOf(ann.expect(http.StatusOK, "Check main", "/console/act?do=check&on=main", nil), ""))
	ann.expect(http.StatusForbidden, `permit (principal == Person::"corp/ann", action == Action::"release", resource == Login::"main");`, "/console/act?do=release&on=main", nil)
	ann.expect(http.StatusOK, "There was no second factor", "/console/act", formOf(ann.expect(http.StatusOK, "Take the second factor of bob away", "/console/act?do=reset_factor&on=bob&issuer=corp", nil), ""))
	code := s.codeOn(ann.expect(http.StatusOK, "present one for", "/console/act", formOf(ann.expect(http.StatusOK, "One-time code of main", "/console/act?do=show_code&on=main", nil), "")))
	if cache := ann.header.Get("Cache-Control"); cache != "no-store" {
		t.Errorf("the code's page is kept: %q", cache)
	}
	end := formOf(ann.expect(http.StatusOK, "End all sessions of ann", "/console/act?do=end_session&on=ann&issuer=corp", nil), "")
	ann.expect(http.StatusNotFound, "Nothing to show", "/console/act", end) // she has ended her own, and signs in anew
	s.stop()

	log, err := os.ReadFile(s.path("audit.log"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(log, []byte(`"`+code+`"`)) || bytes.Contains(log, []byte(seedOfMain)) {
		t.Error("the audit log has the code, or the seed")
	}
	told := map[string]int{}
	for e, err := range audit.Entries(bytes.NewReader(log)) {
		if err != nil {
			t.Fatal(err)
		}
		told[strings.TrimSpace(strings.Join([]string{e.Event, e.Issuer, e.Caller, e.Login, e.Data["deed"], e.Data["integration"], e.Data["reason"], e.Data["ok"], e.Data["subject"], e.Data["by"], e.Data["administrator"]}, " "))]++
	}
	for _, want := range []string{
		"deed_permitted corp ann  disable rmm", "integration_disabled corp ann   rmm it loops", "integration_enabled corp ann   rmm", "login_checked corp ann main    false",
		"deed_permitted corp ann main show_code", "code_shown corp ann main",
		"totp_reset corp ann     false bob", "session_ended corp ann       administrator corp/ann",
	} {
		if told[want] != 1 {
			t.Errorf("%q is there %d times: %v", want, told[want], told)
		}
	}
}

// Two issuers of a config may be one provider, with two clients. Its people have one second factor, and what a policy forbids to be done to
// them it forbids by the name that people's second factors go by.
func TestAPersonHasNoSecondNameByWhichMoreIsPermitted(t *testing.T) {
	s := newConsoleSite(t)
	s.file("people.cedar", `permit (principal, action, resource is Person);
forbid (principal, action, resource == Person::"corp/ann");
`)
	text, err := os.ReadFile(s.path("Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	twin := "		issuer twin " + s.liar.URL + " {\n			client_id other\n		}\n"
	s.file("Caddyfile", strings.Replace(string(text), "	psa {\n", "	psa {\n		policy "+s.path("people.cedar")+"\n"+twin, 1))
	s.run()
	ann := s.visitor()
	ann.expect(http.StatusOK, "calls of main", "/console/", nil)
	ann.enrol()
	ann.expect(http.StatusForbidden, "Not permitted", "/console/act?do=reset_factor&on=ann&issuer=corp", nil)
	asTwin := func(deed string) url.Values {
		form := formOf(ann.expect(http.StatusOK, "bob", "/console/act?on=bob&issuer=twin&do="+deed, nil), "")
		form.Set("on", "ann")
		return form
	}
	ann.expect(http.StatusUnprocessableEntity, "ask for ann of corp", "/console/act", asTwin("reset_factor"))
	ann.expect(http.StatusOK, "Nothing was ended", "/console/act", asTwin("end_session"))
	ann.expect(http.StatusOK, "an app since", "/console/people", nil)
}

// seedOfMain is the seed of the PSA user's one-time codes.
const seedOfMain = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

var shownCodes = regexp.MustCompile(`<output>([0-9]{6})</output>`)

// codeOn is the code on a page, which must be the PSA user's.
func (s *signInSite) codeOn(page string) string {
	s.Helper()
	found := shownCodes.FindStringSubmatch(page)
	if found == nil {
		s.Fatalf("no code: %s", page)
	}
	for _, back := range []time.Duration{0, 30 * time.Second} {
		if code, err := otp.GenerateCode(seedOfMain, time.Now().Add(-back)); err == nil && code == found[1] {
			return code
		}
	}
	s.Error("the code is another one")
	return found[1]
}
