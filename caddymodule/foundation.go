package caddymodule

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/call"
	"github.com/psagate/psagate/internal/installation"
	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/store"
	"github.com/psagate/psagate/internal/totp"
)

// foundation is what outlives the configs of this process: a reload must never forget a failed sign-in. Its store is opened
// by the first config that comes into force, never by one that is only looked at.
type foundation struct {
	store  *store.Store
	shared *call.Shared
	people *totp.Engine // their second factors; once the store is open
	begin  func(current, former []byte)

	opened chan struct{} // closed once the store is open, and the key is known

	mu       sync.Mutex
	identity string // of what is open; empty: nothing is
	key      installation.Key
	made     bool // the key was made by this process

	sweeping context.Context // ends with what outlives configs
	sweptOut context.CancelFunc
}

// ground is this process's.
var ground = sync.OnceValue(func() *foundation {
	log := slog.New(currentLog{})
	f := &foundation{store: store.New(log), opened: make(chan struct{})}
	f.people = totp.New(totp.Config{Store: f.store.TOTP(), Key: f.installationKey})
	f.sweeping, f.sweptOut = context.WithCancel(context.Background())
	f.shared = call.NewShared(f.store, log)
	f.begin = f.shared.Hold()
	f.shared.Observe(observer{counted, &heralded, alarms()})
	caddy.OnExit(func(context.Context) {
		if err := f.close(); err != nil {
			log.Error("closing the store", "error", err)
		}
	})
	return f
})

// Close ends what outlives configs, the audit logs and the store. Caddy's own commands do so as they exit; a program that has
// Caddy within itself calls it after its last [caddy.Stop], and loads no config with psagate in it afterwards: until then the
// store is written to, and made anew where its files are removed.
func Close() error { return ground().close() }

func (f *foundation) close() error {
	endTrails()
	f.sweptOut()
	return f.store.Close()
}

// identity tells what a config wants to be open.
func (a *App) identity() string {
	id := a.Store.identity()
	if a.InstallationKey != nil {
		id += " with the key in " + a.InstallationKey.Store + " " + a.InstallationKey.Path
	}
	return id
}

// secretsFirst reports whether the store can only be opened once secret stores are read.
func (a *App) secretsFirst() bool {
	return a.InstallationKey != nil || a.Store != nil && a.Store.DSNSecret != nil && a.Store.DSNSecret.Store != ""
}

// open opens the store for a config, unless it is open. find reads a secret of the config's.
func (f *foundation) open(ctx context.Context, a *App, find func(context.Context, *SecretText) (secret.Value, error), fields func(context.Context, *SecretRef) (map[string]string, error)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch id := a.identity(); f.identity {
	case id:
		return nil
	case "":
	default:
		return fmt.Errorf("the store and the installation key cannot be changed while psagate runs: stop it, and start it with the new config")
	}
	if err := f.findKey(ctx, a, fields); err != nil {
		return err
	}
	cfg, err := a.storeConfig(ctx, find)
	if err != nil {
		return err
	}
	if err := f.store.Start(context.Background(), cfg); err != nil {
		return err
	}
	f.identity = a.identity()
	go f.shared.WatchSwitches(context.Background(), hastenMails)
	f.begin(f.key.Fingerprints())
	close(f.opened)
	go f.people.KeepSwept(f.sweeping, slog.New(currentLog{}))
	return nil
}

// installationKey is the key as it is now; the zero key as long as the store is not open.
func (f *foundation) installationKey() installation.Key {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.key
}

// auditKeys are the keys of the audit log, once the store is open.
func (f *foundation) auditKeys() []audit.Key {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.key.Audit()
}

func (f *foundation) findKey(ctx context.Context, a *App, fields func(context.Context, *SecretRef) (map[string]string, error)) (err error) {
	if a.InstallationKey == nil {
		var made bool
		f.key, made, err = installation.FromFile(keyFile())
		f.made = f.made || made // a second try finds the key that the first one made
		return err
	}
	got, err := fields(ctx, a.InstallationKey)
	if err == nil {
		f.key, err = installation.FromFields(got)
	}
	if err != nil {
		return fmt.Errorf("installation_key, record %s %s: %w", a.InstallationKey.Store, a.InstallationKey.Path, err)
	}
	return nil
}

func (a *App) storeConfig(ctx context.Context, find func(context.Context, *SecretText) (secret.Value, error)) (store.Config, error) {
	cfg := store.Config{Kind: a.Store.kind(), Place: a.Store.path(), Dir: dataPath("state")}
	if a.Store != nil {
		cfg.TTL = time.Duration(a.Store.TTL)
	}
	if cfg.Kind == store.SQLite {
		return cfg, nil
	}
	cfg.Place = a.Store.DSN
	if a.Store.DSNSecret != nil {
		text, err := find(ctx, a.Store.DSNSecret)
		if err != nil {
			return cfg, fmt.Errorf("store postgres: %w", err)
		}
		cfg.Place = text.Reveal()
	}
	return cfg, nil
}

// openNow opens the store of a config that needs no secret store for that.
func (a *App) openNow() error {
	find := func(ctx context.Context, t *SecretText) (secret.Value, error) { return t.placed(ctx) }
	return ground().open(context.Background(), a, find, nil)
}

// reopenEvery is how often a store is tried to be opened whose secrets are not there.
const reopenEvery = 5 * time.Second

// openLater opens the store of a config once the secrets that it needs can be read, until the config's end.
func (e *liveEngine) openLater(a *App) {
	ctx, cancel := context.WithCancel(context.Background())
	e.ending = append(e.ending, cancel)
	go func() {
		for {
			err := ground().open(ctx, a, e.text, e.fields)
			if err == nil || ctx.Err() != nil {
				return
			}
			slog.New(currentLog{}).Error("the store cannot be opened, so nothing is sent", "error", err)
			select {
			case <-time.After(reopenEvery):
			case <-ctx.Done():
				return
			}
		}
	}()
}

// text reads a secret of the config's, which may have to be waited for.
func (e *liveEngine) text(ctx context.Context, t *SecretText) (secret.Value, error) {
	if t.Store == "" {
		return t.placed(ctx)
	}
	defer e.stores[t.Store].Use(t.Path, nil)()
	ctx, cancel := context.WithTimeout(ctx, reopenEvery)
	defer cancel()
	return t.of(e.stores[t.Store])(ctx)
}

// fields reads a record of the config's, which may have to be waited for.
func (e *liveEngine) fields(ctx context.Context, ref *SecretRef) (map[string]string, error) {
	defer e.stores[ref.Store].Use(ref.Path, nil)()
	ctx, cancel := context.WithTimeout(ctx, reopenEvery)
	defer cancel()
	record, err := e.stores[ref.Store].Wait(ctx, ref.Path)
	if err != nil {
		return nil, err
	}
	fields := make(map[string]string, len(record.Fields))
	for name, value := range record.Fields {
		fields[name] = value.Reveal()
	}
	return fields, nil
}
