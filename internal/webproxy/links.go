package webproxy

import (
	"bytes"
	"net/url"
	"strings"

	"github.com/psagate/psagate/internal/autotask"
)

// Links turns addresses of the PSA's web pages into the gateway's, and back. The same text comes back: what is turned to the gateway
// and back is what it was, but for the spelling of the zone's own address.
type Links struct {
	zone, public place
}

// place is a scheme and a host.
type place struct {
	host   string // as it stands in a URL, in lower case
	secure bool
}

// NewLinks takes the zone's web address and the gateway's, of which scheme and host count.
func NewLinks(zone, public *url.URL) Links {
	of := func(u *url.URL) place { return place{strings.ToLower(u.Host), strings.EqualFold(u.Scheme, "https")} }
	return Links{of(zone), of(public)}
}

// edit is one place in a text and what comes there instead.
type edit struct {
	from, to int
	text     string
}

// turn finds the next edit in a text at or after a position. Found is false where there is none.
type turn func(text, lowered []byte, at int) (e edit, found bool)

// longest is the longest text, in bytes, that an edit may be for, what has to be seen behind it included: an address in an address,
// each part of it escaped.
const longest = 1024

// slashes are how the two slashes of an address are spelled in pages, scripts and forms, and the colon before them.
var slashes = []struct{ colon, slash string }{
	{":", "/"},
	{":", `\/`},
	{"%3a", "%2f"},
	{`\u003a`, `\u002f`},
	{":", `\u002f`},
	{":", `\x2f`},
	{":", "&#x2f;"},
	{"&#58;", "&#47;"},
	{"&#x3a;", "&#x2f;"},
	{"%253a", "%252f"},
}

// address is one that was found in a text: from its scheme, or its slashes, to the end of its host.
type address struct {
	from, to     int
	scheme       string // lower case; empty where it has none
	colon, slash string // as they are spelled
}

