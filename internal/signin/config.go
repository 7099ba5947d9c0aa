package signin

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/psagate/psagate/internal/issuer"
	"github.com/psagate/psagate/internal/session"
)

// Config is what a site's sign-in is made of.
type Config struct {
	// Issuers are the providers that people may sign in with, in the order in which they are shown.
	Issuers []*issuer.Issuer
	// Groups are those of which a person must be in one; empty: everybody whom a provider signs in may come in.
	Groups []string
	// Sessions are where sessions are kept.
	Sessions *session.Keeper
	// Keys seal what browsers hold of a sign-in under way: the first one seals, all of them open. Replicas share them. Each has 32
	// bytes or more.
	Keys [][]byte
	// ClientIP is where a request comes from. Default: its connection's address.
	ClientIP func(*http.Request) string
	// HTTPS reports whether a browser came by HTTPS. Default: the connection is TLS.
	HTTPS func(*http.Request) bool
	// URL is what a browser asked for, where a handler before this one may have changed the request. Default: the request's.
	URL func(*http.Request) *url.URL
	// Tell hears what happens, for the audit log; nil: nobody does.
	Tell func(*http.Request, Event)
	// Log hears of trouble; nil: nobody does.
	Log *slog.Logger
	// Now is the time. Default: time.Now.
	Now func() time.Time
}

// Event is something that happened to a person's sign-in. It holds no token and no code.
type Event struct {
	What What
	// Person is whom it is about, as far as that is known.
	Person session.Person
	// Issuer is the provider's name in the config.
	Issuer string
	// Session is the session's id, which is no secret; empty: there is none.
	Session string
	// Why is why somebody was refused, in a word, and Reason says more of it. Reason may hold what a stranger wrote.
	Why    Why
	Reason string
	// Address is where the request came from: of a logout by the provider, the provider's.
	Address string
}

// What happened.
type What string

// What may happen.
const (
	// SignedIn: a session began.
	SignedIn What = "signed-in"
	// Refused: a sign-in ended without a session.
	Refused What = "refused"
	// SignedOut: a person ended the session.
	SignedOut What = "signed-out"
	// Ended: the provider ended a session.
	Ended What = "session-ended"
	// EndedElsewhere: the person ended a session of another browser's.
	EndedElsewhere What = "session-ended-elsewhere"
	// EndedForNew: the person has too many sessions, and this was the oldest.
	EndedForNew What = "session-ended-for-a-new-one"
	// LogoutRefused: what came as a provider's word that somebody is signed out was not taken.
	LogoutRefused What = "logout-refused"
)

// Why is why somebody was refused.
type Why string

// Why somebody may be refused.
const (
	// Lapsed: no sign-in of that browser was under way that the answer belongs to.
	Lapsed Why = "lapsed"
	// TakenBefore: the answer, or the provider's word, came once more.
	TakenBefore Why = "taken-before"
	// Denied: the provider did not sign the person in.
	Denied Why = "denied"
	// IssuerDown: the provider, or what is to be verified with it, cannot be had.
	IssuerDown Why = "issuer-unavailable"
	// WrongAnswer: what the provider answered, or somebody in its name, proves nothing.
	WrongAnswer Why = "wrong-answer"
	// NotInGroup: the person is in none of the groups that may come in.
	NotInGroup Why = "not-in-group"
	// StoreDown: it could not be written down.
	StoreDown Why = "store-unavailable"
)

// whyOf is the word for what a provider's answer was refused for.
func whyOf(err error) Why {
	if errors.Is(err, issuer.ErrDown) {
		return IssuerDown
	}
	return WrongAnswer
}

// Site is the sign-in of one site. Any number of callers may use it.
type Site struct {
	cfg     Config
	byName  map[string]*issuer.Issuer
	sealing sealing
	csrf    []byte
	crossed *http.CrossOriginProtection
	// strangers bounds what the log says of those of whom nothing is proven.
	strangers few
}

// issuerName is what a provider may be called: it is part of a path.
var issuerName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// minKey is the least that a key may have, in bytes.
const minKey = 32

// New returns a site's sign-in. It asks no provider anything.
func New(cfg Config) (*Site, error) {
	var errs []error
	if len(cfg.Issuers) == 0 {
		errs = append(errs, errors.New("nobody can sign in without an issuer: name one"))
	}
	if cfg.Sessions == nil {
		errs = append(errs, errors.New("sign-in needs a place for sessions"))
	}
	if len(cfg.Keys) == 0 {
		errs = append(errs, errors.New("sign-in needs a key"))
	}
	for _, key := range cfg.Keys {
		if len(key) < minKey {
			errs = append(errs, fmt.Errorf("a key of sign-in has %d bytes, and needs %d", len(key), minKey))
		}
	}
	s := &Site{byName: map[string]*issuer.Issuer{}, crossed: http.NewCrossOriginProtection()}
	for _, i := range cfg.Issuers {
		switch {
		case !issuerName.MatchString(i.Name()):
			errs = append(errs, fmt.Errorf("issuer %q: its name is part of its callback's path, so it has letters, digits, dots, dashes and underscores alone", i.Name()))
		case s.byName[i.Name()] != nil:
			errs = append(errs, fmt.Errorf("issuer %s is named twice", i.Name()))
		}
		s.byName[i.Name()] = i
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	s.cfg = withDefaults(cfg)
	s.sealing, s.csrf = newSealing(cfg.Keys), derive(cfg.Keys[0], "forms")
	return s, nil
}

func withDefaults(cfg Config) Config {
	if cfg.ClientIP == nil {
		cfg.ClientIP = func(r *http.Request) string { return hostOf(r.RemoteAddr) }
	}
	if cfg.HTTPS == nil {
		cfg.HTTPS = func(r *http.Request) bool { return r.TLS != nil }
	}
	if cfg.URL == nil {
		cfg.URL = func(r *http.Request) *url.URL { return r.URL }
	}
	if cfg.Tell == nil {
		cfg.Tell = func(*http.Request, Event) {}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg
}

func (s *Site) tell(r *http.Request, e Event) {
	e.Address = s.cfg.ClientIP(r)
	s.cfg.Tell(r, e)
}
