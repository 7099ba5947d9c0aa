package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/route"
	"github.com/psagate/psagate/broker/rule"
)

// usualMailSize is Mailbox.MaxSize, and usualFallbackAfter MailFallback.After, where nothing is said.
const (
	usualMailSize      = 64 << 20
	usualFallbackAfter = 30 * time.Minute
	// leastPoll is the shortest MailIMAP.Poll: what waits that long between two looks would do nothing else.
	leastPoll = time.Second
)

// aliasPath and rulePath are the words that lead to one of a mailbox's, by its place in the config.
func aliasPath(path string, i int) string { return fmt.Sprintf("%s alias %d", path, i+1) }
func rulePath(path string, i int) string  { return fmt.Sprintf("%s rule %d", path, i+1) }

// mailChecked is what was seen of mailboxes that were looked at before.
type mailChecked struct {
	aliases map[string]string // by the address, in lower case: whose it is
	inboxes map[string]string
	doors   map[string]string
}

// checkMailboxes says what is wrong with the mailboxes.
func (a *App) checkMailboxes() error {
	seen := mailChecked{map[string]string{}, map[string]string{}, map[string]string{}}
	for _, name := range slices.Sorted(maps.Keys(a.Mail)) {
		m, path := a.Mail[name], "mail "+name
		if err := checkName(name); err != nil {
			return faultAt(path, "%w", err)
		}
		if m == nil {
			return faultAt(path, "the mailbox is empty")
		}
		if err := cmp.Or(
			a.checkMailCaller(path, m), a.checkMailIMAP(path+" imap", m.IMAP), a.checkMailSMTP(path+" smtp", m),
			m.checkAliases(path), a.checkMailFallback(path+" fallback", m), checkMailRules(path, m), // a fallback's mails are from an alias
		); err != nil {
			return err
		}
		if err := a.checkMailApart(name, m, seen); err != nil {
			return err
		}
		if m.Keep < 0 || m.MaxSize < 0 || m.MaxSize > mostMaxBody {
			return faultAt(path, "keep and max_size must be more than 0")
		}
		if err := checkDomains(path+" free_mail", m.FreeMail); err != nil {
			return err
		}
		routed, err := a.routed(name)
		if err == nil {
			err = routed.Check()
		}
		if err != nil {
			return faultAt(path, "%w", err)
		}
	}
	return nil
}

// checkMailCaller says what is wrong with whom a mailbox calls as.
func (a *App) checkMailCaller(path string, m *Mailbox) error {
	i, known := a.Integrations[m.As]
	switch {
	case m.PerHour < 0:
		return faultAt(path+" limit", "calls_per_hour must be more than 0")
	case known && m.Login != "" && m.Login != cmp.Or(i.Login, a.onlyLogin()):
		return faultAt(path+" login", "it calls as integration %s, whose calls are sent as another login: leave the line out, or `as`", m.As)
	case m.As != "" && !known:
		return faultAt(path+" as", "there is no integration of that name; %s", defined(a.Integrations))
	case m.As != "":
		return nil
	case m.Login == "" && len(a.Logins) != 1:
		return faultAt(path, "which login? Write `login <name>`, with the name of a login or pool: only where there is one login is it the default; %s", a.definedWays())
	case m.Login == "":
		return nil
	}
	_, login := a.Logins[m.Login]
	_, pool := a.Pools[m.Login]
	if !login && !pool {
		return faultAt(path+" login", "there is no login or pool of that name; %s", a.definedWays())
	}
	return nil
}

func (a *App) checkMailIMAP(path string, i *MailIMAP) error {
	if i == nil {
		return nil
	}
	if err := checkMailServer(path, "imap", i.Server, i.TLS); err != nil {
		return err
	}
	if i.User == "" {
		return faultAt(path, "the line `login <user> <secret>` is missing")
	}
	if err := a.checkMailLogin(path+" login", i.User, i.Password, i.OAuth2); err != nil {
		return err
	}
	processed, dead := cmp.Or(i.Processed, "Processed"), cmp.Or(i.DeadLetter, "DeadLetter")
	if strings.EqualFold(processed, dead) || strings.EqualFold(processed, "INBOX") || strings.EqualFold(dead, "INBOX") {
		return faultAt(path+" folders", "folders takes two folders, neither of which is the inbox: one for mails that are done with, and one for those that can become nothing")
	}
	switch _, err := i.leaveSince(); {
	case err != nil:
		return faultAt(path+" folders", "%w", err)
	case i.LeaveSince != "" && i.Processed+i.DeadLetter != "":
		return faultAt(path+" folders", "mails are left in the inbox, or moved to folders: leave_since goes with neither processed nor dead_letter")
	}
	if i.Poll != 0 && time.Duration(i.Poll) < leastPoll {
		return faultAt(path+" poll", "poll must be 1s at least: the server tells of mails that come, and this is for what it did not tell of")
	}
	return nil
}