// addressOf is the address whose host stands at a place of a text.
func addressOf(text, lowered []byte, at, length int) (address, bool) {
	a := address{to: at + length}
	if port := lowered[a.to:]; bytes.HasPrefix(port, []byte(":443")) && !hostByte(port, 4) {
		a.to += 4
	} else if hostByte(port, 0) || len(port) > 1 && port[0] == ':' && digit(port[1]) {
		return a, false // another host, or another port of it
	}
	bare := false
	for _, s := range slashes {
		if !bytes.HasSuffix(lowered[:at], []byte(s.slash+s.slash)) {
			continue
		}
		begin := at - 2*len(s.slash)
		before := lowered[:begin]
		if !bytes.HasSuffix(before, []byte(s.colon)) {
			bare, a.from, a.slash = true, begin, string(text[at-len(s.slash):at])
			continue
		}
		before = before[:begin-len(s.colon)]
		for _, scheme := range [...]string{"https", "http", "wss", "ws"} {
			if bytes.HasSuffix(before, []byte(scheme)) && !letterBefore(lowered, len(before)-len(scheme)) {
				return address{
					from: len(before) - len(scheme), to: a.to, scheme: scheme,
					colon: string(text[len(before):begin]), slash: string(text[at-len(s.slash) : at]),
				}, true
			}
		}
		return a, false // of another scheme
	}
	return a, bare && (a.from == 0 || !bytes.ContainsRune([]byte(`:/\`), rune(lowered[a.from-1])))
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// hostByte says whether a host goes on at a place.
func hostByte(text []byte, at int) bool {
	if at >= len(text) {
		return false
	}
	c := text[at]
	if c == '.' { // the end of a sentence, or more of a name
		return hostByte(text, at+1)
	}
	return digit(c) || 'a' <= c && c <= 'z' || c == '-' || c == '_' || c >= 0x80
}

// letterBefore says whether a word goes on to the left of a place. An escape's last letters are none: %22https or \u0022https.
func letterBefore(lowered []byte, at int) bool {
	if at == 0 {
		return false
	}
	c := lowered[at-1]
	letter := 'a' <= c && c <= 'z' || c == '+' || c == '-' || c == '.'
	if !letter && !digit(c) {
		return false
	}
	for _, escape := range [...]struct {
		mark   string
		digits int
	}{{"%", 2}, {`\x`, 2}, {`\u`, 4}, {"%25", 2}, {`\n`, 0}, {`\r`, 0}, {`\t`, 0}} {
		if start := at - escape.digits - len(escape.mark); start >= 0 && string(lowered[start:start+len(escape.mark)]) == escape.mark {
			return false
		}
	}
	return letter
}

// in is an address as it is spelled, at another place.
func (a address) in(p place) string {
	scheme := ""
	switch {
	case a.scheme == "":
	case a.scheme[0] == 'w':
		scheme = "ws"
	default:
		scheme = "http"
	}
	if scheme != "" && p.secure {
		scheme += "s"
	}
	return scheme + a.colon + a.slash + a.slash + p.spelled(a.slash)
}

// spelled is the host as it stands after slashes of a kind: its port's colon is escaped where they are.
func (p place) spelled(slash string) string {
	switch {
	case strings.HasPrefix(strings.ToLower(slash), "%252"):
		return strings.ReplaceAll(p.host, ":", "%253A")
	case strings.HasPrefix(slash, "%"):
		return strings.ReplaceAll(p.host, ":", "%3A")
	}
	return p.host
}

// Down finds what becomes the gateway's: addresses of the zone, and links to other web hosts of the PSA's, which become links through the
// gateway that still say where they led.
func (l Links) Down(text, lowered []byte, at int) (edit, bool) {
	own, found := l.zone.next(text, lowered, at)
	end := len(text)
	if found {
		end = own.to // what comes behind it is not the next
	}
	other, led := foreign(text[:end], lowered[:end], at, l.zone)
	switch {
	case found && (!led || own.from <= other.from):
		return edit{own.from, own.to, own.in(l.public)}, true
	case led:
		through := address{scheme: other.scheme, colon: other.colon, slash: other.slash}.in(l.public) + other.slash
		return edit{other.from, other.to, through + string(text[other.from:other.to])}, true
	}
	return edit{}, false
}

// Up finds what becomes the PSA's again.
func (l Links) Up(text, lowered []byte, at int) (edit, bool) {
	a, found := l.public.next(text, lowered, at)
	if !found {
		return edit{}, false
	}
	if rest := a.to + len(a.slash); rest <= len(text) && strings.EqualFold(string(text[a.to:rest]), a.slash) {
		end := min(len(text), rest+longest/4)
		if led, ok := foreign(text[:end], lowered[:end], rest, l.zone); ok && led.from == rest {
			return edit{a.from, led.to, string(text[led.from:led.to])}, true
		}
	}
	return edit{a.from, a.to, a.in(l.zone)}, true
}

// next is the next address of a place.
func (p place) next(text, lowered []byte, at int) (address, bool) {
	best, any := address{}, false
	for _, host := range p.spellings() {
		if a, found := nextHost(text, lowered, at, []byte(host)); found && (!any || a.from < best.from) {
			best, any = a, true
		}
	}
	return best, any
}

// spellings are those of a host, in lower case: one, where it has no port.
func (p place) spellings() []string {
	if !strings.Contains(p.host, ":") {
		return []string{p.host}
	}
	return []string{p.host, strings.ReplaceAll(p.host, ":", "%3a"), strings.ReplaceAll(p.host, ":", "%253a")}
}

func nextHost(text, lowered []byte, at int, host []byte) (address, bool) {
	for from := at; ; {
		i := bytes.Index(lowered[from:], host)
		if i < 0 {
			return address{}, false
		}
		if a, ok := addressOf(text, lowered, from+i, len(host)); ok && a.from >= at {
			return a, true
		}
		from += i + 1
	}
}

// foreign is the next link to a web host of the PSA's that is not the zone's.
func foreign(text, lowered []byte, at int, zone place) (address, bool) {
	for from := at; ; {
		i := bytes.Index(lowered[from:], []byte("autotask."))
		if i < 0 {
			return address{}, false
		}
		i += from
		start, end := i, i+len("autotask.")
		for start > at && hostLabel(lowered[start-1]) && i-start < 16 {
			start--
		}
		for end < len(lowered) && 'a' <= lowered[end] && lowered[end] <= 'z' && end-i < 16 {
			end++
		}
		for ; start < i+1; start++ { // of %2Fww5 the escape is no part of the name
			host := string(lowered[start:end])
			if host == zone.host || !autotask.WebHost(host) {
				continue
			}
			if a, ok := addressOf(text, lowered, start, end-start); ok && a.from >= at && (a.scheme == "https" || a.scheme == "http") {
				return a, true
			}
		}
		from = i + 1
	}
}

func hostLabel(c byte) bool { return digit(c) || 'a' <= c && c <= 'z' || c == '.' || c == '-' }

// stretch is how far is searched for one edit before others are looked for, in bytes.
const stretch = 4 << 10

// nearest is find for one stretch of a text after another. Else each edit of one kind would search the whole of it for those of another,
// and a page full of addresses take seconds.
func nearest(find turn) turn {
	return func(text, lowered []byte, at int) (edit, bool) {
		for ; at < len(text); at += stretch {
			end := min(len(text), at+stretch+longest)
			if e, found := find(text[:end], lowered[:end], at); found && (e.from < at+stretch || end == len(text)) {
				return e, true
			}
		}
		return edit{}, false
	}
}

// apply makes all edits in a text that is there as a whole.
func apply(find turn, text string) string {
	find = nearest(find)
	b, lowered := []byte(text), asciiLower([]byte(text))
	var out strings.Builder
	at := 0
	for {
		e, found := find(b, lowered, at)
		if !found {
			out.Write(b[at:])
			return out.String()
		}
		out.Write(b[at:e.from])
		out.WriteString(e.text)
		at = e.to
	}
}

// asciiLower keeps the length, which bytes.ToLower does not.
func asciiLower(b []byte) []byte {
	lowered := bytes.Clone(b)
	for i, c := range lowered {
		if 'A' <= c && c <= 'Z' {
			lowered[i] = c + 'a' - 'A'
		}
	}
	return lowered
}
