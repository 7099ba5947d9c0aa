package e2e

import (
	"context"
	"crypto/tls"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// A request in early data can be sent again by whoever sees it pass: it is asked for once more, after the handshake. Whether one is in
// early data is not the client's to say: on a busy machine the handshake may be over before it is sent.
func TestARequestInEarlyDataIsAskedForAgain(t *testing.T) {
	x := newFronts(t)
	tickets := tls.NewLRUClientSessionCache(1)
	get := func(method string) answer {
		client := &http3.Transport{TLSClientConfig: &tls.Config{RootCAs: x.roots, ClientSessionCache: tickets}, Dial: quic.DialAddrEarly}
		defer client.Close()
		f := front{"HTTP/3", 3, "https://" + x.secure, &http.Client{Transport: client}}
		return x.answered(f, x.at(f, method, aTicket, nil, field{"Secret", "{a}"}))
	}
	if a := get(http.MethodGet); !a.ticket() {
		t.Fatalf("after a handshake: %d %s", a.status, a.reason())
	}
	for try := 1; ; try++ {
		mark := x.tape.mark()
		a := get(http3.MethodGet0RTT)
		if a.ticket() && try < 20 {
			continue
		}
		if a.status != http.StatusTooEarly || a.reason() != "bad-request" {
			t.Errorf("in early data, try %d: %d %s", try, a.status, a.reason())
		}
		if sent := x.sent(mark); len(sent) != 0 {
			t.Errorf("the PSA was sent %q", sent)
		}
		break
	}
	if a := get(http.MethodGet); !a.ticket() {
		t.Errorf("after another handshake: %d %s", a.status, a.reason())
	}
	x.wellAgain()
}

// Caddy by itself waits for as long as anybody holds a connection.
func TestAStrangerWhoHoldsAConnectionDoesNotKeepTheProcessFromEnding(t *testing.T) {
	t.Parallel()
	x := newFronts(t)
	trust := &tls.Config{RootCAs: x.roots, NextProtos: []string{"h3"}}
	conn, err := quic.DialAddr(context.Background(), x.secure, trust, &quic.Config{KeepAlivePeriod: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseWithError(0, "")
	if err := x.server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	x.server.gone(x.world)
}
