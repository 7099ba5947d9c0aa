//go:build unix

package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"pgregory.net/rapid"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/ledger/ledgertest"
)

// mailTables are for tests that go back to a store of before them, or to empty ones.
var mailTables = []string{"mail_inbox", "mail_row", "mail_reference", "mail_raw", "mail_unfinished", "mail_seen", "mail_last", "mail_sign_in"}

// emptyMail takes all mails away.
func (r *running) emptyMail() {
	r.t.Helper()
	for _, table := range mailTables[:6] {
		if _, err := r.db.Exec(`DELETE FROM ` + table); err != nil {
			r.t.Fatal(err)
		}
	}
}

// turns is a ledger of several processes, each of which does one call.
type turns struct {
	of   []ledger.Ledger
	next atomic.Int64
}

func (t *turns) one() ledger.Ledger { return t.of[int(t.next.Add(1))%len(t.of)] }

func (t *turns) Spool(ctx context.Context, m ledger.Mail, raw []byte) (ledger.Mail, bool, error) {
	return t.one().Spool(ctx, m, raw)
}

func (t *turns) Update(ctx context.Context, m ledger.Mail) (ledger.Mail, error) {
	return t.one().Update(ctx, m)
}

func (t *turns) Get(ctx context.Context, id int64) (ledger.Mail, error) { return t.one().Get(ctx, id) }

func (t *turns) Raw(ctx context.Context, id int64) ([]byte, error) { return t.one().Raw(ctx, id) }

func (t *turns) Due(ctx context.Context, mailbox string, now time.Time, most int) ([]ledger.Mail, error) {
	return t.one().Due(ctx, mailbox, now, most)
}

func (t *turns) Hasten(ctx context.Context, mailbox string, now time.Time) (int, error) {
	return t.one().Hasten(ctx, mailbox, now)
}

func (t *turns) Missing(ctx context.Context, mailbox string, objects []string) ([]string, error) {
	return t.one().Missing(ctx, mailbox, objects)
}

func (t *turns) Begun(ctx context.Context, mailbox, inbox string, next uint32) (uint32, error) {
	return t.one().Begun(ctx, mailbox, inbox, next)
}

func (t *turns) Blocked(ctx context.Context, m ledger.Mail, over time.Time) (bool, error) {
	return t.one().Blocked(ctx, m, over)
}

func (t *turns) Naming(ctx context.Context, id string) ([]int64, error) {
	return t.one().Naming(ctx, id)
}

func (t *turns) Conversation(ctx context.Context, ticket int64) (ledger.Conversation, error) {
	return t.one().Conversation(ctx, ticket)
}

func (t *turns) Referred(ctx context.Context, id string) (ledger.Mail, bool, error) {
	return t.one().Referred(ctx, id)
}

func (t *turns) List(ctx context.Context, q ledger.Query) ([]ledger.Mail, error) {
	return t.one().List(ctx, q)
}

func (t *turns) Balance(ctx context.Context, mailbox string) (ledger.Balance, error) {
	return t.one().Balance(ctx, mailbox)
}

func (t *turns) Counts(ctx context.Context) (map[string]ledger.Counts, error) {
	return t.one().Counts(ctx)
}

func (t *turns) Forget(ctx context.Context, mailbox string, before time.Time) (int, error) {
	return t.one().Forget(ctx, mailbox, before)
}

func (t *turns) Since(ctx context.Context) (time.Time, error) { return t.one().Since(ctx) }

func TestMailIsKeptAsEveryLedgerKeepsIt(t *testing.T) {
	for _, kind := range []Kind{SQLite, PostgreSQL} {
		t.Run(string(kind), func(t *testing.T) {
			p := placeOf(t, kind)
			one, other := p.run(t), p.elsewhere(t).run(t)
			ledgertest.Test(t, func(*testing.T) ledger.Ledger {
				one.emptyMail()
				return &turns{of: []ledger.Ledger{one.Mail(), other.Mail()}}
			})
		})
	}
}

