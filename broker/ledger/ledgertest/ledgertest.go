// Package ledgertest holds a Ledger against what ledger.Ledger says of one. It is for tests.
package ledgertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/ledger"
)

// Test tests ledgers, each of which is empty and of one test alone.
func Test(t *testing.T, empty func(*testing.T) ledger.Ledger) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, ledger.Ledger){
		"spool": spool, "update": update, "due": due, "referred": referred, "blocked": blocked, "over": over, "conversation": conversation, "naming": naming, "balance": balance, "race": race,
		"bytes": allBytes, "forget": forget, "twice": twice, "missing": missing, "counts": counts, "list": list, "begun": begun, "hasten": hasten,
	} {
		t.Run(name, func(t *testing.T) { test(t, empty(t)) })
	}
}

var (
	ctx  = context.Background()
	noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
)

// put spools a mail and moves it as asked.
func put(t *testing.T, l ledger.Ledger, m ledger.Mail, move func(*ledger.Mail)) ledger.Mail {
	t.Helper()
	kept, fresh, err := l.Spool(ctx, m, []byte("raw of "+m.Object))
	if err != nil || !fresh {
		t.Fatalf("%t, %v", fresh, err)
	}
	if move == nil {
		return kept
	}
	move(&kept)
	if kept, err = l.Update(ctx, kept); err != nil {
		t.Fatal(err)
	}
	return kept
}

func spool(t *testing.T, l ledger.Ledger) {
	in := ledger.Mail{Mailbox: "m", Object: "1:1", MessageID: "a", References: []string{"x", "y"}, Content: [32]byte{1}, Arrived: noon}
	a := put(t, l, in, nil)
	if a.ID == 0 || a.State != ledger.Spooled || a.MessageID != "a" || len(a.References) != 2 || a.Content != in.Content || !a.Arrived.Equal(noon) {
		t.Errorf("%+v", a)
	}
	again, fresh, err := l.Spool(ctx, in, []byte("other"))
	if raw, _ := l.Raw(ctx, a.ID); err != nil || fresh || again.ID != a.ID || !bytes.Equal(raw, []byte("raw of 1:1")) {
		t.Errorf("spooled twice: %+v, %t, %v, %q", again, fresh, err, raw)
	}
	if b := put(t, l, ledger.Mail{Mailbox: "other", Object: "1:1"}, nil); b.ID <= a.ID {
		t.Errorf("mail %d came after %d", b.ID, a.ID)
	}
	for _, id := range []int64{0, 1000} {
		_, err1 := l.Get(ctx, id)
		_, err2 := l.Raw(ctx, id)
		if _, err3 := l.Update(ctx, ledger.Mail{ID: id}); !errors.Is(err1, ledger.ErrUnknown) || !errors.Is(err2, ledger.ErrUnknown) || !errors.Is(err3, ledger.ErrUnknown) {
			t.Errorf("mail %d: %v, %v, %v", id, err1, err2, err3)
		}
	}
}

