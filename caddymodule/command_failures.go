package caddymodule

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"

	"github.com/psagate/psagate/internal/report"
)

// failuresSince is how far back failures are looked for where nobody says.
const failuresSince = "24h"

var failuresCommand = command{
	name:  "failures",
	short: "Shows who failed, with which credential, and what to do",
	long: `
Shows the attempts that the PSA refused or left unanswered: whose they were, with
which key and from where, with which version of the credential, what the PSA
said, and whether it has been forgiven since. Then who was served with which
version last, and what to do. It says when the cause seems to lie outside
psagate. Calls that psagate did not let in are shown too.

It is kept in the store for 30 days, of all processes that share it.

What psagate had under way when it was killed has no attempt to show; the units
that it left tell how many calls of whom they were.

Exit status 1 means that something failed in the time, that units are lost,
failed or unknown now, or that the store cannot be read, so that nobody knows.
Calls that nobody's key came with do not count for that.

	$ psagate failures
	$ psagate failures --login main --since 15m
	$ psagate failures --json | jq -r '.logins[].by[].integration'`,
	args: "[--login <login>] [--since <duration>]",
	flags: func(cmd *cobra.Command) {
		cmd.Flags().String("login", "", "Of this login alone")
		cmd.Flags().String("since", failuresSince, "How far back, such as 15m or 7d")
	},
	run: func(cmd *cobra.Command, _ []string) (bool, error) {
		login, _ := cmd.Flags().GetString("login")
		since, _ := cmd.Flags().GetString("since")
		if _, err := backFrom(time.Now(), since); err != nil {
			return false, usageErrorf("--since: %v", err)
		}
		server, err := adminOf(cmd)
		if err != nil {
			return false, err
		}
		var failures report.Failures
		if err := server.get("failures?"+url.Values{"login": {login}, "since": {since}}.Encode(), &failures); err != nil {
			return false, err
		}
		return !failures.Any(), show(cmd, failures, func(p report.Printer) { p.Failures(failures) })
	},
}

// backFrom returns the moment that lies a duration before now.
func backFrom(now time.Time, duration string) (time.Time, error) {
	d, err := caddy.ParseDuration(duration)
	if err != nil || d <= 0 {
		return now, fmt.Errorf("%q is no duration such as 15m, 24h or 7d", duration)
	}
	return now.Add(-d), nil
}

// failures answers what failed.
func failures(w http.ResponseWriter, r *http.Request, e engine) error {
	if err := onlyGet(w, r); err != nil {
		return err
	}
	asked, since := r.URL.Query(), failuresSince
	if asked.Has("since") {
		since = asked.Get("since")
	}
	from, err := backFrom(time.Now(), since)
	if err != nil {
		return apiError(http.StatusBadRequest, "since: %w", err)
	}
	found, err := e.Failures(asked.Get("login"), from)
	if err != nil {
		return loginError(asked.Get("login"), err)
	}
	return writeJSON(w, found)
}
