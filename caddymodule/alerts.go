package caddymodule

import (
	"fmt"
	"net"
	"net/http"
	"net/mail"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"golang.org/x/net/http/httpguts"

	"github.com/psagate/psagate/internal/alert"
	"github.com/psagate/psagate/internal/report"
)

// Alerts says who is told what happens to logins.
type Alerts struct {
	// Webhooks are addresses that each alert is sent to, as JSON by POST.
	Webhooks []*AlertWebhook `json:"webhooks,omitempty"`

	// Mails are those who get each alert by mail.
	Mails []*AlertMail `json:"mails,omitempty"`

	// Every is the time in which the same state of the same login is told at most once. What is held back is counted in the
	// next alert of it. Default: 15m.
	Every caddy.Duration `json:"every,omitempty"`
}

// AlertWebhook is an address that alerts are sent to.
type AlertWebhook struct {
	// URL is the address, where it is no secret. It or SecretURL is required.
	URL string `json:"url,omitempty"`

	// SecretURL is the address, where it is a secret, as those of chats are.
	SecretURL *SecretText `json:"secret_url,omitempty"`

	// Headers are further headers of the request, whose values are secrets. Default: none.
	Headers map[string]*SecretText `json:"headers,omitempty"`

	// CA is a PEM file of the certificates that the server's is verified with. Default: the system's.
	CA string `json:"ca,omitempty"`

	// On are the states that it is told of. Default: all.
	On []report.AlertState `json:"on,omitempty"`
}

// AlertMail is who gets alerts by mail, and how.
type AlertMail struct {
	// To are the mail addresses that it goes to. Required.
	To []string `json:"to,omitempty"`

	// SMTP is the mail server's host:port. Required.
	SMTP string `json:"smtp,omitempty"`

	// From is the mail address that it comes from. Required.
	From string `json:"from,omitempty"`

	// TLS is on (from the first byte), starttls (and nothing is sent without it), or off, which is for loopback addresses.
	// Default: on; at the ports 25 and 587 starttls.
	TLS alert.TLSMode `json:"tls,omitempty"`

	// User is who signs in to the mail server. Default: nobody.
	User string `json:"user,omitempty"`

	// Password is the user's.
	Password *SecretText `json:"password,omitempty"`

	// CA is a PEM file of the certificates that the server's is verified with. Default: the system's.
	CA string `json:"ca,omitempty"`

	// On are the states that are told. Default: all.
	On []report.AlertState `json:"on,omitempty"`
}

// webhookPath and mailPath are the words that lead to a target, by its place in the config.
func webhookPath(i int) string { return fmt.Sprintf("alerts webhook %d", i+1) }
func mailPath(i int) string    { return fmt.Sprintf("alerts mail %d", i+1) }

// checkAlerts says what is wrong with who is told.
func (a *App) checkAlerts() error {
	if a.Alerts == nil {
		return nil
	}
	if len(a.Alerts.Webhooks)+len(a.Alerts.Mails) == 0 {
		return faultAt("alerts", "nobody is told: write a line `webhook <url>` or `mail <to...>`")
	}
	if a.Alerts.Every < 0 {
		return faultAt("alerts every", "every must be more than 0")
	}
	seen := map[string]bool{}
	for i, w := range a.Alerts.Webhooks {
		if err := a.checkWebhook(webhookPath(i), w); err != nil {
			return err
		}
		if seen[w.key()] {
			return faultAt(webhookPath(i), "this webhook is there twice")
		}
		seen[w.key()] = true
	}
	for i, m := range a.Alerts.Mails {
		if err := a.checkMail(mailPath(i), m); err != nil {
			return err
		}
		if seen[m.key()] {
			return faultAt(mailPath(i), "this mail is there twice")
		}
		seen[m.key()] = true
	}
	return nil
}

func (a *App) checkWebhook(path string, w *AlertWebhook) error {
	switch {
	case w == nil || (w.URL == "") == (w.SecretURL == nil):
		return faultAt(path, "a webhook has a URL, or names the secret that is one")
	case w.SecretURL != nil:
		if err := a.checkSecretText(path, w.SecretURL); err != nil {
			return err
		}
	default:
		if err := checkWebhookURL(w.URL); err != nil {
			return faultAt(path, "%w", err)
		}
	}
	for name, value := range w.Headers {
		if err := checkHeader(name); err != nil {
			return faultAt(path+" header", "%w", err)
		}
		if err := a.checkSecretText(path+" header", value); err != nil {
			return err
		}
	}
	return checkOn(path, w.On)
}

// checkHeader says what is wrong with a header's name.
func checkHeader(name string) error {
	switch canonical := http.CanonicalHeaderKey(name); {
	case !httpguts.ValidHeaderFieldName(name):
		return fmt.Errorf("header takes a name, such as Authorization, and a secret: %s", secretForms)
	case slices.Contains([]string{"Host", "Content-Length", "Content-Type", "Transfer-Encoding", "Connection", "Trailer"}, canonical):
		return fmt.Errorf("the header %s is psagate's own to set", canonical)
	}
	return nil
}

