package autotask

import (
	"bufio"
	"io"
	"maps"
	"net/http"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// callersHeader reads header lines as a server does; what a server would not take is put together by hand, since a
// handler in front may have done so.
func callersHeader(block string) http.Header {
	if r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET / HTTP/1.1\r\nHost: x\r\n" + block + "\r\n\r\n"))); err == nil {
		return r.Header
	}
	h := http.Header{}
	for line := range strings.SplitSeq(block, "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		h.Add(name, strings.TrimPrefix(value, " "))
		h[name] = append(h[name][:len(h[name]):len(h[name])], value)
	}
	return h
}

var control = regexp.MustCompile(`[\x00-\x08\x0a-\x1f\x7f]`)

// wantPassed says which values of an allowed header should pass: all or none. What says how the body is to be read is no
// matter of the connection.
func wantPassed(src http.Header, name string) []string {
	for _, line := range src["Connection"] {
		if name == "Content-Type" || name == "Content-Encoding" {
			break
		}
		for _, named := range strings.Split(line, ",") {
			if textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(named)) == name {
				return nil
			}
		}
	}
	if slices.ContainsFunc(src[name], control.MatchString) {
		return nil
	}
	return src[name]
}

// FuzzRequestHeaders: nothing of a caller's header block reaches the PSA but the values of the allowed headers, whole and
// in order; his own credentials never do, ours arrive as they are, and no value becomes a header of its own on the wire.
func FuzzRequestHeaders(f *testing.F) {
	f.Add("Accept: text/plain\r\nConnection: accept", "api@example.com", "hunter2")
	f.Add("Secret: mine\r\nUserName: me\r\nAccept-Encoding: gzip;q=1", "a", "b")
	f.Fuzz(func(t *testing.T, block, user, password string) {
		src := callersHeader(block)
		before := src.Clone()
		dst := http.Header{}
		PassRequestHeaders(dst, src)
		checkPassed(t, dst, src)
		for _, values := range dst {
			values[0] += "changed"
		}
		if !maps.EqualFunc(before, src, slices.Equal) {
			t.Fatal("the caller's headers changed")
		}
		out := http.Header{"Secret": {"the caller's"}, "Impersonationresourceid": {"7"}}
		PassRequestHeaders(out, src)
		if err := SetCredentials(out, user, password, "CODE", ""); err != nil {
			if strings.Contains(err.Error(), planted) {
				t.Fatalf("the error shows the credential: %v", err)
			}
			return
		}
		checkOnTheWire(t, out, map[string]string{"Username": user, "Secret": password, "Apiintegrationcode": "CODE"})
	})
}

func checkPassed(t *testing.T, dst, src http.Header) {
	t.Helper()
	for name, values := range dst {
		switch {
		case name == "Accept-Encoding":
		case name == "User-Agent" && len(wantPassed(src, name)) == 0:
			if !slices.Equal(values, []string{""}) {
				t.Fatalf("User-Agent is %q", values)
			}
		case !slices.Contains(requestHeaders, name) || !slices.Equal(values, wantPassed(src, name)):
			t.Fatalf("%s: %q passed of %q", name, values, src)
		}
	}
	for _, name := range requestHeaders {
		if want := wantPassed(src, name); len(want) > 0 && dst[name] == nil {
			t.Fatalf("%s: %q did not pass", name, want)
		}
	}
	asked := strings.ToLower(strings.Join(src["Accept-Encoding"], ","))
	coding := dst["Accept-Encoding"]
	mayGzip := strings.Contains(asked, "gzip") || strings.Contains(asked, "*")
	if len(coding) != 1 || coding[0] != "identity" && !(coding[0] == "gzip" && mayGzip) || asked == "gzip" && coding[0] != "gzip" {
		t.Fatalf("Accept-Encoding is %q of %q", coding, asked)
	}
}

// checkOnTheWire writes a request with these headers as net/http does, and reads what the PSA would.
func checkOnTheWire(t *testing.T, h http.Header, credentials map[string]string) {
	t.Helper()
	base, err := ParseBase("https://"+psaHost, HostRule{})
	if err != nil {
		t.Fatal(err)
	}
	var wire strings.Builder
	if err := (&http.Request{Method: "GET", URL: base.URL(ThresholdCheck, ""), Header: h}).Write(&wire); err != nil {
		t.Fatal(err)
	}
	rest := bufio.NewReader(strings.NewReader(wire.String()))
	arrived, err := http.ReadRequest(rest)
	if err != nil {
		t.Fatalf("%q is no request: %v", wire.String(), err)
	}
	body, _ := io.ReadAll(arrived.Body)
	if left, _ := io.ReadAll(rest); len(body)+len(left) > 0 || len(arrived.TransferEncoding) > 0 || arrived.ContentLength != 0 {
		t.Fatalf("%q holds more than one request", wire.String())
	}
	for name := range arrived.Header {
		if credentials[name] == "" && name != "Accept-Encoding" && !slices.Contains(requestHeaders, name) {
			t.Fatalf("%s arrived: %q", name, wire.String())
		}
	}
	for name, want := range credentials {
		if got := arrived.Header[name]; !slices.Equal(got, []string{want}) {
			t.Fatalf("%s: %q arrived as %q", name, want, got)
		}
	}
}

// FuzzAnswerHeaders: nothing of an answer's header block reaches the caller but the values of the allowed headers.
func FuzzAnswerHeaders(f *testing.F) {
	f.Add("Content-Type: application/json\r\nSet-Cookie: a=b\r\nX-RateLimit-Left: 7\r\nConnection: vary\r\nVary: x")
	f.Fuzz(func(t *testing.T, block string) {
		src := callersHeader(block)
		before, dst := src.Clone(), http.Header{}
		PassResponseHeaders(dst, src)
		for name, values := range dst {
			limit := strings.HasPrefix(name, "X-Ratelimit-") || strings.HasPrefix(name, "Ratelimit-")
			if !slices.Contains(answerHeaders, name) && !limit || !slices.Equal(values, wantPassed(src, name)) {
				t.Fatalf("%s: %q passed of %q", name, values, src)
			}
			values[0] += "changed"
		}
		if !maps.EqualFunc(before, src, slices.Equal) {
			t.Fatal("the PSA's headers changed")
		}
	})
}
