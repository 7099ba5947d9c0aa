package call

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/inject"
	"github.com/psagate/psagate/internal/secret"
)

// seat is one PSA user that a lane's record names, or named; or one whose credentials its callers bring.
type seat struct {
	lane   *lane
	guard  *guard.Login
	detach func()
	user   string // canonical, of one whose credentials callers bring; empty for the record's
	// What follows is guarded by the lane's mutex.
	newest   guard.Fingerprint
	recalled guard.Fingerprint // what was looked for last among earlier versions

	pinned *guestCard // guarded by the guests' mutex
	untold untold
}

// apply takes over a reading of the record. A reading that cannot be used changes nothing: what served serves on.
func (n *lane) apply(rec secret.Record) {
	n.takeOver(rec)
	n.recovered("")
}

func (n *lane) takeOver(rec secret.Record) {
	n.mu.Lock()
	defer n.mu.Unlock()
	over := n.closed && n.calls == 0
	if over || rec.ReadAt.Before(n.read) {
		return
	}
	before := n.problem
	problem := n.use(rec)
	if isStoreless(problem) { // which says nothing of the record
		n.again()
		return
	}
	n.read, n.problem = rec.ReadAt, problem
	if n.problem != nil && n.seat == nil {
		n.resume()
	}
	if n.problem != nil && (before == nil || before.Error() != n.problem.Error()) {
		n.log.Error("the login's record cannot be used", "store", n.Store, "error", n.problem)
		n.shared.troubles.note(n.Name, SecretUnusable)
		n.tell(Happening{Event: SecretUnusable, Version: strconv.FormatUint(rec.Version, 10), Store: n.Store})
	}
}

// resume goes on with what the config before had of the record, where the reading of this one cannot be used: a reload
// must not end what served on without it.
func (n *lane) resume() {
	last := n.shared.applied.last(n.record())
	c := n.shared.wallet.get(last.key, last.fp)
	if c == nil {
		return
	}
	if key, err := n.keyOf(c.credential); err == nil && key == last.key {
		n.seatFor(key).newest = last.fp
	}
}

// keyOf says which PSA user a credential is one of.
func (n *lane) keyOf(cred secret.Credential) (guard.Key, error) {
	host := n.discover
	pin, err := n.pin(cred)
	if err != nil {
		return "", err
	}
	if !pin.IsZero() {
		host = pin
	}
	return guard.Key("autotask|" + host.HostKey() + "|" + autotask.CanonicalUser(cred.UserName)), nil
}

func (n *lane) use(rec secret.Record) error {
	cred, err := secret.CredentialFrom(rec)
	if err != nil {
		return err
	}
	key, err := n.keyOf(cred)
	if err != nil {
		return err
	}
	fp := n.shared.fingerprint(cred)
	is, err := n.shared.applied.news(n.record(), content{key: key, fp: fp, version: rec.Version, created: rec.Created})
	if err != nil {
		return err
	}
	before := n.shared.wallet.get(key, fp)
	c := n.shared.wallet.put(key, fp, cred, rec.ReadAt)
	s := n.seatFor(key)
	s.newest = fp
	if err = s.guard.Rename(n.shared.formerFingerprint(cred), fp); err == nil {
		err = s.hear(is, c, rec.Created)
	}
	if err == nil && before != nil && before.credential.Zone != cred.Zone {
		err = s.guard.Due() // it may have been refused for its zone alone
	}
	if err != nil {
		return err
	}
	return n.settleIn(s, fp)
}

// hear tells the guard what a reading of the store has of a credential.
func (s *seat) hear(is news, c *card, made time.Time) error {
	switch is {
	case newContent:
		return s.guard.NewestMade(c.fingerprint, c.version(), made)
	case newLabel:
		st, err := s.guard.Status()
		switch {
		case err != nil:
			return err
		case st.Newest != c.fingerprint && s.lane.shared.wallet.get(s.guard.Key(), st.Newest) == nil:
			// What another replica read between the two is not the store's any more.
			return s.guard.NewestMade(c.fingerprint, c.version(), made)
		}
		return s.guard.Relabel(c.fingerprint, c.version(), made)
	default:
		return nil
	}
}

// again takes the reading over again after a while, for the guard's store could not be used. Called with the mutex held.
func (n *lane) again() {
	n.shared.applied.forget(n.record())
	time.AfterFunc(againAfter, func() {
		if rec, err := n.store.Get(n.Path); err == nil {
			n.apply(rec)
		}
	})
}

// againAfter is how long it is until a reading is taken over again.
const againAfter = 5 * time.Second

// settleIn forgets what is not needed any more of a seat's credentials, and moves to it where it serves already.
func (n *lane) settleIn(s *seat, fp guard.Fingerprint) error {
	st, err := s.guard.Status()
	if err != nil {
		return err
	}
	n.recall(s, st)
	n.shared.wallet.drop(s.guard.Key(), fp, st.Serving, st.Last)
	switch {
	case s != n.next:
	case st.Serving == fp && s.guard.Shared():
		n.move()
	default:
		if err := s.guard.Doubt(); err != nil {
			return err
		}
		s.guard.Want()
	}
	return nil
}

