package call

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
)

const (
	// comparedWith is how many versions a new password is compared with: the PSA takes none of the last five.
	comparedWith = 5
	// writePatience is how long a store has to be read or written for an operator.
	writePatience = 20 * time.Second
)

// Put is a new credential for a login's record.
type Put struct {
	// Over is the version that the operator was shown; 0: there was none.
	Over uint64
	// Secret is the new password; UserName and IntegrationCode are left as they are where they are empty.
	Secret, UserName, IntegrationCode secret.Value
	// Ahead writes it without asking the PSA first: for a PSA that is changed later.
	Ahead bool
}

func (p Put) fields() map[string]secret.Value {
	set := map[string]secret.Value{"secret": p.Secret}
	for name, value := range map[string]secret.Value{"username": p.UserName, "integration_code": p.IntegrationCode} {
		if value.Reveal() != "" {
			set[name] = value
		}
	}
	return set
}

// Put tries a new credential and writes it into the login's record, with at most one sign-in. What does not work is in the
// result; the error is one of whoever asks.
func (g *Gateway) Put(ctx context.Context, login string, p Put) (report.PutResult, error) {
	n := g.byName[login]
	if n == nil {
		return report.PutResult{}, report.ErrUnknownLogin
	}
	end, err := n.shared.puts.begin(n.record())
	if err != nil {
		return report.PutResult{}, err
	}
	defer end()
	if !n.admit() {
		return report.PutResult{}, fmt.Errorf("%w: the config was reloaded", report.ErrChangedSince)
	}
	defer n.leave()                   // a reload must not take its record away meanwhile
	if err := ctx.Err(); err != nil { // nobody waits for what would come of it
		return report.PutResult{}, err
	}
	// An operator who leaves must not leave the PSA changed and the store not.
	ctx = context.WithoutCancel(ctx)
	over, err := n.present(ctx)
	if err != nil {
		return report.PutResult{}, err
	}
	if over.Version != p.Over {
		return report.PutResult{}, fmt.Errorf("%w: it has version %d now, and had %d", report.ErrChangedSince, over.Version, p.Over)
	}
	c, notes, err := n.draft(ctx, over, p)
	if err != nil {
		return report.PutResult{}, report.NewUnfit(err)
	}
	out := report.PutResult{Login: login, Store: n.Store, Path: n.Path, Version: over.Version, Notes: notes}
	n.write(ctx, c, p.Ahead, &out)
	level := slog.LevelInfo
	if !out.Written && out.Verdict == guard.Accepted.String() { // the PSA has what the store does not
		level = slog.LevelError
	}
	n.log.Log(ctx, level, "an operator puts a credential", "store", n.Store, "record", n.Path, "written", out.Written, "version", out.Version, "verdict", out.Verdict)
	return out, nil
}

// candidate is a credential that is to be written over a version of its record.
type candidate struct {
	over, next secret.Record
	set        map[string]secret.Value
	credential secret.Credential
	key        guard.Key
	fp         guard.Fingerprint
	apart      bool // it is of another PSA user than the login's
}

// draft works out what would be written, and says what is wrong with it.
func (n *lane) draft(ctx context.Context, over secret.Record, p Put) (c candidate, notes []string, err error) {
	c = candidate{over: over, next: over, set: p.fields()}
	c.next.Version++
	c.next.Fields = make(map[string]secret.Value)
	maps.Copy(c.next.Fields, over.Fields)
	maps.Copy(c.next.Fields, c.set)
	if problem := secret.PasswordProblem(p.Secret.Reveal()); problem != "" {
		return c, nil, fmt.Errorf("the new password %s", problem)
	}
	if c.credential, err = secret.CredentialFrom(c.next); err != nil {
		return c, nil, err
	}
	if c.key, err = n.keyOf(c.credential); err != nil {
		return c, nil, err
	}
	c.apart = n.apart(over, c.key)
	c.fp = n.shared.fingerprint(c.credential)
	earlier, note := n.earlier(ctx, over)
	if note != "" {
		notes = append(notes, note)
	}
	return c, notes, n.unused(c, earlier)
}

