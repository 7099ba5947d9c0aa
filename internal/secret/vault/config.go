package vault

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/psagate/psagate/internal/nearest"
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
	// CA is a PEM file with the certificates that the Vault's certificate is verified with. Default: the system's. It is
	// read when it is first needed, at each sign-in, and whenever it has changed.
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
	// Default for kubernetes: where Kubernetes mounts the service account's token.
	Path string
	// Certificate and Key are the PEM files of the client certificate of cert. They are read at each sign-in. With another
	// method they are for a Vault that takes no connection without one.
	Certificate, Key string
}

// serviceAccountToken is where Kubernetes mounts a pod's token.
const serviceAccountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token"

// methods are the ways to sign in, and what each needs.
var methods = map[string]func(Auth) map[string]bool{
	"token":      func(a Auth) map[string]bool { return map[string]bool{"a token": a.Secret != nil} },
	"token_file": func(a Auth) map[string]bool { return map[string]bool{"a path": a.Path != ""} },
	"approle": func(a Auth) map[string]bool {
		return map[string]bool{"a role id": a.Role != "", "a secret id": a.Secret != nil}
	},
	"kubernetes": func(a Auth) map[string]bool { return map[string]bool{"a role": a.Role != ""} },
	"jwt":        func(a Auth) map[string]bool { return map[string]bool{"a role": a.Role != "", "a path": a.Path != ""} },
	"cert": func(a Auth) map[string]bool {
		return map[string]bool{"a certificate": a.Certificate != "", "a key": a.Key != ""}
	},
}

// WithDefaults returns the settings with what is left out filled in.
func (c Config) WithDefaults() Config {
	c.Mount = strings.Trim(cmp.Or(c.Mount, "kv"), "/")
	c.Namespace = strings.Trim(c.Namespace, "/")
	c.Auth = c.Auth.withDefaults()
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

func (a Auth) withDefaults() Auth {
	a.Mount = strings.Trim(cmp.Or(a.Mount, a.Method), "/")
	if a.Method == "kubernetes" {
		a.Path = cmp.Or(a.Path, serviceAccountToken)
	}
	return a
}

// Check says what is wrong with the settings. It opens nothing and never shows the address, which somebody may have put a password into.
func (c Config) Check() error {
	c = c.WithDefaults()
	u, err := url.Parse(c.Address)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("vault: the address must be a base URL such as https://vault.example.com:8200")
	case u.User != nil || strings.ContainsAny(c.Address, "?#"):
		return fmt.Errorf("vault: the address must be a base URL without a user name, ? or #")
	case c.Auth.Method == "cert" && u.Scheme != "https":
		return fmt.Errorf("vault: auth cert shows a certificate, for which the address must begin with https://")
	}
	if problem := secret.PathProblem(c.Mount); problem != "" {
		return fmt.Errorf("vault: mount %q %s", c.Mount, problem)
	}
	return c.Auth.Check()
}

// Check says what is wrong with the way to sign in.
func (a Auth) Check() error {
	a = a.withDefaults()
	needs, known := methods[a.Method]
	if !known {
		return unknownMethod(a.Method)
	}
	all := needs(a)
	for _, what := range slices.Sorted(maps.Keys(all)) {
		if !all[what] {
			return fmt.Errorf("vault: auth %s needs %s", a.Method, what)
		}
	}
	if (a.Certificate == "") != (a.Key == "") {
		return fmt.Errorf("vault: auth %s: a certificate needs its key, and a key its certificate", a.Method)
	}
	if problem := secret.PathProblem(a.Mount); problem != "" {
		return fmt.Errorf("vault: auth %s: mount %q %s", a.Method, a.Mount, problem)
	}
	return nil
}

func unknownMethod(method string) error {
	known := make([]string, 0, len(methods))
	for name := range methods {
		known = append(known, name)
	}
	slices.Sort(known)
	hint := ""
	if name, near := nearest.Word(method, known); near {
		hint = fmt.Sprintf(" (did you mean %q?)", name)
	}
	return fmt.Errorf("vault: the auth method is unknown%s: it is one of %s", hint, strings.Join(known, ", "))
}
