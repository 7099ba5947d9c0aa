package ledgertest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/ledger"
)

// list: by each of what can be asked for, in both orders, and page by page.
func list(t *testing.T, l ledger.Ledger) {
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	one := put(t, l, ledger.Mail{Mailbox: "m", Object: "1", From: "Jo@acme.example", Subject: "100% of _it_ É\x00\n\u202e!", Arrived: at(5)}, nil)
	if one.From != "Jo@acme.example" || one.Subject != "100% of _it_ É !" || one.Size != len("raw of 1") || one.Gone {
		t.Errorf("%+v", one)
	}
	two := put(t, l, ledger.Mail{Mailbox: "m", Object: "2", Arrived: at(1), Subject: strings.Repeat("a", 5000)}, func(m *ledger.Mail) {
		m.State, m.Cause, m.Number, m.Subject = ledger.Suspended, "loop", "T7", "another"
	})
	if len(two.Subject) > 400 || !strings.HasPrefix(two.Subject, "aaa") {
		t.Errorf("the subject is of %d bytes, or was written over", len(two.Subject))
	}
	three := put(t, l, ledger.Mail{Mailbox: "other", Object: "1", From: "jo@acme.example", Arrived: at(3)}, func(m *ledger.Mail) { m.State, m.Cause = ledger.Dead, "refused" })
	for _, test := range []struct {
		what string
		q    ledger.Query
		want []int64
	}{
		{"all", ledger.Query{}, []int64{three.ID, two.ID, one.ID}},
		{"the oldest first", ledger.Query{Oldest: true}, []int64{one.ID, two.ID, three.ID}},
		{"a mailbox", ledger.Query{Mailbox: "m"}, []int64{two.ID, one.ID}},
		{"states", ledger.Query{States: []ledger.State{ledger.Dead, ledger.Spooled}}, []int64{three.ID, one.ID}},
		{"a cause", ledger.Query{Cause: "loop"}, []int64{two.ID}},
		{"a sender", ledger.Query{Text: "JO@ACME"}, []int64{three.ID, one.ID}},
		{"a sender in a mailbox", ledger.Query{Mailbox: "other", Text: "jo@"}, []int64{three.ID}},
		{"a word of the subject", ledger.Query{Text: "é"}, []int64{one.ID}},
		{"what LIKE takes for more", ledger.Query{Text: "0%"}, []int64{one.ID}},
		{"what LIKE takes for any", ledger.Query{Text: "_it_"}, []int64{one.ID}},
		{"what escapes", ledger.Query{Text: "!"}, []int64{one.ID}},
		{"what LIKE takes for any, and is not there", ledger.Query{Text: "o_acme"}, nil},
		{"a ticket", ledger.Query{Text: "T7"}, []int64{two.ID}},
		{"since", ledger.Query{Since: at(3)}, []int64{three.ID, one.ID}},
		{"until", ledger.Query{Until: at(3)}, []int64{two.ID}},
		{"after", ledger.Query{After: two.ID}, []int64{one.ID}},
		{"after, the oldest first", ledger.Query{After: two.ID, Oldest: true}, []int64{three.ID}},
		{"none", ledger.Query{Mailbox: "none"}, nil},
	} {
		test.q.Most = 10
		if got, err := l.List(ctx, test.q); err != nil || !slices.Equal(idsOf(got), test.want) {
			t.Errorf("%s: %v, want %v, %v", test.what, idsOf(got), test.want, err)
		}
		var pages []int64
		for test.q.Most = 1; ; test.q.After = pages[len(pages)-1] {
			page, err := l.List(ctx, test.q)
			if err != nil || len(page) > 1 {
				t.Fatalf("%d mails on a page, %v", len(page), err)
			}
			if len(page) == 0 {
				break
			}
			pages = append(pages, page[0].ID)
		}
		if !slices.Equal(pages, test.want) {
			t.Errorf("%s, page by page: %v, want %v", test.what, pages, test.want)
		}
	}
	if got, err := l.List(ctx, ledger.Query{}); err != nil || len(got) != 0 {
		t.Errorf("a page of none has %d, %v", len(got), err)
	}
}

func idsOf(all []ledger.Mail) (ids []int64) {
	for _, m := range all {
		ids = append(ids, m.ID)
	}
	return ids
}
