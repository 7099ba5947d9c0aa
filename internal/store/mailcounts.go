package store

import (
	"context"
	"fmt"

	"github.com/psagate/psagate/broker/ledger"
)

// Counts implements ledger.Ledger. Each half of the statement is answered by an index: of all mails the numbers alone, and of those
// that have not ended, of which there are few, when they arrived.
func (b mailBooks) Counts(ctx context.Context) (map[string]ledger.Counts, error) {
	all := map[string]ledger.Counts{}
	err := b.store.peek(ctx, func(ctx context.Context, x *tx) error {
		return x.each(ctx, `SELECT mailbox, state, COUNT(*), 0 FROM mail_row GROUP BY mailbox, state
			UNION ALL SELECT mailbox, '', 0, MIN(arrived) FROM mail_row WHERE is_open AND state NOT IN (?, ?, ?, ?) GROUP BY mailbox`,
			[]any{string(ledger.Done), string(ledger.Suspended), string(ledger.Dead), string(ledger.Suppressed)}, func(scan func(...any) error) error {
				var mailbox string
				var state ledger.State
				var n int
				var oldest micros
				if err := scan(&mailbox, (*string)(&state), &n, &oldest); err != nil {
					return fmt.Errorf("counting mails: %w", err)
				}
				c := all[mailbox]
				if c.States == nil {
					c.States = map[ledger.State]int{}
				}
				if state == "" {
					c.Oldest = oldest.time()
				} else {
					c.States[state] = n
				}
				all[mailbox] = c
				return nil
			})
	})
	return all, err
}
