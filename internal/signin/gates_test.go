package signin

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/issuer"
	"github.com/psagate/psagate/internal/issuertest"
	"github.com/psagate/psagate/internal/session"
)

// gate is one more gate of the world's site, with limits, groups or providers of its own.
func (w *world) gate(change ...func(*Config)) *Site {
	w.Helper()
	cfg := w.site.cfg
	cfg.Keys = [][]byte{make([]byte, 32)}
	for _, f := range change {
		f(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		w.Fatal(err)
	}
	return s
}

func TestAGateBehindAGateKnowsWhoCameThroughTheFirst(t *testing.T) {
	w := newWorld(t)
	inner := w.gate(func(c *Config) { c.Keys = [][]byte{make([]byte, 32)} })
	strict := w.gate(func(c *Config) { c.Groups = []string{"nobody"} })
	served := http.HandlerFunc(w.serve)
	mux := http.NewServeMux()
	mux.Handle("/", inner.Require(served))
	mux.Handle("/strict/", strict.Require(served))
	w.server.Config.Handler = w.site.Require(mux)
	b := w.browser()
	b.signIn("/x")
	w.at("another group", b.open("/strict/x"), http.StatusForbidden, "Not for this account")
	if got := w.behind[len(w.behind)-1].Header["Cookie"]; len(got) != 0 {
		t.Errorf("it sees %q", got)
	}
}

func TestOtherSessionsEndWhateverTheLimitsOfTheSiteThatEndsThem(t *testing.T) {
	w := newWorld(t)
	b, thief := w.browser(), w.browser()
	thief.signIn("/")
	w.later(time.Hour)
	short, err := session.NewKeeper(w.table, session.Limits{Idle: 5 * time.Minute, Absolute: 30 * time.Minute}, w.site.cfg.Now)
	if err != nil {
		t.Fatal(err)
	}
	strict := w.gate(func(c *Config) { c.Sessions, c.Keys = short, [][]byte{make([]byte, 32)} })
	lax := w.server.Config.Handler
	w.server.Config.Handler = strict.Require(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		v, ok := VisitOf(r.Context())
		if !ok {
			t.Error("no visit")
			return
		}
		if err := v.EndOthers(r); err != nil {
			t.Error(err)
		}
		w.serve(rw, r)
	}))
	b.signIn("/")
	w.server.Config.Handler = lax
	thief.held = true
	if got := thief.open("/x"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("the other session goes on: status %d: %s", got.StatusCode, got.body)
	}
	if got := w.told(EndedElsewhere); len(got) != 1 {
		t.Errorf("%d sessions were told to have ended, want 1", len(got))
	}
}

// through is the world served by another gate from now on.
func (w *world) through(s *Site) { w.server.Config.Handler = s.Require(http.HandlerFunc(w.serve)) }

// proofOf is what the form of a page sends, if it has one.
func proofOf(body string) url.Values {
	form := url.Values{}
	if found := proofField.FindStringSubmatch(body); found != nil {
		form.Set(FormField, found[1])
	}
	return form
}

func TestASignOutEndsASessionThatTheSiteDoesNotTake(t *testing.T) {
	for name, test := range map[string]struct {
		later  time.Duration
		change func(*world, *Config)
		asks   string
	}{
		"another provider's": {0, func(w *world, c *Config) {
			c.Issuers = []*issuer.Issuer{issuerOf(w.T, "other", issuertest.StartLiar(w.T).URL)}
		}, "You are signed in as"},
		"over by its limits": {time.Hour, func(w *world, c *Config) {
			short, err := session.NewKeeper(w.table, session.Limits{Idle: 5 * time.Minute, Absolute: 30 * time.Minute}, c.Now)
			if err != nil {
				w.Fatal(err)
			}
			c.Sessions = short
		}, "Not signed in"},
	} {
		w := newWorld(t)
		b := w.browser()
		b.signIn("/")
		held := b.cookies()["__Host-psagate"]
		w.later(test.later)
		w.through(w.gate(func(c *Config) { test.change(w, c) }))
		asked := b.open("/psagate/logout")
		w.at(name, asked, http.StatusOK, test.asks)
		w.at(name, b.do(http.MethodPost, "/psagate/logout", proofOf(asked.body), "Sec-Fetch-Site: same-origin"), http.StatusOK, "Signed out")
		w.through(w.site)
		thief := w.browser()
		thief.held = true
		if got := thief.open("/x", "Cookie: __Host-psagate="+held); got.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: who has the cookie comes in after the sign-out: status %d: %s", name, got.StatusCode, got.body)
		}
	}
}

func TestAnotherSitesFormEndsNoSessionThatTheSiteDoesNotTake(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.signIn("/")
	w.through(w.gate(func(c *Config) {
		c.Issuers = []*issuer.Issuer{issuerOf(w.T, "other", issuertest.StartLiar(w.T).URL)}
	}))
	b.do(http.MethodPost, "/psagate/logout", url.Values{}, "Sec-Fetch-Site: cross-site")
	w.at("where it leads", b.open("/psagate/signed-out"), http.StatusOK, "You are still signed in as ann@example.com")
	w.through(w.site)
	b.held = true
	b.signIn("/x")
}

func TestASignInEndsTheOldestOfTooManySessions(t *testing.T) {
	w := newWorld(t)
	few, err := session.NewKeeper(w.table, session.Limits{Most: 2}, w.site.cfg.Now)
	if err != nil {
		t.Fatal(err)
	}
	w.through(w.gate(func(c *Config) { c.Sessions = few }))
	browsers := []*browser{w.browser(), w.browser(), w.browser()}
	for _, b := range browsers {
		w.later(time.Minute)
		b.signIn("/")
	}
	browsers[0].held = true
	if got := browsers[0].open("/x"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("the first one goes on: status %d", got.StatusCode)
	}
	for _, b := range browsers[1:] {
		b.held = true
		if got := b.open("/x"); got.StatusCode != http.StatusOK {
			t.Errorf("one of the last two: status %d", got.StatusCode)
		}
	}
	if told := w.told(EndedForNew); len(told) != 1 || told[0].Person.Subject == "" || told[0].Session == "" {
		t.Errorf("told %+v", told)
	}
}