// leaveSince is the day since which mails are read that stay in the inbox; zero where they do not.
func (i *MailIMAP) leaveSince() (time.Time, error) {
	if i.LeaveSince == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, i.LeaveSince)
	if err != nil || day.Year() < 1970 {
		return time.Time{}, errors.New("folders none since takes the day since which mails are to become tickets, such as 2026-11-27")
	}
	return day, nil
}

// checkMailServer says what is wrong with a mail server, which a word takes, and with the way to it.
func checkMailServer(path, word, server string, mode imap.TLSMode) error {
	host, port, err := net.SplitHostPort(server)
	n, noNumber := strconv.ParseUint(port, 10, 16)
	switch {
	case err != nil || host == "" || noNumber != nil || n == 0:
		return faultAt(path, "%s takes host:port, such as mail.example.com:993", word)
	case mode != "" && !slices.Contains(tlsWords(), string(mode)):
		return faultAt(path+" tls", "%s", unknownWord(string(mode), "tls", tlsWords()))
	case mode == imap.TLSOff && !isLoopback(host):
		return faultAt(path+" tls", "without TLS the mails and the password would be shown to the network; off is for loopback addresses")
	}
	return nil
}

// checkMailLogin says what is wrong with what a user signs in with.
func (a *App) checkMailLogin(path, user string, password *SecretText, tokens *MailOAuth2) error {
	switch {
	case user == "":
		return faultAt(path, "a password is of no use without its user")
	case strings.ContainsFunc(user, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return faultAt(path, "the user's name has control characters in it")
	case password != nil && tokens != nil:
		return faultAt(path, "a user signs in with a password or with tokens, not with both")
	case tokens == nil:
		return a.checkSecretText(path, password)
	}
	if tokens.ServiceAccount != nil {
		return a.checkServiceAccount(path, tokens)
	}
	u, err := url.Parse(tokens.TokenURL)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())):
		return faultAt(path, "oauth2 takes the URL of the token endpoint, https, such as https://login.microsoftonline.com/<tenant>/oauth2/v2.0/token")
	case tokens.ClientID == "":
		return faultAt(path, "oauth2 takes the client id after the URL")
	case tokens.ClientSecret == nil && tokens.RefreshToken == nil:
		return faultAt(path, "a secret is missing after the client id: write %s; an application without one needs the line `refresh_token <secret>`", secretForms)
	}
	for _, s := range []*SecretText{tokens.ClientSecret, tokens.RefreshToken} {
		if s == nil {
			continue
		}
		if err := a.checkSecretText(path, s); err != nil {
			return err
		}
	}
	return nil
}

// checkServiceAccount says what is wrong with what a service account signs in with. Its key opens every mailbox that it may act for: it
// is in a secret store, and not in a file that lies about.
func (a *App) checkServiceAccount(path string, o *MailOAuth2) error {
	switch {
	case o.ServiceAccount.Store == "":
		return faultAt(path, "service_account takes `secret <store> <path> [<field>]`: its key is in a secret store, and nowhere else")
	case o.TokenURL != "" || o.ClientID != "" || o.ClientSecret != nil || o.RefreshToken != nil:
		return faultAt(path, "a service account has its key alone: what it is shown to is in that")
	}
	return a.checkSecretText(path, o.ServiceAccount)
}

