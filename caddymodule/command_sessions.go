package caddymodule

import (
	"net/url"

	"github.com/spf13/cobra"

	"github.com/psagate/psagate/internal/report"
)

var sessionsCommand = command{
	name:  "sessions",
	short: "Shows who is signed in",
	long: `
Shows the sessions of people that are not over, of all replicas: since when, when
and from where they were last used, and when they end. People are named as their
issuer names them, which is neither a name nor a mail address with most. What a
browser proves itself with is not shown; the id opens nothing.

Exit status 1 means that nobody is signed in.

	$ psagate sessions
	$ psagate sessions --issuer corp --person 7d1f
	$ psagate sessions --json | jq -r '.sessions[].id'`,
	args:  "[--issuer <issuer>] [--person <subject>]",
	flags: whoseFlags,
	run: func(cmd *cobra.Command, _ []string) (bool, error) {
		server, err := adminOf(cmd)
		if err != nil {
			return false, err
		}
		asked := url.Values{}
		for name, value := range whose(cmd) {
			asked.Set(name, value)
		}
		var found report.Sessions
		if err := server.get("sessions?"+asked.Encode(), &found); err != nil {
			return false, err
		}
		return len(found.Sessions) > 0, show(cmd, found, func(p report.Printer) { p.Sessions(found) })
	},
	subs: []command{sessionsEndCommand},
}

var sessionsEndCommand = command{
	name:  "end",
	short: "Signs somebody out",
	long: `
Ends one session, or all of a person, at all replicas at once: whoever used it has
to sign in again. Where the provider still knows the person that is done without
a question, so lock the account there first.

Exit status 1 means that there was none to end.

	$ psagate sessions end HLXUS5ZTXKPQSTEP
	$ psagate sessions end --issuer corp --person 7d1f`,
	args:    "[<id>] [--issuer <issuer> --person <subject>]",
	maxArgs: 1,
	flags:   whoseFlags,
	run: func(cmd *cobra.Command, args []string) (bool, error) {
		which := whose(cmd)
		if len(args) == 1 {
			if len(which) > 0 {
				return false, usageErrorf("it takes the session's id, or a person's issuer and subject, and not both")
			}
			which["id"] = args[0]
		} else if len(which) != 2 {
			return false, usageErrorf("it takes the session's id, or --issuer and --person: a subject means nothing without its issuer")
		}
		server, err := adminOf(cmd)
		if err != nil {
			return false, err
		}
		var ended report.Sessions
		if err := server.post("sessions/end", which, &ended); err != nil {
			return false, err
		}
		return len(ended.Sessions) > 0, show(cmd, ended, func(p report.Printer) { p.SessionsEnded(ended) })
	},
}

func whoseFlags(cmd *cobra.Command) {
	cmd.Flags().String("issuer", "", "Of people of this issuer alone")
	cmd.Flags().String("person", "", "Of the person whom the issuer calls so")
}

// whose are the flags that are set, by their name.
func whose(cmd *cobra.Command) map[string]string {
	set := map[string]string{}
	for _, name := range []string{"issuer", "person"} {
		if value, _ := cmd.Flags().GetString(name); value != "" {
			set[name] = value
		}
	}
	return set
}
