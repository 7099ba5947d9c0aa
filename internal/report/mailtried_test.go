package report_test

import (
	"testing"

	"github.com/psagate/psagate/internal/report"
)

func TestMailTestsReadWell(t *testing.T) {
	for name, tried := range map[string]report.MailTest{
		"mail-test": {Mailbox: "support", OK: true, Steps: []report.MailTestStep{
			{Name: "name", Result: "ok", Words: "imap.example.com is at 192.0.2.1", Took: 3},
			{Name: "sign-in", Result: "ok", Words: "the server takes the password of support@example.com (PLAIN)", Took: 90},
			{Name: "abilities", Result: "warn", Words: "no IDLE: new mails are seen at the next look (poll), not at once", Do: "Nothing needs to be done: it works without, only less well."},
			{Name: "alias support@example.com", Result: "ok", Words: "a mail came within 4.2s; this is the mailbox's own address", Took: 4231},
			{Name: "alias sales@example.com", Result: "skipped", Words: "not tried: no mail was sent"},
		}},
		"mail-test-failed": {Mailbox: "support", Steps: []report.MailTestStep{
			{Name: "sign-in", Result: "failed", Words: "the server refuses the password of support@example.com", Do: "Put the right one into the store.", Took: 500},
			{Name: "inbox", Result: "skipped", Words: "not tried, since “sign-in” failed"},
		}},
	} {
		golden(t, name, tried, func(p report.Printer) {
			for _, s := range tried.Steps {
				p.MailTestStep(s)
			}
			p.MailTest(tried)
		})
	}
}
