package caddymodule

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"

	"github.com/psagate/psagate/internal/report"
)

var disableCommand = command{
	name:  "disable",
	short: "Switches an integration off at once, at all replicas",
	long: `
Answers all calls of an integration with 403 from now on, those that wait too, at
all replicas within a second, and over reloads and restarts, until psagate enable.
Calls that are at the PSA already end there. The config is not changed; to disable
an integration for good, write disabled there.

While the store cannot be used it holds at the replica that is asked, and at the
others once the store is back: the answer says so.

	$ psagate disable rmm --reason "it loops, call Jane"`,
	args:    "<integration>",
	minArgs: 1,
	maxArgs: 1,
	flags:   func(cmd *cobra.Command) { cmd.Flags().String("reason", "", "What its callers are told") },
	run: func(cmd *cobra.Command, args []string) (bool, error) {
		reason, _ := cmd.Flags().GetString("reason")
		return switchIntegration(cmd, args[0], "disable", map[string]string{"reason": reason})
	},
}

var enableCommand = command{
	name:  "enable",
	short: "Switches an integration on again",
	long: `
Ends what psagate disable began, at all replicas within a second.

	$ psagate enable rmm`,
	args:    "<integration>",
	minArgs: 1,
	maxArgs: 1,
	run: func(cmd *cobra.Command, args []string) (bool, error) {
		return switchIntegration(cmd, args[0], "enable", nil)
	},
}

// switchIntegration asks the server, and says what came of it. It is a yes where the integration is as it was asked for.
func switchIntegration(cmd *cobra.Command, name, how string, body any) (bool, error) {
	server, err := adminOf(cmd)
	if err != nil {
		return false, err
	}
	var done report.Switch
	if err := server.post("integrations/"+url.PathEscape(name)+"/"+how, body, &done); err != nil {
		return false, err
	}
	enable := how == "enable"
	return done.Disabled != enable, show(cmd, done, func(p report.Printer) { p.Switch(done, enable) })
}

// disable answers that an integration is switched off.
func disable(w http.ResponseWriter, r *http.Request, e engine, name string) error {
	body, err := postedBody(w, r)
	if err != nil {
		return err
	}
	var given struct {
		Reason string `json:"reason"`
	}
	if len(body) > 0 {
		if err := caddy.StrictUnmarshalJSON(body, &given); err != nil {
			return apiError(http.StatusBadRequest, `the body must be {"reason": "…"}, or nothing`)
		}
	}
	done, err := e.Disable(r.Context(), name, given.Reason)
	if err != nil {
		return integrationError(name, err)
	}
	noteOperator(r, eventDisabled, "", map[string]string{"integration": name, "reason": given.Reason})
	return writeJSON(w, done)
}

// enable answers that it is switched on.
func enable(w http.ResponseWriter, r *http.Request, e engine, name string) error {
	body, err := postedBody(w, r)
	switch {
	case err != nil:
		return err
	case len(body) > 0:
		return apiError(http.StatusBadRequest, "enable takes no body")
	}
	done, err := e.Enable(r.Context(), name)
	if err != nil {
		return integrationError(name, err)
	}
	noteOperator(r, eventEnabled, "", map[string]string{"integration": name})
	return writeJSON(w, done)
}

// integrationError is the answer to what does not work with an integration.
func integrationError(name string, err error) error {
	status := http.StatusServiceUnavailable // the store cannot be used
	var unfit report.Unfit
	switch {
	case errors.As(err, &unfit):
		status = http.StatusBadRequest
	case errors.Is(err, report.ErrUnknownIntegration):
		status = http.StatusNotFound
	}
	return apiError(status, "integration %q: %w", name, err)
}