// unused says whether the record has, or had, the password already, as far as that is known.
func (n *lane) unused(c candidate, earlier []secret.Record) error {
	others := func(r secret.Record) bool {
		return autotask.CanonicalUser(r.Fields["username"].Reveal()) != autotask.CanonicalUser(c.credential.UserName)
	}
	same := func(field string) bool { return c.over.Fields[field].Equal(c.next.Fields[field]) }
	version, used := secret.UsedBefore(slices.DeleteFunc(earlier, others), "secret", c.credential.Secret)
	switch {
	case same("secret") && same("username") && same("integration_code"):
		return fmt.Errorf("version %d is the same already: psagate check finds out whether the PSA takes it", c.over.Version)
	case used && version != c.over.Version && !n.isServing(c):
		return fmt.Errorf("version %d had this password, and the PSA takes none of the last five: if the PSA has it now, save it in the store by hand", version)
	}
	return nil
}

// isServing reports whether calls are sent with a candidate's content: the record was changed since, and is to go back.
func (n *lane) isServing(c candidate) bool {
	st, err := n.shared.guard.Login(c.key).Status()
	return err == nil && st.Serving == c.fp
}

// write tries a candidate, unless it is to be written ahead of the PSA, and writes it where it was accepted.
func (n *lane) write(ctx context.Context, c candidate, ahead bool, out *report.PutResult) {
	if ahead && n.shared.draining.Err() != nil {
		out.Detail = stoppedBefore + "nothing was written"
		return
	}
	if !ahead {
		res, end := n.try(ctx, c)
		defer end()
		if out.Verdict = res.Verdict.String(); res.Err != nil {
			out.Verdict = guard.NotSent.String()
		}
		if res.Err != nil || res.Verdict != guard.Accepted {
			out.Detail = n.notWritten(c, res)
			return
		}
	}
	serves := n.serving() != nil
	rec, err := n.store.Write(ctx, n.Path, c.over, c.set)
	if errors.Is(err, secret.ErrMaybeWritten) {
		rec, err = n.lookAgain(ctx, c, err)
	}
	if err != nil {
		out.Detail = notStored(err, ahead, serves)
		return
	}
	out.Written, out.Version = true, rec.Version
	rec.ReadAt = time.Now() // so that no reading from before the writing comes after it
	n.apply(rec)
	_, _ = n.present(ctx) // calls look into the store for whether it has a record at all
	out.Detail = written(rec.Version, ahead, serves)
	switch {
	case ahead && n.stopped(c.key):
		out.Detail = fmt.Sprintf("version %d is written. The PSA is not asked whether it takes it: the login is locked, or its budget is spent. See in the PSA whether the user is locked and unlock it, then run: psagate release %s", rec.Version, n.Name)
	case n.disused():
		out.Detail = disused(rec.Version, n.Name, ahead)
	}
	if !ahead {
		n.shared.wallet.accepted(c.key, c.fp)
		n.tell(Happening{Event: CredentialAccepted, Version: strconv.FormatUint(rec.Version, 10), Zone: n.zoneStatus().URL})
	}
}

// lookAgain finds out what came of a writing of which nobody knows.
func (n *lane) lookAgain(ctx context.Context, c candidate, unknown error) (secret.Record, error) {
	rec, err := n.present(ctx)
	if err != nil || rec.Version == c.over.Version {
		return rec, unknown
	}
	for name, value := range c.set {
		if !rec.Fields[name].Equal(value) {
			return rec, unknown
		}
	}
	return rec, nil
}

// try shows a candidate to the PSA. It is remembered until end is called.
func (n *lane) try(ctx context.Context, c candidate) (res guard.CheckResult, end func()) {
	s := &seat{lane: n, guard: n.shared.guard.Login(c.key)}
	detach := s.guard.Attach(guard.Use{Name: n.Name, Settings: n.Settings, Upstream: s})
	known := n.shared.wallet.get(c.key, c.fp) != nil
	if !known {
		n.shared.wallet.put(c.key, c.fp, c.credential, time.Now())
	}
	end = func() {
		if err := s.guard.Forget(c.fp); err != nil {
			n.log.Error("what was found out about a credential cannot be forgotten", "error", err)
		}
		detach()
		if !known {
			n.discard(c)
		}
	}
	return s.guard.Try(ctx, c.fp, "candidate", c.apart), end
}

const stoppedBefore = "psagate is stopping, and nothing was sent to the PSA: "