func update(t *testing.T, l ledger.Ledger) {
	a := put(t, l, ledger.Mail{Mailbox: "m", Object: "1"}, nil)
	b := put(t, l, ledger.Mail{Mailbox: "m", Object: "2"}, nil)
	want := a
	want.State, want.Reference, want.Ticket, want.Number, want.IsNote, want.Due, want.Since = ledger.InDoubt, "r", 7, "T7", true, noon.Add(time.Second), noon
	want.Tries, want.Fails, want.Item, want.Files, want.Skipped, want.Plainness, want.Empty = 1, 2, 3, 4, 5, 6, 7
	want.Plan = []byte("\x00plan")
	want.Was, want.Why = "w", []string{"a", "é"}
	want.History = []ledger.Move{{At: noon.Add(time.Microsecond), State: ledger.Ready}, {At: noon.Add(time.Hour), State: ledger.InDoubt, Cause: "c", By: "b", Why: "y"}}
	want.SentAt, want.Cause, want.Forced, want.Least, want.Repair, want.Repeated, want.Merged, want.Acknowledged = noon.Add(time.Millisecond), "c", true, true, true, true, true, true
	kept, err := l.Update(ctx, want)
	if err != nil || kept.Epoch != a.Epoch+1 {
		t.Fatalf("%+v, %v", kept, err)
	}
	got, err := l.Get(ctx, a.ID)
	want.Epoch = kept.Epoch
	if err != nil || !same(got, want) || !same(kept, want) {
		t.Errorf("%+v, %v, want\n%+v", got, err, want)
	}
	if _, err := l.Update(ctx, a); !errors.Is(err, ledger.ErrStale) {
		t.Errorf("a stale row: %v", err)
	}
	b.Reference = "r"
	if _, err := l.Update(ctx, b); !errors.Is(err, ledger.ErrReference) {
		t.Errorf("a reference twice: %v", err)
	}
	if b, err = l.Get(ctx, b.ID); err != nil || b.Reference != "" {
		t.Errorf("a refused update is kept: %+v, %v", b, err)
	}
	if _, err := l.Update(ctx, b); err != nil {
		t.Errorf("two without a reference: %v", err)
	}
}

// same compares all but what times know beside the moment.
func same(a, b ledger.Mail) bool {
	for _, m := range []*ledger.Mail{&a, &b} {
		m.References = nil
		for _, at := range []*time.Time{&m.Due, &m.Since, &m.SentAt, &m.Arrived} {
			if !at.IsZero() {
				*at = at.UTC().Round(0)
			}
		}
	}
	return reflect.DeepEqual(a, b) // of every field, also those that are to come
}

func due(t *testing.T, l ledger.Ledger) {
	first := put(t, l, ledger.Mail{Mailbox: "m", Object: "1"}, nil)
	put(t, l, ledger.Mail{Mailbox: "m", Object: "2"}, func(m *ledger.Mail) { m.Due = noon.Add(1) })
	put(t, l, ledger.Mail{Mailbox: "m", Object: "3"}, func(m *ledger.Mail) { m.State, m.Acknowledged = ledger.Done, true })
	last := put(t, l, ledger.Mail{Mailbox: "m", Object: "4"}, func(m *ledger.Mail) { m.State, m.Due = ledger.Dead, noon })
	put(t, l, ledger.Mail{Mailbox: "other", Object: "1"}, nil)
	put(t, l, ledger.Mail{Mailbox: "m", Object: "5"}, func(m *ledger.Mail) { m.Due = noon.Add(ledger.Furthest) })
	ahead := put(t, l, ledger.Mail{Mailbox: "m", Object: "6"}, func(m *ledger.Mail) { m.Due = noon.Add(ledger.Furthest + time.Second) })
	all, err := l.Due(ctx, "m", noon, 10)
	if err != nil || len(all) != 3 || all[0].ID != first.ID || all[1].ID != last.ID || all[2].ID != ahead.ID {
		t.Errorf("%+v, %v", all, err)
	}
	if one, err := l.Due(ctx, "m", noon, 1); err != nil || len(one) != 1 || one[0].ID != first.ID {
		t.Errorf("%+v, %v", one, err)
	}
}

