package signin

import (
	"net/http"
	"testing"
	"time"

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
