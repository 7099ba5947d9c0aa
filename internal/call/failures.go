package call

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/inject"
	"github.com/psagate/psagate/internal/limits"
	"github.com/psagate/psagate/internal/report"
)

// caller is who makes a call, and from where.
type caller struct {
	identity.Caller
	client  string
	let     *admitted // once policy has let the call pass
	inside  *inside   // of a call from within the process
	mailbox string    // whose call it is, where that calls as itself
	hour    []limits.Share
}

// note remembers what came of a caller's attempt.
func (n *lane) note(ctx context.Context, t inject.Ticket, o guard.Outcome) {
	key, source := t.Guard.Key(), t.Attempt.Source()
	switch o.Verdict {
	case guard.Accepted, guard.Neutral:
		n.shared.accounts.served(key, source, labelOf(t.Attempt), o.Verdict == guard.Accepted)
	case guard.Refused, guard.Locked, guard.NoAnswer:
		f := n.failedAttempt(t, o)
		if c, known := ctx.Value(callerKey{}).(*caller); known {
			f.Key, f.Client = bounded64(c.KeyID), bounded64(c.client)
		}
		n.shared.accounts.fail(key, f)
	}
}

// noteOwn remembers what came of an attempt of the gateway's own. Of a neutral answer it is not known whether the sign-in
// was taken, unless the credential is proven.
func (s *seat) noteOwn(t inject.Ticket, o guard.Outcome) {
	n := s.lane
	switch o.Verdict {
	case guard.NotSent:
		return
	case guard.Accepted:
		n.shared.accounts.served(s.guard.Key(), "", t.Attempt.Version, true)
		return
	case guard.Neutral:
		if s.proven(t.Attempt.Credential) {
			return
		}
	}
	f := n.failedAttempt(t, o)
	if f.Own = t.Attempt.Kind.String(); !t.Attempt.Kind.Alone() {
		f.Own = "check"
	}
	if f.Fingerprint != "" {
		f.Client = bounded64(s.broughtFrom(t.Attempt.Credential))
	}
	n.shared.accounts.fail(s.guard.Key(), f)
}

func (s *seat) proven(fp guard.Fingerprint) bool {
	st, err := s.guard.Status()
	return err == nil && slices.ContainsFunc(st.Credentials, func(c guard.Credential) bool {
		return c.Fingerprint == fp && c.State == guard.StateProven
	})
}

// broughtFrom is the address from which a caller brought a credential.
func (s *seat) broughtFrom(fp guard.Fingerprint) string {
	st, err := s.guard.Status()
	i := slices.IndexFunc(st.Credentials, func(c guard.Credential) bool { return c.Fingerprint == fp })
	if err != nil || i < 0 {
		return ""
	}
	return st.Credentials[i].Address
}

func (n *lane) failedAttempt(t inject.Ticket, o guard.Outcome) report.FailedAttempt {
	op := described(t.Operation)
	if op.Action == "" {
		op.Action = t.Operation.Method
	}
	return report.FailedAttempt{
		Login: n.called(t.Guard), Integration: t.Attempt.Source(), Entity: bounded64(op.Entity), Action: bounded64(op.Action),
		Version: versionOf(t.Attempt.Version), Fingerprint: broughtOne(labelOf(t.Attempt)),
		Credential: t.Attempt.Credential.String(), Zone: t.Base.String(), Verdict: o.Verdict.String(), WrongZone: o.WrongZone, Said: t.Said,
	}
}

// called is the name of one of the lane's PSA users.
func (n *lane) called(g *guard.Login) string {
	for _, s := range n.seats() {
		if s.guard == g {
			return s.name()
		}
	}
	return n.Name
}

// labelOf is what the credential of an attempt is called: its version, or its fingerprint where a caller brought it.
func labelOf(a guard.Attempt) string {
	if a.Version == "" && a.Kind != guard.Candidate {
		return broughtMark + a.Credential.String()
	}
	return a.Version
}

// broughtMark is in front of a fingerprint, to tell it from versions.
const broughtMark = "#"

// broughtOne is the fingerprint that a label has; empty for a version.
func broughtOne(label string) string {
	fp, brought := strings.CutPrefix(label, broughtMark)
	if !brought {
		return ""
	}
	return fp
}

