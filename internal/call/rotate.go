package call

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/report"
)

// DefaultRotation is how long a rotation may take at each login.
const DefaultRotation = 2 * time.Minute

// Rotate walks through a pool's logins, one at a time, and has each serve with the newest credential of its store: it is shown to
// the PSA in one attempt of the gateway's own while what serves goes on serving, so no login is ever out of service for it. The
// walk ends at the first login where that did not go well. within is how long it may take at each, all that it waits for there
// together. tell is told of each step as it begins, and of each login as soon as the walk is through with it.
func (g *Gateway) Rotate(ctx context.Context, pool string, within time.Duration, tell func(report.RotationLine)) (report.Rotation, error) {
	p := g.pool(pool)
	if p == nil {
		return report.Rotation{}, report.ErrUnknownPool
	}
	if !g.shared.rotating.TryLock() {
		return report.Rotation{}, report.ErrRotating
	}
	defer g.shared.rotating.Unlock()
	p.enter() // a reload must not take them away meanwhile
	defer p.leave()
	out := report.Rotation{Pool: pool, Logins: []report.RotatedLogin{}}
	for i, n := range p.lanes {
		one := n.rotate(ctx, within, func(s report.RotationStep) { tell(report.RotationLine{Step: &s}) })
		n.log.Info("a rotation came to the login", "pool", pool, "outcome", one.Outcome, "was", one.Was, "serving", one.Serving)
		out.Logins = append(out.Logins, one)
		tell(report.RotationLine{Login: &one})
		if !one.Well() {
			out.Untouched = slices.Clone(p.Logins[i+1:])
			return out, nil
		}
	}
	out.OK = true
	return out, nil
}

// serving is what calls of a lane are sent with.
type serving struct {
	seat    *seat
	fp      guard.Fingerprint // zero: none serves
	version uint64
}

// now returns what calls are sent with now.
func (n *lane) now() (is serving) {
	is.seat = n.sitting()
	if is.seat == nil {
		return is
	}
	st, err := is.seat.guard.Status()
	if err != nil {
		return is
	}
	for _, c := range st.Credentials {
		if c.Fingerprint == st.Serving {
			is.fp, is.version = c.Fingerprint, versionOf(c.Version)
		}
	}
	return is
}

// rotate has the lane serve with its newest credential. All of it ends within that time: what the PSA was asked by then it still
// answers, and that counts.
func (n *lane) rotate(ctx context.Context, within time.Duration, tell func(report.RotationStep)) report.RotatedLogin {
	until := time.Now().Add(within)
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	step := func(of report.RotationStep) {
		of.Login, of.Until = n.Name, until
		tell(of)
	}
	step(report.RotationStep{Doing: report.RotationReading})
	was := n.now()
	out := report.RotatedLogin{Login: n.Name, Was: was.version, Serving: was.version}
	if _, err := n.checkSecret(ctx); err != nil {
		out.Outcome, out.Detail = report.NotTried, "The newest version cannot be read: "+err.Error()
		return out
	}
	s, fp := n.latest()
	if s == nil {
		out.Outcome, out.Detail = report.NotTried, errNoRecord.Error()
		return out
	}
	if c := s.card(); c != nil {
		out.Newest = c.credential.Version
	}
	step(report.RotationStep{Doing: report.RotationAsking, Version: out.Newest})
	n.learn(&out, verify(ctx, s, fp))
	if out.Well() {
		n.endOld(ctx, &out, was, serving{seat: s, fp: fp}, step)
	}
	is := n.now()
	out.Serving = is.version
	if out.Outcome == report.NothingNew || out.Outcome == report.Switched {
		out.ServingSince = n.servesSince(is)
	}
	return out
}

// verify shows the newest credential to the PSA. One that was refused before is shown again only if what serves is refused by now:
// that is asked first, as a check does. So a rotation goes on with a login once its password was changed in the PSA too.
func verify(ctx context.Context, s *seat, fp guard.Fingerprint) guard.CheckResult {
	res := s.guard.Verify(ctx, fp)
	known := res.Err == nil && res.Attempt.Token == 0
	if !known || res.Verdict != guard.Refused {
		return res
	}
	switch asked := askServing(ctx, s); {
	case ctx.Err() != nil:
		return asked
	case asked.Err != nil:
		return res
	}
	return s.guard.Verify(ctx, fp)
}

