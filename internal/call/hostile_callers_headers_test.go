package call

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/psatest"
)

// say sends a request as it is written, with {key} for a's key and lines that end in "\n", and a body behind it; it returns the
// answer.
func (w *world) say(request, body string) (*http.Response, string) {
	w.Helper()
	c := w.dial()
	defer c.Close()
	request = strings.ReplaceAll(strings.ReplaceAll(request, "{key}", w.keys["a"].Reveal()), "\n", "\r\n")
	go func() { _, _ = io.WriteString(c, request+body) }()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		w.Fatal(err)
	}
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Error(err)
	}
	return resp, string(got)
}

const (
	askTicket = "GET /ATServicesRest/V1.0/Tickets/1 HTTP/1.1\nHost: gateway.test\nConnection: close\nSecret: {key}\n"
	// allTickets takes the place of the id there.
	allTickets = "/query?search=%7B%22filter%22%3A%5B%7B%22op%22%3A%22exist%22%2C%22field%22%3A%22id%22%7D%5D%7D "
)

// ofThePSA are the headers that each request to the PSA has, with what they are there.
var ofThePSA = http.Header{"Username": {user}, "Secret": {"old-password"}, "Apiintegrationcode": {"CODE"}, "Accept-Encoding": {"identity"}}

// arrivesWith demands that a request to the PSA has these headers beside those that each has.
func (w *world) arrivesWith(got []arrival, more http.Header) {
	w.Helper()
	if len(got) != 1 {
		w.Fatalf("%d requests reached the PSA", len(got))
	}
	want := maps.Clone(ofThePSA)
	maps.Copy(want, more)
	if !maps.EqualFunc(got[0].Header, want, slices.Equal) || len(got[0].Trailer) != 0 {
		w.Errorf("the PSA got %d headers, and trailers %v; want %d:\n%.2000v\n%.2000v", len(got[0].Header), got[0].Trailer, len(want), got[0].Header, want)
	}
	if got[0].Host != "127.0.0.1:5005" {
		w.Errorf("for host %q", got[0].Host)
	}
}

