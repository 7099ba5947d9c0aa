package webproxy

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
)

// rewrite makes the request that goes to the zone.
func (x *exchange) rewrite(pr *httputil.ProxyRequest) {
	out := pr.Out
	out.URL, out.Host, out.Trailer = x.target, "", nil
	h := out.Header
	for name := range h {
		if withheld(name) {
			delete(h, name)
		}
	}
	if upgrade := h.Get("Upgrade"); upgrade != "" && !strings.EqualFold(upgrade, "websocket") {
		h.Del("Upgrade") // what else there is would take the connection out of sight
		h.Del("Connection")
	}
	stripCookies(h)
	x.comesFrom(h)
	if h.Get("Accept-Encoding") != "" {
		h.Set("Accept-Encoding", encodings(h.Get("Accept-Encoding")))
	}
	if out.Body != nil && out.Body != http.NoBody && h.Get("Content-Encoding") == "" && sentText(h.Get("Content-Type")) {
		x.sendText(out)
	}
}

// comesFrom has what a browser says of the page that it comes from be of the zone where it is of this site. A page without TLS under the
// name of a site that has it may be anybody's who is on the way: it stays another.
func (x *exchange) comesFrom(h http.Header) {
	origin, referer := h.Get("Origin"), h.Get("Referer")
	switch {
	case origin == "":
	case x.inClear(origin):
		h.Set("Origin", "null")
	default:
		h.Set("Origin", x.up(origin))
	}
	switch {
	case referer == "":
	case x.inClear(referer) || x.onOurs(referer):
		h.Del("Referer")
	default:
		h.Set("Referer", x.up(referer))
	}
}

// inClear says whether an address is this site's name without the TLS that it has.
func (x *exchange) inClear(address string) bool {
	u, err := url.Parse(address)
	return x.Secure && err == nil && u.Scheme == "http" && strings.EqualFold(u.Hostname(), x.public.Hostname())
}

// onOurs says whether an address is of a page of the gateway's own.
func (x *exchange) onOurs(address string) bool {
	u, err := url.Parse(address)
	return err == nil && strings.EqualFold(u.Host, x.public.Host) && strings.HasPrefix(plain(u.Path)+"/", "/psagate/")
}

// up turns an address in a header, if it is the gateway's.
func (x *exchange) up(address string) string { return apply(x.links.Up, address) }

// withheld says whether a header is not the PSA's business: what names or vouches for the person to this gateway, what proxies say of the
// person's network, what programs prove themselves with, and what asks for a part of an answer, which counts in bytes of another text.
func withheld(name string) bool {
	lowered := strings.ReplaceAll(strings.ToLower(name), "_", "-") // which programs behind servers cannot tell apart
	switch lowered {
	case "authorization", "username", "secret", "apiintegrationcode", "impersonationresourceid",
		"forwarded", "via", "client-ip", "true-client-ip", "remote-user", "remote-addr", "range", "if-range":
		return true
	}
	for _, start := range [...]string{
		"x-forwarded", "x-real-", "x-client-", "x-cluster-", "x-original-", "x-rewrite-", "x-remote-", "x-auth-", "x-authenticated-", "x-webauth-",
		"x-ms-client-", "x-ssl-", "x-envoy-", "x-amzn-", "cf-", "fastly-", "proxy-", "psa-", "psagate", "x-psa",
	} {
		if strings.HasPrefix(lowered, start) {
			return true
		}
	}
	return false
}

// encodings are what the zone may answer in: what the browser takes, of those that can be read here.
func encodings(accepted string) string {
	for part := range strings.SplitSeq(accepted, ",") {
		name, rest, _ := strings.Cut(part, ";")
		if name = strings.TrimSpace(strings.ToLower(name)); name != "gzip" {
			continue
		}
		if q, found := strings.CutPrefix(strings.ReplaceAll(rest, " ", ""), "q="); found {
			if weight, err := strconv.ParseFloat(q, 64); err != nil || weight <= 0 {
				continue
			}
		}
		return "gzip"
	}
	return "identity"
}

// sentText says whether what people send is text, in which an address of the gateway's would be one that nobody else can use. Forms
// that carry files are not looked into.
func sentText(contentType string) bool {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || !plainCharset(params["charset"]) {
		return false
	}
	return kind == "application/x-www-form-urlencoded" || kind == "text/plain" || structured(kind)
}

// structured says whether a type is JSON's or XML's.
func structured(kind string) bool {
	switch kind {
	case "application/json", "text/json", "application/xml", "text/xml":
		return true
	}
	return strings.HasSuffix(kind, "+json") || strings.HasSuffix(kind, "+xml") && kind != "image/svg+xml"
}

// plainCharset says whether ASCII stands in a charset as it is.
func plainCharset(name string) bool {
	lowered := strings.ToLower(name)
	return !strings.HasPrefix(lowered, "utf-16") && !strings.HasPrefix(lowered, "utf-32") && !strings.HasPrefix(lowered, "ucs-") && lowered != "utf-7"
}

// maxForm is the most of a form that is taken at once, in bytes; more passes as a stream, without its length.
const maxForm = 64 << 10

// sendText has addresses turned in what goes to the zone.
func (x *exchange) sendText(out *http.Request) {
	if out.ContentLength < 0 || out.ContentLength > maxForm {
		out.Body = stream(out.Body, x.links.Up)
		x.lengthOf(out, -1)
		return
	}
	text, err := io.ReadAll(out.Body)
	if err != nil {
		out.Body = failing{out.Body, err}
		return
	}
	sent := []byte(apply(x.links.Up, string(text)))
	out.Body = io.NopCloser(bytes.NewReader(sent)) // the server closes what it gave
	x.lengthOf(out, int64(len(sent)))
}

func (*exchange) lengthOf(out *http.Request, n int64) {
	out.ContentLength = n
	out.Header.Del("Content-Length")
}

// failing is a body that broke off: what goes to the zone must not seem whole.
type failing struct {
	io.Closer
	err error
}

// Read implements io.Reader.
func (f failing) Read([]byte) (int, error) { return 0, f.err }
