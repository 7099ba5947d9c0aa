package ates

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/internal/psatest"
)

// silent is a server that says nothing any more after so many lines of a client's.
func silent(t *testing.T, network *psatest.Network, lines int) {
	l := network.Listen("localhost:25")
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		b := make([]byte, 1)
		says := []string{"220 x\r\n", "250 x\r\n", "250 x\r\n", "250 x\r\n", "354 x\r\n"}
		for i := range says {
			if i > lines {
				break
			}
			if _, err := conn.Write([]byte(says[i])); err != nil {
				return
			}
			for line := ""; !strings.HasSuffix(line, "\n"); line += string(b) {
				if _, err := conn.Read(b); err != nil {
					return
				}
			}
		}
		for { // the rest is read, and not answered
			if _, err := conn.Read(b); err != nil {
				return
			}
		}
	}()
}

// A server that falls silent costs no more time than there is, and only after the dot nobody knows.
func TestAServerFallsSilent(t *testing.T) {
	t.Parallel()
	for lines := range 6 {
		synctest.Test(t, func(t *testing.T) {
			network := psatest.NewNetwork()
			silent(t, network, lines-1)
			out := sender(t, service(t, Server{Address: "localhost:25", TLS: TLSOff, Dial: network.DialContext}))
			begun := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			err := out.HandOver(ctx, ticket(), false)
			if err == nil || errors.Is(err, drive.ErrNotNow) != (lines < 5) || errors.Is(err, drive.ErrRefused) {
				t.Errorf("after %d lines: %v", lines, err)
			}
			if lines < 2 && !strings.Contains(err.Error(), "localhost:25 is reached, and does not answer: is it the port of a mail server") {
				t.Errorf("after %d lines it says %v", lines, err)
			}
			if took := time.Since(begun); took > 21*time.Second {
				t.Errorf("after %d lines it took %s", lines, took)
			}
		})
	}
}

// stubborn is a connection that cannot be closed. It notes the deadlines that it is given, and its context ends when the mail's text
// has begun to go out.
type stubborn struct {
	net.Conn
	cancel    func()
	deadlines *[]time.Time
}

func (s stubborn) Close() error { return nil }

func (s stubborn) SetDeadline(t time.Time) error {
	*s.deadlines = append(*s.deadlines, t)
	return nil
}

func (s stubborn) Write(b []byte) (int, error) {
	n, err := s.Conn.Write(b)
	if bytes.Contains(b, []byte("Message-ID: ")) {
		s.cancel()
	}
	return n, err
}

func TestNothingIsSentOnceTheContextIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := w.server()
	most := time.Now().Add(time.Minute)
	ctx, cancel := context.WithDeadline(t.Context(), most)
	defer cancel()
	var deadlines []time.Time
	var conn net.Conn
	server.Dial = func(ctx context.Context, network, address string) (_ net.Conn, err error) {
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
		return stubborn{conn, cancel, &deadlines}, err
	}
	long := ticket()
	long.Description = strings.Repeat("long ", 1500) // so that some of it goes out before the dot
	if err := sender(t, service(t, server)).HandOver(ctx, long, false); !errors.Is(err, drive.ErrNotNow) {
		t.Errorf("%v", err)
	}
	_ = conn.Close()
	w.sim.Close() // what the service has got, it has kept now
	if n := len(w.service.Mails()); n != 0 {
		t.Errorf("%d mails were sent", n)
	}
	for _, d := range deadlines {
		if d.IsZero() || d.After(most) {
			t.Errorf("it may take until %s", d)
		}
	}
	if len(deadlines) == 0 {
		t.Error("no deadline is set")
	}
}

func TestOneAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := psatest.NewNetwork()
		silent(t, network, 0)
		out := sender(t, service(t, Server{Address: "localhost:25", TLS: TLSOff, Dial: network.DialContext}))
		first, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- out.HandOver(first, ticket(), false) }()
		synctest.Wait()
		second, cancelSecond := context.WithTimeout(t.Context(), time.Second)
		defer cancelSecond()
		if err := out.HandOver(second, ticket(), false); !errors.Is(err, drive.ErrNotNow) {
			t.Errorf("the second: %v", err)
		}
		cancel()
		if err := <-done; !errors.Is(err, drive.ErrNotNow) {
			t.Errorf("the first, broken off: %v", err)
		}
	})
}
