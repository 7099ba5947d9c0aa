package caddymodule

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// UnmarshalCaddyfile reads the store's settings. Syntax:
//
//	vault <address> {
//	    auth <method> ... { ... }
//	    mount <kv v2 mount>
//	    namespace <ns>
//	    ca <pem file>
//	    poll <duration>
//	    max_stale <duration>
//	    insecure_http
//	}
func (v *VaultSecrets) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the store's kind
	w := at(d)
	var err error
	if v.Address, err = w.text("<address>"); err != nil {
		return err
	}
	err = w.block("secrets vault", words{
		"auth":          v.readAuth,
		"mount":         func(w *word) (err error) { v.Mount, err = w.text("<kv v2 mount>"); return err },
		"namespace":     func(w *word) (err error) { v.Namespace, err = w.text("<ns>"); return err },
		"ca":            func(w *word) (err error) { v.CA, err = w.text("<pem file>"); return err },
		"poll":          func(w *word) (err error) { v.Poll, err = w.duration(); return err },
		"max_stale":     func(w *word) (err error) { v.MaxStale, err = w.duration(); return err },
		"insecure_http": func(w *word) (err error) { v.InsecureHTTP, err = w.present(); return err },
	})
	if err != nil {
		return err
	}
	cfg := v.config()
	if strings.Contains(cfg.Address, "{") { // a placeholder, which is replaced when the config is loaded
		cfg.Address = "https://vault.invalid"
	}
	if err := v.check(cfg); err != nil {
		return w.errorf("%w", err)
	}
	return nil
}

// vaultAuth is how the Caddyfile tells of one way to sign in.
type vaultAuth struct {
	// args reads what follows the method's name.
	args func(*VaultAuth, *word, []string) error
	// words are those of its block, beside mount.
	words func(*VaultAuth) words
}

// vaultAuths are the ways to sign in, by method. Syntax:
//
//	auth token <secret>
//	auth token_file <path>
//	auth approle <role_id> <secret>
//	auth kubernetes <role> {
//	    token_path <path>
//	}
//	auth jwt <role> <path>
//	auth cert {
//	    certificate <pem file>
//	    key <pem file>
//	    role <name>
//	}
//
// Each takes a block with the line `mount <path>`. <secret> is `secret <store> <path> [<field>]`, {file.PATH} or {env.NAME}.
var vaultAuths = map[string]vaultAuth{
	"token": {args: func(a *VaultAuth, w *word, args []string) (err error) {
		a.Token, err = w.secretText(args)
		return err
	}},
	"token_file": {args: func(a *VaultAuth, w *word, args []string) error {
		return w.into(args, []string{"<path>"}, &a.Path)
	}},
	"approle": {args: func(a *VaultAuth, w *word, args []string) (err error) {
		if len(args) == 0 {
			return w.errorf("auth approle takes <role_id> and a secret id: %s", secretForms)
		}
		a.Role = args[0]
		a.SecretID, err = w.secretText(args[1:])
		return err
	}},
	"kubernetes": {
		args: func(a *VaultAuth, w *word, args []string) error {
			return w.into(args, []string{"<role>"}, &a.Role)
		},
		words: func(a *VaultAuth) words {
			return words{"token_path": func(w *word) (err error) { a.Path, err = w.text("<path>"); return err }}
		},
	},
	"jwt": {args: func(a *VaultAuth, w *word, args []string) error {
		return w.into(args, []string{"<role>", "<path>"}, &a.Role, &a.Path)
	}},
	"cert": {
		args: func(_ *VaultAuth, w *word, args []string) error { return w.into(args, nil) },
		words: func(a *VaultAuth) words {
			return words{
				"certificate": func(w *word) (err error) { a.Certificate, err = w.text("<pem file>"); return err },
				"key":         func(w *word) (err error) { a.Key, err = w.text("<pem file>"); return err },
				"role":        func(w *word) (err error) { a.Role, err = w.text("<name>"); return err },
			}
		},
	},
}

func authMethods() []string { return slices.Sorted(maps.Keys(vaultAuths)) }

func (v *VaultSecrets) readAuth(w *word) error {
	args := w.d.RemainingArgs()
	if len(args) == 0 {
		return w.errorf("auth takes a method: %s", strings.Join(authMethods(), ", "))
	}
	method, ok := vaultAuths[args[0]]
	if !ok {
		return w.errorf("%s", unknownWord(args[0], "auth", authMethods()))
	}
	v.Auth = &VaultAuth{Method: args[0]}
	if err := method.args(v.Auth, w, args[1:]); err != nil {
		return err
	}
	known := words{"mount": func(w *word) (err error) { v.Auth.Mount, err = w.text("<path>"); return err }}
	if method.words != nil {
		maps.Copy(known, method.words(v.Auth))
	}
	if err := w.block("auth "+args[0], known); err != nil {
		return err
	}
	if err := v.Auth.config().Check(); err != nil {
		return w.errorf("%w", err)
	}
	return nil
}

// secretText reads arguments that are a secret.
func (w *word) secretText(args []string) (*SecretText, error) {
	s, err := parseSecretText(args)
	if err != nil {
		return nil, w.errorf("%s: %w", w.name, err)
	}
	return s, nil
}

// into puts a method's arguments, which are as many as they have names, where they belong.
func (w *word) into(args, names []string, to ...*string) error {
	if len(args) != len(names) {
		return w.errorf("auth takes %s after the method, and has %d arguments there", cmp.Or(strings.Join(names, " "), "nothing"), len(args))
	}
	for i := range args {
		*to[i] = args[i]
	}
	return nil
}
