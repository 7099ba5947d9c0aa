package call

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/zone"
)

// Status reports how every login and every store stands.
func (g *Gateway) Status() report.Status {
	s := report.Status{Time: time.Now(), State: g.shared.state(), Disabled: g.shared.switches.list(), Logins: []report.LoginStatus{}, Stores: []report.StoreStatus{}}
	keys := make(map[guard.Key][]string)
	for _, n := range g.lanes {
		for _, seat := range n.seats() {
			keys[seat.guard.Key()] = append(keys[seat.guard.Key()], seat.name())
		}
	}
	for _, n := range g.lanes {
		s.Logins = append(s.Logins, n.status(keys))
		for _, guest := range n.guestSeats() {
			s.Logins = append(s.Logins, guest.status(keys))
		}
	}
	slices.SortFunc(s.Logins, func(a, b report.LoginStatus) int { return strings.Compare(a.Name, b.Name) })
	for _, name := range slices.Sorted(maps.Keys(g.stores)) {
		s.Stores = append(s.Stores, g.stores[name].status(name))
	}
	for _, p := range g.pools {
		of := s.Pool(p.Name, p.Logins)
		of.Problems = p.problems()
		s.Pools = append(s.Pools, of)
	}
	slices.SortFunc(s.Pools, func(a, b report.PoolStatus) int { return strings.Compare(a.Name, b.Name) })
	s.Problems = append(g.shared.problems(), g.Notices()...)
	s.Advise()
	return s
}

func (s Store) status(name string) report.StoreStatus {
	out := report.StoreStatus{Name: name, Kind: s.Kind, Records: []report.RecordStatus{}}
	if session, ok := s.Session(); ok {
		out.Session = &report.SessionStatus{SignedIn: session.SignedIn, Error: session.Error}
		if !session.Expires.IsZero() {
			out.Session.ExpiresAt = &session.Expires
		}
	}
	for _, r := range s.Store.Status() {
		out.Records = append(out.Records, report.RecordStatus{Path: r.Path, Version: r.Version, AgeSeconds: r.Age.Seconds(), Stale: r.Stale, Error: r.LastError})
	}
	return out
}

func (n *lane) sitting() *seat {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.seat
}

func (n *lane) status(keys map[guard.Key][]string) report.LoginStatus {
	out := n.untouched(n.Name)
	n.mu.Lock()
	seat, next, problem := n.seat, n.next, n.problem
	n.mu.Unlock()
	if problem != nil {
		out.Problems = append(out.Problems, problem.Error())
	}
	if other := n.otherUser(); other != "" {
		out.Problems = append(out.Problems, other+n.whyNotTried(next))
	}
	if seat == nil {
		return out
	}
	st, err := seat.guard.Status()
	if err != nil {
		noStore(&out)
		return out
	}
	seat.fill(&out, st, keys)
	out.NextUser = n.nextUser(next)
	if _, err := n.store.Get(n.Path); err != nil {
		out.State = report.LoginNoSecret
	}
	return out
}

// noStore fills how a login stands whose table cannot be read: nothing is sent for it, and nothing better is known than the worst.
func noStore(out *report.LoginStatus) {
	out.State = report.LoginNoStore
	out.Units.Free = 0
	out.Lockout.Counted, out.Lockout.Distance = out.Units.Budget, out.Lockout.Threshold-out.Units.Budget
	out.Problems = append(out.Problems, "the store of the guard could not be read, so that it is not known how the login stands: what is wrong with the store is said at the top")
}

// nextUser reports how the user stands that the record names beside the one that serves; nil where there is none.
func (n *lane) nextUser(next *seat) *report.NextUser {
	if next == nil {
		return nil
	}
	st, err := next.guard.Status()
	if err != nil {
		return nil
	}
	var as report.LoginStatus
	next.fill(&as, st, nil)
	return &report.NextUser{State: as.State, Units: as.Units, LastRefusal: as.LastRefusal, Seq: as.Seq}
}

// otherUser says that the record names another PSA user by now, which the PSA has not accepted; empty where it does not.
func (n *lane) otherUser() string {
	n.mu.Lock()
	next := n.next
	n.mu.Unlock()
	if next == nil {
		return ""
	}
	c := next.card()
	if c == nil {
		return ""
	}
	return fmt.Sprintf("version %s of the record names another PSA user, which the PSA has not accepted: calls go on as the one before", c.version())
}

