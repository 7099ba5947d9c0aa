package call

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

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
	gzipped := strings.EqualFold(from.Get("Content-Encoding"), "gzip")
	switch {
	case resp.StatusCode >= 300:
		g.redact(resp, t, gzipped)
	case paged(t.Operation) && isJSON(from):
		g.rewrite(resp, t, gzipped)
	default:
		if resp.ContentLength >= 0 {
			resp.Header.Set("Content-Length", strconv.FormatInt(resp.ContentLength, 10))
		}
	}
	return nil
}

// paged reports whether an operation's answer may hold page URLs.
func paged(op autotask.Operation) bool {
	return op.Form == autotask.FormQuery || op.Form == autotask.FormNext || op.Form == autotask.FormChild && op.Method == http.MethodGet
}

func isJSON(h http.Header) bool {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return kind == "application/json" || kind == "text/json"
}

// redact takes echoed secrets out of an error's body, which goes on without compression.
func (g *Gateway) redact(resp *http.Response, t *trip, gzipped bool) {
	in := io.Reader(resp.Body)
	if gzipped {
		in = &inflating{src: in}
		resp.Header.Del("Content-Encoding")
	}
	resp.Body = body{t.Ticket.Redactor.Reader(in), resp.Body}
}

// rewrite points the page URLs of an answer at the gateway, as it streams by.
func (g *Gateway) rewrite(resp *http.Response, t *trip, gzipped bool) {
	if !gzipped {
		resp.Body = body{autotask.NewRewriter(resp.Body, t.public, t.lane.leads), resp.Body}
		return
	}
	resp.Body = body{&deflating{src: autotask.NewRewriter(&inflating{src: resp.Body}, t.public, t.lane.leads)}, resp.Body}
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
		z, err := gzip.NewReader(i.src)
		if err != nil {
			return 0, err
		}
		i.z = z
	}
	return i.z.Read(p)
}

// deflating does gzip again, at the fastest level: the way to the caller is short, or compressed by the server anyway.
type deflating struct {
	src io.Reader
	out bytes.Buffer
	z   *gzip.Writer
	end error
}

// step is how much is compressed at once.
const step = 32 << 10

func (d *deflating) Read(p []byte) (int, error) {
	for d.out.Len() == 0 && d.end == nil {
		d.more()
	}
	if d.out.Len() == 0 {
		return 0, d.end
	}
	return d.out.Read(p)
}

func (d *deflating) more() {
	if d.z == nil {
		d.z, _ = gzip.NewWriterLevel(&d.out, gzip.BestSpeed)
	}
	var chunk [step]byte
	n, err := d.src.Read(chunk[:])
	if n > 0 {
		_, _ = d.z.Write(chunk[:n])
	}
	switch {
	case err == io.EOF: //nolint:errorlint // a Reader's EOF is this value
		_ = d.z.Close()
		d.end = err
	case err != nil:
		d.end = err // cut off, so that the caller sees that it is
	}
}
