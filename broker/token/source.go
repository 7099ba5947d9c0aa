package token

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/psagate/psagate/broker/refused"
)

// Source gives access tokens, and has them from one server for one application. It may be used by many at once. It prints as
// nothing of them.
type Source struct {
	client   Client
	grant    grant
	rotation *rotation // nil where there are no refresh tokens
	log      *slog.Logger
	key      [32]byte

	mu sync.Mutex
	// access may be used until its end, and another is asked for once due.
	access     string
	due, until time.Time
	flight     *flight
	// problem is why there was no token last. The secrets whose print is of are not sent before next, or ever if refused.
	problem *Problem
	next    time.Time
	of      [32]byte
	fails   int
	again   bool // Forget was called since a secret was last sent

	// What was refused is remembered there, too.
	refused *refused.Memory
	place   refused.Place
}

// flight is one request, for which all wait who need its answer.
type flight struct {
	done   chan struct{}
	access string
	err    error
}

const (
	// usualLife is how long a token is used whose server does not say how long it may be (RFC 6749 section 5.1).
	usualLife = 5 * time.Minute
	// Pauses after a request that came to nothing.
	pauseFirst = 5 * time.Second
	pauseMost  = 5 * time.Minute
	// recheck is the pause after a refusal that was not for a secret: somebody may have changed something at the server.
	recheck = 15 * time.Minute
)

func newSource(c Client, g grant) *Source {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Source{client: c, grant: g, log: c.Log}
	s.Share(new(refused.Memory), "")
	_, _ = rand.Read(s.key[:]) // it never fails
	return s
}

// Share has what was refused remembered by others as well, over the end of the process. user is whose secret it is, where it is not the
// application's own. It must be called before Token.
func (s *Source) Share(m *refused.Memory, user string) {
	server, who := cmp.Or(s.client.URL, theServer), s.client.ID
	if user != "" {
		who += " for " + user
	}
	s.refused, s.place = m, refused.Place{Protocol: "oauth2", Server: server, User: who, What: s.grant.what, Shared: true}
}

