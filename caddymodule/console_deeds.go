package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/psagate/psagate/internal/call"
	"github.com/psagate/psagate/internal/console"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/session"
	"github.com/psagate/psagate/internal/totp"
	"github.com/psagate/psagate/policy"
)

// consoleDeeds are what people may do by the page of a config. They are done as the commands do them, and written down with the person.
type consoleDeeds struct{ app *App }

// authorOf is a person as who did something.
func authorOf(by console.Doer) author {
	person := by.Session.Person
	return author{person: &person, address: by.Address}
}

// May implements console.Deeds.
func (d consoleDeeds) May(by console.Doer, what policy.Action, on policy.Target) policy.Decision {
	return d.app.engine.May(Doer(by), what, on)
}

// Permits implements console.Deeds.
func (d consoleDeeds) Permits(ctx context.Context, by console.Doer, what policy.Action, on policy.Target) (policy.Decision, error) {
	return d.app.engine.Permits(ctx, Doer(by), what, on)
}

// Disable implements console.Deeds.
func (d consoleDeeds) Disable(ctx context.Context, by console.Doer, integration, reason string) (report.Switch, error) {
	done, err := d.app.engine.Disable(ctx, integration, reason)
	if err == nil {
		authorOf(by).note(eventDisabled, "", map[string]string{"integration": integration, "reason": reason})
	}
	return done, err
}

// Enable implements console.Deeds.
func (d consoleDeeds) Enable(ctx context.Context, by console.Doer, integration string) (report.Switch, error) {
	done, err := d.app.engine.Enable(ctx, integration)
	if err == nil {
		authorOf(by).note(eventEnabled, "", map[string]string{"integration": integration})
	}
	return done, err
}

// Check implements console.Deeds.
func (d consoleDeeds) Check(ctx context.Context, by console.Doer, login string) (report.CheckResult, error) {
	result, err := d.app.engine.Check(ctx, login)
	if err == nil {
		authorOf(by).note(eventLoginChecked, login, map[string]string{"ok": strconv.FormatBool(result.OK)})
	}
	return result, err
}

// Release implements console.Deeds. Who did it is in the line of the deed: that of the release is written where it is found in the
// guard's store, by whatever process finds it.
func (d consoleDeeds) Release(_ context.Context, _ console.Doer, login string, seq uint64, next *uint64) error {
	return d.app.engine.Release(login, seq, next)
}

// Writing implements console.Deeds.
func (d consoleDeeds) Writing(ctx context.Context, login string) (report.Writing, error) {
	return d.app.engine.Writing(ctx, login, "")
}

// Put implements console.Deeds.
func (d consoleDeeds) Put(ctx context.Context, by console.Doer, login string, p call.Put) (report.PutResult, error) {
	result, err := d.app.engine.Put(ctx, login, p)
	if err == nil {
		authorOf(by).notePut(login, result)
	}
	return result, err
}

// Code implements console.Deeds.
func (d consoleDeeds) Code(ctx context.Context, by console.Doer, login string) (secret.Code, policy.Decision, error) {
	code, decision, err := d.app.engine.ShowCode(ctx, Doer(by), login)
	if errors.Is(err, errDenied) {
		err = console.ErrDenied
	}
	return code, decision, err
}

// EndSession implements console.Deeds.
func (d consoleDeeds) EndSession(ctx context.Context, by console.Doer, of console.Person, id string) (int, error) {
	return endFor(ctx, by, whom{ID: id, Issuer: of.Issuer, Person: of.Subject})
}

// EndSessions implements console.Deeds.
func (d consoleDeeds) EndSessions(ctx context.Context, by console.Doer, of console.Person) (int, error) {
	return endFor(ctx, by, whom{Issuer: of.Issuer, Person: of.Subject})
}

// endFor ends those sessions alone that go by the name which policy was asked about: another name may be of the same provider.
func endFor(ctx context.Context, by console.Doer, of whom) (n int, err error) {
	keeper, err := allSessions()
	if err != nil {
		return 0, err
	}
	found, err := sessionsOf(ctx, keeper, of)
	for _, s := range found {
		ended, failed := keeper.End(ctx, session.Which{ID: s.ID})
		for _, gone := range ended {
			authorOf(by).noteEnded(gone)
		}
		n, err = n+len(ended), errors.Join(err, failed)
	}
	return n, err
}

// ResetFactor implements console.Deeds.
func (d consoleDeeds) ResetFactor(ctx context.Context, by console.Doer, of console.Person) (report.TOTPReset, error) {
	p := totp.Person{Issuer: d.app.issuerURL(of.Issuer), Subject: of.Subject}
	if err := p.Check(); err != nil {
		return report.TOTPReset{}, err
	}
	if name := d.app.issuerName(p.Issuer); name != of.Issuer { // policy was asked about another name than the one that counts
		return report.TOTPReset{}, report.NewUnfit(fmt.Errorf("issuer %s is the same provider as %s, and second factors go by that name: ask for %s of %s", of.Issuer, name, of.Subject, name))
	}
	return d.app.resetFactor(ctx, authorOf(by), p)
}

var _ console.Deeds = consoleDeeds{}
