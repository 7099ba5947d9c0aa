package imap

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"
)

// dialTime is how long a connection, TLS and the server's first words may take, each.
const dialTime = 30 * time.Second

// connect opens a connection as the mailbox wants it. Nobody has signed in yet.
func connect(ctx context.Context, m Mailbox) (*session, error) {
	dialCtx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	conn, err := m.Dial(dialCtx, "tcp", m.Server)
	if err != nil {
		return nil, unreachable(m.Server, err)
	}
	if tcp, is := conn.RemoteAddr().(*net.TCPAddr); is && m.TLS == TLSOff && !tcp.IP.IsLoopback() {
		_ = conn.Close()
		return nil, problem(Securing, nil, "%s is not on this machine (it is %s): without TLS the password could be read on the way", m.Server, tcp.IP)
	}
	s, err := secured(ctx, m, conn)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return s, nil
}

// secured is a session over the connection, with TLS if it is wanted.
func secured(ctx context.Context, m Mailbox, conn net.Conn) (*session, error) {
	over, err := m.secure(ctx, conn)
	if err != nil {
		return nil, insecure(m.Server, err)
	}
	return m.greeted(ctx, conn, over)
}

// greeted is a session over the connection conn, with what may be TLS over it, once the server has said its first words.
func (m Mailbox) greeted(ctx context.Context, conn, over net.Conn) (*session, error) {
	s := &session{conn: conn, meter: &meter{Conn: over}, news: make(chan struct{}, 1)}
	s.meter.left.Store(talkMost)
	s.c = imapclient.New(s.meter, &imapclient.Options{UnilateralDataHandler: &imapclient.UnilateralDataHandler{Mailbox: s.mailboxChanged}})
	err := s.do(ctx, dialTime, func() error {
		if err := s.c.WaitGreeting(); err != nil {
			return err
		}
		if s.caps = s.c.Caps(); s.caps == nil {
			return fmt.Errorf("it does not say what it can do: %w", context.DeadlineExceeded)
		}
		return nil
	})
	if err != nil {
		p := broken(Connecting, err, "waiting for the first words of "+m.Server)
		if m.TLS != TLSOn {
			p.text += "; if it is a port for TLS, write tls on"
		}
		return nil, p
	}
	return s, nil
}

// secure is the connection with TLS over it, if it is wanted.
func (m Mailbox) secure(ctx context.Context, conn net.Conn) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	switch m.TLS {
	case TLSOff:
		return conn, nil
	case TLSStart:
		over, err := startTLS(ctx, conn, m.tlsConfig())
		if err != nil {
			return nil, err
		}
		return greet(over), nil
	}
	over := tls.Client(conn, m.tlsConfig())
	return over, over.HandshakeContext(ctx)
}

// mailboxChanged is called by the library's reader, which it must not keep waiting.
func (s *session) mailboxChanged(data *imapclient.UnilateralDataMailbox) {
	if data.NumMessages == nil {
		return
	}
	select {
	case s.news <- struct{}{}:
	default:
	}
}
