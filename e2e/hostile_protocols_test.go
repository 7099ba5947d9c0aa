package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

const aTicketToCreate = `{"companyID":1,"title":"Printer","status":1,"priority":2,"queueID":5}`

// fronted is a call through a front, the status and reason that it is answered with, and what the PSA is sent of it.
type fronted struct {
	name string
	call *http.Request
	want string
	sent string
}

// calls are made through each front.
func (x *wire) calls(f front) []fronted {
	x.Helper()
	a, b := field{"Secret", "{a}"}, field{"Secret", "{b}"}
	unsized := func() io.Reader { return io.MultiReader(strings.NewReader(aCount)) }
	tooLarge := func() io.Reader { return io.LimitReader(zeroes{}, 17<<20) }
	return []fronted{
		{"a ticket", x.at(f, "GET", aTicket, nil, a), "200", sentGet},
		{"a ticket is created", x.at(f, "POST", "/ATServicesRest/V1.0/Tickets", strings.NewReader(aTicketToCreate), a), "200", "POST /ATServicesRest/V1.0/Tickets " + aTicketToCreate},
		{"a query of unknown length", x.at(f, "POST", aQuery+"/count", unsized(), a), "200", sentCount},
		{"a body that is too large", x.at(f, "POST", aQuery, tooLarge(), a), "413 too-large", ""},
		{"a body that says that it is too large", sized(x.at(f, "POST", aQuery, tooLarge(), a), 17<<20), "413 too-large", ""},
		{"a key of nobody's", x.at(f, "GET", aTicket, nil, field{"Secret", "{unknown}"}), "401", ""},
		{"nobody, with a body", x.at(f, "POST", aQuery, strings.NewReader(aCount)), "401", ""},
		{"two keys", x.at(f, "GET", aTicket, nil, a, b), "401", ""},
		{"two keys in two places", x.at(f, "GET", aTicket, nil, a, field{"Authorization", "Bearer {b}"}), "401", ""},
		{"a key twice", x.at(f, "GET", aTicket, nil, a, a), "200", sentGet},
		{"another's key in a trailer", x.trailed(x.at(f, "POST", aQuery+"/count", unsized(), b)), "200", sentCount},
		{"a path that is none", x.at(f, "GET", aTicket+"/..%2f", nil, a), "400 bad-request", ""},
		{"a method that is none", x.at(f, "BREW", aTicket, nil, a), "400 bad-request", ""},
		{"gzip that is none", x.at(f, "POST", aQuery, strings.NewReader(aCount), a, field{"Content-Encoding", "gzip"}), "400 bad-request", ""},
		// The last: a trailer that comes behind the answer ends a connection of HTTP/2.
		{"a key in a trailer", x.trailed(x.at(f, "POST", aQuery+"/count", unsized())), "401", ""},
	}
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func sized(r *http.Request, n int64) *http.Request {
	r.ContentLength = n
	return r
}

// trailed is a request with a's key in a trailer.
func (x *wire) trailed(r *http.Request) *http.Request {
	r.Trailer = http.Header{"Secret": {x.keys["a"].Reveal()}}
	return r
}

func TestInHTTP1HTTP2AndHTTP3ACallHasTheSameAnswer(t *testing.T) {
	x := newFronts(t)
	fronts, leave := x.fronts()
	for _, f := range fronts {
		tickets := len(x.tenant.Records("Tickets"))
		for _, c := range x.calls(f) {
			x.compares(f, c)
		}
		if made := len(x.tenant.Records("Tickets")) - tickets; made != 1 {
			t.Errorf("%s: %d tickets were made, want 1", f.name, made)
		}
	}
	leave()
	x.wellAgain()
}

// compares makes a call through a front, and compares what comes of it.
func (x *wire) compares(f front, c fronted) {
	x.Helper()
	mark, signIns := x.tape.mark(), x.sim.Mark()
	got := x.answered(f, c.call)
	x.judged(got)
	if s := strings.TrimSpace(fmt.Sprint(got.status, " ", got.reason())); s != c.want {
		x.Errorf("%s, %s: %s, want %s: %s", f.name, c.name, s, c.want, got.body)
	}
	sent := x.sent(mark)
	if s := strings.Join(sent, "\n"); s != c.sent || len(x.sim.Ledger().Since(signIns)) != len(sent) {
		x.Errorf("%s, %s: the PSA was sent %q, want %q", f.name, c.name, x.masked(s), c.sent)
	}
}

func TestACallThatIsCutOffWhileItIsSentReachesNobodyInAnyVersionOfHTTP(t *testing.T) {
	x := newFronts(t)
	mark, signIns := x.tape.mark(), x.sim.Mark()
	fronts, leave := x.fronts()
	for _, f := range fronts {
		for _, length := range []int64{-1, 1 << 20} {
			x.cutsOff(f, length)
		}
	}
	leave()
	if sent := x.sent(mark); len(sent) > 0 || len(x.sim.Ledger().Since(signIns)) > 0 {
		t.Errorf("the PSA was sent %q", sent)
	}
	x.wellAgain()
}

// cutsOff sends a part of a body, and leaves when psagate waits for the rest.
func (x *wire) cutsOff(f front, length int64) {
	x.Helper()
	body, half := io.Pipe()
	ctx, cut := context.WithCancel(x.Context())
	defer cut()
	r := sized(x.at(f, "POST", aQuery, body, field{"Secret", "{a}"}), length).WithContext(ctx)
	ended := make(chan error, 1)
	go func() {
		resp, err := f.client.Do(r)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusBadRequest { // it may be heard yet
				err = context.Canceled
			} else {
				err = fmt.Errorf("status %d", resp.StatusCode)
			}
		}
		ended <- err
	}()
	_, _ = io.CopyN(half, zeroes{}, 10<<10) // more than any client keeps to itself
	waits := func() bool {
		return strings.Contains(x.askPage("/debug/pprof/goroutine?debug=1").body, "internal/call.(*patient).Read")
	}
	x.until("psagate waits for the rest", waits)
	cut()
	_ = half.CloseWithError(context.Canceled) // who writes a body waits for it, even so
	if err := <-ended; !errors.Is(err, context.Canceled) {
		x.Errorf("%s: %v", f.name, err)
	}
	x.until("psagate waits no longer", func() bool { return !waits() })
}