func (a *App) checkMailSMTP(path string, m *Mailbox) error {
	s := m.SMTP
	if s == nil {
		return nil
	}
	address, err := caddy.ParseNetworkAddressWithDefaults(s.Listen, "tcp", 25)
	switch {
	case s.Listen == "" || err != nil || !strings.Contains(s.Listen, ":") || address.PortRangeSize() != 1 || address.Network != "tcp":
		return faultAt(path, "smtp takes the address that it listens at, such as :25 or 127.0.0.1:2525")
	case (s.Certificate == "") != (s.Key == ""):
		return faultAt(path+" tls", "tls takes the PEM file of the certificate and that of its key")
	case s.RequireTLS && s.Certificate == "":
		return faultAt(path+" require_tls", "without the line `tls <certificate> <key>` there is no TLS that could be required")
	case len(m.Aliases) == 0:
		return faultAt(path, "it has no alias, so that no mail would be taken: write `alias <mail address>`")
	case strings.ContainsAny(s.Domain, " \r\n"):
		return faultAt(path+" domain", "domain takes the name of a host, such as mx.example.com")
	}
	if _, err := parseNetworks(s.From); err != nil {
		return faultAt(path+" from", "%w", err)
	}
	return nil
}

func (a *App) checkMailFallback(path string, m *Mailbox) error {
	f := m.Fallback
	if f == nil {
		return nil
	}
	if err := checkMailAddress("fallback ates", f.Address); err != nil {
		return faultAt(path, "%w", err)
	}
	if f.SMTP == "" {
		return faultAt(path, "the line `smtp <host:port>` is missing")
	}
	if err := checkMailServer(path, "smtp", f.SMTP, f.TLS); err != nil {
		return err
	}
	if f.Key == nil {
		return faultAt(path, "the line `key <secret>` is missing: by it the service knows whose tickets they are")
	}
	if err := a.checkSecretText(path+" key", f.Key); err != nil {
		return err
	}
	if f.User != "" || f.Password != nil || f.OAuth2 != nil {
		if err := a.checkMailLogin(path+" login", f.User, f.Password, f.OAuth2); err != nil {
			return err
		}
	}
	switch {
	case f.After < 0:
		return faultAt(path+" after", "after must be more than 0")
	case f.From == "" && len(m.Aliases) == 0:
		return faultAt(path, "the line `from <mail address>` is missing, and there is no alias to be taken instead")
	}
	if f.From != "" {
		if err := checkMailAddress("from", f.From); err != nil {
			return faultAt(path+" from", "%w", err)
		}
	}
	if err := f.check(m); err != nil {
		return faultAt(path, "%w", err)
	}
	return nil
}

// checkMailRules looks at each rule by itself, so that what is wrong has its place.
func checkMailRules(path string, m *Mailbox) error {
	if err := checkFields(path+" default", m.Default); err != nil {
		return err
	}
	names := map[string]bool{}
	for i, r := range m.Rules {
		at := rulePath(path, i)
		switch {
		case r == nil || r.When == "":
			return faultAt(at, "the line `when <expression>` is missing")
		case names[r.Name]:
			return faultAt(at, "rule %q is there twice", shown(r.Name))
		case r.Treat != "" && !slices.Contains(treatmentWords, string(r.Treat)):
			return faultAt(at+" treat", "%s", unknownWord(string(r.Treat), "treat", treatmentWords))
		}
		names[r.Name] = true
		if err := checkName(r.Name); err != nil {
			return faultAt(at, "%w", err)
		}
		if _, err := rule.Load([]rule.Rule{{Name: r.Name, When: r.When, Last: r.Last}}); err != nil {
			return faultAt(at+" when", "%w", err)
		}
		if err := checkFields(at, r.Fields); err != nil {
			return err
		}
	}
	return nil
}

// checkFields says what is wrong with what is said of tickets. What stands in picklists is known by the PSA alone.
func checkFields(path string, f *MailFields) error {
	if f == nil || f.Company == "" {
		return nil
	}
	if n, err := strconv.ParseInt(f.Company, 10, 64); err != nil || n < 0 {
		return faultAt(path+" company", "company takes the id of a company, a whole number; 0 is the PSA's owner")
	}
	return nil
}

func (m *Mailbox) checkAliases(path string) error {
	for i, alias := range m.Aliases {
		at := aliasPath(path, i)
		if alias == nil {
			return faultAt(at, "the alias is empty")
		}
		if err := checkMailAddress("alias", alias.Address); err != nil {
			return faultAt(at, "%w", err)
		}
		if err := checkFields(at, alias.Fields); err != nil {
			return err
		}
		if alias.LockoutNotice != nil {
			if err := checkDomains(at+" lockout_notice", alias.LockoutNotice.From); err != nil {
				return err
			}
			if _, err := networksOf("ours", alias.LockoutNotice.Ours); err != nil {
				return faultAt(at+" lockout_notice ours", "%w", err)
			}
		}
	}
	return nil
}

