package e2e

import (
	"fmt"
	"net/smtp"
	"strings"

	"github.com/chromedp/chromedp/kb"
)

// mailPolicy is what the mailbox needs.
const mailPolicy = `
permit (principal is Mailbox, action in [Action::"read", Action::"query"], resource);

permit (principal is Mailbox, action == Action::"create", resource == Entity::"Tickets");
`

// mailbox is one to which mails come by SMTP.
func (p *people) mailbox() string {
	return fmt.Sprintf(`mail support {
			smtp %s
			alias support@example.com {
				queue "Level I Support"
			}
		}
		`, p.mail)
}

// writes has somebody send a mail to the mailbox.
func (p *people) writes(from, subject, text string, headers ...string) {
	p.Helper()
	head := append([]string{"From: " + from, "To: support@example.com", "Subject: " + subject, "Message-ID: <" + strings.ReplaceAll(subject, " ", "-") + "@x.example>"}, headers...)
	if err := smtp.SendMail(p.mail, nil, from, []string{"support@example.com"}, []byte(strings.Join(head, "\r\n")+"\r\n\r\n"+text+"\r\n")); err != nil {
		p.Fatal(err)
	}
}

// consoleMail has somebody look what became of mails, read one, and decide about those that are set aside.
func (s *people) consoleMail(p *tab) {
	const script = `<script>document.title = "taken"</script>`
	long := strings.Repeat("wide", 40)
	s.writes("person1@company1.example", "The printer on the second floor eats paper, and has done so since this morning at nine", "It eats paper.")
	s.writes("ada@elsewhere.example", "Out of office "+script, "I am away. "+script+" "+long, "Auto-Submitted: auto-replied")
	s.writes("bob@elsewhere.example", "Away", "I am away, too.", "Auto-Submitted: auto-replied")
	p.use("Mail")
	p.at("/console/mail", "support")
	for _, text := range []string{"3 seen = 1 ticket", "2 suspended"} {
		p.at("/console/mail", text) // by itself
	}
	p.inspect("console Mail")
	p.use("support")
	p.at("/console/mailbox", "person1@company1.example", "Out of office "+script)
	p.screen(0)
	if lines := must[int](p, `Math.max(...[...document.querySelectorAll("tbody td.address")].map(cell => {
		const text = document.createRange()
		text.selectNodeContents(cell)
		return text.getClientRects().length
	}))`); lines != 1 {
		p.Errorf("on a desktop the address of a sender takes %d lines", lines)
	}
	p.inspect("console mailbox")
	p.types("#text", "printer"+kb.Enter)
	p.at("/console/mailbox", "All mails of the mailbox", "The printer on the second floor")
	p.use("All mails of the mailbox")
	p.at("/console/mailbox", "Out of office")
	p.use("2")
	p.at("/console/message", "It is an automatic reply that belongs to no ticket.")
	p.inspect("console message")
	p.use("Read it")
	p.at("/console/act", "Read mail 2 of support", "It is written down that you read this mail")
	p.use("Show what it says")
	p.at("/console/act", "I am away. "+script)
	p.inspect("console mail that is read")
	p.open("/console/message?name=support&mail=2")
	p.use("Drop it")
	p.at("/console/act", "Drop mail 2 of support")
	p.inspect("console drop")
	p.types("#reason", "not wanted"+kb.Enter)
	p.at("/console/done", "It is dropped")
	p.open("/console/message?name=support&mail=3")
	p.use("Try it again")
	p.at("/console/act", "Try mail 3 of support again")
	p.use("Try it again")
	p.at("/console/done", "It is tried again")
	p.open("/console/mail")
	p.at("/console/mail", "3 seen = 2 tickets", "1 suppressed")
	p.open("/console/")
}
