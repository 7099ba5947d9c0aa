package ates

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/psagate/psagate/broker/drive"
)

// Sender hands tickets to the mail service. It is a drive.Fallback, for any number of mailboxes and goroutines.
type Sender struct {
	s Service
	*remembered
}

var _ drive.Fallback = (*Sender)(nil)

// NewSender returns one, or an error that says what is wrong with the service.
func NewSender(s Service) (*Sender, error) {
	s, err := s.whole()
	if err != nil {
		return nil, err
	}
	return &Sender{s, s.Memory.of(s)}, nil
}

// HandOver implements drive.Fallback. One mail goes at a time; whoever has to wait for its turn longer than the context lasts has
// surely not sent anything. The same ticket always has the same Message-ID.
func (s *Sender) HandOver(ctx context.Context, t drive.Ticket, again bool) error {
	if s.circles(t.Sender) {
		return notNow(nil, "a mail of %s is not handed to the mail service, whose answer to it would come as another: it waits for the API", t.Sender)
	}
	if t.Note != "" && !(Mail{Text: t.Description, Reference: t.Reference, Repeat: again}).fits() {
		return notNow(nil, "what is to be a note on ticket %s is longer than the mail service takes: it waits for the API, which takes all of it", t.Note)
	}
	done, err := s.take(ctx)
	if err != nil {
		return err
	}
	defer done()
	s.pacer.pace = s.s.Pace
	if err := s.pacer.wait(ctx); err != nil {
		return notNow(err, "mails to the mail service are held back, so that there are not too many at once")
	}
	key, err := s.key(ctx)
	if err != nil {
		return err
	}
	m := s.mail(ctx, t, key, again)
	raw, err := m.Write()
	if err != nil {
		return notNow(err, "%v", err)
	}
	return s.submit(ctx, letter{from: s.sender(t), to: s.s.To.String(), raw: raw, key: key, subject: m.Subject})
}

// take waits for a turn, which the function that it returns ends.
func (s *Sender) take(ctx context.Context) (done func(), err error) {
	select {
	case s.turn <- struct{}{}:
		return func() { <-s.turn }, nil
	case <-ctx.Done():
		return nil, notNow(ctx.Err(), "other mails to the mail service come first")
	}
}

func (s *Sender) key(ctx context.Context) (string, error) {
	key, err := s.s.Key(ctx)
	if err == nil && key == "" {
		err = errors.New("it is empty")
	}
	if err != nil {
		return "", notNow(err, "there is no key for the mail service: %v", err)
	}
	return key, nil
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
	if s.s.PlainSender || s.plain[s.s.From.Key()] || tag == "" {
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
