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
	"time"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/secret"
)

// Body is a request body that can be read any number of times.
type Body interface {
	// Open returns it from its first byte.
	Open() (io.ReadCloser, error)
	// Size is its length in bytes.
	Size() int64
}

// Request is one call as it is to be sent.
type Request struct {
	Operation  autotask.Operation
	Base       autotask.Base
	Query      string      // as it came
	Header     http.Header // the caller's: what may pass is taken from it
	Body       Body        // nil for none
	Credential secret.Credential
	// Impersonate is the id of the resource that the caller asks to be shown as; empty: the credential's, if it has one.
	Impersonate string
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
}

// Send makes one attempt: one sign-in at most. Where no byte of the request went out it tries once more on a fresh
// connection. The caller's end is not heeded before the verdict, for the PSA judges what it has received; after that it
// ends the body.
func (w *Wire) Send(caller context.Context, r Request) Result {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(caller))
	timer := time.AfterFunc(patience, func() { cancel(context.DeadlineExceeded) })
	defer timer.Stop()
	stay := context.AfterFunc(w.abort, func() { cancel(context.DeadlineExceeded) })
	end := func() { stay(); cancel(nil) }
	res := w.once(ctx, cancel, w.kept, r)
	if res.Verdict == guard.NotSent {
		res = w.once(ctx, cancel, w.fresh, r)
	}
	if res.Response == nil {
		res.TimedOut = errors.Is(context.Cause(ctx), context.DeadlineExceeded)
		end()
		return res
	}
	if autotask.NeedsBody(res.Response.StatusCode, res.Response.Header) {
		res.Verdict = w.judgeWithBody(r.Operation, res.Response)
	} else {
		res.Verdict = autotask.Classify(r.Operation, autotask.Answer{Status: res.Response.StatusCode, Header: res.Response.Header})
	}
	left := context.AfterFunc(caller, func() { cancel(context.Canceled) })
	res.Response.Body = &closing{watch(res.Response.Body, func() { cancel(errStalled) }), func() { left(); end() }}
	return res
}

// once sends the request on one connection. Without an answer its verdict says whether the PSA can have seen any of it.
func (w *Wire) once(ctx context.Context, cancel context.CancelCauseFunc, t *http.Transport, r Request) Result {
	cutStandardLog()
	var wrote atomic.Bool
	var interim atomic.Int32
	var stray atomic.Value // func() bool: is the answer one to nothing?
	req, err := r.build(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			if q := quietOf(info.Conn); q != nil {
				no := q.begin()
				stray.Store(func() bool { return q.unsent(no) })
			}
		},
		WroteHeaderField: func(string, []string) { wrote.Store(true) },
		// Who listens for interim answers has to bound them. The error of the hook would be lost where the caller's proxy has one.
		Got1xxResponse: func(int, textproto.MIMEHeader) error {
			if interim.Add(1) > maxInterim {
				cancel(errInterim)
			}
			return nil
		},
	}))
	if err != nil {
		return Result{Verdict: guard.NotSent, Err: err}
	}
	resp, err := t.RoundTrip(req)
	if is, known := stray.Load().(func() bool); err == nil && known && is() {
		_ = resp.Body.Close()
		return Result{Verdict: guard.NoAnswer, Err: errNotQuiet}
	}
	switch {
	case err == nil && resp.StatusCode < http.StatusOK:
		// Not asked for (101), or no status at all: nothing that could be passed on.
		_ = resp.Body.Close()
		return Result{Verdict: guard.NoAnswer, Err: fmt.Errorf("status %d is no answer", resp.StatusCode)}
	case err == nil:
		return Result{Response: resp}
	case wrote.Load() || ctx.Err() != nil:
		// After the context's end the transport may still be about to write, so only its own errors prove anything.
		return Result{Verdict: guard.NoAnswer, Err: err}
	}
	return Result{Verdict: guard.NotSent, Err: err}
}

