package ates

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

// refusal remembers the last secret that was refused, as an HMAC with a key of its own.
type refusal struct {
	key    [32]byte
	of     [32]byte
	inARow int
	at     time.Time
}

// tokenPause is how long no token is sent after the second one in a row was refused: tokens change by themselves, which proves
// nothing.
const tokenPause = 5 * time.Minute

func (r *refusal) print(secret string) [32]byte {
	if r.key == [32]byte{} {
		_, _ = rand.Read(r.key[:]) // it never fails
	}
	h := hmac.New(sha256.New, r.key[:])
	h.Write([]byte(secret))
	return [32]byte(h.Sum(nil))
}

func (r *refusal) note(secret string, now time.Time) {
	r.of, r.at = r.print(secret), now
	r.inARow++
}

func (r *refusal) forget() { r.inARow = 0 }

// secret is what to sign in with, if it may be sent; nothing where nobody signs in.
func (r *refusal) secret(ctx context.Context, s Server, now time.Time) (string, error) {
	get, what := s.Password, "password"
	if s.Token != nil {
		get, what = s.Token, "access token"
	}
	if get == nil {
		return "", nil
	}
	secret, err := get(ctx)
	if err == nil && secret == "" {
		err = errors.New("it is empty")
	}
	switch {
	case err != nil:
		return "", fmt.Errorf("there is no %s for %s at %s: %w", what, s.User, s.Address, err)
	case r.inARow > 0 && r.print(secret) == r.of:
		return "", fmt.Errorf("%s has refused the %s of %s, which is not sent again until it changes", s.Address, what, s.User)
	case s.Token != nil && r.inARow > 1 && now.Sub(r.at) < tokenPause:
		return "", fmt.Errorf("%s has refused %d access tokens of %s, one after the other; the next is sent %s after the last", s.Address, r.inARow, s.User, tokenPause)
	}
	return secret, nil
}
