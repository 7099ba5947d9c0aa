package caddymodule

import (
	"errors"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"

	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/signin"
	"github.com/psagate/psagate/internal/totp"
)

var totpInviteCommand = command{
	name:  "invite",
	short: "Invites a person to add an authenticator app",
	long: `
Prints an invitation, which the person types on the page /psagate/totp after the
sign-in to add a first app. It is good for an hour, for this person alone, and
until an app is added; another invitation takes its place. Give it to nobody but
the person: who has it, and can sign in as the person, adds an app.

It is for configs with "enrol admin" in the block second_factor. The server keeps
a hash of it. Who has an app needs a reset first.

The issuer is its name in the config, or its URL; the subject is the provider's
name for the person, as psagate sessions shows both.

	$ psagate totp invite corp 248289761001`,
	args:    "<issuer> <subject>",
	minArgs: 2,
	maxArgs: 2,
	run: func(cmd *cobra.Command, args []string) (bool, error) {
		server, err := adminOf(cmd)
		if err != nil {
			return false, err
		}
		code := totp.NewInvitation().Reveal()
		var done report.TOTPInvited
		if err := server.post("totp/invite", map[string]string{"issuer": args[0], "subject": args[1], "code": code}, &done); err != nil {
			return false, err
		}
		made := invitation{code, done.Issuer, done.Subject, done.Until, signin.PageTOTP}
		return true, show(cmd, made, func(p report.Printer) { p.TOTPInvited(done, code, made.Page) })
	},
}

// invitation is the command's answer. Only the command has the code.
type invitation struct {
	// Code is what the person types.
	Code string `json:"code"`
	// Issuer is the provider's name in the config, or its URL.
	Issuer string `json:"issuer"`
	// Subject is the provider's name for the person.
	Subject string `json:"subject"`
	// Until is until when it can be used.
	Until time.Time `json:"until"`
	// Page is the path of the page that it is typed on, on each host that asks for a second factor.
	Page string `json:"page"`
}

// inviteTOTP keeps an invitation, by the code that the command has made: nothing below /psa/ shows one.
func inviteTOTP(w http.ResponseWriter, r *http.Request, in *App) error {
	body, err := postedBody(w, r)
	if err != nil {
		return err
	}
	var given struct {
		Issuer  string `json:"issuer"`
		Subject string `json:"subject"`
		Code    string `json:"code"`
	}
	if err := caddy.StrictUnmarshalJSON(body, &given); err != nil {
		return apiError(http.StatusBadRequest, `the body must be {"issuer": "…", "subject": "…", "code": "…"}`)
	}
	p := totp.Person{Issuer: in.issuerURL(given.Issuer), Subject: given.Subject}
	_, form := totp.ParseInvitation(given.Code)
	switch {
	case in.secondFactor().Enrol != enrolAdmin:
		return apiError(http.StatusConflict, "nobody needs an invitation here: whoever is signed in adds an app; write `enrol admin` into the block second_factor to have it otherwise")
	case in.issuerName(p.Issuer) == p.Issuer:
		return apiError(http.StatusNotFound, "there is no issuer %q%s", shown(given.Issuer), likeOf(given.Issuer, in.issuerNames()))
	case p.Check() != nil:
		return apiError(http.StatusBadRequest, "%w", p.Check())
	case form != nil:
		return apiError(http.StatusBadRequest, "%w", form)
	}
	engine, err := secondFactors()
	if err != nil {
		return apiError(http.StatusServiceUnavailable, "%w", err)
	}
	until, err := engine.Invite(r.Context(), p, given.Code)
	switch {
	case errors.Is(err, totp.ErrEnrolled):
		return apiError(http.StatusConflict, "the person has an app: psagate totp reset takes it away")
	case err != nil:
		return apiError(http.StatusServiceUnavailable, "the invitation cannot be kept: %w", err)
	}
	done := report.TOTPInvited{Issuer: in.issuerName(p.Issuer), Subject: p.Subject, Until: until}
	noteOperator(r, eventTOTPInvited, "", map[string]string{"issuer": done.Issuer, "subject": done.Subject})
	return writeJSON(w, done)
}