// whyNotTried says what keeps the user that the record names by now from being tried; empty where nothing is known to. What
// is told of the login's own zone is of the user that calls go through.
func (n *lane) whyNotTried(next *seat) string {
	if next == nil {
		return ""
	}
	c := next.card()
	st, err := next.guard.Status()
	if c == nil || err != nil || st.Unreachable == nil {
		return ""
	}
	var of report.ZoneStatus
	if n.fillZone(&of, c.credential); of.URL == "" {
		return ". That one's zone is not known, so it is not tried: " + cmp.Or(of.Error, st.Unreachable.Error())
	}
	return ". That one is not tried yet, for the PSA did not answer the call that needs no sign-in: " + st.Unreachable.Error()
}

// untouched is how a login stands that no call has asked for.
func (n *lane) untouched(name string) report.LoginStatus {
	s := n.Settings
	out := report.LoginStatus{Name: name, State: report.LoginNoSecret, Observe: s.Observe, InFlight: s.InFlight}
	out.Units = report.UnitCounts{Budget: s.Budget, Free: s.Budget}
	out.Lockout = report.LockoutStatus{Threshold: s.Threshold, Distance: s.Threshold}
	out.Queue = report.QueueStatus{Length: s.QueueLength, DeadlineSeconds: s.QueueDeadline.Seconds()}
	out.Gate.Open = true
	return out
}

// fill adds how the PSA user stands. keys has the names of each.
func (s *seat) fill(out *report.LoginStatus, st guard.Status, keys map[guard.Key][]string) {
	if st.Unreachable != nil {
		out.Problems = append(out.Problems, "the PSA did not answer the last call that needs no sign-in: "+st.Unreachable.Error())
	}
	for _, b := range st.Blocked {
		out.Problems = append(out.Problems, fmt.Sprintf("integration %s may not %s until %s: the PSA refused that call's sign-in and took the same credential for others. Give the PSA user the right to it; psagate release %s ends the wait",
			b.Source, b.Path, b.Until.UTC().Format(time.TimeOnly+" MST"), s.name()))
	}
	if said := s.lane.shared.accounts.noticeOf(st.Key); st.Locked && said != "" {
		out.Problems = append(out.Problems, said)
	}
	out.SharesWith = slices.DeleteFunc(slices.Clone(keys[st.Key]), func(name string) bool { return name == s.name() })
	out.Units = report.UnitCounts{Budget: st.Settings.Budget, Free: st.Free(), Held: st.Held, Lost: st.Lost, Failed: st.Failed, Unknown: st.Unknown}
	counted := st.Held + st.Lost + st.Failed + st.Unknown
	out.Lockout = report.LockoutStatus{Threshold: st.Settings.Threshold, Counted: counted, Distance: st.Settings.Threshold - counted}
	out.InFlight, out.Observe, out.Seq = st.Settings.InFlight, st.Settings.Observe, st.Seq
	out.Queue = report.QueueStatus{Waiting: st.Waiting, Length: st.Settings.QueueLength, DeadlineSeconds: st.Settings.QueueDeadline.Seconds()}
	out.Units.LostUntil = orNil(st.LostUntil)
	out.Hanging = s.hanging(st)
	out.Gate = report.GateStatus{Open: !st.Gate.Shut}
	if st.Gate.Shut {
		out.Gate.Since, out.Gate.RetryAt = &st.Gate.Since, &st.Gate.Until
	}
	out.LastRefusal = lastRefusal(st)
	for _, c := range st.Credentials {
		switch c.Fingerprint {
		case st.Serving:
			out.Serving = s.lane.credential(st, c)
		case st.Newest:
			out.Newest = s.lane.credential(st, c)
		}
	}
	out.State = state(st, out)
	out.Zone = s.zoneURL()
}

// lastRefusal is the last refused sign-in. Of another process's, and of those before a restart, the time alone is with the login;
// the journal, which failures prints, has the rest.
func lastRefusal(st guard.Status) *report.RefusalStatus {
	r := st.Refusal
	switch {
	case st.LastRefusal.After(r.At):
		return &report.RefusalStatus{At: st.LastRefusal}
	case r.At.IsZero():
		return nil
	}
	version, _ := strconv.ParseUint(r.Version, 10, 64)
	reason := r.Verdict.String()
	if r.WrongZone {
		reason = report.WrongZone
	}
	return &report.RefusalStatus{At: r.At, Version: version, Integration: r.Source, Reason: reason}
}

