package signin

import (
	"net/http"
	"strings"

	"github.com/psagate/psagate/internal/session"
)

// The names of our cookies. With __Host- a browser takes them from this host alone, over HTTPS alone, so that neither a neighbour
// nor a line can plant one. That is not to be had on a loopback host without HTTPS.
const (
	hostPrefix    = "__Host-"
	sessionCookie = "psagate"
	flowCookie    = "psagate-flow-"
	markCookie    = "psagate-browser"
)

// cookieName is a cookie's whole name under an origin.
func (o origin) cookieName(name string) string {
	if o.secure() {
		return hostPrefix + name
	}
	return name
}

// setCookie sets one of our cookies; maxAge is in seconds: 0 for as long as the browser runs, below 0 to take it away.
func (o origin) setCookie(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: o.cookieName(name), Value: value, Path: "/", MaxAge: maxAge,
		Secure: o.secure(), HttpOnly: true, SameSite: http.SameSiteLaxMode, // Lax: the provider sends people back from its own site
	})
}

// token is the session's that a request carries. Of two that differ none counts: one of them is not ours.
func (o origin) token(r *http.Request) (session.Token, bool) {
	cookies := r.CookiesNamed(o.cookieName(sessionCookie))
	if len(cookies) != 1 {
		return session.Token{}, false
	}
	return session.ParseToken(cookies[0].Value)
}

// tokenOf is the session's that a request was sent with. Behind one gate the cookie is not there any more: a gate behind it, of other
// groups or limits, goes by what the first one saw, or it would send people to sign in for ever.
func tokenOf(r *http.Request, o origin) (session.Token, bool) {
	if v, through := VisitOf(r.Context()); through {
		return v.token, true
	}
	return o.token(r)
}

// ours reports whether a cookie is one of ours, under any origin.
func ours(name string) bool {
	name = strings.TrimPrefix(name, hostPrefix)
	return name == sessionCookie || name == markCookie || strings.HasPrefix(name, flowCookie)
}

// strip takes our cookies out of a request's headers, which must be the caller's own copy. Others stay as they are, byte for byte.
func strip(h http.Header) {
	var lines []string
	for _, line := range h.Values("Cookie") {
		var kept []string
		for pair := range strings.SplitSeq(line, ";") {
			name, _, _ := strings.Cut(pair, "=")
			if !ours(strings.TrimSpace(name)) {
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
