package console

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/policy"
)

// listActs are what there is to do.
func (c *Console) listActs() map[policy.Action]act {
	return map[policy.Action]act{
		policy.Check:       {button: "Check", form: c.checkForm, do: c.check},
		policy.Release:     {button: "Release", form: c.releaseForm, do: c.release},
		policy.NewSecret:   {button: "New credential", form: c.putForm, do: c.put},
		policy.ShowCode:    {button: "One-time code", form: c.codeForm, do: c.code, shows: true},
		policy.Disable:     {button: "Switch off", form: c.disableForm, do: c.disable},
		policy.Enable:      {button: "Switch on", form: c.enableForm, do: c.enable},
		policy.EndSession:  {button: "End the session", form: c.endForm, do: c.end},
		policy.ResetFactor: {button: "Take the second factor away", form: c.resetForm, do: c.reset},
		policy.ReadMail:    {button: "Read it", form: c.readMailForm, do: c.readMail, shows: true},
		policy.RetryMail:   {button: "Try it again", form: c.retryMailForm, do: c.retryMail},
		policy.DropMail:    {button: "Drop it", form: c.dropMailForm, do: c.dropMail},
	}
}

// maxReason is how long a reason may be, in characters; the engine bounds its bytes.
const maxReason = 200

func (c *Console) disableForm(_ context.Context, a *asked) (*form, error) {
	return &form{
		Title: "Switch " + a.on.Name + " off", Button: "Switch it off",
		Text:   []string{"From now on its calls are answered 403, at all replicas within a second, until somebody switches it on again."},
		Fields: []field{{Name: "reason", Label: "Reason", Hint: "One line, which its callers are told. It may be left empty.", Type: "text", Complete: "off", Most: maxReason, Value: a.values.Get("reason")}},
	}, c.knows(a.on.Name)
}

func (c *Console) knows(integration string) error {
	for _, i := range c.cfg.Source.Integrations() {
		if i.Name == integration {
			return nil
		}
	}
	for _, off := range c.cfg.Source.Status().Disabled {
		if off.Integration == integration {
			return nil
		}
	}
	return fmt.Errorf("integration %q: %w", integration, report.ErrUnknownIntegration)
}

func (c *Console) disable(ctx context.Context, a *asked) (*outcome, error) {
	done, err := c.cfg.Deeds.Disable(ctx, a.doer(), a.on.Name, strings.TrimSpace(a.values.Get("reason")))
	var unfit report.Unfit
	if errors.As(err, &unfit) {
		return nil, retry{unfit.Error()}
	}
	return switched(a, done, false), err
}

func (c *Console) enableForm(_ context.Context, a *asked) (*form, error) {
	return &form{
		Title: "Switch " + a.on.Name + " on", Button: "Switch it on",
		Text: []string{"Its calls are served again, at all replicas within a second."},
	}, c.knows(a.on.Name)
}

func (c *Console) enable(ctx context.Context, a *asked) (*outcome, error) {
	done, err := c.cfg.Deeds.Enable(ctx, a.doer(), a.on.Name)
	return switched(a, done, true), err
}

func switched(a *asked, done report.Switch, enable bool) *outcome {
	o := &outcome{Title: a.on.Name + " is switched off", Text: printed(func(p report.Printer) { p.Switch(done, enable) }), Back: backOf(a)}
	switch {
	case enable && !done.Disabled:
		o.Title = a.on.Name + " is switched on"
	case enable:
		o.Title, o.Failed = a.on.Name+" stays disabled", true
	}
	return o
}

// errNobody: it is not known who is meant.
var errNobody = errors.New("there is no such session, or not any more")

func (a *asked) person() Person { return Person{a.on.Issuer, a.on.Name} }

func (c *Console) endForm(ctx context.Context, a *asked) (*form, error) {
	f := &form{Title: "End all sessions of " + a.on.Name, Button: "End them", Text: []string{"The person is signed out of all browsers at once, and may sign in again."}}
	if a.which == "" {
		return f, nil
	}
	sessions, err := c.cfg.Source.Sessions(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range sessions {
		if s.ID == a.which && s.Person.Issuer == a.on.Issuer && s.Person.Subject == a.on.Name {
			f.Title, f.Button, f.Text = "End a session of "+a.on.Name, "End it", []string{"The person is signed out of that browser at once, and may sign in again."}
			f.Facts = printer.SessionFacts(reportedSession(s), c.cfg.Now())
			return f, nil
		}
	}
	return nil, errNobody
}

func (c *Console) end(ctx context.Context, a *asked) (o *outcome, err error) {
	n := 0
	if a.which == "" {
		n, err = c.cfg.Deeds.EndSessions(ctx, a.doer(), a.person())
	} else {
		n, err = c.cfg.Deeds.EndSession(ctx, a.doer(), a.person(), a.which)
	}
	if err != nil {
		return nil, err
	}
	o = &outcome{Title: "Ended", Text: []string{counted(n, "session") + " of " + a.on.Name + " ended, at all replicas."}, Back: backOf(a)}
	if n == 0 {
		o.Title, o.Failed, o.Text = "Nothing was ended", true, []string{sentence(errNobody.Error())}
	}
	return o, nil
}

func (c *Console) resetForm(_ context.Context, a *asked) (*form, error) {
	return &form{
		Title: "Take the second factor of " + a.on.Name + " away", Button: "Take it away",
		Text: []string{
			"For somebody who has lost the app and the recovery codes. All sessions of the person end. Whoever signs in as this person next may enrol an app, unless the config wants an invitation for that: see to it that it is the person.",
		},
	}, nil
}

func (c *Console) reset(ctx context.Context, a *asked) (*outcome, error) {
	done, err := c.cfg.Deeds.ResetFactor(ctx, a.doer(), a.person())
	if err != nil {
		return nil, err
	}
	o := &outcome{Title: "The second factor is taken away", Text: printed(func(p report.Printer) { p.TOTPReset(done) }), Back: backOf(a)}
	if !done.Reset {
		o.Title, o.Failed = "There was no second factor", true
	}
	return o, nil
}