func state(st guard.Status, out *report.LoginStatus) report.LoginState {
	switch {
	case st.Locked:
		return report.LoginLocked
	case st.Failed+st.Unknown >= st.Settings.Budget:
		return report.LoginSpent
	case st.Gate.Shut:
		return report.LoginGateShut
	case out.Serving != nil:
		return report.LoginServing
	case out.Newest != nil && out.Newest.State == guard.StateRefused.String():
		return report.LoginRefused
	}
	return report.LoginIdle
}

func (n *lane) credential(st guard.Status, c guard.Credential) *report.CredentialStatus {
	version, _ := strconv.ParseUint(c.Version, 10, 64)
	out := &report.CredentialStatus{Version: version, State: c.State.String(), Fingerprint: c.Fingerprint.String()}
	if card := n.shared.wallet.get(st.Key, c.Fingerprint); card != nil {
		out.Since = card.since
	} else {
		out.Elsewhere = true
	}
	if !c.ProvenAt.IsZero() {
		out.AcceptedAt = &c.ProvenAt
	}
	if c.State == guard.StateRefused && mayRecheck(st) && !st.Next.IsZero() {
		out.RecheckAt = &st.Next
	}
	return out
}

// mayRecheck reports whether a refused credential is tried again by itself: nothing is proven, and more than one unit is left, as
// the guard's rule has it. What is held may be given back until then.
func mayRecheck(st guard.Status) bool {
	return st.Serving.IsZero() && (!st.Locked || st.Settings.Observe) && st.Lost+st.Failed+st.Unknown < st.Settings.Budget-1
}

func (n *lane) zoneStatus() report.ZoneStatus {
	out := report.ZoneStatus{Login: n.Name}
	seat := n.sitting()
	if seat == nil {
		out.Error = errNoRecord.Error()
		return out
	}
	c := seat.card()
	if c == nil {
		return out
	}
	n.fillZone(&out, c.credential)
	return out
}

// fillZone adds what is known of the zone of a credential's user.
func (n *lane) fillZone(out *report.ZoneStatus, cred secret.Credential) {
	if pin, err := n.pin(cred); err == nil && !pin.IsZero() {
		out.URL, out.Source = pin.String(), report.ZoneConfigured
		return
	}
	for _, e := range n.zones.List() {
		if autotask.CanonicalUser(e.User) != autotask.CanonicalUser(cred.UserName) {
			continue
		}
		z := e.Zone
		out.URL, out.WebURL, out.Name, out.Tenant, out.Source = z.Base, n.rule.WebURL(z.WebURL), z.Name, z.CI, report.ZoneCached
		if z.Verified {
			out.Source = report.ZoneLookedUp
		}
		if !z.FoundAt.IsZero() {
			out.LookedUpAt = &z.FoundAt
		}
		if e.Failure != nil {
			out.Error = e.Failure.Error()
		}
	}
}

// Zones reports where every login's calls go.
func (g *Gateway) Zones() report.Zones {
	out := report.Zones{Time: time.Now(), Zones: []report.ZoneStatus{}}
	for _, n := range g.lanes {
		out.Zones = append(out.Zones, n.zoneStatus())
	}
	slices.SortFunc(out.Zones, func(a, b report.ZoneStatus) int { return strings.Compare(a.Login, b.Login) })
	return out
}

// Release is the operator's word that the PSA's count of a login is zero again, of the failures up to seq; and of those of
// the next user up to nextSeq, unless that is nil.
func (g *Gateway) Release(login string, seq uint64, nextSeq *uint64) error {
	if guest := g.guest(login); guest != nil {
		return g.releaseGuest(guest, seq, nextSeq)
	}
	n := g.byName[login]
	if n == nil {
		return report.ErrUnknownLogin
	}
	n.mu.Lock()
	seat, next := n.seat, n.next
	n.mu.Unlock()
	switch {
	case seat == nil:
		return errNoRecord
	case nextSeq != nil && next == nil:
		return fmt.Errorf("%w: the record names no other user any more", report.ErrNotShown)
	}
	if err := n.releaseSeat(seat, seq); err != nil {
		return err
	}
	g.tellReleased(seat)
	if nextSeq == nil {
		return nil
	}
	return n.releaseSeat(next, *nextSeq)
}

func (n *lane) releaseSeat(s *seat, seq uint64) error {
	freed, err := s.guard.Release(seq)
	if errors.Is(err, guard.ErrNotShown) {
		return fmt.Errorf("%w: %w", report.ErrNotShown, err)
	}
	if err != nil {
		return err
	}
	n.shared.accounts.released(s.guard.Key())
	n.log.Info("released by an operator", "name", s.name(), "seq", seq, "units", freed)
	return nil
}

