package call

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/policy"
)

// Judge decides what integrations may do. Any number of callers may ask it at once.
type Judge interface {
	// Decide says whether a call may pass.
	Decide(policy.Request) policy.Decision
	// Observes: what it denies passes all the same, and is only told of.
	Observes() bool
}

// Police asks policy about an identified call, before any secret is touched. Where it may not pass it is answered, and done; else it
// goes on to Proxy, and leave is called once it has ended. maxBody is the largest body, in bytes, inflated
// size included; 0: DefaultMaxBody. Calls that need no sign-in pass unasked.
func (g *Gateway) Police(w http.ResponseWriter, r *http.Request, maxBody int64) (info report.Call, leave func(), done bool) {
	op, err := autotask.ParseRequest(r.Method, r.URL.EscapedPath(), r.Header)
	info = described(op)
	if err == nil && op.Free {
		return info, func() {}, false
	}
	line := g.auditedOf(r)
	line.about(op)
	line.asks(r.Header)
	w = line.over(w)
	in := g.letIn(w, r, letter{op, err}, ProxyOptions{MaxBody: maxBody}.maxBody(), &info)
	if in == nil || !g.permitted(w, r, in, line, &info) {
		in.leave()
		info.End(0)
		g.shared.observer.Answered(info)
		line.end(info, audit.ByPolicy)
		return info, func() {}, true
	}
	in.who.let = in
	return info, in.leave, false
}

// permitted asks policy. A call that is denied is answered.
func (g *Gateway) permitted(w http.ResponseWriter, r *http.Request, in *admitted, line *audited, info *report.Call) bool {
	requests, err := g.requests(r, in, line)
	if err != nil {
		info.Reason = g.refuseEntry(w, r, in.op.API, err)
		return false
	}
	request, d, which := g.decide(requests, in.calls)
	if which != "" {
		line.concerns(request)
	}
	line.decided(d, d.Outcome == policy.Deny && g.policy.Observes())
	if d.Outcome == policy.Deny && g.policy.Observes() {
		in.decision = report.WouldDeny
	} else {
		in.decision = string(d.Outcome)
	}
	info.Decision = in.decision
	if d.Allowed() {
		return true
	}
	info.Said = which + d.String()
	g.logDenied(request, in, d)
	if in.decision == report.WouldDeny {
		return true
	}
	reason := autotask.Policy
	if d.Outcome == policy.StepUp { // which no integration can take
		reason = autotask.StepUp
	}
	info.Reason = string(reason)
	autotask.WriteError(w, in.op.API, reason, info.Said, 0)
	return false
}

// logDenied logs what policy denies, once a minute for each kind of call.
func (g *Gateway) logDenied(request policy.Request, in *admitted, d policy.Decision) {
	entity := autotask.EntityLabel(request.Entity) // callers choose what others there are
	if !g.said.again("policy " + in.who.Integration.Name + " " + string(request.Action) + " " + entity + " " + string(d.Why)) {
		return
	}
	text := "policy denied a call"
	if in.decision == report.WouldDeny {
		text = "policy would deny a call, and is only observed"
	}
	with := []any{"integration", in.who.Integration.Name, "action", string(request.Action), "entity", request.Entity, "id", request.ID, "why", string(d.Why), "decision", d.String()}
	if d.Permit != "" {
		with = append(with, "permit", d.Permit)
	}
	g.log.Warn(text, with...)
}

// decide asks about each request, which are one call's: all of them must be permitted. It returns the first that is not, or the last, and
// where there are several says which of them that is.
func (g *Gateway) decide(requests []policy.Request, calls []autotask.SOAPCall) (decisive policy.Request, d policy.Decision, which string) {
	for i, request := range requests {
		var c autotask.SOAPCall // of REST: nothing that it leaves open
		if len(calls) > 0 {
			c = calls[i]
		}
		if decisive, d = g.decideAny(request, c); d.Allowed() {
			continue
		}
		if len(requests) > 1 {
			which = fmt.Sprintf("record %d of %d, %s %s: ", i+1, len(requests), request.Action, request.Entity)
		}
		if c.Fields.Unsure && d.Forbids && !decisive.Fields.Known() && !decisive.Filters.Known() {
			which += unsureText
		}
		break
	}
	return decisive, d, which
}

// requests is the call as policies see it: one request, and of a SOAP call that writes several records one for each.
func (g *Gateway) requests(r *http.Request, in *admitted, line *audited) ([]policy.Request, error) {
	if in.envelope != nil {
		return g.requestsOf(in), nil
	}
	fields, err := fieldsOf(in.op, r, in.body)
	if err != nil {
		return nil, err
	}
	line.fields(in.op, fields)
	return []policy.Request{g.request(in, autotask.SOAPCall{Action: in.op.Action, Resource: in.op.Resource(), Fields: fields})}, nil
}

// request is one thing that a call asks for as policies see it.
func (g *Gateway) request(in *admitted, c autotask.SOAPCall) policy.Request {
	i, what := in.who.Integration, c.Resource
	out := policy.Request{
		Principal: in.who.principal(),
		Action:    policy.Action(c.Action), Entity: what.Entity, ID: what.ID, Parent: policy.Parent{Entity: what.Parent, ID: what.ParentID},
		API: in.op.API.String(), Method: in.op.Method, Time: time.Now(), SourceIP: clientAddress(in.who.client),
		Impersonates: in.resource != "", Zone: g.zoneOf(i.Login),
	}
	tell(&out, c.Fields)
	return out
}

// tell says which fields the call is about, as far as that is known.
func tell(request *policy.Request, f autotask.Fields) {
	if f.Problem != "" {
		return
	}
	request.Filters = policy.Known(f.Filters...)
	if !f.Whole {
		request.Fields = policy.Known(f.Written...)
	}
	if request.Action == policy.Update && request.ID == "" {
		request.ID = f.ID
	}
	if !f.All {
		request.Returns = policy.Known(f.Returned...)
	}
}

// zoneOf is the base URL that the calls of a login go to, where that is known without a look at anything; of a pool's logins it is not.
func (g *Gateway) zoneOf(login string) string {
	n, ok := g.ways[login].(*lane)
	if !ok {
		return ""
	}
	if last := n.parsed.Load(); last != nil {
		return last.text
	}
	return ""
}

// byDefault is the judge where the config has none.
var byDefault = sync.OnceValue(func() Judge {
	policies, err := policy.Load(nil, policy.Options{})
	if err != nil { // it is part of this program
		panic(err)
	}
	return readOnly{policies}
})

type readOnly struct{ *policy.Policies }

// Observes implements Judge.
func (readOnly) Observes() bool { return false }
