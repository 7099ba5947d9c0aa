package smtp_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/broker/smtp"
)

// pipes is a listener whose connections live in a bubble.
type pipes struct{ conns chan net.Conn }

func (p pipes) Accept() (net.Conn, error) {
	conn, open := <-p.conns
	if !open {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (p pipes) Close() error {
	defer func() { _ = recover() }() // twice
	close(p.conns)
	return nil
}

func (pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 25} }

// from is a connection of an address.
type from struct {
	net.Conn
	ip string
}

func (f from) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.ParseIP(f.ip), Port: 40000} }

// bubble runs an intake whose time is not the clock's.
func bubble(t *testing.T, change func(*smtp.Intake), do func(t *testing.T, dial func(ip string) net.Conn)) (mails []smtp.Mail) {
	synctest.Test(t, func(t *testing.T) {
		l := pipes{make(chan net.Conn)}
		in := smtp.Intake{Domain: "mx.example.test", Takes: func(string) bool { return true }, Spool: func(_ context.Context, m smtp.Mail) error {
			mails = append(mails, m)
			return nil
		}}
		if change != nil {
			change(&in)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- in.Serve(ctx, l) }()
		do(t, func(ip string) net.Conn {
			client, server := net.Pipe()
			l.conns <- from{server, ip}
			return client
		})
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return mails
}

// said is all that the server says until it falls silent or ends the connection.
func said(conn net.Conn) string {
	_ = conn.SetReadDeadline(time.Now().Add(time.Second))
	var text strings.Builder
	if _, err := io.Copy(&text, conn); err == nil {
		return text.String() + "(end)"
	}
	return text.String()
}

func say(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
	if _, err := io.WriteString(conn, text); err != nil && !strings.Contains(err.Error(), "closed") && !os.IsTimeout(err) {
		t.Error(err)
	}
}

// TestTheRestOfAMailIsNoCommand: a server that relays somebody's mail falls silent in its middle, and goes on after the deadline.
func TestTheRestOfAMailIsNoCommand(t *testing.T) {
	const rest = "NOOP\r\nMAIL FROM:<evil@example.test>\r\nRCPT TO:<support@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\n.\r\n"
	for _, begin := range []string{"DATA\r\n", fmt.Sprintf("BDAT %d LAST\r\n", 11+len(rest))} {
		mails := bubble(t, nil, func(t *testing.T, dial func(string) net.Conn) {
			c := dial("192.0.2.1")
			defer c.Close()
			said(c)
			for _, line := range []string{"EHLO c.test\r\n", "MAIL FROM:<a@example.test>\r\n", "RCPT TO:<support@example.test>\r\n", begin} {
				say(t, c, line)
				said(c)
			}
			say(t, c, "Subject: a\r\n")
			answer := ""
			for began := time.Now(); time.Since(began) < 6*time.Minute && !strings.HasSuffix(answer, "(end)"); { // past the deadline
				answer += said(c)
			}
			if !strings.HasSuffix(answer, "(end)") {
				say(t, c, rest)
				answer += said(c)
			}
			if !strings.Contains(answer, "(end)") || strings.Contains(answer, "250 ") {
				t.Errorf("%s: %q", begin, answer)
			}
		})
		if len(mails) != 0 {
			t.Errorf("%s: %q is taken, which was within another mail", begin, mails[0].From)
		}
	}
}

// TestASlowMailMakesRoom: as many clients as there may be mails at once send a byte now and then.
func TestASlowMailMakesRoom(t *testing.T) {
	envelope := []string{"EHLO c.test\r\n", "MAIL FROM:<a@example.test>\r\n", "RCPT TO:<support@example.test>\r\n", "DATA\r\n"}
	mails := bubble(t, func(in *smtp.Intake) { in.Together = 2 }, func(t *testing.T, dial func(string) net.Conn) {
		var slow []net.Conn
		for n := range 2 {
			c := dial(fmt.Sprintf("192.0.2.%d", n))
			defer c.Close()
			said(c)
			for _, line := range envelope {
				say(t, c, line)
				said(c)
			}
			slow = append(slow, c)
		}
		for range 30 {
			for _, c := range slow {
				say(t, c, "x")
			}
			time.Sleep(time.Second)
		}
		c := dial("198.51.100.7")
		defer c.Close()
		said(c)
		for _, line := range envelope {
			say(t, c, line)
			said(c)
		}
		answered := make(chan string)
		go func() { answered <- said(slow[0]) + said(slow[1]) }()
		say(t, c, "Subject: a\r\n\r\nb\r\n.\r\n")
		if answer := said(c); !strings.HasPrefix(answer, "250") {
			t.Errorf("the slow ones keep another's mail out: %q", answer)
		}
		if answer := <-answered; strings.Count(answer, "451 4.3.0") != 1 {
			t.Errorf("one of the slow ones is to come again: %q", answer)
		}
	})
	if len(mails) == 0 {
		t.Error("no mail")
	}
}

// TestMailsWaitForTheirTurn: more mails come at once than are received, of programs that do not come again.
func TestMailsWaitForTheirTurn(t *testing.T) {
	mails := bubble(t, func(in *smtp.Intake) {
		in.Together = 1
		keep := in.Spool
		in.Spool = func(ctx context.Context, m smtp.Mail) error { time.Sleep(time.Second); return keep(ctx, m) }
	}, func(t *testing.T, dial func(string) net.Conn) {
		var all sync.WaitGroup
		for range 10 {
			c := dial("192.0.2.1")
			all.Go(func() {
				defer c.Close()
				said(c)
				for _, line := range []string{"EHLO c.test\r\n", "MAIL FROM:<>\r\n", "RCPT TO:<support@example.test>\r\n", "DATA\r\n"} {
					say(t, c, line)
					said(c)
				}
				_ = c.SetWriteDeadline(time.Time{})
				if _, err := io.WriteString(c, "Subject: a\r\n\r\nb\r\n.\r\n"); err != nil {
					t.Error(err)
				}
				_ = c.SetReadDeadline(time.Time{})
				answer := make([]byte, 3)
				if _, err := io.ReadFull(c, answer); err != nil || string(answer) != "250" {
					t.Errorf("%s, %v", answer, err)
				}
			})
		}
		all.Wait()
	})
	if len(mails) != 10 {
		t.Errorf("%d mails", len(mails))
	}
}

// TestOneAddressHasNotAllConnections: it opens as many as there may be, and says nothing.
func TestOneAddressHasNotAllConnections(t *testing.T) {
	oneHasNotAll(t, "192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1")
}

// TestOneNetworkOfIPv6HasNotAllConnections: a machine has all the addresses of one.
func TestOneNetworkOfIPv6HasNotAllConnections(t *testing.T) {
	oneHasNotAll(t, "2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:1:2::", "2001:db8:0:1:ffff::")
}

func oneHasNotAll(t *testing.T, addresses ...string) {
	mails := bubble(t, func(in *smtp.Intake) { in.Connections = 4 }, func(t *testing.T, dial func(string) net.Conn) {
		held := 0
		for _, address := range addresses {
			c := dial(address)
			defer c.Close()
			switch answer := said(c); {
			case strings.HasPrefix(answer, "220"):
				held++
			case !strings.HasPrefix(answer, "421"):
				t.Errorf("%q", answer)
			}
		}
		if held != 2 {
			t.Errorf("it has %d", held)
		}
		for range 5 { // others come and go
			c := dial("198.51.100.7")
			if answer := said(c); !strings.HasPrefix(answer, "220") {
				t.Errorf("%q", answer)
			}
			_ = c.Close()
			synctest.Wait()
		}
	})
	if len(mails) != 0 {
		t.Error("mails came of nothing")
	}
}
