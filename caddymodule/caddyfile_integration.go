package caddymodule

// integration reads one integration. Syntax:
//
//	integration <name> {
//	    owner <mail address>
//	    key <hash...>
//	    key_from <store> <path>
//	    client_cert <san or subject>
//	    jwt <issuer> <claim> <value>
//	    from <cidr...>
//	    login <name>
//	    passthrough <user name...>
//	    groups <name...>
//	    limit <n> per minute
//	    concurrent <n>
//	    hours <weekday...> <from-to> [<zone>]
//	    impersonate
//	    expires <date>
//	    disabled [<reason>]
//	}
//
// key, client_cert, jwt, from, hours and passthrough may be repeated. login defaults to the only login.
func (p *parser) integration(w *word) error {
	name, err := w.text("<name>")
	if err != nil {
		return err
	}
	if _, ok := p.app.Integrations[name]; ok {
		return w.errorf("integration %q is defined twice", shown(name))
	}
	if p.app.Integrations == nil {
		p.app.Integrations = map[string]*Integration{}
	}
	i, path := new(Integration), "integration "+name
	p.app.Integrations[name] = i
	p.place(path, w)
	return w.block("integration", p.placing(path, i.words()), "key", "client_cert", "jwt", "from", "hours", "passthrough")
}

func (i *Integration) words() words {
	return words{
		"owner":       func(w *word) (err error) { i.Owner, err = w.text("<mail address>"); return err },
		"login":       func(w *word) (err error) { i.Login, err = w.text("<name>"); return err },
		"key":         i.readKeys,
		"key_from":    func(w *word) (err error) { i.KeyFrom, err = w.record(); return err },
		"client_cert": i.readClientCert,
		"jwt":         i.readJWT,
		"from":        i.readFrom,
		"passthrough": i.readPassThrough,
		"groups":      func(w *word) (err error) { i.Groups, err = w.list("<name>"); return err },
		"limit":       i.readLimit,
		"concurrent":  func(w *word) (err error) { i.Concurrent, err = w.number("<n>"); return err },
		"hours":       i.readHours,
		"impersonate": func(w *word) (err error) { i.Impersonate, err = w.present(); return err },
		"expires":     i.readExpires,
		"disabled":    i.readDisabled,
	}
}

// readKeys checks each hash where it stands, as the place that is remembered for a word is that of its last use. So do
// the other words that may be repeated.
func (i *Integration) readKeys(w *word) error {
	hashes, err := w.list("<hash>")
	if err != nil {
		return err
	}
	for _, text := range hashes {
		if _, err := parseKeyHash(text); err != nil {
			return w.errorf("%w", err)
		}
	}
	i.Keys = append(i.Keys, hashes...)
	return nil
}

// readClientCert takes one name a line: a subject has spaces and commas, and half of one would fit nobody.
func (i *Integration) readClientCert(w *word) error {
	if w.d.CountRemainingArgs() > 1 {
		return w.errorf("client_cert takes one name; write a subject in quotes, such as \"CN=backup,O=Example\", and each certificate on its own line")
	}
	name, err := w.text("<san or subject>")
	if err != nil {
		return err
	}
	if _, err := certName(name); err != nil {
		return w.errorf("%w", err)
	}
	i.ClientCerts = append(i.ClientCerts, name)
	return nil
}

func (i *Integration) readJWT(w *word) error {
	args, err := w.args("<issuer>", "<claim>", "<value>")
	if err != nil {
		return err
	}
	i.JWTs = append(i.JWTs, JWT{Issuer: args[0], Claim: args[1], Value: args[2]})
	return nil
}

func (i *Integration) readFrom(w *word) error {
	networks, err := w.list("<cidr>")
	if err != nil {
		return err
	}
	if _, err := parseNetworks(networks); err != nil {
		return w.errorf("%w", err)
	}
	i.From = append(i.From, networks...)
	return nil
}

// readPassThrough takes PSA user names.
func (i *Integration) readPassThrough(w *word) error {
	users, err := w.list("<user name>")
	i.PassThrough = append(i.PassThrough, users...)
	return err
}

func (i *Integration) readExpires(w *word) (err error) {
	if i.Expires, err = w.text("<date>"); err != nil {
		return err
	}
	if _, err := parseExpires(i.Expires); err != nil {
		return w.errorf("%w", err)
	}
	return nil
}

func (i *Integration) readDisabled(w *word) error {
	i.Disabled = true
	switch args := w.d.RemainingArgs(); len(args) {
	case 0:
		return nil
	case 1:
		i.DisabledReason = args[0]
		return nil
	default:
		return w.errorf("disabled takes one reason; write it in quotes")
	}
}
