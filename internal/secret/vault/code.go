package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/secret"
)

// totpKey is a key of Vault's TOTP secrets engine.
type totpKey struct{ mount, name string }

func (k totpKey) code() location { return location{k.mount, "code", k.name} }
func (k totpKey) key() location  { return location{k.mount, "keys", k.name} }

// codeTries is how often a code is asked for, so that it is known which period it is of.
const codeTries = 3

// Code implements [secret.Coder] with Vault's TOTP secrets engine, which keeps the seed to itself: the path is the engine's mount and
// the key's name, such as totp/autotask. Until when a code is the present one goes by the clock of this host, which must agree with
// Vault's, and needs the right to read the key, which tells its period, and no seed; without that right it is not known.
func (s *Source) Code(ctx context.Context, path string) (secret.Code, error) {
	at, err := totpKeyAt(path)
	if err != nil {
		return secret.Code{}, err
	}
	period, err := s.period(ctx, at)
	if err != nil {
		return secret.Code{}, err
	}
	for try := 1; ; try++ {
		before := time.Now()
		text, err := s.code(ctx, at)
		if err != nil || period == 0 {
			return secret.Code{Text: text}, err
		}
		// Between two periods it may be the code of either.
		seconds := int64(period / time.Second)
		ends := time.Unix((before.Unix()/seconds+1)*seconds, 0)
		if time.Now().Before(ends) || try == codeTries {
			return secret.Code{Text: text, Until: ends, Period: period}, nil
		}
	}
}

func totpKeyAt(path string) (totpKey, error) {
	if problem := secret.PathProblem(path); problem != "" {
		return totpKey{}, notFound("%q is no path of a TOTP key: it %s", path, problem)
	}
	slash := strings.LastIndexByte(path, '/')
	if slash < 0 {
		return totpKey{}, notFound("%q is no path of a TOTP key: it is the mount of the engine and the key's name, such as totp/%s", path, path)
	}
	return totpKey{path[:slash], path[slash+1:]}, nil
}

// code asks for the present code.
func (s *Source) code(ctx context.Context, at totpKey) (secret.Value, error) {
	a, err := s.get(ctx, at.code())
	switch {
	case err != nil:
		return secret.Value{}, err
	case a.status == http.StatusForbidden:
		return secret.Value{}, s.forbidden(at.code())
	case a.status != http.StatusOK:
		return secret.Value{}, at.absent(a, "reading a code of "+at.key().String())
	}
	text, _ := a.secret().Data["code"].(string)
	if len(text) < 6 || len(text) > 8 || strings.Trim(text, "0123456789") != "" {
		return secret.Value{}, fmt.Errorf("%w: what Vault gives for %s is no code", secret.ErrUnavailable, at.code())
	}
	return secret.NewValue(text), nil
}

// period is how long each code of a key is the present one; 0 where the token may not read that.
func (s *Source) period(ctx context.Context, at totpKey) (time.Duration, error) {
	a, err := s.get(ctx, at.key())
	switch {
	case err != nil:
		return 0, err
	case a.status == http.StatusForbidden:
		return 0, nil
	case a.status != http.StatusOK:
		return 0, at.absent(a, "reading the key "+at.key().String())
	}
	number, _ := a.secret().Data["period"].(json.Number)
	seconds, err := number.Int64()
	if err != nil || seconds <= 0 || seconds > int64(time.Hour/time.Second) {
		return 0, nil // a code without its time is better than none
	}
	return time.Duration(seconds) * time.Second, nil
}

// absent says why Vault has no such key.
func (k totpKey) absent(a answer, doing string) error {
	switch text := a.text(); {
	case strings.Contains(text, "no handler for route"):
		return notFound("Vault has no secrets engine at %q: name the mount of a TOTP engine, then the key", k.mount)
	case strings.Contains(text, "unsupported path"), strings.Contains(strings.Join(a.secret().Warnings, " "), "K/V"):
		return notFound("the secrets engine at %q is not of the type totp", k.mount)
	case strings.Contains(text, "unknown key"), a.status == http.StatusNotFound:
		return notFound("the TOTP engine at %q has no key %q", k.mount, k.name)
	}
	return a.unexpected(doing)
}
