package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/call"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
)

// loginNow is how a login stands at this moment.
func (c *Console) loginNow(name string) (report.LoginStatus, report.Status, error) {
	s := c.cfg.Source.Status()
	for _, l := range s.Logins {
		if l.Name == name {
			return l, s, nil
		}
	}
	return report.LoginStatus{}, s, fmt.Errorf("login %q: %w", name, report.ErrUnknownLogin)
}

func (c *Console) checkForm(_ context.Context, a *asked) (*form, error) {
	l, s, err := c.loginNow(a.on.Name)
	return &form{
		Title: "Check " + a.on.Name, Button: "Check it",
		Text:  []string{"The login's record and its zone are looked at, and the PSA is asked once at the most whether it takes the credential."},
		Facts: printer.LoginFacts(l, s.Time),
	}, err
}

func (c *Console) check(ctx context.Context, a *asked) (*outcome, error) {
	result, err := c.cfg.Deeds.Check(ctx, a.doer(), a.on.Name)
	if err != nil {
		return nil, err
	}
	o := &outcome{Title: a.on.Name + " works", Back: backOf(a)}
	if !result.OK {
		o.Title, o.Failed = a.on.Name+" does not work", true
	}
	for _, step := range result.Steps {
		text := step.Detail
		if !step.OK {
			text = "DOES NOT WORK: " + text
		}
		o.Facts = append(o.Facts, report.Fact{Label: step.Name, Text: text})
	}
	return o, nil
}

// releaseForm shows what is forgiven: what was recorded up to now, and nothing younger.
func (c *Console) releaseForm(_ context.Context, a *asked) (*form, error) {
	l, s, err := c.loginNow(a.on.Name)
	if err != nil {
		return nil, err
	}
	f := &form{
		Title: "Release " + l.Name, Button: "It is unlocked: release " + l.Name,
		Text: []string{
			"Look in the PSA first: is the user unlocked there, so that its count of failures is at zero? By a release you say that it is. psagate forgets what is recorded here, and tries one sign-in of its own before it sends calls.",
		},
		Facts:  printer.LoginFacts(l, s.Time),
		Hidden: []field{{Name: "seq", Value: strconv.FormatUint(l.Seq, 10)}},
	}
	if l.NextUser != nil {
		f.Hidden = append(f.Hidden, field{Name: "next_seq", Value: strconv.FormatUint(l.NextUser.Seq, 10)})
	}
	if problem := s.ReleaseProblem(l); problem != "" {
		f.Hopeless, f.Warnings = true, []string{problem}
	}
	return f, nil
}

func (c *Console) release(ctx context.Context, a *asked) (*outcome, error) {
	seq, err := strconv.ParseUint(a.values.Get("seq"), 10, 64)
	if err != nil {
		return nil, retry{"the form does not say what was shown: look at it again"}
	}
	var next *uint64
	if text := a.values.Get("next_seq"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return nil, retry{"the form does not say what was shown: look at it again"}
		}
		next = &n
	}
	err = c.cfg.Deeds.Release(ctx, a.doer(), a.on.Name, seq, next)
	if errors.Is(err, report.ErrNotShown) {
		return nil, retry{"something has happened since this page was opened, so nothing was released: look at it again"}
	}
	return &outcome{Title: a.on.Name + " is released", Text: []string{"One attempt of psagate's own comes first, then calls."}, Back: backOf(a)}, err
}

func (c *Console) putForm(ctx context.Context, a *asked) (*form, error) {
	now, err := c.cfg.Deeds.Writing(ctx, a.on.Name)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	report.Printer{Out: &text, Location: time.UTC}.Writing(now, false)
	lacksUser, lacksCode := slices.Contains(now.Lacks, "username"), slices.Contains(now.Lacks, "integration_code")
	keep := func(lacks bool) string {
		if lacks {
			return "The record has none yet."
		}
		return "Leave it empty to keep what the record has."
	}
	f := &form{
		Title: "New credential of " + a.on.Name, Button: "Try it, and write it", Said: strings.TrimSpace(text.String()),
		Hidden: []field{{Name: "version", Value: strconv.FormatUint(now.Version, 10)}},
		Fields: []field{
			{Name: "secret", Label: "New password", Hint: "At most 64 characters, no space, no single quote, none of the last five.", Type: "password", Complete: "new-password", Most: 64, Required: true},
			{Name: "again", Label: "New password, again", Type: "password", Complete: "new-password", Most: 64, Required: true},
			{Name: "username", Label: "User name", Hint: keep(lacksUser), Type: "text", Complete: "off", Most: 256, Required: lacksUser},
			{Name: "integration_code", Label: "Integration code", Hint: keep(lacksCode), Type: "password", Complete: "off", Most: 256, Required: lacksCode},
			{Name: "ahead", Label: "Write it at once, without asking the PSA first", Hint: "For a password that is changed in the PSA later: what serves now serves on until then.", Check: true},
		},
	}
	return f, nil
}

func (c *Console) put(ctx context.Context, a *asked) (*outcome, error) {
	version, err := strconv.ParseUint(a.values.Get("version"), 10, 64)
	text := a.values.Get("secret")
	switch {
	case err != nil:
		return nil, retry{"the form does not say what was shown: look at it again"}
	case text == "":
		return nil, retry{"no password was typed: nothing was done"}
	case text != a.values.Get("again"):
		return nil, retry{"the two passwords differ: nothing was done"}
	}
	result, err := c.cfg.Deeds.Put(ctx, a.doer(), a.on.Name, call.Put{
		Over: version, Secret: secret.NewValue(text), UserName: secret.NewValue(a.values.Get("username")),
		IntegrationCode: secret.NewValue(a.values.Get("integration_code")), Ahead: a.values.Get("ahead") != "",
	})
	var unfit report.Unfit
	switch {
	case errors.As(err, &unfit):
		return nil, retry{unfit.Error() + ": nothing was done"}
	case errors.Is(err, report.ErrChangedSince):
		return nil, retry{err.Error() + ": nothing was done, look at it again"}
	case err != nil:
		return nil, err
	}
	o := &outcome{Title: "The credential is written", Text: []string{sentence(result.Detail)}, Back: backOf(a)}
	if !result.Written {
		o.Title, o.Failed = "The credential is not written", true
	}
	for _, note := range result.Notes {
		o.Text = append(o.Text, sentence(note))
	}
	return o, nil
}

func (c *Console) codeForm(_ context.Context, a *asked) (*form, error) {
	_, _, err := c.loginNow(a.on.Name)
	return &form{
		Title: "One-time code of " + a.on.Name, Button: "Show the code",
		Text: []string{"It is written down that you are shown the present one-time code of this PSA user, each time."},
	}, err
}

func (c *Console) code(ctx context.Context, a *asked) (*outcome, error) {
	code, decision, err := c.cfg.Deeds.Code(ctx, a.doer(), a.on.Name)
	switch {
	case errors.Is(err, ErrDenied) && c.refused(a, decision):
		return nil, nil
	case err != nil:
		return nil, err
	}
	f, _ := c.codeForm(ctx, a)
	f.Button = "Show the code as it is then"
	f.Hidden = []field{{Name: "do", Value: string(a.what)}, {Name: "on", Value: a.on.Name}}
	o := &outcome{Title: f.Title, Code: code.Text.Reveal(), Text: []string{"For how long it counts is not known: its store does not say."}, Again: f, Back: backOf(a)}
	if left := code.Left(c.cfg.Now()); left > 0 {
		o.Text = []string{fmt.Sprintf("It is the present one for %d more seconds from when this page was made.", int(left/time.Second))}
	}
	return o, nil
}
