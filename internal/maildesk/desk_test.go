package maildesk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/internal/report"
)

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// someBoxes are mailboxes, and which were woken.
type someBoxes struct {
	names []string
	woken []string
}

// Names implements Boxes.
func (b *someBoxes) Names() []string { return b.names }

// Wake implements Boxes.
func (b *someBoxes) Wake(name string) { b.woken = append(b.woken, name) }

func newDesk() (*Desk, *ledger.Memory, *someBoxes) {
	books, boxes := ledger.NewMemory(), &someBoxes{names: []string{"empty", "support"}}
	return &Desk{Books: books, Boxes: boxes, Now: func() time.Time { return noon }}, books, boxes
}

// put spools a mail and moves it as asked.
func put(t *testing.T, books ledger.Ledger, m ledger.Mail, raw string, move func(*ledger.Mail)) ledger.Mail {
	t.Helper()
	kept, fresh, err := books.Spool(t.Context(), m, []byte(raw))
	if err != nil || !fresh {
		t.Fatal(fresh, err)
	}
	if move == nil {
		return kept
	}
	move(&kept)
	if kept, err = books.Update(t.Context(), kept); err != nil {
		t.Fatal(err)
	}
	return kept
}

func TestBooksOfMailboxesThatAreGoneAreShownToo(t *testing.T) {
	t.Parallel()
	d, books, _ := newDesk()
	put(t, books, ledger.Mail{Mailbox: "support", Object: "1", Arrived: noon.Add(-time.Hour)}, "x", nil)
	put(t, books, ledger.Mail{Mailbox: "support", Object: "2", Arrived: noon}, "x", func(m *ledger.Mail) { m.State, m.IsNote = ledger.Done, true })
	put(t, books, ledger.Mail{Mailbox: "former", Object: "1"}, "x", func(m *ledger.Mail) { m.State, m.Cause = ledger.Dead, "refused" })
	all, err := d.Overview(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, m := range all.Mailboxes {
		said = append(said, fmt.Sprint(m.Name, m.InConfig, m.Seen, m.Tickets, m.Notes, m.Dead, m.Pending, m.Gap, m.Balanced, m.States))
	}
	if want := []string{
		"emptytrue 0 0 0 0 0 0 true map[]", "formerfalse 1 0 0 1 0 0 true map[dead:1]", "supporttrue 2 0 1 0 1 0 true map[done:1 spooled:1]",
	}; !slices.Equal(said, want) {
		t.Errorf("%q", said)
	}
	if at := all.Mailboxes[2].OldestPending; at == nil || !at.Equal(noon.Add(-time.Hour)) || all.Mailboxes[1].OldestPending != nil {
		t.Errorf("%v", at)
	}
}

func TestPagesFollowOneAnother(t *testing.T) {
	t.Parallel()
	d, books, _ := newDesk()
	for i := range 7 {
		put(t, books, ledger.Mail{Mailbox: "support", Object: fmt.Sprint(i)}, "x", nil)
	}
	var ids []int64
	q := ledger.Query{Mailbox: "support", Most: 3}
	for pages := 1; ; pages++ {
		list, err := d.List(t.Context(), q)
		if err != nil || len(list.Mails) > 3 {
			t.Fatal(len(list.Mails), err)
		}
		for _, m := range list.Mails {
			ids = append(ids, m.ID)
		}
		if q.After = list.After; q.After == 0 {
			if pages != 3 {
				t.Errorf("%d pages", pages)
			}
			break
		}
	}
	if !slices.Equal(ids, []int64{7, 6, 5, 4, 3, 2, 1}) {
		t.Errorf("%v", ids)
	}
	if list, err := d.List(t.Context(), ledger.Query{Mailbox: "support", Most: 1 << 40}); err != nil || len(list.Mails) != 7 || list.After != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	for _, name := range []string{"", "other"} {
		if _, err := d.List(t.Context(), ledger.Query{Mailbox: name}); !errors.Is(err, report.ErrUnknownMailbox) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestAMailIsOfItsMailboxAlone(t *testing.T) {
	t.Parallel()
	d, books, boxes := newDesk()
	m := put(t, books, ledger.Mail{Mailbox: "support", Object: "1"}, "secret words", nil)
	by := ledger.Decision{By: "corp/ann"}
	_, err1 := d.Show(t.Context(), "empty", m.ID)
	_, err2 := d.Raw(t.Context(), "empty", m.ID)
	_, err3 := d.Drop(t.Context(), "empty", m.ID, by)
	_, err4 := d.Retry(t.Context(), "support", m.ID+1, by)
	for i, err := range []error{err1, err2, err3, err4} {
		if !errors.Is(err, report.ErrUnknownMail) {
			t.Errorf("%d: %v", i, err)
		}
		if strings.Contains(err.Error(), "in the config") {
			t.Errorf("%d: the mailbox is there: %v", i, err)
		}
	}
	if _, err := d.Show(t.Context(), "suport", m.ID); !errors.Is(err, report.ErrUnknownMail) || !strings.HasSuffix(err.Error(), "no mailbox of that name in the config; it has empty, support") {
		t.Errorf("who mistypes the mailbox hears %v", err)
	}
	if after, err := books.Get(t.Context(), m.ID); err != nil || after.Epoch != m.Epoch || len(boxes.woken) != 0 {
		t.Errorf("it is moved: %+v, %v, %v", after, err, boxes.woken)
	}
}

func TestDecisionsAreWrittenDownAndWakeTheMailbox(t *testing.T) {
	t.Parallel()
	d, books, boxes := newDesk()
	m := put(t, books, ledger.Mail{Mailbox: "support", Object: "1"}, "x", func(m *ledger.Mail) { m.State, m.Cause = ledger.Suspended, "loop" })
	dropped, err := d.Drop(t.Context(), "support", m.ID, ledger.Decision{By: "corp/ann", Why: "spam"})
	if err != nil || dropped.Was != "suspended" || dropped.Mail.State != "suppressed" || dropped.Mail.Cause != "dropped" {
		t.Errorf("%+v, %v", dropped, err)
	}
	var unfit report.Unfit
	if _, err := d.Drop(t.Context(), "support", m.ID, ledger.Decision{}); !errors.As(err, &unfit) {
		t.Errorf("dropped twice: %v", err)
	}
	again, err := d.Retry(t.Context(), "support", m.ID, ledger.Decision{By: "operator"})
	if err != nil || again.Was != "suppressed" || again.Mail.State != "spooled" {
		t.Errorf("%+v, %v", again, err)
	}
	shown, err := d.Show(t.Context(), "support", m.ID)
	want := []report.MailMove{{At: noon, State: "suppressed", Cause: "dropped", By: "corp/ann", Why: "spam"}, {At: noon, State: "spooled", By: "operator"}}
	if err != nil || !slices.Equal(shown.History, want) || shown.NoRetry == "" || shown.NoDrop != "" || len(shown.Marks) != 1 {
		t.Errorf("%+v, %v", shown, err)
	}
	if !slices.Equal(boxes.woken, []string{"support", "support"}) {
		t.Errorf("%v", boxes.woken)
	}
}

// busy has another process move a mail whenever somebody is about to.
type busy struct {
	*ledger.Memory
	times int
}

// Update implements ledger.Ledger.
func (b *busy) Update(ctx context.Context, m ledger.Mail) (ledger.Mail, error) {
	if b.times > 0 {
		b.times--
		other, err := b.Get(ctx, m.ID)
		if err == nil {
			_, err = b.Memory.Update(ctx, other)
		}
		if err != nil {
			return m, err
		}
	}
	return b.Memory.Update(ctx, m)
}

func TestADecisionIsMadeAnewWhereAStepComesBetween(t *testing.T) {
	t.Parallel()
	d, books, _ := newDesk()
	m := put(t, books, ledger.Mail{Mailbox: "support", Object: "1"}, "x", nil)
	d.Books = &busy{books, decideTries}
	if _, err := d.Drop(t.Context(), "support", m.ID, ledger.Decision{}); !errors.Is(err, report.ErrMailMoved) {
		t.Errorf("%v", err)
	}
	d.Books = &busy{books, decideTries - 1}
	if done, err := d.Drop(t.Context(), "support", m.ID, ledger.Decision{}); err != nil || done.Mail.State != "suppressed" {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestWhatAMailSaysComesOutOfRawAlone(t *testing.T) {
	t.Parallel()
	d, books, _ := newDesk()
	m := put(t, books, ledger.Mail{Mailbox: "support", Object: "1"}, "From: a\n\nwords", func(m *ledger.Mail) {
		m.State, m.Cause, m.Plan, m.Acknowledged, m.Since = ledger.Suppressed, "own", []byte("words"), true, noon
	})
	list, err1 := d.List(t.Context(), ledger.Query{Mailbox: "support"})
	shown, err2 := d.Show(t.Context(), "support", m.ID)
	if text := fmt.Sprintf("%+v %+v", list, shown); err1 != nil || err2 != nil || strings.Contains(text, "words") {
		t.Errorf("%s, %v, %v", text, err1, err2)
	}
	if raw, err := d.Raw(t.Context(), "support", m.ID); err != nil || string(raw) != "From: a\n\nwords" {
		t.Errorf("%q, %v", raw, err)
	}
	if _, err := books.Forget(t.Context(), "support", noon.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	var unfit report.Unfit
	if raw, err := d.Raw(t.Context(), "support", m.ID); !errors.As(err, &unfit) || raw != nil {
		t.Errorf("%q, %v", raw, err)
	}
	if shown, err := d.Show(t.Context(), "support", m.ID); err != nil || !shown.Mail.Gone || shown.NoRetry == "" {
		t.Errorf("%+v, %v", shown, err)
	}
}

func TestEachMarkIsSaid(t *testing.T) {
	t.Parallel()
	m := ledger.Mail{State: ledger.Done, Forced: true, Least: true, Plainness: 2, Repair: true, Repeated: true, Merged: true}
	if all := marks(m); len(all) != 7 {
		t.Errorf("%q", all)
	}
	if all := marks(ledger.Mail{State: ledger.Done, Acknowledged: true}); len(all) != 0 {
		t.Errorf("%q", all)
	}
}
