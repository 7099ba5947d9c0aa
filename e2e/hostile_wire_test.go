package e2e

import (
	"strings"
	"testing"
)

const (
	aTicket = "/ATServicesRest/V1.0/Tickets/1"
	aQuery  = "/ATServicesRest/V1.0/Tickets/query"
)

// asks is a GET as a, or what stands for its target and version; lines are further ones of its head.
func asks(target string, lines ...string) string {
	if !strings.Contains(target, " ") {
		target += " HTTP/1.1"
	}
	return heads(append([]string{"GET " + target, "Host: {host}", "Secret: {a}"}, lines...)...)
}

// heads is a head of these lines and no other.
func heads(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n\r\n" }

// does is a call as a with another method.
func does(method, target string) string {
	return heads(method+" "+target+" HTTP/1.1", "Host: {host}", "Secret: {a}")
}

func TestMalformedRequestLinesAndPathsHaveADefinedAnswer(t *testing.T) {
	x := newWire(t)
	// Caddy itself refuses some, and prints their heads where debug is on: those carry no key.
	x.hearsEach([]saying{
		{name: "the method TRACE", text: does("TRACE", aTicket), hears: "400 bad-request, open"},
		{name: "the method CONNECT, to a host", text: does("CONNECT", "evil.example:443"), hears: "400 bad-request, open"},
		{name: "the method CONNECT, to a path", text: does("CONNECT", aTicket), hears: "400 bad-request, open"},
		{name: "the method OPTIONS, of the server", text: does("OPTIONS", "*"), hears: "200 bare, open"},
		{name: "the method OPTIONS, of a ticket", text: does("OPTIONS", aTicket), hears: "400 bad-request, open"},
		{name: "the method HEAD", text: does("HEAD", aTicket), hears: "400 bad-request, open"},
		{name: "a method in lower case", text: does("get", aTicket), hears: "400 bad-request, open"},
		{name: "a method that nobody knows", text: does("BREW", aTicket), hears: "400 bad-request, open"},
		{name: "a method of 33 letters", text: heads(strings.Repeat("A", 33)+" "+aTicket+" HTTP/1.1", "Host: {host}"), hears: "405, open"},
		{name: "a method of 5,000 letters", text: heads(strings.Repeat("A", 5000)+" "+aTicket+" HTTP/1.1", "Host: {host}"), hears: "405, open"},
		{name: "a method that is no word", text: does("G@T", aTicket), hears: "400 bare, closed"},
		{name: "a method with a zero byte", text: does("G\x00T", aTicket), hears: "400 bare, closed"},
		{name: "no method", text: does("", aTicket), hears: "400 bare, closed"},
		{name: "two spaces before the path", text: does("GET ", aTicket), hears: "400 bare, closed"},
		{name: "a tab in place of a space", text: heads("GET\t"+aTicket+"\tHTTP/1.1", "Host: {host}", "Secret: {a}"), hears: "400 bare, closed"},
		{name: "a space before the method", text: " " + asks(aTicket), hears: "400 bare, closed"},
		{name: "an empty line before", text: "\r\n" + asks(aTicket), hears: "400 bare, closed"},

		{name: "a whole URL that names another host", text: asks("http://evil.example" + aTicket), hears: "200 as a, open", sent: "-"},
		{name: "a whole URL that names another host by https", text: asks("https://evil.example:444" + aTicket), hears: "200 as a, open", sent: "-"},
		{name: "a whole URL with a user", text: asks("http://evil.example:x@{host}" + aTicket), hears: "200 as a, open", sent: "-"},
		{name: "a whole URL of another scheme", text: asks("file://" + aTicket), hears: "200 as a, open", sent: "-"},
		{name: "a whole URL without a path", text: asks("http://evil.example"), hears: "400 bad-request, open"},
		{name: "no slash at the beginning", text: asks(aTicket[1:]), hears: "400 bare, closed"},
		{name: "a star", text: asks("*"), hears: "400 bad-request, open"},
		{name: "slashes doubled", text: asks("//ATServicesRest//V1.0///Tickets/1//"), hears: "200 as a, open", sent: "-"},
		{name: "a host behind two slashes", text: asks("//evil.example" + aTicket), hears: "404 not-found, open"},
		{name: "a dot", text: asks("/ATServicesRest/./V1.0/Tickets/1"), hears: "400 bad-request, open"},
		{name: "two dots", text: asks("/ATServicesRest/V1.0/Tickets/../Tickets/1"), hears: "400 bad-request, open"},
		{name: "two dots that lead out", text: asks("/ATServicesRest/../../etc/passwd"), hears: "400 bad-request, open"},
		{name: "two dots and a semicolon", text: asks("/ATServicesRest/V1.0/x/..;/Tickets/1"), hears: "400 bad-request, open"},
		{name: "two dots, encoded", text: asks("/ATServicesRest/V1.0/x/%2e%2E/Tickets/1"), hears: "400 bad-request, open"},
		{name: "two dots, encoded twice", text: asks("/ATServicesRest/V1.0/x/%252e%252e/Tickets/1"), hears: "400 bad-request, open"},
		{name: "a slash, encoded", text: asks("/ATServicesRest/V1.0/Tickets%2f1"), hears: "400 bad-request, open"},
		{name: "a letter, encoded", text: asks("/ATServicesRest/V1.0/%54ickets/1"), hears: "400 bad-request, open"},
		{name: "a zero byte, encoded", text: asks(aTicket + "%00"), hears: "400 bad-request, open"},
		{name: "a line's end, encoded", text: asks(aTicket + "%0d%0aSecret:x"), hears: "400 bad-request, open"},
		{name: "a percent sign without digits", text: asks(aTicket + "%zz"), hears: "400 bare, closed"},
		{name: "a zero byte", text: asks(aTicket + "\x00"), hears: "400 bare, closed"},
		{name: "a letter that is no ASCII", text: asks("/ATServicesRest/V1.0/Tickéts/1"), hears: "400 bad-request, open"},
		{name: "a letter that ASCII folds to another", text: asks("/ATServicesRest/V1.0/Tic\u212aets/1"), hears: "400 bad-request, open"},
		{name: "bytes that are no UTF-8", text: asks("/ATServicesRest/V1.0/\xff\xc0\xaf/1"), hears: "400 bad-request, open"},
		{name: "a backslash", text: asks(`/ATServicesRest\V1.0\Tickets\1`), hears: "400 bad-request, open"},
		{name: "a path of 5 KB", text: asks("/ATServicesRest/V1.0/" + strings.Repeat("a", 5<<10)), hears: "400 bad-request, open"},
		{name: "a path of 5 KB of slashes", text: asks(strings.Repeat("/", 5<<10) + aTicket), hears: "400 bad-request, open"},
		{name: "a path outside the PSA's interfaces", text: asks("/admin"), hears: "404 not-found, open"},
		{name: "a record's number that is none", text: asks("/ATServicesRest/V1.0/Tickets/0x1"), hears: "400 bad-request, open"},
		{name: "a record's number that is too large", text: asks("/ATServicesRest/V1.0/Tickets/9223372036854775808"), hears: "400 bad-request, open"},

		{name: "a query with a space", text: asks(aTicket + "?a=b c"), hears: "400 bare, closed"},
		{name: "a query with a tab", text: asks(aTicket + "?a=b\tc"), hears: "400 bare, closed"},
		{name: "a query with a zero byte", text: asks(aTicket + "?a=\x00"), hears: "400 bare, closed"},
		{name: "a query with a lone CR", text: asks(aTicket + "?a=\rb"), hears: "400 bare, closed"},
		{name: "a query with DEL", text: asks(aTicket + "?a=\x7f"), hears: "400 bare, closed"},
		{name: "a query with a fragment", text: asks(aTicket + "?a#b"), hears: "400 bad-request, open"},
		{name: "a query of odd signs", text: asks(aTicket + `?%zz&=;"<>\^{|}[]?`), hears: "200 as a, open", sent: "GET " + aTicket + `?%zz&=;"<>\^{|}[]?`},
		{name: "a query that is no ASCII", text: asks(aTicket + "?é\xff"), hears: "200 as a, open", sent: "GET " + aTicket + "?é\xff"},

		{name: "no version", text: asks(aTicket + " "), hears: "400 bare, closed"},
		{name: "HTTP/0.9", text: "GET " + aTicket + "\r\n", hears: "400 bare, closed"},
		{name: "HTTP/0.9, by name", text: asks(aTicket + " HTTP/0.9"), hears: "505 bare, closed"},
		{name: "HTTP/1.2", text: asks(aTicket + " HTTP/1.2"), hears: "200 as a, open", sent: "-"},
		{name: "HTTP/1.10", text: asks(aTicket + " HTTP/1.10"), hears: "400 bare, closed"},
		{name: "HTTP/2.0", text: asks(aTicket + " HTTP/2.0"), hears: "505 bare, closed"},
		{name: "HTTP/3.0", text: asks(aTicket + " HTTP/3.0"), hears: "505 bare, closed"},
		{name: "http in lower case", text: asks(aTicket + " http/1.1"), hears: "400 bare, closed"},
		{name: "another protocol", text: asks(aTicket + " RTSP/1.0"), hears: "400 bare, closed"},
		{name: "no HTTP at all", text: "EHLO {host}\r\n", hears: "400 bare, closed"},
	})
	x.wellAgain()
}

func TestMalformedHeadersHaveADefinedAnswer(t *testing.T) {
	x := newWire(t)
	x.hearsEach([]saying{
		{name: "a header without a colon", text: asks(aTicket, "X-Whatever"), hears: "400 bare, closed"},
		{name: "a header without a name", text: asks(aTicket, ": x"), hears: "400 bare, closed"},
		{name: "a space before the colon", text: asks(aTicket, "X-Whatever : x"), hears: "400 bare, closed"},
		{name: "a space within a name", text: asks(aTicket, "X Whatever: x"), hears: "400 bare, closed"},
		{name: "a zero byte within a name", text: asks(aTicket, "X-\x00: x"), hears: "400 bare, closed"},
		{name: "a name that is no ASCII", text: asks(aTicket, "X-é: x"), hears: "400 bare, closed"},
		{name: "a zero byte in a value", text: asks(aTicket, "X-Whatever: a\x00b"), hears: "400 bare, closed"},
		{name: "a lone CR in a value", text: asks(aTicket, "X-Whatever: a\rb"), hears: "400 bare, closed"},
		{name: "a value that is no ASCII", text: asks(aTicket, "X-Whatever: \xff\xfe"), hears: "200 as a, open", sent: "-"},
		{name: "a value over two lines", text: asks(aTicket, "X-Whatever: a", " b"), hears: "200 as a, open", sent: "-"},
		{name: "a passing value over two lines", text: asks(aTicket, "Accept: a/b,", "\tc/d"), hears: "200 as a, open", sent: "-"},
		{name: "a key on a line of its own", text: heads("GET "+aTicket+" HTTP/1.1", "Host: {host}", "Secret:", " {a}"), hears: "200 as a, open", sent: "-"},
		{name: "a continued line before all others", text: heads("GET "+aTicket+" HTTP/1.1", " Host: {host}", "Secret: {a}"), hears: "400 bare, closed"},
		{name: "two hosts", text: asks(aTicket, "Host: evil.example"), hears: "400 bare, closed"},
		{name: "one host twice", text: asks(aTicket, "Host: {host}"), hears: "400 bare, closed"},
		{name: "no host", text: heads("GET "+aTicket+" HTTP/1.1", "Secret: {a}"), hears: "400 bare, closed"},
		{name: "an empty host", text: heads("GET "+aTicket+" HTTP/1.1", "Host:"), hears: "400, open"},
		{name: "a host that is none", text: heads("GET "+aTicket+" HTTP/1.1", "Host: <a b>", "Secret: {a}"), hears: "400 bare, closed"},
		{name: "a host of dots", text: heads("GET "+aTicket+" HTTP/1.1", "Host: ..."), hears: "400, open"},
		{name: "a host with a path", text: heads("GET "+aTicket+" HTTP/1.1", "Host: evil.example/x?y#z", "Secret: {a}"), hears: "400 bare, closed"},
		{name: "a host that is another's", text: heads("GET "+aTicket+" HTTP/1.1", "Host: evil.example:99999", "Secret: {a}"), hears: "200 as a, open", sent: "-"},
		{name: "lines that end without CR", text: "GET " + aTicket + " HTTP/1.1\nHost: {host}\nSecret: {a}\n\n", hears: "200 as a, open", sent: "-"},
		{name: "lines that end in CR CR LF", text: asks(aTicket, "X-Whatever: a\r"), hears: "400 bare, closed"},
		{name: "lines that end in CR alone", text: strings.ReplaceAll(asks(aTicket), "\r\n", "\r") + "\r\n", hears: "400 bare, closed"},
		{name: "headers that route or override", text: asks(aTicket, "X-HTTP-Method-Override: DELETE", "X-Original-URL: /x", "X-Rewrite-URL: /x", "X-Forwarded-Host: evil.example", "Forwarded: host=evil.example", "Via: 1.1 x", "Cookie: a=b", "Idempotency-Key: 1", "Te: trailers", "Range: bytes=0-1", "If-None-Match: *"), hears: "200 as a, open", sent: "-"},
		{name: "another protocol is asked for", text: asks(aTicket, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"), hears: "200 as a, open", sent: "-"},
		{name: "a web socket is asked for", text: asks(aTicket, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"), hears: "200 as a, open", sent: "-"},
		{name: "an expectation that nobody can meet", text: asks(aTicket, "Expect: the-unexpected"), hears: "417 bare, closed"},
		{name: "the end is in the middle of a head", text: "GET " + aTicket + " HTTP/1.1\r\nHost: {host}\r\nSecret: {a}\r\n", ends: true, hears: "400 bare, closed"},
	})
	x.wellAgain()
}

func TestGiantHeadersHaveADefinedAnswer(t *testing.T) {
	x := newWire(t)
	x.hearsEach([]saying{
		{name: "a header of 10 KB", text: asks(aTicket, "X-Long: "+strings.Repeat("x", 10<<10)), hears: "200 as a, open", sent: "-"},
		{name: "a header of 20 KB", text: asks(aTicket, "X-Long: "+strings.Repeat("x", 20<<10)), hears: "431 bare, closed"},
		{name: "a header of 1 MB", text: asks(aTicket, "X-Long: "+strings.Repeat("x", 1<<20)), hears: "431 bare, closed"},
		{name: "a header's name of 20 KB", text: asks(aTicket, strings.Repeat("x", 20<<10)+": x"), hears: "431 bare, closed"},
		{name: "300 headers", text: asks(aTicket, strings.Repeat("X-A: b\r\n", 299)+"X-A: b"), hears: "200 as a, open", sent: "-"},
		{name: "30,000 headers", text: asks(aTicket, strings.Repeat("X-A: b\r\n", 29_999)+"X-A: b"), hears: "431 bare, closed"},
		{name: "20 KB of empty headers", text: asks(aTicket, strings.Repeat("a:\r\n", 5<<10)+"a:"), hears: "431 bare, closed"},
		{name: "a request line of 30 KB", text: asks(aTicket + "?" + strings.Repeat("x", 30<<10)), hears: "431 bare, closed"},
	})
	x.wellAgain()
}
