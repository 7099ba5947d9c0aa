package caddymodule

// issuer reads one OpenID provider. Syntax:
//
//	issuer <name> <issuer URL> {
//	    client_id <id>
//	    client_secret <secret>
//	    audience <aud>
//	    groups_claim <claim>
//	    ca <pem file>
//	    max_stale <duration>
//	}
//
// <secret> is `secret <store> <path> [<field>]`, {file.PATH} or {env.NAME}.
func (p *parser) issuer(w *word) error {
	args, err := w.args("<name>", "<issuer URL>")
	if err != nil {
		return err
	}
	name := args[0]
	if _, ok := p.app.Issuers[name]; ok {
		return w.errorf("issuer %q is defined twice", shown(name))
	}
	if p.app.Issuers == nil {
		p.app.Issuers = map[string]*Issuer{}
	}
	i, path := &Issuer{URL: args[1]}, "issuer "+name
	p.app.Issuers[name] = i
	p.place(path, w)
	return w.block("issuer", p.placing(path, words{
		"client_id":     func(w *word) (err error) { i.ClientID, err = w.text("<id>"); return err },
		"client_secret": func(w *word) (err error) { i.ClientSecret, err = w.secretText(w.d.RemainingArgs()); return err },
		"audience":      func(w *word) (err error) { i.Audience, err = w.text("<aud>"); return err },
		"groups_claim":  func(w *word) (err error) { i.GroupsClaim, err = w.text("<claim>"); return err },
		"ca":            func(w *word) (err error) { i.CA, err = w.text("<pem file>"); return err },
		"max_stale":     func(w *word) (err error) { i.MaxStale, err = w.duration(); return err },
	}))
}
