package caddymodule

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/internal/secret"
)

// stores are the secret stores that are open, by their key: a config that means the same store goes on with it.
var stores = caddy.NewUsagePool()

// opened is a secret store in the pool. It reads nothing before a config that uses it is in force.
type opened struct {
	*secret.Store
	source secret.Source
	// held are the stores that this one is opened with, and its uses of their records.
	held []func() error
}

// Destruct implements caddy.Destructor.
func (s *opened) Destruct() (err error) {
	s.Stop()
	if closer, ok := s.source.(io.Closer); ok {
		err = closer.Close()
	}
	return errors.Join(err, s.giveBack())
}

// storeKey names what a store reads, and what it is opened with. Circles have been refused.
func storeKey(name string, modules map[string]SecretStore) string {
	key := modules[name].Key()
	for _, need := range modules[name].Needs() {
		if need.Store != "" {
			key += fmt.Sprintf(" with %s of (%s)", need.Path, storeKey(need.Store, modules))
		}
	}
	return key
}

// checkPlaces refuses two names for one place: its times would be those of either.
func checkPlaces(modules map[string]SecretStore) error {
	names := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		key := storeKey(name, modules)
		if other, ok := names[key]; ok {
			return faultAt("secrets "+name, "it reads what store %s reads, in the same way: name it once", other)
		}
		names[key] = name
	}
	return nil
}

// openStore finds a store in the pool, or makes it, together with the stores that it is opened with. Who opens it gives
// its key back to the pool.
func openStore(name string, modules map[string]SecretStore) (*secret.Store, error) {
	v, _, err := stores.LoadOrNew(storeKey(name, modules), func() (caddy.Destructor, error) {
		s := new(opened)
		if err := s.open(name, modules); err != nil {
			return nil, errors.Join(err, s.giveBack())
		}
		return s, nil
	})
	if err != nil {
		return nil, err
	}
	return v.(*opened).Store, nil
}

func (s *opened) open(name string, modules map[string]SecretStore) error {
	module := modules[name]
	log := slog.New(currentLog{}).With("store", name)
	found := map[*SecretText]secret.Func{}
	for _, need := range module.Needs() {
		if need.Store == "" {
			found[need] = need.placed
			continue
		}
		other, err := openStore(need.Store, modules)
		if err != nil {
			return err
		}
		key, release := storeKey(need.Store, modules), other.Use(need.Path, nil)
		s.held = append(s.held, func() error {
			release()
			_, err := stores.Delete(key)
			return err
		})
		found[need] = need.of(other)
	}
	var err error
	if s.source, err = module.Source(func(t *SecretText) secret.Func { return found[t] }, log); err != nil {
		return fmt.Errorf("secrets %s: %w", name, err)
	}
	poll, maxStale := module.Freshness()
	s.Store = secret.NewStore(name, s.source, secret.Options{Poll: poll, MaxStale: maxStale, Logger: slog.New(currentLog{})})
	return nil
}

func (s *opened) giveBack() (err error) {
	for _, giveBack := range s.held {
		err = errors.Join(err, giveBack())
	}
	s.held = nil
	return err
}