func TestOfOddHeadersThePSASeesWhatIsItsAffairAndNoMore(t *testing.T) {
	long := strings.Repeat("x", 8<<10)
	for name, c := range map[string]struct {
		lines string
		more  http.Header // what reaches the PSA
	}{
		"none":                              {"", nil},
		"an allowed one, ten thousand fold": {strings.Repeat("Accept: application/json\n", 10_000), http.Header{"Accept": slices.Repeat([]string{"application/json"}, 10_000)}},
		"another one, ten thousand fold":    {strings.Repeat("X-Note: x\n", 10_000), nil},
		"ten thousand others":               {names(10_000), nil},
		"a type of 8 KiB":                   {"Content-Type: application/json; x=" + long + "\n", http.Header{"Content-Type": {"application/json; x=" + long}}},
		"two types":                         {"Content-Type: application/json\nContent-Type: text/html\n", http.Header{"Content-Type": {"application/json", "text/html"}}},
		"an empty type":                     {"Content-Type:\n", http.Header{"Content-Type": {""}}},
		"bytes above ASCII":                 {"Accept: \xff\xfe\u00e4\n", http.Header{"Accept": {"\xff\xfe\u00e4"}}},
		"names in any case":                 {"aCCEPT: x\nuSER-aGENT: y\n", http.Header{"Accept": {"x"}, "User-Agent": {"y"}}},
		"parts and conditions":              {"Range: bytes=0-1\nIf-Range: \"x\"\nIf-None-Match: *\nIf-Match: \"x\"\nIf-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT\nIf-Unmodified-Since: Sat, 01 Jan 2000 00:00:00 GMT\n", nil},
		"another method, path and host":     {"X-HTTP-Method-Override: DELETE\nX-HTTP-Method: DELETE\nX-Method-Override: DELETE\nX-Original-URL: /x\nX-Rewrite-URL: /x\nX-Forwarded-Host: evil.example.com\nForwarded: host=evil.example.com\nX-Host: evil.example.com\n", nil},
		"where it comes from":               {"X-Forwarded-For: 127.0.0.1\nX-Real-IP: 127.0.0.1\nVia: 1.1 x\nTrue-Client-IP: 127.0.0.1\nOrigin: https://evil.example.com\nReferer: https://evil.example.com/\n", nil},
		"what makes it a call to repeat":    {"Idempotency-Key: 1\nX-Idempotency-Key: 1\n", nil},
		"cookies and other credentials":     {"Cookie: s=1\nUserName: someone@example.com\nApiIntegrationCode: OTHER\nAuthorization: Basic bm9ib2R5Om5vYm9keQ==\nProxy-Authorization: Basic eDp5\nX-Api-Key: x\nSecret: another\n", nil},
		"names that look like a secret's":   {"Secret_: x\nSecret-: x\nUser_Name: x\nUser-Name: x\nApi-Integration-Code: x\nImpersonation-Resource-Id: 7\nImpersonation_ResourceId: 7\n", nil},
		"an impersonation of nobody":        {"ImpersonationResourceId:\n", nil},
		"another protocol":                  {"Upgrade: h2c\nHTTP2-Settings: AAMAAABkAAQAAP__\n", nil},
		"a socket":                          {"Upgrade: websocket\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Version: 13\n", nil},
		"what concerns one connection":      {"Keep-Alive: timeout=1000\nProxy-Connection: keep-alive\nTE: trailers\nTrailer: Secret\n", nil},
		"priorities and hints":              {"Priority: u=0\nEarly-Data: 1\nSec-Fetch-Site: none\nDNT: 1\nTraceparent: 00-0-0-00\nBaggage: x=y\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			inOwnWorld(t, func(w *world, _ *notes) {
				box := w.postbox()
				w.served("a")
				box.take()
				if resp, body := w.say(askTicket+c.lines+"\n", ""); resp.StatusCode != 200 || !strings.Contains(body, `"ticketNumber"`) {
					t.Errorf("%d %s", resp.StatusCode, body)
				}
				w.arrivesWith(box.take(), c.more)
				w.unharmed()
			})
		})
	}
}

// names are headers with as many names.
func names(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "X-%d: x\n", i)
	}
	return b.String()
}

// What Connection names is for this connection alone. But what says how a body is to be read goes wherever the body goes:
// gzip that nobody announces is another body.
func TestConnectionPartsNoBodyFromWhatSaysHowItIsRead(t *testing.T) {
	packed := zipped(newTicket)
	for _, named := range []string{
		"Content-Encoding", "content-encoding, Content-Type", "Content-Length", "Transfer-Encoding", "close, Content-Encoding, Secret, Host", "keep-alive, Content-Type",
		"Secret, UserName, ApiIntegrationCode, Accept-Encoding", "Upgrade, Content-Encoding", strings.Repeat("x, ", 1000) + "Content-Encoding", ",,, ,", "\x80",
	} {
		inOwnWorld(t, func(w *world, _ *notes) {
			box := w.postbox()
			w.served("a")
			box.take()
			before := w.records()
			resp, body := w.say(fmt.Sprintf("POST /ATServicesRest/V1.0/Tickets HTTP/1.1\nHost: gateway.test\nSecret: {key}\nContent-Type: application/json\nContent-Encoding: gzip\nConnection: %s\nContent-Length: %d\n\n", named, len(packed)), packed)
			if resp.StatusCode != 200 || w.records() != before+1 {
				t.Errorf("Connection: %.60s: %d %s, %d records", named, resp.StatusCode, body, w.records()-before)
			}
			got := box.take()
			w.arrivesWith(got, http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}, "Content-Length": {fmt.Sprint(len(packed))}})
			if got[0].body != packed {
				t.Errorf("Connection: %.60s: the PSA got another body", named)
			}
			w.unharmed()
		})
	}
}

