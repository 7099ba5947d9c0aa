package psatest

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// MailService is the Add Ticket Email Service (ATES): a mailbox for the tenants of all zones. A token at the end of a mail's text
// says whose ticket it is to become, its key PW which tenant. It takes mails by SMTP, from anybody and for any recipient.
//
// What it promises is its ledger: every mail that came whole is in it, whether or not the client was still there to hear so, with
// what became of it.
type MailService struct {
	sim    *Sim
	server *smtp.Server
	open   net.Listener

	mu      sync.Mutex
	set     MailSettings
	keys    map[digest]mailbox
	faults  []*MailFault
	mails   []ServiceMail
	held    []int // numbers of mails that wait for Work
	notices []MailNotice
	changed pulse
}

// mailbox is what a key opens.
type mailbox struct {
	tenant *Tenant
	queue  int64
}

// MailSettings are what may be said of the service. The zero value is one that works at once and sends notices.
type MailSettings struct {
	// Latency is how long after its end a mail becomes a ticket: by Autotask's own words up to 10 minutes, degraded from 30.
	Latency time.Duration
	// Hold has mails wait for Work.
	Hold bool
	// Alike is the most mails of one sender with one subject within Window (0: five minutes); further ones make nothing, and
	// nobody is told. 0 is no limit; Autotask's other way in for mails has 2.
	Alike  int
	Window time.Duration
	// Quiet sends no notices; Notify, if it is set, is called with each.
	Quiet  bool
	Notify func(MailNotice)
	// SignIn, if it is set, has mails handed in by those alone who sign in with an access token (XOAUTH2) that it says yes to: as at the
	// submission server of a mail provider, from which they come to the service.
	SignIn func(user, token string) bool
}

// MailOutcome is what became of a mail.
type MailOutcome string

// The outcomes.
const (
	MailWaiting MailOutcome = "waiting"
	MailTicket  MailOutcome = "ticket"
	MailNote    MailOutcome = "note"    // on a ticket that was there
	MailIgnored MailOutcome = "ignored" // the tenant's Duplicate Ticket Handling says so
	MailDropped MailOutcome = "dropped" // too many alike
	MailFailed  MailOutcome = "failed"
)

// ServiceMail is a mail that came whole.
type ServiceMail struct {
	No       int // 1 for the first
	At       time.Time
	From, To string // of the envelope
	Raw      []byte
	// Told tells whether its sender was told that it is taken.
	Told bool

	Outcome MailOutcome
	Why     string // of MailFailed
	Tenant  string
	Ticket  int64 // that it became, or has a note of it
}

// MailNotice is what the service writes to a mail's envelope sender.
type MailNotice struct {
	To     string
	Failed bool
	Raw    []byte
}

// AddMailService starts a mail service on l, or with nil on a free port of 127.0.0.1. It offers STARTTLS where secure is not nil.
func (s *Sim) AddMailService(l net.Listener, secure *tls.Config) *MailService {
	if l == nil {
		l = loopback()
	}
	m := &MailService{sim: s, open: l, keys: map[digest]mailbox{}}
	m.server = smtp.NewServer(smtp.BackendFunc(m.session))
	m.server.Domain, m.server.TLSConfig = "ates.example", secure
	m.server.AllowInsecureAuth = true // this machine's network is all that it is on
	m.server.ReadTimeout, m.server.WriteTimeout = time.Minute, time.Minute
	m.server.MaxMessageBytes = 30_000_000
	m.server.ErrorLog = log.New(io.Discard, "", 0)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = l.Close()
		return m
	}
	s.mailServices = append(s.mailServices, m)
	s.serving.Go(func() {
		// A listener that breaks shows as refused dials.
		_ = m.server.Serve(l)
	})
	return m
}

// Addr is where it listens.
func (m *MailService) Addr() string { return m.open.Addr().String() }

func (m *MailService) down() {
	// The server closes what it serves on, but not before it has begun to.
	_ = m.open.Close()
	_ = m.server.Close()
}

// Serve gives a tenant a key, which mails have as PW, and the queue that its tickets come into.
func (m *MailService) Serve(t *Tenant, key string, queue int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keys[digested(key)] = mailbox{t, queue}
}

// Adjust changes the settings while it runs.
func (m *MailService) Adjust(change func(*MailSettings)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.set)
}

// Mails returns a copy of the ledger.
func (m *MailService) Mails() []ServiceMail {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mails)
}

// WaitWorked waits until n mails have become what they become; the error is the context's.
func (m *MailService) WaitWorked(ctx context.Context, n int) error {
	return m.changed.until(ctx, &m.mu, func() bool {
		done := 0
		for _, mail := range m.mails {
			if mail.Outcome != MailWaiting {
				done++
			}
		}
		return done >= n
	})
}

// Notices returns all that were sent.
func (m *MailService) Notices() []MailNotice {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.notices)
}

// Work makes tickets of the mails that are held, in their order.
func (m *MailService) Work() {
	m.mu.Lock()
	held := m.held
	m.held = nil
	m.mu.Unlock()
	for _, no := range held {
		m.work(no)
	}
}
