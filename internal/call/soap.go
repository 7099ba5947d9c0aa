package call

import (
	"errors"
	"net/http"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/soap"
	"github.com/psagate/psagate/policy"
)

// opened reads the envelope of a SOAP call that was let in. Where the call may not go on it is answered, and info says why.
func (g *Gateway) opened(w http.ResponseWriter, r *http.Request, in *admitted, info *report.Call) bool {
	err := in.read(r)
	var refusal *soap.Refusal
	switch {
	case errors.As(err, &refusal):
		info.Reason = string(autotask.BadRequest)
		writeFault(w, refusal.Code, autotask.BadRequest, refusal.Error())
		return false
	case err != nil:
		info.Reason = g.refuseEntry(w, r, autotask.SOAP, err)
		return false
	}
	in.describe(info)
	g.auditedOf(r).opened(in) // Identify has begun it
	if in.who.Brings && !in.brought(r.Header) {
		info.Reason = string(autotask.BadRequest)
		autotask.WriteError(w, autotask.SOAP, autotask.BadRequest, "who brings a PSA credential of his own sends the integration code too, once: in the envelope's Header, AutotaskIntegrations/IntegrationCode", 0)
		return false
	}
	if in.resource != "" && !in.who.Integration.Impersonate {
		info.Reason, info.Decision, info.Rule = string(autotask.Policy), report.Deny, report.Impersonation
		autotask.WriteError(w, autotask.SOAP, autotask.Policy, "this integration may not send ImpersonateAsResourceID", 0)
		return false
	}
	return true
}

// read reads the envelope. A call that asks for nothing would be one that nobody could judge.
func (in *admitted) read(r *http.Request) error {
	body, err := in.body.Open()
	if err != nil {
		return err
	}
	defer body.Close()
	if in.envelope, err = soap.Read(heeding{body, r.Context()}, in.op.Call.Action()); err != nil {
		return err
	}
	in.resource, in.calls = in.envelope.Impersonate, autotask.SOAPCalls(in.envelope)
	if len(in.calls) == 0 {
		return &soap.Refusal{Code: soap.Client, Text: "the call names no record; send at least one"}
	}
	return nil
}

// describe says what a SOAP call is about. Of several records it tells the first one's entity, and no id.
func (in *admitted) describe(info *report.Call) {
	if len(in.calls) == 0 {
		return
	}
	info.Action, info.Entity = string(in.calls[0].Action), in.calls[0].Resource.Entity
	if len(in.calls) == 1 {
		info.ID = in.calls[0].Resource.ID
	}
}

// sentQuery is the query string that goes to the PSA. A SOAP call has none: nothing is known that the PSA would take from it.
func (in *admitted) sentQuery() string {
	if in.envelope != nil {
		return ""
	}
	return in.query
}

// requestsOf is a SOAP call as policies see it.
func (g *Gateway) requestsOf(in *admitted) []policy.Request {
	all := make([]policy.Request, len(in.calls))
	for i, c := range in.calls {
		all[i] = g.request(in, c)
	}
	return all
}

// decideAny asks about a request, and where a SOAP call says less than REST would, about what it may be: it must be permitted as it is,
// and nothing that it may be may be forbidden. That is the entity of a record which the call does not tell, and fields whose name in REST
// is not known.
func (g *Gateway) decideAny(request policy.Request, c autotask.SOAPCall) (decisive policy.Request, d policy.Decision) {
	decisive, d = request, g.policy.Decide(request)
	if d.Allowed() && c.Fields.Unsure {
		unsure := request
		unsure.Fields, unsure.Filters = policy.Names{}, policy.Names{}
		// A permit that fails for what is not known says nothing: what it lists are names that the call has.
		if m := g.policy.Decide(unsure); m.Forbids {
			return unsure, m
		}
	}
	for _, entity := range c.Maybe() {
		if !d.Allowed() {
			break
		}
		request.Entity = entity
		if m := g.policy.Decide(request); m.Why == policy.Forbidden || m.Why == policy.Failed {
			return request, m
		}
	}
	return decisive, d
}

// unsureText says to a caller why fields that a policy does not name are denied.
const unsureText = "a field of this call may be forbidden by its name in REST, which is not known: "

// writeFault answers a SOAP call with an error of the gateway's own whose fault code is known.
func writeFault(w http.ResponseWriter, code soap.FaultCode, reason autotask.Reason, text string) {
	status, header, body := autotask.FaultAnswer(code, reason, text, 0)
	addTo(w.Header(), header)
	w.WriteHeader(status)
	// The client may be gone: there is nobody left to tell.
	_, _ = w.Write(body)
}
