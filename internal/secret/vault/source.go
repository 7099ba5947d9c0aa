// Package vault reads records from the KV version 2 secrets engine of HashiCorp Vault, and writes new versions of them.
//
// A [Source] signs in when it first has to, keeps its token alive or gets another one, and tells problems in words that
// an operator can act on. It retries nothing by itself, but for a request whose token turned out to be dead: the
// [secret.Store] polls anyway.
//
// Of vault/api only the shapes of requests and answers are used. Its client cannot be had without the VAULT_…
// environment variables: NewClient reads them whatever config it is given, and fails where one is damaged (a
// VAULT_CACERT that another user's shell has set). What is not in the Caddyfile must not count.
package vault

import (
	"context"
	"net/http"
	"time"

	"github.com/psagate/psagate/internal/secret"
)

// Source is the [secret.Source] of one Vault. It is a [secret.Reviser], a [secret.Sessioner], a [secret.Writer], a
// [secret.Permitter] and a [secret.Coder].
type Source struct {
	cfg     Config
	wire    *wire
	session *session
	blind   blind
	engine  engine
}

// New returns the source of a Vault. It connects to nothing and opens no file yet. Its error says which setting is wrong.
func New(cfg Config) (*Source, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	cfg = cfg.WithDefaults()
	w := newWire(cfg)
	return &Source{cfg: cfg, wire: w, session: newSession(cfg, w), blind: blind{until: map[string]time.Time{}}}, nil
}

// Read returns the record's current version: its texts as they are, its numbers as they are written. What is neither is
// left out.
func (s *Source) Read(ctx context.Context, path string) (secret.Record, error) {
	at, err := s.place(path)
	if err != nil {
		return secret.Record{}, err
	}
	a, err := s.get(ctx, at.data())
	switch {
	case err != nil:
		return secret.Record{}, err
	case a.status == http.StatusForbidden:
		s.blind.forget(path)
		return secret.Record{}, s.forbidden(at.data())
	case a.status == http.StatusNotFound:
		return secret.Record{}, s.notFound(ctx, at, a)
	case a.status != http.StatusOK:
		return secret.Record{}, a.unexpected("reading " + at.String())
	}
	if s.blind.isNews(path) {
		s.cfg.Log.Warn("the token may not read the record's metadata in Vault, so the whole record is read at each poll",
			"path", path, "policy_needs", at.metadata().policy())
	}
	return parseRecord(at, a)
}

// Revision looks at the record's metadata. It is empty where only Read can tell: when the token's policy does not grant
// the metadata, and when a time is set at which the version is deleted, unless that is far away: only Vault's clock counts.
func (s *Source) Revision(ctx context.Context, path string) (string, error) {
	at, err := s.place(path)
	if err != nil {
		return "", err
	}
	if s.blind.is(path) {
		return "", nil
	}
	a, err := s.get(ctx, at.metadata())
	switch {
	case err != nil:
		return "", err
	case a.status == http.StatusForbidden:
		s.blind.set(path)
		return "", nil
	case a.status == http.StatusNotFound:
		return "", s.notFound(ctx, at, a)
	case a.status != http.StatusOK:
		return "", a.unexpected("reading the metadata of " + at.String())
	}
	return parseRevision(at, a)
}

// Session implements [secret.Sessioner].
func (s *Source) Session() secret.SessionStatus { return s.session.status() }

// Close closes idle connections. The source may be used again.
func (s *Source) Close() error {
	s.wire.close()
	return nil
}

// get asks for what lies at a place in Vault.
func (s *Source) get(ctx context.Context, at location) (answer, error) {
	return s.ask(ctx, request{method: http.MethodGet, path: at.escaped()})
}

// ask sends a request with the token. A token that turns out to be dead is replaced, and the request sent once more: it was
// refused before it did anything.
func (s *Source) ask(ctx context.Context, r request) (answer, error) {
	t, err := s.session.ensure(ctx)
	if err != nil {
		return answer{}, err
	}
	r.token = t.text
	a, err := s.wire.do(ctx, r)
	if err != nil || a.status != http.StatusForbidden {
		return a, err
	}
	another, err := s.session.doubt(ctx, t, a.saysTokenIsDead())
	if err != nil || !another {
		return a, err
	}
	if t, err = s.session.ensure(ctx); err != nil {
		return answer{}, err
	}
	r.token = t.text
	return s.wire.do(ctx, r)
}

// place finds where a record lies.
func (s *Source) place(path string) (place, error) {
	if problem := secret.PathProblem(path); problem != "" {
		return place{}, notFound("%q is no path of a record: it %s", path, problem)
	}
	return place{mount: s.cfg.Mount, path: path}, nil
}
