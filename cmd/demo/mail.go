package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net"
	"net/http"
	"net/smtp"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/report"
)

const (
	mailTo    = "support@example.com"        // the mailbox's address
	mailFrom  = "person1@company1.example"   // a contact that the PSA knows
	mailQueue = "Level I Support"            // where the mailbox's tickets go, as the PSA shows it
	queueID   = 29682833                     // and as it numbers it
	printer   = "The printer eats paper"     // the first mail's subject
	invoices  = "No invoices since midnight" // that of the one that comes at a bad time
)

// What the PSA has of the mails, and psagate's books of them, as the promises count it.
const (
	becameTickets = "mails that are a ticket"
	becameNotes   = "answers that are a note on their ticket"
	pictures      = "pictures that are files of their ticket"
	heldBack      = "mails held while nothing could be sent"
	wrongTickets  = "mails without one ticket in their queue"
	missing       = "mails missing from the books"
)

// letter is a mail.
type letter struct {
	subject, text string
	answers       string // the ticket that it is about, by its number
	picture       []byte
}

// bytes are what goes over the wire.
func (l letter) bytes() []byte {
	subject := l.subject
	if l.answers != "" {
		subject = "Re: [" + l.answers + "] " + subject
	}
	head := fmt.Sprintf("From: Person 1 <%s>\r\nTo: %s\r\nSubject: %s\r\nDate: %s\r\nMessage-ID: <%d@company1.example>\r\nMIME-Version: 1.0\r\n",
		mailFrom, mailTo, subject, time.Now().Format(time.RFC1123Z), time.Now().UnixNano())
	text := "Content-Type: text/plain; charset=utf-8\r\n\r\n" + l.text + "\r\n"
	if l.picture == nil {
		return []byte(head + text)
	}
	return []byte(head + "Content-Type: multipart/mixed; boundary=part\r\n\r\n--part\r\n" + text +
		"--part\r\nContent-Type: image/png; name=printer.png\r\nContent-Disposition: attachment; filename=printer.png\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		base64.StdEncoding.EncodeToString(l.picture) + "\r\n--part--\r\n")
}

// post hands a mail to the gateway by SMTP, as any mail server would.
func (w *world) post(l letter) error {
	if err := smtp.SendMail(w.desk.mail, nil, mailFrom, []string{mailTo}, l.bytes()); err != nil {
		return fmt.Errorf("sending %q to the gateway: %w", l.subject, err)
	}
	return nil
}

// picture is one of something.
func picture() []byte {
	m := image.NewGray(image.Rect(0, 0, 96, 64))
	for x := range 96 {
		m.SetGray(x, x*64/96, color.Gray{Y: 255})
	}
	var b bytes.Buffer
	_ = png.Encode(&b, m) // to memory, of a picture that is not empty: it cannot fail
	return b.Bytes()
}

// mailComes has a customer write, with a picture, and waits for the ticket.
func mailComes(s *scene) error {
	if err := s.post(letter{subject: printer, text: "It has eaten five pages. A picture is attached.", picture: picture()}); err != nil {
		return err
	}
	ticket, err := s.ticketOf(printer)
	if err != nil {
		return err
	}
	if err := s.until("the picture is in the PSA", func() (bool, error) { return len(s.of("TicketAttachments", ticket["id"])) > 0, nil }); err != nil {
		return err
	}
	s.show(fmt.Sprintf("%v, %q, in the queue %s, with %s", ticket["ticketNumber"], printer, mailQueue, plural(len(s.of("TicketAttachments", ticket["id"])), "file")))
	return nil
}

// answerComes has the customer write again, about the ticket.
func answerComes(s *scene) error {
	ticket, err := s.ticketOf(printer)
	if err != nil {
		return err
	}
	if err := s.post(letter{subject: printer, text: "Now it eats toner.", answers: fmt.Sprint(ticket["ticketNumber"])}); err != nil {
		return err
	}
	err = s.until("the answer is in the PSA", func() (bool, error) { return len(s.of("TicketNotes", ticket["id"])) > 0, nil })
	for _, note := range s.of("TicketNotes", ticket["id"]) {
		s.show(strings.Join(strings.Fields(fmt.Sprint(note["description"])), " "))
	}
	return err
}

// mailIsHeld has a mail come while no call is served, and waits until the books have it.
func mailIsHeld(s *scene) error {
	if err := s.post(letter{subject: invoices, text: "Nobody got one."}); err != nil {
		return err
	}
	books, err := s.books()
	if err != nil {
		return err
	}
	s.seen[heldBack] += books.Pending
	s.showBooks(books)
	return nil
}

// mailIsTicket waits for what becomes of that mail.
func mailIsTicket(s *scene) error {
	ticket, err := s.ticketOf(invoices)
	if err == nil {
		s.show(fmt.Sprintf("%v, %q, in the queue %s", ticket["ticketNumber"], invoices, mailQueue))
	}
	return err
}

// booksBalance waits until no mail is worked on any more, and counts what became of them: in the PSA, and by psagate's books.
func booksBalance(s *scene) error {
	var books report.MailboxBooks
	err := s.until("no mail is worked on", func() (done bool, err error) {
		books, err = s.books()
		return books.Pending == 0, err
	})
	if err != nil {
		return err
	}
	s.showBooks(books)
	s.seen[missing] = max(books.Gap, -books.Gap)
	for _, subject := range []string{printer, invoices} {
		tickets := s.ticketsOf(subject)
		if len(tickets) > 0 {
			s.seen[becameTickets]++
		}
		if len(tickets) != 1 || tickets[0]["queueID"] != int64(queueID) {
			s.seen[wrongTickets]++
		}
		for _, t := range tickets {
			s.seen[becameNotes] += len(s.of("TicketNotes", t["id"]))
			s.seen[pictures] += len(s.of("TicketAttachments", t["id"]))
		}
	}
	return nil
}

// ticketsOf are the PSA's tickets with a title.
func (w *world) ticketsOf(title string) (found []map[string]any) {
	for _, t := range w.tenant.Records("Tickets") {
		if t["title"] == title {
			found = append(found, t)
		}
	}
	return found
}

// ticketOf waits for a ticket with a title.
func (s *scene) ticketOf(title string) (ticket map[string]any, err error) {
	err = s.until("the mail is a ticket", func() (bool, error) {
		found := s.ticketsOf(title)
		if len(found) > 0 {
			ticket = found[0]
		}
		return len(found) > 0, nil
	})
	if err == nil && ticket == nil {
		err = errInterrupted
	}
	return ticket, err
}

// of are the PSA's records of an entity that belong to a ticket.
func (w *world) of(entity string, ticket any) (found []map[string]any) {
	for _, r := range w.tenant.Records(entity) {
		if r["ticketID"] == ticket {
			found = append(found, r)
		}
	}
	return found
}

// books are psagate's of the mailbox, as it tells them to whoever asks its admin endpoint.
func (w *world) books() (report.MailboxBooks, error) {
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", w.path("admin"))
	}}}
	res, err := client.Get("http://admin/psa/mail")
	if err != nil {
		return report.MailboxBooks{}, fmt.Errorf("asking for the books: %w", err)
	}
	defer res.Body.Close()
	var all report.MailBooks
	if err := json.NewDecoder(res.Body).Decode(&all); err != nil {
		return report.MailboxBooks{}, fmt.Errorf("reading the books: %w", err)
	}
	if len(all.Mailboxes) != 1 {
		return report.MailboxBooks{}, errors.New("the gateway has books of other mailboxes than the demo's")
	}
	return all.Mailboxes[0], nil
}

// showBooks shows them as psagate mail list does, in lines that fit.
func (s *scene) showBooks(b report.MailboxBooks) {
	s.show("mailbox " + b.Name + ": " + b.Headline())
	s.show(b.Equation())
}
