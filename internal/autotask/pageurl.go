package autotask

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
)

// maxLead bounds the part of a URL that is looked at: scheme, host and the path up to /ATServicesRest.
const maxLead = 1 << 10

// unescape reads one byte of text off spelled, and how many bytes its spelling takes; 0 at the end of what it can read.
// What stands for more than one byte is read as 0x80: no such byte is in what is looked for.
type unescape func(spelled []byte) (c byte, size int)

// plain reads text that has no escapes.
func plain(spelled []byte) (byte, int) {
	if len(spelled) == 0 {
		return 0, 0
	}
	return spelled[0], 1
}

// unescapeJSON reads the inside of a JSON string.
func unescapeJSON(spelled []byte) (byte, int) {
	if len(spelled) == 0 || spelled[0] != '\\' {
		return plain(spelled)
	}
	if len(spelled) < 2 {
		return 0, 0
	}
	switch spelled[1] {
	case '/', '\\', '"':
		return spelled[1], 2
	case 'u':
		if len(spelled) < 6 {
			return 0, 0
		}
		n, err := strconv.ParseUint(string(spelled[2:6]), 16, 16)
		if err != nil {
			return 0, 0
		}
		return byte(min(n, 0x80)), 6
	}
	return ' ', 2
}

// pathOffset looks at a spelled URL and returns where in its spelling the part begins that is kept behind the gateway's
// base: its /ATServicesRest or /ATServices where its path has one, else its path. It is false for what is no absolute
// HTTP URL, or does not lead to the PSA. Only offsets come out, so what is kept is kept to the byte, escapes included.
func pathOffset(spelled []byte, next unescape, leads func(*url.URL) bool) (int, bool) {
	text, offsets := readLead(spelled, next)
	scheme, after, found := strings.Cut(text, "://")
	if !found || !is(scheme, "http") && !is(scheme, "https") {
		return 0, false
	}
	authority := after
	if end := strings.IndexAny(after, `/?#\`); end >= 0 {
		authority = after[:end]
	}
	start := len(scheme) + len("://") + len(authority)
	if start == maxLead || strings.HasPrefix(text[start:], `\`) {
		return 0, false
	}
	u, err := url.Parse(scheme + "://" + authority)
	if err != nil || u.Host == "" || !leads(u) {
		return 0, false
	}
	return offsets[start+interfaceOffset(text[start:])], true
}

// unreadable says whether a spelled URL that pathOffset gives no offset for may lead to a host all the same: it has a
// scheme, or a host without one, in a way that some client may read. Clients drop blanks and control characters, and take
// a backslash for a slash (WHATWG URL Standard); what is left over is a path on the host that was called. Where the part
// that is looked at ends before it can be told, it may.
func unreadable(spelled []byte, next unescape) bool {
	text, _ := readLead(spelled, next)
	cut := len(text) == maxLead
	text = strings.Map(func(r rune) rune {
		if r <= ' ' {
			return -1
		}
		return r
	}, text)
	if len(text) > 1 && strings.IndexByte(`/\`, text[0]) >= 0 && strings.IndexByte(`/\`, text[1]) >= 0 {
		return true
	}
	end := strings.IndexAny(text, `:/?#\`)
	return end > 0 && text[end] == ':' || cut && (end < 0 || len(text) == 1)
}

// readLead reads at most maxLead bytes of text, and for each the offset of its spelling; offsets has one more, for what
// follows.
func readLead(spelled []byte, next unescape) (string, []int) {
	text := make([]byte, 0, min(len(spelled), maxLead))
	offsets := make([]int, 0, cap(text)+1)
	at := 0
	for len(text) < maxLead {
		c, size := next(spelled[at:])
		if size == 0 {
			break
		}
		text, offsets = append(text, c), append(offsets, at)
		at += size
	}
	return string(text), append(offsets, at)
}

// interfaceOffset returns where in a URL's path and what follows it the PSA's interface begins; 0 where it has none.
func interfaceOffset(path string) int {
	if end := strings.IndexAny(path, "?#"); end >= 0 {
		path = path[:end]
	}
	for at := 0; at < len(path); at++ {
		if path[at] != '/' {
			continue
		}
		segment, _, _ := strings.Cut(path[at+1:], "/")
		if is(segment, restRoot[1:]) || is(segment, soapRoot[1:]) {
			return at
		}
	}
	return 0
}

// jsonText returns the inside of the JSON string that spells s.
func jsonText(s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	// A string into a buffer cannot fail.
	_ = enc.Encode(s)
	quoted := bytes.TrimSpace(b.Bytes())
	return quoted[1 : len(quoted)-1]
}

// RewriteLocation points the Location of an answer at the gateway: an absolute URL that leads to the PSA as Rewriter
// does, and a path on the same host by putting base before it. Anything else would lead the client, its key in hand, to
// a foreign host: it is empty then, and the header must be dropped.
func RewriteLocation(location, base string, leads func(*url.URL) bool) string {
	if anyInvalid([]string{location}) || len(location) > maxHeld {
		return ""
	}
	base = strings.TrimRight(base, "/")
	if strings.HasPrefix(location, "/") && !strings.HasPrefix(location, "//") && !strings.HasPrefix(location, `/\`) {
		return base + location[interfaceOffset(location):]
	}
	keep, ok := pathOffset([]byte(location), plain, leads)
	if !ok {
		return ""
	}
	return base + location[keep:]
}