func TestHTTP2AndHTTP3FramesThatNoClientWouldSendHaveADefinedAnswer(t *testing.T) {
	x := newFronts(t)
	a, b := field{"secret", x.keys["a"].Reveal()}, field{"secret", x.keys["b"].Reveal()}
	from := func() field {
		return field{"x-forwarded-for", strings.TrimSpace(strings.TrimPrefix(x.fill("{from}"), "X-Forwarded-For: "))}
	}
	post := []field{{":method", "POST"}, {":path", aQuery + "/count"}, a}
	with := func(r framed, body string, trailer ...field) framed {
		r.body, r.trailer = body, trailer
		return r
	}
	start, sent := x.tape.mark(), 0
	for _, c := range []struct {
		name   string
		say    framed
		h2, h3 string
	}{
		{"nothing odd", x.ask(a), "200", "200"},
		{"a body", with(x.ask(post...), aCount), "200", "200"},
		{"no key", x.ask(from()), "401", "401"},
		{"two keys", x.ask(a, b, from()), "401", "401"},
		{"a transfer encoding", with(x.ask(append(post, field{"transfer-encoding", "chunked"})...), chunked(aCount)), "400", "reset"},
		{"a connection header", x.ask(a, field{"connection", "close"}), "400", "reset"},
		{"a connection header that names the key", x.ask(a, field{"connection", "secret"}), "400", "reset"},
		{"an upgrade", x.ask(a, field{"upgrade", "websocket"}), "400", "reset"},
		{"keep-alive", x.ask(a, field{"keep-alive", "1"}), "400", "reset"},
		{"trailers accepted", x.ask(a, field{"te", "trailers"}), "200", "200"},
		{"another TE", x.ask(a, field{"te", "gzip"}), "400", "reset"},
		{"a name in capitals", x.ask(field{"Secret", a.value}), "reset", "reset"},
		{"another name in capitals", x.ask(a, field{"X-Whatever", "y"}), "reset", "reset"},
		{"an empty name", x.ask(a, field{"", "y"}), "reset", "reset"},
		{"a name with a colon", x.ask(a, field{"x:y", "z"}), "reset", "reset"},
		{"a name with a line's end", x.ask(a, field{"x\r\ny", "z"}), "reset", "reset"},
		{"a value with a line's end", x.ask(a, field{"x", "y\r\nsecret: z"}), "reset", "reset"},
		{"a value with a zero byte", x.ask(a, field{"x", "y\x00"}), "reset", "reset"},
		{"spaces around a key", x.ask(field{"secret", " " + a.value + " "}, from()), "401", "401"},
		{"a user name that nobody knows", x.ask(a, field{":user", "x"}), "reset", "reset"},
		{"an authority with a space", x.ask(field{":authority", "a b"}), "reset", "400"},
		{"an authority with a line's end", x.ask(a, field{":authority", "a\r\nb"}), "reset", "reset"},
		{"an authority with a user", x.ask(field{":authority", "user:x@evil.example"}), "reset", "reset"},
		{"an authority with a path", x.ask(field{":authority", "evil.example/x"}), "reset", "400"},
		{"an authority of dots", x.ask(field{":authority", "..."}), "400", "400"},
		{"an authority that is no ASCII", x.ask(field{":authority", "é"}), "reset", "400"},
		{"an authority that is another's", x.ask(a, field{":authority", "evil.example"}), "200", "200"},
		{"a host beside the authority", x.ask(a, field{"host", "evil.example"}), "reset", "reset"},
		{"a path with a space", x.ask(a, field{":path", aTicket + " HTTP/1.1"}), "400 bad-request", "400 bad-request"},
		{"a query with a space", x.ask(a, field{":path", aTicket + "?a b"}), "400 bad-request", "400 bad-request"},
		{"a query with a request in it", x.ask(a, field{":path", aTicket + "? HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1"}), "reset", "reset"},
		{"a path without a slash", x.ask(a, field{":path", aTicket[1:]}), "reset", "reset"},
		{"a whole URL as the path", x.ask(a, field{":path", "http://evil.example" + aTicket}), "reset", "reset"},
		{"no path", x.ask(a, field{":path", ""}), "reset", "reset"},
		{"a star", x.ask(a, field{":path", "*"}), "400 bad-request", "reset"},
		{"a method with a space", x.ask(a, field{":method", "GET /x HTTP/1.1"}), "400 bad-request", "reset"},
		{"a method with a line's end", x.ask(a, field{":method", "GET\r\n"}), "reset", "reset"},
		{"CONNECT", x.ask(a, field{":method", "CONNECT"}), "reset", "reset"},
		{"another scheme", x.ask(a, field{":scheme", "gopher"}), "reset", "200"},
		{"a length that is too short", with(x.ask(append(post, field{"content-length", "5"})...), aCount), "reset", "reset"},
		{"a length that is too long", with(x.ask(append(post, field{"content-length", "50"})...), aCount), "400 bad-request", "400 bad-request"},
		{"a length that is none", with(x.ask(append(post, field{"content-length", "+13"})...), aCount), "reset", "reset"},
		{"two lengths", with(x.ask(append(post, field{"content-length", "13"}, field{"content-length", "5"})...), aCount), "200", "reset"},
		{"a header of 100 KB", x.ask(a, field{"x", strings.Repeat("x", 100_000)}), "gone", "431"},
		{"a trailer with another's key", with(x.ask(post...), aCount, b), "200", "200"},
		{"a trailer with a key", with(x.ask(post[0], post[1], from()), aCount, a), "401", "401"},
		{"a trailer that says how to go on", with(x.ask(post...), aCount, field{":path", "/x"}), "reset", "400 bad-request"},
		{"a trailer in capitals", with(x.ask(post...), aCount, field{"X-Sum", "1"}), "reset", "400 bad-request"},
	} {
		x.says("HTTP/2, "+c.name, c.say, inHTTP2, c.h2)
		x.says("HTTP/3, "+c.name, c.say, inHTTP3, c.h3)
		sent += strings.Count(c.h2+c.h3, "200")
	}
	x.wellAgain() // by one more call; what was heard to be reset may have been sent even so, and later
	if all := x.sent(start); len(all) != sent+1 {
		t.Errorf("the PSA was sent %d requests, want %d", len(all), sent+1)
	}
}

