package drive

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/loop"
	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/route"
)

func TestARowSaysWhatNamesTickets(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	raw := []byte("From: jo@acme.example\nTo: support+T1-7-abc@msp.example\nSubject: Re: T20261127.0007 Printer\nMessage-ID: <2@acme.example>\n" +
		"References: <0@acme.example> <1@acme.example>\n\nStill.\n")
	m := Spooled("support", "1:7", raw, at)
	want := []string{"0@acme.example", "1@acme.example", "T20261127.0007", "t1-7-abc"}
	if m.Mailbox != "support" || m.Object != "1:7" || m.MessageID != "2@acme.example" || !m.Arrived.Equal(at) || !slices.Equal(m.References, want) || m.Content != message.ContentKeyOf(raw) ||
		m.From != "jo@acme.example" || m.Subject != "Re: T20261127.0007 Printer" {
		t.Errorf("%+v", m)
	}
}

// What was said when a mail was spooled stands in its ticket, however often it is understood.
func TestWhatIsMadeOfAMailThatWasCutSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inbox["1:1"] = plainMail
	if _, _, err := w.book.Spool(t.Context(), CutShort(Spooled("support", "1:1", []byte(plainMail), w.now), "There is\nmore of it."), []byte(plainMail)); err != nil {
		t.Fatal(err)
	}
	w.fates["raw 1"] = []fate{cut}
	w.rules.FallbackAfter, w.down = 30*time.Minute, w.now // after which it is routed once more
	w.hours(2)
	w.down = time.Time{}
	w.settle()
	if all := w.mails(); len(all) != 1 || all[0].State != ledger.Done {
		t.Fatalf("%+v", all)
	}
	if of := w.tickets[1000]; of == nil || !strings.HasPrefix(of.Description, "There is more of it.\nFrom: ") {
		t.Errorf("%+v", of)
	}
}

// FuzzSpooled: whatever came has a row that fits into the ledger, and is known by its content.
func FuzzSpooled(f *testing.F) {
	for _, seed := range []string{plainMail, reply, withFiles, "", "\x00", "Subject: \xff\nTo: a+t1-@b\n", "References: " + strings.Repeat("<a@b> ", 500) + "\n\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := Spooled("m", "1", raw, time.Time{})
		if m.Content != message.ContentKeyOf(raw) || len(m.References) > 1000 || len(m.MessageID) > 1000 {
			t.Errorf("%d references, an id of %d bytes, content %x", len(m.References), len(m.MessageID), m.Content)
		}
	})
}

// TestANumberInReferencesIsNoProof: a row's References hold numbers of tickets too, which whoever writes one into the References of a
// mail must not come by without being asked who he is.
func TestANumberInReferencesIsNoProof(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"<T20260213.0045>", "T20260213.0045", "<t1-7-aaaaaaaaaaaaaaaa>"} {
		for _, field := range []string{"References", "In-Reply-To"} {
			w := newWorld(t)
			w.arrive("From: jo@acme.example\nTo: support+t1-7-aaaaaaaaaaaaaaaa@msp.example\nSubject: Printer T20260213.0045\nMessage-ID: <1@acme.example>\n\nIt is on fire.\n")
			w.settle()
			w.arrive("From: mallory@evil.example\nTo: support@msp.example\nSubject: Hello\nMessage-ID: <2@evil.example>\n" + field + ": " + name + "\n\nLet me in.\n")
			w.settle()
			if m := w.mails()[1]; m.IsNote || m.Ticket == w.mails()[0].Ticket {
				t.Errorf("%s: %s: a stranger writes into ticket %d", field, name, m.Ticket)
			}
		}
	}
}

// TestMailsOfTwoCompaniesAreNotPutTogether: one monitor sends for all customers, from one address and with one subject.
func TestMailsOfTwoCompaniesAreNotPutTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mailbox.Aliases = append(w.mailbox.Aliases, route.Alias{Address: "acme@msp.example", Fields: route.Fields{Company: "175"}}, route.Alias{Address: "other@msp.example", Fields: route.Fields{Company: "176"}})
	d := w.driver()
	d.Loops = loop.New(loop.Limits{Same: 2})
	for i, to := range []string{"acme", "acme", "acme", "other"} {
		w.arrive(fmt.Sprintf("From: rmm@vendor.example\nTo: %s@msp.example\nSubject: Disk full [SRV-%d]\nMessage-ID: <%d@vendor.example>\n\nFull.\n", to, i, i))
		for w.run(d) > 0 {
		}
	}
	m := w.mails()
	if !m[2].IsNote || m[2].Ticket != m[1].Ticket {
		t.Errorf("the third of a company: %+v", m[2])
	}
	if m[3].IsNote || m[3].Ticket == m[1].Ticket || m[3].State != ledger.Done {
		t.Errorf("that of another company is in ticket %d: %+v", m[3].Ticket, m[3])
	}
}
