package caddymodule

import (
	"net/url"

	"github.com/spf13/cobra"

	"github.com/psagate/psagate/internal/report"
)

var mailRetryCommand = command{
	name:  "retry",
	short: "Tries a mail again that is suspended, dead or dropped",
	long: `
Has a mail become something after all, whatever kind of mail it is. What may have
been made of it before is looked for in the PSA first: it does not become a second
ticket. One that is done, or a duplicate, is not tried again; nor is one whose bytes
are not kept any more.

	$ psagate mail retry support 4711 --reason "the queue is there now"`,
	args:    "<mailbox> <mail> [--reason <text>]",
	minArgs: 2,
	maxArgs: 2,
	flags:   mailReason,
	run:     func(cmd *cobra.Command, args []string) (bool, error) { return decideAboutMail(cmd, args, "retry") },
}

var mailDropCommand = command{
	name:  "drop",
	short: "Decides that nothing is to become of a mail",
	long: `
Drops a mail that is suspended or dead, or of which nothing was sent yet. One that is
being sent, or of which nobody knows whether it was, is settled first: it may be a
ticket already. Its bytes are kept as long as those of others, and as long as they are
psagate mail retry takes it up again.

	$ psagate mail drop support 4711 --reason "spam"`,
	args:    "<mailbox> <mail> [--reason <text>]",
	minArgs: 2,
	maxArgs: 2,
	flags:   mailReason,
	run:     func(cmd *cobra.Command, args []string) (bool, error) { return decideAboutMail(cmd, args, "drop") },
}

func mailReason(cmd *cobra.Command) {
	cmd.Flags().String("reason", "", "Why, for those who look at it later")
}

func decideAboutMail(cmd *cobra.Command, args []string, how string) (bool, error) {
	at, err := mailAt(args[0], args[1])
	if err != nil {
		return false, err
	}
	server, err := adminOf(cmd)
	if err != nil {
		return false, err
	}
	reason, _ := cmd.Flags().GetString("reason")
	var done report.MailDecided
	if err := server.post(at+"/"+how, map[string]string{"reason": reason}, &done); err != nil {
		return false, err
	}
	return true, show(cmd, done, func(p report.Printer) { p.MailDecided(done) })
}

var mailDryRunCommand = command{
	name:  "dryrun",
	short: "Says what today's rules would make of mails that came",
	long: `
Understands the mails of the last days anew, as far as they are kept, by the config
that is in force, and says which would become something else than they did: another
ticket's note, in another queue, for another company, set aside. Nothing is written,
neither here nor in the PSA, which is asked who is who. 500 mails at the most, the
oldest first.

The guard against loops is not asked, nor is what people decided looked at anew.

Exit status 1 means that some would become something else, or could not be tried.

	$ psagate mail dryrun support
	$ psagate mail dryrun support --since 30d --json | jq '.mails[] | select(.differs != [])'`,
	args:    "<mailbox> [--since <duration>]",
	minArgs: 1,
	maxArgs: 1,
	flags: func(cmd *cobra.Command) {
		cmd.Flags().String("since", "7d", "Of mails that arrived within this time, as 24h or 7d")
	},
	run: func(cmd *cobra.Command, args []string) (bool, error) {
		since, _ := cmd.Flags().GetString("since")
		asked := url.Values{"since": {since}}
		if _, err := mailQuery(asked, sessionClock()); err != nil {
			return false, err
		}
		server, err := adminOf(cmd)
		if err != nil {
			return false, err
		}
		var done report.MailDryRun
		if err := server.get("mail/"+url.PathEscape(args[0])+"/dryrun?"+asked.Encode(), &done); err != nil {
			return false, err
		}
		return done.Differ+done.Failed == 0, show(cmd, done, func(p report.Printer) { p.MailDryRun(done) })
	},
}
