package caddymodule

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/secret"
)

// fault is what is wrong with the config, and where: path are the words of the Caddyfile that lead there.
type fault struct {
	path string
	err  error
}

// Error implements error.
func (f *fault) Error() string { return shown(f.path) + ": " + f.err.Error() }

// Unwrap returns what is wrong.
func (f *fault) Unwrap() error { return f.err }

func faultAt(path, format string, args ...any) error {
	return &fault{path: path, err: fmt.Errorf(format, args...)}
}

// check says what is wrong with the config as a whole. It is asked by the Caddyfile's parser, which knows file and line,
// and again when the config is loaded, for those who write JSON.
func (a *App) check() error {
	for _, name := range slices.Sorted(maps.Keys(a.SecretsRaw)) {
		if err := checkName(name); err != nil {
			return faultAt("secrets "+name, "%w", err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Logins)) {
		if err := a.checkLogin(name, a.Logins[name]); err != nil {
			return err
		}
	}
	if err := cmp.Or(a.checkStore(), a.checkPools(), a.checkPolicy(), a.checkFreeze(), a.checkIssuers(), a.checkSecondFactor()); err != nil {
		return err
	}
	keys, certs, records, jwts := map[string]string{}, map[string]string{}, map[SecretRef]string{}, map[JWT]string{}
	for _, name := range slices.Sorted(maps.Keys(a.Integrations)) {
		if err := a.checkIntegration(name, a.Integrations[name]); err != nil {
			return err
		}
		if err := checkKeys(name, a.Integrations[name].Keys, keys); err != nil {
			return err
		}
		if err := checkCerts(name, a.Integrations[name].ClientCerts, certs); err != nil {
			return err
		}
		if err := a.checkJWTs(name, a.Integrations[name].JWTs, jwts); err != nil {
			return err
		}
		if err := checkKeyFrom(name, a.Integrations[name].KeyFrom, records); err != nil {
			return err
		}
	}
	return cmp.Or(a.checkPassThrough(), a.checkAlerts(), a.checkAudit(), a.checkMailboxes())
}

// checkPassThrough finds integrations that one call with a credential of its own could be either of.
func (a *App) checkPassThrough() error {
	holders := map[string][]*identity.Integration{} // of a PSA user
	for _, name := range slices.Sorted(maps.Keys(a.Integrations)) {
		i, err := a.Integrations[name].identity(name)
		if err != nil {
			return faultAt("integration "+name, "%w", err)
		}
		for _, user := range slices.Sorted(maps.Keys(i.PassThrough)) {
			for _, other := range holders[user] {
				if i.Mistakable(other) {
					return faultAt("integration "+name+" passthrough", "integration %s has %s too, and both may call from one address, which would tell neither: give each networks of its own, or a client_cert", other.Name, user)
				}
			}
			holders[user] = append(holders[user], &i.Integration)
		}
	}
	return nil
}

func (a *App) checkLogin(name string, l *Login) error {
	path := "login " + name
	if err := checkName(name); err != nil {
		return faultAt(path, "%w", err)
	}
	if l == nil || l.Secret == nil {
		return faultAt(path, "the line `secret <store> <path>` is missing")
	}
	if err := a.checkRef(path+" secret", l.Secret); err != nil {
		return err
	}
	if err := l.checkHosts(path); err != nil {
		return err
	}
	if err := l.checkPositive(); err != nil {
		return faultAt(path+" lockout", "%w", err)
	}
	if err := l.Settings().Validate(); err != nil {
		return faultAt(path+" lockout", "%w", err)
	}
	if l.TOTP != nil {
		return a.checkTOTP(path+" totp", l.TOTP)
	}
	return nil
}

// checkRef says what is wrong with the naming of a record.
func (a *App) checkRef(path string, ref *SecretRef) error {
	if ref.Store == "" || ref.Path == "" {
		return faultAt(path, "a record is named by its store and its path")
	}
	if keyLike.MatchString(ref.Path) {
		return faultAt(path, "this is a key itself, which must not be in a config: what stands here is the path of a record")
	}
	if problem := secret.PathProblem(ref.Path); problem != "" {
		return faultAt(path, "the record's path %s", problem)
	}
	if _, ok := a.SecretsRaw[ref.Store]; !ok {
		return faultAt(path, "there is no store of that name; %s", defined(a.SecretsRaw))
	}
	return nil
}

// checkPositive catches what would else be taken for a default.
func (l *Login) checkPositive() error {
	if k := l.Lockout; k != nil && min(k.Threshold, k.Budget, k.InFlight) < 0 {
		return fmt.Errorf("threshold, budget and in_flight must be more than 0")
	}
	return nil
}

// checkKeys says what is wrong with an integration's key hashes. holders are the hashes seen so far, with whose they are.
func checkKeys(name string, keys []string, holders map[string]string) error {
	path := "integration " + name + " key"
	for _, key := range keys {
		hash, err := parseKeyHash(key)
		if err != nil {
			return faultAt(path, "%w", err)
		}
		if holder, ok := holders[hash.String()]; ok {
			return faultAt(path, "the key with id %s is there twice: integration %s has it already, and a key must tell who calls", hash.ID(), holder)
		}
		holders[hash.String()] = name
	}
	return nil
}

// checkCerts finds a certificate that would tell of two integrations.
func checkCerts(name string, certs []string, holders map[string]string) error {
	path := "integration " + name + " client_cert"
	for _, text := range certs {
		cert, err := certName(text)
		if err != nil {
			return faultAt(path, "%w", err)
		}
		if holder, ok := holders[cert]; ok {
			return faultAt(path, "%q is there twice: integration %s has it already, and a certificate must tell who calls", text, holder)
		}
		holders[cert] = name
	}
	return nil
}

// checkKeyFrom finds a record that would give its keys to two integrations.
func checkKeyFrom(name string, from *SecretRef, holders map[SecretRef]string) error {
	if from == nil {
		return nil
	}
	if holder, ok := holders[*from]; ok {
		return faultAt("integration "+name+" key_from", "integration %s has that record already, and a key must tell who calls: make a record for each", holder)
	}
	holders[*from] = name
	return nil
}

// parseKeyHash reads a hash as `psagate key new` prints it. Its errors never show what was written instead.
func parseKeyHash(text string) (identity.Hash, error) {
	if strings.Contains(strings.ToLower(text), "psagate_") {
		return identity.Hash{}, fmt.Errorf("this is a key itself, which must not be in a config: put its hash here, the line `key sha256:…` that `psagate key new` printed with it, and replace the key if others could read this file")
	}
	hash, err := identity.ParseHash(text)
	if err != nil {
		return identity.Hash{}, fmt.Errorf("key takes the hash of a key, sha256: and 64 hex digits, as `psagate key new` prints it")
	}
	return hash, nil
}

// defined says which names there are.
func defined[V any](named map[string]V) string {
	if len(named) == 0 {
		return "none is defined"
	}
	return "defined: " + strings.Join(slices.Sorted(maps.Keys(named)), ", ")
}
