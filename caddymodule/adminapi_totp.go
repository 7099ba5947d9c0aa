package caddymodule

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/session"
	"github.com/psagate/psagate/internal/totp"
)

// secondFactors are those of people; an error as long as the store is not open.
var secondFactors = func() (*totp.Engine, error) {
	select {
	case <-ground().opened:
		return ground().people, nil
	default:
		return nil, errors.New("the store is not open yet")
	}
}

// totpPeople answers which people have a second factor.
func totpPeople(w http.ResponseWriter, r *http.Request, in *App) error {
	if err := onlyGet(w, r); err != nil {
		return err
	}
	all, err := in.factors(r.Context())
	if err != nil {
		return apiError(http.StatusServiceUnavailable, "%w", err)
	}
	return writeJSON(w, all)
}

// moment is a moment, or nil for none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// issuerName is what the config calls an issuer; its URL where it has none of that URL.
func (a *App) issuerName(url string) string {
	found := ""
	for name, i := range a.Issuers {
		if i.URL == url && (found == "" || name < found) {
			found = name
		}
	}
	if found == "" {
		return url
	}
	return found
}

// issuerURL is the URL of an issuer that is named, as the config does or by its URL.
func (a *App) issuerURL(name string) string {
	if i := a.Issuers[name]; i != nil {
		return i.URL
	}
	return name
}

// issuerNames are what the config calls its issuers.
func (a *App) issuerNames() []string { return slices.Sorted(maps.Keys(a.Issuers)) }

// resetTOTP takes a person's second factor away.
func resetTOTP(w http.ResponseWriter, r *http.Request, in *App) error {
	body, err := postedBody(w, r)
	if err != nil {
		return err
	}
	var given struct {
		Issuer  string `json:"issuer"`
		Subject string `json:"subject"`
	}
	if err := caddy.StrictUnmarshalJSON(body, &given); err != nil {
		return apiError(http.StatusBadRequest, `the body must be {"issuer": "…", "subject": "…"}`)
	}
	p := totp.Person{Issuer: in.issuerURL(given.Issuer), Subject: given.Subject}
	if err := p.Check(); err != nil {
		return apiError(http.StatusBadRequest, "%w", err)
	}
	done, err := in.resetFactor(r.Context(), operatorOf(r), p)
	if err != nil {
		return apiError(http.StatusServiceUnavailable, "the second factor cannot be reset: %w", err)
	}
	return writeJSON(w, done)
}

// resetFactor takes a person's second factor away, and writes down who did that.
func (a *App) resetFactor(ctx context.Context, by author, p totp.Person) (report.TOTPReset, error) {
	done, err := takeFactor(ctx, by, p)
	if done.Issuer, done.Subject = a.issuerName(p.Issuer), p.Subject; err == nil {
		by.noteReset(done)
	}
	return done, err
}

// takeFactor ends a person's sessions first: in none of them a step-up of before shall count any more.
func takeFactor(ctx context.Context, by author, p totp.Person) (done report.TOTPReset, err error) {
	engine, err := secondFactors()
	if err != nil {
		return done, err
	}
	keeper, err := allSessions()
	if err != nil {
		return done, err
	}
	gone, err := keeper.End(ctx, session.Which{IssuerURL: p.Issuer, Subject: p.Subject})
	for _, s := range gone {
		by.noteEnded(s)
	}
	if err != nil {
		return done, err
	}
	done.SessionsEnded = len(gone)
	done.Reset, err = engine.Reset(ctx, p)
	return done, err
}
