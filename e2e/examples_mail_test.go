//go:build unix

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/psagate/psagate/internal/imaptest"
	"github.com/psagate/psagate/internal/report"
)

// mail sets the mailbox up by its test, as the header says, on a real mail server; then customers and a monitor write.
func (e *example) mail() {
	server := imaptest.Start(e.T, imaptest.Options{})
	e.trusts(server.Certificate())
	e.set("MAIL_SERVER="+server.TLS, "MAIL_USER="+imaptest.User)
	e.saveWithMailbox("not-the-password")
	e.server = e.launch(e.folder+"/Caddyfile", "output.log")
	e.until("it runs", func() bool { _, status := e.ask("status"); return status == 0 })
	out, status := e.ask("mail test support")
	if status != 1 || !strings.Contains(out, "✗ sign-in") || !strings.Contains(out, "not tried)\n") {
		e.Errorf("a wrong password: exit status %d:\n%s", status, out)
	}
	e.saveWithMailbox(imaptest.Password)
	e.says("mail test support", 0, "✓ sign-in", "✓ folder Processed", "✓ move", "✓ policy", "✓ fields", "mailbox support: works")

	server.Deliver([]byte(mailOf("person1@company1.example", "support@example.com", "No sound")))
	server.Deliver([]byte(mailOf("monitor@rmm.example", "alerts@example.com", "Disk full")))
	server.Deliver([]byte(mailOf("stranger@elsewhere.example", "somebody@example.com", "Hello")))
	var books report.MailBooks
	e.until("all mails are tickets", func() bool {
		e.asJSON("mail list", &books)
		return len(books.Mailboxes) == 1 && books.Mailboxes[0].Tickets == 3
	})
	e.until("all mails are out of the inbox", func() bool { return len(server.Folder("Processed")) == 3 && len(server.Folder("INBOX")) == 0 })
	if !books.Mailboxes[0].Balanced {
		e.Errorf("%+v", books)
	}
	queues := map[string]string{}
	for _, t := range e.tenant.Records("Tickets") {
		if text := fmt.Sprint(t["title"]); strings.Contains("No sound, Disk full, Hello", text) {
			queues[text] += fmt.Sprintf("queue %v, company %v", t["queueID"], t["companyID"])
		}
	}
	want := map[string]string{"No sound": "queue 29682833, company 1", "Disk full": "queue 8, company 0", "Hello": "queue 6, company 0"}
	if fmt.Sprint(queues) != fmt.Sprint(want) {
		e.Errorf("the tickets are %v, want %v", queues, want)
	}
	e.isWell([]string{"login main: serving", "mailbox support: working", "3 came, 0 pending"})
}

func mailOf(from, to, subject string) string {
	return "From: " + from + "\r\nTo: " + to + "\r\nSubject: " + subject + "\r\nMessage-ID: <" + strings.ReplaceAll(subject, " ", "-") + "@" + from + ">\r\n\r\nPlease help.\r\n"
}

// saveWithMailbox puts the password of the mailbox into the file of secrets, beside the PSA user's credential.
func (e *example) saveWithMailbox(password string) {
	e.Helper()
	text, err := json.Marshal(map[string]any{
		"autotask/main": map[string]string{"username": user, "secret": oldPassword, "integration_code": code},
		"mail/support":  map[string]string{"password": password},
	})
	if err != nil {
		e.Fatal(err)
	}
	e.write(secretsFile, string(text))
}

// trusts adds a certificate to those that the machine trusts.
func (e *example) trusts(certificate string) {
	e.Helper()
	both := exampleText(e.T, e.public.File) + exampleText(e.T, certificate)
	if err := os.WriteFile(e.public.File, []byte(both), 0o600); err != nil {
		e.Fatal(err)
	}
}