func TestWhatACallerExpectsIsNoAffairOfThePSA(t *testing.T) {
	for expect, c := range map[string]struct {
		interim, status int
	}{
		"100-continue":            {100, 200},
		"100-Continue":            {100, 200},
		"100-continue, x":         {100, 200},
		"":                        {0, 200},
		"200-ok":                  {0, 417},
		"x":                       {0, 417},
		"100-continue=1":          {0, 417},
		strings.Repeat("x", 8000): {0, 417},
	} {
		inOwnWorld(t, func(w *world, _ *notes) {
			box := w.postbox()
			w.served("a")
			box.take()
			conn := w.dial()
			defer conn.Close()
			in := bufio.NewReader(conn)
			fmt.Fprintf(conn, "POST /ATServicesRest/V1.0/Tickets HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\nContent-Type: application/json\r\nSecret: %s\r\nContent-Length: %d\r\nExpect: %s\r\n\r\n", w.keys["a"].Reveal(), len(newTicket), expect)
			if c.interim != 0 {
				if resp, err := http.ReadResponse(in, nil); err != nil || resp.StatusCode != c.interim {
					t.Fatalf("Expect: %.40q: %+v %v", expect, resp, err)
				}
			}
			go func() { _, _ = io.WriteString(conn, newTicket) }()
			resp, err := http.ReadResponse(in, nil)
			if err != nil || resp.StatusCode != c.status {
				t.Fatalf("Expect: %.40q: %+v %v", expect, resp, err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			if got := box.take(); c.status == 200 {
				w.arrivesWith(got, http.Header{"Content-Type": {"application/json"}, "Content-Length": {fmt.Sprint(len(newTicket))}})
			} else if len(got) != 0 {
				t.Errorf("Expect: %.40q: %d requests reached the PSA", expect, len(got))
			}
			w.unharmed()
		})
	}
}

// Trailers come behind the body, when it has long been said who calls. Nothing reads them.
func TestTrailersOfARequestReachNobody(t *testing.T) {
	head := "POST /ATServicesRest/V1.0/Tickets HTTP/1.1\nHost: gateway.test\nConnection: close\nContent-Type: application/json\nTransfer-Encoding: chunked\n"
	chunks := fmt.Sprintf("\n%x\n%s\n0\n", len(newTicket), newTicket)
	trailers := "Secret: {key}\nUserName: a\nApiIntegrationCode: OTHER\nImpersonationResourceId: 7\nX-HTTP-Method-Override: DELETE\nContent-Encoding: gzip\nX-Sum: 1\n\n"
	for name, announced := range map[string]string{
		"announced":     "Trailer: Secret, UserName, ApiIntegrationCode, ImpersonationResourceId, X-HTTP-Method-Override, Content-Encoding, X-Sum\n",
		"not announced": "",
		"of others":     "Trailer: X-Other\n",
	} {
		t.Run(name, func(t *testing.T) {
			inOwnWorld(t, func(w *world, _ *notes) {
				box := w.postbox()
				w.served("a")
				box.take()
				if resp, body := w.say(head+"Secret: {key}\n"+announced+chunks+strings.Replace(trailers, "{key}", "another", 1), ""); resp.StatusCode != 200 {
					t.Errorf("%d %s", resp.StatusCode, body)
				}
				w.arrivesWith(box.take(), http.Header{"Content-Type": {"application/json"}, "Content-Length": {fmt.Sprint(len(newTicket))}})
				if resp, body := w.say(head+announced+chunks+trailers, ""); resp.StatusCode != 401 || body != "" || len(box.take()) != 0 {
					t.Errorf("a key in a trailer: %d %s", resp.StatusCode, body)
				}
				w.unharmed()
			})
		})
	}
}

// An answer that nobody can read is none, and what the caller says of codings is not always sense: where it is not clear that
// he takes gzip he gets none, though the PSA would.
func TestWhateverACallerSaysOfCodingsHeCanReadTheAnswer(t *testing.T) {
	for accepts, gzipped := range map[string]bool{
		"": false, "gzip": true, "GZIP": true, "x-gzip": true, "*": true, "gzip, compress, deflate, br": true, "br;q=1.0, gzip;q=0.8, *;q=0.1": true,
		"br": false, "deflate": false, "identity": false, "zstd, br": false, "gzip;q=0": false, "gzip;q=0.000": false, "*;q=0": false, "gzip;q=x": false, "gzip;q=": false,
		"gzip;q=-1": false, "gzip;q=NaN": false, "*, gzip;q=0": false, "gzip;q=0, *": false, "identity;q=0": false, "identity;q=0, *;q=0": false,
		",,,": false, ";q=1": false, "gzipp": false, "gzip br": false, `"gzip"`: false, "gzip;x=1": true, "gzip; q=1": true, "gzip ; q=0": false, "gzip;Q=0": false,
		strings.Repeat("br, ", 1000) + "gzip": true, strings.Repeat(";", 1000): false,
	} {
		inOwnWorld(t, func(w *world, _ *notes) {
			w.sim.Adjust(func(b *psatest.Behaviour) { b.GzipAnswers = true })
			w.served("a")
			resp, body := w.say(strings.Replace(askTicket, "/1 ", allTickets, 1)+"Accept-Encoding: "+accepts+"\n\n", "")
			coding := resp.Header.Get("Content-Encoding")
			if gzipped != (coding == "gzip") || gzipped != strings.HasPrefix(body, "\x1f\x8b") || !gzipped && (coding != "" || !json.Valid([]byte(body))) || resp.StatusCode != 200 {
				t.Errorf("Accept-Encoding: %.60s: %d in %q: %.100q", accepts, resp.StatusCode, coding, body)
			}
			w.unharmed()
		})
	}
}

// The pages of a query are where the caller called, in his own spelling.
func TestPagesAreOnTheHostThatTheCallerNamed(t *testing.T) {
	for _, host := range []string{
		"gateway.test", "gateway.test:80", "psa.example.com:8443", "PSA.Example.COM", "[::1]", "[2001:DB8::1]:8080", "10.0.0.1:1", "xn--bcher-kva.example", "a_b.example",
		"webservices5.autotask.net", "localhost", "psa.example.com.", "a", strings.Repeat("a", 250) + ".example",
	} {
		inOwnWorld(t, func(w *world, _ *notes) {
			w.sim.Adjust(func(b *psatest.Behaviour) { b.PageCap = 5 })
			request := strings.NewReplacer("/1 ", allTickets, "gateway.test", host).Replace(askTicket)
			resp, body := w.say(request+"X-Forwarded-Host: evil.example.com\nX-Forwarded-Proto: https\nForwarded: host=evil.example.com;proto=https\n\n", "")
			var page struct {
				Items       []any
				PageDetails struct{ NextPageURL, PrevPageURL string }
			}
			if err := json.Unmarshal([]byte(body), &page); err != nil || resp.StatusCode != 200 || len(page.Items) != 5 {
				t.Fatalf("%s: %d %s", host, resp.StatusCode, body)
			}
			next, found := strings.CutPrefix(page.PageDetails.NextPageURL, "http://"+host+"/ATServicesRest/V1.0/Tickets/query/next?")
			if !found {
				t.Fatalf("%s: the next page is at %s", host, page.PageDetails.NextPageURL)
			}
			if resp, body := w.say(strings.Replace(request, allTickets, "/query/next?"+next+" ", 1)+"\n", ""); resp.StatusCode != 200 || !strings.Contains(body, `"prevPageUrl":"http://`+host+`/ATServicesRest/`) {
				t.Errorf("%s: the next page is %d %s", host, resp.StatusCode, body)
			}
			w.unharmed()
		})
	}
}
