package console

import (
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/report"
)

var (
	formFields = regexp.MustCompile(`<input type="(?:hidden|text|password)"[^>]*name="([^"]*)" value="([^"]*)"`)
	oneForm    = regexp.MustCompile(`(?s)<form method="post" action="([^"]*)">(.*?)</form>`)
)

// submit sends the form of a page, with what is typed into it: names and values.
func (b *browser) submit(page answer, typed ...string) answer {
	b.w.Helper()
	form := oneForm.FindStringSubmatch(page.body)
	if form == nil {
		b.w.Fatalf("no form, status %d: %s", page.StatusCode, page.text())
	}
	fields := url.Values{}
	for _, in := range formFields.FindAllStringSubmatch(form[2], -1) {
		fields.Set(in[1], html.UnescapeString(in[2]))
	}
	for i := 0; i+1 < len(typed); i += 2 {
		fields.Set(typed[i], typed[i+1])
	}
	return b.do(http.MethodPost, "/console/"+form[1], fields, "Origin: "+b.w.server.URL)
}

// operator is somebody whom policies may permit things, and who has just proven a second factor.
func (w *world) operator() *browser {
	w.Helper()
	b := w.browser()
	b.opened("/console/")
	w.proven()
	return b
}

// proven has everybody prove a second factor.
func (w *world) proven() {
	w.Helper()
	sessions, err := w.keeper.List(w.Context())
	for _, s := range sessions {
		err = errors.Join(err, w.keeper.StepUp(w.Context(), s.ID))
	}
	if err != nil {
		w.Fatal(err)
	}
}

// newTeam is a world with things to do something about, and a policy that permits it.
func newTeam(t testing.TB) *world {
	w := newWorld(t)
	w.permits(allow)
	w.set(func() {
		l := served("main")
		l.Seq = 17
		w.status.Logins = []report.LoginStatus{l}
		w.integrations = []Integration{{Name: "itglue"}}
		w.factors = []report.TOTPPerson{{Issuer: "corp", Subject: "bob", Enrolled: true, Since: &w.at}}
		w.deeds.result = report.PutResult{Login: "main", Written: true, Version: 8, Detail: "the PSA accepts it: version 8 is written, and serves"}
	})
	return w
}

func TestWhatPeopleDoIsDoneOnceAndSaidOnAPageThatCanBeLoadedAgain(t *testing.T) {
	w := newTeam(t)
	ann := w.operator()
	for _, c := range []struct {
		name, page string
		typed      []string
		says       string
		did        string
	}{
		{"disable", "act?do=disable&on=itglue", []string{"reason", " it loops "}, "integration itglue is disabled, at all replicas", "[ann disables itglue: it loops]"},
		{"enable", "act?do=enable&on=itglue", nil, "integration itglue is enabled, at all replicas", "[ann enables itglue]"},
		{"check", "act?do=check&on=main", nil, "main does not work record version 3 sign-in DOES NOT WORK: " + `<script>alert("x")</script>`, "[ann at 127.0.0.1 checks main]"},
		{"release", "act?do=release&on=main", nil, "main is released One attempt of psagate's own comes first", "[ann releases main up to 17 and 0]"},
		{"all sessions", "act?do=end_session&on=bob&issuer=corp", nil, "2 sessions of bob ended", "[ann ends all of {corp bob}]"},
		{"factor", "act?do=reset_factor&on=bob&issuer=corp", nil, "has no second factor any more", "[ann resets {corp bob}]"},
		{"credential", "act?do=new_secret&on=main", []string{"secret", "New-Pass-1", "again", "New-Pass-1"}, "version 8 is written, and serves", "[ann puts main over 7: New-Pass-1   false]"},
		{"all of a credential", "act?do=new_secret&on=main", []string{"secret", "p", "again", "p", "username", "api@x", "integration_code", "C", "ahead", "1"}, "is written", "[ann puts main over 7: p api@x C true]"},
	} {
		page := ann.opened("/console/" + c.page)
		if did := w.told(); did != "[]" {
			t.Fatalf("%s: looking at the page did %s", c.name, did)
		}
		a := ann.submit(page, c.typed...)
		w.says(c.name, a, http.StatusOK, c.says)
		if did := w.told(); did != c.did || a.Request.Method != http.MethodGet || !strings.HasPrefix(a.Request.URL.Path, "/console/done") {
			t.Errorf("%s: it did %s and shows %s", c.name, did, a.Request.URL)
		}
		w.says(c.name+" loaded again", ann.open(a.Request.URL.RequestURI()), http.StatusOK, c.says)
		w.says(c.name+" for another person", w.browser().open(a.Request.URL.RequestURI()), http.StatusNotFound)
		if strings.Contains(a.body, "New-Pass-1") || strings.Contains(a.body, "<script>") {
			t.Errorf("%s: %s", c.name, a.body)
		}
		if did := w.told(); did != "[]" {
			t.Errorf("%s: loading it again did %s", c.name, did)
		}
	}
}

