package autotask

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestOnlyTheAllowedRequestHeadersPass(t *testing.T) {
	t.Parallel()
	src := http.Header{}
	for _, name := range []string{
		"Accept", "Accept-Language", "Content-Type", "Content-Encoding", "User-Agent",
		"ApiIntegrationCode", "UserName", "Secret", "ImpersonationResourceId", "Authorization", "Proxy-Authorization", "Cookie",
		"X-HTTP-Method-Override", "X-Original-URL", "X-Rewrite-Url", "X-Forwarded-For", "Forwarded", "Via", "Idempotency-Key",
		"X-Idempotency-Key", "Expect", "Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
		"Content-Length", "Host", "Range", "If-None-Match", "Origin", "Referer", "Max-Forwards", "Proxy-Connection",
	} {
		src.Set(name, "value")
	}
	dst := http.Header{}
	PassRequestHeaders(dst, src)
	want := []string{"Accept", "Accept-Encoding", "Accept-Language", "Content-Encoding", "Content-Type", "User-Agent"}
	if got := slices.Sorted(maps.Keys(dst)); !slices.Equal(got, want) {
		t.Errorf("passed: %v", got)
	}
}

func TestACopiedHeaderIsNotSharedWithItsSource(t *testing.T) {
	t.Parallel()
	src, dst := http.Header{"Accept": {"a"}}, http.Header{}
	PassRequestHeaders(dst, src)
	dst["Accept"][0] = "b"
	if src.Get("Accept") != "a" {
		t.Error("the caller's header changed")
	}
}

func TestAHeaderThatConnectionNamesEndsHere(t *testing.T) {
	t.Parallel()
	dst := http.Header{}
	PassRequestHeaders(dst, http.Header{"Connection": {"close, accept"}, "Accept": {"x"}, "Content-Type": {"y"}})
	if dst.Get("Accept") != "" || dst.Get("Content-Type") != "y" {
		t.Errorf("passed: %v", dst)
	}
}

func TestAcceptEncodingBecomesGzipOrIdentity(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"":                            "identity",
		"gzip":                        "gzip",
		"gzip, compress, deflate, br": "gzip",
		"br;q=1.0, GZIP;q=0.5":        "gzip",
		"x-gzip":                      "gzip",
		"*":                           "gzip",
		"gzip;q=0":                    "identity",
		"gzip; q=0.000":               "identity",
		"gzip;q=0, *":                 "identity",
		"*;q=0":                       "identity",
		"br, deflate":                 "identity",
		"identity":                    "identity",
		"gzip;q=nonsense":             "identity",
		"gzipped":                     "identity",
	} {
		dst := http.Header{}
		PassRequestHeaders(dst, http.Header{"Accept-Encoding": {line}})
		if got := dst.Values("Accept-Encoding"); len(got) != 1 || got[0] != want {
			t.Errorf("%q becomes %q, want %q", line, got, want)
		}
	}
}

func TestNoUserAgentIsMadeUp(t *testing.T) {
	t.Parallel()
	dst := http.Header{}
	PassRequestHeaders(dst, http.Header{})
	if got, ok := dst["User-Agent"]; !ok || len(got) != 1 || got[0] != "" {
		t.Errorf("User-Agent is %q; net/http adds its own unless it is there and empty", got)
	}
}

func TestCredentialsReplaceWhatWasThere(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	for _, name := range []string{HeaderUserName, HeaderSecret, HeaderIntegrationCode, HeaderImpersonation} {
		h.Add(name, "the caller's")
		h.Add(name, "twice")
	}
	if err := SetCredentials(h, "api@example.com", "p w", "CODE", ""); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"username": "api@example.com", "secret": "p w", "apiintegrationcode": "CODE"} {
		if got := h.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if got := h.Values(HeaderImpersonation); len(got) != 0 {
		t.Errorf("the caller's impersonation stayed: %q", got)
	}
	if err := SetCredentials(h, "u", "p", "c", "42"); err != nil || h.Get("impersonationresourceid") != "42" {
		t.Errorf("impersonation: %v, %v", err, h)
	}
}

func TestACredentialThatCouldNotArriveAsItIsIsRefusedUnseen(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"empty": "", "a line break": "hunter2\n", "a header of its own": "hunter2\r\nX: y", "NUL": "hunter2\x00",
		"a control byte": "hunter2\x1b[", "DEL": "hunter2\x7f", "a space at the end": "hunter2 ", "a tab before": "\thunter2",
	} {
		for i := range 3 {
			fields := []string{"u", "s", "c"}
			fields[i] = value
			h := http.Header{"Secret": {"old"}}
			err := SetCredentials(h, fields[0], fields[1], fields[2], "")
			if err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s, field %d: %v", name, i, err)
			}
			if len(h) != 1 || h.Get("Secret") != "old" {
				t.Errorf("%s, field %d: headers were set: %d", name, i, len(h))
			}
		}
	}
	for _, resource := range []string{"x", "1\r\n", " 1", "01", "1.5"} {
		if SetCredentials(http.Header{}, "u", "s", "c", resource) == nil {
			t.Errorf("impersonation %q is taken", resource)
		}
	}
}

func TestOnlyTheAllowedAnswerHeadersPass(t *testing.T) {
	t.Parallel()
	src := http.Header{}
	pass := []string{"Allow", "Cache-Control", "Content-Encoding", "Content-Type", "Retry-After", "Vary", "X-Ratelimit-Remaining", "Ratelimit-Limit"}
	drop := []string{
		"Set-Cookie", "Server", "X-Powered-By", "X-Aspnet-Version", "Alt-Svc", "Strict-Transport-Security", "Www-Authenticate",
		"Proxy-Authenticate", "Location", "Content-Location", "Refresh", "Link", "Clear-Site-Data", "Access-Control-Allow-Origin",
		"Report-To", "Nel", "Psagate-Reason", "Connection", "Keep-Alive", "Transfer-Encoding", "Trailer", "Upgrade",
		"Content-Length", "Secret", "Content-Security-Policy-Report-Only", "Authentication-Info",
	}
	for _, name := range slices.Concat(pass, drop) {
		src.Set(name, "v")
	}
	dst := http.Header{}
	PassResponseHeaders(dst, src)
	if got := slices.Sorted(maps.Keys(dst)); !slices.Equal(got, slices.Sorted(slices.Values(pass))) {
		t.Errorf("passed: %v", got)
	}
	dst = http.Header{}
	PassResponseHeaders(dst, http.Header{"Vary": {"a"}, "Connection": {"Vary"}, "Etag": {"x\ny"}})
	if len(dst) != 0 {
		t.Errorf("passed: %v", dst)
	}
}