func TestMailOutlivesTheProcessThatSpooledIt(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a := p.run(t)
		big := bytes.Repeat([]byte("0123456789abcdef"), 3*mailPiece/16)
		big = append(big, '!')
		kept, fresh, err := a.Mail().Spool(t.Context(), ledger.Mail{Mailbox: "m", Object: "1", References: []string{"r"}}, big)
		if err != nil || !fresh {
			t.Fatal(fresh, err)
		}
		dying := mailBooks{a.Store}
		for n := range 2 { // it dies over the next one
			if err := dying.spoolPiece(t.Context(), "dying", n, big[:mailPiece]); err != nil {
				t.Fatal(err)
			}
		}
		a.die()
		b := p.run(t)
		if raw, err := b.Mail().Raw(t.Context(), kept.ID); err != nil || !bytes.Equal(raw, big) {
			t.Errorf("%d bytes, %v", len(raw), err)
		}
		pieces := func() (n int) {
			if err := b.db.QueryRow(`SELECT COUNT(*) FROM mail_raw`).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		var longest int
		if err := b.db.QueryRow(`SELECT MAX(length(bytes)) FROM mail_raw`).Scan(&longest); err != nil || longest != mailPiece || pieces() != 4+2 {
			t.Errorf("%d pieces, the longest of %d bytes, %v", pieces(), longest, err)
		}
		if _, err := b.Mail().Forget(t.Context(), "m", time.Now()); err != nil || pieces() != 4+2 {
			t.Errorf("what may be under way is swept: %d pieces, %v", pieces(), err)
		}
		if _, err := b.db.Exec(`UPDATE mail_unfinished SET at = 1`); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Mail().Forget(t.Context(), "m", time.Now()); err != nil || pieces() != 4 {
			t.Errorf("%d pieces are left, %v", pieces(), err)
		}
		if balance, err := b.Mail().Balance(t.Context(), "m"); err != nil || balance != (ledger.Balance{Seen: 1, Pending: 1}) {
			t.Errorf("%+v, %v", balance, err)
		}
	})
}

func TestMailThatIsForgottenIsNotInTheFileAnyMore(t *testing.T) {
	p := inSQLite(t)
	a := p.run(t)
	said := []byte("the words of a mail that nobody is to read again")
	raw := bytes.Repeat(append(said, '\n'), 3*mailPiece/len(said))
	m, _, err := a.Mail().Spool(t.Context(), ledger.Mail{Mailbox: "m", Object: "1", From: "gone@acme.example", Subject: "the gone subject"}, raw)
	if err != nil {
		t.Fatal(err)
	}
	m.State, m.Acknowledged, m.Plan, m.Why = ledger.Suppressed, true, []byte("the gone plan"), []string{"the gone step"}
	if _, err := a.Mail().Update(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	holds := func() bool {
		if _, err := a.db.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
			t.Fatal(err)
		}
		file, err := os.ReadFile(p.Place)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(file, said) || bytes.Contains(bytes.ToLower(file), []byte("gone"))
	}
	if !holds() {
		t.Fatal("the file does not hold the mail, so that this test says nothing")
	}
	if n, err := a.Mail().Forget(t.Context(), "m", time.Now()); err != nil || n != 1 || holds() {
		t.Errorf("%d are forgotten, %v, and the words are in the file still: %t", n, err, holds())
	}
	if left := a.number(`SELECT COUNT(*) FROM mail_unfinished`) + a.number(`SELECT COUNT(*) FROM mail_raw`); left != 0 {
		t.Errorf("%d rows are left", left)
	}
}

func TestAMailThatIsWrittenForTooLongIsToBeFetchedAgain(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a := p.run(t)
		b := mailBooks{a.Store}
		if err := b.spoolPiece(t.Context(), "slow", 0, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := a.db.Exec(`UPDATE mail_unfinished SET at = 0`); err != nil { // another process has begun to sweep them
			t.Fatal(err)
		}
		if m, fresh, err := b.finish(t.Context(), ledger.Mail{Mailbox: "m", Object: "1"}, "slow", make([]byte, mailPiece+1), 1); err == nil {
			t.Errorf("%+v, %t", m, fresh)
		}
		if balance, err := b.Balance(t.Context(), "m"); err != nil || balance != (ledger.Balance{}) {
			t.Errorf("%+v, %v", balance, err)
		}
	})
}

func TestAMailThatIsLostOrDamagedInTheStoreIsFoundOut(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a := p.run(t)
		m, _, err := a.Mail().Spool(t.Context(), ledger.Mail{Mailbox: "m", Object: "1"}, []byte("From: ann"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.db.Exec(`UPDATE mail_raw SET bytes = message_id FROM mail_row`); err != nil {
			t.Fatal(err)
		}
		if raw, err := a.Mail().Raw(t.Context(), m.ID); err == nil || errors.Is(err, ledger.ErrGone) || raw != nil {
			t.Errorf("%q, %v", raw, err)
		}
		if _, err := a.db.Exec(`DELETE FROM mail_row`); err != nil {
			t.Fatal(err)
		}
		if b, err := a.Mail().Balance(t.Context(), "m"); err != nil || b.Gap() != 1 {
			t.Errorf("%+v, %v", b, err)
		}
	})
}

