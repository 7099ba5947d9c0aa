package inject

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"sync/atomic"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/soap"
)

// Body is a request body that can be read any number of times.
type Body interface {
	// Open returns it from its first byte. What is in memory is best an io.NopCloser of a bytes.Reader: the transport sends the
	// head of a request by itself unless it knows that the body will not keep it waiting.
	Open() (io.ReadCloser, error)
	// Size is its length in bytes.
	Size() int64
}

// Request is one call as it is to be sent.
type Request struct {
	Operation autotask.Operation
	Base      autotask.Base
	Query     string      // as it came
	Header    http.Header // the caller's: what may pass is taken from it
	Body      Body        // nil for none
	// Envelope is what was read of Body where the call is a SOAP call; nil for REST.
	Envelope   *soap.Request
	Credential secret.Credential
	Term       uint64 // of the license, in which the unit was taken: guard.Attempt
	// Impersonate is the id of the resource that the caller asks to be shown as; empty: the credential's, if it has one.
	Impersonate string
	// Until, where it is set, is until when the request may begin: once it is over, no byte of it goes out.
	Until context.Context
	// Interim, where it is set, is given the interim answers (1xx) with their headers, from another goroutine, and it may be
	// after the end of Send. Redactor has been through them, and through what Result.Said shows.
	Interim  func(status int, h http.Header)
	Redactor *autotask.Redactor
}

// Result is what came of an attempt.
type Result struct {
	Verdict guard.Verdict
	// Response is the PSA's answer; nil where none came. Its body must be closed.
	Response *http.Response
	// Err says why none came.
	Err error
	// TimedOut: none came in five minutes, or before the process had to stop.
	TimedOut bool
	// Complaint: the answer has a status of success, and tells of an error.
	Complaint bool
	// Said tells an operator what came back in place of a sign-in that was accepted; empty where that tells nothing of it.
	Said string
}

// Send makes one attempt: one sign-in at most. Where no byte of the request went out it tries once more on a fresh
// connection. The caller's end is not heeded before the verdict, for the PSA judges what it has received; after that it
// ends the body.
func (w *Wire) Send(caller context.Context, r Request) Result {
	license, may := w.license.During(r.Term)
	if !may {
		return Result{Verdict: guard.NotSent, Err: guard.ErrLease}
	}
	f := fly(license)
	res := f.once(w.kept, r)
	if res.Verdict == guard.NotSent && !r.over() {
		res = f.once(w.fresh, r)
	}
	if res.Response == nil {
		res.TimedOut = res.Verdict == guard.NoAnswer && f.ctx.Err() != nil // patience has run out, or the license
		res.Said = res.silence()
		f.end()
		return res
	}
	a := answerOf(r.Operation, res.Response)
	res.Verdict, res.Complaint = r.verdict(a)
	switch res.Verdict {
	case guard.Refused, guard.Locked, guard.NoAnswer:
		res.Said = autotask.Said(r.Operation, a, r.Redactor)
	}
	f.deliver(caller, res.Response)
	return res
}

// verdict reads the verdict off an answer, and whether it complains. A SOAP call's may repeat the words of its request.
func (r Request) verdict(a autotask.Answer) (v guard.Verdict, complains bool) {
	v, complains = autotask.Classify(r.Operation, a)
	if r.Envelope == nil || v != guard.Refused && v != guard.Locked {
		return v, complains
	}
	sent, err := r.Body.Open()
	if err != nil {
		return v, complains
	}
	defer sent.Close()
	return autotask.ClassifyAfter(r.Operation, a, sent)
}

// silence says in what way no answer came. The error itself may repeat what was received.
func (r Result) silence() string {
	switch {
	case r.Verdict != guard.NoAnswer:
		return ""
	case r.TimedOut:
		return "nothing in five minutes, or before this gateway had to stop"
	}
	return "nothing: the connection broke off"
}

