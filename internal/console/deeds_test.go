package console

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/psagate/psagate/internal/call"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/policy"
)

// deeds are what people did, with real policies over them.
type deeds struct {
	w        *world
	policies *policy.Policies
	unlogged error // why a deed cannot be written down
	fails    error // why it does not work
	result   report.PutResult
}

// allow is a policy that permits the whole team everything.
const allow = `permit (principal in PersonGroup::"corp/ops", action, resource is Login);
permit (principal in PersonGroup::"corp/ops", action, resource is Integration);
permit (principal in PersonGroup::"corp/ops", action, resource is Person);
permit (principal in PersonGroup::"corp/ops", action, resource is Mailbox);
`

// permits has policies of a text in force.
func (w *world) permits(text string) {
	w.Helper()
	p, err := policy.Load([]policy.Source{{Name: "p.cedar", Text: []byte(text)}}, policy.Options{})
	if err != nil {
		w.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deeds.policies = p
}

func (w *world) did(what string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = append(w.done, fmt.Sprintf(what, args...))
}

// told is what was done since the last call.
func (w *world) told() string { return fmt.Sprint(w.all()) }

func (w *world) all() (done []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	done, w.done = w.done, nil
	return done
}

// May implements Deeds.
func (d *deeds) May(by Doer, what policy.Action, on policy.Target) policy.Decision {
	p := by.Session.Person
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	return d.policies.Decide(policy.Request{
		Principal: policy.Principal{Kind: policy.Person, Issuer: p.Issuer, Name: p.Subject, Groups: p.Groups},
		Action:    what, On: on, Time: d.w.at, LastFactor: by.Session.SteppedUp,
	})
}

// Permits implements Deeds.
func (d *deeds) Permits(_ context.Context, by Doer, what policy.Action, on policy.Target) (policy.Decision, error) {
	return d.May(by, what, on), d.unlogged
}

func (d *deeds) Disable(_ context.Context, by Doer, integration, reason string) (report.Switch, error) {
	d.w.did("%s disables %s: %s", by.Session.Person.Subject, integration, reason)
	if reason == "unfit" {
		return report.Switch{}, report.NewUnfit(errors.New("a reason is one line"))
	}
	return report.Switch{Integration: integration, Disabled: true, Changed: true}, d.fails
}

func (d *deeds) Enable(_ context.Context, by Doer, integration string) (report.Switch, error) {
	d.w.did("%s enables %s", by.Session.Person.Subject, integration)
	return report.Switch{Integration: integration, Changed: true}, d.fails
}

func (d *deeds) Check(_ context.Context, by Doer, login string) (report.CheckResult, error) {
	d.w.did("%s at %s checks %s", by.Session.Person.Subject, by.Address, login)
	return report.CheckResult{Login: login, Steps: []report.CheckStep{{Name: "record", OK: true, Detail: "version 3"}, {Name: "sign-in", Detail: evil}}}, d.fails
}

func (d *deeds) Release(_ context.Context, by Doer, login string, seq uint64, next *uint64) error {
	if next == nil {
		next = new(uint64)
	}
	d.w.did("%s releases %s up to %d and %d", by.Session.Person.Subject, login, seq, *next)
	return d.fails
}

func (d *deeds) Writing(context.Context, string) (report.Writing, error) {
	serving := uint64(7)
	return report.Writing{Login: "main", Store: "vault", Path: "autotask/main", Version: 7, Next: 8, Serving: &serving, Lacks: []string{}}, nil
}

func (d *deeds) Put(_ context.Context, by Doer, login string, p call.Put) (report.PutResult, error) {
	d.w.did("%s puts %s over %d: %s %s %s %v", by.Session.Person.Subject, login, p.Over, p.Secret.Reveal(), p.UserName.Reveal(), p.IntegrationCode.Reveal(), p.Ahead)
	if p.Secret.Reveal() == "with space" {
		return report.PutResult{}, report.NewUnfit(errors.New("the new password holds a space, which the PSA does not take"))
	}
	return d.result, d.fails
}

func (d *deeds) Code(_ context.Context, by Doer, login string) (secret.Code, policy.Decision, error) {
	decision := d.May(by, policy.ShowCode, policy.Target{Kind: policy.Login, Name: login})
	if !decision.Allowed() {
		return secret.Code{}, decision, ErrDenied
	}
	d.w.did("%s is shown the code of %s", by.Session.Person.Subject, login)
	return secret.Code{Text: secret.NewValue("492039"), Until: d.w.now().Add(17 * time.Second)}, decision, d.fails
}

func (d *deeds) EndSession(_ context.Context, by Doer, of Person, id string) (int, error) {
	d.w.did("%s ends %v %s", by.Session.Person.Subject, of, id)
	return 1, d.fails
}

func (d *deeds) EndSessions(_ context.Context, by Doer, of Person) (int, error) {
	d.w.did("%s ends all of %v", by.Session.Person.Subject, of)
	return 2, d.fails
}

func (d *deeds) ResetFactor(_ context.Context, by Doer, of Person) (report.TOTPReset, error) {
	d.w.did("%s resets %v", by.Session.Person.Subject, of)
	return report.TOTPReset{Issuer: of.Issuer, Subject: of.Subject, Reset: true, SessionsEnded: 2}, d.fails
}
