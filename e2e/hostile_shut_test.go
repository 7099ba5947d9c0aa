package e2e

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

// shut says something, waits, and shuts its side.
func (x *wire) shut(text string, wait func()) net.Conn {
	x.Helper()
	conn, err := net.Dial("tcp", x.address)
	if err != nil {
		x.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, x.fill(text)); err != nil {
		x.Fatal(err)
	}
	wait()
	_ = conn.(*net.TCPConn).CloseWrite()
	return conn
}

func TestAHalfClosedConnectionWithinABodyHearsThatItBreaksOff(t *testing.T) {
	x := newWire(t)
	x.hearsEach([]saying{
		{name: "a body that is shorter than its length", text: posts(aCount[:5], "Content-Length: 13"), ends: true, hears: "400 bad-request, closed"},
		{name: "no body at all", text: posts("", "Content-Length: 13"), ends: true, hears: "400 bad-request, closed"},
		{name: "a chunk that is shorter than it says", text: posts("d\r\n"+aCount[:5], "Transfer-Encoding: chunked"), ends: true, hears: "400 bad-request, closed"},
		{name: "chunks without the last one", text: posts("d\r\n"+aCount+"\r\n", "Transfer-Encoding: chunked"), ends: true, hears: "400 bad-request, closed"},
		{name: "chunks whose trailer does not end", text: posts("d\r\n"+aCount+"\r\n0\r\nX: y\r\n", "Transfer-Encoding: chunked"), ends: true, hears: "400 bad-request, closed"},
		{name: "a stranger's body", text: heads("POST "+aQuery+" HTTP/1.1", "Host: {host}", "{from}Content-Length: 13"), ends: true, hears: "401, closed"},
	})
	x.wellAgain()
}

func TestAHalfClosedConnectionBehindACallHearsThePSAsAnswerOrThatItMayHaveBeenMade(t *testing.T) {
	x := newWire(t)
	for _, at := range []psatest.Point{psatest.Received, psatest.Judged, psatest.Applied} {
		for name, text := range map[string]string{
			"a ticket": asks(aTicket), "a query": posts(aCount, "Content-Length: 13"), "chunks": posts(chunked(aCount), "Transfer-Encoding: chunked"),
		} {
			judged := x.sim.Mark()
			held := x.sim.Fault(psatest.Fault{At: at, Hold: true, Path: "/Tickets"})
			conn := x.shut(text, func() { x.until("the PSA has it", func() bool { return held.Held() == 1 }) })
			held.Release()
			a, err := hear(bufio.NewReader(conn), false)
			_ = conn.Close()
			if err == nil && a.status != http.StatusBadGateway && (a.status != http.StatusOK || !a.ticket() && a.body != `{"queryCount":25}`) {
				t.Errorf("%s, shut at %d: %d %q", name, at, a.status, a.body)
			}
			x.until("the PSA has judged it", func() bool { return len(x.sim.Ledger().Since(judged)) == 1 })
		}
	}
	x.wellAgain()
}

func TestAHalfClosedConnectionThatWaitsLeavesTheQueueAndHearsNoSuccess(t *testing.T) {
	x := newWire(t)
	held := x.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true, Path: "/Tickets/1"})
	done := make(chan struct{})
	go func() {
		defer close(done)
		parallel(inFlight, func(i int) { x.call([]string{"a", "b"}[i%2], "GET", "/Tickets/1", "") })
	}()
	x.until("the units are in use", func() bool { return held.Held() == inFlight })
	judged := x.sim.Mark()
	waits := func() { x.until("it waits", func() bool { return x.loginStatus().Queue.Waiting == 1 }) }
	for _, text := range []string{asks(aTicket), posts(aCount, "Content-Length: 13"), posts(chunked(aCount), "Transfer-Encoding: chunked")} {
		conn := x.shut(text, waits)
		a, err := hear(bufio.NewReader(conn), false)
		_ = conn.Close()
		if err == nil && (a.status != http.StatusBadRequest || a.reason() != "bad-request") {
			t.Errorf("a call that reached nobody was answered: %d %q", a.status, a.body)
		}
		x.until("its place is free", func() bool { return x.loginStatus().Queue.Waiting == 0 })
	}
	held.Release()
	<-done
	if n := len(x.sim.Ledger().Since(judged)); n != inFlight {
		t.Errorf("%d sign-ins, want those of the %d in flight", n, inFlight)
	}
	x.wellAgain()
}
