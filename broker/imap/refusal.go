package imap

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"
)

// Refusals remember which secret of a mailbox was refused last, as an HMAC with a key of their own. Where a Mailbox has them,
// whoever uses it next, another Source or a Trial, does not send again what was refused before.
type Refusals struct {
	mu     sync.Mutex
	key    [32]byte
	of     [32]byte
	inARow int
	at     time.Time
	// said is what the server answered, in words for people.
	said string
}

// tokenPause is how long no token is sent after the second one in a row was refused: tokens change by themselves, which
// proves nothing.
const tokenPause = 5 * time.Minute

func (r *Refusals) print(secret string) (sum [32]byte) {
	if r.key == [32]byte{} {
		_, _ = rand.Read(r.key[:]) // it never fails
	}
	h := hmac.New(sha256.New, r.key[:])
	h.Write([]byte(secret))
	return [32]byte(h.Sum(nil))
}

// note remembers a refusal, and what the server said of it, which has no secret in it.
func (r *Refusals) note(secret, said string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of, r.at, r.said = r.print(secret), now, said
	r.inARow++
}

func (r *Refusals) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inARow = 0
}

// secret is what to sign in with, if it may be sent.
func (r *Refusals) secret(ctx context.Context, m Mailbox, now time.Time) (string, error) {
	secret, err := m.secret(ctx)
	if err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var p *Problem
	switch {
	case r.inARow > 0 && r.print(secret) == r.of:
		p = problem(SigningIn, nil, "the server has refused the %s of %s, which is not sent again until it changes: %s", m.secretKind(), m.User, r.said)
	case m.Token != nil && r.inARow > 1 && now.Sub(r.at) < tokenPause:
		p = problem(SigningIn, nil, "the server has refused %d access tokens of %s, one after the other; the next is sent %s after the last", r.inARow, m.User, tokenPause)
	default:
		return secret, nil
	}
	p.Refused = true
	return "", p
}

func (m Mailbox) secretKind() string {
	if m.Token != nil {
		return "access token"
	}
	return "password"
}

// secret is what there is to sign in with.
func (m Mailbox) secret(ctx context.Context) (string, error) {
	get := m.Password
	if get == nil {
		get = m.Token
	}
	secret, err := get(ctx)
	switch {
	case err != nil:
		return "", problem(SigningIn, err, "there is no %s for %s: %v", m.secretKind(), m.User, err)
	case secret == "":
		return "", problem(SigningIn, nil, "the %s of %s is empty: nothing is sent", m.secretKind(), m.User)
	}
	return secret, nil
}
