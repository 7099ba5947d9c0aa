package call

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/inject"
)

// trip is one call on its way.
type trip struct {
	inject.Call
	public string
	log    *slog.Logger
	status int // of the answer; 0 while there is none, or nobody hears it
	hints  hints
}

// served returns the login that the call was last sent through, or nil where it was not.
func (t *trip) served() *lane {
	n, _ := t.Ticket.Login.(*lane)
	return n
}

// carry takes the call to the PSA and its answer to the caller. It does what httputil.ReverseProxy would, without its copies
// of a request of which nothing but the headers that may pass is sent: interim answers, trailers, streaming, hang-ups.
func (t *trip) carry(w http.ResponseWriter, r *http.Request) {
	t.Header = r.Header
	resp, err := t.do(w, r.Context())
	if err != nil {
		t.gone(w, r)
		return
	}
	defer resp.Body.Close()
	if t.Reason != "" { // our own
		addTo(w.Header(), resp.Header)
	} else if err := t.shape(w.Header(), resp); err != nil {
		t.InDoubt = true // the PSA has done something, and has said what
		t.gone(w, r)
		return
	}
	t.answer(w, r, resp)
}

// do makes the call, and passes on the interim answers that come before its answer.
func (t *trip) do(w http.ResponseWriter, ctx context.Context) (*http.Response, error) {
	t.hints.w = w
	defer t.hints.end()
	t.Interim = t.hints.pass
	return t.Do(ctx)
}

// gone ends a call that has no answer: its caller has left, or the answer could not be carried.
func (t *trip) gone(w http.ResponseWriter, r *http.Request) {
	left := r.Context().Err() != nil
	if left { // whoever has shut his side alone would hear a 200 if nothing were written
		w.Header().Set("Connection", "close")
	}
	if left && t.Ticket.Guard == nil {
		autotask.WriteError(w, t.Operation.API, autotask.BadRequest, "the connection was closed on your side while the call waited: nothing was sent", 0)
		return
	}
	if !left {
		t.Reason = autotask.UpstreamUnreachable
	}
	autotask.WriteError(w, t.Operation.API, autotask.UpstreamUnreachable, "the PSA's answer could not be passed on: look whether the call was carried out before you repeat it", 0)
}

// answer passes status, body and trailers on. An answer that breaks off does so for the caller too.
func (t *trip) answer(w http.ResponseWriter, r *http.Request, resp *http.Response) {
	announced := t.announce(w.Header(), resp.Trailer)
	if r.Context().Err() == nil {
		t.status = resp.StatusCode
	}
	w.WriteHeader(resp.StatusCode)
	if err := stream(w, resp); err != nil {
		if r.Context().Err() == nil { // the cause can repeat what the PSA sent
			t.log.Debug("an answer broke off on its way to the caller", "integration", t.Integration)
		}
		panic(http.ErrAbortHandler)
	}
	_ = resp.Body.Close() // nothing writes the trailers any more
	if len(resp.Trailer) == 0 {
		return
	}
	t.clean(resp.Trailer)
	_ = http.NewResponseController(w).Flush() // a short body would get a length, and no trailers
	for name, values := range resp.Trailer {
		if !slices.Contains(announced, name) {
			name = http.TrailerPrefix + name
		}
		w.Header()[name] = values
	}
}

// announce names the trailers that are known before the body.
func (t *trip) announce(h, trailer http.Header) (names []string) {
	t.clean(trailer)
	if len(trailer) == 0 {
		return nil
	}
	names = slices.Sorted(maps.Keys(trailer))
	h.Add("Trailer", strings.Join(names, ", "))
	return names
}

// stream copies a body. Of one whose length nobody knows each part goes out at once, for it may be long until the next.
// Where it breaks off, what there is goes out first: a caller who sees the connection end before an answer's head takes the
// call for one that may be repeated, and HTTP clients do so by themselves.
func stream(w http.ResponseWriter, resp *http.Response) error {
	flush := http.NewResponseController(w).Flush
	live := resp.ContentLength < 0
	if live {
		_ = flush()
	}
	room := buffers.Get().(*[]byte)
	defer buffers.Put(room)
	buf := *room
	for {
		n, err := resp.Body.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return err
			}
			if live {
				_ = flush()
			}
		}
		switch {
		case err == io.EOF: //nolint:errorlint // a Reader's EOF is this value
			return nil
		case err != nil:
			_ = flush() // a caller who has left hears nothing
			return err
		}
	}
}

// notInTrailers are headers of the PSA's host that a trailer must not bring either.
var notInTrailers = []string{"Set-Cookie", "Location", "Www-Authenticate", "Strict-Transport-Security", "Alt-Svc", autotask.HeaderReason}

// clean takes out of the trailers what must not pass.
func (t *trip) clean(trailer http.Header) {
	if len(trailer) == 0 {
		return
	}
	for _, name := range notInTrailers {
		trailer.Del(name)
	}
	if t.Reason == "" {
		t.Ticket.Redactor.Header(trailer)
	}
}

// hints passes interim answers on, early hints among them, with what may pass of them: links.
type hints struct {
	w    http.ResponseWriter
	mu   sync.Mutex
	over bool // the answer has come
}

// pass is for inject.Call's Interim.
func (h *hints) pass(status int, from http.Header) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over {
		return
	}
	header := h.w.Header()
	own := maps.Clone(header)
	clear(header)
	if links := from["Link"]; len(links) > 0 {
		header["Link"] = links
	}
	h.w.WriteHeader(status)
	clear(header)
	maps.Copy(header, own)
}

func (h *hints) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.over = true
}

// buffers are for copying bodies.
var buffers = sync.Pool{New: func() any {
	room := make([]byte, 32<<10)
	return &room
}}
