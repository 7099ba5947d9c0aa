package caddymodule

import (
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/internal/store"
)

// Store is where what must outlive the process is kept, above all how many sign-ins of each login may have failed.
type Store struct {
	// Kind is sqlite, a file on this machine, or postgres, a database that several replicas share. Default: sqlite.
	Kind string `json:"kind,omitempty"`

	// Path is the file of sqlite. Default: psagate/store/psagate.db in Caddy's data directory.
	Path string `json:"path,omitempty"`

	// DSN is the connection string or URL of postgres, as libpq knows it, without a password. Required for postgres, where
	// there is no DSNSecret.
	DSN string `json:"dsn,omitempty"`

	// DSNSecret is the same where it holds a password. Default: none.
	DSNSecret *SecretText `json:"dsn_secret,omitempty"`

	// TTL is after how long a silence a process is taken for dead, at least 3s: it tells the store that it lives three times
	// in that time, and may send for two thirds of it without. Processes that share a store need the same. Default: 15s.
	TTL caddy.Duration `json:"ttl,omitempty"`
}

// minTTL leaves time for a beat to be late.
const minTTL = 3 * time.Second

// dataPath is the path of something of psagate's own in Caddy's data directory.
func dataPath(parts ...string) string {
	return filepath.Join(append([]string{caddy.AppDataDir(), "psagate"}, parts...)...)
}

// kind returns the store's kind; of nil it is the default.
func (s *Store) kind() store.Kind {
	if s == nil || s.Kind == "" {
		return store.SQLite
	}
	return store.Kind(s.Kind)
}

// identity tells two stores apart without holding a secret.
func (s *Store) identity() string {
	if s.kind() == store.PostgreSQL {
		return "postgres " + s.DSN + s.DSNSecret.key()
	}
	return "sqlite " + s.path()
}

func (s *Store) path() string {
	if s == nil || s.Path == "" {
		return dataPath("store", "psagate.db")
	}
	return s.Path
}

// checkStore says what is wrong with the store, and with the key that what is in it is made with.
func (a *App) checkStore() error {
	s := a.Store
	switch {
	case s != nil && s.TTL != 0 && time.Duration(s.TTL) < minTTL:
		return faultAt("store", "ttl %s: at least %s", time.Duration(s.TTL), minTTL)
	case s.kind() != store.SQLite && s.kind() != store.PostgreSQL:
		return faultAt("store", "the kind of store is %s or %s", store.SQLite, store.PostgreSQL)
	case s.kind() == store.SQLite && s != nil && (s.DSN != "" || s.DSNSecret != nil):
		return faultAt("store", "a connection string is for postgres: sqlite takes the path of a file")
	case s.kind() == store.SQLite && s != nil && s.Path != "" && !filepath.IsAbs(s.Path):
		return faultAt("store", "the path of the file must be absolute, such as /var/lib/psagate/psagate.db: what a relative one means hangs on where the server was started")
	case s.kind() == store.PostgreSQL && s.Path != "":
		return faultAt("store", "a path is for sqlite: postgres takes a connection string")
	case s.kind() == store.PostgreSQL && s.DSN == "" && s.DSNSecret == nil:
		return faultAt("store", "the connection string is missing")
	case s.kind() == store.PostgreSQL && s.DSN != "" && s.DSNSecret != nil:
		return faultAt("store", "there are two connection strings")
	case s.kind() == store.PostgreSQL && holdsPassword(s.DSN):
		return faultAt("store", "a password must not be in a config: write the whole connection string as %s", secretForms)
	case s.kind() == store.PostgreSQL && a.InstallationKey == nil:
		return faultAt("store", "replicas must share a key, so postgres needs the line `installation_key secret <store> <path>`: a record whose field key is what `openssl rand -base64 32` prints")
	}
	if s != nil && s.DSNSecret != nil {
		if err := a.checkText("store", s.DSNSecret); err != nil {
			return err
		}
	}
	if a.InstallationKey != nil {
		return a.checkRef("installation_key", a.InstallationKey)
	}
	return nil
}

// checkText says what is wrong with the naming of a secret.
func (a *App) checkText(path string, s *SecretText) error {
	if err := s.check(); err != nil {
		return faultAt(path, "%w", err)
	}
	if _, ok := a.SecretsRaw[s.Store]; s.Store != "" && !ok {
		return faultAt(path, "there is no store of that name; %s", defined(a.SecretsRaw))
	}
	return nil
}

var passwordWord = regexp.MustCompile(`(?i)(^|[\s?&;])(ssl)?password\s*=`)

// holdsPassword reports whether a connection string has a password in it.
func holdsPassword(dsn string) bool {
	u, err := url.Parse(dsn)
	if err != nil && strings.Contains(dsn, "://") && strings.Contains(dsn, "@") { // as of a password with a slash in it, which errors would tell
		return true
	}
	if err == nil && u.User != nil {
		if _, has := u.User.Password(); has {
			return true
		}
	}
	return passwordWord.MatchString(dsn)
}
