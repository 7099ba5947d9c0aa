package ates_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/ledger"
)

func answerTo(id, file int) string {
	return fmt.Sprintf("From: jo@acme.example\nTo: support@msp.example\nSubject: Re: Printer\nMessage-ID: <%d@acme.example>\nIn-Reply-To: <1@acme.example>\nMIME-Version: 1.0\n"+
		"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nAnswer %d.\n--b\nContent-Type: text/csv; name=%d.csv\nContent-Disposition: attachment; filename=%d.csv\n\n%d,2\n--b--\n", id, id, file, file, file)
}

// Answers that come while the API is away become notes by the mail service, one after the other, and get their files when it is back.
func TestAnswersThatComeInTheOutage(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.arrive(printer)
	b.hours(1)
	b.outage()
	for i := range 3 {
		b.arrive(answerTo(2+i, 7+i))
	}
	b.hours(2)
	if n := len(b.tenant.Records("TicketNotes")); n != 3 || len(b.ates.Mails()) != 3 {
		t.Errorf("%d notes while the API is away, of %d mails", n, len(b.ates.Mails()))
	}
	if n := len(b.tenant.Records("TicketAttachments")); n != 1 {
		t.Errorf("%d files while the API is away", n)
	}
	b.back()
	b.hours(1)
	tickets, files := b.tenant.Records("Tickets"), b.tenant.Records("TicketAttachments")
	if len(tickets) != 1 || len(files) != 4 {
		t.Errorf("%d tickets, %d files", len(tickets), len(files))
	}
	for i, note := range b.tenant.Records("TicketNotes") {
		if want := fmt.Sprintf("Answer %d.", 2+i); i > 2 || !strings.Contains(note["description"].(string), want) || note["ticketID"] != tickets[0]["id"] {
			t.Errorf("note %d: %v", i, note)
		}
	}
	if books, err := b.books.Balance(t.Context(), "support"); err != nil || books.Tickets != 1 || books.Notes != 3 || books.Suppressed != 3 || books.Pending != 0 || books.Gap() != 0 {
		t.Errorf("%+v, %v", books, err)
	}
}

// The mail service knows no such ticket, and says so: the note is made by the API, in its order.
func TestAnAnswerThatTheMailServiceDoesNotTake(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.arrive(printer)
	b.hours(1)
	b.outage()
	b.key = "wrong"
	b.arrive(answerTo(2, 7))
	b.arrive(answerTo(3, 8))
	b.hours(4)
	if m := b.mail(2); m.State != ledger.Ready || m.Cause != ledger.AtesFailed || len(b.ates.Mails()) != 1 {
		t.Errorf("%d mails: %+v", len(b.ates.Mails()), m)
	}
	b.back()
	b.hours(1)
	notes := b.tenant.Records("TicketNotes")
	if len(notes) != 2 || !strings.Contains(notes[0]["description"].(string), "Answer 2.") || !strings.Contains(notes[1]["description"].(string), "Answer 3.") {
		t.Errorf("%v", notes)
	}
}

// A note may be four times as long as what the mail service takes.
func TestALongAnswerWaitsForTheAPI(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.arrive(printer)
	b.hours(1)
	b.outage()
	b.arrive(strings.Replace(answerTo(2, 7), "Answer 2.", strings.Repeat("It still burns. ", 700)+"The end.", 1))
	b.hours(4)
	if m := b.mail(2); m.State != ledger.Ready || len(b.ates.Mails()) != 0 {
		t.Errorf("%d mails: %+v", len(b.ates.Mails()), m)
	}
	b.back()
	b.clock.Add(int64(time.Hour))
	b.hours(1)
	if notes := b.tenant.Records("TicketNotes"); len(notes) != 1 || !strings.Contains(notes[0]["description"].(string), "The end.") {
		t.Errorf("%d notes: %+v", len(notes), b.mail(2))
	}
}
