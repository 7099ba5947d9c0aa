package ledgertest

import (
	"reflect"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/ledger"
)

func counts(t *testing.T, l ledger.Ledger) {
	t.Helper()
	if got, err := l.Counts(ctx); err != nil || len(got) != 0 {
		t.Errorf("an empty ledger counts %v, %v", got, err)
	}
	arrived := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	put(t, l, ledger.Mail{Mailbox: "a", Object: "1", Arrived: arrived(1)}, func(m *ledger.Mail) { m.State, m.Acknowledged = ledger.Done, true })
	put(t, l, ledger.Mail{Mailbox: "a", Object: "2", Arrived: arrived(2)}, func(m *ledger.Mail) { m.State = ledger.Dead }) // not acknowledged yet
	put(t, l, ledger.Mail{Mailbox: "a", Object: "3", Arrived: arrived(9)}, func(m *ledger.Mail) { m.State = ledger.InDoubt })
	put(t, l, ledger.Mail{Mailbox: "a", Object: "4", Arrived: arrived(5)}, nil)
	put(t, l, ledger.Mail{Mailbox: "a", Object: "5", Arrived: arrived(7)}, nil)
	put(t, l, ledger.Mail{Mailbox: "b", Object: "1", Arrived: arrived(3)}, func(m *ledger.Mail) { m.State, m.Acknowledged = ledger.Suspended, true })
	got, err := l.Counts(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if a := got["a"]; !a.Oldest.Equal(arrived(5)) || a.Pending() != 3 || a.Aside() != 1 ||
		!reflect.DeepEqual(a.States, map[ledger.State]int{ledger.Done: 1, ledger.Dead: 1, ledger.InDoubt: 1, ledger.Spooled: 2}) {
		t.Errorf("a: %+v", a)
	}
	if b := got["b"]; !b.Oldest.IsZero() || b.Pending() != 0 || b.Aside() != 1 || !reflect.DeepEqual(b.States, map[ledger.State]int{ledger.Suspended: 1}) || len(got) != 2 {
		t.Errorf("b: %+v, of %d mailboxes", b, len(got))
	}
}