// once sends the request on one connection. Without an answer its verdict says whether the PSA can have seen any of it.
func (f *flight) once(t *http.Transport, r Request) Result {
	cutStandardLog()
	if r.over() {
		return Result{Verdict: guard.NotSent, Err: r.Until.Err()}
	}
	s := sending{interim: r.Interim, redactor: r.Redactor, until: r.Until}
	req, err := r.build(httptrace.WithClientTrace(f.ctx, &httptrace.ClientTrace{
		GotConn:          s.gotConn,
		WroteHeaderField: func(string, []string) { s.wrote.Store(true) },
		Got1xxResponse:   s.got1xx,
	}))
	if err != nil {
		return Result{Verdict: guard.NotSent, Err: err}
	}
	resp, err := t.RoundTrip(req)
	switch {
	case err == nil && s.stray():
		_ = resp.Body.Close()
		return Result{Verdict: guard.NoAnswer, Err: errNotQuiet}
	case err == nil && resp.StatusCode < http.StatusOK:
		// Not asked for (101), or no status at all: nothing that could be passed on.
		_ = resp.Body.Close()
		return Result{Verdict: guard.NoAnswer, Err: fmt.Errorf("status %d is no answer", resp.StatusCode)}
	case err == nil:
		return Result{Response: resp}
	case r.over() && s.stray(): // it was about to begin
		return Result{Verdict: guard.NotSent, Err: r.Until.Err()}
	case s.wrote.Load() || f.ctx.Err() != nil:
		// After the context's end the transport may still be about to write, so only its own errors prove anything.
		return Result{Verdict: guard.NoAnswer, Err: err}
	}
	return Result{Verdict: guard.NotSent, Err: err}
}

// sending is what the transport tells of one request on one connection.
type sending struct {
	interim  func(status int, h http.Header)
	redactor *autotask.Redactor
	until    context.Context
	wrote    atomic.Bool // some of the request may have gone out
	hints    int
	conn     *quiet
	no       int // of the request on its connection
}

func (s *sending) gotConn(info httptrace.GotConnInfo) {
	if s.conn = quietOf(info.Conn); s.conn != nil {
		s.no = s.conn.begin(s.until)
	}
}

// over reports whether the request may not begin any more.
func (r Request) over() bool { return r.Until != nil && r.Until.Err() != nil }

// stray reports whether the answer is one to nothing.
func (s *sending) stray() bool { return s.conn != nil && s.conn.unsent(s.no) }

// got1xx passes an interim answer on. Who listens for those has to bound them.
func (s *sending) got1xx(status int, h textproto.MIMEHeader) error {
	if s.hints++; s.hints > maxInterim {
		return errInterim
	}
	if s.interim != nil {
		s.redactor.Header(http.Header(h))
		s.interim(status, http.Header(h))
	}
	return nil
}

// build makes the request from the operation, never from the caller's own: what is not asked for here does not leave.
//
// The transport repeats a request by itself, on another connection, when it takes it for replayable: a body without
// GetBody keeps it from that, for GET too. An empty POST, PUT or PATCH is never repeated, and with a body of unknown
// length it would be sent in chunks. Of the body of a GET or DELETE the transport would first find out, in a goroutine of
// its own, whether it is empty: that it is sent as it is (the transfer coding identity, which is not written) spares that.
func (r Request) build(ctx context.Context) (*http.Request, error) {
	req := blank.WithContext(ctx)
	req.Method, req.URL, req.Host, req.Header = r.Operation.Method, r.Base.URL(r.Operation, r.Query), r.Base.Host(), make(http.Header, 10)
	sent, err := r.sign(req.Header)
	if err != nil {
		return nil, fmt.Errorf("the credential cannot be sent: %w", err)
	}
	switch {
	case sent != nil && sent.Size() > 0:
		body, err := sent.Open()
		if err != nil {
			return nil, fmt.Errorf("the received body cannot be read again: %w", err)
		}
		req.Body, req.ContentLength = body, sent.Size()
	case req.Method == http.MethodPost || req.Method == http.MethodPut || req.Method == http.MethodPatch:
		req.Body = http.NoBody
	default:
		req.Body, req.TransferEncoding = nothing{}, asItIs
	}
	return req, nil
}

// sign makes the headers, with the credential in its place: in headers for REST; for SOAP in one header and in the envelope, whose own
// header gives way to it. It returns the body to send.
func (r Request) sign(h http.Header) (Body, error) {
	c := r.Credential
	if r.Operation.API == autotask.REST {
		autotask.PassRequestHeaders(h, r.Header)
		return r.Body, autotask.SetCredentials(h, c.UserName, c.Secret.Reveal(), c.IntegrationCode.Reveal(), r.impersonate())
	}
	if r.Envelope == nil {
		return nil, errors.New("the envelope was not read")
	}
	autotask.PassEnvelopeHeaders(h, r.Header, r.Operation.Call)
	if err := autotask.SetBasic(h, c.UserName, c.Secret.Reveal(), c.IntegrationCode.Reveal()); err != nil {
		return nil, err
	}
	edited, err := r.Envelope.Edit(r.Body, c.IntegrationCode.Reveal(), r.impersonate())
	if err != nil {
		return nil, err
	}
	return edited, nil
}