// build makes the request from the operation, never from the caller's own: what is not asked for here does not leave.
//
// The transport repeats a request by itself, on another connection, when it takes it for replayable: a body without
// GetBody keeps it from that, for GET too. An empty POST, PUT or PATCH is never repeated, and with a body of unknown
// length it would be sent in chunks.
func (r Request) build(ctx context.Context) (*http.Request, error) {
	req := &http.Request{
		Method: r.Operation.Method, URL: r.Base.URL(r.Operation, r.Query), Host: r.Base.Host(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: make(http.Header, 10),
	}
	autotask.PassRequestHeaders(req.Header, r.Header)
	c := r.Credential
	err := autotask.SetCredentials(req.Header, c.UserName, c.Secret.Reveal(), c.IntegrationCode.Reveal(), r.impersonate())
	if err != nil {
		return nil, fmt.Errorf("the credential cannot be sent: %w", err)
	}
	switch {
	case r.Body != nil && r.Body.Size() > 0:
		body, err := r.Body.Open()
		if err != nil {
			return nil, fmt.Errorf("the received body cannot be read again: %w", err)
		}
		req.Body, req.ContentLength = sendOnce{body}, r.Body.Size()
	case req.Method == http.MethodPost || req.Method == http.MethodPut || req.Method == http.MethodPatch:
		req.Body = http.NoBody
	default:
		req.Body = sendOnce{http.NoBody}
	}
	return req.WithContext(ctx), nil
}

// impersonate returns the resource that the call is shown as. The credential's own goes with calls that write, for only
// they have a creator: the PSA refuses queries that name one.
func (r Request) impersonate() string {
	switch r.Operation.Action {
	case autotask.Create, autotask.Update, autotask.Delete:
		return cmp.Or(r.Impersonate, r.Credential.Impersonate)
	}
	return r.Impersonate
}

// sendOnce hides what a body is, so that the transport takes it for one that can be sent but once.
type sendOnce struct{ io.ReadCloser }

// judgeWithBody classifies by the head of the body, which it puts back. Whether that is gzip its first bytes say, for
// headers are wrong about it: no JSON begins like gzip.
func (w *Wire) judgeWithBody(op autotask.Operation, resp *http.Response) guard.Verdict {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, autotask.MaxBodyHead))
	head := raw
	if bytes.HasPrefix(raw, gzipMagic) {
		head = inflateHead(raw)
	}
	rest := io.Reader(resp.Body)
	if err != nil {
		rest = failing{err}
	}
	resp.Body = &closing{io.NopCloser(io.MultiReader(bytes.NewReader(raw), rest)), closeOf(resp.Body)}
	return autotask.Classify(op, autotask.Answer{Status: resp.StatusCode, Header: resp.Header, Body: head})
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

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// closing closes what is below it as well.
type closing struct {
	io.ReadCloser
	also func()
}

func (c *closing) Close() error {
	err := c.ReadCloser.Close()
	c.also()
	return err
}

func closeOf(c io.Closer) func() {
	return func() { _ = c.Close() }
}

// Free makes a GET without credential to a URL on a host that the rule allows, and returns status and body, at most 64 KiB.
// A redirect is not followed.
func (w *Wire) Free(ctx context.Context, u *url.URL) (status int, body []byte, err error) {
	if err := w.rule.Check(u); err != nil {
		return 0, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, freePatience)
	defer cancel()
	req := (&http.Request{Method: http.MethodGet, URL: u, Header: http.Header{"Accept": {"application/json"}, "User-Agent": {"psagate"}}}).WithContext(ctx)
	resp, err := w.kept.RoundTrip(req)
	if err != nil {
		return 0, nil, fmt.Errorf("asking %s: %w", u.Host, err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, autotask.MaxBodyHead))
	if err != nil {
		return 0, nil, fmt.Errorf("asking %s: %w", u.Host, err)
	}
	return resp.StatusCode, body, nil
}
