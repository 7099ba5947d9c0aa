package caddymodule

// integration reads one integration. Syntax:
//
//	integration <name> {
//	    owner <mail address>
//	    key <hash...>
//	    login <name>
//	}
//
// key may be repeated. login defaults to the only login.
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
	return w.block("integration", p.placing(path, i.words()), "key")
}

func (i *Integration) words() words {
	return words{
		"owner": func(w *word) (err error) { i.Owner, err = w.text("<mail address>"); return err },
		"login": func(w *word) (err error) { i.Login, err = w.text("<name>"); return err },
		"key":   i.readKeys,
	}
}

// readKeys checks each hash where it stands, as the place that is remembered for a word is that of its last use.
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
