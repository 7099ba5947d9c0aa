package caddymodule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/psagate/psagate/internal/report"
)

var mailTestCommand = command{
	name:  "test",
	short: "Tries a mailbox out, step by step, and says what to do",
	long: `
Has the running server try a mailbox out: the mail server's name, the connection, TLS
and its certificate, the sign-in, the inbox, the folders, what the server can do, and a
mail that is put into the inbox, moved as those are that are done with, and taken out
again. Of an intake by SMTP: that it answers, offers STARTTLS, takes mails for the
aliases, and for nobody else. Of the fallback: that its key is there, and its server takes
mails for the PSA's mail service, as far as it goes without one. Of policy: that it
permits the mailbox what it needs. Of the PSA: that it answers, and has the queues and
all else that the config names for tickets. Each step says what was found, and what to
do. Steps that wait for one that failed are counted, and shown by --json.

With --send a mail is sent to each alias, by the server that the fallback has, and waited
for, up to two minutes: whether it comes, how long it took, and whether the address
is the mailbox's own or an alias of it. Without, no mail leaves this machine.

The mails of a test are known by a code that only this installation can make. They never
become tickets, and are taken out again.

The password is sent once. One that the mail server has refused, whoever sent it and
however long ago, is not sent again until it changes; --again says that it is right now.

	$ psagate mail test support
	$ psagate mail test support --send --json | jq '.steps[] | select(.result == "failed")'`,
	args:    "<mailbox> [--send] [--again]",
	minArgs: 1,
	maxArgs: 1,
	flags: func(cmd *cobra.Command) {
		cmd.Flags().Bool("send", false, "Send a mail to each alias, and wait for it")
		cmd.Flags().Bool("again", false, "Send the password once more though it was refused")
	},
	run: func(cmd *cobra.Command, args []string) (bool, error) {
		server, err := adminOf(cmd)
		if err != nil {
			return false, err
		}
		var asked mailTestAsked
		asked.Send, _ = cmd.Flags().GetBool("send")
		asked.Again, _ = cmd.Flags().GetBool("again")
		asJSON, _ := cmd.Flags().GetBool("json")
		done, err := server.mailTest(args[0], asked, func(s report.MailTestStep) {
			if !asJSON {
				report.Printer{Out: cmd.OutOrStdout()}.MailTestStep(s)
			}
		})
		if err != nil {
			return false, err
		}
		return done.OK, show(cmd, done, func(p report.Printer) { p.MailTest(done) })
	},
}

// mailTest tests a mailbox, and tells of each step as the server does.
func (a admin) mailTest(mailbox string, asked mailTestAsked, tell func(report.MailTestStep)) (report.MailTest, error) {
	body, err := json.Marshal(asked)
	if err != nil {
		return report.MailTest{}, fmt.Errorf("writing the request to the admin endpoint: %w", err)
	}
	answer, err := caddycmd.AdminAPIRequest(a.address, http.MethodPost, "/psa/mail/"+url.PathEscape(mailbox)+"/test", nil, bytes.NewReader(body))
	if err != nil {
		return report.MailTest{}, fmt.Errorf("asking the server at %s: %w%s", a.address, plainError(err), whereElse(err))
	}
	defer answer.Body.Close()
	last, err := readLines(answer.Body, func(l report.MailTestLine) bool {
		if l.Step != nil {
			tell(*l.Step)
		}
		return l.Done != nil
	})
	if err != nil {
		return report.MailTest{}, fmt.Errorf("the answer of the server at %s broke off: %w", a.address, err)
	}
	return *last.Done, nil
}
