package caddymodule

import (
	"net/http"
	"slices"
	"strings"

	"github.com/psagate/psagate/internal/alert"
	"github.com/psagate/psagate/internal/report"
)

// alerts reads who is told what happens to logins. Syntax:
//
//	alerts {
//	    webhook <url> {
//	        header <name> <secret>
//	        ca <pem file>
//	        on <state...>
//	    }
//	    mail <to...> {
//	        smtp <host:port>
//	        from <mail address>
//	        tls on|starttls|off
//	        login <user> <secret>
//	        ca <pem file>
//	        on <state...>
//	    }
//	    every <duration>
//	}
//
// webhook, mail and header may be repeated. In the place of <url> there may be a <secret> that is one. <secret> is
// `secret <store> <path> [<field>]`, {file.PATH} or {env.NAME}.
func (p *parser) alerts(w *word) error {
	if p.app.Alerts != nil {
		return w.errorf("alerts is defined twice")
	}
	if _, err := w.present(); err != nil {
		return err
	}
	p.app.Alerts = new(Alerts)
	p.place("alerts", w)
	return w.block("alerts", words{
		"webhook": p.webhook,
		"mail":    p.alertMail,
		"every": func(w *word) (err error) {
			p.app.Alerts.Every, err = w.duration()
			return err
		},
	}, "webhook", "mail")
}

// webhook reads one webhook.
func (p *parser) webhook(w *word) (err error) {
	hook, path := new(AlertWebhook), webhookPath(len(p.app.Alerts.Webhooks))
	p.place(path, w)
	args := w.d.RemainingArgs()
	switch {
	case len(args) == 1 && strings.Contains(args[0], "://"):
		hook.URL = args[0]
	case len(args) == 1 && !strings.HasPrefix(args[0], "{"):
		return w.errorf("webhook takes a URL that begins with https://, or a secret that is one: %s", secretForms)
	default:
		if hook.SecretURL, err = w.secretText(args); err != nil {
			return err
		}
	}
	p.app.Alerts.Webhooks = append(p.app.Alerts.Webhooks, hook)
	return w.block("webhook", p.placing(path, words{
		"header": hook.readHeader,
		"ca":     func(w *word) (err error) { hook.CA, err = w.text("<pem file>"); return err },
		"on":     func(w *word) (err error) { hook.On, err = w.alertStates(); return err },
	}), "header")
}

// readHeader reads one header.
func (h *AlertWebhook) readHeader(w *word) error {
	args := w.d.RemainingArgs()
	if len(args) == 0 {
		return w.errorf("header takes a name and a secret: %s", secretForms)
	}
	name := http.CanonicalHeaderKey(args[0])
	if err := checkHeader(name); err != nil {
		return w.errorf("%w", err)
	}
	if h.Headers[name] != nil {
		return w.errorf("the header %s is there twice", name)
	}
	value, err := w.secretText(args[1:])
	if err != nil {
		return err
	}
	if h.Headers == nil {
		h.Headers = map[string]*SecretText{}
	}
	h.Headers[name] = value
	return nil
}

// alertMail reads one mail.
func (p *parser) alertMail(w *word) (err error) {
	m, path := new(AlertMail), mailPath(len(p.app.Alerts.Mails))
	p.place(path, w)
	if m.To, err = w.list("<to>"); err != nil {
		return err
	}
	p.app.Alerts.Mails = append(p.app.Alerts.Mails, m)
	return w.block("mail", p.placing(path, words{
		"smtp":  func(w *word) (err error) { m.SMTP, err = w.text("<host:port>"); return err },
		"from":  func(w *word) (err error) { m.From, err = w.text("<mail address>"); return err },
		"tls":   m.readTLS,
		"login": m.readLogin,
		"ca":    func(w *word) (err error) { m.CA, err = w.text("<pem file>"); return err },
		"on":    func(w *word) (err error) { m.On, err = w.alertStates(); return err },
	}))
}

func (m *AlertMail) readTLS(w *word) error {
	how, err := w.text("<how>")
	if err != nil {
		return err
	}
	if !slices.Contains(tlsWords(), how) {
		return w.errorf("%s", unknownWord(how, "tls", tlsWords()))
	}
	m.TLS = alert.TLSMode(how)
	return nil
}

func (m *AlertMail) readLogin(w *word) (err error) {
	args := w.d.RemainingArgs()
	if len(args) == 0 {
		return w.errorf("login takes a user and a secret: %s", secretForms)
	}
	m.User = args[0]
	m.Password, err = w.secretText(args[1:])
	return err
}

// alertStates reads a word with the states that somebody is told of.
func (w *word) alertStates() (states []report.AlertState, err error) {
	texts, err := w.list("<state>")
	if err != nil {
		return nil, err
	}
	for _, text := range texts {
		if !slices.Contains(alertWords(), text) {
			return nil, w.errorf("%s", unknownWord(text, "on", alertWords()))
		}
		states = append(states, report.AlertState(text))
	}
	return states, nil
}
