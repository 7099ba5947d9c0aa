package maildesk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/route"
	"github.com/psagate/psagate/internal/report"
)

// phonebook knows jo, who is a contact, and ticket T7 of the same company.
type phonebook struct{ away error }

func (p phonebook) Resources(context.Context, string) ([]route.Person, error) { return nil, p.away }

func (phonebook) Contacts(_ context.Context, address string, field int) ([]route.Person, error) {
	if address == "jo@acme.example" && field == 1 {
		return []route.Person{{ID: 12, Company: 5}}, nil
	}
	return nil, nil
}

func (phonebook) Companies(context.Context, string) ([]int64, error) { return nil, nil }

func (phonebook) TicketByNumber(_ context.Context, number string) (route.Ticket, bool, error) {
	return route.Ticket{ID: 7, Number: number, Company: 5, Contact: 12}, number == "T20261127.0007", nil
}

func (phonebook) TicketByID(_ context.Context, id int64) (route.Ticket, bool, error) {
	return route.Ticket{ID: id, Number: "T20261127.0007", Company: 5, Contact: 12}, id == 7, nil
}

// frozen is a ledger that nothing may be written into.
type frozen struct {
	*ledger.Memory
	t *testing.T
}

// Update implements ledger.Ledger.
func (f frozen) Update(context.Context, ledger.Mail) (ledger.Mail, error) {
	f.t.Error("a dry run writes")
	return ledger.Mail{}, errors.New("frozen")
}

// Spool implements ledger.Ledger.
func (f frozen) Spool(context.Context, ledger.Mail, []byte) (ledger.Mail, bool, error) {
	f.t.Error("a dry run spools")
	return ledger.Mail{}, false, errors.New("frozen")
}

func mailOf(from, subject string, more ...string) string {
	return "From: " + from + "\r\nTo: support@msp.example\r\nSubject: " + subject + "\r\nMessage-ID: <" + subject + "@x>\r\n" + strings.Join(more, "") + "\r\nwords\r\n"
}

