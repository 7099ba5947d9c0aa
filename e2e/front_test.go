package e2e

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

// attachment is the body that attaches a file of n bytes to a ticket.
func attachment(n int) string {
	return `{"attachmentType":"FILE_ATTACHMENT","title":"a.bin","fullPath":"a.bin","publish":1,"data":"` +
		base64.StdEncoding.EncodeToString(make([]byte, n)) + `"}`
}

func TestAKeyIsFoundWhereverAnIntegrationCanPutIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	key := w.keys["a"].Reveal()
	for name, set := range map[string]func(h http.Header){
		"REST headers as documented":   func(h http.Header) { h["UserName"], h["Secret"] = []string{"a"}, []string{key} },
		"REST headers in lower case":   func(h http.Header) { h["username"], h["secret"] = []string{"a"}, []string{key} },
		"REST headers in upper case":   func(h http.Header) { h["USERNAME"], h["SECRET"] = []string{"a"}, []string{key} },
		"a mail address for a name":    func(h http.Header) { h["Username"], h["Secret"] = []string{"jo@example.com"}, []string{key} },
		"no user name at all":          func(h http.Header) { h["Secret"] = []string{key} },
		"HTTP Basic":                   func(h http.Header) { h["Authorization"] = []string{basic("a", key)} },
		"Bearer":                       func(h http.Header) { h["Authorization"] = []string{"Bearer " + key} },
		"bearer, in lower case":        func(h http.Header) { h["authorization"] = []string{"bearer " + key} },
		"Basic next to the headers":    func(h http.Header) { h["Secret"], h["Authorization"] = []string{key}, []string{basic("a", key)} },
		"a foreign secret next to one": func(h http.Header) { h["Secret"], h["Authorization"] = []string{"foreign"}, []string{basic("a", key)} },
	} {
		for _, path := range []string{"/ATServicesRest/V1.0/Tickets/1", "/atservicesrest//v1.0/tickets/1"} {
			r, err := http.NewRequest("GET", w.url(path), nil)
			if err != nil {
				t.Fatal(err)
			}
			set(r.Header)
			r.Header["apiintegrationcode"] = []string{"anything"}
			if a := send(t, http.DefaultClient, r); !a.ticket() {
				t.Errorf("%s, %s: %d %s", name, path, a.status, a.body)
			}
		}
	}
	w.unharmed(0)
}

func basic(name, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}

func TestAStrangerHearsWhatThePSASaysAndIsSlowedDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.served("a")
	mark := w.sim.Requests()
	key := w.keys["a"].Reveal()
	wrong := []string{"", "not-a-key", newKey(t).Reveal(), key[:len(key)-1] + "!"}
	for i := range 12 {
		r := w.request("a", "GET", "/Tickets/1", nil)
		r.Header.Set("Secret", wrong[i%len(wrong)])
		a := send(t, http.DefaultClient, r)
		switch {
		case i < 10 && (a.status != 401 || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Basic") || a.reason() != ""):
			t.Errorf("failure %d: %d %v", i+1, a.status, a.header)
		case i >= 10 && (a.status != 429 || a.reason() != "too-many-failures" || a.header.Get("Retry-After") == ""):
			t.Errorf("failure %d: %d %v", i+1, a.status, a.header)
		}
		w.served("a")
	}
	if now := w.sim.Requests(); now.Total != mark.Total+12 {
		t.Errorf("%d requests came to the PSA, want those of the 12 good keys", now.Total-mark.Total)
	}
}

func TestBodiesComeInEveryWayThatHTTPKnows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	t.Run("chunked", func(t *testing.T) {
		chunks := io.MultiReader(strings.NewReader(`{"filter":[{"op":"lte",`), strings.NewReader(`"field":"id","value":3}]}`))
		if a := send(t, http.DefaultClient, w.request("a", "POST", "/Tickets/query", chunks)); a.status != 200 || strings.Count(a.body, `"ticketNumber"`) != 3 {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
	t.Run("2 MB after a 100 Continue", func(t *testing.T) {
		a, continued := w.attachAfterContinue(t, 2_000_000)
		if stored := w.tenant.Records("TicketAttachments"); a.status != 200 || !continued || len(stored) != 1 || stored[0]["fileSize"] != int64(2_000_000) {
			t.Errorf("%d %s, continued: %v, %d stored", a.status, a.body, continued, len(stored))
		}
	})
	t.Run("more than is taken is not asked for", func(t *testing.T) {
		if a, continued := w.attachAfterContinue(t, 13_000_000); a.status != 413 || a.reason() != "too-large" || continued {
			t.Errorf("%d %s, continued: %v", a.status, a.reason(), continued)
		}
	})
	t.Run("over HTTP/2 without TLS", w.callsOverHTTP2)
	w.unharmed(0)
}

// attachAfterContinue attaches a file of n bytes, and sends it only if it is told to continue.
func (w *world) attachAfterContinue(t *testing.T, n int) (a answer, continued bool) {
	t.Helper()
	r := w.request("a", "POST", "/Tickets/1/Attachments", strings.NewReader(attachment(n)))
	r.Header.Set("Expect", "100-continue")
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{Got100Continue: func() { continued = true }}))
	transport := &http.Transport{ExpectContinueTimeout: patience}
	defer transport.CloseIdleConnections()
	return send(t, &http.Client{Transport: transport}, r), continued
}

