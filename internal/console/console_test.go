package console

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/issuertest"
	"github.com/psagate/psagate/internal/report"
)

// served is a login that is well.
func served(name string) report.LoginStatus {
	return report.LoginStatus{
		Name: name, State: report.LoginServing, Units: report.UnitCounts{Budget: 5, Free: 5}, InFlight: 3, Gate: report.GateStatus{Open: true},
		Lockout: report.LockoutStatus{Threshold: 7, Distance: 7}, Serving: &report.CredentialStatus{Version: 3, State: "proven"},
	}
}

func TestTheFirstLineOfTheOverviewSaysWhetherALoginIsAboutToBeLocked(t *testing.T) {
	w := newWorld(t)
	ann := w.browser()
	ann.opened("/console/", "There is no login that could be locked.", "ann@example.com")
	w.set(func() { w.status.Logins = []report.LoginStatus{served("main"), served("second")} })
	ann.opened("/console/", "Nothing is about to be locked.", "main serving 7 failures of 7 away version 3 serves")
	w.set(func() { w.status.Logins[1].Units.Failed, w.status.Logins[1].Units.Free = 2, 3 })
	ann.opened("/console/", "The nearest to a lockout is second, 5 failures of 7 away.")
	w.set(func() { w.status.Logins[0].State = report.LoginLocked })
	ann.opened("/console/", "The PSA has locked main.", "What to do main : Unlock the user in the PSA, then run: psagate release main")
	w.set(func() { w.status.Logins[0].State = report.LoginNoStore })
	ann.opened("/console/", "is not known: the store of the guard cannot be used", "main NO STORE, nothing leaves not known not known")
}

func TestTheOverviewTellsWhoUsedALoginLast(t *testing.T) {
	w := newWorld(t)
	ann := w.browser()
	w.set(func() {
		w.status.Logins = []report.LoginStatus{served("main"), served("same"), served("second")}
		w.failed.Logins = []report.LoginFailures{{Login: "main", SharesWith: []string{"same"}, State: report.LoginServing, Uses: []report.VersionUse{
			{Version: 3, By: []report.IntegrationUse{{Integration: "itglue", LastAt: w.at.Add(-time.Hour - 30*time.Second)}, {Integration: "rmm", LastAt: w.at.Add(-2 * time.Hour)}}},
		}}, {Login: "second", State: report.LoginServing}}
	})
	if text := ann.opened("/console/", "itglue, 1h 0m ago, with version 3", "second serving 7 failures of 7 away version 3 serves nobody yet").text(); strings.Count(text, "itglue, 1h") != 2 {
		t.Errorf("names of one PSA user: %s", text)
	}
}

func TestFailuresAreToldWithNamesAndWhatToDo(t *testing.T) {
	w := newWorld(t)
	ann := w.browser()
	ann.opened("/console/failures", "Nothing failed in the last day.")
	attempt := report.FailedAttempt{
		At: w.now(), Login: "main", Integration: "itglue", Key: "1a2b3c4d", Client: "192.0.2.7", Entity: "Tickets", Action: "query", Version: 3,
		Zone: "https://webservices5.autotask.net/ATServicesRest/", Verdict: "refused", Said: "401 with a Basic challenge", Unit: "failed",
	}
	w.says("a login that is none", ann.open("/console/login?name=main"), http.StatusNotFound, "There is no login of that name.")
	w.set(func() {
		w.status.Logins = []report.LoginStatus{served("main")}
		w.failed = report.Failures{
			Logins: []report.LoginFailures{
				{Login: "main", State: report.LoginRefused, Newest: &report.CredentialStatus{Version: 3, State: "refused"}, Lockout: report.LockoutStatus{Threshold: 7}, FailedSinceSuccess: 1, Attempts: []report.FailedAttempt{attempt, attempt}},
				{Login: "second", State: report.LoginServing},
			},
			Callers: []report.CallerFailure{{Reason: "expired", Integration: "rmm", Client: "192.0.2.9", Count: 4, LastAt: w.at}},
		}
		for range 30 {
			w.failed.Logins[0].Attempts = append(w.failed.Logins[0].Attempts, attempt)
		}
	})
	a := ann.opened("/console/failures?since=1h", "32 sign-ins of 1 login failed in the last hour, or may have.", "main : REFUSED, waiting for a new password",
		"Correct version 3, which the PSA has not taken once", "itglue: 32 refused", "1a2b3c4d", "query Tickets 3 refused failed webservices5.autotask.net: 401 with a Basic challenge",
		"12 more were before these", "No attempt failed of second.", "Set a later `expires` for rmm", "4 expired rmm")
	if n := strings.Count(a.body, `data-head="verdict"`); n != report.MaxRows {
		t.Errorf("%d attempts are shown", n)
	}
	ann.opened("/console/login?name=main", "What failed in the last day", "itglue: 32 refused")
	w.set(func() { w.broken = errors.New("it is away") })
	w.says("while they cannot be read", ann.open("/console/failures"), http.StatusServiceUnavailable, "Not known for now")
}

