package smtp

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

// What is answered. Nothing of an error of ours is in it.
var (
	notFromThere  = &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "No mails are taken from there"}
	withoutTLS    = &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "STARTTLS first"}
	noRelay       = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "No mails are taken for this recipient"}
	badAddress    = &smtp.SMTPError{Code: 553, EnhancedCode: smtp.EnhancedCode{5, 1, 3}, Message: "That is no address"}
	tooManyAtOnce = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "Too many mails at once, try again"}
	cutOff        = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "The mail did not come whole, try again"}
	notKept       = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "The mail cannot be kept at the moment, try again"}
	noRoom        = &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 3, 1}, Message: "There is no room to keep the mail at the moment, try again"}
	tooLarge      = &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 3, 4}, Message: "The mail is too large"}
	longLine      = &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "The mail has a line that is far too long"}
	aLoop         = &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 4, 6}, Message: "The mail has passed too many servers"}
)

// session is a connection, up to STARTTLS or from there on.
type session struct {
	ctx     context.Context
	in      Intake
	conn    *smtp.Conn
	peer    netip.Addr
	watched *watched
	taking  *taking
	from    string
	to      []string
	size    int64 // of the mail, as the client says before it (RFC 1870); 0 where it does not
}

func (in Intake) session(ctx context.Context, conn *smtp.Conn, taking *taking) (smtp.Session, error) {
	s := &session{ctx: ctx, in: in, conn: conn, taking: taking}
	switch under := conn.Conn().(type) {
	case *watched:
		s.watched = under
	case *tls.Conn:
		s.watched, _ = under.NetConn().(*watched)
	}
	if s.watched == nil {
		return nil, notKept // the library has changed
	}
	if tcp, is := conn.Conn().RemoteAddr().(*net.TCPAddr); is {
		s.peer = tcp.AddrPort().Addr().Unmap()
	}
	if !in.comesFrom(s.peer) {
		return nil, notFromThere
	}
	return s, nil
}

// Mail begins a mail.
func (s *session) Mail(from string, options *smtp.MailOptions) error {
	if _, secured := s.conn.TLSConnectionState(); s.in.OnlyTLS && !secured {
		return withoutTLS
	}
	if !line(from) {
		return badAddress
	}
	s.from, s.to, s.size = from, nil, options.Size // which the library has compared with Most
	return nil
}

// Rcpt adds a recipient.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	to = strings.ToLower(to)
	switch {
	case !line(to):
		return badAddress
	case !s.in.Takes(to):
		return noRelay
	case !slices.Contains(s.to, to):
		s.to = append(s.to, to)
	}
	return nil
}

// Data takes a mail in. Only when it returns nil the client is told 250.
func (s *session) Data(r io.Reader) error {
	incoming := s.taking.begin(r, s.cut)
	if incoming == nil {
		return tooManyAtOnce
	}
	defer s.taking.end(incoming)
	mail := Mail{Object: objects + rand.Text(), From: s.from, To: slices.Clone(s.to), Peer: s.peer, Arrived: time.Now()}
	var raw bytes.Buffer
	_, secured := s.conn.TLSConnectionState()
	raw.WriteString(trace{mail: mail, helo: s.conn.Hostname(), domain: s.in.Domain, secured: secured}.String())
	traced := raw.Len()
	// A buffer that grows to it is copied again and again. Nothing is written to memory that nothing comes for.
	raw.Grow(int(min(s.size, s.in.Most)) + bytes.MinRead)
	switch _, err := raw.ReadFrom(incoming); {
	case errors.Is(err, smtp.ErrDataTooLarge):
		return tooLarge
	case errors.Is(err, smtp.ErrTooLongLine):
		return longLine // it would be as long the next time; the library ends the connection
	case err != nil || !s.whole(r):
		return cutOff
	case hops(raw.Bytes()[traced:]) > hopsMost:
		return aLoop
	}
	mail.Raw = raw.Bytes()
	incoming.here.Store(true)
	if err := s.in.Spool(s.ctx, mail); err != nil {
		s.in.Log.Error("a mail cannot be kept, and its sender was told to come again", "peer", s.peer.String(), "problem", err.Error())
		if errors.Is(err, ErrFull) {
			return noRoom
		}
		return notKept
	}
	return nil
}

// Reset forgets the mail that was begun.
func (s *session) Reset() { s.from, s.to, s.size = "", nil, 0 }

// Logout has nothing to free.
func (s *session) Logout() error { return nil }
