package caddymodule

import (
	"net/url"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/psagate/psagate/internal/report"
)

var mailCommand = command{
	name:  "mail",
	short: "Shows what becomes of mails, and decides about those that wait for it",
	long: `
Shows how the books of the mailboxes stand, and which mails there are, and decides
about those that are set aside. None of it shows what a mail says: that is for
people who are signed in at the console.`,
	args: "test|list|show|retry|drop|dryrun",
	subs: []command{mailTestCommand, mailListCommand, mailShowCommand, mailRetryCommand, mailDropCommand, mailDryRunCommand},
}

var mailListCommand = command{
	name:  "list",
	short: "Shows the books of the mailboxes, and the mails of one",
	long: `
Without a mailbox: the books of all, which must balance: as many mails as were seen
are tickets, notes, suspended, dead, suppressed or pending. With one its mails, too,
the newest first, a page at a time: by whom and about what, how they stand, why, and
what to do. Suspended and dead mails wait for people: psagate mail retry, psagate
mail drop.

Exit status 1 means that some books do not balance.

	$ psagate mail list
	$ psagate mail list support --state suspended --state dead
	$ psagate mail list support --text jo@acme.example --since 7d`,
	args:    "[<mailbox>] [--state <state>...] [--cause <word>] [--text <text>] [--since <duration>]",
	maxArgs: 1,
	flags: func(cmd *cobra.Command) {
		cmd.Flags().StringSlice("state", nil, "Of this state alone, or of these")
		cmd.Flags().String("cause", "", "That ended with this word")
		cmd.Flags().String("text", "", "With this in sender or subject, or of the ticket with this number")
		cmd.Flags().String("since", "", "That arrived within this time, as 24h or 7d")
		cmd.Flags().String("until", "", "That arrived before this time, as 24h or 7d")
		cmd.Flags().Bool("oldest", false, "The oldest first")
		cmd.Flags().Int64("after", 0, "The page after the mail of this number")
		cmd.Flags().Int("most", 0, "How many are on a page: 50 unless said otherwise, and at most 500")
	},
	run: func(cmd *cobra.Command, args []string) (bool, error) {
		asked, err := askedMails(cmd)
		if err != nil {
			return false, err
		}
		server, err := adminOf(cmd)
		switch {
		case err != nil:
			return false, err
		case len(args) == 1:
			var list report.MailList
			if err := server.get("mail/"+url.PathEscape(args[0])+"?"+asked.Encode(), &list); err != nil {
				return false, err
			}
			return list.Mailbox.Balanced, show(cmd, list, func(p report.Printer) { p.MailList(list) })
		case len(asked) > 0:
			return false, usageErrorf("which mails are shown can be said of one mailbox alone: name it")
		}
		var books report.MailBooks
		if err := server.get("mail", &books); err != nil {
			return false, err
		}
		gap := slices.ContainsFunc(books.Mailboxes, func(m report.MailboxBooks) bool { return !m.Balanced })
		return !gap, show(cmd, books, func(p report.Printer) { p.MailBooks(books) })
	},
}

// askedMails are the flags that are set, as the admin endpoint takes them.
func askedMails(cmd *cobra.Command) (url.Values, error) {
	asked := url.Values{}
	if states, _ := cmd.Flags().GetStringSlice("state"); len(states) > 0 {
		asked["state"] = states
	}
	for _, name := range []string{"cause", "text", "since", "until"} {
		if value, _ := cmd.Flags().GetString(name); value != "" {
			asked.Set(name, value)
		}
	}
	if oldest, _ := cmd.Flags().GetBool("oldest"); oldest {
		asked.Set("oldest", "1")
	}
	for _, name := range []string{"after", "most"} {
		if f := cmd.Flags().Lookup(name); f.Changed {
			asked.Set(name, f.Value.String())
		}
	}
	_, err := mailQuery(asked, sessionClock())
	return asked, err
}

var mailShowCommand = command{
	name:  "show",
	short: "Shows all that is known of a mail, but for what it says",
	long: `
Shows by whom a mail is and about what, how it stands and why, how it was understood,
step by step, what has happened to it, and who decided what about it. What it says is
shown at the console alone.

	$ psagate mail show support 4711`,
	args:    "<mailbox> <mail>",
	minArgs: 2,
	maxArgs: 2,
	run: func(cmd *cobra.Command, args []string) (bool, error) {
		at, err := mailAt(args[0], args[1])
		if err != nil {
			return false, err
		}
		server, err := adminOf(cmd)
		if err != nil {
			return false, err
		}
		var shown report.MailShown
		if err := server.get(at, &shown); err != nil {
			return false, err
		}
		return true, show(cmd, shown, func(p report.Printer) { p.MailShown(shown) })
	},
}

// mailAt is where a mail is at the admin endpoint.
func mailAt(mailbox, mail string) (string, error) {
	id, err := strconv.ParseInt(mail, 10, 64)
	if err != nil || id <= 0 {
		return "", usageErrorf("a mail is named by its number, as psagate mail list shows it, and not %q", mail)
	}
	return "mail/" + url.PathEscape(mailbox) + "/" + strconv.FormatInt(id, 10), nil
}

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
