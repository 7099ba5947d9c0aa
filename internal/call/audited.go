package call

import (
	"context"
	"net/http"
	"time"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/policy"
)

// Auditor writes down what happened. Its methods may be called by any number of callers at once.
type Auditor interface {
	// Enter keeps it open until Leave was called as often.
	Enter()
	Leave()
	// Begin is called before a call goes to the PSA, with what is known of it. After an error the call must not be made. What it
	// returns is ended in any case.
	Begin(context.Context, audit.Entry) (Begun, error)
	// Note writes what nothing depends on, and never waits.
	Note(audit.Entry)
}

// Begun is a call that was begun.
type Begun interface {
	// End is called once, with what came of the call. It never waits.
	End(audit.Result)
}

type auditedKey struct{}

// audited is what the audit log will say of one call. It stands between the call and its caller to see which status he gets. A nil
// one is of a call that nobody writes down.
type audited struct {
	http.ResponseWriter

	gateway *Gateway
	start   time.Time
	entry   audit.Entry
	begun   Begun        // nil: the call does not go to the PSA
	sent    bool         // it had a unit
	parsed  bool         // its fields are known
	with    audit.Result // what it was sent with
	status  int
	ended   bool
}

// newAudited begins what is said of a call.
func (g *Gateway) newAudited(r *http.Request, clientIP string) *audited {
	if g.audit == nil {
		return nil
	}
	g.audit.Enter()
	return &audited{gateway: g, start: time.Now(), entry: audit.Entry{Kind: audit.Call, Address: clientIP, Method: r.Method}}
}

// auditedOf returns what Identify began, or begins one: what comes to Proxy without it is a call too.
func (g *Gateway) auditedOf(r *http.Request) *audited {
	if g.audit == nil {
		return nil
	}
	if a, ok := r.Context().Value(auditedKey{}).(*audited); ok {
		return a
	}
	return g.newAudited(r, "")
}

// Leave ends what Identify began, for calls that never came to Proxy: another handler answered them.
func (g *Gateway) Leave(r *http.Request) {
	if g.audit == nil {
		return
	}
	if a, ok := r.Context().Value(auditedKey{}).(*audited); ok {
		a.end(report.Call{Outcome: report.OutcomeGone}, audit.ByGateway)
	}
}

// keep puts it into a call's context.
func (a *audited) keep(ctx context.Context) context.Context {
	if a == nil {
		return ctx
	}
	return context.WithValue(ctx, auditedKey{}, a)
}

// pass returns the request with it in its context.
func (a *audited) pass(r *http.Request) *http.Request {
	if a == nil {
		return r
	}
	return r.WithContext(a.keep(r.Context()))
}

// over returns what the call is answered through.
func (a *audited) over(w http.ResponseWriter) http.ResponseWriter {
	if a == nil {
		return w
	}
	a.ResponseWriter = w
	return a
}

// Unwrap is for http.ResponseController.
func (a *audited) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (a *audited) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK { // interim answers come from elsewhere, and count for nothing
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (a *audited) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(p)
}

// about says what the call is.
func (a *audited) about(op autotask.Operation) {
	if a == nil || a.parsed { // more is known by now
		return
	}
	e := &a.entry
	e.Action, e.Entity, e.ID, e.Child, e.ChildID = string(op.Action), op.Entity, op.ID, op.Child, op.ChildID
	if op.API == autotask.SOAP {
		e.API = op.API.String()
	}
}

// asks says as whom the caller asks to be shown, whether he may or not.
func (a *audited) asks(h http.Header) {
	if a == nil {
		return
	}
	if resource, err := autotask.Impersonation(h); err == nil {
		a.entry.Impersonates = resource
	}
}

// from says whose the call is, as far as that was found out.
func (a *audited) from(who identity.Caller) {
	if a == nil {
		return
	}
	a.entry.Key, a.entry.Issuer = who.KeyID, who.Issuer
	i := who.Integration
	if i == nil {
		i = who.Refused
	}
	if i != nil {
		a.entry.CallerKind, a.entry.Caller, a.entry.Login = audit.Integration, i.Name, i.Login
	}
}

// fromMailbox says that the call is a mailbox's, as itself.
func (a *audited) fromMailbox(name, login string) {
	if a != nil {
		a.entry.CallerKind, a.entry.Caller, a.entry.Login = audit.Mailbox, name, login
	}
}

// notLetIn says why a caller is not: a word of identity's.
func (a *audited) notLetIn(why error) {
	if a != nil {
		a.entry.Reasons = []string{why.Error()}
	}
}

// decided says what policy decided, and why.
func (a *audited) decided(d policy.Decision, observed bool) {
	if a == nil {
		return
	}
	a.entry.Decision, a.entry.Reasons = audit.Permit, reasonsOf(d)
	if !d.Allowed() {
		a.entry.Decision, a.entry.Observed = audit.Deny, observed
	}
}

// fields says which fields the call is about. Whoever finds out before begin does says so, so that it is done once.
func (a *audited) fields(op autotask.Operation, f autotask.Fields) {
	if a == nil {
		return
	}
	a.parsed = true
	a.entry.Fields, a.entry.Filters, a.entry.Returns = f.Written, f.Filters, f.Returned
	a.entry.FieldsUnknown = f.Problem != ""
	switch op.Form { // where the id of what is updated is in the body
	case autotask.FormEntity:
		a.entry.ID = f.ID
	case autotask.FormChild:
		a.entry.ChildID = f.ID
	}
}

// begin is the last step before a call waits for its turn. After an error the call must not be made.
func (a *audited) begin(r *http.Request, in *admitted) error {
	if a == nil {
		return nil
	}
	if !a.parsed {
		fields, err := fieldsOf(in.op, r, in.body)
		if err != nil {
			return err
		}
		a.fields(in.op, fields)
	}
	var err error
	if a.begun, err = a.gateway.audit.Begin(r.Context(), a.entry); err != nil {
		return &entryError{reason: autotask.AuditUnavailable, retryAfter: auditPause, text: "this gateway must write down each call and cannot: an operator finds the cause with psagate status"}
	}
	return nil
}

// left notes what the call left for the PSA with, if it did; also of one whose answer broke off.
func (a *audited) left(t *trip) {
	if a == nil || t.Ticket.Guard == nil {
		return
	}
	a.sent = true
	a.with.CredentialVersion, a.with.Zone = t.Ticket.Attempt.Version, t.Ticket.Base.String()
	if n := t.served(); n != nil {
		a.with.Login = n.Name
	}
}

// auditPause is after what time a caller may ask again whose call could not be written down.
const auditPause = 5 * time.Second

// end writes what came of the call, the first time it is called. by is the part that decided, where the answer's reason does not
// say so.
func (a *audited) end(info report.Call, by audit.Part) {
	if a == nil || a.ended {
		return
	}
	a.ended = true
	defer a.gateway.audit.Leave()
	result := a.with
	result.DecidedBy, result.Reason, result.Status, result.Duration = a.part(info, by), info.Reason, a.status, time.Since(a.start)
	if info.Outcome == report.OutcomeGone {
		result.Status = 0
	}
	if info.Rule != "" {
		a.entry.Decision, a.entry.Reasons = audit.Deny, []string{info.Rule}
	}
	if a.begun != nil {
		a.begun.End(result)
		return
	}
	a.note(result)
}

// note writes the line of a call that did not go to the PSA. Of those whom nobody knows there are only so many.
func (a *audited) note(result audit.Result) {
	to := a.gateway.audit
	if a.entry.Caller == "" && !a.gateway.shared.unknown.next(to) {
		return
	}
	a.entry.Take(result)
	to.Note(a.entry)
}