func TestASessionIsEndedFromItsPerson(t *testing.T) {
	w := newTeam(t)
	ann := w.operator()
	sessions, _ := w.keeper.List(t.Context())
	link := "act?do=end_session&issuer=corp&on=ann&session=" + sessions[0].ID
	if page := ann.opened("/console/people"); !strings.Contains(html.UnescapeString(page.body), link) {
		t.Errorf("no way to %s: %s", link, page.body)
	}
	w.says("it", ann.submit(ann.opened("/console/"+link, "signed in", "browser Browser/1.0")), http.StatusOK, "1 session of ann ended")
	if did := w.told(); did != "[ann ends {corp ann} "+sessions[0].ID+"]" {
		t.Error(did)
	}
	w.says("another's", ann.open("/console/act?do=end_session&issuer=corp&on=bob&session="+sessions[0].ID), http.StatusNotFound, "There is no such session")
}

func TestACodeIsShownAtOnceAndKeptNowhere(t *testing.T) {
	w := newTeam(t)
	ann := w.operator()
	a := ann.submit(ann.opened("/console/act?do=show_code&on=main", "It is written down"))
	w.says("the code", a, http.StatusOK, "492039", "17 more seconds")
	if a.Request.Method != http.MethodPost || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s %s", a.Request.Method, a.Header.Get("Cache-Control"))
	}
	w.says("the next one", ann.submit(a), http.StatusOK, "492039")
	if did := w.told(); did != "[ann is shown the code of main ann is shown the code of main]" || len(w.console.outcomes.of) != 0 {
		t.Errorf("it did %s", did)
	}
	w.set(func() { w.deeds.fails = errors.New("the audit log cannot say that the code was shown") })
	w.says("where it cannot be written down", ann.submit(a), http.StatusServiceUnavailable, "The audit log cannot say")
	w.permits("")
	if a := ann.submit(a); a.StatusCode != http.StatusForbidden || strings.Contains(a.body, "492039") {
		t.Errorf("who may not any more: %d %s", a.StatusCode, a.text())
	}
}

func TestWhoMayNotIsToldWhyAndWhatWouldPermitIt(t *testing.T) {
	w := newTeam(t)
	ann := w.operator()
	page := ann.opened("/console/act?do=release&on=main")
	w.permits("")
	for name, a := range map[string]answer{"asked": ann.open("/console/act?do=release&on=main"), "sent": ann.submit(page)} {
		w.says(name, a, http.StatusForbidden, "You may not do this: release on main", "No policy permits it.", `permit (principal == Person::"corp/ann", action == Action::"release", resource == Login::"main");`)
		if a.Header.Get("Psagate-Reason") != "policy" {
			t.Errorf("%s: the reason is %q", name, a.Header.Get("Psagate-Reason"))
		}
	}
	w.permits(allow + `@reason("not on Fridays")` + "\n" + `forbid (principal, action == Action::"release", resource);`)
	w.says("forbidden", ann.open("/console/act?do=release&on=main"), http.StatusForbidden, "Forbidden by", "not on Fridays")
	if did := w.told(); did != "[]" {
		t.Errorf("it did %s", did)
	}
}

func TestASecondFactorIsAskedForBeforeAnythingIsTyped(t *testing.T) {
	w := newTeam(t)
	ann := w.browser()
	ann.opened("/console/")
	ann.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	a := ann.open("/console/act?do=disable&on=itglue")
	const back = "/psagate/stepup?return=%2Fconsole%2Fact%3Fdo%3Ddisable%26on%3Ditglue"
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != back {
		t.Errorf("%d to %s", a.StatusCode, a.Header.Get("Location"))
	}
	w.proven()
	page := ann.opened("/console/act?do=disable&on=itglue")
	w.set(func() { w.at = w.at.Add(16 * time.Minute) })
	a = ann.submit(page, "reason", "x")
	w.says("a factor that has grown old", a, http.StatusForbidden, "Nothing was done with what you sent")
	if !strings.Contains(a.body, back) || a.Header.Get("Psagate-Reason") != "step-up" || w.told() != "[]" {
		t.Errorf("%s", a.body)
	}
}

func TestOtherSitesFormsDoNothing(t *testing.T) {
	w := newTeam(t)
	ann := w.operator()
	form := url.Values{"do": {"release"}, "on": {"main"}, "seq": {"17"}}
	w.says("without a proof", ann.do(http.MethodPost, "/console/act", form), http.StatusForbidden, "Nothing was done")
	page := ann.opened("/console/act?do=release&on=main")
	for _, in := range formFields.FindAllStringSubmatch(page.body, -1) {
		form.Set(in[1], in[2])
	}
	w.says("from another site", ann.do(http.MethodPost, "/console/act", form, "Origin: https://evil.example", "Sec-Fetch-Site: cross-site"), http.StatusForbidden)
	bob := w.operator()
	w.says("with another's proof", bob.do(http.MethodPost, "/console/act", form), http.StatusForbidden)
	w.says("by GET", ann.open("/console/act?"+form.Encode()), http.StatusOK, "Look in the PSA first")
	if did := w.told(); did != "[]" {
		t.Errorf("it did %s", did)
	}
	form.Set("reason", strings.Repeat("x", maxForm))
	w.says("too much", ann.do(http.MethodPost, "/console/act", form), http.StatusForbidden)
}

