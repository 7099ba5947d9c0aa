package smtp_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/psagate/psagate/broker/smtp"
	"github.com/psagate/psagate/internal/realparts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const body = "From: a@example.test\r\nSubject: help\r\n\r\nHelp.\r\n..and more\r\n"

// intake is one that runs.
type intake struct {
	addr string
	// stop ends it, and returns when it has ended.
	stop func() error
	mu   sync.Mutex
	all  []smtp.Mail
}

func (i *intake) mails() []smtp.Mail {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.all
}

// start runs one for support@example.test that keeps mails in memory.
func start(t *testing.T, change func(*smtp.Intake)) *intake {
	t.Helper()
	i := &intake{}
	in := smtp.Intake{
		Domain: "mx.example.test", Takes: func(address string) bool {
			return strings.HasPrefix(address, "support") && strings.HasSuffix(address, "@example.test")
		},
		Spool: func(_ context.Context, m smtp.Mail) error {
			i.mu.Lock()
			defer i.mu.Unlock()
			i.all = append(i.all, m)
			return nil
		},
	}
	if change != nil {
		change(&in)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	i.addr = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- in.Serve(ctx, l) }()
	i.stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() {
		if err := i.stop(); err != nil {
			t.Error(err)
		}
	})
	return i
}

// client speaks as a test wants it to.
type client struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

func dial(t *testing.T, i *intake) *client {
	t.Helper()
	conn, err := net.Dial("tcp", i.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	c := &client{t, conn, bufio.NewReader(conn)}
	c.answer()
	return c
}

func (c *client) write(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, text); err != nil {
		c.t.Fatal(err)
	}
}

// answer is the last line of one.
func (c *client) answer() string {
	c.t.Helper()
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			c.t.Fatal(err)
		}
		if len(line) < 4 || line[3] != '-' {
			return strings.TrimSpace(line)
		}
	}
}

// says sends lines, and returns the answer to the last.
func (c *client) says(lines ...string) (answer string) {
	c.t.Helper()
	for _, line := range lines {
		c.write(line + "\r\n")
		answer = c.answer()
	}
	return answer
}

// certificate is that of an HTTP server for tests, which is for 127.0.0.1 and example.com, and its PEM.
func certificate(t *testing.T) (*tls.Config, string) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	s.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: s.TLS.Certificates}, file
}

func TestCurlBringsAMail(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		realparts.LeftOut(t, "curl, which speaks SMTP: %v", err)
	}
	config, ca := certificate(t)
	file := filepath.Join(t.TempDir(), "mail")
	if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	full := errors.New("the disk is full")
	i := start(t, func(in *smtp.Intake) {
		in.TLS, in.OnlyTLS = config, true
		keep := in.Spool
		in.Spool = func(ctx context.Context, m smtp.Mail) error {
			if m.From == "large@example.test" {
				return fmt.Errorf("%w: %w", smtp.ErrFull, full)
			}
			if m.From == "unlucky@example.test" {
				return full
			}
			return keep(ctx, m)
		}
	})
	curl := func(from, to string, args ...string) (string, error) {
		args = append([]string{"-sSv", "smtp://" + i.addr + "/client.example.test", "--mail-from", from, "--mail-rcpt", to, "--upload-file", file, "--max-time", "30"}, args...)
		said, err := exec.CommandContext(t.Context(), "curl", args...).CombinedOutput()
		return string(said), err
	}
	if said, err := curl("a@example.test", "Support+42@example.test", "--ssl-reqd", "--cacert", ca); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	got := i.mails()
	if len(got) != 1 {
		t.Fatalf("%d mails", len(got))
	}
	head, found := strings.CutSuffix(string(got[0].Raw), body)
	if !found || !strings.HasPrefix(head, "Return-Path: <a@example.test>\r\nDelivered-To: support+42@example.test\r\nReceived: from client.example.test ([127.0.0.1])\r\n\tby mx.example.test with ESMTPS id ") ||
		got[0].From != "a@example.test" || fmt.Sprint(got[0].To) != "[support+42@example.test]" || got[0].Peer != netip.MustParseAddr("127.0.0.1") || !strings.HasPrefix(got[0].Object, "smtp:") {
		t.Errorf("%q %+v", head, got[0])
	}
	for want, try := range map[string]func() (string, error){
		"530 5.7.0": func() (string, error) { return curl("a@example.test", "support@example.test") },
		"550 5.7.1": func() (string, error) {
			return curl("a@example.test", "victim@elsewhere.test", "--ssl-reqd", "--cacert", ca)
		},
		"452 4.3.1": func() (string, error) {
			return curl("large@example.test", "support@example.test", "--ssl-reqd", "--cacert", ca)
		},
		"451 4.3.0": func() (string, error) {
			return curl("unlucky@example.test", "support@example.test", "--ssl-reqd", "--cacert", ca)
		},
	} {
		if said, err := try(); err == nil || !strings.Contains(said, want) || strings.Contains(said, full.Error()) {
			t.Errorf("want %s: %v\n%s", want, err, said)
		}
	}
	if n := len(i.mails()); n != 1 {
		t.Errorf("%d mails", n)
	}
}

