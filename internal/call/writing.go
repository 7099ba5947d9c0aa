package call

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
)

// Writing says how a login's record stands that is to be written. userName is the PSA user that it is to name; empty: the one that
// it names.
func (g *Gateway) Writing(ctx context.Context, login, userName string) (report.Writing, error) {
	n := g.byName[login]
	if n == nil {
		return report.Writing{}, report.ErrUnknownLogin
	}
	now, last, err := n.presentOrGone(ctx)
	if err != nil {
		return report.Writing{}, err
	}
	out := report.Writing{Login: login, Store: n.Store, Kind: n.store.Kind, Path: n.Path, Version: now.Version, Next: last + 1, Lacks: lacks(now)}
	if err := n.store.CanWrite(ctx, n.Path); err != nil {
		return out, err
	}
	out.Serving = n.serving()
	earlier, note := n.earlier(ctx, now)
	out.Earlier = len(earlier)
	if note != "" {
		out.Notes = append(out.Notes, note)
	}
	n.foresee(now, userName, &out)
	return out, nil
}

// foresee says what the attempt of a put would be charged to, and whether there is any.
func (n *lane) foresee(now secret.Record, userName string, out *report.Writing) {
	cred := secret.Credential{UserName: now.Fields["username"].Reveal(), Zone: now.Fields["zone"].Reveal()}
	if userName != "" {
		cred.UserName = userName
	}
	key, err := n.keyOf(cred)
	if err != nil || cred.UserName == "" {
		return
	}
	user := n.shared.guard.Login(key)
	apart := n.apart(now, key)
	if apart { // as the put will: the login's settings count for that user too
		s := &seat{lane: n, guard: user}
		defer user.Attach(guard.Use{Name: n.Name, Settings: n.Settings, Upstream: s})()
	}
	st, err := user.Status()
	if err != nil {
		return
	}
	if apart {
		out.User, out.UserUnits = cred.UserName, &report.UserUnits{Budget: st.Settings.Budget, Free: st.Free()}
	}
	out.Stopped = n.stopped(key)
	switch d := user.MayTry(apart); {
	case d != nil && stands(d):
		out.Hopeless = d.Text
	case d != nil:
		out.Notes = append(out.Notes, "if it were now, nothing would be sent to the PSA: "+d.Text)
	case !apart && st.Serving.IsZero() && st.Free() == 1 && !st.Settings.Observe:
		out.Notes = append(out.Notes, "this is the last unit: if the PSA refuses it nothing more is sent, and only this helps then: psagate release "+n.Name)
	}
}

// stands reports whether a denial will be there once the password has been typed.
func stands(d *guard.Denied) bool {
	const moment = time.Second // calls under way end
	return d.Reason == guard.LoginLocked || d.Reason == guard.BudgetSpent && d.RetryAfter != moment
}

// apart reports whether a PSA user is another one than the login's: nothing that people see of the login tells of its budget.
func (n *lane) apart(now secret.Record, key guard.Key) bool {
	own, err := n.keyOf(secret.Credential{UserName: now.Fields["username"].Reveal(), Zone: now.Fields["zone"].Reveal()})
	return !(err == nil && own == key) && !slices.Contains(n.keys(), key)
}

// present reads the record as it is now; a zero one where there is none.
func (n *lane) present(ctx context.Context) (secret.Record, error) {
	rec, _, err := n.presentOrGone(ctx)
	return rec, err
}

// presentOrGone is present, and tells which version the next one comes after: also where that was deleted.
func (n *lane) presentOrGone(ctx context.Context) (rec secret.Record, last uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, writePatience)
	defer cancel()
	rec, err = n.store.Confirm(ctx, n.Path)
	var gone secret.Gone
	if errors.As(err, &gone) {
		last = gone.Version
	}
	if errors.Is(err, secret.ErrNotFound) {
		return secret.Record{Path: n.Path}, last, nil
	}
	return rec, rec.Version, err
}

// earlier returns the versions that a new password is compared with, and what is to be known of that.
func (n *lane) earlier(ctx context.Context, now secret.Record) ([]secret.Record, string) {
	ctx, cancel := context.WithTimeout(ctx, writePatience)
	defer cancel()
	all, err := n.store.History(ctx, n.Path, comparedWith)
	switch {
	case err != nil && now.Version == 0:
		return nil, ""
	case err != nil:
		return []secret.Record{now}, fmt.Sprintf("earlier passwords cannot be read, and the PSA takes none of the last five: %v", err)
	}
	return all, ""
}

// lacks returns the names of the fields that a login's record must have and this one has not.
func lacks(r secret.Record) []string {
	out := []string{}
	for _, name := range [...]string{"username", "integration_code"} {
		if r.Fields[name].Reveal() == "" {
			out = append(out, name)
		}
	}
	return out
}

// serving returns the version that calls are sent with, or nil.
func (n *lane) serving() *uint64 {
	seat := n.sitting()
	if seat == nil {
		return nil
	}
	st, err := seat.guard.Status()
	if err != nil || st.Serving.IsZero() {
		return nil
	}
	for _, c := range st.Credentials {
		if c.Fingerprint == st.Serving {
			if version, err := strconv.ParseUint(c.Version, 10, 64); err == nil {
				return &version
			}
		}
	}
	return nil
}
