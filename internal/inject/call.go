package inject

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/soap"
)

// Entrance is where a call waits for a unit: a login, or a pool of several.
type Entrance interface {
	// Reserve waits for a unit and returns it with what to send. The error is a *guard.Denied, or the context's.
	Reserve(ctx context.Context, ask guard.Ask) (Ticket, error)
}

// Login is what a call needs of the login whose unit it has.
type Login interface {
	// Settle ends the ticket's attempt by what is known of its outcome. It reports whether the login had left the zone that the
	// attempt went to; that is looked into where the PSA refused, or nothing could be sent.
	Settle(ctx context.Context, t Ticket, o guard.Outcome) (moved bool)
	// Wire is how its zone is reached.
	Wire() *Wire
}

// Ticket is a unit, and what to send with it.
type Ticket struct {
	// Login is whose unit it is: of a pool, the login that took the call.
	Login      Login
	Attempt    guard.Attempt
	Guard      *guard.Login
	Base       autotask.Base
	Credential secret.Credential
	Redactor   *autotask.Redactor
	// Operation is what was sent, and Said the Result's, once it was: for those who tell people.
	Operation autotask.Operation
	Said      string
}

// Call is one call that an integration makes through its login or pool. After Do it says what became of it.
type Call struct {
	Entrance    Entrance
	Integration string
	Operation   autotask.Operation
	Query       string
	Header      http.Header // the caller's: what may pass is taken from it
	Body        Body
	// Envelope is what was read of Body where the call is a SOAP call; nil for REST.
	Envelope *soap.Request
	// Impersonate is the id of the resource that the caller asks to be shown as; empty: none.
	Impersonate string
	// Until, where it is set, is until when anything may be sent: see Request.
	Until context.Context
	// Interim, where it is set, is given interim answers: see Request.
	Interim func(status int, h http.Header)

	// Ticket is the last attempt's; its Attempt is zero where nothing was sent.
	Ticket Ticket
	// Complaint is the Result's: the PSA's answer tells of an error, whatever its status.
	Complaint bool
	// InDoubt: something of the call went out, and nothing came back that says what the PSA made of it.
	InDoubt bool
	// Reason is why the answer is the gateway's own; empty for the PSA's.
	Reason autotask.Reason
}

// maxSends: the call as it is, once more with another credential, be it another login's of its pool, and once more where its
// login had moved to another zone.
const maxSends = 2

// Do takes the call to the PSA and returns its answer, or one in its place where nothing was sent or nothing came back.
// The only error is that of a caller who has left, whose context this is. The answer's body must be closed.
func (c *Call) Do(ctx context.Context) (*http.Response, error) {
	ask := guard.Ask{Source: c.Integration, Path: c.path(), Since: time.Now()}
	followed := false
	for sends := 1; ; sends++ {
		t, err := c.Entrance.Reserve(ctx, ask)
		if err != nil {
			return c.denied(err)
		}
		if err := c.request(t).Sendable(); err != nil {
			t.Login.Settle(ctx, t, guard.Outcome{Verdict: guard.NotSent})
			return c.own(autotask.SecretUnavailable, "the login cannot be used with SOAP: "+err.Error(), 0), nil
		}
		c.Ticket = t
		res, moved := c.send(ctx, t)
		if moved && !followed {
			followed = true
			sends--
		}
		if sends == maxSends || res.Verdict != guard.Refused && (res.Verdict != guard.NotSent || !moved) {
			return c.answer(res), nil
		}
		if res.Response != nil {
			_ = res.Response.Body.Close()
		}
		if !moved {
			ask.Refused = t.Attempt.Credential
		}
	}
}

// send makes one attempt and settles it.
func (c *Call) send(ctx context.Context, t Ticket) (res Result, moved bool) {
	start := time.Now()
	res = t.Login.Wire().Send(ctx, c.request(t))
	o := guard.Outcome{Verdict: res.Verdict}
	if res.Verdict == guard.Accepted || res.Verdict == guard.Neutral {
		o.At = time.Now()
		o.Took = o.At.Sub(start)
	}
	if res.Response != nil {
		o.Reading, res.Response.Body = true, &reading{ReadCloser: res.Response.Body, guard: t.Guard, source: t.Attempt.Source()}
	}
	t.Operation, t.Said = c.Operation, res.Said
	c.Complaint, c.InDoubt = res.Complaint, c.InDoubt || res.Verdict == guard.NoAnswer
	return res, t.Login.Settle(ctx, t, o)
}

// request is the call as a ticket's attempt makes it.
func (c *Call) request(t Ticket) Request {
	return Request{
		Operation: c.Operation, Base: t.Base, Query: c.Query, Header: c.Header, Body: c.Body, Envelope: c.Envelope, Credential: t.Credential, Term: t.Attempt.Term,
		Impersonate: c.Impersonate, Until: c.Until, Interim: c.Interim, Redactor: t.Redactor,
	}
}

// reading is the body of an answer, whose end the guard is told of once.
type reading struct {
	io.ReadCloser
	guard  *guard.Login
	source string
	closed bool
}

// Close implements io.Closer.
func (r *reading) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	err := r.ReadCloser.Close()
	r.guard.Read(r.source)
	return err
}

// path names the call's kind: the operation without its ids.
func (c *Call) path() string { return c.Operation.String() }

func (c *Call) denied(err error) (*http.Response, error) {
	var d *guard.Denied
	if !errors.As(err, &d) {
		return nil, err
	}
	return c.own(autotask.Reason(d.Reason), d.Text, d.RetryAfter), nil
}

// answer is the PSA's, but for what it says of a sign-in: a caller who has shown a good key hears no 401.
func (c *Call) answer(res Result) *http.Response {
	switch {
	case res.Verdict == guard.Locked:
		return c.replace(res, autotask.LoginLocked, "the PSA says that its login is locked: an administrator has to unlock it there, then run: psagate release")
	case res.Verdict == guard.Refused:
		return c.replace(res, autotask.CredentialRefused, "the PSA does not take the login's credential")
	case res.TimedOut:
		return c.own(autotask.UpstreamTimeout, "the PSA did not answer in five minutes, or before this gateway had to stop: look whether the call was carried out before you repeat it", 0)
	case res.Verdict == guard.NotSent:
		return c.own(autotask.UpstreamUnreachable, "the PSA cannot be reached: nothing was sent", 0)
	case res.Response == nil:
		return c.own(autotask.UpstreamUnreachable, "the connection to the PSA broke off: look whether the call was carried out before you repeat it", 0)
	case res.Response.StatusCode == http.StatusUnauthorized, res.Response.StatusCode == http.StatusProxyAuthRequired:
		return c.replace(res, autotask.UpstreamUnreachable, "something between this gateway and the PSA asks for a sign-in of its own")
	case res.Verdict == guard.NoAnswer && res.Response.StatusCode < http.StatusMultipleChoices:
		return c.replace(res, autotask.UpstreamUnreachable, "what came back is no answer of the PSA's that can be relied on: look whether the call was carried out before you repeat it")
	}
	return res.Response
}

func (c *Call) replace(res Result, reason autotask.Reason, text string) *http.Response {
	_ = res.Response.Body.Close()
	return c.own(reason, text, credentialPause)
}

// credentialPause is what a refused caller is told to wait: by then the store may have a new version.
const credentialPause = 15 * time.Second

// own is an answer of the gateway's.
func (c *Call) own(reason autotask.Reason, text string, retryAfter time.Duration) *http.Response {
	c.Reason = reason
	status, header, body := autotask.ErrorAnswer(c.Operation.API, reason, text, retryAfter)
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}
}