// Check looks at a login's record and zone, and signs in at most once.
func (g *Gateway) Check(ctx context.Context, login string) (report.CheckResult, error) {
	if guest := g.guest(login); guest != nil {
		return guest.checked(ctx), nil
	}
	n := g.byName[login]
	if n == nil {
		return report.CheckResult{}, report.ErrUnknownLogin
	}
	out := report.CheckResult{Login: login, OK: true}
	for _, step := range [...]struct {
		name string
		run  func(context.Context) (string, error)
	}{{"secret", n.checkSecret}, {"zone", n.checkZone}, {"sign-in", n.checkSignIn}} {
		detail, err := step.run(ctx)
		if err != nil {
			detail, out.OK = err.Error(), false
		}
		out.Steps = append(out.Steps, report.CheckStep{Name: step.name, OK: err == nil, Detail: detail})
		if err != nil {
			break
		}
	}
	out.Warnings = slices.Concat(n.warnings(), n.unsoapable(), g.sharing(n), g.poolProblems(login))
	if other := n.otherUser(); other != "" {
		out.Warnings = append([]string{other}, out.Warnings...)
	}
	return out, nil
}

// sharing says which other names mean the PSA user that a login's calls go as.
func (g *Gateway) sharing(n *lane) (all []string) {
	own := n.sitting()
	if own == nil {
		return nil
	}
	var names []string
	for _, other := range g.lanes {
		for _, s := range other.seats() {
			if s != own && s.guard == own.guard {
				names = append(names, s.name())
			}
		}
	}
	if len(names) > 0 {
		all = append(all, fmt.Sprintf("one budget with %s: they mean the same PSA user, and what fails of one stops all", strings.Join(names, ", ")))
	}
	return all
}

var errNoRecord = errors.New("the login's record has not been read")

func (n *lane) checkSecret(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	rec, err := n.store.Confirm(ctx, n.Path)
	if err != nil {
		if last, known := n.store.Get(n.Path); known == nil {
			err = fmt.Errorf("%w; version %d, which is known, serves on for a while", err, last.Version)
		}
		return "", err
	}
	n.apply(rec)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.problem != nil {
		return "", n.problem
	}
	return fmt.Sprintf("record %s of store %s, version %d", n.Path, n.Store, rec.Version), nil
}

func (n *lane) checkZone(ctx context.Context) (string, error) {
	seat := n.sitting()
	if seat == nil {
		return "", errNoRecord
	}
	c := seat.card()
	if c == nil {
		return "", errNoRecord
	}
	return n.checkZoneOf(ctx, c.credential)
}

// checkZoneOf looks up where the calls of a credential's user go.
func (n *lane) checkZoneOf(ctx context.Context, cred secret.Credential) (string, error) {
	base, err := n.base(ctx, cred)
	if err != nil {
		return "", err
	}
	key, err := n.zoneKey(cred)
	if err != nil {
		return "", err
	}
	now, _, err := n.zones.Doubt(ctx, key, zone.Zone{Base: base.String()})
	if err != nil {
		return "", err
	}
	return now.Base, nil
}

func (n *lane) checkSignIn(ctx context.Context) (string, error) {
	seat := n.sitting()
	if seat == nil {
		return "", errNoRecord
	}
	n.mu.Lock()
	if n.next != nil {
		seat = n.next
	}
	n.mu.Unlock()
	res := seat.guard.Check(ctx)
	switch {
	case res.Err != nil:
		return "", fmt.Errorf("nothing was sent: %w", res.Err)
	case res.Verdict != guard.Accepted:
		return "", fmt.Errorf("version %s of the credential: %s", res.Attempt.Version, res.Verdict)
	}
	return fmt.Sprintf("the PSA accepted version %s", res.Attempt.Version), nil
}

// warnings are what works and should still be known.
func (n *lane) warnings() (all []string) {
	s := n.Settings
	if left := s.Threshold - s.Budget - 1; left < 2 {
		text := fmt.Sprintf("with threshold %d and budget %d there is room for %d failed sign-in of other programs", s.Threshold, s.Budget, left)
		if s.Budget > 3 {
			text += ": where others use this PSA user, set budget 3 and in_flight 1"
		}
		all = append(all, text)
	}
	if !s.NeverReset {
		all = append(all, "a successful sign-in is assumed to reset the PSA's count: if it does not, set never_reset")
	}
	if n.shared.state() == report.StateMemory {
		all = append(all, "the guard's state is in memory: after a restart the PSA's count is taken to be zero")
	}
	return all
}
