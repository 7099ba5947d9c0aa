package autotask

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// The request headers that carry a credential. The PSA, as HTTP demands, compares names without case.
const (
	HeaderIntegrationCode = "ApiIntegrationCode"
	HeaderUserName        = "UserName"
	HeaderSecret          = "Secret"
	HeaderImpersonation   = "ImpersonationResourceId"
)

// keys are these names as net/http has them in a Header.
var keyUserName, keySecret, keyIntegrationCode, keyImpersonation = http.CanonicalHeaderKey(HeaderUserName), http.CanonicalHeaderKey(HeaderSecret),
	http.CanonicalHeaderKey(HeaderIntegrationCode), http.CanonicalHeaderKey(HeaderImpersonation)

// requestHeaders are all that a caller's request may tell the PSA besides path, query string and body. Everything else
// stays behind: credentials, cookies, method overrides, forwarding and routing headers, idempotency keys (which make the
// HTTP transport send a POST twice), Expect, and what concerns one connection.
var requestHeaders = []string{"Accept", "Accept-Language", "Content-Type", "Content-Encoding", "User-Agent"}

// PassRequestHeaders copies the allowed headers of a caller's request. Accept-Encoding becomes gzip where the caller
// takes it and identity else, since the gateway must be able to read the answer; a caller without User-Agent gets
// none made up for it. What says how the body is to be read goes wherever the body goes, even if Connection names it.
func PassRequestHeaders(dst, src http.Header) {
	for _, name := range requestHeaders {
		if values := src[name]; len(values) > 0 && !endsHere(src, name) && !anyInvalid(values) {
			dst[name] = append([]string(nil), values...)
		}
	}
	if dst["User-Agent"] == nil {
		dst["User-Agent"] = []string{""}
	}
	coding := "identity"
	if acceptsGzip(src["Accept-Encoding"]) {
		coding = "gzip"
	}
	dst["Accept-Encoding"] = []string{coding}
}

// endsHere reports whether Connection names a header: it is for this connection alone (RFC 9110, section 7.6.1).
func endsHere(h http.Header, name string) bool {
	for _, line := range h["Connection"] {
		for named := range strings.SplitSeq(line, ",") {
			if is(strings.TrimSpace(named), name) {
				return name != "Content-Type" && name != "Content-Encoding"
			}
		}
	}
	return false
}

func anyInvalid(values []string) bool {
	for _, v := range values {
		if checkValue(v) != nil {
			return true
		}
	}
	return false
}

// acceptsGzip reads Accept-Encoding as RFC 9110, section 12.5.3 says: gzip by name decides, else "*".
func acceptsGzip(lines []string) bool {
	star := false
	for _, line := range lines {
		for entry := range strings.SplitSeq(line, ",") {
			coding, params, _ := strings.Cut(entry, ";")
			switch lower(strings.TrimSpace(coding)) {
			case "gzip", "x-gzip":
				return weight(params) > 0
			case "*":
				star = weight(params) > 0
			}
		}
	}
	return star
}

// weight returns the q value among an entry's parameters: 1 where there is none, 0 where it is malformed.
func weight(params string) float64 {
	for param := range strings.SplitSeq(params, ";") {
		name, value, found := strings.Cut(param, "=")
		if found && is(strings.TrimSpace(name), "q") {
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				return 0
			}
			return q
		}
	}
	return 1
}

// Impersonates reports whether a caller asks to be shown as another resource. A header without a value asks for nothing.
func Impersonates(h http.Header) bool {
	for _, v := range h[keyImpersonation] {
		if v != "" {
			return true
		}
	}
	return false
}

// Impersonation returns the id of the resource that a caller asks to be shown as; empty where he does not ask. The error
// is a *RequestError: there must be one value, and that a whole number, since of anything else nobody knows what the PSA
// would make of it.
func Impersonation(h http.Header) (resource string, err error) {
	if !Impersonates(h) {
		return "", nil
	}
	values := h[keyImpersonation]
	if len(values) > 1 {
		return "", badRequest(HeaderImpersonation + " is there more than once; send it once, with the id of one resource")
	}
	if !resourceID(values[0]) {
		return "", badRequest(HeaderImpersonation + " is no resource id; send a whole number, in digits alone")
	}
	return values[0], nil
}

// resourceID reports whether s is a resource's id as the PSA writes it.
func resourceID(s string) bool { return validID(s) && s[0] != '-' }

// SetCredentials puts a credential on a request that is about to leave; impersonate is a resource id or empty. A value
// that would reach the PSA changed, or end the header early, is an error that names the header and never the value:
// sent like that it would be a failed sign-in. On an error no header is set.
func SetCredentials(h http.Header, user, secret, code, impersonate string) error {
	values := [...]struct{ name, key, value string }{
		{HeaderUserName, keyUserName, user}, {HeaderSecret, keySecret, secret}, {HeaderIntegrationCode, keyIntegrationCode, code},
	}
	for _, v := range values {
		if err := checkCredential(v.value); err != nil {
			return fmt.Errorf("the credential's value for header %s %w; correct it in the secret store", v.name, err)
		}
	}
	if impersonate != "" && !resourceID(impersonate) {
		return fmt.Errorf("header %s is no resource id; give a whole number", HeaderImpersonation)
	}
	for _, v := range values {
		h[v.key] = []string{v.value}
	}
	delete(h, keyImpersonation)
	if impersonate != "" {
		h[keyImpersonation] = []string{impersonate}
	}
	return nil
}

func checkCredential(v string) error {
	switch {
	case v == "":
		return errors.New("is empty")
	case strings.Trim(v, " \t") != v:
		return errors.New("starts or ends with white space")
	}
	return checkValue(v)
}

// checkValue says whether v can be a header's value (RFC 9110, section 5.5).
func checkValue(v string) error {
	for i := range len(v) {
		if c := v[i]; c < ' ' && c != '\t' || c == 0x7f {
			return errors.New("holds a control character")
		}
	}
	return nil
}
