package caddymodule

import (
	"github.com/spf13/cobra"

	"github.com/psagate/psagate/internal/report"
)

var totpListCommand = command{
	name:  "list",
	short: "Shows which people have a second factor",
	long: `
Shows who has an authenticator app, since when, and how many recovery codes are
left. It shows no secret and no code.

	$ psagate totp list`,
	run: func(cmd *cobra.Command, _ []string) (bool, error) {
		server, err := adminOf(cmd)
		if err != nil {
			return false, err
		}
		var all report.TOTPPeople
		if err := server.get("totp", &all); err != nil {
			return false, err
		}
		return true, show(cmd, all, func(p report.Printer) { p.TOTPPeople(all) })
	},
}

var totpResetCommand = command{
	name:  "reset",
	short: "Takes a person's second factor away",
	long: `
Removes a person's authenticator app and recovery codes, forgets the browsers that
are known, and ends the person's sessions, at all replicas at once. Do so for who
has lost both phone and recovery codes, and for who may have had them stolen.

Whoever signs in as the person next may enrol an app: tell the person first, and
have the password changed at the provider where it may be known to others.

The issuer is its name in the config, or its URL; the subject is the provider's
name for the person, as psagate totp list shows both.

	$ psagate totp reset corp 248289761001`,
	args:    "<issuer> <subject>",
	minArgs: 2,
	maxArgs: 2,
	run: func(cmd *cobra.Command, args []string) (bool, error) {
		server, err := adminOf(cmd)
		if err != nil {
			return false, err
		}
		var done report.TOTPReset
		if err := server.post("totp/reset", map[string]string{"issuer": args[0], "subject": args[1]}, &done); err != nil {
			return false, err
		}
		return done.Reset, show(cmd, done, func(p report.Printer) { p.TOTPReset(done) })
	},
}
