package call

import (
	"net/http"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/soap"
)

// letter is what a request's line says, or why it says nothing.
type letter struct {
	op  autotask.Operation
	err error
}

// admitted is a call that was let in: what stands above its body was judged, and its body has come.
type admitted struct {
	op       autotask.Operation
	query    string
	who      *caller
	resource string            // that it asks to be shown as
	own      secret.Credential // that it brings, if it does
	coding   string            // of its body
	body     *received
	envelope *soap.Request       // of a SOAP call
	calls    []autotask.SOAPCall // what that asks for
	decision string              // of policy; empty: it was not asked
	out      func()              // gives its place and its body back
}

// leave gives back what the call holds, if it was let in. It may be called again.
func (in *admitted) leave() {
	if in != nil && in.out != nil {
		in.out()
		in.out = nil
	}
}

// letIn judges what stands above a call's body, and receives that. Where the call may not go on it is answered, and info says why.
func (g *Gateway) letIn(w http.ResponseWriter, r *http.Request, line letter, maxBody int64, info *report.Call) *admitted {
	who, identified := r.Context().Value(callerKey{}).(*caller)
	if !identified {
		unread(w, r)
		autotask.Bare401(w, r.Host)
		info.Outcome = report.OutcomeUnidentified
		return nil
	}
	op := line.op
	info.Integration, info.Login = who.Integration.Name, who.Integration.Login
	resource, reason, text := judge(op, line.err, r, who.Integration)
	if reason != "" {
		info.Reason = string(reason)
		if reason == autotask.Policy {
			info.Decision, info.Rule = report.Deny, report.Impersonation
		}
		unread(w, r)
		autotask.WriteError(w, op.API, reason, text, 0)
		return nil
	}
	if refused := g.limited(who.Integration.Name, op.Action, time.Now()); refused != nil {
		if refused.reason == autotask.Policy {
			info.Decision, info.Rule = report.Deny, report.Freeze
		}
		info.Reason = g.refuseEntry(w, r, op.API, refused)
		return nil
	}
	if full := g.hourFull(who.hour, time.Now()); full != nil {
		g.shared.rates.Back(who.Integration.Name)
		info.Reason = g.refuseEntry(w, r, op.API, full)
		return nil
	}
	body, leave, err := g.admit(w, r, who.Integration, maxBody)
	if err != nil {
		if info.Reason = g.refuseEntry(w, r, op.API, err); info.Reason == string(autotask.Rate) {
			g.shared.rates.Back(who.Integration.Name) // told to come again in a second, it is to be let in then
		}
		return nil
	}
	in := &admitted{op: op, query: r.URL.RawQuery, who: who, resource: resource, coding: codingOf(r), body: body, out: leave}
	if op.API == autotask.SOAP && !g.opened(w, r, in, info) {
		in.leave()
		return nil
	}
	if op.API == autotask.REST && who.Brings {
		in.brought(r.Header)
	}
	return in
}

// codingOf is how a request says that its body is to be read.
func codingOf(r *http.Request) string { return strings.Join(r.Header["Content-Encoding"], ", ") }

// judged returns the call that policy let pass, or nil where it was not asked. One that was changed since is refused: what leaves is
// what was judged.
func (g *Gateway) judged(w http.ResponseWriter, r *http.Request, op autotask.Operation, info *report.Call) *admitted {
	by, _ := r.Context().Value(callerKey{}).(*caller)
	if by == nil || by.let == nil {
		return nil
	}
	in := by.let
	who := in.who.Integration
	info.Integration, info.Login = who.Name, who.Login
	resource := in.resource
	if op.API == autotask.REST {
		resource, _ = autotask.Impersonation(r.Header)
	}
	if in.op == op && in.query == r.URL.RawQuery && in.resource == resource && in.coding == codingOf(r) {
		return in
	}
	g.log.Error("a handler between psa_policy and psa_proxy changed the call, so it is refused: policy judged another one", "integration", who.Name)
	info.Reason = string(autotask.Policy)
	autotask.WriteError(w, op.API, autotask.Policy, "this gateway changed the call after policy had judged it: an operator finds the cause in its log", 0)
	return nil
}
