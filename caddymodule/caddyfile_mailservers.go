package caddymodule

// mailIMAP reads where mails are fetched. Syntax:
//
//	imap <host:port> {
//	    login <user> <secret>
//	    login <user> oauth2 <token URL> <client id> <secret> {
//	        scope <scope...>
//	        refresh_token <secret>
//	    }
//	    login <user> service_account secret <store> <path> [<field>] {
//	        scope <scope...>
//	    }
//	    tls on|starttls|off
//	    ca <pem file>
//	    folders <processed> <dead letter>
//	    folders none since <date>
//	    poll <duration>
//	}
//
// <secret> is `secret <store> <path> [<field>]`, {file.PATH} or {env.NAME}.
func (p *parser) mailIMAP(w *word, m *Mailbox, path string) (err error) {
	i := new(MailIMAP)
	m.IMAP = i
	if i.Server, err = w.text("<host:port>"); err != nil {
		return err
	}
	return w.block("imap", p.placing(path, words{
		"login": func(w *word) (err error) {
			i.User, i.Password, i.OAuth2, err = w.mailLogin()
			return err
		},
		"tls":     func(w *word) error { return readMailTLS(w, &i.TLS) },
		"ca":      func(w *word) (err error) { i.CA, err = w.text("<pem file>"); return err },
		"folders": i.readFolders,
		"poll":    func(w *word) (err error) { i.Poll, err = w.duration(); return err },
	}))
}

// readFolders reads where mails go that are done with.
func (i *MailIMAP) readFolders(w *word) error {
	switch args := w.d.RemainingArgs(); {
	case len(args) == 3 && args[0] == "none" && args[1] == "since":
		i.LeaveSince = args[2]
	case len(args) == 2:
		i.Processed, i.DeadLetter = args[0], args[1]
	default:
		return w.errorf("folders takes <processed> <dead letter>; or none since <date>, and mails stay in the inbox")
	}
	return nil
}

// mailLogin reads who signs in to a mail server: with a password, or with tokens of an OAuth 2.0 server.
func (w *word) mailLogin() (user string, password *SecretText, tokens *MailOAuth2, err error) {
	args := w.d.RemainingArgs()
	if len(args) == 0 {
		return "", nil, nil, w.errorf("login takes a user and a secret: %s; or a user, oauth2, <token URL> <client id> and a secret", secretForms)
	}
	user = args[0]
	if len(args) > 1 && args[1] == "service_account" {
		tokens, err = w.serviceAccount(args[2:])
		return user, nil, tokens, err
	}
	if len(args) == 1 || args[1] != "oauth2" {
		password, err = w.secretText(args[1:])
		return user, password, nil, err
	}
	args = args[2:]
	if len(args) < 2 {
		return "", nil, nil, w.errorf("oauth2 takes <token URL> <client id> and a secret: %s", secretForms)
	}
	tokens = &MailOAuth2{TokenURL: args[0], ClientID: args[1]}
	if len(args) > 2 {
		if tokens.ClientSecret, err = w.secretText(args[2:]); err != nil {
			return "", nil, nil, err
		}
	}
	return user, nil, tokens, w.block("login", words{
		"scope": func(w *word) (err error) { tokens.Scopes, err = w.list("<scope>"); return err },
		"refresh_token": func(w *word) (err error) {
			tokens.RefreshToken, err = w.secretText(w.d.RemainingArgs())
			return err
		},
	})
}

// serviceAccount reads what a service account signs in with.
func (w *word) serviceAccount(args []string) (tokens *MailOAuth2, err error) {
	tokens = new(MailOAuth2)
	if tokens.ServiceAccount, err = w.secretText(args); err != nil {
		return nil, err
	}
	return tokens, w.block("login", words{"scope": func(w *word) (err error) { tokens.Scopes, err = w.list("<scope>"); return err }})
}

// mailSMTP reads where mails come in. Syntax:
//
//	smtp <listen address> {
//	    domain <host name>
//	    tls <certificate pem file> <key pem file>
//	    require_tls
//	    from <cidr...>
//	}
func (p *parser) mailSMTP(w *word, m *Mailbox, path string) (err error) {
	s := new(MailSMTP)
	m.SMTP = s
	if s.Listen, err = w.text("<listen address>"); err != nil {
		return err
	}
	return w.block("smtp", p.placing(path, words{
		"domain": func(w *word) (err error) { s.Domain, err = w.text("<host name>"); return err },
		"tls": func(w *word) error {
			args, err := w.args("<certificate pem file>", "<key pem file>")
			if err == nil {
				s.Certificate, s.Key = args[0], args[1]
			}
			return err
		},
		"require_tls": func(w *word) (err error) { s.RequireTLS, err = w.present(); return err },
		"from":        func(w *word) (err error) { s.From, err = w.list("<cidr>"); return err },
	}))
}

// mailFallback reads what is used while the PSA's API cannot be. Syntax:
//
//	fallback ates <mail address> {
//	    after <duration>
//	    smtp <host:port>
//	    tls on|starttls|off
//	    ca <pem file>
//	    from <mail address>
//	    login <user> <secret>
//	    login <user> oauth2 <token URL> <client id> <secret> { ... }
//	    login <user> service_account secret <store> <path> [<field>] { ... }
//	    key <secret>
//	}
//
// <secret> is `secret <store> <path> [<field>]`, {file.PATH} or {env.NAME}.
func (p *parser) mailFallback(w *word, m *Mailbox, path string) error {
	args, err := w.args("ates", "<mail address>")
	if err != nil {
		return err
	}
	if args[0] != "ates" {
		return w.errorf("%s", unknownWord(args[0], "fallback", []string{"ates"}))
	}
	f := &MailFallback{Address: args[1]}
	m.Fallback = f
	return w.block("fallback", p.placing(path, words{
		"after": func(w *word) (err error) { f.After, err = w.duration(); return err },
		"smtp":  func(w *word) (err error) { f.SMTP, err = w.text("<host:port>"); return err },
		"tls":   func(w *word) error { return readMailTLS(w, &f.TLS) },
		"ca":    func(w *word) (err error) { f.CA, err = w.text("<pem file>"); return err },
		"from":  func(w *word) (err error) { f.From, err = w.text("<mail address>"); return err },
		"login": func(w *word) (err error) {
			f.User, f.Password, f.OAuth2, err = w.mailLogin()
			return err
		},
		"key": func(w *word) (err error) { f.Key, err = w.secretText(w.d.RemainingArgs()); return err },
	}))
}
