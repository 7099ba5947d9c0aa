package call

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
)

// WebZone returns the address of the web pages of the login's tenant. Its errors are those of WebLink.
func (g *Gateway) WebZone(ctx context.Context, login string) (string, error) {
	return g.WebLink(ctx, login, "/", "")
}

// WebRoundTrip carries a person's request to a host of the PSA's web pages, and to no other. No credential is put into it.
func (g *Gateway) WebRoundTrip(login string, r *http.Request) (*http.Response, error) {
	n := g.byName[login]
	if n == nil {
		return nil, report.ErrUnknownLogin
	}
	if to := (&url.URL{Scheme: r.URL.Scheme, Host: r.URL.Host, Path: "/"}).String(); n.rule.WebURL(to) == "" {
		return nil, fmt.Errorf("host %q: not a host of the PSA's web pages", r.URL.Host)
	}
	return n.people.RoundTrip(r)
}

// WebMoved has the login's zone looked up again, once a minute at most: its pages led somebody to another one's.
func (g *Gateway) WebMoved(login string) {
	n := g.byName[login]
	if n == nil || !g.said.again("web moved "+login) || !n.admit() {
		return
	}
	go func() {
		defer n.leave()
		ctx, cancel := context.WithTimeout(context.Background(), webPatience)
		defer cancel()
		if err := n.movedAgain(ctx); err != nil {
			n.log.Warn("the PSA's web pages led somebody to another zone, and whether the tenant has moved could not be found out", "error", err)
		}
	}()
}

// movedAgain asks whether the login's zone is still its tenant's.
func (n *lane) movedAgain(ctx context.Context) error {
	rec, err := n.reading(ctx, time.Now())
	if err != nil {
		return err
	}
	cred, err := secret.CredentialFrom(rec)
	if err != nil {
		return err
	}
	key, err := n.zoneKey(cred)
	if err != nil || key.Pinned != "" {
		return err
	}
	z, err := n.zones.Get(ctx, key)
	if err != nil {
		return err
	}
	_, err = n.webAgain(ctx, key, z)
	return err
}

// webPatience is how long the login's record and zone are waited for, where nobody waits for the answer.
const webPatience = time.Minute

// WebFailure is a sign-in of a person's on the PSA's web pages that was seen to fail.
type WebFailure struct {
	// Login is the login whose people the pages are for.
	Login string
	// User is the user name that was typed; empty: it could not be read. It goes nowhere but into comparisons.
	User string
	// Person is what the person is called who is signed in to psagate; empty: nobody is.
	Person string
	// Client is the address that it came from.
	Client string
	// Locked: the PSA said that the user is locked.
	Locked bool
	// Sign is by what it was seen.
	Sign string
}

// WebFailed notes that a person's sign-in failed. Where it was as a PSA user of the config's, the PSA counted it together with ours,
// and the guard is told. It returns whose user name it was, in a word of report's, and that login's name.
func (g *Gateway) WebFailed(f WebFailure) (user, login string) {
	told := report.PersonFailure{At: time.Now(), Web: f.Login, User: report.UserUnknown, Person: bounded64(f.Person), Client: bounded64(f.Client), Locked: f.Locked, Sign: bounded64(f.Sign)}
	if f.User != "" {
		told.User = report.UserAnother
		if s := g.seatOf(f.Login, f.User); s != nil {
			told.User, told.Login = report.UserLogin, s.name()
			s.failedElsewhere(told)
		}
	}
	g.shared.people.add(told)
	return told.User, told.Login
}

// seatOf is the PSA user of a name among those of the config's that are in the same PSA as a login; nil where there is none.
func (g *Gateway) seatOf(login, user string) *seat {
	n := g.byName[login]
	if n == nil {
		return nil
	}
	rec, err := n.store.Get(n.Path)
	if err != nil {
		return nil // and no call goes through the login
	}
	cred, err := secret.CredentialFrom(rec)
	if err != nil {
		return nil
	}
	cred.UserName = user
	key, err := n.keyOf(cred)
	if err != nil {
		return nil
	}
	for _, other := range g.lanes {
		other.mu.Lock()
		next := other.next
		other.mu.Unlock()
		for _, s := range append(other.seats(), next) {
			if s != nil && s.guard.Key() == key {
				return s
			}
		}
	}
	return nil
}

// failedElsewhere tells the guard of a failure that the PSA counted without a call of ours, and remembers it with them. A store that
// cannot be used is waited for: until it can be, nothing is sent either.
func (s *seat) failedElsewhere(f report.PersonFailure) {
	verdict := guard.Refused
	if f.Locked {
		verdict = guard.Locked
	}
	s.lane.shared.accounts.fail(s.guard.Key(), report.FailedAttempt{
		Login: s.name(), Integration: report.ByWebUI, Client: f.Client, Action: "sign-in", Person: f.Person, Verdict: verdict.String(), Said: f.Sign,
	})
	if s.guard.Foreign(report.ByWebUI, f.Locked) == nil || !s.untold.add(f.Locked) || !s.lane.admit() {
		return
	}
	go func() {
		defer s.lane.leave()
		s.tellUntold()
	}()
}

// untold are failures that the guard could not be told of. However many come, one goroutine tells it.
type untold struct {
	mu     sync.Mutex
	n      int
	locked bool // the PSA said so with one of them
}

// mostUntold is more than lock any user: guard's settings allow no threshold above.
const mostUntold = 1000

// add adds one, and says whether it is the first.
func (u *untold) add(locked bool) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.n, u.locked = min(u.n+1, mostUntold), u.locked || locked
	return u.n == 1
}

// told takes one away that was told as locked or not, and says whether there are more.
func (u *untold) told(locked bool) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.n--
	if locked {
		u.locked = false // a release that comes now is of what is known
	} else if u.locked && u.n == 0 {
		u.n = 1 // of the lock it was not told
	}
	return u.n > 0
}

func (u *untold) isLocked() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.locked
}

// tellUntold tells the guard of what it was not told of, until there is no more.
func (s *seat) tellUntold() {
	for pause := time.Second; ; {
		locked := s.untold.isLocked()
		if s.guard.Foreign(report.ByWebUI, locked) == nil {
			if !s.untold.told(locked) {
				return
			}
			pause = time.Second
			continue
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, time.Minute)
		case <-s.lane.shared.draining.Done():
			s.lane.log.Error("that the PSA refused people's sign-ins could not be recorded: it counted more failures than psagate knows", "login", s.name())
			return
		}
	}
}

// peoplesFailures are people's failed sign-ins of this process, the oldest first.
type peoplesFailures struct {
	mu  sync.Mutex
	all []report.PersonFailure
}

// mostPeople is how many are kept.
const mostPeople = 256

func (p *peoplesFailures) add(f report.PersonFailure) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.all) >= mostPeople {
		p.all = slices.Delete(p.all, 0, 1)
	}
	p.all = append(p.all, f)
}

// since returns those after a moment that are of a login's pages or of its user; empty: of all.
func (p *peoplesFailures) since(at time.Time, login string) (all []report.PersonFailure) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.all {
		if !f.At.Before(at) && (login == "" || login == f.Web || login == f.Login) {
			all = append(all, f)
		}
	}
	return all
}
