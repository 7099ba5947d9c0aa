package call

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/inject"
	"github.com/psagate/psagate/internal/secret"
)

// Pass-through: a caller brings a PSA credential of his own, in the headers that the PSA knows. It is sent in place of the
// login's; what the login says of zone, hosts and limits holds for it.

// maxOwn is the length in bytes beyond which a header is no part of a PSA credential.
const maxOwn = 256

var codeHeader = http.CanonicalHeaderKey(autotask.HeaderIntegrationCode)

// ownCredential returns the PSA credential that a REST call brings, where it brings a whole one and each part once.
func ownCredential(h http.Header) (cred secret.Credential, ok bool) {
	var parts [3]string
	for i, name := range [...]string{userHeader, secretHeader, codeHeader} {
		if len(h[name]) != 1 {
			return cred, false
		}
		parts[i] = h[name][0]
	}
	return wholeCredential(parts)
}

// wholeCredential makes a credential of its parts, where they can be one.
func wholeCredential(parts [3]string) (cred secret.Credential, ok bool) {
	for _, part := range parts {
		if part == "" || len(part) > maxOwn {
			return cred, false
		}
	}
	if _, err := identity.ParseKey(parts[2]); !errors.Is(err, identity.ErrNotAKey) { // a key of psagate's does not go to the PSA
		return cred, false
	}
	return secret.Credential{UserName: parts[0], Secret: secret.NewValue(parts[1]), IntegrationCode: secret.NewValue(parts[2])}, true
}

// ownBasic returns the PSA user and secret that a SOAP call brings, where it brings them once. The code is in its envelope.
func ownBasic(h http.Header) (user, password string, ok bool) {
	lines := h["Authorization"]
	if len(lines) != 1 || len(h[userHeader])+len(h[secretHeader]) > 0 {
		return "", "", false
	}
	user, password, ok = (&http.Request{Header: http.Header{"Authorization": lines}}).BasicAuth()
	return user, password, ok && user != "" && password != ""
}

// addOwn adds to what a call presents that it brings a PSA credential.
func addOwn(p *identity.Presented, api autotask.API, h http.Header) {
	if !p.MayBring() {
		return
	}
	if api == autotask.SOAP {
		if user, _, ok := ownBasic(h); ok {
			p.AddUser(autotask.CanonicalUser(user))
		}
		return
	}
	if cred, ok := ownCredential(h); ok {
		p.AddUser(autotask.CanonicalUser(cred.UserName))
	}
}

// brought keeps the PSA credential that a call brings, by which it was identified. It reports whether that is a whole one.
func (in *admitted) brought(h http.Header) (ok bool) {
	if in.op.API == autotask.REST {
		in.own, ok = ownCredential(h)
		return ok
	}
	user, password, _ := ownBasic(h)
	in.own, ok = wholeCredential([3]string{user, password, in.envelope.Code()})
	return ok
}

// visit is one call of a caller who brings his own credential. It is the lane, but for what is sent.
type visit struct {
	*lane
	user       string // canonical
	credential secret.Credential
	from       *identity.Integration
	address    string
}

// entrance returns where the call waits for its unit: its integration's way, or that with the credential that it brings.
// No integration whose callers bring credentials calls through a pool.
func entrance(w way, who *caller, cred secret.Credential) inject.Entrance {
	n, ok := w.(*lane)
	if !ok || !who.Brings {
		return w
	}
	user := autotask.CanonicalUser(cred.UserName)
	cred.UserName = who.Integration.PassThrough[user] // a caller's odd spelling may mean nobody to the PSA
	return &visit{n, user, cred, who.Integration, who.client}
}

// Reserve implements inject.Entrance.
func (v *visit) Reserve(ctx context.Context, ask guard.Ask) (inject.Ticket, error) {
	n, start := v.lane, time.Now()
	defer func() { n.shared.observer.Waited(n.Name, time.Since(start)) }()
	for {
		s, err := v.seat(ctx, ask.Since)
		if err != nil {
			return inject.Ticket{}, err
		}
		ask.Brings = v.brought() // by the installation's key, which is known now
		t, err := v.reserve(ctx, s, ask)
		var d *guard.Denied
		if errors.As(err, &d) && d.Reason == guard.Moved { // the record named this user, and does no more
			continue
		}
		return t, err
	}
}

func (v *visit) reserve(ctx context.Context, s *seat, ask guard.Ask) (inject.Ticket, error) {
	n := v.lane
	if err := s.guard.RenameBrought(n.shared.formerFingerprint(v.credential), ask.Brings); err != nil {
		return inject.Ticket{}, err
	}
	defer n.shared.guests.hold(s.guard.Key(), ask.Brings.Fingerprint, v.credential)()
	a, err := s.guard.Acquire(ctx, ask)
	s.stored(err)
	if err != nil {
		return inject.Ticket{}, err
	}
	t, err := n.ticket(ctx, s, a)
	if err != nil {
		n.settle(s.guard, a, guard.Outcome{Verdict: guard.NotSent})
		return inject.Ticket{}, err
	}
	return t, nil
}

// brought tells the guard of the credential.
func (v *visit) brought() *guard.Brought {
	return &guard.Brought{
		Fingerprint: v.shared.fingerprint(v.credential),
		Code:        v.shared.guard.Fingerprint("", "", v.credential.IntegrationCode.Reveal()),
		Address:     v.address,
		Bound:       v.from.Alone() && v.passThrough[v.user].all == 1,
		Sole:        v.passThrough[v.user].all == 1,
	}
}

// seat returns the PSA user that the caller's credential is for, once the config is in force.
func (v *visit) seat(ctx context.Context, since time.Time) (*seat, error) {
	n := v.lane
	ctx, cancel := context.WithDeadline(ctx, since.Add(n.Settings.QueueDeadline))
	defer cancel()
	defer context.AfterFunc(n.shared.draining, cancel)()
	select {
	case <-n.committed:
	case <-ctx.Done():
		return nil, n.unavailable(ctx.Err())
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.guests == nil { // its config is over
		return nil, n.unavailableUser()
	}
	s, err := n.guest(v.user)
	if err != nil {
		return nil, n.unavailableUser()
	}
	return s, nil
}

// unavailableUser is what a caller hears whose PSA user the gateway could not set up.
func (n *lane) unavailableUser() error {
	return &guard.Denied{Reason: guard.ZoneUnknown, RetryAfter: 5 * time.Second, Text: "the gateway cannot tell the zone of this user: an operator finds the cause in its log"}
}
