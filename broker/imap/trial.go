package imap

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-sasl"

	"github.com/psagate/psagate/broker/bearer"
)

// Trial is one connection to a mailbox, taken step by step by whoever wants to know what works and what does not. The steps
// are Resolve, Dial, Secure, SignIn and Open, in this order, and then any of the others. Each error is a *Problem, or the
// context's. It is for one goroutine.
type Trial struct {
	m    Mailbox
	conn net.Conn
	s    *session
}

// Try is a trial of a mailbox. Nothing is dialled before Dial. The error says what is wrong with the mailbox.
func Try(m Mailbox) (*Trial, error) {
	m, err := m.whole()
	if err != nil {
		return nil, err
	}
	return &Trial{m: m}, nil
}

// Close ends the connection.
func (t *Trial) Close() {
	switch {
	case t.s != nil:
		t.s.close()
	case t.conn != nil:
		_ = t.conn.Close()
	}
	t.conn, t.s = nil, nil
}

// trialTime is how long each of the first steps may take. Servers that work take less than a second.
const trialTime = 15 * time.Second

// Resolve looks the server's name up. What has no name to look up is its own address.
func (t *Trial) Resolve(ctx context.Context) (addresses []string, err error) {
	host, _, _ := net.SplitHostPort(t.m.Server)
	if net.ParseIP(host) != nil {
		return []string{host}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, trialTime)
	defer cancel()
	if addresses, err = t.m.Lookup(ctx, host); err != nil {
		return nil, unreachable(t.m.Server, err)
	}
	return addresses, nil
}

// Dial opens the connection, and returns the address at its other end.
func (t *Trial) Dial(ctx context.Context) (address string, err error) {
	ctx, cancel := context.WithTimeout(ctx, trialTime)
	defer cancel()
	if t.conn, err = t.m.Dial(ctx, "tcp", t.m.Server); err != nil {
		return "", unreachable(t.m.Server, err)
	}
	if tcp, is := t.conn.RemoteAddr().(*net.TCPAddr); is && t.m.TLS == TLSOff && !tcp.IP.IsLoopback() {
		t.Close()
		return "", problem(Securing, nil, "%s is not on this machine (it is %s): without TLS the password could be read on the way", t.m.Server, tcp.IP)
	}
	return t.conn.RemoteAddr().String(), nil
}

// Security is how a connection is secured: zero where it is not.
type Security struct {
	// Version is that of TLS, as in TLS 1.3.
	Version string
	// Issuer is who vouches for the certificate, Expires when that ends.
	Issuer  string
	Expires time.Time
}

// Secure begins TLS as the mailbox wants it, and waits for the server's first words.
func (t *Trial) Secure(ctx context.Context) (Security, error) {
	ctx, cancel := context.WithTimeout(ctx, trialTime)
	defer cancel()
	over, err := t.m.secure(ctx, t.conn)
	if err != nil {
		t.Close()
		return Security{}, insecure(t.m.Server, err)
	}
	if t.s, err = t.m.greeted(ctx, t.conn, over); err != nil {
		t.Close()
		return Security{}, err
	}
	if greeted, is := over.(greeted); is {
		over = greeted.Conn
	}
	secured, is := over.(*tls.Conn)
	if !is {
		return Security{}, nil
	}
	state := secured.ConnectionState()
	found := Security{Version: tls.VersionName(state.Version)}
	if len(state.PeerCertificates) > 0 {
		cert := state.PeerCertificates[0]
		found.Issuer, found.Expires = printable(cert.Issuer.String()), cert.NotAfter
	}
	return found, nil
}

// SignIn presents the secret, once, by what the server takes: the mechanism is its name, as in PLAIN. A secret that was refused
// before is presented only again says so: servers lock mailboxes.
func (t *Trial) SignIn(ctx context.Context, again bool) (mechanism string, err error) {
	if again && t.m.Again != nil {
		t.m.Again()
	}
	secret, err := t.m.secret(ctx)
	if err != nil {
		return "", err
	}
	mechanism = t.mechanism()
	t.s.hidden = func(err error) error { return t.m.hidden(err, secret) }
	return mechanism, t.s.signIn(ctx, t.m, secret, again)
}

func (t *Trial) mechanism() string {
	caps := t.s.caps
	switch {
	case t.m.Token != nil && caps.Has(imap.AuthCap(bearer.NameOAuthBearer)):
		return bearer.NameOAuthBearer
	case t.m.Token != nil:
		return bearer.NameXOAUTH2
	case caps.Has(imap.AuthCap(sasl.Plain)):
		return sasl.Plain
	}
	return "LOGIN"
}

// Abilities are what a server can do beyond the least.
type Abilities struct {
	// Idle: it tells at once of mails that come (RFC 2177). Move: it moves mails in one step (RFC 6851). UIDPlus: a single mail
	// can be taken out for good (RFC 4315).
	Idle, Move, UIDPlus bool
}

// Abilities are the server's for whoever has signed in.
func (t *Trial) Abilities() Abilities {
	return Abilities{Idle: t.s.caps.Has(imap.CapIdle), Move: t.s.caps.Has(imap.CapMove), UIDPlus: t.s.caps.Has(imap.CapUIDPlus)}
}

// Inbox is what the server says of it.
type Inbox struct {
	// Mails is how many are in it.
	Mails uint32
	// Deletes: mails can be marked as deleted. Seen: their flags can be kept at all. Keywords: so can flags of one's own.
	Deletes, Seen, Keywords bool
}

// Open opens the inbox.
func (t *Trial) Open(ctx context.Context) (Inbox, error) {
	if err := t.s.open(ctx, t.m); err != nil {
		return Inbox{}, err
	}
	flags := t.s.opened.PermanentFlags
	return Inbox{
		Mails: t.s.opened.NumMessages, Deletes: t.s.keeps,
		Seen: len(flags) == 0 || slices.Contains(flags, imap.FlagSeen), Keywords: len(flags) == 0 || slices.Contains(flags, imap.FlagWildcard),
	}, nil
}

// Folder finds the folder, and makes it where it is not there, which Source does, too. The name is the server's for it.
func (t *Trial) Folder(ctx context.Context, which Folder) (name string, made bool, err error) {
	wanted := t.m.Processed
	if which == DeadLetter {
		wanted = t.m.DeadLetter
	}
	name, names, err := t.s.find(ctx, wanted)
	if name == "" && err == nil {
		made = true
		name, err = t.s.make(ctx, wanted, names)
	}
	if err != nil {
		return "", false, err
	}
	return name, made, nil
}

// Junk is the folder into which the server puts what it takes for spam (RFC 6154); empty where it does not say.
func (t *Trial) Junk(ctx context.Context) (name string, err error) {
	err = t.s.do(ctx, answer, func() error {
		all, err := t.s.c.List("", "*", nil).Collect()
		for _, folder := range all {
			if slices.Contains(folder.Attrs, imap.MailboxAttrJunk) {
				name = folder.Mailbox
			}
		}
		return err
	})
	if err != nil {
		return "", broken(Opening, err, "listing folders")
	}
	return name, nil
}
