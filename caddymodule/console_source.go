package caddymodule

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/console"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/session"
)

// consoleSource is what the page of a config shows.
type consoleSource struct{ app *App }

// denials are the calls that this process denied lately. They outlive configs.
var denials = console.NewLedger(time.Now)

// Status implements console.Source.
func (s consoleSource) Status() report.Status { return s.app.status() }

// Failures implements console.Source.
func (s consoleSource) Failures(since time.Time) (report.Failures, error) {
	return s.app.engine.Failures("", since)
}

// Denials implements console.Source.
func (consoleSource) Denials() console.Denials { return denials.Denials() }

// Sessions implements console.Source.
func (consoleSource) Sessions(ctx context.Context) ([]session.Session, error) {
	keeper, err := allSessions()
	if err != nil {
		return nil, err
	}
	return keeper.List(ctx)
}

// Factors implements console.Source.
func (s consoleSource) Factors(ctx context.Context) (report.TOTPPeople, error) {
	return s.app.factors(ctx)
}

// Integrations implements console.Source.
func (s consoleSource) Integrations() []console.Integration {
	all := make([]console.Integration, 0, len(s.app.Integrations))
	for _, name := range slices.Sorted(maps.Keys(s.app.Integrations)) {
		i := s.app.Integrations[name]
		all = append(all, console.Integration{
			Name: name, Owner: i.Owner, Login: i.Login, Proves: i.proofs(), Limits: i.bounds(), Disabled: i.Disabled, Reason: i.DisabledReason,
		})
	}
	return all
}

// proofs are by what an integration is known, in words.
func (i *Integration) proofs() (all []string) {
	for _, text := range i.Keys {
		if hash, err := parseKeyHash(text); err == nil {
			all = append(all, "key "+hash.ID())
		}
	}
	if i.KeyFrom != nil {
		all = append(all, "keys of "+i.KeyFrom.Path+" in "+i.KeyFrom.Store)
	}
	for _, name := range i.ClientCerts {
		all = append(all, "certificate "+name)
	}
	for _, j := range i.JWTs {
		all = append(all, fmt.Sprintf("token of %s with %s %s", j.Issuer, j.Claim, j.Value))
	}
	for _, user := range i.PassThrough {
		all = append(all, "its own credential of "+user)
	}
	return all
}

// bounds are what bounds an integration, in words.
func (i *Integration) bounds() (all []string) {
	if i.PerMinute > 0 {
		all = append(all, fmt.Sprintf("%d calls a minute", i.PerMinute))
	}
	if i.Concurrent > 0 {
		all = append(all, fmt.Sprintf("%d at once", i.Concurrent))
	}
	for _, w := range i.Hours {
		all = append(all, "hours "+w.String())
	}
	if len(i.From) > 0 {
		all = append(all, "from "+strings.Join(i.From, ", "))
	}
	if i.Expires != "" {
		all = append(all, "expires "+i.Expires)
	}
	if i.Impersonate {
		all = append(all, "may impersonate")
	}
	if len(i.Groups) > 0 {
		all = append(all, "groups "+strings.Join(i.Groups, ", "))
	}
	return all
}

// String writes a window as the Caddyfile does.
func (w Window) String() string {
	return strings.TrimSpace(strings.Join(w.Days, " ") + " " + w.Span + " " + w.TimeZone)
}

// factors are which people have a second factor.
func (a *App) factors(ctx context.Context) (all report.TOTPPeople, err error) {
	engine, err := secondFactors()
	if err != nil {
		return all, err
	}
	held, err := engine.People(ctx)
	if err != nil {
		return all, fmt.Errorf("second factors cannot be read: %w", err)
	}
	all = report.TOTPPeople{Time: time.Now(), People: make([]report.TOTPPerson, 0, len(held))}
	for _, s := range held {
		all.People = append(all.People, report.TOTPPerson{
			Issuer: a.issuerName(s.Person.Issuer), Subject: s.Person.Subject, Enrolled: s.Enrolled, RecoveryLeft: s.RecoveryLeft,
			Since: moment(s.Since), LastUsed: moment(s.LastUsed), BegunUntil: moment(s.BegunUntil), InvitedUntil: moment(s.InvitedUntil),
		})
	}
	return all, nil
}

var _ console.Source = consoleSource{}
