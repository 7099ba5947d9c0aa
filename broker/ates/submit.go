package ates

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/emersion/go-smtp"
)

// Times that a server has for its answers. RFC 5321 section 4.5.3.2 gives it minutes, the context less.
const (
	dialTime   = 30 * time.Second
	answerTime = time.Minute
	quitTime   = 5 * time.Second
)

// letter is a mail with its envelope.
type letter struct {
	from, to string
	raw      []byte
	key      string // it is in raw, and may be quoted by the server
	subject  string
	again    bool // people say that what was refused is right
}

// submit hands a mail in. Up to the dot that ends it nothing has been sent that counts.
func (s *Sender) submit(ctx context.Context, l letter) error {
	c, hidden, end, err := s.open(ctx, l.key, l.again)
	if err != nil {
		return err
	}
	defer end()
	server := s.s.Server
	w, err := begin(c, l)
	if err != nil {
		return s.answered(err, l, hidden)
	}
	if _, err := w.Write(l.raw); err != nil {
		return notNow(err, "handing a mail to %s: the connection broke: %s", server.Address, hidden.text(err.Error()))
	}
	if ctx.Err() != nil {
		return notNow(ctx.Err(), "handing a mail to %s took too long, and it was not sent", server.Address)
	}
	if l.key != "" { // it is for the service
		s.pacer.note(l.subject, time.Now())
	}
	if err := ended(w); err != nil {
		if err := s.denied(err, l); err != nil {
			return err
		}
		return hidden.ended(err, server.Address)
	}
	c.CommandTimeout = quitTime
	_ = c.Quit() // the mail is there already
	return nil
}

// open comes to where a mail can be handed in.
func (s *Sender) open(ctx context.Context, key string, again bool) (c *smtp.Client, hidden hider, end func(), err error) {
	server := s.s.Server
	secret, err := s.mayShow(ctx, again)
	if err != nil {
		return nil, nil, nil, notNow(err, "%v", err)
	}
	hidden = hider{secret, key}
	if c, end, err = server.connect(ctx, s.s.From.Domain); err != nil {
		return nil, nil, nil, notNow(err, "%s", hidden.text(err.Error()))
	}
	if err := s.signIn(ctx, c, secret, again); err != nil {
		end()
		return nil, nil, nil, notNow(err, "%s", hidden.text(err.Error()))
	}
	return c, hidden, end, nil
}

// begin comes to where the mail's text is wanted.
func begin(c *smtp.Client, l letter) (*smtp.DataCommand, error) {
	if err := envelope(c, l); err != nil {
		return nil, err
	}
	return c.Data()
}

// envelope says from whom the mail is, and to whom.
func envelope(c *smtp.Client, l letter) error {
	if err := c.Mail(l.from, nil); err != nil {
		return fmt.Errorf("the sender %s: %w", l.from, err)
	}
	if err := c.Rcpt(l.to, nil); err != nil {
		return fmt.Errorf("the recipient %s: %w", l.to, err)
	}
	return nil
}

// ended sends the dot. Any answer of the second hundred is a yes.
func ended(w *smtp.DataCommand) error {
	err := w.Close()
	if said := new(smtp.SMTPError); errors.As(err, &said) && said.Code/100 == 2 {
		return nil
	}
	return err
}

// connect opens a connection, which lasts as long as the context does. Nobody has signed in yet.
func (s Server) connect(ctx context.Context, as string) (c *smtp.Client, end func(), err error) {
	dialing, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	conn, err := s.Dial(dialing, "tcp", s.Address)
	if err != nil {
		return nil, nil, unreachable(s.Address, err)
	}
	if tcp, is := conn.RemoteAddr().(*net.TCPAddr); is && s.TLS == TLSOff && !tcp.IP.IsLoopback() {
		_ = conn.Close()
		return nil, nil, fmt.Errorf("%s is not on this machine (it is %s): without TLS the mail service's key could be read on the way", s.Address, tcp.IP)
	}
	bound := &bounded{Conn: conn}
	bound.most, _ = ctx.Deadline()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	end = func() { stop(); _ = conn.Close() }
	if c, err = s.greet(bound, as); err != nil {
		end()
		if over := ctx.Err(); over != nil || errors.Is(err, os.ErrDeadlineExceeded) { // either may come first
			err = fmt.Errorf("%s is reached, and does not answer: is it the port of a mail server, and the right one (587, or 465 with tls on)? (%w)", s.Address, cmp.Or(over, os.ErrDeadlineExceeded))
		}
		return nil, nil, err
	}
	return c, end, nil
}

// greet secures the connection, if it is to be, and says who we are.
func (s Server) greet(conn net.Conn, as string) (c *smtp.Client, err error) {
	switch s.TLS {
	case TLSOn:
		over := tls.Client(conn, s.tlsConfig())
		_ = conn.SetDeadline(time.Now().Add(dialTime))
		if err := over.Handshake(); err != nil {
			return nil, insecure(s.Address, err)
		}
		c = smtp.NewClient(over)
	case TLSStart:
		// What the server says before TLS begins is not believed after it; without STARTTLS the library gives up.
		if c, err = smtp.NewClientStartTLS(conn, s.tlsConfig()); err != nil {
			return nil, insecure(s.Address, err)
		}
	default:
		c = smtp.NewClient(conn)
	}
	c.CommandTimeout, c.SubmissionTimeout = answerTime, answerTime
	if err := c.Hello(as); err != nil { // over STARTTLS, this is where TLS begins
		return nil, insecure(s.Address, err)
	}
	return c, nil
}