func TestNothingThatOthersWroteIsMoreThanText(t *testing.T) {
	w := newWorld(t)
	w.set(func() {
		l := served(evil)
		l.State, l.Problems, l.Zone, l.LastRefusal = report.LoginRefused, []string{evil}, evil, &report.RefusalStatus{At: w.at, Version: 3, Integration: evil, Reason: evil}
		w.status = report.Status{
			Logins: []report.LoginStatus{l}, Problems: []string{evil}, Disabled: []report.SwitchedOff{{Integration: evil, Reason: evil}},
			Pools:   []report.PoolStatus{{Name: evil, Problems: []string{evil}}},
			Stores:  []report.StoreStatus{{Name: evil, Kind: evil, Session: &report.SessionStatus{Error: evil}, Records: []report.RecordStatus{{Path: evil, Error: evil}}}},
			Policy:  report.PolicyStatus{Problem: evil},
			Issuers: []report.IssuerStatus{{Name: evil, URL: evil, State: report.IssuerDown, Problem: evil}},
		}
		w.failed = report.Failures{
			Logins:  []report.LoginFailures{{Login: evil, State: report.LoginRefused, Attempts: []report.FailedAttempt{{At: w.at, Integration: evil, Key: evil, Client: evil, Entity: evil, Zone: evil, Said: evil, Verdict: "refused"}}}},
			Callers: []report.CallerFailure{{Reason: evil, Integration: evil, Client: evil, Key: evil, LastAt: w.at}},
			People:  []report.PersonFailure{{At: w.at, User: report.UserLogin, Login: evil, Person: evil, Client: evil, Sign: evil}},
		}
	})
	w.set(func() {
		w.integrations = []Integration{{Name: evil, Owner: evil, Login: evil, Proves: []string{evil}, Limits: []string{evil}, Disabled: true, Reason: evil}}
		w.factors = []report.TOTPPerson{{Issuer: evil, Subject: evil}}
	})
	w.ledger.Answered(report.Call{Integration: evil, Entity: evil, Action: evil, Decision: report.Deny, Said: evil})
	w.liar.Lie(issuertest.Lies{User: map[string]any{"sub": "eve", "name": evil}})
	ann := w.browser()
	for _, page := range []string{"/console/", "/console/failures", "/console/integrations", "/console/decisions", "/console/people", "/console/settings", loginOfEvil} {
		a := ann.opened(page, `<script>alert("x")</script>`)
		if strings.Contains(a.body, "<script>") || strings.Contains(a.body, "<img") {
			t.Errorf("%s: %s", page, a.body)
		}
	}
}

var loginOfEvil = "/console/" + loginAt(evil)

func TestPagesAreGuardedAndNotKept(t *testing.T) {
	w := newWorld(t)
	ann := w.browser()
	w.set(func() { w.status.Logins = []report.LoginStatus{served("x")} })
	for _, page := range []string{"/console/", "/console/failures", "/console/login?name=x", "/console/integrations", "/console/decisions", "/console/people", "/console/settings"} {
		h := ann.opened(page).Header
		if h.Get("Cache-Control") != "no-store" || h.Get("X-Frame-Options") != "DENY" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", page, h)
		}
		for _, rule := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(h.Get("Content-Security-Policy"), rule) {
				t.Errorf("%s: no %s in %s", page, rule, h.Get("Content-Security-Policy"))
			}
		}
		if strings.Contains(h.Get("Content-Security-Policy"), "unsafe") {
			t.Error("the policy permits what stands in the page")
		}
	}
	css := ann.opened("/console/" + style.address())
	if kind := css.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/css") || !strings.Contains(css.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("%s %s", kind, css.Header.Get("Cache-Control"))
	}
	for _, of := range []string{fileStyle, fileStyle + "?0123456789abcdef"} { // of another version, whose page a replica has made
		if kept := ann.opened("/console/" + of).Header.Get("Cache-Control"); kept != "no-store" {
			t.Errorf("%s: %s", of, kept)
		}
	}
}

func TestWhatIsNoPageOfTheConsoleIsNone(t *testing.T) {
	w := newWorld(t)
	ann := w.browser()
	if a := ann.opened("/console"); a.Request.URL.Path != "/console/" {
		t.Errorf("without a slash at its end one comes to %s", a.Request.URL)
	}
	w.says("a page that is none", ann.open("/console/nothing"), http.StatusNotFound, "There is nothing here.")
	w.says("one below a page", ann.open("/console/failures/x"), http.StatusNotFound)
	a := ann.do(http.MethodPost, "/console/failures", nil)
	if w.says("a post", a, http.StatusMethodNotAllowed); a.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("it allows %s", a.Header.Get("Allow"))
	}
	if a := ann.do(http.MethodHead, "/console/", nil); a.StatusCode != http.StatusOK || a.body != "" {
		t.Errorf("HEAD: %d %q", a.StatusCode, a.body)
	}
}

func TestWithoutASignInBeforeItNobodyComesToTheConsole(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		rw := httptest.NewRecorder()
		w.console.ServeHTTP(rw, httptest.NewRequest(http.MethodGet, "/", nil))
		if rw.Code != http.StatusServiceUnavailable || strings.Contains(rw.Body.String(), "lock") {
			t.Errorf("%d %s", rw.Code, rw.Body)
		}
	}
	if n := strings.Count(w.logged(), "no psa_signin stands before it"); n != 1 {
		t.Errorf("it is logged %d times: %s", n, w.logged())
	}
}

func TestHoweverManyPagesAreOpenTheEngineIsAskedOnceInAMoment(t *testing.T) {
	w := newWorld(t)
	ann := w.browser()
	for range 5 {
		ann.opened("/console/")
	}
	if w.asked != 1 {
		t.Errorf("it was asked %d times", w.asked)
	}
	w.set(func() {})
	if ann.opened("/console/"); w.asked != 2 {
		t.Errorf("later it was asked %d times", w.asked)
	}
	for range 5 {
		ann.opened("/console/people")
	}
	if w.listed != 1 {
		t.Errorf("sessions were read %d times", w.listed)
	}
}
