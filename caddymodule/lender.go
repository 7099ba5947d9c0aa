package caddymodule

import (
	"context"
	"log/slog"

	"github.com/psagate/psagate/internal/secret"
)

// lender keeps the stores open of secrets that something needs for longer than a config lives.
type lender struct{ lent []*lentSecret }

// lend gives a secret, of a store that stays open until it is given back.
func (l *lender) lend(a *App, s *SecretText) (secret.Func, error) {
	if s.Store == "" {
		return s.placed, nil
	}
	store, err := openStore(s.Store, a.stores)
	if err != nil {
		return nil, err
	}
	l.lent = append(l.lent, &lentSecret{store: store, key: storeKey(s.Store, a.stores), path: s.Path})
	return s.of(store), nil
}

// text is lend for those who take text. It waits for a reading that is under way no longer than it must.
func (l *lender) text(a *App, s *SecretText) (func(context.Context) (string, error), error) {
	read, err := l.lend(a, s)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, reopenEvery)
		defer cancel()
		value, err := read(ctx)
		if err != nil {
			return "", err
		}
		return value.Reveal(), nil
	}, nil
}

// use has the secrets read from now on.
func (l *lender) use() {
	for _, s := range l.lent {
		s.release = s.store.Use(s.path, nil)
	}
}

// giveBack ends the use of the secrets.
func (l *lender) giveBack() {
	for _, s := range l.lent {
		if s.release != nil {
			s.release()
		}
		if _, err := stores.Delete(s.key); err != nil {
			slog.New(currentLog{}).Error("a secret store cannot be closed", "error", err)
		}
	}
	l.lent = nil
}
