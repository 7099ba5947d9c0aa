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