func TestWhatWasTypedWrongIsSaidAndNotKept(t *testing.T) {
	w := newTeam(t)
	ann := w.operator()
	page := ann.opened("/console/act?do=new_secret&on=main", "record autotask/main of store vault, version 7, which serves", "shown to the PSA once")
	for name, c := range map[string]struct {
		typed []string
		says  string
	}{
		"two that differ": {[]string{"secret", "Pass-Word-1", "again", "Pass-Word-2"}, "The two passwords differ"},
		"none":            {nil, "No password was typed"},
		"a bad one":       {[]string{"secret", "with space", "again", "with space"}, "holds a space"},
		"no version":      {[]string{"version", "x", "secret", "a", "again", "a"}, "look at it again"},
	} {
		a := ann.submit(page, c.typed...)
		w.says(name, a, http.StatusUnprocessableEntity, "Error: New credential of main", c.says)
		if strings.Contains(a.body, "Pass-Word") || strings.Contains(a.body, "with space") {
			t.Errorf("%s: the page has the password", name)
		}
	}
	w.set(func() { w.deeds.fails = report.ErrChangedSince })
	w.says("changed since", ann.submit(page, "secret", "a", "again", "a"), http.StatusUnprocessableEntity, "The record was changed since it was shown")
	w.set(func() { w.deeds.fails = report.ErrNotShown })
	w.says("a release of what was not shown", ann.submit(ann.opened("/console/act?do=release&on=main")), http.StatusUnprocessableEntity, "Something has happened since")
	w.set(func() { w.deeds.fails = report.ErrPutting })
	w.says("another puts", ann.submit(page, "secret", "a", "again", "a"), http.StatusConflict, "Not done")
	w.says("a bad reason", ann.submit(ann.opened("/console/act?do=disable&on=itglue"), "reason", "unfit"), http.StatusUnprocessableEntity, "A reason is one line.")
	w.set(func() { w.deeds.unlogged = errors.New("the disk is full") })
	w.told()
	w.says("what cannot be written down", ann.submit(ann.opened("/console/act?do=enable&on=itglue")), http.StatusServiceUnavailable, "it is not done")
	if did := w.told(); did != "[]" {
		t.Errorf("it did %s", did)
	}
	if strings.Contains(w.logged(), "Pass-Word") {
		t.Error("the log has a password")
	}
}

func TestWhatThereIsNotCannotBeDone(t *testing.T) {
	w := newTeam(t)
	ann := w.operator()
	for _, c := range []struct {
		query string
		says  string
	}{
		{"", "nothing of that kind"},
		{"do=explode&on=main", "nothing of that kind"},
		{"do=read&on=main", "nothing of that kind"},
		{"do=check", "nothing of that kind"},
		{"do=check&on=other", "no such login"},
		{"do=disable&on=other", "no such integration"},
	} {
		a := ann.open("/console/act?" + c.query)
		if w.says(c.query, a, http.StatusNotFound); !strings.Contains(strings.ToLower(a.text()), c.says) {
			t.Logf("%s: %s", c.query, a.text())
		}
	}
	w.set(func() { w.status.Logins[0].State = report.LoginNoStore })
	if a := ann.opened("/console/act?do=release&on=main", "the store of the guard cannot be read"); strings.Contains(a.body, "<form") {
		t.Error("a login of which nothing is known can be released")
	}
}

// Whoever is signed in may ask for what is not permitted, and each refusal has a line in the audit log, with what it was to be done on.
func TestALongNameIsNobodysAndIsWrittenDownNowhere(t *testing.T) {
	w := newTeam(t)
	w.permits("")
	ann := w.operator()
	long := strings.Repeat("x", 15<<10)
	w.says("a page", ann.open("/console/act?do=disable&on="+long[:4000]), http.StatusNotFound)
	w.permits(allow)
	page := ann.opened("/console/act?do=disable&on=itglue")
	w.permits("")
	w.says("a name", ann.submit(page, "on", long), http.StatusBadRequest)
	w.says("an issuer", ann.submit(page, "do", "end_session", "issuer", long), http.StatusBadRequest)
	w.says("a session", ann.submit(page, "do", "end_session", "issuer", "corp", "session", long), http.StatusBadRequest)
}

func TestOutcomesAreBoundedAndForgotten(t *testing.T) {
	at := time.Now()
	o := newOutcomes(func() time.Time { return at })
	first := o.put("S", outcome{Title: "first"})
	if got, ok := o.get("S", first); !ok || got.Title != "first" {
		t.Error("it is not there")
	}
	if _, ok := o.get("T", first); ok {
		t.Error("another session has it")
	}
	for n := range 2 * maxOutcomes {
		at = at.Add(time.Millisecond)
		o.put("S", outcome{Title: fmt.Sprint(n)})
	}
	if _, ok := o.get("S", first); ok || len(o.of) > maxOutcomes {
		t.Errorf("%d are kept", len(o.of))
	}
	at = at.Add(outcomeLasts)
	if o.put("S", outcome{}); len(o.of) != 1 {
		t.Errorf("%d are kept that are old", len(o.of))
	}
}
