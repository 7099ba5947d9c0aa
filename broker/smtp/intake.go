package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
	"golang.org/x/net/netutil"
)

// Mail is one as it is handed over.
type Mail struct {
	// Object is its place, alike for no two mails: the id that its Received field has.
	Object string
	// From is the envelope's sender, empty for a bounce; To are its recipients, each of whom Intake.Takes.
	From string
	To   []string
	// Peer is whose connection it came by.
	Peer    netip.Addr
	Arrived time.Time
	// Raw are its bytes as they came, after the fields that a server at the end of a mail's way writes: Return-Path,
	// Delivered-To for each recipient, and Received (RFC 5321 section 4.4).
	Raw []byte
}

// ErrFull is what Intake.Spool returns, to be found with errors.Is, where there is no room for a mail: its sender is told 452 4.3.1
// (RFC 5321 section 4.2.3, RFC 3463 section 3.4) instead of 451 4.3.0, so that people on his side know what it is.
var ErrFull = errors.New("there is no room to keep the mail")

// Intake is what takes mails in.
type Intake struct {
	// Domain is the name that it gives itself.
	Domain string
	// TLS is offered by STARTTLS where it is not nil. OnlyTLS refuses mails without it.
	TLS     *tls.Config
	OnlyTLS bool
	// From are the networks that may bring mails; none are all.
	From []netip.Prefix
	// Takes tells whether it takes mails for an address, which is in lower case. It should answer from memory.
	Takes func(address string) bool
	// Spool keeps a mail. When it returns nil the mail is durable. Its error is an ErrFull where there is no room.
	Spool func(ctx context.Context, mail Mail) error
	// Most is the longest mail in bytes, 64 MiB where it is 0. Together is how many mails are received at the same time, 4
	// where it is 0: each needs up to three times the memory of its mail. Connections are how many there may be, 100 where it is 0; one
	// client (of IPv6, one network of 64 bits) has no more than half of them.
	Most                  int64
	Together, Connections int
	// Wait is how long a mail waits for its turn where there are too many at once, 30 s where it is 0. Then its sender is told to come
	// again.
	Wait time.Duration
	// Log may be nil.
	Log *slog.Logger
}

const (
	usualMost        = 64 << 20
	usualTogether    = 4
	usualConnections = 100
	usualWait        = 30 * time.Second // clients wait minutes (RFC 5321 section 4.5.3.2)
	recipientsMost   = 100              // what RFC 5321 section 4.5.3.1.8 asks for at least
	// lineMost is far more than the 1000 bytes of RFC 5321: some programs know nothing of it.
	lineMost = 64 << 10
	// silence is how long a client may be silent, and how long a mail may take. RFC 5321 section 4.5.3.2 asks for 5 minutes.
	silence = 5 * time.Minute
	// grace is how long clients may go on once the intake ends.
	grace = 20 * time.Second
)

func (in Intake) whole() (Intake, error) {
	switch {
	case in.Domain == "" || strings.ContainsAny(in.Domain, " \r\n"):
		return in, fmt.Errorf("the SMTP intake needs the name of a host to give itself, not %q", in.Domain)
	case in.Takes == nil || in.Spool == nil:
		return in, errors.New("the SMTP intake needs its recipients and where mails are kept")
	case in.OnlyTLS && in.TLS == nil:
		return in, errors.New("the SMTP intake cannot demand TLS without a certificate")
	case in.Most < 0 || in.Together < 0 || in.Connections < 0 || in.Wait < 0:
		return in, errors.New("the limits of the SMTP intake cannot be negative")
	}
	if in.Most == 0 {
		in.Most = usualMost
	}
	if in.Together == 0 {
		in.Together = usualTogether
	}
	if in.Connections == 0 {
		in.Connections = usualConnections
	}
	if in.Wait == 0 {
		in.Wait = usualWait
	}
	if in.Log == nil {
		in.Log = slog.New(slog.DiscardHandler)
	}
	return in, nil
}

// Serve takes mails in that come by a listener, which it closes, until the context ends. The error says what is wrong with the
// intake, or why it cannot listen any more.
func (in Intake) Serve(ctx context.Context, l net.Listener) error {
	in, err := in.whole()
	if err != nil {
		return errors.Join(err, l.Close())
	}
	taking := newTaking(in.Together, in.Wait)
	server := smtp.NewServer(smtp.BackendFunc(func(conn *smtp.Conn) (smtp.Session, error) {
		return in.session(context.WithoutCancel(ctx), conn, taking)
	}))
	server.Domain, server.TLSConfig = in.Domain, in.TLS
	server.MaxMessageBytes, server.MaxRecipients, server.MaxLineLength = in.Most, recipientsMost, lineMost
	server.ReadTimeout, server.WriteTimeout = silence, time.Minute
	server.EnableSMTPUTF8 = true
	server.ErrorLog = slog.NewLogLogger(in.Log.Handler(), slog.LevelWarn)
	clients := newListener(netutil.LimitListener(l, in.Connections), max(1, in.Connections/2))
	// Nobody new comes before anybody is waited for: the library does not bear both at once.
	stop := context.AfterFunc(ctx, func() { _ = clients.Close() })
	err = server.Serve(clients)
	if stop() {
		return errors.Join(err, server.Close())
	}
	// What ctx ended is to have time: it is another context.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if errors.Is(server.Shutdown(last), context.DeadlineExceeded) {
		clients.cutOff() // the library closes none once it has begun to wait
	}
	return nil
}

// comesFrom tells whether an address may bring mails.
func (in Intake) comesFrom(peer netip.Addr) bool {
	for _, prefix := range in.From {
		if prefix.Contains(peer) {
			return true
		}
	}
	return len(in.From) == 0
}