// pin is the zone that the config or the record names; zero where it is to be discovered.
func (n *lane) pin(cred secret.Credential) (autotask.Base, error) {
	if !n.pinned.IsZero() || cred.Zone == "" {
		return n.pinned, nil
	}
	base, err := autotask.ParseBase(cred.Zone, n.rule)
	if err != nil {
		return base, fmt.Errorf("record %q, version %d: field \"zone\": %w", n.Path, cred.Version, err)
	}
	return base, nil
}

// seatFor returns the seat of a PSA user: the one that calls go through, or the one that is to be tried beside it.
func (n *lane) seatFor(key guard.Key) *seat {
	if n.seat != nil && n.seat.guard.Key() == key {
		if n.next != nil { // the record has come back to it
			n.next.detach()
			n.next = nil
		}
		return n.seat
	}
	if n.next != nil && n.next.guard.Key() == key {
		return n.next
	}
	s := &seat{lane: n, guard: n.shared.guard.Login(key)}
	s.detach = s.guard.Attach(guard.Use{Name: n.Name, Settings: n.Settings, Upstream: s, Integrations: n.integrations, Changed: s.changed})
	if n.seat == nil {
		n.seat = s
		n.shared.speakers.take(n)
		return s
	}
	if n.next != nil {
		n.next.detach()
	}
	n.next = s
	return s
}

// changed follows a record that names another PSA user: calls move over once that one is accepted, and a refusal of the
// one that serves meanwhile makes it worth another try.
func (s *seat) changed(a guard.Attempt, e guard.Effect, last bool) {
	n := s.lane
	if e.Proven {
		n.shared.wallet.accepted(s.guard.Key(), a.Credential)
	}
	if !last { // the lane of a newer config tells
		s.follow(e)
		return
	}
	told := e
	if a.Kind == guard.Candidate { // who put it hears of that
		told.Refused, told.Proven = false, false
	}
	s.tellOf(a, told)
	s.troubled(told)
	if s.user != "" {
		s.outdate(e)
		s.recovered(a.Source())
		return
	}
	s.follow(e)
	n.recovered(a.Source())
}

// follow moves the lane to another PSA user, or has it tried again, by what an attempt changed.
func (s *seat) follow(e guard.Effect) {
	n := s.lane
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.next == nil:
	case e.Proven && s == n.next:
		n.move()
	case e.Fell && s == n.seat:
		if err := n.next.guard.Retry(); err != nil {
			n.log.Error("the login's new user cannot be tried again", "error", err)
		}
	}
}

func (n *lane) move() {
	old := n.seat
	n.seat, n.next = n.next, nil
	n.log.Info("the login goes on under the user name that its record has now")
	old.detach()
	old.guard.Dismiss()
}

// card returns the seat's newest credential, or nil.
func (s *seat) card() *card {
	s.lane.mu.Lock()
	fp := s.newest
	s.lane.mu.Unlock()
	return s.cardOf(fp)
}

// cardOf returns one of the seat's credentials, whoever gave it; or nil.
func (s *seat) cardOf(fp guard.Fingerprint) *card { return s.lane.shared.card(s.guard.Key(), fp) }

// Check implements guard.Upstream: a call of the gateway's own that changes nothing.
func (s *seat) Check(ctx context.Context, a guard.Attempt) guard.Outcome {
	o := s.check(ctx, a)
	if o.Verdict == guard.Accepted || o.Verdict == guard.Neutral {
		s.guard.Forgotten(s.lane.shared.guests.keep(s.guard.Key(), a.Credential)...)
	}
	s.lane.shared.guests.unpin(s)
	s.lane.shared.observer.Attempted(s.lane.Name, o.Verdict)
	return o
}

func (s *seat) check(ctx context.Context, a guard.Attempt) guard.Outcome {
	n := s.lane
	t, err := n.ticket(ctx, s, a)
	if err != nil {
		return guard.Outcome{Verdict: guard.NotSent}
	}
	defer n.shared.underWay.end(s.guard.Key(), a)
	res := n.wire.Send(ctx, inject.Request{Operation: autotask.ThresholdCheck, Base: t.Base, Credential: t.Credential, Term: a.Term, Redactor: t.Redactor})
	if res.Response != nil {
		_ = res.Response.Body.Close()
	}
	o := guard.Outcome{Verdict: res.Verdict}
	if o.Verdict == guard.Refused || o.Verdict == guard.Locked {
		n.store.Refresh(n.Path)
		o.WrongZone = n.moved(ctx, t)
	}
	t.Operation, t.Said = autotask.ThresholdCheck, res.Said
	s.noteOwn(t, o)
	n.log.Debug("own sign-in", "kind", a.Kind, "version", a.Version, "zone", t.Base.Host(), "verdict", o.Verdict)
	return o
}
