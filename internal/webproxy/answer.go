package webproxy

import (
	"compress/gzip"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/psagate/psagate/internal/autotask"
)

// kept are the headers that would bind the gateway's own host to something on the zone's word, or that only the gateway may say.
var kept = []string{"Strict-Transport-Security", "Alt-Svc", "Public-Key-Pins", "Expect-Ct", "Nel", "Report-To", "Reporting-Endpoints", "Clear-Site-Data", autotask.HeaderReason}

// answer makes the zone's answer the gateway's.
func (x *exchange) answer(resp *http.Response) {
	h := resp.Header
	for _, name := range kept {
		h.Del(name)
	}
	x.setCookies(h)
	x.saw(resp) // before addresses are turned
	for _, name := range [...]string{"Location", "Content-Location"} {
		if to := h.Get(name); to != "" {
			h.Set(name, x.led(to))
		}
	}
	for _, name := range [...]string{"Refresh", "Link", "Sourcemap", "X-Sourcemap"} {
		x.turn(h, name, x.links.Down)
	}
	for _, name := range [...]string{"Content-Security-Policy", "Content-Security-Policy-Report-Only", "Access-Control-Allow-Origin"} {
		x.turn(h, name, x.links.Own) // what names hosts, not pages
	}
	if resp.StatusCode == http.StatusSwitchingProtocols || !shownText(resp) {
		if resp.StatusCode != http.StatusSwitchingProtocols && h.Get("Content-Encoding") == "" {
			resp.Body = x.watched(resp.Body)
		}
		x.refused(resp)
		return
	}
	for _, name := range [...]string{"Content-Length", "Content-Md5", "Digest", "Content-Digest", "Repr-Digest", "Accept-Ranges"} {
		h.Del(name)
	}
	if tag := h.Get("Etag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		h.Set("Etag", "W/"+tag)
	}
	if resp.Request.Method == http.MethodHead {
		return
	}
	if h.Get("Content-Encoding") != "" {
		h.Del("Content-Encoding")
		resp.Body = &inflating{from: resp.Body}
	}
	resp.Body = stream(x.watched(resp.Body), x.links.Down)
	resp.ContentLength = -1
	x.refused(resp)
}

// refused sees a sign-in that HTTP itself refuses.
func (x *exchange) refused(resp *http.Response) {
	if x.try.posted && resp.StatusCode == http.StatusUnauthorized {
		x.failed(plainRefusal, false)
	}
}

// turn makes edits in all values of a header.
func (x *exchange) turn(h http.Header, name string, find turn) {
	for i, value := range h[name] {
		h[name][i] = apply(find, value)
	}
}

// led is where a redirect leads, seen from the gateway. One that leaves the PSA, as to a provider who signs people in, is as it came, the
// addresses in it too: they are what that provider knows.
func (x *exchange) led(to string) string {
	u, err := url.Parse(to)
	if err != nil {
		return to
	}
	if u.Host != "" && !strings.EqualFold(u.Host, x.zone.Host) && !autotask.WebHost(u.Host) {
		return to
	}
	return apply(x.links.Down, to)
}

// Own is Down for the zone's own addresses alone.
func (l Links) Own(text, lowered []byte, at int) (edit, bool) {
	a, found := l.zone.next(text, lowered, at)
	if !found {
		return edit{}, false
	}
	return edit{a.from, a.to, a.in(l.public)}, true
}

// shownText says whether an answer is a page, or what a page is made of, and not a file that somebody asked for.
func shownText(resp *http.Response) bool {
	h := resp.Header
	if resp.StatusCode == http.StatusPartialContent {
		return false
	}
	if disposition, _, _ := strings.Cut(h.Get("Content-Disposition"), ";"); strings.EqualFold(strings.TrimSpace(disposition), "attachment") {
		return false
	}
	if encoding := h.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "gzip") && !strings.EqualFold(encoding, "x-gzip") {
		return false
	}
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || !plainCharset(params["charset"]) {
		return false
	}
	switch kind {
	case "text/html", "application/xhtml+xml", "text/css", "text/javascript", "application/javascript", "application/x-javascript", "application/ecmascript":
		return true
	}
	return structured(kind)
}

// inflating inflates an answer, beginning when it is read: before that nothing may have come.
type inflating struct {
	from io.ReadCloser
	zip  *gzip.Reader
}

// Read implements io.Reader.
func (i *inflating) Read(p []byte) (int, error) {
	if i.zip == nil {
		zip, err := gzip.NewReader(i.from)
		if err != nil {
			return 0, err
		}
		i.zip = zip
	}
	return i.zip.Read(p)
}

// Close implements io.Closer.
func (i *inflating) Close() error { return i.from.Close() }
