package caddymodule

import (
	"net/url"

	"github.com/spf13/cobra"

	"github.com/psagate/psagate/internal/report"
)

var statusCommand = command{
	name:  "status",
	short: "Shows whether anything is about to lock, and what to do",
	long: `
Shows for each login which credential version serves and how old it is, how much
of its budget is free, how far it is from being locked, what the last refusal
was, and what to do.

	$ psagate status
	$ psagate status --json --address unix//run/psagate/admin.sock`,
	run: func(cmd *cobra.Command, _ []string) (bool, error) {
		var status report.Status
		server, err := adminOf(cmd)
		if err == nil {
			err = server.get("status", &status)
		}
		if err != nil {
			return false, err
		}
		return true, show(cmd, status, func(p report.Printer) { p.Status(status) })
	},
}

var zonesCommand = command{
	name:  "zones",
	short: "Shows where the logins' calls go",
	long: `
Shows for each login the zone that its calls go to, and how that is known.

	$ psagate zones`,
	run: func(cmd *cobra.Command, _ []string) (bool, error) {
		var zones report.Zones
		server, err := adminOf(cmd)
		if err == nil {
			err = server.get("zones", &zones)
		}
		if err != nil {
			return false, err
		}
		return true, show(cmd, zones, func(p report.Printer) { p.Zones(zones) })
	},
}

var checkCommand = command{
	name:  "check",
	short: "Finds out whether a login works, with at most one sign-in, and what is unwise in the config",
	long: `
Says what is legal and unwise in the config that runs, and what to do about it.
Then it looks at the login's record in its store and at its zone, and signs in
at most once, out of the login's budget. Without a name it checks all logins.

A login that waits for the PSA to answer again is asked at once. Where one unit
is left of its budget psagate itself waits for an hour before it uses that: a
check does it now, and is the last sign-in until one of them is forgotten.

Warnings do not change the exit status: it is 0 where all logins that were
checked work.

	$ psagate check
	$ psagate check main
	$ psagate check --json | jq '.config[].kind'`,
	args:    "[<login>]",
	maxArgs: 1,
	run: func(cmd *cobra.Command, args []string) (bool, error) {
		server, err := adminOf(cmd)
		if err != nil {
			return false, err
		}
		checks, err := server.check(args)
		if err != nil {
			return false, err
		}
		return checks.OK, show(cmd, checks, func(p report.Printer) { p.Checks(checks) })
	},
}

// check looks at the config, and checks the logins of these names, or all.
func (a admin) check(names []string) (report.Checks, error) {
	checks := report.Checks{OK: true, Logins: []report.CheckResult{}}
	var config report.ConfigWarnings
	if err := a.get("warnings", &config); err != nil {
		return checks, err
	}
	checks.Config = config.Warnings
	if len(names) == 0 {
		var status report.Status
		if err := a.get("status", &status); err != nil {
			return checks, err
		}
		for _, login := range status.Logins {
			names = append(names, login.Name)
		}
	}
	for _, name := range names {
		var result report.CheckResult
		if err := a.post("logins/"+url.PathEscape(name)+"/check", nil, &result); err != nil {
			return checks, err
		}
		checks.Logins = append(checks.Logins, result)
		checks.OK = checks.OK && result.OK
	}
	return checks, nil
}
