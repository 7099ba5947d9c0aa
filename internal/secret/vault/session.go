package vault

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/secret"
)

const (
	// firstPause and lastPause lie between two tries to sign in with what Vault has refused. Another secret id, token or
	// JWT is tried at once. A Vault that cannot be asked is spared by the [secret.Store].
	firstPause, lastPause = time.Second, 30 * time.Second
	// countedPause follows the second refusal in a row that Vault counts, and lastPause the first: at the fifth Vault
	// locks the role id for all who have it, and forgets them when none came for 15 minutes (its defaults;
	// developer.hashicorp.com/vault/docs/concepts/user-lockout).
	countedPause = 20 * time.Minute
	// sureFor is how long it is not looked up again whether a token lives.
	sureFor = 10 * time.Second
	// doubtFor is how old a token must be to be replaced on the mere suspicion that it is dead: one that may not look
	// itself up then looks the same as one that lacks a permission. It doubles with each token that was replaced so, up
	// to maxDoubt: a permission that is missing must not use up a secret id.
	doubtFor, maxDoubt = time.Minute, 10 * time.Minute
)

// session is the sign-in that all readings of a Source share. It signs in, renews and looks up when a reading needs it,
// one at a time; readings come at each poll, so nothing has to happen in between.
type session struct {
	auth Auth
	wire *wire
	log  *slog.Logger
	rand func() float64

	// turn is held by who signs in, renews or looks up. It guards the fields up to the mutex.
	turn      chan struct{}
	lookedUp  secret.Value // the last token that could look itself up
	sure      time.Time    // until when the token is not looked up again, whatever came of it
	refusal   refusals
	suspected int // tokens in a row that were replaced on suspicion

	mu        sync.Mutex
	token     token
	signIns   int
	problem   error     // of the last sign-in or renewal; nil where it succeeded
	failed    time.Time // when that was
	notBefore time.Time // the next try to renew or replace a token that lives
	said      string    // the last warning
}

// refusals remember what Vault has refused.
type refusals struct {
	proof    secret.Value
	err      error
	failures int // in a row, of that proof
	retry    time.Time
}

func newSession(cfg Config, w *wire) *session {
	return &session{auth: cfg.Auth, wire: w, log: cfg.Log, rand: rand.Float64, turn: make(chan struct{}, 1)}
}

// ensure returns a token to send one request with. It signs in where there is none that lives, and renews or replaces one
// that is due; while another reading does that, the one that still lives serves.
func (s *session) ensure(ctx context.Context) (token, error) {
	asked := time.Now()
	t, due := s.take()
	switch {
	case t.number == 0:
		return s.begin(ctx, asked)
	case due && s.tryEnter():
		defer s.leave()
		s.prolong(ctx, t)
		if now, _ := s.current(); now.number != t.number {
			t, _ = s.take()
		}
		return t, nil
	default:
		return t, nil
	}
}

// begin signs in, or takes part in what came of the try that was under way.
func (s *session) begin(ctx context.Context, asked time.Time) (token, error) {
	if err := s.enter(ctx); err != nil {
		return token{}, err
	}
	defer s.leave()
	if t, _ := s.take(); t.number > 0 {
		return t, nil
	}
	if err := s.failedSince(asked); err != nil {
		return token{}, err
	}
	if err := s.signIn(ctx); err != nil {
		return token{}, err
	}
	t, _ := s.take()
	return t, nil
}

// signIn gets a token, which replaces the one that is held. Who calls it holds the turn.
func (s *session) signIn(ctx context.Context) error {
	proof, err := s.auth.proof(ctx)
	if err == nil && time.Now().Before(s.refusal.retry) && proof.Equal(s.refusal.proof) {
		return s.refusal.err
	}
	var t token
	if err == nil {
		s.wire.renew()
		t, err = s.login(ctx, proof)
	}
	if err != nil {
		s.refuse(proof, err)
		s.note(ctx, err)
		return err
	}
	s.refusal, s.sure = refusals{}, time.Time{}
	s.accept(t)
	return nil
}

