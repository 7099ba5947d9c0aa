package autotask

import (
	"net/http"
	"strings"
)

// answerHeaders are what of the PSA's answer reaches the caller as it is. It is an allow-list because each of the
// others would speak for the gateway's host or lead past it: Set-Cookie, Strict-Transport-Security, Alt-Svc, CORS and
// reporting headers belong to the PSA's host; WWW-Authenticate never passes to a caller whose own key was right; Server
// and its kin tell of machines that are not the caller's affair; Psagate-Reason is the gateway's word. Location goes
// through RewriteLocation. Content-Length is left to whoever writes the body, which may have been rewritten.
var answerHeaders = []string{
	"Allow", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type", "Etag",
	"Expires", "Last-Modified", "Pragma", "Retry-After", "Vary",
}

// limitPrefixes start the headers in which services tell how much of a limit is left.
var limitPrefixes = []string{"X-Ratelimit-", "Ratelimit-"}

// PassResponseHeaders copies the headers of the PSA's answer that may reach the caller.
func PassResponseHeaders(dst, src http.Header) {
	for name, values := range src {
		if passes(name) && !endsHere(src, name) && !anyInvalid(values) {
			dst[name] = append([]string(nil), values...)
		}
	}
}

func passes(name string) bool {
	for _, allowed := range answerHeaders {
		if name == allowed {
			return true
		}
	}
	for _, prefix := range limitPrefixes {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
