package vault

import (
	"context"
	"errors"
	"time"

	"github.com/psagate/psagate/internal/secret"
)

// current returns the token that is held, and whether it is due to be renewed or replaced.
func (s *session) current() (t token, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, at := time.Now(), s.token.due()
	return s.token, !at.IsZero() && !now.Before(at) && !now.Before(s.notBefore)
}

// take is current for a request that the token is sent with: none is returned that does not live.
func (s *session) take() (t token, due bool) {
	t, due = s.current()
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.number != s.token.number || !s.token.live(time.Now()) {
		return token{}, false
	}
	if s.token.uses > 0 {
		s.token.uses--
	}
	return t, due
}

// accept begins to use a token.
func (s *session) accept(t token) {
	s.mu.Lock()
	isNews := s.signIns == 0 || s.problem != nil
	s.signIns++
	t.number = s.signIns
	s.token, s.problem, s.said, s.notBefore = t, nil, "", time.Time{}
	first := s.signIns == 1
	s.mu.Unlock()
	log := s.log.Debug
	if isNews {
		log = s.log.Info
	}
	log("signed in to Vault", "method", s.auth.Method, "lives", t.ttl, "renewable", t.renewable)
	if first && t.uses >= 0 {
		s.log.Warn("the token of Vault's is good for a few requests only, so psagate signs in again and again: set token_num_uses of the role to 0", "uses", t.uses)
	}
}

// extend takes over what a renewal changed of the life of the token that is held.
func (s *session) extend(t token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token.number != t.number {
		return
	}
	if t.expires.After(s.token.expires) && t.renewable {
		s.problem, s.said = nil, ""
	}
	s.token.ttl, s.token.expires, s.token.renewable = t.ttl, t.expires, t.renewable
}

// vouch notes that the token can look itself up.
func (s *session) vouch(t token) {
	s.lookedUp = t.text
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token.number == t.number {
		s.token.looksUp = true
	}
}

// vouched tells whether a token that is dead would be found out.
func (s *session) vouched() bool {
	t, _ := s.current()
	return t.looksUp
}

// wait spaces the tries to renew or replace a token that lives.
func (s *session) wait() {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := time.Until(s.token.expires) / 4
	s.notBefore = time.Now().Add(min(max(left, firstPause), lastPause))
}

// note remembers and logs why a sign-in or a renewal failed. One that was cut off did not fail.
func (s *session) note(ctx context.Context, err error) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	s.mu.Lock()
	s.problem, s.failed = err, time.Now()
	isNews := s.said != err.Error()
	s.said = err.Error()
	lives := s.token.live(s.failed)
	s.mu.Unlock()
	if isNews {
		s.log.Warn("the sign-in to Vault is in trouble", "method", s.auth.Method, "token_lives", lives, "error", err.Error())
	}
}

// failedSince returns the error of a try that ended since then.
func (s *session) failedSince(then time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.problem != nil && !s.failed.Before(then) {
		return s.problem
	}
	return nil
}

func (s *session) status() secret.SessionStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	status := secret.SessionStatus{Method: s.auth.Method}
	if s.problem != nil {
		status.Error = s.problem.Error()
	}
	if s.token.live(time.Now()) {
		status.SignedIn, status.Since, status.Expires = true, s.token.since, s.token.expires
	}
	return status
}
