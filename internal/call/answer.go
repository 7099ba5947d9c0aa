package call

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"

	"github.com/psagate/psagate/internal/autotask"
)

// answer shapes an answer for the caller: what passes of its headers, URLs that would lead past the gateway, and in
// errors an echoed secret.
func (g *Gateway) answer(resp *http.Response) error {
	t, _ := resp.Request.Context().Value(tripKey{}).(*trip)
	if t.Reason != "" {
		return nil // our own
	}
	from := resp.Header
	resp.Header = make(http.Header, len(from))
	autotask.PassResponseHeaders(resp.Header, from)
	t.Ticket.Redactor.Header(resp.Header)
	if to := autotask.RewriteLocation(from.Get("Location"), t.public, t.lane.leads); to != "" {
		resp.Header.Set("Location", t.Ticket.Redactor.Text(to))
	}
	in := &trailing{ReadCloser: resp.Body, resp: resp, redactor: t.Ticket.Redactor}
	in.clean()
	resp.Body = in
	gzipped, readable := coding(from)
	switch {
	case resp.StatusCode < 300 && !paged(t.Operation):
		if resp.ContentLength >= 0 {
			resp.Header.Set("Content-Length", strconv.FormatInt(resp.ContentLength, 10))
		}
	case !readable:
		return errCoding
	case resp.StatusCode >= 300:
		g.redact(resp, t)
	default:
		g.rewrite(resp, t, gzipped)
	}
	resp.Body = &ending{resp.Body, t}
	return nil
}

// errCoding: what has to be looked into is in a content coding that nobody asked the PSA for. A client may know it, so it
// cannot pass unseen.
var errCoding = errors.New("the PSA's answer has a content coding that was not asked for")

// coding says whether an answer claims to be gzip, and whether its content coding is one that can be looked into.
func coding(h http.Header) (gzipped, readable bool) {
	switch strings.ToLower(strings.Join(h.Values("Content-Encoding"), ", ")) {
	case "", "identity":
		return false, true
	case "gzip", "x-gzip":
		return true, true
	}
	return false, false
}

// isGzip says whether a body is gzip, whatever its header claims; an answer's header can be wrong both ways.
func isGzip(in *bufio.Reader) bool {
	magic, _ := in.Peek(2)
	return string(magic) == "\x1f\x8b"
}

// paged reports whether an operation's answer may hold page URLs.
func paged(op autotask.Operation) bool {
	return op.Form == autotask.FormQuery || op.Form == autotask.FormNext || op.Form == autotask.FormChild && op.Method == http.MethodGet
}

// redact takes echoed secrets out of an error's body, which goes on without compression.
func (g *Gateway) redact(resp *http.Response, t *trip) {
	in := bufio.NewReader(resp.Body)
	var out io.Reader = in
	if isGzip(in) {
		out = &inflating{src: in}
	}
	resp.Header.Del("Content-Encoding")
	resp.Body = body{t.Ticket.Redactor.Reader(out), resp.Body}
}

// rewrite points the page URLs of an answer at the gateway, as it streams by. It does so whatever host they name: a
// client that followed one elsewhere would show its key there.
func (g *Gateway) rewrite(resp *http.Response, t *trip, gzipped bool) {
	in := bufio.NewReader(resp.Body)
	if gzipped && isGzip(in) {
		resp.Body = body{&deflating{src: autotask.NewRewriter(&inflating{src: in}, t.public, anywhere)}, resp.Body}
		return
	}
	resp.Header.Del("Content-Encoding")
	resp.Body = body{autotask.NewRewriter(in, t.public, anywhere), resp.Body}
}

func anywhere(*url.URL) bool { return true }

// hinting lets interim answers through, early hints among them, with what may pass of them: links.
type hinting struct {
	http.ResponseWriter
	trip   *trip
	caller context.Context // ends when the caller leaves

	writing sync.Mutex // the reverse proxy flushes from beside
}

// Write implements http.ResponseWriter.
func (h *hinting) Write(p []byte) (int, error) {
	h.writing.Lock()
	defer h.writing.Unlock()
	return h.ResponseWriter.Write(p)
}

// FlushError is for http.ResponseController.
func (h *hinting) FlushError() error {
	h.writing.Lock()
	defer h.writing.Unlock()
	return http.NewResponseController(h.ResponseWriter).Flush()
}