// checkDomains says what is wrong with names of domains.
func checkDomains(path string, domains []string) error {
	for i, d := range domains {
		switch {
		case d == "" || strings.ContainsAny(d, "@ /:*") || !strings.Contains(d, "."):
			return faultAt(path, "these are domains, such as example.com")
		case slices.Contains(domains[:i], d):
			return faultAt(path, "%s is there twice", d)
		}
	}
	return nil
}

// checkMailApart finds what two mailboxes have that one may have alone.
func (a *App) checkMailApart(name string, m *Mailbox, seen mailChecked) error {
	path := "mail " + name
	for i, alias := range m.Aliases {
		key := strings.ToLower(alias.Address)
		if other, twice := seen.aliases[key]; twice {
			return faultAt(aliasPath(path, i), "mailbox %s has the alias %s already, and a mail must tell whose it is", other, alias.Address)
		}
		seen.aliases[key] = name
	}
	if m.IMAP != nil {
		key := strings.ToLower(m.IMAP.Server + " " + m.IMAP.User)
		if other, twice := seen.inboxes[key]; twice {
			return faultAt(path+" imap", "mailbox %s reads the inbox of that user already: each mail would become two tickets. Give one mailbox both addresses, as aliases", other)
		}
		seen.inboxes[key] = name
	}
	if m.SMTP != nil {
		key := m.SMTP.place()
		other, there := seen.doors[key]
		if there && !reflect.DeepEqual(*a.Mail[other].SMTP, *m.SMTP) {
			return faultAt(path+" smtp", "mailbox %s listens there with other settings: one place has one server, and so the same lines in both mailboxes", other)
		}
		seen.doors[key] = name
	}
	return nil
}

// place is where it listens, however that is written.
func (s *MailSMTP) place() string {
	address, err := caddy.ParseNetworkAddressWithDefaults(s.Listen, "tcp", 25)
	if err != nil { // it has been checked
		return s.Listen
	}
	return address.String()
}

// noticesFrom are the domains of the PSA's maker.
var noticesFrom = []string{"autotask.net", "autotask.com"}

// routed is how the mails of a mailbox are routed, as far as the config says it.
func (a *App) routed(name string) (route.Mailbox, error) {
	m := a.Mail[name]
	out := route.Mailbox{Name: name, Tenant: a.mailLogin(m), Default: m.Default.route(), FreeMail: m.FreeMail, Kinds: map[message.Kind]route.Treatment{}}
	if m.IMAP != nil {
		host, _, _ := net.SplitHostPort(m.IMAP.Server)
		out.Inbox = strings.ToLower(host) + " " + m.IMAP.User
	}
	if out.Default.Company == "" {
		out.Default.Company = "0"
	}
	for _, alias := range m.Aliases {
		out.Aliases = append(out.Aliases, route.Alias{Address: alias.Address, Fields: alias.Fields.route(), LockoutNotice: alias.LockoutNotice != nil})
		if n := alias.LockoutNotice; n != nil {
			from := n.From
			if len(from) == 0 {
				from = noticesFrom
			}
			out.Lockouts.From = append(out.Lockouts.From, from...)
			ours, err := networksOf("ours", n.Ours)
			if err != nil {
				return out, err
			}
			out.Lockouts.Ours = append(out.Lockouts.Ours, ours...)
		}
	}
	for kind, treatment := range m.Treat {
		out.Kinds[message.Kind(kind)] = treatment
	}
	rules := make([]rule.Rule, 0, len(m.Rules))
	for _, r := range m.Rules {
		rules = append(rules, rule.Rule{Name: r.Name, When: r.When, Last: r.Last})
		out.Given = append(out.Given, route.Given{Fields: r.Fields.route(), Treatment: r.Treat})
	}
	var err error
	out.Rules, err = rule.Load(rules)
	return out, err
}

// mailLogin is the name of the login or pool that a mailbox's calls are sent as. Its mails' references have it in them.
func (a *App) mailLogin(m *Mailbox) string {
	if i := a.Integrations[m.As]; m.As != "" && i != nil {
		return cmp.Or(i.Login, a.onlyLogin())
	}
	return cmp.Or(m.Login, a.onlyLogin())
}
