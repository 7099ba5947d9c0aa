package call

import (
	"context"
	"fmt"
	"time"

	"github.com/psagate/psagate/internal/guard"
)

// Another process that shares the tables may have read a newer version of the record, and proven it, before this one has
// looked at its secret store again.

// errNotKnown: the tables name a credential that this process has no secret of.
var errNotKnown = fmt.Errorf("the credential that serves: %w", guard.ErrForgotten)

// knows reports whether this process has the secret of a credential. Where it has not the record is read again, once, and
// then what the store has of earlier versions; ctx is the caller's, who came at since.
func (n *lane) knows(ctx context.Context, s *seat, fp guard.Fingerprint, since time.Time) bool {
	if s.cardOf(fp) != nil {
		return true
	}
	ctx, cancel := context.WithDeadline(ctx, since.Add(n.Settings.QueueDeadline))
	defer cancel()
	if rec, err := n.store.Confirm(ctx, n.Path); err == nil {
		n.apply(rec)
	}
	if s.cardOf(fp) == nil && n.looksBack(s, fp) {
		n.remembers(s, fp)
	}
	return s.cardOf(fp) != nil
}

// looksBack reports whether a credential was not looked for among earlier versions yet, and takes that note.
func (n *lane) looksBack(s *seat, fp guard.Fingerprint) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	was := s.recalled
	s.recalled = fp
	return was != fp
}
