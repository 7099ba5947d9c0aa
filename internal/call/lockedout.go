package call

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/report"
)

// LockoutNotice is a mail of the PSA's that says that users are locked, and that is believed.
type LockoutNotice struct {
	// Mailbox is the name of the mailbox that it came to.
	Mailbox string
	// Users are the user names in it; those that are no login's are left out.
	Users []string
	// At is when it was written.
	At time.Time
	// Addresses are those in its text. Ours says that one of them is ours, which means something where AddressesKnown says so.
	Addresses            []netip.Addr
	Ours, AddressesKnown bool
}

// noticeFor is how long after it was written a notice is acted on: who finds an older one in a mailbox that was not read for so long
// finds out with the next sign-in how things stand, at the cost of a unit.
const noticeFor = 24 * time.Hour

// What a notice came to, as the event's data say.
const (
	noticeLocked = "locked"     // the login is login-locked now
	noticeKnown  = "was-locked" // it was before
	noticeStale  = "stale"      // nothing was done: it tells of what is over
)

// Lockout takes in what a lockout notice says: the logins that it names are login-locked from now on, as after an answer of the PSA's
// that says so, until they are released. Whoever is told more than once, or of an old notice, changes nothing: one that was written
// before the last release of the login, or before the PSA last took a sign-in of it, tells of what is over.
//
// The error says that the store cannot be used: then the notice must be told again.
func (g *Gateway) Lockout(ctx context.Context, n LockoutNotice) error {
	var done []guard.Key
	for _, of := range g.lanes {
		for _, s := range of.everyone() {
			key := s.guard.Key()
			if slices.Contains(done, key) || !n.names(userOf(key)) {
				continue
			}
			if err := g.lockedOut(ctx, s, n); err != nil {
				return fmt.Errorf("the lockout notice about login %s: %w", s.name(), err)
			}
			done = append(done, key)
		}
	}
	if len(done) == 0 {
		g.log.Warn("a lockout notice names no user of a login", "mailbox", n.Mailbox)
	}
	return nil
}

// lockedOut takes in what a notice says of one PSA user.
func (g *Gateway) lockedOut(ctx context.Context, s *seat, n LockoutNotice) error {
	zero, err := g.shared.accounts.zeroAt(ctx, s.guard.Key())
	if err != nil {
		return err
	}
	now := time.Now()
	h := Happening{Event: LockoutNoticed, Mailbox: n.Mailbox, Notice: n.whose(), Done: noticeStale}
	if !n.At.After(zero) || now.Sub(n.At) > noticeFor {
		s.tell(h)
		g.log.Warn("a lockout notice tells of what is over, and changes nothing", "login", s.name(), "mailbox", n.Mailbox, "written", n.At)
		return nil
	}
	st, err := s.guard.Status()
	if err != nil {
		return err
	}
	if !st.Locked { // before the others hear of it, who look for what it came of
		g.shared.accounts.fail(s.guard.Key(), report.FailedAttempt{
			Login: s.name(), Integration: report.ByLockoutMail, Action: "sign-in", Verdict: guard.Locked.String(), Said: n.words(),
		})
	}
	was, err := s.guard.Notified(report.ByLockoutMail)
	if err != nil {
		return err
	}
	if h.Done = noticeLocked; was {
		h.Done = noticeKnown
	}
	s.tell(h)
	g.log.Warn("a mail of the PSA's says that a login is locked", "login", s.name(), "mailbox", n.Mailbox, "done", h.Done, "says", n.words())
	return nil
}

// UserNames are the user names of all logins as far as they are known by now: those that a lockout notice may name.
func (g *Gateway) UserNames() (names []string) {
	for _, n := range g.lanes {
		for _, s := range n.everyone() {
			if user := userOf(s.guard.Key()); !slices.Contains(names, user) {
				names = append(names, user)
			}
		}
	}
	return names
}

// everyone are the PSA users of a lane: those of its calls, and the one that its record names since.
func (n *lane) everyone() []*seat {
	all := n.seats()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.next != nil {
		all = append(all, n.next)
	}
	return all
}

func (n LockoutNotice) names(user string) bool {
	return slices.ContainsFunc(n.Users, func(name string) bool { return autotask.CanonicalUser(name) == user })
}

// whose says whose the address in a notice is, in a word.
func (n LockoutNotice) whose() string {
	switch {
	case !n.AddressesKnown:
		return "unknown"
	case n.Ours:
		return "ours"
	}
	return "others"
}

// words says it for people.
func (n LockoutNotice) words() string {
	var list []string
	for _, a := range n.Addresses[:min(len(n.Addresses), 5)] {
		list = append(list, a.String())
	}
	from := "it names no address"
	switch whose := n.whose(); {
	case len(list) == 0:
	case whose == "ours":
		from = "the wrong sign-ins came from " + strings.Join(list, ", ") + ", which is ours: this gateway, or who shares its way to the internet"
	case whose == "others":
		from = "the wrong sign-ins came from " + strings.Join(list, ", ") + ", which is not ours: another program signs in as this user"
	default:
		from = "the wrong sign-ins came from " + strings.Join(list, ", ") + "; whether that is ours is not known"
	}
	return "a mail of " + n.At.UTC().Format("2006-01-02 15:04 MST") + " says that the user is locked; " + from
}
