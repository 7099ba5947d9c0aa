package imap

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"time"
)

// refusal remembers the last secret that was refused, as an HMAC with a key of its own.
type refusal struct {
	key    [32]byte
	of     [32]byte
	inARow int
	at     time.Time
}

// tokenPause is how long no token is sent after the second one in a row was refused: tokens change by themselves, which
// proves nothing.
const tokenPause = 5 * time.Minute

func (r *refusal) print(secret string) (sum [32]byte) {
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

// secret is what to sign in with, if it may be sent.
func (r *refusal) secret(ctx context.Context, m Mailbox, now time.Time) (string, error) {
	get, what := m.Password, "password"
	if get == nil {
		get, what = m.Token, "access token"
	}
	secret, err := get(ctx)
	switch {
	case err != nil:
		return "", problem(SigningIn, err, "there is no %s for %s: %v", what, m.User, err)
	case secret == "":
		return "", problem(SigningIn, nil, "the %s of %s is empty: nothing is sent", what, m.User)
	case r.inARow > 0 && r.print(secret) == r.of:
		p := problem(SigningIn, nil, "the server has refused the %s of %s, which is not sent again until it changes", what, m.User)
		p.Refused = true
		return "", p
	case m.Token != nil && r.inARow > 1 && now.Sub(r.at) < tokenPause:
		p := problem(SigningIn, nil, "the server has refused %d access tokens of %s, one after the other; the next is sent %s after the last", r.inARow, m.User, tokenPause)
		p.Refused = true
		return "", p
	}
	return secret, nil
}
