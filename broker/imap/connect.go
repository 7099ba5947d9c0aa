package imap

import (
	"context"
	"crypto/tls"
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
	s := &session{conn: conn, news: make(chan struct{}, 1)}
	options := &imapclient.Options{TLSConfig: m.tlsConfig(), UnilateralDataHandler: &imapclient.UnilateralDataHandler{Mailbox: s.mailboxChanged}}
	if m.TLS == TLSOn {
		ctx, cancel := context.WithTimeout(ctx, dialTime)
		defer cancel()
		over := tls.Client(conn, options.TLSConfig)
		if err := over.HandshakeContext(ctx); err != nil {
			return nil, insecure(m.Server, err)
		}
		s.meter = &meter{Conn: over}
	} else {
		s.meter = &meter{Conn: conn}
	}
	if m.TLS == TLSStart {
		err := s.do(ctx, dialTime, func() (err error) {
			s.c, err = imapclient.NewStartTLS(s.meter, options)
			return err
		})
		if err != nil {
			return nil, insecure(m.Server, err)
		}
	} else {
		s.meter.left.Store(talkMost)
		s.c = imapclient.New(s.meter, options)
	}
	err := s.do(ctx, dialTime, func() error {
		if err := s.c.WaitGreeting(); err != nil {
			return err
		}
		s.caps = s.c.Caps()
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
