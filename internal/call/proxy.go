package call

import (
	"context"
	"errors"
	"net/http"
	"strings"

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
}

// trip is one call on its way, for whoever shapes its answer.
type trip struct {
	inject.Call
	public string
	lane   *lane
}

type tripKey struct{}

// Proxy takes an identified call to the PSA and answers it. It parses the operation from the request itself: what leaves
// is what was parsed here.
func (g *Gateway) Proxy(w http.ResponseWriter, r *http.Request, o ProxyOptions) report.Call {
	op, err := autotask.ParseOperation(r.Method, r.URL.EscapedPath())
	info := described(op)
	caller, identified := r.Context().Value(callerKey{}).(identity.Caller)
	switch {
	case err == nil && op.Free:
		info.Reason = g.free(w, op, publicURL(r, o))
		return info
	case !identified:
		unread(w, r)
		autotask.Bare401(w, r.Host)
		return info
	}
	info.Integration, info.Login = caller.Integration.Name, caller.Integration.Login
	fail := func(reason autotask.Reason, text string) report.Call {
		info.Reason = string(reason)
		unread(w, r)
		autotask.WriteError(w, op.API, reason, text, 0)
		return info
	}
	if err == nil {
		err = autotask.CheckQuery(r.URL.RawQuery)
	}
	var bad *autotask.RequestError
	switch {
	case errors.As(err, &bad):
		return fail(bad.Reason, bad.Text)
	case op.API == autotask.SOAP:
		return fail(autotask.NotFound, noSOAP)
	case r.Header.Get(autotask.HeaderImpersonation) != "":
		return fail(autotask.Policy, "this integration may not send "+autotask.HeaderImpersonation)
	}
	n := g.byName[caller.Integration.Login]
	n.enter()
	defer n.leave()
	body, err := g.shared.receive(w, r, max(o.MaxBody, 0))
	if err != nil {
		info.Reason = g.refuseBody(w, r, op.API, err)
		return info
	}
	defer body.Close()
	t := &trip{
		Call:   inject.Call{Login: n, Integration: caller.Integration.Name, Operation: op, Query: r.URL.RawQuery, Body: body},
		public: publicURL(r, o), lane: n,
	}
	g.carry(w, r, t)
	info.Zone, info.CredentialVersion, info.Reason = t.Ticket.Base.String(), t.Ticket.Attempt.Version, string(t.Reason)
	return info
}

// carry hands the call to the reverse proxy, which keeps the rules of HTTP: hop-by-hop headers, trailers, early hints, hang-ups.
func (g *Gateway) carry(w http.ResponseWriter, r *http.Request, t *trip) {
	ctx := context.WithValue(r.Context(), tripKey{}, t)
	r = r.WithContext(inject.WithCall(ctx, &t.Call))
	r.Body, r.ContentLength = http.NoBody, 0
	r.Header = r.Header.Clone()
	for _, hop := range [...]string{"Connection", "Upgrade"} { // no protocol is changed on the way to the PSA
		r.Header.Del(hop)
	}
	g.proxy.ServeHTTP(&hinting{ResponseWriter: w, trip: t}, r)
}

// gone is called where a call has no answer: its caller has left, or the answer could not be carried.
func gone(w http.ResponseWriter, r *http.Request, _ error) {
	if r.Context().Err() == nil {
		autotask.WriteError(w, autotask.REST, autotask.UpstreamUnreachable, "the PSA's answer could not be passed on: look whether the call was carried out before you repeat it", 0)
	}
}

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
