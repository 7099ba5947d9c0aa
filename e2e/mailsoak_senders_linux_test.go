package e2e

import (
	"errors"
	"math/rand/v2"
	"net"
	netsmtp "net/smtp"
	"net/textproto"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/imaptest"
	"github.com/psagate/psagate/internal/mailsoak"
)

// send has all mails come within a time: by IMAP when it is theirs, by SMTP as from servers that come again until they are told 250.
func (s *mailSoak) send(mails []mailsoak.Mail, length time.Duration) {
	queue := make(chan mailsoak.Mail, len(mails))
	var senders sync.WaitGroup
	for k := range uint64(8) {
		senders.Go(func() {
			r := rand.New(rand.NewPCG(s.seed, 1+k))
			for m := range queue {
				s.hands(r, m)
			}
		})
	}
	for i, m := range mails {
		time.Sleep(time.Until(s.began.Add(length * time.Duration(i+1) / time.Duration(len(mails)))))
		if m.BySMTP {
			queue <- m
		} else {
			s.inbox.Deliver(m.Raw)
		}
	}
	close(queue)
	senders.Wait()
	s.says("all mails have come; %d times a sender had to come again", s.again.Load())
}

// hands hands a mail to one door after the other until one has taken it.
func (s *mailSoak) hands(r *rand.Rand, m mailsoak.Mail) {
	for end := time.Now().Add(10 * time.Minute); time.Now().Before(end); time.Sleep(some(r, 200*time.Millisecond)) {
		err := handMail(s.seats[r.IntN(len(s.seats))].door, m.Raw)
		if err == nil {
			return
		}
		if said := new(textproto.Error); errors.As(err, &said) && said.Code >= 500 {
			s.Errorf("%s is refused for good: %v", m.Token, said)
			return
		}
		s.again.Add(1)
	}
	s.Errorf("%s was never taken", m.Token)
}

// handMail hands a mail in. It is the door's when it has said 250.
func handMail(door string, raw []byte) error {
	conn, err := net.DialTimeout("tcp", door, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second)) // nobody speaks where a process is stopped
	c, err := netsmtp.NewClient(conn, "localhost")
	if err != nil {
		return err
	}
	if err := errors.Join(c.Mail("sender@example.com"), c.Rcpt(imaptest.User)); err != nil {
		return err
	}
	data, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := data.Write(raw); err != nil {
		return err
	}
	return data.Close()
}
