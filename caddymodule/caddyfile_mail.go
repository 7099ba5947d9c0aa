package caddymodule

import (
	"maps"
	"slices"

	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/route"
)

// mailbox reads one mailbox. Syntax:
//
//	mail <name> {
//	    imap <host:port> { ... }
//	    smtp <listen address> { ... }
//	    as <integration>
//	    login <login or pool>
//	    limit <n> per hour
//	    alias <mail address> { ... }
//	    default { ... }
//	    rule <name> { ... }
//	    treat <kind> <treatment>
//	    free_mail <domain...>
//	    max_size <size>
//	    description <text>
//	    keep <duration>
//	    fallback ates <mail address> { ... }
//	}
//
// alias, rule and treat may be repeated.
func (p *parser) mailbox(w *word) error {
	name, err := w.text("<name>")
	if err != nil {
		return err
	}
	if _, ok := p.app.Mail[name]; ok {
		return w.errorf("mail %q is defined twice", shown(name))
	}
	if p.app.Mail == nil {
		p.app.Mail = map[string]*Mailbox{}
	}
	m, path := new(Mailbox), "mail "+name
	p.app.Mail[name] = m
	p.place(path, w)
	return w.block("mail", p.placing(path, words{
		"imap":        func(w *word) error { return p.mailIMAP(w, m, path+" imap") },
		"smtp":        func(w *word) error { return p.mailSMTP(w, m, path+" smtp") },
		"as":          func(w *word) (err error) { m.As, err = w.text("<integration>"); return err },
		"login":       func(w *word) (err error) { m.Login, err = w.text("<login or pool>"); return err },
		"limit":       func(w *word) (err error) { m.PerHour, err = w.perTime("hour"); return err },
		"alias":       func(w *word) error { return p.mailAlias(w, m, path) },
		"default":     m.readDefault,
		"rule":        func(w *word) error { return p.mailRule(w, m, path) },
		"treat":       m.readTreat,
		"free_mail":   func(w *word) (err error) { m.FreeMail, err = w.list("<domain>"); return err },
		"max_size":    func(w *word) (err error) { m.MaxSize, err = w.size(); return err },
		"description": func(w *word) (err error) { m.Description, err = w.text("<text>"); return err },
		"keep":        func(w *word) (err error) { m.Keep, err = w.duration(); return err },
		"fallback":    func(w *word) error { return p.mailFallback(w, m, path+" fallback") },
	}), "alias", "rule", "treat")
}

// mailAlias reads one address of a mailbox. Syntax:
//
//	alias <mail address> {
//	    company <id>
//	    queue <id or label>
//	    source <id or label>
//	    priority <id or label>
//	    status <id or label>
//	    issue_type <id or label>
//	    sub_issue_type <id or label>
//	    ticket_type <id or label>
//	    category <id or label>
//	    title_prefix <text>
//	    lockout_notice [<domain...>] {
//	        ours <cidr...>
//	    }
//	}
func (p *parser) mailAlias(w *word, m *Mailbox, path string) error {
	address, err := w.text("<mail address>")
	if err != nil {
		return err
	}
	a := &MailAlias{Address: address}
	m.Aliases = append(m.Aliases, a)
	path = aliasPath(path, len(m.Aliases)-1)
	p.place(path, w)
	known := fieldWords(&a.Fields)
	known["lockout_notice"] = func(w *word) error {
		n := &MailLockoutNotice{From: w.d.RemainingArgs()}
		a.LockoutNotice = n
		return w.block("lockout_notice", p.placing(path+" lockout_notice", words{
			"ours": func(w *word) (err error) { n.Ours, err = w.list("<cidr>"); return err },
		}))
	}
	return w.block("alias", p.placing(path, known))
}

