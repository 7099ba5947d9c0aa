package webproxy

import (
	"net/http"
	"net/netip"
	"strings"
)

// ours says whether a cookie's name is one of the gateway's.
func ours(name string) bool {
	for _, prefix := range [...]string{"__host-", "__secure-", "__http-", "__hosthttp-"} {
		name, _ = strings.CutPrefix(strings.ToLower(strings.TrimSpace(name)), prefix)
	}
	return strings.HasPrefix(name, "psagate")
}

// stripCookies takes the gateway's cookies out of a request. Others stay as they are, byte for byte.
func stripCookies(h http.Header) {
	var lines []string
	for _, line := range h.Values("Cookie") {
		var kept []string
		for pair := range strings.SplitSeq(line, ";") {
			if name, _, _ := strings.Cut(pair, "="); !ours(name) {
				kept = append(kept, pair)
			}
		}
		if line = strings.TrimSpace(strings.Join(kept, ";")); line != "" {
			lines = append(lines, line)
		}
	}
	if h.Del("Cookie"); len(lines) > 0 {
		h["Cookie"] = lines
	}
}

// setCookies makes the zone's cookies the gateway host's: for this host alone, over HTTPS alone where that is how the browser came. One
// whose name is the gateway's own is dropped, and one without a name, which comes back as what stands in its place, and one for a domain that the zone is not in, which no browser would have taken.
func (x *exchange) setCookies(h http.Header) {
	var lines []string
	for _, line := range h.Values("Set-Cookie") {
		if line, keep := x.setCookie(line); keep {
			lines = append(lines, line)
		}
	}
	if h.Del("Set-Cookie"); len(lines) > 0 {
		h["Set-Cookie"] = lines
	}
}

func (x *exchange) setCookie(line string) (string, bool) {
	parts := strings.Split(line, ";")
	if name, _, named := strings.Cut(parts[0], "="); !named || strings.TrimSpace(name) == "" || ours(name) {
		return "", false
	}
	kept := parts[:1]
	for _, part := range parts[1:] {
		name, value, _ := strings.Cut(part, "=")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		switch {
		case name == "domain":
			if !x.within(value) {
				return "", false
			}
		case name == "secure":
		case !x.Secure && (name == "samesite" && strings.EqualFold(value, "none") || name == "partitioned"):
			// no browser takes these without Secure
		default:
			kept = append(kept, part)
		}
	}
	if x.Secure {
		kept = append(kept, " Secure")
	}
	return strings.Join(kept, ";"), true
}

// within says whether the zone's host is in a cookie's domain (RFC 6265, 5.1.3).
func (x *exchange) within(domain string) bool {
	host := strings.ToLower(x.zone.Hostname())
	domain = strings.ToLower(strings.TrimPrefix(domain, "."))
	if domain == "" || host == domain {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err != nil && strings.HasSuffix(host, "."+domain) && strings.Contains(domain, ".")
}
