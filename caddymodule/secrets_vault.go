package caddymodule

import (
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/secret/vault"
)

func init() {
	caddy.RegisterModule(new(VaultSecrets))
}

// VaultSecrets is a secret store that reads the KV version 2 secrets engine of HashiCorp Vault. A record is one secret of
// that engine; all its fields are of one version.
//
// Placeholders such as {env.VAULT_ADDR} are replaced in all of its settings when the config is loaded. Vault's own
// environment variables have no effect by themselves.
type VaultSecrets struct {
	// Address is Vault's base URL. Plain HTTP is for loopback addresses alone, unless InsecureHTTP. Required.
	Address string `json:"address,omitempty"`

	// Auth is how psagate signs in to Vault. Required.
	Auth *VaultAuth `json:"auth,omitempty"`

	// Mount is the path of the secrets engine. Default: kv.
	Mount string `json:"mount,omitempty"`

	// Namespace is the namespace of the secrets engine and the sign-in (Vault Enterprise). Default: none.
	Namespace string `json:"namespace,omitempty"`

	// CA is a PEM file of the certificates that Vault's is verified with. Default: the system's.
	CA string `json:"ca,omitempty"`

	// Poll is the time between two looks at the version of a record in use. Default: 15s.
	Poll caddy.Duration `json:"poll,omitempty"`

	// MaxStale is how long the last known records serve while Vault gives none. Default: 1h.
	MaxStale caddy.Duration `json:"max_stale,omitempty"`

	// InsecureHTTP accepts plain HTTP to any host, which shows Vault's token and all secrets to the network. Default: false.
	InsecureHTTP bool `json:"insecure_http,omitempty"`

	source vault.Config
}

// VaultAuth is how psagate signs in to Vault.
type VaultAuth struct {
	// Method is token, token_file, approle, kubernetes, jwt or cert. Required.
	Method string `json:"method,omitempty"`

	// Mount is the path of the auth method. Default: the method's name.
	Mount string `json:"mount,omitempty"`

	// Role is the role id of approle, the role of kubernetes and jwt, and of cert the name of the role. Required, but for cert.
	Role string `json:"role,omitempty"`

	// Token is the token of the method token.
	Token *SecretText `json:"token,omitempty"`

	// SecretID is the secret id of the method approle.
	SecretID *SecretText `json:"secret_id,omitempty"`

	// Path is the file that holds the token of token_file, and the JWT of jwt and kubernetes; it is read at each sign-in.
	// Default for kubernetes: /var/run/secrets/kubernetes.io/serviceaccount/token
	Path string `json:"path,omitempty"`

	// Certificate is the PEM file of the client certificate of the method cert.
	Certificate string `json:"certificate,omitempty"`

	// Key is the PEM file of its private key.
	Key string `json:"key,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*VaultSecrets) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "psa.secrets.vault", New: func() caddy.Module { return new(VaultSecrets) }}
}

// MakesCodes tells that Vault's TOTP secrets engine does.
func (*VaultSecrets) MakesCodes() bool { return true }

// config returns the settings as the source takes them. The secret is not found yet.
func (v *VaultSecrets) config() vault.Config {
	cfg := vault.Config{Address: v.Address, Mount: v.Mount, Namespace: v.Namespace, CA: v.CA}
	if v.Auth != nil {
		cfg.Auth = v.Auth.config()
	}
	return cfg
}

func (a *VaultAuth) config() vault.Auth {
	auth := vault.Auth{Method: a.Method, Mount: a.Mount, Role: a.Role, Path: a.Path, Certificate: a.Certificate, Key: a.Key}
	if s := a.secret(); s != nil {
		auth.Secret = s.placed
	}
	return auth
}

// secret returns what the method signs in with, or nil.
func (a *VaultAuth) secret() *SecretText {
	switch a.Method {
	case "token":
		return a.Token
	case "approle":
		return a.SecretID
	}
	return nil
}

// Provision resolves placeholders. No file need be there yet, and Vault is not asked.
func (v *VaultSecrets) Provision(caddy.Context) error {
	v.source = v.config()
	for _, text := range []*string{
		&v.source.Address, &v.source.Mount, &v.source.Namespace, &v.source.CA,
		&v.source.Auth.Mount, &v.source.Auth.Role, &v.source.Auth.Path, &v.source.Auth.Certificate, &v.source.Auth.Key,
	} {
		resolved, err := caddy.NewReplacer().ReplaceOrErr(*text, true, true)
		if err != nil {
			return fmt.Errorf("secrets vault: a placeholder in its settings: %w", err)
		}
		*text = resolved
	}
	return nil
}

// Validate says what is wrong with the settings.
func (v *VaultSecrets) Validate() error { return v.check(v.source) }

// check says what is wrong with the settings, whose texts are cfg's.
func (v *VaultSecrets) check(cfg vault.Config) error {
	if v.Auth == nil {
		return fmt.Errorf("secrets vault: the line `auth …` is missing, such as `auth approle <role_id> {file./etc/psagate/secret_id}`")
	}
	if err := cfg.Check(); err != nil {
		return fmt.Errorf("secrets %w", err)
	}
	if path := cfg.Auth.Path; path != "" && !strings.ContainsAny(path, `/\`) {
		return fmt.Errorf("secrets vault: auth %s takes the path of a file, such as /run/secrets/vault, and never what is in it", cfg.Auth.Method)
	}
	if err := checkVaultAddress(cfg.Address, v.InsecureHTTP); err != nil {
		return err
	}
	poll, maxStale := v.Freshness()
	return checkFreshness(poll, maxStale, 100*time.Millisecond)
}

// checkVaultAddress says what is wrong with an address that a Vault may have. It does not show it.
func checkVaultAddress(address string, insecure bool) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || strings.Trim(u.Path, "/") != "":
		return fmt.Errorf("secrets vault: the address ends after host and port; the engine's path is a line `mount`")
	case u.Scheme == "http" && !insecure && !isLoopback(u.Hostname()):
		return fmt.Errorf("secrets vault: plain HTTP would show the token and every secret to the network; write https://, and `ca <pem file>` for a certificate of your own, or insecure_http")
	}
	return nil
}

// Key implements [SecretStore].
func (v *VaultSecrets) Key() string {
	cfg := v.source.WithDefaults() // so that a default that is written down is the same store
	cfg.Auth.Secret, cfg.Log = nil, nil
	return fmt.Sprintf("vault %+v %s", cfg, v.Auth.secret().key())
}

// Needs implements [SecretStore].
func (v *VaultSecrets) Needs() []*SecretText {
	if v.Auth == nil || v.Auth.secret() == nil {
		return nil
	}
	return []*SecretText{v.Auth.secret()}
}

// Source implements [SecretStore].
func (v *VaultSecrets) Source(find func(*SecretText) secret.Func, log *slog.Logger) (secret.Source, error) {
	cfg := v.source
	cfg.Log = log
	for _, s := range v.Needs() { // a method has one at most
		cfg.Auth.Secret = find(s)
	}
	return vault.New(cfg)
}

// Freshness implements [SecretStore].
func (v *VaultSecrets) Freshness() (poll, maxStale time.Duration) {
	return defaultTo(v.Poll, 15*time.Second), defaultTo(v.MaxStale, time.Hour)
}

var (
	_ SecretStore       = (*VaultSecrets)(nil)
	_ caddy.Provisioner = (*VaultSecrets)(nil)
	_ caddy.Validator   = (*VaultSecrets)(nil)
)
