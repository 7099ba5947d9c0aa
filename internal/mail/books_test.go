package mail

import (
	"testing"
	"time"

	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/broker/ledger"
)

func TestWhereAMailIsThatIsDoneWith(t *testing.T) {
	for want, m := range map[string]imap.Mailbox{
		"in the folder Processed of support at imap.example.com:993": {},
		"in the folder Done of support at imap.example.com:993":      {Processed: "Done"},
		"in the inbox of support at imap.example.com:993":            {LeaveSince: time.Now()},
	} {
		m.Server, m.User = "imap.example.com:993", "support"
		if got := wholeAt(&m); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

// Two accounts count from 1 each, and so does one whose numbers begin anew: each has a beginning of its own.
func TestEachInboxOfAMailboxHasItsBeginning(t *testing.T) {
	books := ledger.NewMemory()
	one := inbox{books: books, mailbox: "support", account: accountOf(&imap.Mailbox{Server: "a.example.com:993", User: "support"})}
	other := inbox{books: books, mailbox: "support", account: accountOf(&imap.Mailbox{Server: "b.example.com:993", User: "support"})}
	for i, c := range []struct {
		in                   inbox
		validity, next, want uint32
	}{{one, 7, 100, 100}, {other, 7, 5, 5}, {one, 8, 3, 3}, {one, 7, 200, 100}, {other, 7, 6, 5}} {
		if got, err := c.in.Begun(t.Context(), c.validity, c.next); err != nil || got != c.want {
			t.Errorf("%d: it begins at %d, not %d: %v", i, got, c.want, err)
		}
	}
}