// checkSecretText says what is wrong with the naming of a secret that the config needs.
func (a *App) checkSecretText(path string, s *SecretText) error {
	if s == nil {
		return faultAt(path, "a secret is missing: write %s", secretForms)
	}
	if err := s.check(); err != nil {
		return faultAt(path, "%w", err)
	}
	if _, ok := a.SecretsRaw[s.Store]; s.Store != "" && !ok {
		return faultAt(path, "there is no store of that name; %s", defined(a.SecretsRaw))
	}
	return nil
}

func checkOn(path string, on []report.AlertState) error {
	for i, state := range on {
		if !slices.Contains(report.AlertStates, state) {
			return faultAt(path+" on", "%s", unknownWord(string(state), "on", alertWords()))
		}
		if slices.Contains(on[:i], state) {
			return faultAt(path+" on", "%s is there twice", state)
		}
	}
	return nil
}

// alertWords are the states that alerts tell, as words.
func alertWords() []string {
	words := make([]string, len(report.AlertStates))
	for i, state := range report.AlertStates {
		words[i] = string(state)
	}
	return words
}

func (a *App) checkMail(path string, m *AlertMail) error {
	switch {
	case m == nil || len(m.To) == 0:
		return faultAt(path, "a mail goes to one mail address or more")
	case m.SMTP == "":
		return faultAt(path, "the line `smtp <host:port>` is missing")
	case m.From == "":
		return faultAt(path, "the line `from <mail address>` is missing")
	}
	for _, address := range m.To {
		if err := checkMailAddress("mail", address); err != nil {
			return faultAt(path, "%w", err)
		}
	}
	if err := checkMailAddress("from", m.From); err != nil {
		return faultAt(path+" from", "%w", err)
	}
	if err := m.checkServer(path); err != nil {
		return err
	}
	if m.User != "" || m.Password != nil {
		if m.User == "" {
			return faultAt(path+" login", "a password is of no use without its user")
		}
		if err := a.checkSecretText(path+" login", m.Password); err != nil {
			return err
		}
	}
	return checkOn(path, m.On)
}

// checkMailAddress says what is wrong with a mail address. It does not show it.
func checkMailAddress(word, text string) error {
	address, err := mail.ParseAddress(text)
	ascii := !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f })
	if err != nil || address.Address != text || !ascii {
		return fmt.Errorf("%s takes mail addresses without names, such as ops@example.com", word)
	}
	return nil
}

// checkServer says what is wrong with the mail server and the way to it.
func (m *AlertMail) checkServer(path string) error {
	host, port, err := net.SplitHostPort(m.SMTP)
	n, noNumber := strconv.ParseUint(port, 10, 16)
	if err != nil || host == "" || noNumber != nil || n == 0 {
		return faultAt(path+" smtp", "smtp takes host:port, such as mail.example.com:587")
	}
	switch {
	case m.TLS != "" && !slices.Contains(alert.TLSModes, m.TLS):
		return faultAt(path+" tls", "%s", unknownWord(string(m.TLS), "tls", tlsWords()))
	case m.TLS == alert.TLSOff && !isLoopback(host):
		return faultAt(path+" tls", "without TLS the alert and the password would be shown to the network; off is for loopback addresses")
	}
	return nil
}

func tlsWords() []string {
	words := make([]string, len(alert.TLSModes))
	for i, mode := range alert.TLSModes {
		words[i] = string(mode)
	}
	return words
}

// tls is the way that is taken.
func (m *AlertMail) tls() alert.TLSMode {
	if m.TLS != "" {
		return m.TLS
	}
	if _, port, _ := net.SplitHostPort(m.SMTP); port == "25" || port == "587" {
		return alert.TLSStart
	}
	return alert.TLSOn
}

// key tells one webhook from others, without its secrets.
func (w *AlertWebhook) key() string { return "webhook " + w.URL + " " + w.SecretURL.key() }

// name is what a webhook is called in logs and reports: its host, or the secret that its address is.
func (w *AlertWebhook) name() string {
	switch {
	case w.SecretURL == nil:
		u, _ := alert.ParseURL(w.URL) // it has been checked
		return u.Host
	case w.SecretURL.Store == "":
		return w.SecretURL.Placeholder
	}
	return "secret " + w.SecretURL.Store + " " + w.SecretURL.Path
}

// key tells one mail from others.
func (m *AlertMail) key() string {
	return "mail " + strings.Join(m.To, ",") + " from " + m.From + " by " + m.SMTP + " as " + m.User
}

// name is who gets the mail, in logs and reports.
func (m *AlertMail) name() string { return strings.Join(m.To, ", ") }

// secrets are those that the alerts need.
func (a *Alerts) secrets() (all []*SecretText) {
	if a == nil {
		return nil
	}
	for _, w := range a.Webhooks {
		if w.SecretURL != nil {
			all = append(all, w.SecretURL)
		}
		for _, value := range w.Headers {
			all = append(all, value)
		}
	}
	for _, m := range a.Mails {
		if m.Password != nil {
			all = append(all, m.Password)
		}
	}
	return all
}
