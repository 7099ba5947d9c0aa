package caddymodule

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/broker/ates"
	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/smtp"
	"github.com/psagate/psagate/broker/thread"
	"github.com/psagate/psagate/broker/token"
	"github.com/psagate/psagate/internal/mail"
	"github.com/psagate/psagate/internal/tickets"
)

// builtBox is a mailbox of a config on its way into force. Nothing of it is dialled, and no secret read, before.
type builtBox struct {
	mail.Mailbox
	imap, rest lender // what IMAP takes, and what all else does
	// fallback makes the way to the PSA's mail service; nil for none. It signs with the installation's keys.
	fallback func(keys thread.Keys, company func(context.Context, int64) (string, bool)) (*ates.Sender, error)
}

// builtMail are the mailboxes of a config, and where mails come in.
type builtMail struct {
	boxes []*builtBox
	doors []*mail.Door
	// listeners are open, by their place, until they are taken.
	mu        sync.Mutex
	listeners map[string]net.Listener
}

// buildMailboxes builds the mailboxes. It opens secret stores, and reads nothing of them.
func (a *App) buildMailboxes() error {
	built := &builtMail{listeners: map[string]net.Listener{}}
	a.mail = built // which is given back even if the rest of it cannot be built
	places := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(a.Mail)) {
		b := new(builtBox)
		built.boxes = append(built.boxes, b)
		if err := a.buildMailbox(name, b); err != nil {
			return fmt.Errorf("mail %s: %w", name, err)
		}
		s := a.Mail[name].SMTP
		if s == nil || places[s.place()] {
			continue
		}
		places[s.place()] = true
		door, err := a.door(built, name, s)
		if err != nil {
			return fmt.Errorf("mail %s smtp: %w", name, err)
		}
		built.doors = append(built.doors, door)
	}
	return nil
}

func (a *App) buildMailbox(name string, b *builtBox) (err error) {
	m := a.Mail[name]
	if b.Route, err = a.routed(name); err != nil {
		return err
	}
	b.Keep, b.FileMost = time.Duration(m.Keep), tickets.FileMost
	b.CloseIMAP, b.Close = b.imap.giveBack, b.rest.giveBack
	if m.SMTP != nil {
		b.Door = m.SMTP.place()
	}
	if m.IMAP != nil {
		if err := a.buildIMAP(m, b); err != nil {
			return fmt.Errorf("imap: %w", err)
		}
	}
	if m.Fallback != nil {
		if err := a.buildFallback(m, b); err != nil {
			return fmt.Errorf("fallback: %w", err)
		}
	}
	return nil
}

func (a *App) buildIMAP(m *Mailbox, b *builtBox) (err error) {
	i := m.IMAP
	box := &imap.Mailbox{
		Server: i.Server, TLS: i.TLS, User: i.User, Processed: i.Processed, DeadLetter: i.DeadLetter, Poll: time.Duration(i.Poll), Most: m.MaxSize,
		Refused: &mailSignIns,
	}
	if box.LeaveSince, err = i.leaveSince(); err != nil {
		return err
	}
	if box.Config, err = trusting(i.CA); err != nil {
		return err
	}
	if i.OAuth2 != nil {
		var source *token.Source
		if source, err = b.imap.tokens(a, i.User, i.OAuth2); err == nil {
			box.Token, box.Again = source.Token, source.Forget
		}
	} else {
		box.Password, err = b.imap.text(a, i.Password)
	}
	b.IMAP, b.Key = box, imapKey(i, m.MaxSize, &b.imap)
	return err
}

// imapKey tells one connection to a mailbox from another: with the same config, whose secrets are in the same stores, a reload goes on
// with what is there.
func imapKey(i *MailIMAP, most int64, l *lender) string {
	text, _ := json.Marshal(i) // of strings and numbers: it cannot fail
	key := fmt.Sprint(string(text), most)
	for _, s := range l.lent {
		key += " " + s.key
	}
	return key
}

// trusting is a TLS config that trusts whom a file of certificates names; nil for whom the system trusts.
func trusting(ca string) (*tls.Config, error) {
	roots, err := readCA(ca)
	if err != nil || roots == nil {
		return nil, err
	}
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, nil
}

func (a *App) buildFallback(m *Mailbox, b *builtBox) error {
	f := m.Fallback
	b.Rules.FallbackAfter = cmp.Or(time.Duration(f.After), usualFallbackAfter)
	s := f.service(m)
	s.Memory = &mailsHandedIn
	var err error
	if s.Server.Config, err = trusting(f.CA); err != nil {
		return err
	}
	key, err := b.rest.text(a, f.Key)
	if err != nil {
		return err
	}
	s.Key = key
	switch {
	case f.OAuth2 != nil:
		var source *token.Source
		if source, err = b.rest.tokens(a, f.User, f.OAuth2); err == nil {
			s.Server.Token, s.Server.Forget = source.Token, source.Forget
		}
	case f.Password != nil:
		s.Server.Password, err = b.rest.text(a, f.Password)
	}
	b.fallback = func(keys thread.Keys, company func(context.Context, int64) (string, bool)) (*ates.Sender, error) {
		s.Keys, s.Company = keys, company
		return ates.NewSender(s)
	}
	return err
}