// refuse remembers a proof that Vault refused, so that it is not shown again before a pause that grows.
func (s *session) refuse(proof secret.Value, err error) {
	refused, ok := errors.AsType[refusal](err)
	if !ok {
		return
	}
	if !proof.Equal(s.refusal.proof) {
		s.refusal = refusals{}
	}
	pause := min(firstPause<<min(s.refusal.failures, 10), lastPause)
	switch {
	case refused.counted && s.refusal.failures > 0:
		pause = countedPause
	case refused.counted:
		pause = lastPause
	}
	s.refusal = refusals{
		proof: proof, err: err, failures: s.refusal.failures + 1,
		retry: time.Now().Add(time.Duration(float64(pause) * (0.8 + 0.4*s.rand()))),
	}
}

// prolong renews a token that is due, or replaces it. Where that fails the token serves to the end of its life. Who calls
// it holds the turn.
func (s *session) prolong(ctx context.Context, t token) {
	now, due := s.current()
	if now.number != t.number || !due {
		return // another reading has just done it
	}
	if t.renewable && s.renewed(ctx, t) {
		return
	}
	var err error
	if s.auth.Method == "token" {
		err = s.outlive(ctx, t)
	} else {
		err = s.signIn(ctx)
	}
	if err != nil {
		s.wait()
	}
}

// renewed renews a token, and tells whether nothing more is to be done about it now.
func (s *session) renewed(ctx context.Context, t token) bool {
	t, err := s.renew(ctx, t)
	_, refused := errors.AsType[refusal](err)
	t.renewable = !refused
	s.extend(t)
	if err != nil && !refused {
		s.note(ctx, err)
		s.wait()
	}
	return !refused
}

// outlive is for a token of the config whose life cannot be prolonged: the config may give another one by now.
func (s *session) outlive(ctx context.Context, t token) error {
	proof, err := s.auth.proof(ctx)
	if err == nil && !proof.Equal(t.text) {
		return s.signIn(ctx)
	}
	if err == nil {
		err = fmt.Errorf("%w: the token's life ends soon and cannot be prolonged: a new one is needed", secret.ErrDown)
	}
	s.note(ctx, err)
	return err
}

// doubt finds out about a token that was refused, and tells whether there is another one to try. dead: that is certain.
// A refusal is looked into once in a while alone: whoever lacks a permission comes back at each poll.
func (s *session) doubt(ctx context.Context, t token, dead bool) (another bool, err error) {
	asked := time.Now()
	if err := s.enter(ctx); err != nil {
		return false, err
	}
	defer s.leave()
	switch now, _ := s.current(); {
	case now.number == 0:
		err := s.failedSince(asked)
		return err == nil, err
	case now.number != t.number:
		return true, nil
	case dead:
		return s.replaceDead(ctx)
	case time.Now().Before(s.sure):
		return !s.auth.isLogin() && s.replaceSuspect(ctx, t), nil
	}
	a, err := s.lookUp(ctx, t.text)
	if err != nil {
		return false, err
	}
	s.sure = time.Now().Add(sureFor)
	switch {
	case a.status != http.StatusOK && (t.looksUp || a.saysTokenIsDead()):
		return s.replaceDead(ctx)
	case a.status != http.StatusOK:
		return s.replaceSuspect(ctx, t), nil
	default:
		s.vouch(t)
		return false, nil
	}
}

// replaceDead replaces a token whose life is over.
func (s *session) replaceDead(ctx context.Context) (another bool, err error) {
	s.suspected = 0
	s.mu.Lock()
	s.token = token{}
	s.mu.Unlock()
	err = s.signIn(ctx)
	return err == nil, err
}

// replaceSuspect replaces a token of which nobody can tell whether it lives. If that fails it is gone on with.
func (s *session) replaceSuspect(ctx context.Context, t token) (another bool) {
	if s.auth.isLogin() {
		if time.Since(t.since) < min(doubtFor<<min(s.suspected, 10), maxDoubt) {
			return false
		}
		s.suspected++
		return s.signIn(ctx) == nil
	}
	proof, err := s.auth.proof(ctx)
	return err == nil && !proof.Equal(t.text) && s.signIn(ctx) == nil
}

func (s *session) enter(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: the sign-in to %s takes too long", secret.ErrDown, s.wire.name())
	}
}

func (s *session) tryEnter() bool {
	select {
	case s.turn <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s *session) leave() { <-s.turn }