func TestADryRunSaysWhatWouldBecomeOfMailsAndDoesNothing(t *testing.T) {
	t.Parallel()
	d, books, boxes := newDesk()
	box := route.Mailbox{
		Name: "support", Tenant: "t", Default: route.Fields{Company: "0", Queue: "Level 1"},
		Kinds: map[message.Kind]route.Treatment{message.AutoReply: route.TakeNote},
	}
	d.Books = frozen{books, t}
	d.Trial = func(name string) *drive.Driver {
		if name != "support" {
			return nil
		}
		return &drive.Driver{Mailbox: box, Ledger: d.Books, Directory: phonebook{}}
	}
	done := func(ticket int64, note bool, why ...string) func(*ledger.Mail) {
		return func(m *ledger.Mail) {
			m.State, m.Ticket, m.IsNote, m.Acknowledged, m.Why, m.Number = ledger.Done, ticket, note, true, why, fmt.Sprint("T", ticket)
		}
	}
	n := 0
	add := func(raw string, move func(*ledger.Mail)) {
		n++
		put(t, books, drive.Spooled("support", fmt.Sprint(n), []byte(raw), noon.Add(time.Duration(n)*time.Minute-time.Hour)), raw, move)
	}
	const got = "its ticket gets "
	reply := "References: <unseen@x>\r\n"
	auto := "Auto-Submitted: auto-replied\r\n"
	want := []string{}
	for _, c := range []struct {
		raw  string
		move func(*ledger.Mail)
		want string
	}{
		{mailOf("jo@acme.example", "same"), done(20, false, got+"company 5, queue Level 1, contact 12"), "ticket:"},
		{mailOf("jo@acme.example", "queue"), done(21, false, got+"company 5, queue Level 2, contact 12"), "ticket: its ticket got company 5, queue Level 2, contact 12, and would get company 5, queue Level 1, contact 12"},
		{mailOf("jo@acme.example", "unknown"), done(22, false), "ticket:"},
		{mailOf("jo@acme.example", "Re: T20261127.0007"), done(7, true), "note:"},
		{mailOf("jo@acme.example", "Re: T20261127.0007 other"), done(8, true), "note: it became a note on ticket T8, and would on T20261127.0007"},
		{mailOf("jo@acme.example", "Re: T20261127.0007 new"), done(23, false), "note: it became ticket, and would become note"},
		{mailOf("jo@acme.example", "sibling", reply), done(7, false, got+"company 5, queue Level 1, contact 12"), "ticket:"}, // it made the ticket itself
		{mailOf("jo@acme.example", "sibling 2", reply), done(7, true), "note:"},
		{mailOf("jo@acme.example", "away", auto), func(m *ledger.Mail) { m.State, m.Cause = ledger.Suspended, "auto-reply" }, "suspended:"},
		{mailOf("jo@acme.example", "away 2", auto), done(24, false), "suspended: it became ticket, and would become suspended, auto-reply"},
		{mailOf("jo@acme.example", "dropped"), func(m *ledger.Mail) { m.State, m.Cause, m.Was = ledger.Suppressed, "dropped", "auto-reply" }, "ticket: it became suspended, auto-reply, and would become ticket"},
		{mailOf("jo@acme.example", "loop"), func(m *ledger.Mail) { m.State, m.Cause = ledger.Suspended, "loop" }, "ticket:"},
		{mailOf("jo@acme.example", "twice"), func(m *ledger.Mail) { m.State, m.Cause = ledger.Suppressed, "duplicate" }, "ticket:"},
		{mailOf("jo@acme.example", "forced"), func(m *ledger.Mail) { m.State, m.Cause, m.Forced = ledger.Suspended, "human", true }, "ticket:"},
		{mailOf("jo@acme.example", "doubt"), func(m *ledger.Mail) { m.State, m.Cause, m.Plan = ledger.Suspended, "in-doubt", []byte("p") }, "ticket:"},
		{mailOf("jo@acme.example", "new"), nil, "ticket:"},
	} {
		add(c.raw, c.move)
		want = append(want, c.want)
	}
	before, err := books.List(t.Context(), ledger.Query{Most: 100})
	if err != nil {
		t.Fatal(err)
	}
	ran, err := d.DryRun(t.Context(), "support", noon.Add(-2*time.Hour), 0)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	differ := 0
	for _, m := range ran.Mails {
		said = append(said, strings.TrimSpace(m.Outcome+": "+strings.Join(m.Differs, ";")))
		differ += len(m.Differs)
	}
	if !slices.Equal(said, want) {
		t.Errorf("%s\nwant\n%s", strings.Join(said, "\n"), strings.Join(want, "\n"))
	}
	if ran.Looked != len(want) || ran.Differ != differ || ran.Failed != 0 || ran.Outcomes["note"] != 4 || ran.Outcomes["suspended"] != 2 || ran.More {
		t.Errorf("%+v", ran)
	}
	after, _ := books.List(t.Context(), ledger.Query{Most: 100})
	if fmt.Sprint(before) != fmt.Sprint(after) || len(boxes.woken) != 0 {
		t.Error("something is changed")
	}
	if some, err := d.DryRun(t.Context(), "support", noon.Add(-time.Hour+3*time.Minute), 2); err != nil || some.Looked != 2 || !some.More || some.Mails[0].Mail.ID != 3 {
		t.Errorf("%+v, %v", some, err)
	}
	if _, err := d.DryRun(t.Context(), "former", noon, 0); !errors.Is(err, report.ErrUnknownMailbox) {
		t.Errorf("%v", err)
	}
	box.Name = "support"
	d.Trial = func(string) *drive.Driver {
		return &drive.Driver{Mailbox: box, Ledger: d.Books, Directory: phonebook{errors.New("the gate is shut")}}
	}
	if ran, err := d.DryRun(t.Context(), "support", noon.Add(-2*time.Hour), 3); err != nil || ran.Failed != 3 || ran.Looked != 0 || !strings.Contains(ran.Mails[0].Problem, "the gate is shut") {
		t.Errorf("%+v, %v", ran, err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.DryRun(over, "support", noon.Add(-2*time.Hour), 3); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