// mailsHandedIn is what is remembered of the servers that mails are handed to, for as long as the process lives, by all mailboxes.
var mailsHandedIn = ates.Memory{Refused: &mailSignIns}

// service is the PSA's mail service, as far as that can be said without a secret.
func (f *MailFallback) service(m *Mailbox) ates.Service {
	s := ates.Service{To: mailAddress(f.Address), From: mailAddress(f.From), Server: ates.Server{Address: f.SMTP, TLS: ates.TLSMode(f.tls()), User: f.User}}
	if f.From == "" && len(m.Aliases) > 0 {
		s.From = mailAddress(m.Aliases[0].Address)
	}
	return s
}

// check says what is wrong with the service, whose secrets are not read.
func (f *MailFallback) check(m *Mailbox) error {
	s, some := f.service(m), func(context.Context) (string, error) { return "", nil }
	s.Key = some
	if f.OAuth2 != nil {
		s.Server.Token = some
	} else if f.Password != nil {
		s.Server.Password = some
	}
	return s.Check()
}

// tls is the way that is taken to the server that mails are handed to.
func (f *MailFallback) tls() imap.TLSMode {
	if f.TLS != "" {
		return f.TLS
	}
	if _, port, _ := net.SplitHostPort(f.SMTP); port == "25" || port == "587" {
		return imap.TLSStart
	}
	return imap.TLSOn
}

// mailAddress reads an address that has been checked.
func mailAddress(text string) message.Address {
	list := message.ParseAddresses(text)
	if len(list) != 1 {
		return message.Address{}
	}
	return list[0]
}

// door is where mails come in for all mailboxes that have its place.
func (a *App) door(built *builtMail, name string, s *MailSMTP) (*mail.Door, error) {
	from, err := parseNetworks(s.From)
	if err != nil {
		return nil, err
	}
	in := smtp.Intake{Domain: s.Domain, OnlyTLS: s.RequireTLS, From: from, Most: a.Mail[name].MaxSize}
	if in.Domain == "" {
		if in.Domain, err = os.Hostname(); err != nil || strings.ContainsAny(in.Domain, " \r\n") || in.Domain == "" {
			in.Domain = "localhost"
		}
	}
	for _, m := range a.Mail { // the longest that any of those takes whose place it is
		if m.SMTP != nil && m.SMTP.place() == s.place() {
			in.Most = max(cmp.Or(in.Most, usualMailSize), cmp.Or(m.MaxSize, usualMailSize))
		}
	}
	if s.Certificate != "" {
		certificate, err := newCertificate(s.Certificate, s.Key)
		if err != nil {
			return nil, err
		}
		in.TLS = &tls.Config{GetCertificate: certificate.get, MinVersion: tls.VersionTLS12}
	}
	place := s.place()
	return &mail.Door{Place: place, Intake: in, Listen: func() (net.Listener, error) { return built.listen(place) }}, nil
}

// openDoors opens where mails come in, so that a load whose place is taken is refused. A place where the config in force listens is
// shared with it, as Caddy's sites are.
func (b *builtMail) openDoors() error {
	for _, d := range b.doors {
		l, err := listenAt(d.Place)
		if err != nil {
			return fmt.Errorf("mails cannot come in by SMTP at %s (another program may be listening there, or the port be one for root alone): %w", d.Place, err)
		}
		b.mu.Lock()
		b.listeners[d.Place] = l
		b.mu.Unlock()
	}
	return nil
}

// listen gives the listener that is open, once; then others.
func (b *builtMail) listen(place string) (net.Listener, error) {
	b.mu.Lock()
	l := b.listeners[place]
	delete(b.listeners, place)
	b.mu.Unlock()
	if l != nil {
		return l, nil
	}
	return listenAt(place)
}

func listenAt(place string) (net.Listener, error) {
	address, err := caddy.ParseNetworkAddress(place)
	if err != nil {
		return nil, err
	}
	l, err := address.Listen(context.Background(), 0, net.ListenConfig{})
	if err != nil {
		return nil, err
	}
	return l.(net.Listener), nil
}

// drop gives back what was built, where it never came into force.
func (b *builtMail) drop() {
	if b == nil {
		return
	}
	for _, box := range b.boxes {
		box.imap.giveBack()
		box.rest.giveBack()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for place, l := range b.listeners {
		if err := l.Close(); err != nil {
			slog.New(currentLog{}).Warn("a listener of mails cannot be closed", "address", place, "error", err)
		}
	}
	b.listeners = nil
}
