package call

import (
	"errors"
	"net/http"
	"strings"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/inject"
	"github.com/psagate/psagate/internal/report"
)

// DefaultMaxBody is the largest request body, in bytes.
const DefaultMaxBody = 16 << 20

// ProxyOptions are the settings of one way to the PSA.
type ProxyOptions struct {
	// PublicURL is the gateway's base URL as clients know it; empty: scheme and host of the request.
	PublicURL string
	// MaxBody is the largest request body, in bytes, inflated size included. Default: DefaultMaxBody.
	MaxBody int64
	// Web: people who come to this address are led to the PSA's web pages.
	Web bool
}

func (o ProxyOptions) maxBody() int64 {
	if o.MaxBody <= 0 {
		return DefaultMaxBody
	}
	return o.MaxBody
}

// Proxy takes an identified call to the PSA and answers it. It parses the operation from the request itself: what leaves
// is what was parsed here.
func (g *Gateway) Proxy(w http.ResponseWriter, r *http.Request, o ProxyOptions) (info report.Call) {
	op, err := autotask.ParseRequest(r.Method, r.URL.EscapedPath(), r.Header)
	info = described(op)
	line := g.auditedOf(r)
	line.about(op)
	line.asks(r.Header)
	w = line.over(w)
	status := 0 // of the answer, once it has ended; where it breaks off on its way this function panics
	defer func() {
		info.End(status)
		g.shared.observer.Answered(info)
		line.end(info, audit.ByGateway)
	}()
	switch {
	case early(r):
		info.Reason = tooEarly(w, r, op.API)
		return info
	case nameless(r, o):
		unread(w, r)
		info.Reason = string(autotask.BadRequest)
		autotask.WriteError(w, op.API, autotask.BadRequest, "the request names no host: send a Host header", 0)
		return info
	case err == nil && op.Free:
		info.Reason, status = g.free(w, r, op, address{publicURL(r, o), o.Web}), http.StatusOK
		return info
	}
	in := g.judged(w, r, op, &info)
	if in == nil && info.Reason == "" {
		in = g.letIn(w, r, letter{op, err}, o.maxBody(), &info)
	}
	if in == nil {
		return info
	}
	defer in.leave()
	info.Decision = in.decision
	in.describe(&info)
	who := in.who
	if err := line.begin(r, in); err != nil {
		info.Reason = g.refuseEntry(w, r, op.API, err)
		return info
	}
	t := &trip{
		Call: inject.Call{
			Entrance: switched{entrance(g.ways[who.Integration.Login], who, in.own), g.shared.switches, who.Integration}, Integration: who.Integration.Name, Operation: op, Query: in.sentQuery(),
			Body: in.body, Envelope: in.envelope, Impersonate: in.resource, Until: who.inside.until(),
		},
		public: publicURL(r, o), log: g.log,
	}
	defer line.left(t)
	defer who.inside.left(t)
	t.carry(w, r)
	if n := t.served(); n != nil {
		info.Login = n.Name
	}
	info.Zone, info.CredentialVersion, info.Reason = t.Ticket.Base.String(), t.Ticket.Attempt.Version, string(t.Reason)
	status = t.status
	return info
}

// admit takes a call's place among its integration's, and its body. leave gives both back.
func (g *Gateway) admit(w http.ResponseWriter, r *http.Request, i *identity.Integration, maxBody int64) (body *received, leave func(), err error) {
	way := g.ways[i.Login]
	most, full := g.atOnce(i.Name, max(callsAtOnce, 4*way.queueLength()))
	stake := g.shared.shares.enter(i.Name, most, maxBody)
	if stake == nil {
		return nil, nil, full
	}
	way.enter()
	out := func() {
		way.leave()
		stake.leave()
	}
	if body, err = g.shared.receive(w, r, maxBody, stake); err != nil {
		out()
		return nil, nil, err
	}
	return body, func() {
		body.Close()
		out()
	}, nil
}

// judge says why a call is not taken by what stands above its body, and which resource it asks to be shown as. parsing is
// what came of its request line.
func judge(op autotask.Operation, parsing error, r *http.Request, i *identity.Integration) (resource string, reason autotask.Reason, text string) {
	err := parsing
	if err == nil {
		err = autotask.CheckQuery(r.URL.RawQuery)
	}
	if err == nil && op.API == autotask.SOAP {
		err = autotask.CheckEnvelope(r.Header)
	}
	var bad *autotask.RequestError
	switch {
	case errors.As(err, &bad):
		return "", bad.Reason, bad.Text
	case op.API == autotask.SOAP: // it impersonates in the envelope
		return "", "", ""
	case autotask.Impersonates(r.Header) && !i.Impersonate:
		return "", autotask.Policy, "this integration may not send " + autotask.HeaderImpersonation
	}
	if resource, err = autotask.Impersonation(r.Header); errors.As(err, &bad) {
		return "", bad.Reason, bad.Text
	}
	return resource, "", ""
}

// nameless reports whether nobody can say where a call came to: HTTP/1.0 demands no Host, and an address of this machine
// is nobody's business.
func nameless(r *http.Request, o ProxyOptions) bool { return r.Host == "" && o.PublicURL == "" }

// publicURL is the gateway's base URL as the client sees it, without a slash at the end.
func publicURL(r *http.Request, o ProxyOptions) string {
	if o.PublicURL != "" {
		return strings.TrimRight(o.PublicURL, "/")
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}