func referred(t *testing.T, l ledger.Ledger) {
	done := func(m *ledger.Mail) { m.State = ledger.Done }
	root := put(t, l, ledger.Mail{Mailbox: "m", Object: "1", MessageID: "root"}, done)
	sibling := put(t, l, ledger.Mail{Mailbox: "m", Object: "2", MessageID: "s", References: []string{"unseen", "root"}}, nil)
	put(t, l, ledger.Mail{Mailbox: "m", Object: "3", MessageID: "aside", References: []string{"only aside"}}, func(m *ledger.Mail) { m.State = ledger.Suspended })
	put(t, l, ledger.Mail{Mailbox: "m", Object: "4", MessageID: "s", References: []string{"unseen"}}, nil) // the older one gets its ticket first
	ticketed := func(m *ledger.Mail) { m.State, m.Ticket = ledger.Ready, 7 }
	put(t, l, ledger.Mail{Mailbox: "m", Object: "5", MessageID: "t"}, ticketed)
	twin := put(t, l, ledger.Mail{Mailbox: "m", Object: "6", MessageID: "t"}, ticketed)
	put(t, l, ledger.Mail{Mailbox: "m", Object: "7", MessageID: "t"}, nil)
	for id, want := range map[string]int64{"root": root.ID, "unseen": sibling.ID, "s": sibling.ID, "t": twin.ID, "aside": 0, "only aside": 0, "none": 0, "": 0} {
		if m, ok, err := l.Referred(ctx, id); err != nil || ok != (want != 0) || m.ID != want {
			t.Errorf("%q is mail %d, want %d, %v", id, m.ID, want, err)
		}
	}
}

func blocked(t *testing.T, l ledger.Ledger) {
	first := put(t, l, ledger.Mail{Mailbox: "m", Object: "1", MessageID: "a"}, func(m *ledger.Mail) { m.State, m.IsNote, m.Ticket, m.Number = ledger.InDoubt, true, 7, "T7" })
	note := func(object string, ticket int64) ledger.Mail {
		return put(t, l, ledger.Mail{Mailbox: "m", Object: object}, func(m *ledger.Mail) { m.State, m.IsNote, m.Ticket, m.Number = ledger.Ready, true, ticket, "T7" })
	}
	is := func(m ledger.Mail, want bool) {
		t.Helper()
		for _, over := range []time.Time{{}, noon} { // none of these is with the mail service
			if got, err := l.Blocked(ctx, m, over); err != nil || got != want {
				t.Errorf("mail %s is blocked: %t, %v", m.Object, got, err)
			}
		}
	}
	is(first, false)
	is(note("2", 8), false)
	third := note("3", 7)
	is(third, true)
	end(t, l, first)
	answer := put(t, l, ledger.Mail{Mailbox: "m", Object: "5", References: []string{"a"}}, nil) // about ticket 7, and not understood yet
	is(note("6", 9), false)
	end(t, l, third)
	last := put(t, l, ledger.Mail{Mailbox: "m", Object: "7"}, func(m *ledger.Mail) { m.State, m.IsNote, m.Ticket = ledger.Ready, true, 7 })
	is(last, true) // the answer is before it
	end(t, l, answer)
	is(last, false)
}

// over: what the mail service is done with does not keep others from it, and keeps them from the API.
func over(t *testing.T, l ledger.Ledger) {
	first := put(t, l, ledger.Mail{Mailbox: "m", Object: "1"}, func(m *ledger.Mail) {
		m.State, m.IsNote, m.Ticket, m.SentAt = ledger.AtesSent, true, 7, noon
	})
	second := put(t, l, ledger.Mail{Mailbox: "m", Object: "2"}, func(m *ledger.Mail) { m.State, m.IsNote, m.Ticket = ledger.Ready, true, 7 })
	is := func(over time.Time, want bool) {
		t.Helper()
		if got, err := l.Blocked(ctx, second, over); err != nil || got != want {
			t.Errorf("it is blocked: %t, %v", got, err)
		}
	}
	move := func(state ledger.State, cause string) {
		t.Helper()
		first.State, first.Cause = state, cause
		var err error
		if first, err = l.Update(ctx, first); err != nil {
			t.Fatal(err)
		}
	}
	is(time.Time{}, true)
	is(noon, true)
	is(noon.Add(time.Second), false)
	move(ledger.AtesSent, ledger.AtesMade)
	is(time.Time{}, true)
	is(noon.Add(-time.Hour), false)
	for _, state := range []ledger.State{ledger.AtesInFlight, ledger.AtesInDoubt, ledger.Ready, ledger.InFlight, ledger.InDoubt} {
		move(state, "")
		is(noon.Add(time.Hour), true)
	}
}

