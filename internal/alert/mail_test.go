package alert

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/psagate/psagate/internal/secret"
)

const (
	mailUser     = "alerts@example.com"
	mailPassword = "the-Password-of-mail"
)

// postOffice is a mail server of go-smtp's, which was not written here.
type postOffice struct {
	server    *smtp.Server
	address   string
	ca        string             // the file of who vouches for it
	mechanism string             // the one that it offers
	refuses   map[string]error   // recipients
	judge     func(string) error // of the data

	mu       sync.Mutex
	mails    []delivered
	signedIn []string
	secured  []bool
}

type delivered struct {
	from string
	to   []string
	data string
}

// certificate is one for 127.0.0.1, and the file of who vouches for it.
func certificate(t *testing.T) (cert tls.Certificate, ca string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, ca
}

func openPostOffice(t *testing.T, how TLSMode) *postOffice {
	t.Helper()
	p := &postOffice{mechanism: sasl.Plain, refuses: map[string]error{}}
	cert, ca := certificate(t)
	p.ca = ca
	p.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{office: p, conn: c}, nil }))
	p.server.Domain, p.server.ErrorLog = "mail.example.com", quiet{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.address = l.Addr().String()
	config := &tls.Config{Certificates: []tls.Certificate{cert}}
	switch how {
	case TLSOn:
		l = tls.NewListener(l, config)
	case TLSStart:
		p.server.TLSConfig = config
	case TLSOff:
		p.server.AllowInsecureAuth = true
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = p.server.Serve(l) }()
	t.Cleanup(func() {
		_ = p.server.Close()
		_ = l.Close() // it may not serve yet
		<-done
	})
	return p
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// session is one of a postOffice's.
type session struct {
	office *postOffice
	conn   *smtp.Conn
	mail   delivered
}

func (s *session) AuthMechanisms() []string { return []string{s.office.mechanism} }

func (s *session) Auth(string) (sasl.Server, error) {
	judge := func(user, password string) error {
		if user != mailUser || password != mailPassword {
			return &smtp.SMTPError{Code: 535, Message: "no, " + user + " with " + password + " may not"}
		}
		s.office.mu.Lock()
		defer s.office.mu.Unlock()
		s.office.signedIn = append(s.office.signedIn, s.office.mechanism)
		return nil
	}
	if s.office.mechanism == sasl.Login {
		return &loginServer{judge: judge}, nil
	}
	return sasl.NewPlainServer(func(_, user, password string) error { return judge(user, password) }), nil
}

// loginServer is the other side of AUTH LOGIN, which go-sasl has not. It takes the user's name at once, as clients send it.
type loginServer struct {
	judge func(user, password string) error
	user  *string
}

func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	switch text := string(response); {
	case l.user == nil:
		l.user = &text
		return []byte("Password:"), false, nil
	default:
		return nil, true, l.judge(*l.user, text)
	}
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.mail = delivered{from: from}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := s.office.refuses[to]; err != nil {
		return err
	}
	s.mail.to = append(s.mail.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err == nil && s.office.judge != nil {
		err = s.office.judge(string(data))
	}
	if err != nil {
		return err
	}
	_, secured := s.conn.TLSConnectionState()
	s.mail.data = string(data)
	s.office.mu.Lock()
	defer s.office.mu.Unlock()
	s.office.mails, s.office.secured = append(s.office.mails, s.mail), append(s.office.secured, secured)
	return nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

func (p *postOffice) mail(how TLSMode) *Mail {
	return &Mail{
		Server: p.address, From: "psagate@example.com", To: []string{"ops@example.com", "night@example.com"}, TLS: how, CA: p.ca,
		User: mailUser, Password: fixed(mailPassword),
	}
}

func TestAMailArrivesInEachMode(t *testing.T) {
	for _, how := range TLSModes {
		for _, mechanism := range []string{sasl.Plain, sasl.Login} {
			t.Run(string(how)+" "+mechanism, func(t *testing.T) {
				p := openPostOffice(t, how)
				p.mechanism = mechanism
				if err := p.mail(how).Send(t.Context(), anAlert); err != nil {
					t.Fatal(err)
				}
				if len(p.mails) != 1 || p.mails[0].from != "psagate@example.com" || !slices.Equal(p.mails[0].to, []string{"ops@example.com", "night@example.com"}) {
					t.Errorf("%+v", p.mails)
				}
				if how == TLSStart && !p.secured[0] || !slices.Equal(p.signedIn, []string{mechanism}) {
					t.Errorf("secured: %v, signed in: %v", p.secured, p.signedIn)
				}
			})
		}
	}
}

func TestAMailIsAsPeopleAndMachinesExpectIt(t *testing.T) {
	p := openPostOffice(t, TLSStart)
	a := anAlert
	a.Subject, a.Text = "psagate: login main … is locked", "login main is locked\n.\n  └ the PSA\n"+strings.Repeat("a long line ", 30)+"\n"
	for range 2 { // sent again, it has the same id
		if err := p.mail(TLSStart).Send(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	if p.mails[0].data != p.mails[1].data {
		t.Error("the second is another")
	}
	got, err := mail.ReadMessage(strings.NewReader(p.mails[0].data))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"From": "<psagate@example.com>", "To": "<ops@example.com>, <night@example.com>", "Date": "Wed, 04 Mar 2026 12:00:00 +0000",
		"Message-Id": "<ABCDEF@example.com>", "Auto-Submitted": "auto-generated", "Content-Type": "text/plain; charset=utf-8",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Header.Get(name), want)
		}
	}
	if to, err := got.Header.AddressList("To"); err != nil || len(to) != 2 {
		t.Errorf("To: %v, %v", to, err)
	}
	if subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject")); err != nil || subject != a.Subject {
		t.Errorf("Subject: %q, %v", subject, err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(got.Body))
	if text := strings.TrimSuffix(strings.ReplaceAll(string(body), "\r\n", "\n"), "\n"); err != nil || text != strings.TrimSuffix(a.Text, "\n") {
		t.Errorf("the text is %q, %v", text, err)
	}
	for line := range strings.Lines(p.mails[0].data) {
		if len(line) > 78+2 {
			t.Errorf("a line of %d characters", len(line))
		}
	}
}

func TestNothingIsSentInClearWhereItMustNotBe(t *testing.T) {
	for name, how := range map[string]struct{ server, client TLSMode }{
		"no STARTTLS is offered":      {TLSOff, TLSStart},
		"no TLS is there":             {TLSOff, TLSOn},
		"STARTTLS where TLS is meant": {TLSStart, TLSOn},
	} {
		p := openPostOffice(t, how.server)
		err := p.mail(how.client).Send(t.Context(), anAlert)
		if verdictOf(err) != "again" || len(p.mails) > 0 || len(p.signedIn) > 0 {
			t.Errorf("%s: %v, %d mails", name, err, len(p.mails))
		}
	}
	for _, how := range []TLSMode{TLSOn, TLSStart} {
		p := openPostOffice(t, how)
		m := p.mail(how)
		m.CA = ""
		if err := m.Send(t.Context(), anAlert); err == nil || !strings.Contains(err.Error(), "certificate") || len(p.signedIn) > 0 {
			t.Errorf("a certificate that nobody vouches for: %v", err)
		}
	}
}

func TestWhatAMailServerRefuses(t *testing.T) {
	full, unknown := &smtp.SMTPError{Code: 452, Message: "full"}, &smtp.SMTPError{Code: 550, Message: "no such mailbox"}
	for name, c := range map[string]struct {
		set      func(p *postOffice, m *Mail)
		verdict  string
		mails    int
		contains string
	}{
		"a wrong password":       {func(_ *postOffice, m *Mail) { m.Password = fixed("another-Password") }, "in vain", 0, "535"},
		"no way to sign in":      {func(p *postOffice, _ *Mail) { p.mechanism = "XOAUTH2" }, "in vain", 0, "AUTH PLAIN or LOGIN"},
		"one recipient":          {func(p *postOffice, _ *Mail) { p.refuses["ops@example.com"] = unknown }, "partly", 1, "to ops@example.com"},
		"all recipients":         {func(p *postOffice, m *Mail) { p.refuses["ops@example.com"] = unknown; m.To = m.To[:1] }, "in vain", 0, "no such mailbox"},
		"a recipient for now":    {func(p *postOffice, m *Mail) { p.refuses["ops@example.com"] = full; m.To = m.To[:1] }, "again", 0, "full"},
		"the message":            {func(p *postOffice, _ *Mail) { p.judge = func(string) error { return unknown } }, "in vain", 0, "550"},
		"the message for now":    {func(p *postOffice, _ *Mail) { p.judge = func(string) error { return full } }, "again", 0, "452"},
		"a password not known":   {func(_ *postOffice, m *Mail) { m.Password = nobodys }, "again", 0, "record not found"},
		"a ca file that is none": {func(_ *postOffice, m *Mail) { m.CA = "/none/ca.pem" }, "again", 0, "reading the ca file"},
		"a ca file without one":  {func(_ *postOffice, m *Mail) { m.CA = "mail.go" }, "again", 0, "holds no certificate"},
		"a server that is gone":  {func(p *postOffice, m *Mail) { m.Server = "127.0.0.1:1" }, "again", 0, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			p := openPostOffice(t, TLSStart)
			m := p.mail(TLSStart)
			c.set(p, m)
			err := m.Send(t.Context(), anAlert)
			if got := verdictOf(err); got != c.verdict || len(p.mails) != c.mails || !strings.Contains(err.Error(), c.contains) {
				t.Errorf("%s, %d mails: %v", got, len(p.mails), err)
			}
			if err != nil && strings.Contains(err.Error(), "Password") {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

// nobodys is a password that the store has not.
func nobodys(context.Context) (v secret.Value, err error) {
	return v, errors.New("record not found")
}

func TestAMailServerThatHangsOrNeverEndsIsGivenUp(t *testing.T) {
	for name, begin := range map[string]string{
		"nothing is said": "", "an end is not said": "220 mail.example.com\r\n250-one\r\n", "no line ends": "220",
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			address := listen(t, func(c net.Conn) {
				_, _ = io.WriteString(c, begin)
				time.AfterFunc(0, cancel)
				_, _ = io.Copy(io.Discard, c)
			})
			m := &Mail{Server: address, From: "a@example.com", To: []string{"b@example.com"}, TLS: TLSOff}
			if err := m.Send(ctx, anAlert); verdictOf(err) != "again" {
				t.Errorf("the error: %v", err)
			}
		})
	}
	address := listen(t, func(c net.Conn) { endless(c, "220 mail.example.com\r\n", "250-and more\r\n") })
	m := &Mail{Server: address, From: "a@example.com", To: []string{"b@example.com"}, TLS: TLSOff}
	if err := m.Send(t.Context(), anAlert); verdictOf(err) != "again" || !strings.Contains(err.Error(), "more than 1048576 bytes") {
		t.Errorf("the error: %v", err)
	}
}

func TestAServersReplyThatRepeatsThePasswordShowsNone(t *testing.T) {
	p := openPostOffice(t, TLSStart)
	m := p.mail(TLSStart)
	m.Password = fixed("another-Password")
	err := m.Send(t.Context(), anAlert)
	if err == nil || !strings.Contains(err.Error(), "no, alerts@example.com with [redacted] may not") {
		t.Errorf("the error: %v", err)
	}
}
