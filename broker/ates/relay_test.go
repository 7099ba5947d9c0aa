package ates

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"go.uber.org/goleak"

	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/thread"
	"github.com/psagate/psagate/internal/psatest"
)

const password = "pass-0123"

// relay is a mail server that hands mails on for those who sign in; here it keeps them.
type relay struct {
	t          testing.TB
	addr       string
	mechanisms []string // none: nobody signs in
	roots      *x509.CertPool

	mu    sync.Mutex
	right string // the password or token
	says  *smtp.SMTPError
	tries []string // secrets that were presented
	mails []string // the envelope's sender, and the mail
}

// newRelay starts one; mode is how it is spoken to.
func newRelay(t testing.TB, mode TLSMode, mechanisms ...string) *relay {
	t.Helper()
	r := &relay{t: t, mechanisms: mechanisms, right: password}
	config := r.certificate()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.addr = "localhost:" + strings.TrimPrefix(l.Addr().String(), "127.0.0.1:")
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &relaySession{r: r}, nil }))
	server.ErrorLog = log.New(io.Discard, "", 0)
	server.Domain = "relay.example"
	switch mode {
	case TLSOn:
		l = tls.NewListener(l, config)
	case TLSStart:
		server.TLSConfig = config
	case TLSOff:
		server.AllowInsecureAuth = true
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		_ = l.Close()
		_ = server.Close()
		<-served
	})
	return r
}

func (r *relay) certificate() *tls.Config {
	r.t.Helper()
	cert, err := psatest.SelfSigned("localhost")
	if err != nil {
		r.t.Fatal(err)
	}
	r.roots = x509.NewCertPool()
	r.roots.AddCert(cert.Leaf)
	return &tls.Config{Certificates: []tls.Certificate{cert}}
}

// is sets what is right, and what is answered beside that.
func (r *relay) is(right string, says *smtp.SMTPError) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.right, r.says = right, says
}

func (r *relay) seen() (tries, mails []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.tries...), append([]string(nil), r.mails...)
}

type relaySession struct {
	r      *relay
	signed bool
	from   string
	said   error // of the last secret
}

func (s *relaySession) AuthMechanisms() []string { return s.r.mechanisms }

// judge judges a secret. The answer repeats it, as bad servers do.
func (s *relaySession) judge(user, secret string) (err error) {
	defer func() { s.said = err }()
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	s.r.tries = append(s.r.tries, secret)
	switch {
	case s.r.says != nil:
		return s.r.says
	case user != "us@msp.example" || secret != s.r.right:
		return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "bad secret " + secret}
	}
	s.signed = true
	return nil
}

func (s *relaySession) Auth(mechanism string) (sasl.Server, error) {
	switch mechanism {
	case sasl.Plain:
		return sasl.NewPlainServer(func(_, user, secret string) error { return s.judge(user, secret) }), nil
	case sasl.Login:
		return &asker{s: s, questions: []string{"Username:", "Password:"}}, nil
	case sasl.OAuthBearer:
		return faithful{s, sasl.NewOAuthBearerServer(func(o sasl.OAuthBearerOptions) *sasl.OAuthBearerError {
			if s.judge(o.Username, o.Token) != nil {
				return &sasl.OAuthBearerError{Status: "invalid_token"}
			}
			return nil
		})}, nil
	case "XOAUTH2":
		return &xoauth2{s: s}, nil
	}
	return nil, errors.New("unknown")
}

// faithful is the library's OAUTHBEARER, whose refusal would be one that passes.
type faithful struct {
	s *relaySession
	sasl.Server
}

func (f faithful) Next(response []byte) ([]byte, bool, error) {
	challenge, done, err := f.Server.Next(response)
	if err != nil && f.s.said != nil {
		err = f.s.said
	}
	return challenge, done, err
}

// asker is LOGIN.
type asker struct {
	s         *relaySession
	questions []string
	answers   []string
}

func (a *asker) Next(response []byte) ([]byte, bool, error) {
	if response != nil {
		a.answers = append(a.answers, string(response))
	}
	if len(a.answers) < len(a.questions) {
		return []byte(a.questions[len(a.answers)]), false, nil
	}
	return nil, true, a.s.judge(a.answers[0], a.answers[1])
}

type xoauth2 struct {
	s       *relaySession
	refused error
}

func (x *xoauth2) Next(response []byte) ([]byte, bool, error) {
	if x.refused != nil { // the answer to the challenge
		return nil, true, x.refused
	}
	user, token, _ := strings.Cut(strings.TrimPrefix(string(response), "user="), "\x01auth=Bearer ")
	if err := x.s.judge(user, strings.TrimSuffix(token, "\x01\x01")); err != nil {
		x.refused = err
		return []byte(`{"status":"401"}`), false, nil
	}
	return nil, true, nil
}

func (s *relaySession) Mail(from string, _ *smtp.MailOptions) error {
	if len(s.r.mechanisms) > 0 && !s.signed {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "sign in first"}
	}
	s.from = from
	return nil
}

func (s *relaySession) Rcpt(string, *smtp.RcptOptions) error { return nil }

func (s *relaySession) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	if strings.Contains(string(b), "quote a line") { // as it came
		at := strings.Index(string(b), "<PW")
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "bad line: " + string(b)[at:at+60]}
	}
	if strings.Contains(string(b), "repeat after me") {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "unwanted: " + secret + " " + escape.Replace(secret)}
	}
	s.r.mails = append(s.r.mails, s.from+"\n"+string(b))
	return nil
}

func (s *relaySession) Reset() {}

func (s *relaySession) Logout() error { return nil }

func fixed(text string) Secret {
	return func(context.Context) (string, error) { return text, nil }
}

// service is one that can be reached, but for its server.
func service(t testing.TB, server Server) Service {
	t.Helper()
	keys, err := thread.NewKeys(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	return Service{
		To: message.Address{Local: "addticket", Domain: "ates.example"}, From: message.Address{Local: "support", Domain: "msp.example"},
		Keys: keys, Key: fixed(secret), Pace: Pace{Between: 1}, Server: server,
	}
}

func sender(t testing.TB, s Service) *Sender {
	t.Helper()
	out, err := NewSender(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
