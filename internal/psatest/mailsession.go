package psatest

import (
	"io"
	"slices"
	"strings"

	"github.com/emersion/go-smtp"
)

// MailPoint is where in its life a mail meets a [MailFault].
type MailPoint int

// The points, in order.
const (
	MailHello     MailPoint = iota // EHLO
	MailSender                     // MAIL
	MailRecipient                  // RCPT
	MailText                       // in the midst of the text
	MailEnded                      // after the final dot; it is not taken
	MailTaken                      // after the final dot; it is taken
)

// MailFault is something that goes wrong to order: the connection is cut, or with a Code that is the answer.
// {At: MailTaken, Times: 1} is the lost 250.
type MailFault struct {
	At    MailPoint
	Code  int    // 0: the connection is cut. MailText knows no other
	Text  string // of the answer
	Times int    // how often it happens; 0 means always
}

// Fault puts a fault in force.
func (m *MailService) Fault(f MailFault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = append(m.faults, &f)
}

// Heal ends all faults.
func (m *MailService) Heal() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = nil
}

// take is the fault that is to happen at a point.
func (m *MailService) take(at MailPoint) (MailFault, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.faults, func(f *MailFault) bool { return f.At == at })
	if i < 0 {
		return MailFault{}, false
	}
	f := m.faults[i]
	if f.Times == 1 {
		m.faults = slices.Delete(m.faults, i, i+1)
	}
	f.Times--
	return *f, true
}

// mailSession is a connection of the service's, up to STARTTLS or from there on.
type mailSession struct {
	m        *MailService
	conn     *smtp.Conn
	from, to string
	signed   bool // somebody has signed in
}

func (m *MailService) session(conn *smtp.Conn) (smtp.Session, error) {
	s := &mailSession{m: m, conn: conn}
	return s, s.at(MailHello)
}

// at lets a fault happen; an error means that the command is over.
func (s *mailSession) at(p MailPoint) error {
	f, happens := s.m.take(p)
	if !happens {
		return nil
	}
	if f.Code != 0 && p != MailText {
		return &smtp.SMTPError{Code: f.Code, EnhancedCode: smtp.EnhancedCode{f.Code / 100, 0, 0}, Message: f.Text}
	}
	_ = s.conn.Conn().Close()
	return io.ErrUnexpectedEOF
}

// Mail implements smtp.Session.
func (s *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	if s.judge() != nil && !s.signed {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "sign in first"}
	}
	s.from, s.to = from, ""
	return s.at(MailSender)
}

// Rcpt implements smtp.Session.
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	return s.at(MailRecipient)
}

// Data implements smtp.Session.
func (s *mailSession) Data(r io.Reader) error {
	if !s.m.sim.enter() {
		return io.ErrClosedPipe
	}
	defer s.m.sim.running.Done()
	first := make([]byte, 1)
	if _, err := io.ReadFull(r, first); err != nil {
		return err
	}
	if err := s.at(MailText); err != nil {
		return err
	}
	rest, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.at(MailEnded); err != nil {
		return err
	}
	no := s.m.keep(s.from, s.to, append(first, rest...))
	if err := s.at(MailTaken); err != nil {
		return err
	}
	s.m.told(no)
	return nil
}

// keep writes a mail into the ledger, and has it worked on, now or later.
func (m *MailService) keep(from, to string, raw []byte) (no int) {
	m.mu.Lock()
	no = len(m.mails) + 1
	m.mails = append(m.mails, ServiceMail{No: no, At: m.sim.now(), From: from, To: strings.ToLower(to), Raw: raw, Outcome: MailWaiting})
	set := m.set
	if set.Hold {
		m.held = append(m.held, no)
	}
	m.changed.beat()
	m.mu.Unlock()
	if set.Hold {
		return no
	}
	if set.Latency <= 0 {
		m.work(no)
		return no
	}
	m.sim.running.Go(func() {
		if m.sim.pause(set.Latency) {
			m.work(no)
		}
	})
	return no
}

func (m *MailService) told(no int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mails[no-1].Told = true
}

// Reset implements smtp.Session.
func (s *mailSession) Reset() { s.from, s.to = "", "" }

// Logout implements smtp.Session.
func (s *mailSession) Logout() error { return nil }