// says says a framed request, and compares what is heard and whether the PSA was sent it.
func (x *wire) says(name string, r framed, say speaker, want string) {
	x.Helper()
	mark, judged := x.tape.mark(), x.sim.Mark()
	if got := say(x, r); got != want {
		x.Errorf("%s: %s, want %s", name, got, want)
	}
	sent := x.sent(mark)
	if n := strings.Count(want, "200"); len(sent) != n || len(x.sim.Ledger().Since(judged)) != n {
		x.Errorf("%s: the PSA was sent %q", name, sent)
	}
}

func TestHTTP10IsServedAndItsBodiesHaveALengthOrNone(t *testing.T) {
	x := newWire(t)
	get, post := "GET "+aTicket+" HTTP/1.0", "POST "+aQuery+"/count HTTP/1.0"
	host, key, length, keep := "Host: {host}", "Secret: {a}", fmt.Sprintf("Content-Length: %d", len(aCount)), "Connection: keep-alive"
	x.hearsEach([]saying{
		{name: "a ticket", text: heads(get, host, key), hears: "200 as a, closed", sent: "-"},
		{name: "without a host", text: heads(get, key), hears: "400 bad-request, closed"},
		{name: "on a kept connection", text: heads(get, host, key, keep), hears: "200 as a, open", sent: "-"},
		{name: "twice on a kept connection", text: heads(get, host, key, keep) + heads(get, host, keep, "{from}X: y"), hears: "200 as a, 401, open", sent: "-"},
		{name: "a body", text: heads(post, host, key, length) + aCount, hears: "200 as a, closed", sent: sentCount},
		{name: "a body on a kept connection", text: heads(post, host, key, length, keep) + aCount + nobodys, hears: "200 as a, 401, open", sent: sentCount},
		{name: "a wrong key", text: heads(get, host, "{from}Secret: {unknown}"), hears: "401, closed"},
		{name: "a body that is too large", text: heads(post, host, key, "Content-Length: 99999999"), hears: "413 too-large, closed", ends: true},
		{name: "chunks, which HTTP/1.0 has not", text: heads(post, host, key, "Transfer-Encoding: chunked") + chunked(aCount), hears: "500 as a, closed", sent: sentEmpty},
		{name: "chunks on a kept connection", text: heads(post, host, key, keep, "Transfer-Encoding: chunked") + chunked(nobodys), hears: "500 as a, 400 bare, closed", sent: sentEmpty},
		{name: "chunks and a length", text: heads(post, host, key, keep, "Transfer-Encoding: chunked", length) + aCount + nobodys, hears: "200 as a, 401, open", sent: sentCount},
	})
	x.wellAgain()
}