// askServing has the PSA asked whether it takes what serves. It ends with the context; an attempt that is under way then goes on to
// its end.
func askServing(ctx context.Context, s *seat) guard.CheckResult {
	asked := make(chan guard.CheckResult, 1)
	s.lane.later(func() { asked <- s.guard.Check(ctx) })
	select {
	case res := <-asked:
		return res
	case <-ctx.Done():
		return guard.CheckResult{Err: ctx.Err()}
	}
}

// latest returns the newest credential of the record, and the PSA user whose it is.
func (n *lane) latest() (*seat, guard.Fingerprint) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.seat
	if n.next != nil {
		s = n.next
	}
	if s == nil {
		return nil, guard.Fingerprint{}
	}
	return s, s.newest
}

// servesSince returns since when a credential serves, where this process has seen it begin.
func (n *lane) servesSince(is serving) *time.Time {
	if is.seat == nil {
		return nil
	}
	c := n.shared.wallet.get(is.seat.guard.Key(), is.fp)
	if c == nil {
		return nil
	}
	return orNil(c.serves)
}

// learn says what came of showing the newest credential to the PSA.
func (n *lane) learn(out *report.RotatedLogin, res guard.CheckResult) {
	var d *guard.Denied
	switch {
	case errors.As(res.Err, &d):
		out.Outcome, out.Detail = report.NotTried, fmt.Sprintf("Nothing was sent to the PSA: %s (%s)", strings.TrimSuffix(d.Text, "."), d.Reason)
	case errors.Is(res.Err, context.DeadlineExceeded):
		out.Outcome = report.NoVerdict
		out.Detail = "The time was over before the PSA told whether it takes the new password. An attempt that is under way goes on, and counts: see psagate status, and run psagate rotate again"
	case res.Err != nil:
		out.Outcome, out.Detail = report.NotTried, "Nothing was sent to the PSA: "+res.Err.Error()
	case res.Verdict == guard.Accepted:
		out.Outcome = report.Switched
	case res.Verdict == guard.Refused:
		out.Outcome = report.NewRefused
		out.Detail = fmt.Sprintf("The PSA does not have the password of version %d for this user: change it there, and run psagate rotate again", out.Newest)
	case res.Verdict == guard.Locked:
		out.Outcome = report.NewRefused
		out.Detail = fmt.Sprintf("The PSA says that the user is locked. Unlock it there, then run: psagate release %s", n.Name)
	default:
		out.Outcome = report.NoVerdict
		out.Detail = "The PSA did not tell whether it takes the new password (" + res.Verdict.String() + "): run psagate rotate again when it answers"
	}
}

// drainEvery is how often a rotation looks whether the calls under way have ended.
const drainEvery = 100 * time.Millisecond

// endOld waits until no call is under way with anything but the newest, which serves: also where the guard has switched by itself
// before.
func (n *lane) endOld(ctx context.Context, out *report.RotatedLogin, was, is serving, step func(report.RotationStep)) {
	if was.fp == is.fp {
		out.Outcome = report.NothingNew
	}
	if was.seat == nil {
		return
	}
	but := is.fp
	if was.seat != is.seat { // another PSA user: nothing of the one before may be under way
		but = guard.Fingerprint{}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(n.shared.draining, cancel)()
	again := time.NewTicker(drainEvery)
	defer again.Stop()
	told := false
	for {
		left, err := was.seat.guard.UnderWay(but)
		if err == nil && left == 0 && n.sitting() == is.seat {
			return
		}
		if left > 0 && !told {
			told = true
			step(report.RotationStep{Doing: report.RotationDraining, Version: out.Newest, Calls: left})
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			out.Outcome = report.NotDrained
			out.Detail = notDrained(left, err)
			return
		}
	}
}

func notDrained(left int, err error) string {
	what := strconv.Itoa(left) + " calls are still under way"
	switch {
	case err != nil:
		what = "it is not known whether calls are still under way"
	case left == 1:
		what = "1 call is still under way"
	}
	return fmt.Sprintf("The newest version serves, and %s with what served before: run psagate rotate again later", what)
}