func conversation(t *testing.T, l ledger.Ledger) {
	on := func(object, from string, state ledger.State, item int) ledger.Mail {
		return put(t, l, ledger.Mail{Mailbox: "m", Object: object, From: from}, func(m *ledger.Mail) {
			m.State, m.Ticket, m.Item, m.Acknowledged, m.IsNote = state, 7, item, true, object != "1"
		})
	}
	is := func(want ledger.Conversation) {
		t.Helper()
		got, err := l.Conversation(ctx, 7)
		slices.Sort(got.From)
		if err != nil || got.Number != want.Number || !slices.Equal(got.From, want.From) || !slices.Equal(got.Mails, want.Mails) {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	}
	is(ledger.Conversation{})
	first := on("1", "jo@acme.example", ledger.Ready, 0) // what the mail service made of it is to be put right
	is(ledger.Conversation{From: []string{"jo@acme.example"}, Mails: []int64{first.ID}})
	end(t, l, first)
	second := on("2", "sam@acme.example", ledger.Ready, 1) // its files are to come
	on("3", "kim@acme.example", ledger.Ready, 0)           // nothing of it is there
	on("4", "ann@acme.example", ledger.Suspended, 0)
	third := put(t, l, ledger.Mail{Mailbox: "other", Object: "1", From: "jo@acme.example"}, func(m *ledger.Mail) { m.State, m.Ticket, m.Number = ledger.Done, 7, "T7" })
	put(t, l, ledger.Mail{Mailbox: "m", Object: "5", From: "eve@evil.example"}, func(m *ledger.Mail) { m.State, m.Ticket, m.Number = ledger.Done, 8, "T8" })
	is(ledger.Conversation{Number: "T7", From: []string{"jo@acme.example", "sam@acme.example"}, Mails: []int64{third.ID, second.ID, first.ID}})
	if n, err := l.Forget(ctx, "m", time.Now().Add(time.Hour)); err != nil || n == 0 {
		t.Fatal(n, err)
	}
	is(ledger.Conversation{Number: "T7", From: []string{"jo@acme.example", "sam@acme.example"}, Mails: []int64{third.ID, second.ID}})
	for i := range 2 * ledger.MostOfConversation {
		first = on(fmt.Sprint("more ", i), "jo@acme.example", ledger.Done, 0)
	}
	if got, err := l.Conversation(ctx, 7); err != nil || len(got.Mails) != ledger.MostOfConversation || got.Mails[0] != first.ID || len(got.From) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := l.Conversation(ctx, 0); err != nil || len(got.From) > 0 {
		t.Errorf("of no ticket: %+v, %v", got, err)
	}
}

func naming(t *testing.T, l ledger.Ledger) {
	for i, of := range []struct {
		state  ledger.State
		ticket int64
		names  string
	}{
		{ledger.Done, 9, "a"},
		{ledger.Done, 8, "a"},
		{ledger.Ready, 9, "a"},
		{ledger.Suspended, 3, "a"},
		{ledger.Ready, 0, "a"},
		{ledger.Done, 4, "b"},
		{ledger.Ready, 2, "a"},
	} {
		put(t, l, ledger.Mail{Mailbox: "m", Object: fmt.Sprint(i), MessageID: "b", References: []string{of.names}}, func(m *ledger.Mail) { m.State, m.Ticket = of.state, of.ticket })
	}
	is := func(id string, want ...int64) {
		t.Helper()
		if got, err := l.Naming(ctx, id); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q is named on %v, want %v, %v", id, got, want, err)
		}
	}
	is("a", 9, 8, 2)
	is("b", 4)
	is("")
	for i := range 2 * ledger.MostNaming {
		put(t, l, ledger.Mail{Mailbox: "m", Object: fmt.Sprint("later ", i), References: []string{"a"}}, func(m *ledger.Mail) { m.State, m.Ticket = ledger.Done, int64(100+i) })
	}
	is("a", 9, 8, 2, 100, 101)
}

