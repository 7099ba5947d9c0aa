package call

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/report"
)

type callerKey struct{}

// The headers that may hold a key, as net/http has their names.
var userHeader, secretHeader = http.CanonicalHeaderKey(autotask.HeaderUserName), http.CanonicalHeaderKey(autotask.HeaderSecret)

// Identify finds out who calls. Where that is nobody it answers as the PSA does whatever is wrong with a sign-in, and
// returns done. Only an integration that is disabled is told so, and one whose key may be good is told to wait.
// Calls that need no sign-in pass as nobody's.
func (g *Gateway) Identify(w http.ResponseWriter, r *http.Request, clientIP string) (*http.Request, report.Call, bool) {
	line := g.newAudited(r, clientIP)
	out, info, done := g.identify(line.over(w), r, clientIP, line)
	if done {
		line.end(info, audit.ByIdentity)
	}
	return out, info, done
}

func (g *Gateway) identify(w http.ResponseWriter, r *http.Request, clientIP string, line *audited) (*http.Request, report.Call, bool) {
	op, err := autotask.ParseRequest(r.Method, r.URL.EscapedPath(), r.Header)
	line.about(op)
	switch {
	case early(r):
		info := described(op)
		info.Reason = tooEarly(w, r, op.API)
		g.shared.observer.Answered(info)
		return r, info, true
	case err == nil && op.Free:
		return line.pass(r), described(op), false
	}
	address := clientAddress(clientIP)
	p := identity.FromRequest(r.Header, userHeader, secretHeader)
	p.AddTLS(r.TLS)
	p.Prove(r.Context(), g.prover)
	addOwn(&p, op.API, r.Header)
	who, err := g.book.Identify(p, address, time.Now())
	if err == nil {
		if i, off := g.shared.switches.disabled(who.Integration); off {
			who.Refused, who.Integration, err = i, nil, identity.ErrDisabled
		}
	}
	line.from(who)
	if err != nil {
		line.notLetIn(err)
		info := described(op)
		info.Reason = g.refuse(w, r, op.API, address, refusal{who, err, clientIP})
		info.Outcome = cmp.Or(info.Reason, report.OutcomeUnidentified)
		if errors.Is(err, identity.ErrDisabled) { // he hears that he is known
			info.Integration, info.Login = who.Refused.Name, who.Refused.Login
		}
		g.shared.observer.Answered(info)
		return r, info, true
	}
	if who.UserDiffers {
		g.log.Debug("the user name beside the key is not the integration's", "integration", who.Integration.Name, "key", who.KeyID)
	}
	info := described(op)
	info.Integration, info.Login = who.Integration.Name, who.Integration.Login
	by := &caller{Caller: who, client: clientIP}
	if before, ok := r.Context().Value(callerKey{}).(*caller); ok {
		by.let = before.let // a call that policy has judged stays that call, whoever is asked for again
	}
	return r.WithContext(context.WithValue(line.keep(r.Context()), callerKey{}, by)), info, false
}

// early reports whether a request came before the end of its TLS handshake. Whoever has seen it on its way can send it
// again, from any address (RFC 8470).
func early(r *http.Request) bool { return r.TLS != nil && !r.TLS.HandshakeComplete }

// tooEarly asks for the request once more, after the handshake.
func tooEarly(w http.ResponseWriter, r *http.Request, api autotask.API) (reason string) {
	e := &entryError{reason: autotask.BadRequest, status: http.StatusTooEarly, text: "a request in early data can be sent again by others: send it after the TLS handshake"}
	e.write(w, r, api)
	return string(e.reason)
}

// refusal is why a call is not identified.
type refusal struct {
	caller   identity.Caller
	err      error // an identity.Reason
	clientIP string
}

// refuse answers a call that shows no good proof of who it is. The caller hears no reason, so that clients behave as they
// do toward the PSA; the log does. What it returns is the reason of an answer that has one.
func (g *Gateway) refuse(w http.ResponseWriter, r *http.Request, api autotask.API, address netip.Addr, why refusal) (reason string) {
	unread(w, r)
	answer := func(reason autotask.Reason, text string, retryAfter time.Duration) string {
		autotask.WriteError(w, api, reason, text, retryAfter)
		return string(reason)
	}
	switch { // those whose key is good are not slowed, and not logged each time
	case errors.Is(why.err, identity.ErrDisabled):
		g.shared.away.note(why)
		g.logKnown("a call of a disabled integration", why)
		return answer(autotask.Disabled, disabledText(why.caller.Refused), 0)
	case errors.Is(why.err, identity.ErrOutdated):
		g.shared.away.note(why)
		g.logKnown("a call with a key whose record is too old to be trusted", why)
		return answer(autotask.SecretUnavailable, keysUnavailable, wait)
	case errors.Is(why.err, identity.ErrIssuerUnavailable): // the token may be good, and it is not the caller's fault
		g.shared.away.note(why)
		g.logKnown("a call with a token whose issuer cannot be asked", why)
		autotask.Bare401(w, r.Host)
		return ""
	}
	again, blocked := g.shared.limits.Fail(address)
	if !blocked { // the log is not the caller's to fill
		g.shared.away.note(why)
		g.logRefusal(why)
	}
	switch {
	case errors.Is(why.err, identity.ErrUnavailable): // the key may be good, and such are not slowed
		return answer(autotask.SecretUnavailable, keysUnavailable, wait)
	case blocked:
		return answer(autotask.TooManyFailures, "too many calls without a good key came from this address", again)
	}
	autotask.Bare401(w, r.Host)
	return ""
}

// keysUnavailable is what callers hear whose key may be good; they may ask again after wait.
const (
	keysUnavailable = "this gateway cannot read all of its keys: an operator finds the cause with psagate status"
	wait            = 5 * time.Second
)

// logKnown logs a call with a known key that is not let in, once a minute for each key.
func (g *Gateway) logKnown(text string, why refusal) {
	if g.said.again(why.caller.KeyID + why.err.Error()) {
		g.logWhy(text, why)
	}
}

// logRefusal logs why a call is not identified, and never what it showed.
func (g *Gateway) logRefusal(why refusal) {
	leftOut, ok := g.shared.refused.next()
	switch {
	case ok && leftOut > 0:
		g.logWhy("a call without a good key", why, "not_logged_before", leftOut)
	case ok:
		g.logWhy("a call without a good key", why)
	}
}

func (g *Gateway) logWhy(text string, why refusal, with ...any) {
	with = append(with, "reason", why.err.Error(), "key", why.caller.KeyID, "client_ip", why.clientIP)
	if i := why.caller.Refused; i != nil {
		with = append(with, "integration", i.Name)
	}
	if why.caller.Why != "" {
		with = append(with, "why", why.caller.Why)
	}
	if why.caller.Subject != "" {
		with = append(with, "subject", why.caller.Subject)
	}
	g.log.Warn(text, with...)
}

func disabledText(i *identity.Integration) string {
	if i.DisabledReason == "" {
		return "this integration is disabled: ask whoever runs this gateway"
	}
	return "this integration is disabled: " + i.DisabledReason
}

// clientAddress reads Caddy's client_ip; the zero Addr is one that cannot be read.
func clientAddress(clientIP string) netip.Addr {
	address, err := netip.ParseAddr(clientIP)
	if err != nil {
		return netip.Addr{}
	}
	return address
}

// described is what is known of a call by its request line.
func described(op autotask.Operation) report.Call {
	c := report.Call{Entity: op.Entity, Action: string(op.Action), ID: op.ID}
	if op.Child != "" {
		c.Entity += "/" + op.Child
	}
	return c
}