// versionOf is the store's label as a number; 0 for a candidate, which has none.
func versionOf(label string) uint64 {
	version, _ := strconv.ParseUint(label, 10, 64)
	return version
}

// Failures reports what failed since a moment, of the login of that name or, where that is empty, of all.
func (g *Gateway) Failures(login string, since time.Time) (report.Failures, error) {
	if login != "" && g.byName[login] == nil && g.guest(login) == nil {
		return report.Failures{}, report.ErrUnknownLogin
	}
	users := g.users()
	known := g.known(users)
	out := report.Failures{Time: time.Now(), Since: since, KeptSince: known.since, Unread: known.unread, Logins: []report.LoginFailures{}}
	for _, u := range users {
		if login == "" || slices.Contains(u.names, login) {
			out.Logins = append(out.Logins, known.of(u, login, since))
		}
	}
	out.Unread = out.Unread || slices.ContainsFunc(out.Logins, func(l report.LoginFailures) bool { return l.State == report.LoginNoStore })
	out.Callers = g.shared.away.since(since, func(of string) bool { return login == "" || g.leadsTo(of, login) })
	out.People = g.shared.people.since(since, login)
	return out, nil
}

// psaUser is a PSA user of the config: its names, and those that calls do not go through yet.
type psaUser struct {
	names []string
	as    []func() report.LoginStatus // how it stands, by name
	of    []*lane                     // by name
	keys  []guard.Key                 // the one that calls go through is first; none while the records have not been read
}

// psaUsers are those of a config, while they are gathered.
type psaUsers struct {
	all   []*psaUser
	byKey map[guard.Key]*psaUser
}

// add adds a name of the PSA user that keys, if there are any, say.
func (p *psaUsers) add(name string, n *lane, keys []guard.Key, as func() report.LoginStatus) {
	var u *psaUser
	if len(keys) > 0 {
		u = p.byKey[keys[0]]
	}
	if u == nil {
		u = new(psaUser)
		p.all = append(p.all, u)
	}
	if len(keys) > 0 {
		p.byKey[keys[0]] = u
	}
	u.names, u.of, u.as = append(u.names, name), append(u.of, n), append(u.as, as)
	for _, key := range keys {
		if !slices.Contains(u.keys, key) {
			u.keys = append(u.keys, key)
		}
	}
}

// users returns the PSA users of the config, by name: those of the logins first.
func (g *Gateway) users() []*psaUser {
	p := psaUsers{byKey: make(map[guard.Key]*psaUser)}
	lanes := slices.SortedFunc(slices.Values(g.lanes), func(a, b *lane) int { return strings.Compare(a.Name, b.Name) })
	for _, n := range lanes {
		p.add(n.Name, n, n.keys(), func() report.LoginStatus { return n.status(nil) })
	}
	for _, n := range lanes {
		for _, s := range n.guestSeats() {
			p.add(s.name(), n, []guard.Key{s.guard.Key()}, func() report.LoginStatus { return s.status(nil) })
		}
	}
	return p.all
}

// keys names the PSA user that calls go through, and the one that is to be tried beside it.
func (n *lane) keys() (keys []guard.Key) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range [...]*seat{n.seat, n.next} {
		if s != nil {
			keys = append(keys, s.guard.Key())
		}
	}
	return keys
}

// known is what the accounts tell of the config's PSA users.
type known struct {
	guard *guard.Guard
	named map[guard.Key]extract // whom the records name now
	left  []extract             // whom they named before, with failures
	since time.Time             // from when on failures are kept

	unread bool // the journal could not be read
}

func (g *Gateway) known(users []*psaUser) known {
	k := known{guard: g.shared.guard, named: make(map[guard.Key]extract)}
	for _, u := range users {
		for _, key := range u.keys {
			k.named[key] = extract{key: key}
		}
	}
	var all []extract
	var err error
	all, k.since, err = g.shared.accounts.extracts(context.Background())
	k.unread = err != nil
	for _, x := range all {
		if _, named := k.named[x.key]; named {
			k.named[x.key] = x
		} else if len(x.failures) > 0 {
			k.left = append(k.left, x)
		}
	}
	return k
}