func end(t *testing.T, l ledger.Ledger, m ledger.Mail) {
	t.Helper()
	m.State = ledger.Done
	if _, err := l.Update(ctx, m); err != nil {
		t.Fatal(err)
	}
}

func balance(t *testing.T, l ledger.Ledger) {
	for i, state := range ledger.States {
		for _, isNote := range []bool{false, true} {
			put(t, l, ledger.Mail{Mailbox: "m", Object: string(rune('a'+i)) + map[bool]string{true: "note"}[isNote]}, func(m *ledger.Mail) { m.State, m.IsNote = state, isNote })
		}
	}
	put(t, l, ledger.Mail{Mailbox: "other", Object: "1"}, nil)
	got, err := l.Balance(ctx, "m")
	if want := (ledger.Balance{Seen: 22, Tickets: 1, Notes: 1, Suspended: 2, Dead: 2, Suppressed: 2, Pending: 14}); err != nil || got != want || got.Gap() != 0 {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

// race: of many who move a row at once, one does.
func race(t *testing.T, l ledger.Ledger) {
	m := put(t, l, ledger.Mail{Mailbox: "m", Object: "1"}, nil)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			mine := m
			mine.Tries = i + 1
			_, errs[i] = l.Update(ctx, mine)
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, ledger.ErrStale) {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d have moved it", won)
	}
}

// allBytes: what comes back of a mail is what came, in its size and in what stands in it and in what it refers to.
func allBytes(t *testing.T, l ledger.Ledger) {
	odd := "\x00\xff'\"; é" + strings.Repeat("x", 3000)
	for i, raw := range [][]byte{{}, {0}, bytes.Repeat([]byte("0123456789abcdef\x00\xff"), 200_000)} { // 3.6 MB
		in := ledger.Mail{Mailbox: "m", Object: string(rune('a' + i)), MessageID: odd + string(rune('a'+i)), References: []string{odd, odd, ""}, Arrived: noon}
		kept, fresh, err := l.Spool(ctx, in, raw)
		if err != nil || !fresh {
			t.Fatalf("%t, %v", fresh, err)
		}
		got, err1 := l.Raw(ctx, kept.ID)
		row, err2 := l.Get(ctx, kept.ID)
		if err1 != nil || err2 != nil || !bytes.Equal(got, raw) || row.MessageID != in.MessageID || !slices.Equal(row.References, in.References) {
			t.Errorf("%d bytes of %d, %v, %v, %+v", len(got), len(raw), err1, err2, row)
		}
		if m, ok, err := l.Referred(ctx, in.MessageID); err != nil || !ok || m.ID != kept.ID {
			t.Errorf("%t, %v, %+v", ok, err, m)
		}
		row.MessageID, row.References, row.Object, row.Mailbox, row.Content, row.Arrived, row.Number = "other", nil, "other", "other", [32]byte{9}, noon.Add(time.Hour), odd
		if _, err := l.Update(ctx, row); err != nil {
			t.Fatal(err)
		}
		if row, err = l.Get(ctx, kept.ID); err != nil || row.MessageID != in.MessageID || !slices.Equal(row.References, in.References) || row.Object != in.Object || row.Mailbox != "m" ||
			row.Content != in.Content || !row.Arrived.Equal(noon) || row.Number != odd {
			t.Errorf("after an update: %+v, %v", row, err)
		}
	}
}

func hasten(t *testing.T, l ledger.Ledger) {
	was, want := map[string]ledger.Mail{}, 0
	for _, state := range ledger.States {
		for _, acked := range []bool{false, true} {
			for _, fails := range []int{0, 3} {
				for _, due := range []time.Duration{ledger.Hasty, ledger.Hasty + time.Second} {
					name := fmt.Sprint(state, acked, fails, due)
					was[name] = put(t, l, ledger.Mail{Mailbox: "m", Object: name}, func(m *ledger.Mail) {
						m.State, m.Acknowledged, m.Fails, m.Due = state, acked, fails, noon.Add(due)
					})
					if was[name].Hastens(noon) {
						want++
					}
				}
			}
		}
	}
	other := put(t, l, ledger.Mail{Mailbox: "other", Object: "1"}, func(m *ledger.Mail) { m.Fails, m.Due = 1, noon.Add(time.Hour) })
	if want < 10 || was[fmt.Sprint(ledger.InFlight, false, 3, ledger.Hasty+time.Second)].Hastens(noon) || was[fmt.Sprint(ledger.InDoubt, false, 0, ledger.Hasty+time.Second)].Hastens(noon) {
		t.Fatalf("%d hasten", want)
	}
	for _, want := range []int{want, 0} {
		if n, err := l.Hasten(ctx, "m", noon); err != nil || n != want {
			t.Errorf("%d are made due, want %d, %v", n, want, err)
		}
	}
	for name, before := range was {
		m, err := l.Get(ctx, before.ID)
		if err != nil {
			t.Fatal(err)
		}
		if before.Hastens(noon) {
			before.Due, before.Epoch = noon, before.Epoch+1
		}
		if !m.Due.Equal(before.Due) || m.Epoch != before.Epoch || m.Fails != before.Fails || m.State != before.State || m.Tries != before.Tries {
			t.Errorf("%s: %+v, want %+v", name, m, before)
		}
	}
	if m, err := l.Get(ctx, other.ID); err != nil || !m.Due.Equal(other.Due) {
		t.Errorf("one of another mailbox: %+v, %v", m, err)
	}
}

func forget(t *testing.T, l ledger.Ledger) {
	was := map[string]int64{}
	for _, state := range ledger.States {
		for _, acked := range []bool{false, true} {
			for _, since := range []time.Time{noon, noon.Add(-time.Second)} {
				name := fmt.Sprint(state, acked, since.Equal(noon))
				was[name] = put(t, l, ledger.Mail{Mailbox: "m", Object: name, From: "ann", Subject: "it"}, func(m *ledger.Mail) {
					m.State, m.Acknowledged, m.Since, m.Plan, m.Why, m.Cause = state, acked, since, []byte("p"), []string{"w"}, "c"
				}).ID
			}
		}
	}
	put(t, l, ledger.Mail{Mailbox: "other", Object: "done"}, func(m *ledger.Mail) {
		m.State, m.Acknowledged, m.Since = ledger.Done, true, noon.Add(-time.Second)
	})
	kept, err := l.Get(ctx, was[fmt.Sprint(ledger.Done, true, false)])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{2, 0} {
		if n, err := l.Forget(ctx, "m", noon); err != nil || n != want {
			t.Errorf("%d are forgotten, want %d, %v", n, want, err)
		}
	}
	for name, id := range was {
		gone := name == fmt.Sprint(ledger.Done, true, false) || name == fmt.Sprint(ledger.Suppressed, true, false)
		raw, err := l.Raw(ctx, id)
		m, there := l.Get(ctx, id)
		if left := m.From != "" || m.Subject != "" || m.Plan != nil || m.Why != nil; left == gone || m.Gone != gone || m.Cause != "c" || m.Size != len("raw of "+name) {
			t.Errorf("%s: %+v", name, m)
		}
		if there != nil || gone != errors.Is(err, ledger.ErrGone) || !gone && (err != nil || string(raw) != "raw of "+name) {
			t.Errorf("%s: %q, %v, its row: %v", name, raw, err, there)
		}
	}
	if b, err := l.Balance(ctx, "m"); err != nil || b.Seen != len(was) || b.Gap() != 0 {
		t.Errorf("%+v, %v", b, err)
	}
	if _, err := l.Update(ctx, kept); !errors.Is(err, ledger.ErrStale) {
		t.Errorf("whoever read a mail before it was forgotten writes it: %v", err)
	}
	if page, err := l.List(ctx, ledger.Query{Mailbox: "m", Text: "ann", Most: 100}); err != nil || len(page) != len(was)-2 {
		t.Errorf("%d mails are found by what they say, %v", len(page), err)
	}
	if n, err := l.Forget(ctx, "other", noon); err != nil || n != 1 {
		t.Errorf("%d mails of another mailbox are forgotten, want its own one, %v", n, err)
	}
	again, fresh, err := l.Spool(ctx, ledger.Mail{Mailbox: "m", Object: fmt.Sprint(ledger.Done, true, false)}, []byte("again"))
	if err != nil || fresh || again.State != ledger.Done {
		t.Errorf("one that is forgotten is spooled once more: %t, %+v, %v", fresh, again, err)
	}
}

// twice: of many who spool the same mail at once, one does, and ids are given once.
func twice(t *testing.T, l ledger.Ledger) {
	const many = 8
	var wg sync.WaitGroup
	var mu sync.Mutex
	ids, fresh := map[int64]bool{}, 0
	for i := range many {
		wg.Go(func() {
			for _, object := range []string{"same", string(rune('a' + i))} {
				m, is, err := l.Spool(ctx, ledger.Mail{Mailbox: "m", Object: object}, []byte(object))
				raw, err2 := l.Raw(ctx, m.ID)
				if err != nil || err2 != nil || string(raw) != object {
					t.Errorf("%v, %v, %q", err, err2, raw)
				}
				mu.Lock()
				ids[m.ID] = true
				if is {
					fresh++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if b, err := l.Balance(ctx, "m"); err != nil || len(ids) != many+1 || fresh != many+1 || b.Seen != many+1 || b.Pending != many+1 {
		t.Errorf("%d mails, %d of them new, %+v, %v", len(ids), fresh, b, err)
	}
}

// begun: it stays what it was first, of each inbox of each mailbox.
func begun(t *testing.T, l ledger.Ledger) {
	for _, c := range []struct {
		mailbox, inbox string
		next, want     uint32
	}{{"m", "a 1", 7, 7}, {"m", "a 1", 9, 7}, {"m", "a 2", 1, 1}, {"m", "b 1", 1<<32 - 1, 1<<32 - 1}, {"other", "a 1", 3, 3}, {"m", "a 1", 1, 7}} {
		if got, err := l.Begun(ctx, c.mailbox, c.inbox, c.next); err != nil || got != c.want {
			t.Errorf("%+v: %d, %v", c, got, err)
		}
	}
}

// missing: in a mailbox of many, too.
func missing(t *testing.T, l ledger.Ledger) {
	put(t, l, ledger.Mail{Mailbox: "m", Object: "1:7"}, nil)
	put(t, l, ledger.Mail{Mailbox: "m", Object: "1:1200"}, func(m *ledger.Mail) { m.State, m.Acknowledged = ledger.Done, true })
	put(t, l, ledger.Mail{Mailbox: "other", Object: "1:8"}, nil)
	var objects, want []string
	for i := range 1500 {
		objects = append(objects, fmt.Sprint("1:", i))
		if i != 7 && i != 1200 {
			want = append(want, objects[i])
		}
	}
	if got, err := l.Missing(ctx, "m", objects); err != nil || !slices.Equal(got, want) {
		t.Errorf("%d of %d are missing, %v", len(got), len(objects), err)
	}
	for _, none := range [][]string{nil, {"1:7"}} {
		if got, err := l.Missing(ctx, "m", none); err != nil || len(got) != 0 {
			t.Errorf("of %q %q are missing, %v", none, got, err)
		}
	}
}