// Sendable says why a credential cannot go into a SOAP call; the error shows no value. It holds for every call with it.
func (r Request) Sendable() error {
	c := r.Credential
	if r.Envelope == nil {
		return nil
	}
	if err := autotask.CheckBasic(c.UserName, c.Secret.Reveal(), c.IntegrationCode.Reveal()); err != nil {
		return err
	}
	return soap.CheckCode(c.IntegrationCode.Reveal())
}

var (
	blank  = &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	asItIs = []string{"identity"}
)

// impersonate returns the resource that the call is shown as. The credential's own goes with calls that write, for only
// they have a creator: the PSA refuses queries that name one.
func (r Request) impersonate() string {
	switch r.Operation.Action {
	case autotask.Create, autotask.Update, autotask.Delete:
		return cmp.Or(r.Impersonate, r.Credential.Impersonate)
	}
	return r.Impersonate
}

// nothing is an empty body that the transport does not know for one. It writes itself, so that no room is made for it.
type nothing struct{}

func (nothing) Read([]byte) (int, error)         { return 0, io.EOF }
func (nothing) Close() error                     { return nil }
func (nothing) WriteTo(io.Writer) (int64, error) { return 0, nil }

// answerOf returns what tells the verdict, with the head of the body where that is needed, which it puts back. Whether that
// is gzip its first bytes say, for headers are wrong about it: no JSON begins like gzip.
func answerOf(op autotask.Operation, resp *http.Response) autotask.Answer {
	if !autotask.NeedsBody(op, resp.StatusCode, resp.Header) {
		return autotask.Answer{Status: resp.StatusCode, Header: resp.Header}
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, autotask.MaxBodyHead))
	head := raw
	if bytes.HasPrefix(raw, gzipMagic) {
		head = inflateHead(raw)
	}
	resp.Body = &putBack{ReadCloser: resp.Body, head: raw, err: err}
	return autotask.Answer{Status: resp.StatusCode, Header: resp.Header, Body: head}
}

// gzipMagic is what every gzip stream begins with (RFC 1952).
var gzipMagic = []byte("\x1f\x8b")

// inflateHead returns as much of a gzip stream's head as can be read.
func inflateHead(raw []byte) []byte {
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil
	}
	head, err := io.ReadAll(io.LimitReader(z, autotask.MaxBodyHead))
	_ = err // a head that is cut off is what it is
	return head
}

// putBack is a body whose head was read already.
type putBack struct {
	io.ReadCloser
	head []byte
	err  error // what the reading of the head ended with
}

func (p *putBack) Read(to []byte) (int, error) {
	switch {
	case len(p.head) > 0:
		n := copy(to, p.head)
		p.head = p.head[n:]
		return n, nil
	case p.err != nil:
		return 0, p.err
	}
	return p.ReadCloser.Read(to)
}

// Free makes a GET without credential to a URL on a host that the rule allows, and returns status and body, at most 64 KiB.
// A redirect is not followed.
func (w *Wire) Free(ctx context.Context, u *url.URL) (status int, body []byte, err error) {
	return w.FreeOf(ctx, u, "application/json", autotask.MaxBodyHead)
}

// FreeOf is Free for other types of answers, of which it returns at most limit bytes.
func (w *Wire) FreeOf(ctx context.Context, u *url.URL, accept string, limit int64) (status int, body []byte, err error) {
	if err := w.rule.Check(u); err != nil {
		return 0, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, freePatience)
	defer cancel()
	req := (&http.Request{Method: http.MethodGet, URL: u, Header: http.Header{"Accept": {accept}, "User-Agent": {"psagate"}}}).WithContext(ctx)
	resp, err := w.kept.RoundTrip(req)
	if err != nil {
		return 0, nil, fmt.Errorf("asking %s: %w", u.Host, err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, limit))
	if err != nil {
		return 0, nil, fmt.Errorf("asking %s: %w", u.Host, err)
	}
	return resp.StatusCode, body, nil
}