// A disk that is full is told apart from a store that does not work, and nothing is left of the mail that had no room.
func TestAMailThatHasNoRoomIsToldToBeOne(t *testing.T) {
	r := inSQLite(t).run(t)
	var pages int
	if err := r.db.QueryRowContext(t.Context(), `PRAGMA page_count`).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	limit := func(pages int) {
		t.Helper()
		var is int
		if err := r.db.QueryRowContext(t.Context(), fmt.Sprintf(`PRAGMA max_page_count = %d`, pages)).Scan(&is); err != nil || is != pages {
			t.Fatal(is, err)
		}
	}
	limit(pages + 100)
	raw := bytes.Repeat([]byte("x"), 3*mailPiece)
	if _, _, err := r.Mail().Spool(t.Context(), ledger.Mail{Mailbox: "m", Object: "1"}, raw); !errors.Is(err, ledger.ErrFull) {
		t.Errorf("%v", err)
	}
	limit(pages + 10_000)
	if _, fresh, err := r.Mail().Spool(t.Context(), ledger.Mail{Mailbox: "m", Object: "1"}, raw); err != nil || !fresh {
		t.Errorf("%v %v", fresh, err)
	}
	for code, want := range map[string]bool{"53100": true, "53200": false, "40001": false} { // PostgreSQL, appendix A
		if got := (postgres{}).full(fmt.Errorf("x: %w", &pgconn.PgError{Code: code})); got != want {
			t.Errorf("%s: %v", code, got)
		}
	}
	for err, want := range map[error]bool{syscall.ENOSPC: true, syscall.EDQUOT: true, syscall.EIO: false, errDown: false} {
		if got := (sqlite{}).full(fmt.Errorf("x: %w", err)); got != want {
			t.Errorf("%v: %v", err, got)
		}
	}
}

func TestMailBooksOfAStoreThatCannotBeUsedAreErrors(t *testing.T) {
	l := inSQLite(t).prepare(t).Mail()
	ctx := t.Context()
	_, _, spool := l.Spool(ctx, ledger.Mail{Mailbox: "m"}, nil)
	_, update := l.Update(ctx, ledger.Mail{ID: 1, Reference: "r"})
	_, get := l.Get(ctx, 1)
	_, raw := l.Raw(ctx, 1)
	_, due := l.Due(ctx, "m", time.Now(), 1)
	_, blocked := l.Blocked(ctx, ledger.Mail{IsNote: true}, time.Time{})
	_, naming := l.Naming(ctx, "x")
	_, conversation := l.Conversation(ctx, 1)
	_, _, referred := l.Referred(ctx, "x")
	_, balance := l.Balance(ctx, "m")
	_, forget := l.Forget(ctx, "m", time.Now())
	_, counts := l.Counts(ctx)
	_, since := l.Since(ctx)
	_, missing := l.Missing(ctx, "m", []string{"1"})
	_, list := l.List(ctx, ledger.Query{Most: 1})
	_, begun := l.Begun(ctx, "m", "i", 1)
	for what, err := range map[string]error{
		"spool": spool, "update": update, "get": get, "raw": raw, "due": due, "blocked": blocked, "conversation": conversation, "naming": naming, "referred": referred, "balance": balance, "forget": forget, "counts": counts, "since": since, "missing": missing, "list": list, "begun": begun,
	} {
		if !errors.Is(err, errNotOpen) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Mailboxes look for what is due every two seconds each: that must neither wait for whoever writes, nor keep him from it.
func TestWhoLooksForMailsWaitsForNoWriter(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		one, other := p.run(t), p.elsewhere(t).run(t)
		if _, _, err := one.Mail().Spool(t.Context(), ledger.Mail{Mailbox: "m", Object: "1"}, []byte("mail")); err != nil {
			t.Fatal(err)
		}
		looks := func(ctx context.Context) {
			t.Helper()
			if due, err := other.Mail().Due(ctx, "m", time.Now(), 1); err != nil || len(due) != 1 || due[0].Number != "" {
				t.Errorf("%+v, %v", due, err)
			}
		}
		if err := one.transact(t.Context(), func(ctx context.Context, x *tx) error {
			_, err := x.exec(ctx, `UPDATE mail_row SET number = ?`, []byte("T20261127.0001"))
			looks(ctx)
			if _, off := other.SwitchedOff(ctx); off != nil {
				t.Error(off)
			}
			return errors.Join(err, errors.New("never mind"))
		}); err == nil {
			t.Fatal("it was written")
		}
		looks(t.Context())
		// And the other way: whoever looks keeps nobody from writing.
		if err := other.peek(t.Context(), func(ctx context.Context, x *tx) error {
			var before, after int
			if err := x.row(ctx, `SELECT COUNT(*) FROM mail_row`, nil, &before); err != nil {
				return err
			}
			if err := one.transact(ctx, func(ctx context.Context, x *tx) error {
				_, err := x.exec(ctx, `UPDATE mail_row SET number = ?`, []byte("T20261127.0002"))
				return err
			}); err != nil {
				return err
			}
			return x.row(ctx, `SELECT COUNT(*) FROM mail_row`, nil, &after)
		}); err != nil {
			t.Error(err)
		}
	})
}

