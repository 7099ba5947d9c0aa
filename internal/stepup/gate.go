package stepup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/session"
	"github.com/psagate/psagate/internal/signin"
	"github.com/psagate/psagate/internal/totp"
)

const (
	// DefaultMaxAge is for how long a second factor counts that was proven, MinMaxAge the least that it may be set to: whoever has
	// typed a code must come through with it.
	DefaultMaxAge, MinMaxAge = 15 * time.Minute, time.Minute
	// manageWithin is how fresh a second factor must be to change what a person has: new recovery codes, another app.
	manageWithin = 5 * time.Minute
	// enrolWithin is how fresh a sign-in must be to enrol the first app: whoever has found a session alone cannot.
	enrolWithin = 15 * time.Minute
	// maxAhead is how far replicas' clocks may differ. What was proven later than that has not happened yet, by ours.
	maxAhead = time.Minute
)

// Config is what a gate is made of.
type Config struct {
	// Engine knows what people have enrolled.
	Engine *totp.Engine
	// MaxAge is for how long a second factor counts that was proven. Default: DefaultMaxAge.
	MaxAge time.Duration
	// Invited says that a first app is for whom an administrator has invited. Default: for whoever is signed in.
	Invited bool
	// App is what apps show beside the account. Default: the engine's name.
	App string
	// Tell hears what happens, for the audit log; nil: nobody does.
	Tell func(*http.Request, Event)
	// Log hears of trouble; nil: nobody does.
	Log *slog.Logger
}

// Gate lets people through who have proven a second factor lately. Any number of callers may use it.
type Gate struct {
	cfg Config

	mu   sync.Mutex
	told time.Time // when it was last said that nobody comes through
}

// sayUnsigned logs that nobody comes through, once a minute: anybody can cause it.
func (g *Gate) sayUnsigned() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := time.Now(); g.told.IsZero() || now.Sub(g.told) >= time.Minute {
		g.told = now
		g.cfg.Log.Error("nobody comes through psa_stepup: no psa_signin stands before it on this path, so it is not known who comes")
	}
}

// New returns a gate.
func New(cfg Config) (*Gate, error) {
	if cfg.MaxAge == 0 {
		cfg.MaxAge = DefaultMaxAge
	}
	if cfg.Tell == nil {
		cfg.Tell = func(*http.Request, Event) {}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Engine == nil {
		return nil, errors.New("a step-up needs an engine that knows people's apps")
	}
	return &Gate{cfg: cfg}, CheckMaxAge(cfg.MaxAge)
}

// CheckMaxAge says what is wrong with a max age.
func CheckMaxAge(d time.Duration) error {
	if d < MinMaxAge {
		return fmt.Errorf("a second factor that counts for %s is asked for again before its page is left: it is %s or more", d, MinMaxAge)
	}
	return nil
}

// Require lets through to next whoever has proven a second factor lately, and answers all others, and for the pages. It stands
// behind the gate of internal/signin.
func (g *Gate) Require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.Admit(w, r) {
			next.ServeHTTP(w, r)
		}
	})
}

// Admit reports whether a request may go on; where not, it was answered.
func (g *Gate) Admit(w http.ResponseWriter, r *http.Request) bool {
	v, ok := signin.VisitOf(r.Context())
	switch {
	case !ok:
		g.sayUnsigned()
		http.Error(w, "This path asks for a second factor of people who are signed in, and nobody can sign in here. Whoever runs this site finds more in its log.", http.StatusServiceUnavailable)
		return false
	case slices.Contains(signin.Behind(), v.URL().Path):
		g.serve(w, r, v)
		return false
	case fresh(v, g.cfg.MaxAge):
		return true
	}
	g.ask(w, r, v)
	return false
}

// fresh reports whether a second factor was proven lately in this session.
func fresh(v *signin.Visit, within time.Duration) bool { return lately(v, v.Session.SteppedUp, within) }

func lately(v *signin.Visit, at time.Time, within time.Duration) bool {
	age := v.Now().Sub(at)
	return !at.IsZero() && age < within && age > -maxAhead
}

// ask sends a person to the page of codes. A program, or a page's own script, hears that in JSON: a redirect would be of no use to it.
func (g *Gate) ask(w http.ResponseWriter, r *http.Request, v *signin.Visit) {
	back := v.Return(v.URL().RequestURI())
	switch {
	case signin.Navigates(r):
		v.Leave(w, stepUpAt(back))
	case r.Header.Get("Sec-Fetch-Mode") == "navigate": // a form: what it sent is not kept
		w.Header().Set(autotask.HeaderReason, string(autotask.StepUp))
		g.show(w, v, http.StatusForbidden, "A code is needed", page{Text: []string{
			"Nothing was done with what you sent: before that a code of your authenticator app is needed. Go back after it, and send it again.",
		}, Links: []link{{"Enter a code", stepUpAt("/"), true}}})
	default:
		h := w.Header()
		h.Set(autotask.HeaderReason, string(autotask.StepUp))
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_ = json.NewEncoder(w).Encode(map[string]any{"errors": []string{"a second factor is needed: have the person open " + signin.PageStepUp}, "stepup": signin.PageStepUp})
	}
}

// stepUpAt is the address of the page of codes, from which a person goes on to a path.
func stepUpAt(back string) string {
	return signin.PageStepUp + "?" + url.Values{"return": {back}}.Encode()
}

// enrolAt is the same of the page on which people enrol.
func enrolAt(back string) string {
	return signin.PageTOTP + "?" + url.Values{"return": {back}}.Encode()
}

// returnOf is where a person goes on to after our pages: never to the page of codes again.
func returnOf(v *signin.Visit, text string) string {
	back := v.Return(text)
	if u, err := url.Parse(back); err != nil || u.Path == signin.PageStepUp {
		return "/"
	}
	return back
}

// personOf is whom the second factor belongs to.
func personOf(v *signin.Visit) totp.Person {
	return totp.Person{Issuer: v.Session.Person.IssuerURL, Subject: v.Session.Person.Subject}
}

// steppedUp notes in the session that a second factor was proven.
func (g *Gate) steppedUp(ctx context.Context, w http.ResponseWriter, r *http.Request, v *signin.Visit) bool {
	err := v.StepUp(ctx)
	switch {
	case errors.Is(err, session.ErrNone):
		v.Leave(w, v.URL().RequestURI()) // the session has ended meanwhile: to the sign-in
	case err != nil:
		v.Unavailable(w, r, err)
	}
	return err == nil
}
