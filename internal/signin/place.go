package signin

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/psagate/psagate/internal/issuer"
)

// Root is where the pages live.
const Root = "/psagate/"

// The pages. Those with a slash at the end are followed by an issuer's name.
const (
	pageSignIn      = Root + "signin"
	pageStart       = Root + "signin/start"
	pageCallback    = Root + "callback/"
	PageLogout      = Root + "logout"
	pageSignedOut   = Root + "signed-out"
	pageBackChannel = Root + "backchannel/"
)

// The pages of a person's second factor. They are served behind the gate, by internal/stepup.
const (
	PageStepUp = Root + "stepup"
	PageTOTP   = Root + "totp"
)

// Pages are the paths that come here, whatever the site's matchers: the pages, and those behind the gate. It is written as matchers
// write it: what ends in a star goes on.
func Pages() []string {
	return append([]string{pageSignIn, pageStart, pageCallback + "*", PageLogout, pageSignedOut, pageBackChannel + "*"}, Behind()...)
}

// Behind are the paths of pages behind the gate.
func Behind() []string { return []string{PageStepUp, PageTOTP} }

// Handles reports whether a path is one of the pages.
func Handles(path string) bool {
	switch path {
	case pageSignIn, pageStart, PageLogout, pageSignedOut:
		return true
	}
	return strings.HasPrefix(path, pageCallback) || strings.HasPrefix(path, pageBackChannel)
}

// maxReturn is how long a return path may be, in bytes: it is part of a cookie.
const maxReturn = 1500

// returnPath is where a person goes who has signed in: the path, with its query, that he came for. Anything that a browser could
// take for another site's address, or that leads into the sign-in again, is the site's front page instead.
func returnPath(text string) string {
	const front = "/"
	if len(text) > maxReturn || !strings.HasPrefix(text, "/") || strings.HasPrefix(text, "//") || strings.Contains(text, `\`) {
		return front
	}
	for i := range len(text) {
		if text[i] <= ' ' || text[i] >= 0x7f { // browsers leave some out, so that /\t/host would be //host
			return front
		}
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return front
	}
	// What leads elsewhere once dots are taken away, by the browser or by a proxy, is not looked into.
	for part := range strings.SplitSeq(u.Path, "/") {
		if part == "." || part == ".." || strings.Contains(part, `\`) {
			return front
		}
	}
	if strings.HasPrefix(u.Path, "//") || Handles(u.Path) || Handles(strings.TrimRight(strings.ToLower(u.Path), "/")) {
		return front
	}
	return text
}

// origin is the scheme and host under which a browser came.
type origin struct {
	scheme, host string
}

// origin says under which scheme and host a browser came; ok is false where nobody may sign in there: cookies that go over an
// open line are everybody's. A loopback host has no line.
func (s *Site) origin(r *http.Request) (o origin, ok bool) {
	o = origin{"http", r.Host}
	if s.cfg.HTTPS(r) {
		o.scheme = "https"
	}
	u, err := url.Parse(o.String())
	if err != nil || u.Host != r.Host || u.Hostname() == "" || u.User != nil || u.Path != "" {
		return o, false
	}
	return o, o.secure() || issuer.Loopback(u.Hostname())
}

func (o origin) String() string { return o.scheme + "://" + o.host }

func (o origin) secure() bool { return o.scheme == "https" }

// callback is where a provider sends browsers back to.
func (o origin) callback(name string) string { return o.String() + pageCallback + url.PathEscape(name) }

func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}