// of reports on a PSA user, as the login of one of its names.
func (k known) of(u *psaUser, login string, since time.Time) report.LoginFailures {
	i := max(0, slices.Index(u.names, login))
	n, st := u.of[i], u.as[i]()
	out := report.LoginFailures{
		Login: st.Name, State: st.State, Observe: st.Observe, Serving: st.Serving, Newest: st.Newest, Lockout: st.Lockout,
		Units: st.Units, Hanging: st.Hanging,
		Attempts: []report.FailedAttempt{}, Uses: []report.VersionUse{},
	}
	out.SharesWith = slices.DeleteFunc(slices.Clone(u.names), func(name string) bool { return name == st.Name })
	for i, key := range u.keys {
		x := k.named[key]
		if i == 0 {
			out.FailedSinceSuccess, out.LastSuccessAt = x.failed, orNil(x.success)
			out.Uses = append(out.Uses, x.uses...)
		}
		if !x.forgotten.Before(since) && (out.ForgottenBefore == nil || x.forgotten.After(*out.ForgottenBefore)) {
			out.ForgottenBefore = orNil(x.forgotten)
		}
		k.add(&out, x, since, func(f failure) bool { return true }, i > 0)
	}
	for _, x := range k.left {
		k.add(&out, x, since, func(f failure) bool { return slices.Contains(u.names, f.Login) }, true)
	}
	slices.SortStableFunc(out.Attempts, func(a, b report.FailedAttempt) int { return a.At.Compare(b.At) })
	n.atPresent(&out, u.keys)
	out.Conclude()
	return out
}

// orNil is nil for no time.
func orNil(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

// add adds those of an account's failures that are meant.
func (k known) add(out *report.LoginFailures, x extract, since time.Time, meant func(failure) bool, other bool) {
	if len(x.failures) == 0 {
		return
	}
	if st, err := k.guard.Login(x.key).Status(); err == nil {
		standing(x.failures, st)
	}
	for _, f := range x.failures {
		if f.At.Before(since) || !meant(f) {
			continue
		}
		f.OtherUser = other
		out.Attempts = append(out.Attempts, f.FailedAttempt)
	}
}

// standing says what became of the units of a user's failures, by how many of a state an integration has: units are given back
// in the order in which they were recorded, so that those that are not are the youngest. (With never_reset a success may
// give back a younger unknown one before an older.)
func standing(all []failure, st guard.Status) {
	type standing struct {
		source string
		state  guard.UnitState
	}
	left := make(map[standing]int)
	for _, u := range st.Units {
		left[standing{u.Source, u.State}]++
	}
	for i := len(all) - 1; i >= 0; i-- {
		f := &all[i]
		of := standing{f.Integration, guard.Unknown}
		switch f.Verdict {
		case guard.Refused.String(), guard.Locked.String():
			of.state = guard.Failed
		case guard.NoAnswer.String():
			if lost := (standing{f.Integration, guard.Lost}); left[lost] > 0 {
				of = lost
			}
		}
		f.Unit = of.state.String()
		if f.Forgiven = left[of] == 0; !f.Forgiven {
			left[of]--
		}
	}
}

// atPresent adds how things are now: whose the units are that are not free, and the calls that are not sent for a while.
func (n *lane) atPresent(out *report.LoginFailures, keys []guard.Key) {
	if len(keys) == 0 {
		return
	}
	st, err := n.shared.guard.Login(keys[0]).Status()
	if err != nil {
		return
	}
	out.UnitsBy = unitsBy(st.Units)
	for _, b := range st.Blocked {
		out.Denied = append(out.Denied, report.DeniedCalls{Integration: b.Source, Operation: b.Path, Until: b.Until})
	}
}

// unitsBy counts units by who took them. Those that were added for what a store may have forgotten are of no credential, as are what people
// failed with.
func unitsBy(units []guard.Unit) (all []report.UnitsBy) {
	for _, u := range units {
		forgotten := u.Credential.IsZero() && u.Source != report.ByWebUI
		i := slices.IndexFunc(all, func(b report.UnitsBy) bool { return b.Integration == u.Source && b.Forgotten == forgotten })
		if i < 0 {
			i, all = len(all), append(all, report.UnitsBy{Integration: u.Source, Forgotten: forgotten})
		}
		switch b := &all[i]; u.State {
		case guard.Held:
			b.Held++
		case guard.Lost:
			b.Lost++
		case guard.Failed:
			b.Failed++
		case guard.Unknown:
			b.Unknown++
		}
	}
	report.SortUnits(all)
	return all
}
