package autotask

import (
	"bytes"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// gatewayHost is the host of gateway: no client may be led to another.
const gatewayHost = "psa.example.com"

// anywhere is what production takes for page URLs.
func anywhere(*url.URL) bool { return true }

func nowhere(*url.URL) bool { return false }

// change is a string value that came out otherwise, as it is spelled between its quotes.
type change struct {
	key      string
	from, to string
	at       int // of its opening quote in the input
}

// changes walks input and output side by side, byte for byte, and returns the string values in which alone they differ.
func changes(t *testing.T, in, out string) (all []change) {
	t.Helper()
	for i, j := 0, 0; ; {
		n := commonPrefix(in[i:], out[j:])
		if i+n == len(in) && j+n == len(out) {
			return all
		}
		// The gateway's URL, which the new value begins with, has no quote: the last one is the string's own.
		quote := strings.LastIndexByte(in[i:i+n], '"')
		if quote < 0 {
			t.Fatalf("%q became %q: they differ outside strings", in[i:], out[j:])
		}
		from, to := stringAt(in[i+quote+1:]), stringAt(out[j+quote+1:])
		all = append(all, change{key: keyBefore(in[:i+quote]), from: from, to: to, at: i + quote})
		i, j = i+quote+1+len(from), j+quote+1+len(to)
	}
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// stringAt returns the JSON string that s goes on with, up to its closing quote or the end.
func stringAt(s string) string {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return s[:i]
		}
	}
	return s
}

var keyAtEnd = regexp.MustCompile(`(?s)("(?:[^"\\]|\\.)*")$`)

// keyBefore returns the key, decoded, of the value that begins where s ends.
func keyBefore(s string) string {
	const blanks = " \t\r\n"
	s, is := strings.CutSuffix(strings.TrimRight(s, blanks), ":")
	if !is {
		return ""
	}
	s = strings.TrimRight(s, blanks)
	var key string
	if m := keyAtEnd.FindStringSubmatch(s[max(0, len(s)-200):]); m == nil || json.Unmarshal([]byte(m[1]), &key) != nil {
		return ""
	}
	return key
}

// pageURL is a string value of a valid JSON text at pageDetails.nextPageUrl or prevPageUrl, decoded.
type pageURL struct {
	text string
	end  int // behind its closing quote
}

// pageURLs finds them with encoding/json.
func pageURLs(body string) (all []pageURL) {
	type container struct {
		object, isKey bool
		key           string
	}
	var open []container
	dec := json.NewDecoder(strings.NewReader(body))
	dec.UseNumber()
	for {
		token, err := dec.Token()
		if err != nil {
			return all
		}
		text, isText := token.(string)
		if isText && len(open) == 2 && open[0].object && open[1].object && !open[1].isKey && isAny(open[0].key, "pageDetails") && isAny(open[1].key, "nextPageUrl", "prevPageUrl") {
			all = append(all, pageURL{text, int(dec.InputOffset())})
		}
		switch d := token; {
		case d == json.Delim('{') || d == json.Delim('['):
			open = append(open, container{object: d == json.Delim('{'), isKey: d == json.Delim('{')})
			continue
		case d == json.Delim('}') || d == json.Delim(']'):
			open = open[:len(open)-1]
		case len(open) > 0 && open[len(open)-1].isKey:
			open[len(open)-1].key, open[len(open)-1].isKey = text, false
			continue
		}
		if len(open) > 0 {
			open[len(open)-1].isKey = open[len(open)-1].object
		}
	}
}

var (
	absolute   = regexp.MustCompile(`(?s)^(?i:https?)://([^/?#\\]*)($|[/?#].*)`)
	interfaces = regexp.MustCompile(`(?s)^([^?#]*?)(/(?i:ATServicesRest|ATServices)([/?#].*)?)$`)
)

// wantURL is what an absolute URL should become that leads to the PSA, and false for what is none: the rule said once
// more, on the decoded string.
func wantURL(s string, leads func(*url.URL) bool) (string, bool) {
	m := absolute.FindStringSubmatch(s)
	if m == nil {
		return s, false
	}
	u, err := url.Parse("https://" + m[1])
	if err != nil || u.Host == "" || !leads(u) {
		return s, false
	}
	if i := interfaces.FindStringSubmatch(m[2]); i != nil {
		return gateway + i[2], true
	}
	return gateway + m[2], true
}

