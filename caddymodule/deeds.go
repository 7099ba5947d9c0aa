package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/session"
	"github.com/psagate/psagate/policy"
)

// Doer is a person who is signed in and wants something done on psagate itself.
type Doer struct {
	// Session is the person's. It says when a second factor was last proven in it, so it must be as the store has it now.
	Session session.Session
	// Address is where the person comes from; empty where that is not known.
	Address string
}

// errDenied: policy does not let somebody do something, or not yet.
var errDenied = errors.New("policy does not permit it")

// The events of the audit log about what people do on psagate itself.
const (
	eventDeedPermitted = "deed_permitted"
	eventDeedRefused   = "deed_refused"
)

// decider decides by the policies in force.
type decider interface {
	Decide(r policy.Request) policy.Decision
}

// deedRefusals are apart from those of sign-ins, which strangers cause.
var deedRefusals fewRefusals

// deedDesk decides what people may do on psagate itself, of one config. That a config only observes its policies does not count here:
// observing is for calls that were made before there were policies, and no such deed was.
type deedDesk struct {
	policies decider
	log      auditor             // nil: there is none
	groups   map[string][]string // of the integrations
	now      func() time.Time
	codes    loginCodes
}

func newDeedDesk(a *App, policies decider, codes loginCodes) *deedDesk {
	d := &deedDesk{policies: policies, log: codes.log, groups: map[string][]string{}, now: time.Now, codes: codes}
	for name, i := range a.Integrations {
		d.groups[name] = i.Groups
	}
	return d
}

// request is what the policies are asked.
func (d *deedDesk) request(by Doer, what policy.Action, on policy.Target) policy.Request {
	if on.Kind == policy.Integration {
		on.Groups = d.groups[on.Name]
	}
	p := by.Session.Person
	r := policy.Request{
		Principal: policy.Principal{Kind: policy.Person, Issuer: p.Issuer, Name: p.Subject, Groups: p.Groups},
		Action:    what, On: on, Time: d.now(), LastFactor: by.Session.SteppedUp,
	}
	r.SourceIP, _ = netip.ParseAddr(by.Address)
	return r
}

// May says whether policy lets a person do something now, for a page that shows what there is to do. Nothing is written down, so
// nothing may be done by it: that is for Permits.
func (d *deedDesk) May(by Doer, what policy.Action, on policy.Target) policy.Decision {
	return d.policies.Decide(d.request(by, what, on))
}

// Permits decides whether a person may do something now, and writes that down. Nothing may be done unless the decision allows it and
// there is no error, which says that it cannot be written down.
func (d *deedDesk) Permits(ctx context.Context, by Doer, what policy.Action, on policy.Target) (policy.Decision, error) {
	r := d.request(by, what, on)
	decision := d.policies.Decide(r)
	if what.DoneOn() != "" {
		counted.deed(string(what), string(decision.Outcome))
	}
	e := deedEntry(by, r, decision)
	switch {
	case d.log == nil:
	case !decision.Allowed():
		deedRefusals.note(e)
	default:
		if err := d.log.Append(ctx, e); err != nil {
			return policy.Decision{Outcome: policy.Deny, Why: policy.Failed}, fmt.Errorf("the audit log cannot say that this is done, so it is not: %w", err)
		}
	}
	return decision, nil
}

// ShowCode returns the present code of a login for a person to be shown, where policy permits that and it is written down. The error is
// errDenied where policy does not; the decision says why, and whether a second factor helps.
func (d *deedDesk) ShowCode(ctx context.Context, by Doer, login string) (secret.Code, policy.Decision, error) {
	decision, err := d.Permits(ctx, by, policy.ShowCode, policy.Target{Kind: policy.Login, Name: login})
	switch {
	case err != nil:
		return secret.Code{}, decision, err
	case !decision.Allowed():
		return secret.Code{}, decision, fmt.Errorf("showing a code of login %q: %w", login, errDenied)
	}
	person := by.Session.Person
	code, err := d.codes.code(ctx, login, Viewer{Person: &person, Address: by.Address})
	return code, decision, err
}

// deedEntry is what is written down of a decision: how old the factor was, too, so that a replay decides by what was known.
func deedEntry(by Doer, r policy.Request, d policy.Decision) audit.Entry {
	person := by.Session.Person
	e := ofPerson(person, person.Issuer)
	e.Kind, e.Event, e.Decision, e.DecidedBy = audit.Event, eventDeedRefused, audit.Deny, audit.ByPolicy
	if d.Allowed() {
		e.Event, e.Decision = eventDeedPermitted, audit.Permit
	}
	e.Groups, e.Address = person.Groups, by.Address
	for _, reason := range slices.Concat(d.Errors, d.Reasons) {
		e.Reasons = append(e.Reasons, reason.String())
	}
	e.Data = map[string]string{
		"deed": string(r.Action), "outcome": string(d.Outcome), "why": string(d.Why), "session": by.Session.ID,
		strings.ToLower(string(r.On.Kind)): r.On.Name,
	}
	switch r.On.Kind {
	case policy.Login:
		e.Login = r.On.Name
	case policy.Person:
		e.Data["person"] = r.On.Issuer + "/" + r.On.Name
	}
	if !r.LastFactor.IsZero() {
		e.Data["factor_age"] = r.Time.Sub(r.LastFactor).Truncate(time.Second).String()
	}
	return e
}