func TestWhatIsNotTaken(t *testing.T) {
	envelope := []string{"EHLO c.test", "MAIL FROM:<a@example.test>", "RCPT TO:<support@example.test>"}
	i := start(t, func(in *smtp.Intake) { in.Most = 1000 })
	c := dial(t, i)
	c.says(envelope...)
	for n := range 99 {
		c.says(fmt.Sprintf("RCPT TO:<support%d@example.test>", n))
	}
	for name, try := range map[string]struct{ answer, want string }{
		"one recipient too many": {c.says("RCPT TO:<support999@example.test>"), "452"},
		"a size that is said":    {dial(t, i).says("EHLO c.test", "MAIL FROM:<a@example.test> SIZE=1001"), "552"},
		"a size that is not":     {dial(t, i).says(append(envelope, "DATA", strings.Repeat("0123456789\r\n", 100)+".")...), "552 5.3.4"},
		"a line without end":     {dial(t, i).says(append(envelope, "DATA", strings.Repeat("x", 70<<10)+"\r\n.")...), "5"},
		"a circle":               {dial(t, i).says(append(envelope, "DATA", strings.Repeat("received: x\r\n", 26)+"\r\n.")...), "554 5.4.6"},
		"a sign-in":              {dial(t, i).says("EHLO c.test", "AUTH PLAIN AGEAYg=="), "52"},
		"percent hack":           {dial(t, i).says(append(envelope[:2:2], "RCPT TO:<victim%elsewhere.test@example.test>")...), "550 5.7.1"},
		"a source route":         {dial(t, i).says(append(envelope[:2:2], "RCPT TO:<@example.test:victim@elsewhere.test>")...), "550 5.7.1"},
		"from elsewhere":         {dial(t, start(t, func(in *smtp.Intake) { in.From = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })).says("EHLO c.test"), "554 5.7.1"},
	} {
		if !strings.HasPrefix(try.answer, try.want) {
			t.Errorf("%s: %s", name, try.answer)
		}
	}
	if n := len(i.mails()); n != 0 {
		t.Errorf("%d mails were taken", n)
	}
}

// The mail is kept before the client is told so: row 33 of the crash matrix. And of two at once, where one is too many, the
// second is to come again.
func TestTheAnswerComesWhenTheMailIsKept(t *testing.T) {
	keeping, kept := make(chan struct{}), make(chan struct{})
	i := start(t, func(in *smtp.Intake) {
		in.Together, in.Wait = 1, time.Millisecond
		in.Spool = func(context.Context, smtp.Mail) error {
			keeping <- struct{}{}
			<-kept
			return nil
		}
	})
	envelope := []string{"EHLO c.test", "MAIL FROM:<>", "RCPT TO:<support@example.test>", "DATA"}
	first, second := dial(t, i), dial(t, i)
	first.says(envelope...)
	first.write(body + ".\r\n")
	<-keeping
	answered := make(chan string)
	go func() { answered <- first.answer() }()
	if said := second.says(append(envelope, ".")...); !strings.HasPrefix(said, "451 4.3.2") {
		t.Errorf("the second: %s", said)
	}
	select {
	case said := <-answered:
		t.Errorf("before it is kept: %s", said)
	default:
	}
	close(kept)
	if said := <-answered; !strings.HasPrefix(said, "250") {
		t.Errorf("when it is kept: %s", said)
	}
}

func TestWhereAMailEndsIsNeverInDoubt(t *testing.T) {
	for _, end := range []string{"\n.\n", "\r\n.\n", "\n.\r\n", "\r.\r", "\r\n.\r", "\n.\r", "\r.\r\n", "\r\n\x00.\r\n"} {
		i := start(t, nil)
		c := dial(t, i)
		c.says("EHLO c.test", "MAIL FROM:<a@example.test>", "RCPT TO:<support@example.test>", "DATA")
		inner := end + "MAIL FROM:<evil@example.test>\r\nRCPT TO:<support@example.test>\r\nDATA\r\nSmuggled.\r\n"
		if said := c.says("Subject: one\r\n\r\nOne." + inner + "."); !strings.HasPrefix(said, "250") {
			t.Errorf("%q: %s", end, said)
		}
		if said := c.says("NOOP"); !strings.HasPrefix(said, "250") {
			t.Errorf("%q: then %s", end, said)
		}
		if mails := i.mails(); len(mails) != 1 || mails[0].From != "a@example.test" || !strings.Contains(string(mails[0].Raw), "Smuggled.") {
			t.Errorf("%q: %d mails", end, len(mails))
		}
		_ = c.conn.Close()
	}
}

