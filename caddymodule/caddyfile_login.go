package caddymodule

// login reads one login. Syntax:
//
//	login <name> {
//	    secret <store> <path>
//	    discover <base URL>
//	    zone <base URL>
//	    hosts <host...>
//	    insecure_http
//	    lockout <threshold> {
//	        budget <n>
//	        in_flight <n>
//	        linger <duration>
//	        recheck <duration>
//	        never_reset
//	        observe
//	    }
//	    queue <length> <deadline>
//	    totp secret <store> <path> [<field>] | totp engine <store> <key>
//	}
func (p *parser) login(w *word) error {
	name, err := w.text("<name>")
	if err != nil {
		return err
	}
	if _, ok := p.app.Logins[name]; ok {
		return w.errorf("login %q is defined twice", shown(name))
	}
	if p.app.Logins == nil {
		p.app.Logins = map[string]*Login{}
	}
	login, path := new(Login), "login "+name
	p.app.Logins[name] = login
	p.place(path, w)
	return w.block("login", p.placing(path, login.words()))
}

// placing remembers the place of each word that is read.
func (p *parser) placing(path string, known words) words {
	placed := make(words, len(known))
	for name, read := range known {
		placed[name] = func(w *word) error {
			p.place(path+" "+name, w)
			return read(w)
		}
	}
	return placed
}

func (l *Login) words() words {
	return words{
		"secret":        func(w *word) (err error) { l.Secret, err = w.record(); return err },
		"discover":      func(w *word) (err error) { l.Discover, err = w.text("<base URL>"); return err },
		"zone":          func(w *word) (err error) { l.Zone, err = w.text("<base URL>"); return err },
		"hosts":         func(w *word) (err error) { l.Hosts, err = w.list("<host>"); return err },
		"insecure_http": func(w *word) (err error) { l.InsecureHTTP, err = w.present(); return err },
		"lockout":       l.readLockout,
		"queue":         l.readQueue,
		"totp":          l.readTOTP,
	}
}

func (l *Login) readLockout(w *word) error {
	threshold, err := w.number("<threshold>")
	if err != nil {
		return err
	}
	k := &Lockout{Threshold: threshold}
	l.Lockout = k
	return w.block("lockout", words{
		"budget":      func(w *word) (err error) { k.Budget, err = w.number("<n>"); return err },
		"in_flight":   func(w *word) (err error) { k.InFlight, err = w.number("<n>"); return err },
		"linger":      func(w *word) (err error) { k.Linger, err = w.duration(); return err },
		"recheck":     func(w *word) (err error) { k.Recheck, err = w.duration(); return err },
		"never_reset": func(w *word) (err error) { k.NeverReset, err = w.present(); return err },
		"observe":     func(w *word) (err error) { k.Observe, err = w.present(); return err },
	})
}

func (l *Login) readQueue(w *word) error {
	args, err := w.args("<length>", "<deadline>")
	if err != nil {
		return err
	}
	length, err := w.asNumber(args[0])
	if err != nil {
		return w.errorf("queue takes a length and a deadline, such as 256 30s")
	}
	deadline, err := w.asDuration(args[1])
	if err != nil {
		return w.errorf("queue takes a length and a deadline, such as 256 30s")
	}
	l.Queue = &Queue{Length: length, Deadline: deadline}
	return nil
}
