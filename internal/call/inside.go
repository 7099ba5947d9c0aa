package call

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/limits"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/policy"
)

// Calls that begin within the process: a mailbox of the mail broker makes them. They pass policy, limits, switches, audit, queue and
// guard as those of any caller do; nothing but the proof of who calls is left out, for who can call from here is this process.

// Mailbox is a mailbox of the config, which makes calls from within the process.
type Mailbox struct {
	// Name is its name in the config.
	Name string
	// As is the integration that it calls as; empty: as itself, which is mail/<name> wherever integrations are named, and the
	// principal Mailbox::"<name>" of policies.
	As string
	// Login is the login or pool that its calls go through, where As is empty.
	Login string
	// PerHour is how many calls in an hour it may make; 0: its share of MailsHour where As is empty, else any.
	PerHour int
}

// MailboxPrefix stands before a mailbox's name where integrations are named. No name of the config's has a slash.
const MailboxPrefix = "mail/"

// Inside makes the calls of a mailbox, any number of them at once.
type Inside struct {
	gateway *Gateway
	mailbox string
	who     *identity.Integration
	itself  bool
	hour    []limits.Share // of which it makes its calls
}

// addMailbox finds who a mailbox's calls are made as.
func (g *Gateway) addMailbox(m Mailbox) error {
	if m.As != "" {
		i, known := g.integrations[m.As]
		if !known {
			return fmt.Errorf("mailbox %s: there is no integration %q to call as", m.Name, m.As)
		}
		g.insiders[m.Name] = &Inside{gateway: g, mailbox: m.Name, who: &i.Integration}
		return nil
	}
	i := identity.Integration{Name: MailboxPrefix + m.Name, Login: m.Login}
	if g.ways[i.Login] == nil {
		return fmt.Errorf("mailbox %s: there is no login or pool %q", m.Name, i.Login)
	}
	g.integrations[i.Name] = Integration{Integration: i} // so that it can be switched off
	g.insiders[m.Name] = &Inside{gateway: g, mailbox: m.Name, who: &i, itself: true}
	return nil
}

// Inside returns what makes the calls of a mailbox of the config; the error says that there is none of that name. Once the gateway is
// closed no further call is taken: the next config's gateway has one of its own.
func (g *Gateway) Inside(mailbox string) (*Inside, error) {
	i := g.insiders[mailbox]
	if i == nil {
		return nil, fmt.Errorf("there is no mailbox %q", mailbox)
	}
	return i, nil
}

// Name is as whom the calls are made, as integrations are named: mail/<name>, or the integration's name.
func (i *Inside) Name() string { return i.who.Name }

// maxInside is the largest answer that is kept, in bytes: a mailbox asks for little.
const maxInside = 16 << 20

// InsideAnswer is what came of a call.
type InsideAnswer struct {
	// Status and Header are the PSA's, or those of the answer in its place.
	Status int
	Header http.Header
	// Body is never longer than 16 MiB.
	Body []byte
	// Reason is why the answer is the gateway's own; empty for the PSA's.
	Reason autotask.Reason
	// Decision is what policy decided: one of report's words; empty where it was not asked.
	Decision string
	// InDoubt: some of the call went out, and nobody knows whether the PSA did what it was asked for. Without it an answer with a
	// Reason says that it surely did not: nothing was sent, or the PSA refused the sign-in; and one without says what the PSA said.
	InDoubt bool
}

// ErrNothingSent is why a call has no answer at all: nothing of it was sent.
var ErrNothingSent = errors.New("nothing was sent")

// Call makes a call of REST; path is below /ATServicesRest/V1.0, with a query string if need be, and body is JSON, or nil for none.
//
// The error is an ErrNothingSent, also where the context is over before anything was sent: nothing is sent once it is. What was sent by
// then is judged all the same when its answer comes (guard.md, U2), but is not waited for: it is in doubt.
func (i *Inside) Call(ctx context.Context, method, path string, body []byte) (InsideAnswer, error) {
	return i.call(ctx, method, path, body, (*Gateway).Proxy)
}

// May asks whether a call would be let through to the PSA, and makes it not: it is for what is done in its place by another way. An answer
// with a Reason says that it would not: an operator, policy or a limit does not permit it. It is audited as a call is.
func (i *Inside) May(ctx context.Context, method, path string, body []byte) (InsideAnswer, error) {
	return i.call(ctx, method, path, body, func(g *Gateway, _ http.ResponseWriter, r *http.Request, _ ProxyOptions) report.Call {
		g.Leave(r)
		return report.Call{}
	})
}

// let is what becomes of a call that policy has let pass.
type let func(g *Gateway, w http.ResponseWriter, r *http.Request, o ProxyOptions) report.Call