// fieldWords are those that say something of a ticket. They are kept in fields, which is made when there is one.
func fieldWords(fields **MailFields) words {
	known := words{}
	for name, of := range map[string]func(*MailFields) *string{
		"company":        func(f *MailFields) *string { return &f.Company },
		"queue":          func(f *MailFields) *string { return &f.Queue },
		"source":         func(f *MailFields) *string { return &f.Source },
		"priority":       func(f *MailFields) *string { return &f.Priority },
		"status":         func(f *MailFields) *string { return &f.Status },
		"issue_type":     func(f *MailFields) *string { return &f.IssueType },
		"sub_issue_type": func(f *MailFields) *string { return &f.SubIssueType },
		"ticket_type":    func(f *MailFields) *string { return &f.TicketType },
		"category":       func(f *MailFields) *string { return &f.Category },
		"title_prefix":   func(f *MailFields) *string { return &f.TitlePrefix },
	} {
		known[name] = func(w *word) error {
			takes := "<id or label>"
			switch name {
			case "company":
				takes = "<id>"
			case "title_prefix":
				takes = "<text>"
			}
			text, err := w.text(takes)
			if err != nil {
				return err
			}
			if text == "" {
				return w.errorf("%s is empty", name)
			}
			if *fields == nil {
				*fields = new(MailFields)
			}
			*of(*fields) = text
			return nil
		}
	}
	return known
}

// readDefault reads what is said of tickets where nothing else says it, with the same words as an alias.
func (m *Mailbox) readDefault(w *word) error {
	if _, err := w.present(); err != nil {
		return err
	}
	m.Default = new(MailFields)
	return w.block("default", fieldWords(&m.Default))
}

// readTreat reads what becomes of mails of a kind.
func (m *Mailbox) readTreat(w *word) error {
	args, err := w.args("<kind>", "<treatment>")
	if err != nil {
		return err
	}
	kind, treatment := args[0], args[1]
	if _, known := route.Treatments[message.Kind(kind)]; !known {
		return w.errorf("%s", unknownWord(kind, "treat", kindWords()))
	}
	if !slices.Contains(treatmentWords, treatment) {
		return w.errorf("%s", unknownWord(treatment, "treat", treatmentWords))
	}
	if m.Treat[kind] != "" {
		return w.errorf("treat %s is there twice", kind)
	}
	if m.Treat == nil {
		m.Treat = map[string]route.Treatment{}
	}
	m.Treat[kind] = route.Treatment(treatment)
	return nil
}

var treatmentWords = []string{string(route.Take), string(route.TakeNote), string(route.Suspend)}

// kindWords are the kinds of mails that can be treated.
func kindWords() (kinds []string) {
	for _, kind := range slices.Sorted(maps.Keys(route.Treatments)) {
		kinds = append(kinds, string(kind))
	}
	return kinds
}

// mailRule reads one rule. Syntax:
//
//	rule <name> {
//	    when <expression>
//	    treat take|note|suspend
//	    last
//	    <fields, as those of an alias>
//	}
func (p *parser) mailRule(w *word, m *Mailbox, path string) error {
	name, err := w.text("<name>")
	if err != nil {
		return err
	}
	r := &MailRule{Name: name}
	m.Rules = append(m.Rules, r)
	path = rulePath(path, len(m.Rules)-1)
	p.place(path, w)
	known := fieldWords(&r.Fields)
	known["when"] = func(w *word) (err error) { r.When, err = w.text("<expression>"); return err }
	known["last"] = func(w *word) (err error) { r.Last, err = w.present(); return err }
	known["treat"] = func(w *word) error {
		text, err := w.text("<treatment>")
		if err == nil && !slices.Contains(treatmentWords, text) {
			err = w.errorf("%s", unknownWord(text, "treat", treatmentWords))
		}
		r.Treat = route.Treatment(text)
		return err
	}
	return w.block("rule", p.placing(path, known))
}

// readMailTLS reads how a connection to a mail server is made secret.
func readMailTLS(w *word, to *imap.TLSMode) error {
	how, err := w.text("<how>")
	if err != nil {
		return err
	}
	if !slices.Contains(tlsWords(), how) {
		return w.errorf("%s", unknownWord(how, "tls", tlsWords()))
	}
	*to = imap.TLSMode(how)
	return nil
}