func TestAStoreOfBeforeMailIsTakenOver(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a := p.run(t)
		for _, table := range mailTables {
			if _, err := a.db.Exec(`DROP TABLE ` + table); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := a.db.Exec(`UPDATE store SET version = 8`); err != nil {
			t.Fatal(err)
		}
		a.close()
		began := time.Now()
		b := p.run(t)
		if m, _, err := b.Mail().Spool(t.Context(), ledger.Mail{Mailbox: "m", Object: "1"}, nil); err != nil || m.ID != 1 {
			t.Errorf("%+v, %v", m, err)
		}
		if since, err := b.Mail().Since(t.Context()); err != nil || since.IsZero() || since.After(began) {
			t.Errorf("since %v, %v", since, err)
		}
	})
}

func TestMailOfBeforeItWasListedIsTakenOver(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a := p.run(t)
		old, _, err := a.Mail().Spool(t.Context(), ledger.Mail{Mailbox: "m", Object: "1"}, []byte("raw"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.db.Exec(`DROP TABLE mail_inbox; DROP TABLE mail_sign_in`); err != nil {
			t.Fatal(err)
		}
		for _, column := range []string{"sender", "subject", "words", "was", "history", "why"} {
			if _, err := a.db.Exec(`ALTER TABLE mail_row DROP COLUMN ` + column); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := a.db.Exec(`UPDATE store SET version = 9`); err != nil {
			t.Fatal(err)
		}
		a.close()
		b := p.run(t).Mail()
		page, err := b.List(t.Context(), ledger.Query{Mailbox: "m", Most: 2})
		if err != nil || len(page) != 1 || page[0].ID != old.ID || page[0].Size != 3 || page[0].Gone {
			t.Fatalf("%+v, %v", page, err)
		}
		if m, err := b.Update(t.Context(), page[0]); err != nil || m.History != nil || m.Why != nil {
			t.Errorf("%+v, %v", m, err)
		}
		if begun, err := b.Begun(t.Context(), "m", "i", 7); err != nil || begun != 7 {
			t.Errorf("begun at %d, %v", begun, err)
		}
	})
}

// TestMailRowsAreWhatTheOnesInMemoryAre does the same with both, and asks both the same.
func TestMailRowsAreWhatTheOnesInMemoryAre(t *testing.T) {
	a := inSQLite(t).run(t)
	if _, err := a.db.Exec(`PRAGMA synchronous = OFF`); err != nil { // it is about what the rows say
		t.Fatal(err)
	}
	ctx := t.Context()
	names := rapid.SampledFrom([]string{"", "a", "b", "c", "d", "T1", "T2"})
	texts := rapid.SampledFrom([]string{"", "a%b", "A!", "É_", "x\x00y", "\xff", `\`, "İ"})
	rapid.Check(t, func(t *rapid.T) {
		a.emptyMail()
		if _, err := a.db.Exec(`UPDATE mail_last SET id = 0`); err != nil {
			t.Fatal(err)
		}
		memory, stored := ledger.NewMemory(), a.Mail()
		for i := range rapid.IntRange(1, 5).Draw(t, "mails") {
			in := ledger.Mail{Mailbox: "m", Object: string(rune('0' + i)), From: texts.Draw(t, "from"), Subject: texts.Draw(t, "subject"), MessageID: names.Draw(t, "id"), References: rapid.SliceOfN(names, 0, 3).Draw(t, "references")}
			m, _, err1 := memory.Spool(ctx, in, nil)
			kept, _, err2 := stored.Spool(ctx, in, nil)
			if err1 != nil || err2 != nil || kept.ID != m.ID {
				t.Fatal(err1, err2, kept.ID, m.ID)
			}
			if m.State = rapid.SampledFrom(ledger.States).Draw(t, "state"); m.State == ledger.Spooled {
				continue
			}
			m.Ticket, m.IsNote, m.Acknowledged = int64(rapid.IntRange(1, 2).Draw(t, "ticket")), rapid.Bool().Draw(t, "note"), rapid.Bool().Draw(t, "acknowledged")
			m.Number = rapid.SampledFrom([]string{"", "T" + string(rune('0'+m.Ticket))}).Draw(t, "number")
			m.Item, m.SentAt = rapid.IntRange(0, 1).Draw(t, "item"), someTime.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "sent"))*time.Minute)
			m.Cause = rapid.SampledFrom([]string{"", ledger.AtesMade}).Draw(t, "cause")
			_, err1 = memory.Update(ctx, m)
			if _, err2 = stored.Update(ctx, m); err1 != nil || err2 != nil {
				t.Fatal(err1, err2)
			}
		}
		compareBooks(ctx, t, memory, stored)
	})
}

// someTime is when mails were handed to the mail service, a minute more or less.
var someTime = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func compareBooks(ctx context.Context, t *rapid.T, memory, stored ledger.Ledger) {
	id := func(m ledger.Mail) int64 { return m.ID }
	for _, name := range []string{"a", "b", "T1"} {
		want, _, _ := memory.Referred(ctx, name)
		if got, _, err := stored.Referred(ctx, name); err != nil || got.ID != want.ID {
			t.Fatalf("%q belongs to %d, in memory to %d, %v", name, got.ID, want.ID, err)
		}
		naming, _ := memory.Naming(ctx, name)
		if got, err := stored.Naming(ctx, name); err != nil || !slices.Equal(got, naming) {
			t.Fatalf("%q is named on %v, in memory on %v, %v", name, got, naming, err)
		}
	}
	want, _ := memory.Due(ctx, "m", time.Now(), 100)
	got, err := stored.Due(ctx, "m", time.Now(), 100)
	if err != nil || !slices.EqualFunc(got, want, func(a, b ledger.Mail) bool { return id(a) == id(b) && slices.Equal(a.References, b.References) }) {
		t.Fatalf("due are %+v, in memory %+v, %v", got, want, err)
	}
	for _, m := range want {
		if m.Ticket == 0 {
			continue
		}
		for _, over := range []time.Time{{}, someTime} {
			want, _ := memory.Blocked(ctx, m, over)
			if got, err := stored.Blocked(ctx, m, over); err != nil || got != want {
				t.Fatalf("%d is blocked: %t, in memory %t, %v", m.ID, got, want, err)
			}
		}
	}
	for _, ticket := range []int64{0, 1, 2} {
		want, _ := memory.Conversation(ctx, ticket)
		got, err := stored.Conversation(ctx, ticket)
		slices.Sort(want.From)
		slices.Sort(got.From)
		if err != nil || got.Number != want.Number || !slices.Equal(got.From, want.From) || !slices.Equal(got.Mails, want.Mails) {
			t.Fatalf("of ticket %d there is %+v, in memory %+v, %v", ticket, got, want, err)
		}
	}
	q := ledger.Query{
		Mailbox: rapid.SampledFrom([]string{"", "m", "none"}).Draw(t, "of"), States: rapid.SliceOfN(rapid.SampledFrom(ledger.States), 0, 3).Draw(t, "states"),
		Text:  rapid.SampledFrom([]string{"", "a%", "%", "_", "!", "é", "É", "\\", "\x00", "i", "T1", "\n"}).Draw(t, "text"),
		After: int64(rapid.IntRange(0, 6).Draw(t, "after")), Oldest: rapid.Bool().Draw(t, "oldest"), Most: rapid.IntRange(0, 4).Draw(t, "most"),
	}
	want, _ = memory.List(ctx, q)
	if got, err = stored.List(ctx, q); err != nil || !slices.EqualFunc(got, want, func(a, b ledger.Mail) bool {
		return id(a) == id(b) && a.From == b.From && a.Subject == b.Subject && a.Words() == b.Words()
	}) {
		t.Fatalf("%+v lists %+v, in memory %+v, %v", q, got, want, err)
	}
	balance, _ := memory.Balance(ctx, "m")
	if got, err := stored.Balance(ctx, "m"); err != nil || got != balance {
		t.Fatalf("%+v, in memory %+v, %v", got, balance, err)
	}
}