func TestAMailThatIsCutOffIsNotTaken(t *testing.T) {
	config, _ := certificate(t)
	i := start(t, func(in *smtp.Intake) { in.TLS = config })
	for _, secured := range []bool{false, true} {
		for _, chunks := range []bool{false, true} {
			for _, k := range []int{0, 1, len(body) / 2, len(body) - 1} {
				c := dial(t, i)
				if secured {
					c.says("EHLO c.test", "STARTTLS")
					over := tls.Client(c.conn, &tls.Config{InsecureSkipVerify: true}) // a test's own server
					c.conn, c.r = over, bufio.NewReader(over)
				}
				c.says("EHLO c.test", "MAIL FROM:<a@example.test>", "RCPT TO:<support@example.test>")
				if chunks {
					c.write(fmt.Sprintf("BDAT %d LAST\r\n", len(body)))
				} else {
					c.says("DATA")
				}
				c.write(body[:k])
				_ = c.conn.Close() // under TLS this says that it ends
			}
		}
	}
	if err := i.stop(); err != nil { // all connections have ended
		t.Error(err)
	}
	if mails := i.mails(); len(mails) != 0 {
		t.Errorf("%d mails; the first is %q", len(mails), mails[0].Raw)
	}
}

// What comes in chunks is taken, under TLS too, and what the client has sent ahead is not lost.
func TestAMailInChunks(t *testing.T) {
	config, _ := certificate(t)
	i := start(t, func(in *smtp.Intake) { in.TLS = config })
	for n, secured := range []bool{false, true} {
		c := dial(t, i)
		if secured {
			c.says("EHLO c.test", "STARTTLS")
			over := tls.Client(c.conn, &tls.Config{InsecureSkipVerify: true}) // a test's own server
			c.conn, c.r = over, bufio.NewReader(over)
		}
		c.says("EHLO c.test", "MAIL FROM:<a@example.test>", "RCPT TO:<support@example.test>")
		c.write(fmt.Sprintf("BDAT 5\r\n%sBDAT %d LAST\r\n%sNOOP\r\nNOOP\r\n", body[:5], len(body)-5, body[5:]))
		for range 4 {
			if said := c.answer(); !strings.HasPrefix(said, "250") {
				t.Errorf("TLS %v: %s", secured, said)
			}
		}
		if mails := i.mails(); len(mails) != n+1 || !strings.HasSuffix(string(mails[n].Raw), "\r\n"+body) {
			t.Errorf("TLS %v: %d mails", secured, len(mails))
		}
		_ = c.conn.Close()
	}
}

// What somebody puts into the connection before TLS begins has no effect within it.
func TestNothingIsCarriedIntoTLS(t *testing.T) {
	config, _ := certificate(t)
	i := start(t, func(in *smtp.Intake) { in.TLS = config })
	c := dial(t, i)
	c.says("EHLO c.test", "MAIL FROM:<evil@example.test>", "RCPT TO:<support@example.test>")
	c.write("STARTTLS\r\nEHLO evil.test\r\nMAIL FROM:<evil@example.test>\r\nRCPT TO:<support@example.test>\r\n")
	c.answer()
	over := tls.Client(c.conn, &tls.Config{InsecureSkipVerify: true}) // a test's own server
	if err := over.Handshake(); err != nil {
		return // it took the rest for TLS: as good
	}
	c.conn, c.r = over, bufio.NewReader(over)
	if said := c.says("EHLO c.test", "DATA"); !strings.HasPrefix(said, "5") {
		t.Errorf("a mail is begun: %s", said)
	}
}

func TestAnIntakeThatCannotBeIsRefused(t *testing.T) {
	for want, in := range map[string]smtp.Intake{
		"the name of a host": {},
		"its recipients":     {Domain: "mx.example.test"},
		"without a certificate": {
			Domain: "mx.example.test", OnlyTLS: true, Takes: func(string) bool { return true }, Spool: func(context.Context, smtp.Mail) error { return nil },
		},
		"negative": {
			Domain: "mx.example.test", Most: -1, Takes: func(string) bool { return true }, Spool: func(context.Context, smtp.Mail) error { return nil },
		},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if err := in.Serve(t.Context(), l); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, have %v", want, err)
		}
	}
}

// Clients come at the very moment at which it ends: the library's own counting is not made for that.
func TestClientsThatComeAsItEnds(t *testing.T) {
	for range 50 {
		i := start(t, nil)
		var coming sync.WaitGroup
		for range 4 {
			coming.Go(func() {
				for {
					conn, err := net.Dial("tcp", i.addr)
					if err != nil {
						return // it has ended
					}
					_ = conn.Close()
				}
			})
		}
		if err := i.stop(); err != nil {
			t.Error(err)
		}
		coming.Wait()
	}
}

// A client that stays for ever is cut off when its time is over.
func TestAClientThatStaysIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := pipes{make(chan net.Conn)}
		in := smtp.Intake{Domain: "mx.example.test", Takes: func(string) bool { return true }, Spool: func(context.Context, smtp.Mail) error { return nil }}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- in.Serve(ctx, l) }()
		ours, theirs := net.Pipe()
		defer ours.Close()
		l.conns <- from{theirs, "192.0.2.1"}
		if _, err := bufio.NewReader(ours).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		cancel()
		if _, err := ours.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("%v", err)
		}
		if err := <-done; err != nil || time.Since(began) > time.Minute {
			t.Errorf("it ended after %v: %v", time.Since(began), err)
		}
	})
}
