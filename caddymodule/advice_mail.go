package caddymodule

import (
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/psagate/psagate/broker/route"
)

// mail warns of mailboxes whose tickets would go astray, or could not be made.
func (a *advice) mail(app *App) {
	for _, name := range slices.Sorted(maps.Keys(app.Mail)) {
		m, where := app.Mail[name], "mail "+name
		fields := m.Default.route()
		a.addIf(m.IMAP == nil && m.SMTP == nil, "mail-no-source", where)
		a.addIf(fields.Company == "" && !m.all(func(f route.Fields) string { return f.Company }), "mail-no-company", where)
		a.addIf(fields.Queue == "" && !m.all(func(f route.Fields) string { return f.Queue }), "mail-no-queue", where)
		a.addIf(m.SMTP != nil && m.SMTP.Certificate == "" && !m.SMTP.onLoopback(), "mail-no-tls", where)
		a.addIf(m.SMTP != nil && len(m.SMTP.From) == 0 && !m.SMTP.onLoopback(), "mail-from-anywhere", where)
		if denied := app.deniesMail(name, m); len(denied) > 0 {
			a.add("mail-denied", where, strings.Join(denied, ", "))
		}
	}
}

// all tells whether each alias of a mailbox says something, and there is one.
func (m *Mailbox) all(of func(route.Fields) string) bool {
	return len(m.Aliases) > 0 && !slices.ContainsFunc(m.Aliases, func(alias *MailAlias) bool { return of(alias.Fields.route()) == "" })
}

// onLoopback tells whether only this machine can bring mails.
func (s *MailSMTP) onLoopback() bool {
	host, _, err := net.SplitHostPort(s.place())
	return err == nil && isLoopback(host)
}

// secrets are those that a mailbox needs.
func (m *Mailbox) secrets() (all []*SecretText) {
	var tokens []*MailOAuth2
	if i := m.IMAP; i != nil {
		all, tokens = append(all, i.Password), append(tokens, i.OAuth2)
	}
	if f := m.Fallback; f != nil {
		all, tokens = append(all, f.Key, f.Password), append(tokens, f.OAuth2)
	}
	for _, o := range tokens {
		if o != nil {
			all = append(all, o.ClientSecret, o.RefreshToken, o.ServiceAccount)
		}
	}
	return slices.DeleteFunc(all, func(s *SecretText) bool { return s == nil })
}