// Token is an access token that may be used now. It comes from memory while there is one; after four fifths of its life
// another is asked for, while it serves on. The error is a *Problem, or the context's.
func (s *Source) Token(ctx context.Context) (string, error) {
	s.mu.Lock()
	now := time.Now()
	usable, asks, saves := s.access != "" && now.Before(s.until), !now.Before(s.due), s.rotation != nil && s.rotation.inMemoryAlone()
	if usable && (now.Before(s.next) || !asks && !saves) {
		defer s.mu.Unlock()
		return s.access, nil
	}
	f := s.flight
	if f == nil {
		f = &flight{done: make(chan struct{})}
		s.flight = f
		// It is for all who wait, so that nobody's leaving ends it.
		go s.fly(context.WithoutCancel(ctx), f, !usable || asks)
	}
	access := s.access
	s.mu.Unlock()
	if usable {
		return access, nil
	}
	select {
	case <-f.done:
		return f.access, f.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// Forget has the next who needs a token ask for one, whatever was refused before: somebody says that it is right now. It is
// the one exception to what is not sent again.
func (s *Source) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.access, s.problem, s.next, s.of, s.fails = "", nil, time.Time{}, [32]byte{}, 0
	s.again = true
}

// Problem is why no token could be had last; nil where that went well. A token that was had before may still serve.
func (s *Source) Problem() *Problem {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.problem
}

// fly asks the server, if it is to, and saves what is not saved yet.
func (s *Source) fly(ctx context.Context, f *flight, asks bool) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	defer close(f.done)
	if asks {
		s.ask(ctx, f)
	}
	if s.rotation != nil {
		s.rotation.keep(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flight = nil
	if s.rotation != nil && s.rotation.inMemoryAlone() {
		s.next = time.Now().Add(pauseFirst)
	}
}

// ask asks for a token, if it may.
func (s *Source) ask(ctx context.Context, f *flight) {
	secrets, err := s.grant.secrets(ctx)
	if err != nil {
		s.failed(f, &Problem{text: err.Error(), err: err}, [32]byte{}, time.Now())
		return
	}
	print := s.print(secrets)
	if p := s.held(print); p != nil {
		f.err = p
		return
	}
	attempt, err := s.begin(ctx, secrets)
	if err != nil {
		s.failed(f, heldProblem(err), [32]byte{}, time.Now().Add(pauseFirst))
		return
	}
	t, err := s.grant.ask(ctx, secrets)
	if err == nil {
		err = usable(t)
	}
	if err != nil {
		p, pause := s.explain(err, secrets)
		attempt.End(p.outcome(), p.said)
		s.failed(f, p, print, time.Now().Add(pause))
		return
	}
	attempt.End(refused.Accepted, "")
	if s.rotation != nil {
		s.rotation.given(secrets[1], t.RefreshToken)
	}
	s.took(f, t)
}

// begin asks whether others were refused the secrets.
func (s *Source) begin(ctx context.Context, secrets []string) (*refused.Attempt, error) {
	s.mu.Lock()
	again := s.again
	s.mu.Unlock()
	attempt, err := s.refused.Begin(ctx, s.place, string(joined(secrets)), again)
	if err == nil {
		s.mu.Lock()
		s.again = false
		s.mu.Unlock()
	}
	return attempt, err
}

// print is what secrets are remembered as.
func (s *Source) print(secrets []string) [32]byte {
	h := hmac.New(sha256.New, s.key[:])
	_, _ = h.Write(joined(secrets))
	return [32]byte(h.Sum(nil))
}

// joined are secrets in one, no two lists of them alike.
func joined(secrets []string) (all []byte) {
	for _, secret := range secrets {
		all = fmt.Appendf(all, "%d:%s", len(secret), secret)
	}
	return all
}

// held is why these secrets are not sent now.
func (s *Source) held(print [32]byte) *Problem {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.problem != nil && print == s.of && (s.problem.Refused || time.Now().Before(s.next)) {
		return s.problem
	}
	return nil
}

// failed remembers what came of the secrets with this print, and says it in the log once.
func (s *Source) failed(f *flight, p *Problem, print [32]byte, next time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.problem == nil || s.problem.text != p.text {
		s.log.Warn("there is no access token", "application", printable(s.client.ID), "problem", p.text)
	}
	s.problem, s.of, s.next, f.err = p, print, next, p
	s.fails++
}

func (s *Source) took(f *flight, t *oauth2.Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, life := time.Now(), usualLife
	if !t.Expiry.IsZero() {
		life = t.Expiry.Sub(now)
	}
	s.access, s.due, s.until = t.AccessToken, now.Add(life*4/5), now.Add(life-min(life/10, 30*time.Second))
	s.problem, s.next, s.of, s.fails = nil, time.Time{}, [32]byte{}, 0
	f.access = t.AccessToken
}

// pause is how long nothing is sent after another failure that passes by itself.
func (s *Source) pause() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return min(pauseFirst<<min(s.fails, 10), pauseMost)
}

// usable tells whether a token can be shown to a mail server (RFC 6750 section 2.1).
func usable(t *oauth2.Token) error {
	switch {
	case t.TokenType != "" && !strings.EqualFold(t.TokenType, "bearer"):
		return fmt.Errorf("it gives a token of the kind %s, not a bearer token", printable(t.TokenType))
	case t.AccessToken == "" || strings.ContainsFunc(t.AccessToken, func(r rune) bool { return r <= ' ' || r > '~' }):
		return fmt.Errorf("what it gives is no access token")
	}
	return nil
}

// Format keeps tokens out of logs, whatever the verb.
func (s *Source) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[access tokens]") }

// LogValue does in slog.
func (s *Source) LogValue() slog.Value { return slog.StringValue("[access tokens]") }

// MarshalText does in JSON.
func (s *Source) MarshalText() ([]byte, error) { return []byte("[access tokens]"), nil }