// callsOverHTTP2 makes many calls at once over one HTTP/2 connection.
func (w *world) callsOverHTTP2(t *testing.T) {
	if out, status := w.reload("debug\n", "debug\n\tservers {\n\t\tprotocols h1 h2 h2c\n\t}\n"); status != 0 {
		t.Fatalf("exit status %d: %s", status, out)
	}
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	parallel(20, func(i int) {
		r := w.request([]string{"a", "b"}[i%2], "POST", "/Tickets/query", io.MultiReader(strings.NewReader(`{"filter":[{"op":"eq","field":"id","value":7}]}`)))
		if a := send(t, client, r); a.status != 200 || strings.Count(a.body, `"ticketNumber"`) != 1 {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}

func TestACallerWhoHangsUpWhileSendingSignsNobodyIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.served("a")
	mark := w.sim.Mark()
	body := attachment(2_000_000)
	for i, framing := range []string{fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body[:len(body)/2]), fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", 1000, body[:1000])} {
		conn, err := net.Dial("tcp", w.address)
		if err != nil {
			t.Fatal(err)
		}
		path := fmt.Sprintf("/ATServicesRest/V1.0/Tickets/1/Attachments?hangs-up=%d", i)
		if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nSecret: %s\r\n%s", path, w.address, w.keys["a"].Reveal(), framing); err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		w.until("the call is over", func() bool { return strings.Contains(w.read("access.log"), path) })
	}
	w.served("a")
	if after := w.sim.Ledger().Since(mark); len(after) != 1 || len(w.tenant.Records("TicketAttachments")) != 0 {
		t.Errorf("want the one sign-in of the call that followed: %v", after)
	}
	if login := w.loginStatus(); login.Units.Free != login.Units.Budget {
		t.Errorf("units %+v", login.Units)
	}
}

func TestCallersWhoHangUpFreeTheirPlacesAndNotTheirUnits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.served("a")
	held := w.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true, Path: "/Tickets/query"})
	ctx, hangUp := context.WithCancel(context.Background())
	defer hangUp()
	var all sync.WaitGroup
	for i := range 10 {
		r := w.request([]string{"a", "b"}[i%2], "POST", "/Tickets/query", strings.NewReader(`{"filter":[]}`)).WithContext(ctx)
		all.Go(func() {
			if _, err := http.DefaultClient.Do(r); !errors.Is(err, context.Canceled) {
				t.Errorf("a call that the PSA held was answered: %v", err)
			}
		})
	}
	w.until("all came", func() bool { l := w.loginStatus(); return l.Units.Held == inFlight && l.Queue.Waiting == waiting })
	hangUp()
	all.Wait()
	w.until("those who waited are gone", func() bool { return w.loginStatus().Queue.Waiting == 0 })
	if units := w.loginStatus().Units; units.Held != inFlight {
		t.Errorf("units %+v while the PSA has not judged", units)
	}
	held.Release()
	w.until("the PSA has judged", func() bool { return w.loginStatus().Units.Free == 5 })
	w.served("a")
	w.unharmed(0)
}

func TestTwoHundredClientsAreServedOverKeptConnections(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.served("a")
	mark := w.sim.Mark()
	const clients, calls = 200, 5
	var dialled, served atomic.Int32
	start := time.Now()
	parallel(clients, func(i int) {
		transport := &http.Transport{}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport}
		for range calls {
			r := w.request([]string{"a", "b"}[i%2], "GET", "/Tickets/1", nil)
			r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{ConnectDone: func(_, _ string, err error) { dialled.Add(1) }}))
			if a := send(t, client, r); a.ticket() {
				served.Add(1)
			} else {
				t.Errorf("%d %s %s", a.status, a.reason(), a.body)
			}
		}
	})
	t.Logf("%d calls over %d connections in %v", served.Load(), dialled.Load(), time.Since(start).Round(time.Millisecond))
	if dialled.Load() != clients {
		t.Errorf("%d connections for %d clients", dialled.Load(), clients)
	}
	if n := len(w.sim.Ledger().Since(mark)); n != clients*calls {
		t.Errorf("%d sign-ins for %d calls", n, clients*calls)
	}
	w.unharmed(0)
}
