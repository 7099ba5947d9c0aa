package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
)

var totpCodeCommand = command{
	name:  "code",
	short: "Shows the present one-time code of a login",
	long: `
Prints the code that the PSA asks for now, and beside it, on standard error, for
how many seconds it is. The login's totp says where it comes from. It is read from
the secret store by this command itself, so run it as psagate's user, with its
environment: nothing at the admin endpoint gives a code.

The running server writes into the audit log that the code is shown; where it
cannot, none is. With --unaudited one is shown all the same: that is for a day on
which psagate does not run. Then --config must say where the seed is.

	$ psagate totp code main
	$ psagate totp code main --unaudited --config /etc/psagate/Caddyfile
	$ psagate totp code main --json | jq -r .code`,
	args:    "<login> [--unaudited]",
	minArgs: 1,
	maxArgs: 1,
	flags: func(cmd *cobra.Command) {
		cmd.Flags().Bool("unaudited", false, "Show it though nobody can write that down")
	},
	run: showCode,
}

// codeWithin is how long a code may take to be found.
const codeWithin = 30 * time.Second

// shownCode is what `totp code --json` prints.
type shownCode struct {
	// Login is the login's name in the config.
	Login string `json:"login"`
	// Code is the code itself.
	Code string `json:"code"`
	// SecondsLeft is for how long it is the present one; absent where the store does not tell.
	SecondsLeft int `json:"seconds_left,omitempty"`
	// Audited: the audit log says that it was shown.
	Audited bool `json:"audited"`
}

func showCode(cmd *cobra.Command, args []string) (bool, error) {
	login := args[0]
	server, err := adminOf(cmd)
	if err != nil {
		return false, err
	}
	app, err := appFor(cmd, server)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), codeWithin)
	defer cancel()
	code, err := readCode(ctx, app, login)
	if err != nil {
		return false, fmt.Errorf("login %q: %w", login, err)
	}
	shown := shownCode{Login: login}
	if shown.Audited, err = tellShown(cmd, server, login); err != nil {
		return false, err
	}
	shown.Code, shown.SecondsLeft = code.Text.Reveal(), int(code.Left(codeClock())/time.Second)
	return true, show(cmd, shown, func(p report.Printer) {
		_, _ = fmt.Fprintln(p.Out, shown.Code)
		left := "for how long is not known: the store does not say"
		if shown.SecondsLeft > 0 {
			left = fmt.Sprintf("for %d more seconds", shown.SecondsLeft)
		}
		_, _ = fmt.Fprintln(cmd.ErrOrStderr(), left)
	})
}

// appFor is psagate's part of the config that a command names, else of the one that runs.
func appFor(cmd *cobra.Command, server admin) (*App, error) {
	if flags := (caddycmd.Flags{FlagSet: cmd.Flags()}); flags.String("config") != "" {
		return appOf(flags)
	}
	return server.app()
}

// app is psagate's part of the config that runs.
func (a admin) app() (*App, error) {
	answer, err := caddycmd.AdminAPIRequest(a.address, http.MethodGet, "/config/apps/psa", nil, nil)
	if err != nil {
		return nil, fmt.Errorf("asking the server at %s for its config: %w%s", a.address, plainError(err), whereElse(err))
	}
	defer answer.Body.Close()
	app := new(App)
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(app); err != nil {
		return nil, fmt.Errorf("reading the config of the server at %s: %w", a.address, err)
	}
	return app, nil
}

// readCode reads a login's code from where the config says.
func readCode(ctx context.Context, app *App, login string) (code secret.Code, err error) {
	l := app.Logins[login]
	switch {
	case l == nil:
		return code, fmt.Errorf("there is none of that name; %s", defined(app.Logins))
	case l.TOTP == nil:
		return code, errNoCodes
	}
	if err := app.check(); err != nil {
		return code, err
	}
	engine := new(liveEngine)
	caddyContext, cancel := caddy.NewContext(caddy.Context{Context: ctx})
	defer cancel()
	defer func() { err = errors.Join(err, engine.Close()) }()
	if err := engine.openAll(caddyContext, app); err != nil {
		return code, err
	}
	return l.TOTP.shared(engine.stores).Code(ctx, codeClock)
}

// tellShown has the server write down that the code is shown. An error means that none must be.
func tellShown(cmd *cobra.Command, server admin, login string) (audited bool, err error) {
	var noted report.CodeShown
	err = server.post("totp/shown", map[string]string{"login": login}, &noted)
	if err == nil {
		return true, nil
	}
	if unaudited, _ := cmd.Flags().GetBool("unaudited"); !unaudited {
		return false, fmt.Errorf("nobody can write down that the code is shown, so it is not; --unaudited shows it all the same: %w", err)
	}
	_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "nobody has written down that this code is shown: %v\n", err)
	return false, nil
}

// codeIsShown writes down that an operator is shown a code, which is not here.
func codeIsShown(w http.ResponseWriter, r *http.Request, in *App) error {
	body, err := postedBody(w, r)
	if err != nil {
		return err
	}
	var given struct {
		Login string `json:"login"`
	}
	if err := caddy.StrictUnmarshalJSON(body, &given); err != nil || given.Login == "" {
		return apiError(http.StatusBadRequest, `the body must be {"login": "…"}`)
	}
	if l := in.Logins[given.Login]; l == nil || l.TOTP == nil {
		return loginError(given.Login, fmt.Errorf("%w, with a totp", report.ErrUnknownLogin))
	}
	var log auditor
	if in.audit != nil {
		log = in.audit.trail
	}
	if err := noteCode(r.Context(), log, given.Login, Viewer{Address: operatorAddress(r)}); err != nil {
		return apiError(http.StatusServiceUnavailable, "%w", err)
	}
	return writeJSON(w, report.CodeShown{Login: given.Login})
}
