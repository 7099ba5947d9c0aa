package call

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/gzedit"
)

// shape makes of the PSA's answer what the caller may have: what passes of its headers is put into h, URLs that would lead
// past the gateway are turned, and errors rid of an echoed secret.
func (t *trip) shape(h http.Header, resp *http.Response) error {
	from := resp.Header
	resp.Header = make(http.Header, len(from))
	autotask.PassResponseHeaders(resp.Header, from)
	red := t.Ticket.Redactor
	red.Header(resp.Header)
	if to := autotask.RewriteLocation(from.Get("Location"), t.public, t.served().leads); to != "" {
		resp.Header.Set("Location", red.Text(to))
	}
	gzipped, readable := coding(from)
	switch {
	case resp.StatusCode < 300 && !paged(t.Operation) && !t.Complaint:
		if resp.ContentLength >= 0 {
			resp.Header.Set("Content-Length", strconv.FormatInt(resp.ContentLength, 10))
		}
	case !readable:
		return errCoding
	case resp.StatusCode >= 300 || t.Complaint:
		t.redact(resp)
	default:
		t.rewrite(resp, gzipped)
	}
	addTo(h, resp.Header)
	return nil
}

// addTo adds headers to others, which may hold on to their values.
func addTo(h, more http.Header) {
	for name, values := range more {
		if had := h[name]; had != nil {
			values = append(had, values...)
		}
		h[name] = values
	}
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
func (t *trip) redact(resp *http.Response) {
	in := bufio.NewReader(resp.Body)
	var out io.Reader = in
	if isGzip(in) {
		out = &inflating{src: in}
	}
	resp.Header.Del("Content-Encoding")
	resp.Body = body{t.Ticket.Redactor.Reader(out), resp.Body}
}

// rewrite points the page URLs of an answer at the gateway, as it streams by. It does so whatever host they name: a
// client that followed one elsewhere would show its key there. They stand at a page's end, and what comes before them is not
// compressed again.
func (t *trip) rewrite(resp *http.Response, gzipped bool) {
	in := bufio.NewReader(resp.Body)
	edit := func(text io.Reader) io.Reader { return autotask.NewRewriter(text, t.public, anywhere) }
	if gzipped && isGzip(in) {
		resp.Body = body{gzedit.New(in, edit), resp.Body}
		return
	}
	resp.Header.Del("Content-Encoding")
	resp.Body = body{edit(in), resp.Body}
}

func anywhere(*url.URL) bool { return true }

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

// inflaters are used again: they are large. What breaks off goes to the garbage.
var inflaters sync.Pool
