package call

import (
	"context"
	"errors"
	"net/http"
	"net/netip"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/report"
)

type callerKey struct{}

// Identify finds out who calls. Where that is nobody it answers as the PSA does whatever is wrong with a sign-in, and
// returns done. Calls that need no sign-in pass as nobody's.
func (g *Gateway) Identify(w http.ResponseWriter, r *http.Request, clientIP string) (*http.Request, report.Call, bool) {
	op, err := autotask.ParseOperation(r.Method, r.URL.EscapedPath())
	if err == nil && op.Free {
		return r, described(op), false
	}
	secretHeader, userHeader := autotask.HeaderSecret, autotask.HeaderUserName
	caller, err := g.book.Identify(identity.FromRequest(r.Header, userHeader, secretHeader))
	if err != nil {
		g.stranger(w, r, op.API, clientIP, caller, err)
		return r, described(op), true
	}
	if caller.UserDiffers {
		g.log.Debug("the user name beside the key is not the integration's", "integration", caller.Integration.Name, "key", caller.KeyID)
	}
	info := described(op)
	info.Integration, info.Login = caller.Integration.Name, caller.Integration.Login
	return r.WithContext(context.WithValue(r.Context(), callerKey{}, caller)), info, false
}

// stranger answers a call that shows no good key. The caller hears no reason, so that clients behave as they do toward
// the PSA; the log does.
func (g *Gateway) stranger(w http.ResponseWriter, r *http.Request, api autotask.API, clientIP string, caller identity.Caller, err error) {
	unread(w, r)
	var reason identity.Reason
	errors.As(err, &reason)
	addr, parseErr := netip.ParseAddr(clientIP)
	if parseErr == nil {
		if again, blocked := g.shared.limits.Fail(addr); blocked { // and unlogged: the log is not the caller's to fill
			autotask.WriteError(w, api, autotask.TooManyFailures, "too many calls without a good key came from this address", again)
			return
		}
	}
	g.log.Warn("a call without a good key", "reason", string(reason), "key", caller.KeyID, "client_ip", clientIP)
	autotask.Bare401(w, r.Host)
}

// described is what is known of a call by its request line.
func described(op autotask.Operation) report.Call {
	c := report.Call{Entity: op.Entity, Action: string(op.Action), ID: op.ID}
	if op.Child != "" {
		c.Entity += "/" + op.Child
	}
	return c
}