// Caddy takes HTTP/2 without TLS from whoever begins with it, also where it was not configured: such a call is like others.
func TestAPlainPortAnswersTLSWith400AndTakesHTTP2(t *testing.T) {
	x := newWire(t, "timeouts {\n\t\t\tread_header 2s\n\t\t}")
	mark := x.tape.mark()
	conn, err := net.Dial("tcp", x.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	var hello bytes.Buffer
	_ = tls.Client(deaf{&hello}, &tls.Config{ServerName: "psa.example.com"}).HandshakeContext(t.Context()) // it hears nothing
	_, _ = conn.Write(hello.Bytes())
	heard, err := io.ReadAll(conn)
	// Random bytes with no line's end among them are waited on for as long as heads may take.
	if len(heard) > 0 && !bytes.HasPrefix(heard, []byte("HTTP/1.1 400 ")) || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("TLS: %q, %v", heard, err)
	}
	if sent := x.sent(mark); len(sent) > 0 {
		t.Errorf("the PSA was sent %q", sent)
	}
	x.says("HTTP/2", x.ask(field{"secret", x.keys["a"].Reveal()}), inHTTP2, "200")
	x.says("HTTP/2 without a key", x.ask(field{"x", "y"}), inHTTP2, "401")
	x.wellAgain()
}

// deaf is a connection that keeps what is written and has nothing to read.
type deaf struct{ *bytes.Buffer }

func (deaf) Read([]byte) (int, error)         { return 0, io.EOF }
func (deaf) Close() error                     { return nil }
func (deaf) LocalAddr() net.Addr              { return nil }
func (deaf) RemoteAddr() net.Addr             { return nil }
func (deaf) SetDeadline(time.Time) error      { return nil }
func (deaf) SetReadDeadline(time.Time) error  { return nil }
func (deaf) SetWriteDeadline(time.Time) error { return nil }
