package caddymodule

import (
	"strings"

	"github.com/psagate/psagate/internal/store"
)

// store reads where the state is kept. Syntax:
//
//	store sqlite <path> {
//	    ttl <duration>
//	}
//	store postgres <dsn> { ... }
//	store postgres secret <store> <path> [<field>] { ... }
//
// A <dsn> with a password is {env.NAME} or {file.PATH}, or comes from a secret store.
func (p *parser) store(w *word) error {
	args := w.d.RemainingArgs()
	if len(args) < 2 {
		return w.errorf("store takes `sqlite <path>` or `postgres <dsn>`, and has %d arguments", len(args))
	}
	if p.app.Store != nil {
		return w.errorf("store is there twice")
	}
	p.place("store", w)
	p.app.Store = &Store{Kind: args[0]}
	if err := p.app.Store.readPlace(w, store.Kind(args[0]), args[1:]); err != nil {
		return err
	}
	return w.block("store", words{
		"ttl": func(w *word) (err error) { p.app.Store.TTL, err = w.duration(); return err },
	})
}

// readPlace reads what follows the kind.
func (s *Store) readPlace(w *word, kind store.Kind, args []string) (err error) {
	switch {
	case kind == store.SQLite && len(args) == 1:
		s.Path = args[0]
	case kind == store.SQLite:
		return w.errorf("store sqlite takes <path>, and has %d arguments", len(args))
	case kind == store.PostgreSQL && len(args) == 1 && !strings.HasPrefix(args[0], "{"):
		s.DSN = args[0]
	case kind == store.PostgreSQL:
		if s.DSNSecret, err = parseSecretText(args); err != nil {
			return w.errorf("%w", err)
		}
	default:
		return w.errorf("%s", unknownWord(string(kind), "store, where its kind is named", []string{string(store.SQLite), string(store.PostgreSQL)}))
	}
	return nil
}

// installationKey reads which record holds the key that replicas share. Syntax:
//
//	installation_key secret <store> <path>
func (p *parser) installationKey(w *word) error {
	args, err := w.args("secret", "<store>", "<path>")
	if err != nil {
		return err
	}
	if args[0] != "secret" {
		return w.errorf("%s", unknownWord(args[0], "installation_key, where the record is named", []string{"secret"}))
	}
	p.place("installation_key", w)
	p.app.InstallationKey = &SecretRef{Store: args[1], Path: args[2]}
	return nil
}
