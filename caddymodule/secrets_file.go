package caddymodule

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/psagate/psagate/internal/secret"
)

func init() {
	caddy.RegisterModule(new(FileSecrets))
}

// FileSecrets is a secret store that reads a JSON file: an object whose keys are record paths and whose values are
// objects of fields. It is read again when it changes.
type FileSecrets struct {
	// Path is the file. Placeholders such as {env.PSAGATE_SECRETS} are replaced when the config is loaded. Required.
	Path string `json:"path,omitempty"`

	// Poll is the time between two looks at the file. Default: 15s.
	Poll caddy.Duration `json:"poll,omitempty"`

	// MaxStale is how long the last known records serve while the file cannot be read. Default: 1h.
	MaxStale caddy.Duration `json:"max_stale,omitempty"`

	// InsecurePermissions accepts a file that others may read or write. Default: false.
	InsecurePermissions bool `json:"insecure_permissions,omitempty"`

	path string
}

// CaddyModule returns the Caddy module information.
func (*FileSecrets) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "psa.secrets.file", New: func() caddy.Module { return new(FileSecrets) }}
}

// Provision resolves the path. The file need not be there yet.
func (f *FileSecrets) Provision(caddy.Context) error {
	path, err := caddy.NewReplacer().ReplaceOrErr(f.Path, true, true)
	if err != nil {
		return fmt.Errorf("path %s of the secrets file: %w", f.Path, err)
	}
	f.path = path
	return nil
}

// Validate says what is wrong with the settings.
func (f *FileSecrets) Validate() error {
	if f.Path == "" {
		return fmt.Errorf("the path of the secrets file is missing")
	}
	poll, maxStale := f.Freshness()
	return checkFreshness(poll, maxStale, 100*time.Millisecond)
}

// Key implements [SecretStore].
func (f *FileSecrets) Key() string {
	return fmt.Sprintf("file %t %s", f.InsecurePermissions, f.path)
}

// Source implements [SecretStore].
func (f *FileSecrets) Source(func(*SecretText) secret.Func, *slog.Logger) (secret.Source, error) {
	return secret.NewFile(f.path, f.InsecurePermissions), nil
}

// Needs implements [SecretStore].
func (f *FileSecrets) Needs() []*SecretText { return nil }

// Freshness implements [SecretStore].
func (f *FileSecrets) Freshness() (poll, maxStale time.Duration) {
	return defaultTo(f.Poll, 15*time.Second), defaultTo(f.MaxStale, time.Hour)
}

func defaultTo(d caddy.Duration, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return time.Duration(d)
}

// UnmarshalCaddyfile reads the store's settings. Syntax:
//
//	file <path> {
//	    poll <duration>
//	    max_stale <duration>
//	    insecure_permissions
//	}
func (f *FileSecrets) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the store's kind
	w := at(d)
	args, err := w.args("<path>")
	if err != nil {
		return err
	}
	f.Path = args[0]
	return w.block("secrets", words{
		"poll":                 func(w *word) (err error) { f.Poll, err = w.duration(); return err },
		"max_stale":            func(w *word) (err error) { f.MaxStale, err = w.duration(); return err },
		"insecure_permissions": func(w *word) (err error) { f.InsecurePermissions, err = w.present(); return err },
	})
}

var (
	_ SecretStore           = (*FileSecrets)(nil)
	_ caddy.Provisioner     = (*FileSecrets)(nil)
	_ caddy.Validator       = (*FileSecrets)(nil)
	_ caddyfile.Unmarshaler = (*FileSecrets)(nil)
)