// WriteHeader implements http.ResponseWriter.
func (h *hinting) WriteHeader(status int) {
	if status >= 100 && status < 200 {
		for name := range h.Header() {
			if name != "Link" {
				h.Header().Del(name)
			}
		}
		if red := h.trip.Ticket.Redactor; red != nil {
			red.Header(h.Header())
		}
	} else if h.caller.Err() == nil { // else nobody hears it
		h.trip.status = status
	}
	h.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (h *hinting) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// notInTrailers are headers of the PSA's host that a trailer must not bring either.
var notInTrailers = []string{"Set-Cookie", "Location", "Www-Authenticate", "Strict-Transport-Security", "Alt-Svc", autotask.HeaderReason}

// trailing cleans the trailers, whose names are announced before the body and which come when it has ended.
type trailing struct {
	io.ReadCloser
	resp     *http.Response
	redactor *autotask.Redactor
}

func (t *trailing) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if err != nil {
		t.clean()
	}
	return n, err
}

func (t *trailing) clean() {
	for _, name := range notInTrailers {
		t.resp.Trailer.Del(name)
	}
	t.redactor.Header(t.resp.Trailer)
}

// ending is a body as the caller gets it. Where it breaks off, what there is of the answer goes out first: a caller who
// sees the connection end before an answer's head takes the call for one that may be repeated, and HTTP clients do so by
// themselves.
type ending struct {
	io.ReadCloser
	trip *trip
}

// errCutOff stands for what went wrong with the PSA's answer: the cause can repeat what the PSA sent.
var errCutOff = errors.New("the PSA's answer broke off")

func (e *ending) Read(p []byte) (int, error) {
	n, err := e.ReadCloser.Read(p)
	if err == nil || err == io.EOF || errors.Is(err, context.Canceled) { //nolint:errorlint // a Reader's EOF is this value
		return n, err
	}
	e.trip.flush()
	return n, errCutOff
}

type body struct {
	io.Reader
	io.Closer
}

// inflating undoes gzip. It reads nothing before it is read.
type inflating struct {
	src io.Reader
	z   *gzip.Reader
}

func (i *inflating) Read(p []byte) (int, error) {
	if i.z == nil {
		z, _ := inflaters.Get().(*gzip.Reader)
		if z == nil {
			z = new(gzip.Reader)
		}
		if err := z.Reset(i.src); err != nil {
			return 0, err
		}
		i.z = z
	}
	n, err := i.z.Read(p)
	if err == io.EOF { //nolint:errorlint // a Reader's EOF is this value
		inflaters.Put(i.z)
		*i = inflating{src: ended{}}
	}
	return n, err
}

// ended is what has been read to its end.
type ended struct{}

func (ended) Read([]byte) (int, error) { return 0, io.EOF }

// What an answer that is changed on its way was read and written with is used again: it is large.
var inflaters, deflaters sync.Pool

// deflater is what compresses an answer. What breaks off goes to the garbage.
type deflater struct {
	out   bytes.Buffer
	z     *gzip.Writer
	chunk [step]byte
}

func newDeflater() *deflater {
	if d, ok := deflaters.Get().(*deflater); ok {
		d.z.Reset(&d.out)
		return d
	}
	d := new(deflater)
	d.z, _ = gzip.NewWriterLevel(&d.out, gzip.BestSpeed)
	return d
}

// deflating does gzip again, at the fastest level: the way to the caller is short, or compressed by the server anyway.
type deflating struct {
	src io.Reader
	*deflater
	end error
}

// step is how much is compressed at once.
const step = 32 << 10

func (d *deflating) Read(p []byte) (int, error) {
	if d.deflater == nil {
		if d.end != nil {
			return 0, d.end
		}
		d.deflater = newDeflater()
	}
	for d.out.Len() == 0 && d.end == nil {
		d.more()
	}
	if d.out.Len() == 0 {
		if d.end == io.EOF { //nolint:errorlint // a Reader's EOF is this value
			deflaters.Put(d.deflater)
		}
		d.deflater = nil
		return 0, d.end
	}
	return d.out.Read(p)
}

func (d *deflating) more() {
	n, err := d.src.Read(d.chunk[:])
	if n > 0 {
		_, _ = d.z.Write(d.chunk[:n])
	}
	switch {
	case err == io.EOF: //nolint:errorlint // a Reader's EOF is this value
		_ = d.z.Close()
		d.end = err
	case err != nil:
		d.end = err // cut off, so that the caller sees that it is
	}
}
