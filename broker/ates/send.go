package ates

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/thread"
)

// Service is the PSA's mail service, and the server by which mails get there.
type Service struct {
	// To is the service's address. From is ours: mails are from it, and the service's notices come back to it, or to a
	// sub-address of it. It should be that of a mailbox of this broker.
	To, From message.Address
	// Keys sign the tags by which notices are known (thread.Keys.HandedTag).
	Keys thread.Keys
	// PlainSender says that the server takes no sub-address (local+tag) for the envelope's sender. Then a notice is known only
	// if it names the mail that it is about.
	PlainSender bool
	// Key gives the token's key, which the PSA calls PW.
	Key Secret
	// Company is the exact name of a company, if it is known; it should answer from memory, since the API cannot be asked when the
	// service is used. Without a name the service finds the company by the address of whoever wrote.
	Company func(ctx context.Context, id int64) (name string, known bool)
	// Server is where mails are handed in.
	Server Server
	// Pace is how fast.
	Pace Pace
}

// Sender hands tickets to the mail service. It is a drive.Fallback, for any number of mailboxes and goroutines.
type Sender struct {
	s       Service
	turn    chan struct{} // whoever has it may use what follows
	refusal refusal
	pacer   pacer
}

var _ drive.Fallback = (*Sender)(nil)

// NewSender returns one, or an error that says what is wrong with the service.
func NewSender(s Service) (*Sender, error) {
	switch {
	case !ascii(s.To) || !ascii(s.From):
		return nil, errors.New("the mail service needs its own address, and the one that its mails are from, both without umlauts and the like")
	case s.Key == nil:
		return nil, errors.New("the mail service needs its key")
	}
	var err error
	if s.Server, err = s.Server.whole(); err != nil {
		return nil, err
	}
	if s.Pace, err = s.Pace.whole(); err != nil {
		return nil, err
	}
	return &Sender{s: s, turn: make(chan struct{}, 1), pacer: pacer{pace: s.Pace}}, nil
}

func ascii(a message.Address) bool {
	for _, r := range a.String() {
		if r <= ' ' || r > '~' || r == '<' || r == '>' {
			return false
		}
	}
	return a.Local != "" && a.Domain != ""
}

// HandOver implements drive.Fallback. One mail goes at a time; whoever has to wait for its turn longer than the context lasts has
// surely not sent anything. The same ticket always has the same Message-ID.
func (s *Sender) HandOver(ctx context.Context, t drive.Ticket, again bool) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return notNow(ctx.Err(), "other mails to the mail service come first")
	}
	if err := s.pacer.wait(ctx); err != nil {
		return notNow(err, "mails to the mail service are held back, so that there are not too many at once")
	}
	key, err := s.s.Key(ctx)
	if err == nil && key == "" {
		err = errors.New("it is empty")
	}
	if err != nil {
		return notNow(err, "there is no key for the mail service: %v", err)
	}
	m := s.mail(ctx, t, key, again)
	raw, err := m.Write()
	if err != nil {
		return notNow(err, "%v", err)
	}
	return s.submit(ctx, letter{from: s.sender(t), to: s.s.To.String(), raw: raw, key: key, subject: m.Subject})
}

// mail is what the service reads.
func (s *Sender) mail(ctx context.Context, t drive.Ticket, key string, again bool) Mail {
	m := Mail{
		From: s.s.From, To: s.s.To, Subject: s.pacer.subject(cmp.Or(t.Title, noSubject), t.Reference, time.Now()), Text: t.Description, Reference: t.Reference,
		ID: cmp.Or(s.s.Keys.HandedTag(t.Mail, t.Reference), t.Reference), Domain: s.s.From.Domain, Date: time.Now(), Repeat: again,
		Token: Token{Key: NewKey(key), Email: t.Sender, TicketNumber: t.Note},
	}
	m.Mark = s.s.Keys.Mark(m.messageID())
	if id, err := strconv.ParseInt(t.Fields.Company, 10, 64); err == nil && id != 0 && s.s.Company != nil {
		if name, known := s.s.Company(ctx, id); known {
			m.Token.Customer = name
		}
	}
	return m
}

// sender is the envelope's, to which notices go.
func (s *Sender) sender(t drive.Ticket) string {
	tag := s.s.Keys.HandedTag(t.Mail, t.Reference)
	if s.s.PlainSender || tag == "" {
		return s.s.From.String()
	}
	from := s.s.From.Base()
	from.Local += "+" + tag
	return from.String()
}

// notNow is an error of which it is sure that nothing was sent.
func notNow(err error, text string, args ...any) error {
	return &trouble{text: fmt.Sprintf(text, args...), err: errors.Join(drive.ErrNotNow, err)}
}

// refusedMail is that of a server that does not want this very mail.
func refusedMail(err error, text string, args ...any) error {
	return &trouble{text: fmt.Sprintf(text, args...), err: errors.Join(drive.ErrRefused, err)}
}

// trouble is an error in words for people, without a secret in them.
type trouble struct {
	text string
	err  error
}

// Error is the words.
func (t *trouble) Error() string { return t.text }

// Unwrap is what it comes from, for errors.Is.
func (t *trouble) Unwrap() error { return t.err }
