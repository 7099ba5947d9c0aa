package mailsoak

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/psagate/psagate/broker/ledger"
)

// calm is how all may stand after a soak of five mails: a ticket, a note, one set aside, a dead one, and one that came twice by SMTP.
func calm() ([]Mail, Found, []Row, ledger.Balance) {
	never := func() bool { return false }
	mails := []Mail{{Token: "a"}, {Token: "b"}, {Token: "c", BySMTP: true}, {Token: "d"}, {Token: "e", BySMTP: true}}
	found := Found{
		Tickets: map[string]int{"a": 1, "e": 1}, Notes: map[string]int{"b": 1}, Inbox: map[string]int{},
		Processed: map[string]int{"a": 1, "b": 1}, DeadLetter: map[string]int{"d": 1},
	}
	rows := []Row{
		{"a", ledger.Done, "", never},
		{"b", ledger.Done, "", never},
		{"c", ledger.Suspended, "bounce", never},
		{"d", ledger.Dead, "refused", never},
		{"e", ledger.Done, "", never},
		{"e", ledger.Suppressed, "duplicate", never},
	}
	return mails, found, rows, ledger.Balance{Seen: 6, Tickets: 2, Notes: 1, Suspended: 1, Dead: 1, Suppressed: 1}
}

func TestWhatMustHoldAfterASoakIsFoundOutWhereItDoesNot(t *testing.T) {
	for name, c := range map[string]struct {
		breaks  func(f *Found, rows *[]Row, b *ledger.Balance)
		says    string // empty: nothing is wrong
		doubled int
	}{
		"all is well": {func(*Found, *[]Row, *ledger.Balance) {}, "", 0},
		"no ticket":   {func(f *Found, _ *[]Row, _ *ledger.Balance) { f.Tickets["a"] = 0 }, "a became 0 tickets and 0 notes", 0},
		"two tickets": {func(f *Found, _ *[]Row, _ *ledger.Balance) { f.Tickets["a"] = 2 }, "a became 2 tickets", 0},
		"a note, too": {func(f *Found, _ *[]Row, _ *ledger.Balance) { f.Notes["a"] = 1 }, "a became 1 tickets and 1 notes", 0},
		"two, and flagged": {func(f *Found, r *[]Row, _ *ledger.Balance) {
			f.Tickets["a"] = 2
			(*r)[0].Repeated = func() bool { return true }
		}, "", 1},
		"a ticket of one that is set aside": {
			func(f *Found, _ *[]Row, _ *ledger.Balance) { f.Tickets["c"] = 1 }, "c became 1 tickets", 0,
		},
		"a note in the place of a ticket": {
			func(f *Found, _ *[]Row, _ *ledger.Balance) { f.Tickets["a"], f.Notes["a"] = 0, 1 }, "the PSA and the folders", 0,
		},
		"not in the books": {
			func(_ *Found, r *[]Row, b *ledger.Balance) { *r = (*r)[1:]; b.Seen--; b.Tickets-- }, "a became 1 tickets", 0,
		},
		"nobody sent it": {
			func(_ *Found, r *[]Row, b *ledger.Balance) {
				*r = append(*r, Row{"z", ledger.Done, "", nil})
				b.Seen++
				b.Tickets++
			}, "nobody sent", 0,
		},
		"left in the inbox":  {func(f *Found, _ *[]Row, _ *ledger.Balance) { f.Inbox["a"], f.Processed["a"] = 1, 0 }, "a is in the inbox still", 0},
		"in no folder":       {func(f *Found, _ *[]Row, _ *ledger.Balance) { f.Processed["a"] = 0 }, "a is in the folders 0 times", 0},
		"twice in a folder":  {func(f *Found, _ *[]Row, _ *ledger.Balance) { f.Processed["b"] = 2 }, "b is in the folders 2 times", 0},
		"dead, it is said":   {func(f *Found, _ *[]Row, _ *ledger.Balance) { f.Processed["a"], f.DeadLetter["a"] = 0, 1 }, "a is in the folder of dead mails 1 times", 0},
		"suppressed by what": {func(_ *Found, r *[]Row, _ *ledger.Balance) { (*r)[5].Cause = "dropped" }, `e is suppressed as "dropped"`, 0},
		"pending":            {func(_ *Found, r *[]Row, b *ledger.Balance) { (*r)[4].State = ledger.InDoubt; b.Pending++; b.Tickets-- }, "e became 1 tickets", 0},
		"a gap":              {func(_ *Found, _ *[]Row, b *ledger.Balance) { b.Seen++ }, "the books say", 0},
	} {
		mails, found, rows, books := calm()
		c.breaks(&found, &rows, &books)
		wrong, doubled := Judge(mails, found, rows, books)
		said := strings.Join(wrong, "\n")
		if (said == "") != (c.says == "") || !strings.Contains(said, c.says) || doubled != c.doubled {
			t.Errorf("%s: %d are doubled, and it says %q, want %d and %q", name, doubled, said, c.doubled, c.says)
		}
	}
}

// Each mail is found by its token, wherever it is.
func TestEachMailHasATokenOfItsOwn(t *testing.T) {
	from, r, seen := Originals(t), rand.New(rand.NewPCG(1, 2)), map[string]bool{}
	senders := map[string]int{}
	for no := range 1000 {
		m := Vary(r, from, no)
		if seen[m.Token] || TokenOf(string(m.Raw)) != m.Token || Token("Re: "+m.Token+" printer") != m.Token {
			t.Fatalf("mail %d has the token %q, and is found by %q:\n%s", no, m.Token, TokenOf(string(m.Raw)), m.Raw)
		}
		seen[m.Token] = true
		if from := sender.FindSubmatch(m.Raw); from != nil {
			senders[string(from[1])]++
		}
	}
	if most := slices.Max(slices.Collect(maps.Values(senders))); len(senders) < 100 || most > 100 {
		t.Errorf("%d senders wrote 1,000 mails, one of them %d", len(senders), most)
	}
}