// notWritten says why a candidate was not written, and what to do.
func (n *lane) notWritten(c candidate, res guard.CheckResult) string {
	rest, whose := "nothing was written", n.whose(c)
	if v := n.serving(); v != nil {
		rest += fmt.Sprintf(", and version %d serves on", *v)
	}
	var d *guard.Denied
	switch stopping := n.shared.draining.Err() != nil; {
	case stopping && res.Err != nil:
		return stoppedBefore + rest
	case stopping && res.Verdict == guard.NoAnswer:
		return "psagate was stopped before the PSA's answer came, so the PSA may have taken it: " + rest + ". Put it again once psagate runs"
	case errors.As(res.Err, &d):
		return fmt.Sprintf("nothing was sent to the PSA%s: %s; %s", whose, strings.TrimSuffix(d.Text, "."), rest)
	case res.Err != nil:
		return fmt.Sprintf("nothing was sent to the PSA: %v; %s", res.Err, rest)
	case res.Verdict == guard.NotSent:
		return "nothing was sent to the PSA: " + rest + ". Try again in a moment"
	case res.Verdict == guard.Refused:
		return "the PSA refuses it" + whose + ": " + rest + ". Is it changed there already? If it is to be changed later, write it with --ahead"
	case res.Verdict == guard.Locked:
		return "the PSA says that the login is locked: nothing was written. Unlock it there, then run: psagate release"
	case res.Verdict == guard.Neutral:
		return "the PSA answered something else, which does not tell whether it takes it: " + rest + ". Try again later"
	}
	return "the PSA gave no answer: " + rest + ". Try again when it answers"
}

// whose says of which user the attempt was, where that is not the login's own.
func (n *lane) whose(c candidate) string {
	st, err := n.shared.guard.Login(c.key).Status()
	if !c.apart || err != nil {
		return ""
	}
	return fmt.Sprintf(" (as %s, whose sign-ins are counted by themselves: %d of %d units are free)", c.credential.UserName, st.Free(), st.Settings.Budget)
}

// notStored says that the store did not take what the PSA has, or may not have taken it: then a look at it comes first.
func notStored(err error, ahead, serves bool) string {
	const look = "Look there first: what is there serves as soon as the PSA takes it, and only if it is not there put it again"
	stops := "What serves now stops working with the PSA's change"
	if !serves {
		stops = "No call is served until it has it"
	}
	unknown := errors.Is(err, secret.ErrMaybeWritten)
	switch {
	case unknown && ahead:
		return fmt.Sprintf("it is not known whether the store has it: %v. %s", err, look)
	case unknown:
		return fmt.Sprintf("the PSA TAKES the new password, and it is not known whether the store has it: %v. %s. %s", err, stops, look)
	case ahead:
		return fmt.Sprintf("nothing was written: %v", err)
	}
	return fmt.Sprintf("the PSA TAKES the new password, and the store does not have it: %v. %s: put it again, or write it into the store by hand", err, stops)
}

func written(version uint64, ahead, serves bool) string {
	switch {
	case ahead && !serves:
		return fmt.Sprintf("version %d is written, and no call is served until the PSA takes it: it is tried once, and then rarely; psagate check asks at once", version)
	case ahead:
		return fmt.Sprintf("version %d is written. What serves now serves on until the PSA takes the new one, which is tried once, and again when the PSA refuses what serves", version)
	}
	return fmt.Sprintf("the PSA accepts it: version %d is written, and serves", version)
}

// stopped reports whether nothing is sent for a PSA user until somebody releases it.
func (n *lane) stopped(key guard.Key) bool {
	st, err := n.shared.guard.Login(key).Status()
	return err == nil && !st.Settings.Observe && (st.Locked || st.Failed+st.Unknown >= st.Settings.Budget)
}

// disused reports whether a reload has taken the record from the login since, or may have.
func (n *lane) disused() bool {
	n.mu.Lock()
	closed := n.closed
	n.mu.Unlock()
	now := n.shared.speakers.speaker(n.Name)
	return closed && (now == nil || now == n || now.record() != n.record())
}

func disused(version uint64, login string, ahead bool) string {
	taken := "the PSA accepts it: "
	if ahead {
		taken = ""
	}
	return fmt.Sprintf("%sversion %d is written. The config was reloaded meanwhile, and this record is not login %s's there, as far as is known: psagate status says what serves", taken, version, login)
}

// discard forgets the candidate's secret where nothing has come of it.
func (n *lane) discard(c candidate) {
	st, err := n.shared.guard.Login(c.key).Status()
	if err == nil && !slices.Contains([]guard.Fingerprint{st.Newest, st.Serving, st.Last}, c.fp) {
		n.shared.wallet.remove(c.key, c.fp)
	}
}
