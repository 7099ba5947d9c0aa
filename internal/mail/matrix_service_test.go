//go:build linux

package mail

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/psagate/psagate/broker/ates"
	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/internal/psatest"
)

// service hands mails to the simulated mail service, by SMTP.
type service struct {
	*ates.Sender
	*psatest.MailService
	w   *matrix
	key string
	of  func(context.Context) (string, error) // instead of key, where it is not nil
	got int                                   // how many mails the service is to get
}

// HandOver implements drive.Fallback.
func (s *service) HandOver(ctx context.Context, t drive.Ticket, again bool) error {
	s.w.hit(s.w.p, "before hand-over")
	err := s.Sender.HandOver(ctx, t, again)
	s.w.hit(s.w.p, "after hand-over")
	return err
}

// unusable makes the PSA's API unusable for the next process, and gives it the mail service.
func (w *matrix) unusable() *service {
	w.Helper()
	s := w.withService()
	w.record.away.Store(true) // so that nothing is sent: after an outage of the PSA's the guard lets time go by, which is not the clock's
	w.outage = true
	return s
}

// withService gives the next process the mail service.
func (w *matrix) withService() *service {
	w.Helper()
	s := &service{MailService: w.sim.AddMailService(nil, nil), w: w, key: "k", got: 1}
	s.Serve(w.tenant, "k", 6)
	s.Adjust(func(set *psatest.MailSettings) { set.Hold, set.Alike = true, 2 })
	var err error
	s.Sender, err = ates.NewSender(ates.Service{
		To: message.Address{Local: "addticket", Domain: "ates.example"}, From: message.Address{Local: "support", Domain: "example.test"}, Keys: matrixKeys(w),
		Key: func(ctx context.Context) (string, error) {
			if s.of != nil {
				return s.of(ctx)
			}
			return s.key, nil
		}, Pace: ates.Pace{Between: 1}, Server: ates.Server{Address: s.Addr(), TLS: ates.TLSOff},
	})
	if err != nil {
		w.Fatal(err)
	}
	w.fallback, w.rules = s, ledger.Rules{FallbackAfter: 30 * time.Minute}
	return s
}

// usable ends that.
func (w *matrix) usable() {
	w.Helper()
	w.record.away.Store(false)
	w.outage = false
}

// hours lets time go by, in which processes work, the mail service too, and its notices arrive.
func (w *matrix) hours(s *service, n int) {
	w.Helper()
	for range n * 6 {
		w.until("all is kept", func() bool { w.start(); return len(w.rows()) >= w.expected })
		for w.start(); w.works() || w.p.dead.Load(); w.start() {
			if w.p.dead.Load() {
				w.stop()
			}
		}
		if w.p.tickets.Down().IsZero() == w.outage { // it is not known yet
			w.p.asks()
		}
		w.goOn(10 * time.Minute)
		before := len(s.Notices())
		s.Work()
		for i, notice := range s.Notices()[before:] {
			w.arrive(&letter{
				id: fmt.Sprint("notice-", before+i), want: ledger.Suppressed, taken: true,
				raw: []byte("Return-Path: <>\r\nDelivered-To: " + notice.To + "\r\n" + string(notice.Raw)),
			})
		}
	}
}

// outaged is a row in which a mail comes, and then the API cannot be used, or the other way round.
func outaged(run func(w *matrix, s *service)) func(w *matrix) {
	return func(w *matrix) {
		l := withFiles("a", 1)
		var s *service
		if strings.Contains(w.Name(), "in_the_outage") {
			s = w.unusable()
			w.arrive(l)
		} else {
			w.arrive(l)
			w.at("after write ready 0", func() { s = w.unusable(); w.die() })
			w.until("it is understood", func() bool { w.start(); w.works(); return s != nil })
			w.stop()
		}
		run(w, s)
		w.usable()
		w.settle()
		w.hours(s, 3)
		if n := len(s.Mails()); n != s.got {
			w.Errorf("the mail service got %d mails, want %d", n, s.got)
		}
	}
}

func cutService(at psatest.MailPoint) func(w *matrix) {
	return outaged(func(w *matrix, s *service) {
		s.got = 0
		s.Fault(psatest.MailFault{At: at})
		w.hours(s, 2)
	})
}

// rowsOfService are those of the PSA's mail service.
var rowsOfService = []row{
	{no: 28, server: "mail service, store", at: "killed before the mail is handed over", run: outaged(func(w *matrix, s *service) {
		s.got = 0
		w.at("before hand-over", w.die)
		w.hours(s, 1)
	})},
	{no: 28, server: "mail service", at: "cut at MAIL", run: cutService(psatest.MailSender)},
	{no: 28, server: "mail service", at: "cut within the text", run: cutService(psatest.MailText)},
	{no: 29, server: "mail service", at: "the dot is sent, it is taken, no answer", run: outaged(func(w *matrix, s *service) {
		s.Fault(psatest.MailFault{At: psatest.MailTaken, Times: 1})
		w.hours(s, 2)
	})},
	{no: 29, server: "mail service", at: "the dot is sent, it is not taken, no answer, and again: flagged", run: outaged(func(w *matrix, s *service) {
		s.Fault(psatest.MailFault{At: psatest.MailEnded, Times: 1})
		w.hours(s, 6)
		if m := w.rows()[0]; !m.Repeated || !strings.Contains(string(s.Mails()[0].Raw), "Sent again") {
			w.Errorf("it is not flagged: %+v", m)
		}
	})},
	{no: 30, server: "mail service, store", at: "taken, killed before that is written down", run: outaged(func(w *matrix, s *service) {
		w.at("after hand-over", w.die)
		w.hours(s, 2)
	})},
	{no: 31, server: "mail service, PSA", at: "the API comes back: the ticket is put right", run: outaged(func(w *matrix, s *service) { w.hours(s, 2) })},
	{no: 31, server: "mail service, PSA", at: "the mail came in the outage, and is handed over all the same", run: outaged(func(w *matrix, s *service) {
		w.hours(s, 2)
		if len(s.Mails()) != 1 {
			w.Error("it was not handed over")
		}
	})},
	{no: 31, server: "mail service, PSA", at: "answers come in the outage: notes by the mail service, in their order", run: func(w *matrix) {
		w.arrive(withFiles("a", 1))
		w.settle()
		w.stop()
		s := w.unusable()
		w.arrive(answer("a", "b"), answer("b", "c"))
		w.hours(s, 2)
		if n := len(s.Mails()); n != 2 || len(w.notes("token-")) != 2 {
			w.Errorf("the mail service got %d mails, and the PSA has %d notes", n, len(w.notes("token-")))
		}
		w.usable()
		w.settle()
		w.hours(s, 1)
		if notes := w.notes("token-"); len(notes) != 2 || !says(notes[0], "token-b.") || !says(notes[1], "token-c.") {
			w.Errorf("%v", notes)
		}
	}},
	{no: 32, server: "mail service, Dovecot", at: "its notice of success comes to the mailbox", run: outaged(func(w *matrix, s *service) {
		w.hours(s, 2)
		if n := s.Notices(); len(n) != 1 || n[0].Failed {
			w.Errorf("%d notices", len(n))
		}
	})},
	{no: 32, server: "mail service, Dovecot", at: "its notice of failure comes to the mailbox", run: outaged(func(w *matrix, s *service) {
		s.key = "wrong"
		w.hours(s, 3)
		if n := s.Notices(); len(n) != 1 || !n[0].Failed {
			w.Errorf("%d notices", len(n))
		}
	})},
}