var (
	blank  = regexp.MustCompile(`[\x00-\x20]`)
	scheme = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*):(.*)`)
)

// hostsOf returns the hosts to which clients of several kinds may go who follow s from a page of the gateway's: one that
// reads as net/url does, and ones that read as browsers do and drop blanks at the ends, or all of them.
func hostsOf(s string) []string {
	hosts := []string{browserHost(blank.ReplaceAllString(s, "")), browserHost(strings.Trim(s, "\x00\t\n\r\v\f "))}
	if u, err := url.Parse(s); err == nil {
		page, _ := url.Parse(gateway + "/ATServicesRest/V1.0/Tickets/query")
		hosts = append(hosts, page.ResolveReference(u).Hostname())
	}
	return hosts
}

func browserHost(s string) string {
	s = strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(s)
	if m := scheme.FindStringSubmatch(s); m != nil {
		if !isAny(m[1], "http", "https") {
			return m[1] + ":"
		}
		s = "//" + m[2]
	}
	if !strings.HasPrefix(s, "//") {
		return gatewayHost
	}
	authority := strings.TrimLeft(s, "/")
	if end := strings.IndexAny(authority, "/?#"); end >= 0 {
		authority = authority[:end]
	}
	return authority[strings.LastIndexByte(authority, '@')+1:]
}

// checkPageURL judges what became of one page URL.
func checkPageURL(t *testing.T, from, to string, leads func(*url.URL) bool) {
	t.Helper()
	want, absolute := wantURL(from, leads)
	switch {
	case len(from) >= maxLead: // only the beginning is looked at
	case absolute && to != want:
		t.Fatalf("page URL %q became %q, want %q", from, to, want)
	case !absolute && to != from && !(leads(&url.URL{}) && to == gateway+"/?"+from):
		t.Fatalf("page URL %q became %q", from, to)
	}
	if to != from && (!strings.HasPrefix(to, gateway) || !strings.HasSuffix(from, strings.TrimPrefix(strings.TrimPrefix(to, gateway), "/?"))) {
		t.Fatalf("page URL %q became %q", from, to)
	}
	if !leads(&url.URL{}) {
		return
	}
	if hosts := hostsOf(to); slices.ContainsFunc(hosts, func(h string) bool { return h != gatewayHost }) {
		t.Fatalf("page URL %q became %q, which leads to one of %q", from, to, hosts)
	}
}

// checkRewritten holds an answer, of whatever bytes, against what became of it.
func checkRewritten(t *testing.T, in, out string, leads func(*url.URL) bool) {
	t.Helper()
	changed := changes(t, in, out)
	for _, c := range changed {
		if !isAny(c.key, "nextPageUrl", "prevPageUrl") || !strings.HasPrefix(c.to, gateway) {
			t.Fatalf("%q: at %q, %q became %q", in, c.key, c.from, c.to)
		}
	}
	start := len(in) - len(strings.TrimPrefix(in, string(utf8BOM)))
	if !json.Valid([]byte(in[start:])) {
		return
	}
	from, to := pageURLs(in[start:]), pageURLs(out[start:])
	if len(from) != len(to) {
		t.Fatalf("%q with %d page URLs became %q with %d", in, len(from), out, len(to))
	}
	for i := range from {
		checkPageURL(t, from[i].text, to[i].text, leads)
	}
	for _, c := range changed {
		end := c.at + 1 + len(c.from) + 1 - start
		if !slices.ContainsFunc(from, func(p pageURL) bool { return p.end == end }) {
			t.Fatalf("%q: %q, which is no page URL, became %q", in, c.from, c.to)
		}
	}
}

// FuzzRewriter: in an answer of whatever bytes nothing changes but the page URLs, of them nothing but what leads to a
// host, and none that comes out leads past the gateway. However the answer is cut into reads, it comes out the same.
func FuzzRewriter(f *testing.F) {
	for _, s := range []string{`[]`, `"\`, `{"a":"\`, `{"a":}`, `{"pageDetails":{"nextPageUrl":"https://webserv`} {
		f.Add([]byte(s), uint8(1))
	}
	f.Fuzz(func(t *testing.T, in []byte, size uint8) {
		for _, leads := range []func(*url.URL) bool{leadsToPSA, anywhere} {
			out := smallReads(t, NewRewriter(bytes.NewReader(in), gateway, leads), 1<<16)
			if got := smallReads(t, NewRewriter(bytes.NewReader(in), gateway, leads), int(size)+1); got != out {
				t.Fatalf("%q: %q whole, %q in reads of %d", in, out, got, int(size)+1)
			}
			if got := smallReads(t, NewRewriter(iotest.OneByteReader(bytes.NewReader(in)), gateway, leads), 1<<16); got != out {
				t.Fatalf("%q: %q whole, %q a byte at a time", in, out, got)
			}
			checkRewritten(t, string(in), out, leads)
		}
		if got := rewriteAll(t, bytes.NewReader(in)); got != smallReads(t, NewRewriter(bytes.NewReader(in), gateway+"/", leadsToPSA), 512) {
			t.Fatalf("%q: a slash at the end of the gateway's URL makes a difference: %q", in, got)
		}
		if got := smallReads(t, NewRewriter(bytes.NewReader(in), gateway, nowhere), 512); got != string(in) {
			t.Fatalf("%q became %q though no URL leads to the PSA", in, got)
		}
	})
}

// FuzzRewriteLocation: a Location leads to the gateway, with its path and query string as they were, or is dropped.
func FuzzRewriteLocation(f *testing.F) {
	f.Add("https://webservices5.autotask.net/ATServicesRest/V1.0/Tickets/1?a=b#c")
	f.Add("/\t/evil.example.com/")
	f.Fuzz(func(t *testing.T, location string) {
		for _, leads := range []func(*url.URL) bool{leadsToPSA, anywhere} {
			out := RewriteLocation(location, gateway+"/", leads)
			if out == "" {
				continue
			}
			kept, ours := strings.CutPrefix(out, gateway)
			if !ours || kept != "" && !strings.Contains("/?#", kept[:1]) || !strings.HasSuffix(location, kept) || strings.ContainsAny(out, "\r\n\x00") {
				t.Fatalf("%q became %q", location, out)
			}
			if hosts := hostsOf(out); slices.ContainsFunc(hosts, func(h string) bool { return h != gatewayHost }) {
				t.Fatalf("%q became %q, which leads to one of %q", location, out, hosts)
			}
			if want, absolute := wantURL(location, leads); absolute && out != want {
				t.Fatalf("%q became %q, want %q", location, out, want)
			}
		}
		if want, absolute := wantURL(location, leadsToPSA); absolute && len(location) < maxLead && !strings.ContainsFunc(location, func(r rune) bool { return r < ' ' || r == 0x7f }) && RewriteLocation(location, gateway, leadsToPSA) != want {
			t.Fatalf("%q, which leads to the PSA, is dropped", location)
		}
	})
}
