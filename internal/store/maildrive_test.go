//go:build unix

package store

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/route"
)

// desk is a PSA that counts what it makes, and now and then does not answer.
type desk struct {
	drive.Ticketer
	route.Directory

	mu    sync.Mutex
	made  map[string]int
	ids   map[string]int64
	moved map[string]int
}

func (d *desk) Create(_ context.Context, t drive.Ticket) (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.made[t.Reference]++
	d.ids[t.Reference] = int64(len(d.ids) + 1)
	if len(d.ids)%3 == 0 {
		return 0, context.DeadlineExceeded
	}
	return d.ids[t.Reference], nil
}

func (d *desk) Find(_ context.Context, reference string) (drive.Kept, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	id, there := d.ids[reference]
	return drive.Kept{ID: id, Reference: reference}, there, nil
}

func (d *desk) Read(_ context.Context, id int64) (drive.Kept, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for reference, have := range d.ids {
		if have == id {
			return drive.Kept{ID: id, Reference: reference}, nil
		}
	}
	return drive.Kept{}, nil
}

func (*desk) Resources(context.Context, string) ([]route.Person, error) { return nil, nil }

func (*desk) Contacts(context.Context, string, int) ([]route.Person, error) { return nil, nil }

func (*desk) Companies(context.Context, string) ([]int64, error) { return nil, nil }

func (d *desk) Acknowledge(_ context.Context, object string, _ ledger.State) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.moved[object]++
	return true, nil
}

// left is how many mails of so many are in the inbox.
func (d *desk) left(of int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return of - len(d.moved)
}

func TestTwoProcessesDriveOneMailbox(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		const mails = 8
		one, other := p.run(t), p.elsewhere(t).run(t)
		psa := &desk{made: map[string]int{}, ids: map[string]int64{}, moved: map[string]int{}}
		for i := range mails {
			// It comes later than the books began, or each would be looked for first.
			raw := fmt.Appendf(nil, "From: jo@acme.example\nSubject: %d\nMessage-ID: <%d@acme.example>\n\nText.\n", i, i)
			if _, fresh, err := one.Mail().Spool(t.Context(), drive.Spooled("support", fmt.Sprint(i), raw, time.Now().Add(2*time.Hour)), raw); err != nil || !fresh {
				t.Fatal(fresh, err)
			}
		}
		var wg sync.WaitGroup
		var stop []func()
		for _, s := range []*running{one, other} {
			d := drive.Driver{
				Mailbox: route.Mailbox{Name: "support", Tenant: "1", Default: route.Fields{Company: "0", Queue: "Triage"}},
				Ledger:  s.Mail(), Ticketer: psa, Directory: psa, Source: psa, Workers: 2,
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			wg.Go(func() { d.Run(ctx) })
			stop = append(stop, cancel)
		}
		until(t, "all mails are moved", func() bool { return psa.left(mails) == 0 })
		for _, cancel := range stop {
			cancel()
		}
		wg.Wait()
		b, err := other.Mail().Balance(t.Context(), "support")
		if want := (ledger.Balance{Seen: mails, Tickets: mails}); err != nil || b != want {
			t.Errorf("%+v, %v", b, err)
		}
		for reference, n := range psa.made {
			if n != 1 {
				t.Errorf("%s was made %d times", reference, n)
			}
		}
		if len(psa.made) != mails || len(psa.moved) != mails {
			t.Errorf("%d tickets, %d moved", len(psa.made), len(psa.moved))
		}
	})
}