func (i *Inside) call(ctx context.Context, method, path string, body []byte, let let) (InsideAnswer, error) {
	r, err := http.NewRequestWithContext(ctx, method, insideURL+"/ATServicesRest/V1.0"+path, bytes.NewReader(body))
	if err != nil {
		return InsideAnswer{}, fmt.Errorf("%w: the call cannot be made: %w", ErrNothingSent, err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	if r.Body == nil || len(body) == 0 {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	if i.gateway.isOver() {
		return InsideAnswer{}, fmt.Errorf("%w: the config has been replaced", ErrNothingSent)
	}
	c := &inside{ctx: ctx, header: make(http.Header)}
	whole := make(chan bool, 1)
	go func() { whole <- c.serve(i, r, let) }()
	select {
	case is := <-whole:
		return c.answer(is)
	case <-ctx.Done():
	}
	timer := time.NewTimer(inTime)
	defer timer.Stop()
	select {
	case is := <-whole:
		return c.answer(is)
	case <-timer.C:
	}
	return InsideAnswer{Status: http.StatusGatewayTimeout, Reason: autotask.UpstreamTimeout, InDoubt: true}, nil
}

// inTime is how long it is waited, once the context is over, for what follows at once where nothing was sent.
const inTime = 2 * time.Second

// answer is what came of the call, which has ended; whole says that its answer did not break off.
func (c *inside) answer(whole bool) (InsideAnswer, error) {
	if !whole {
		return InsideAnswer{Status: c.status, Header: c.header, Reason: autotask.UpstreamUnreachable, Decision: c.info.Decision, InDoubt: true}, nil
	}
	reason := autotask.Reason(c.header.Get(autotask.HeaderReason)) // who has left hears one that is not counted as the call's
	if c.ctx.Err() != nil && reason != "" && !c.doubt {
		return InsideAnswer{}, fmt.Errorf("%w: %w", ErrNothingSent, context.Cause(c.ctx))
	}
	return InsideAnswer{Status: c.status, Header: c.header, Body: c.body.Bytes(), Reason: reason, Decision: c.info.Decision, InDoubt: c.doubt}, nil
}

// insideURL is what the gateway is called by from within: page URLs name it.
const insideURL = "http://inside.psagate.invalid"

func (g *Gateway) isOver() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.over()
}

// inside is one call from within, and what it is answered through.
type inside struct {
	ctx    context.Context
	header http.Header
	status int
	body   bytes.Buffer
	info   report.Call
	doubt  bool
}

// serve takes the call through the gateway. It returns false for an answer that broke off.
func (c *inside) serve(i *Inside, r *http.Request, let let) (whole bool) {
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // that very value is what handlers end an answer with
			i.gateway.log.Error("a mailbox's call broke down", "mailbox", i.mailbox, "stack", string(debug.Stack())) // the value may quote the mail
		}
	}()
	r, done := i.identify(c, r)
	if done {
		return true
	}
	info, leave, done := i.gateway.Police(c, r, 0)
	defer leave()
	if c.info = info; done {
		return true
	}
	c.info = let(i.gateway, c, r, ProxyOptions{PublicURL: insideURL})
	return true
}

// identify is Gateway.Identify for who needs to show no key.
func (i *Inside) identify(c *inside, r *http.Request) (out *http.Request, done bool) {
	g, who := i.gateway, identity.Caller{Integration: i.who}
	line := g.newAudited(r, "")
	op, _ := autotask.ParseRequest(r.Method, r.URL.EscapedPath(), r.Header)
	line.about(op)
	off := i.refused()
	if off != nil {
		who.Refused, who.Integration = off, nil
	}
	if line.from(who); i.itself {
		line.fromMailbox(i.mailbox, i.who.Login)
	}
	if off != nil {
		line.notLetIn(identity.ErrDisabled)
		c.info = described(op)
		c.info.Integration, c.info.Login, c.info.Reason = off.Name, off.Login, string(autotask.Disabled)
		autotask.WriteError(line.over(c), op.API, autotask.Disabled, disabledText(off), 0)
		c.info.End(0)
		g.shared.observer.Answered(c.info)
		line.end(c.info, audit.ByIdentity)
		return r, true
	}
	by := &caller{Caller: who, inside: c, hour: i.hour}
	if i.itself {
		by.mailbox = i.mailbox
	}
	return r.WithContext(context.WithValue(line.keep(r.Context()), callerKey{}, by)), false
}

// refused returns who calls as one that is disabled, by the config, its end or an operator; else nil.
func (i *Inside) refused() *identity.Integration {
	if off, is := i.gateway.shared.switches.disabled(i.who); is || off.Disabled {
		return off
	}
	if !i.who.Expires.IsZero() && !time.Now().Before(i.who.Expires) {
		over := *i.who
		over.Disabled, over.DisabledReason = true, "its time is over (expires)"
		return &over
	}
	return nil
}

// principal is the caller as policies see him.
func (c *caller) principal() policy.Principal {
	if c.mailbox != "" {
		return policy.Principal{Kind: policy.Mailbox, Name: c.mailbox}
	}
	return policy.Principal{Kind: policy.Integration, Name: c.Integration.Name, Groups: c.Integration.Groups}
}

// until is until when anything of a call may be sent; nil for one from outside, whose caller's leaving is seen in the queue.
func (c *inside) until() context.Context {
	if c == nil {
		return nil
	}
	return c.ctx
}

// left notes whether a call's outcome is open. It is nil for one from outside.
func (c *inside) left(t *trip) {
	if c != nil {
		c.doubt = t.InDoubt
	}
}

// Header implements http.ResponseWriter.
func (c *inside) Header() http.Header { return c.header }

// WriteHeader implements http.ResponseWriter.
func (c *inside) WriteHeader(status int) {
	if c.status == 0 && status >= http.StatusOK { // interim answers count for nothing
		c.status = status
	}
}

var errAnswerSize = fmt.Errorf("the answer is longer than %d bytes", maxInside)

// Write implements io.Writer.
func (c *inside) Write(p []byte) (int, error) {
	c.WriteHeader(http.StatusOK)
	if c.body.Len()+len(p) > maxInside {
		return 0, errAnswerSize
	}
	return c.body.Write(p)
}
