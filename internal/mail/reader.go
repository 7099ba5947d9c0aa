package mail

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/broker/ledger"
)

// reader reads a mailbox by IMAP. It outlives a reload that leaves its mailbox as it was.
type reader struct {
	mailbox *imap.Mailbox
	key     string
	inbox   inbox
	log     *slog.Logger
	*running
	closing func() // gives back what mailbox holds

	mu     sync.Mutex
	source *imap.Source // nil before the first
}

func newReader(m *Mailbox, books ledger.Ledger, wake func(), log *slog.Logger) *reader {
	return &reader{
		mailbox: m.IMAP, key: m.Key, log: log, closing: m.CloseIMAP,
		inbox: inbox{books: books, mailbox: m.name(), account: accountOf(m.IMAP), wake: wake},
	}
}

// read reads until the context ends. Each time it is begun anew, so is the source, of which nobody knows how it was left.
func (r *reader) read(ctx context.Context) {
	source, err := imap.New(*r.mailbox, r.inbox, r.log)
	if err != nil { // the config has been checked
		r.log.Error("a mailbox cannot be read as it is configured", "error", err)
		<-ctx.Done()
		return
	}
	r.mu.Lock()
	r.source = source
	r.mu.Unlock()
	source.Run(ctx)
}

func (r *reader) state() (imap.State, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.source == nil {
		return imap.State{}, false
	}
	return r.source.State(), true
}

// wakes has the mailbox connected to now, where that waits.
func (r *reader) wakes() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.source != nil {
		r.source.Wake()
	}
}

// errNoSource: the reader is being begun.
var errNoSource = errors.New("the mailbox is not being read yet")

// ackWithin is how long the work on a mailbox waits for one mail to be moved, which is asked for again.
const ackWithin = 20 * time.Second

func (r *reader) acknowledge(ctx context.Context, object string, end ledger.State) (bool, error) {
	place, ours := strings.CutPrefix(object, r.inbox.account)
	if !ours {
		return false, nil
	}
	r.mu.Lock()
	source := r.source
	r.mu.Unlock()
	if source == nil {
		return false, errNoSource
	}
	// A source that is dialling answers nobody, and one that has ended never will.
	ctx, cancel := context.WithTimeout(ctx, ackWithin)
	defer cancel()
	defer context.AfterFunc(r.ctx, cancel)()
	folder := imap.Processed
	if end == ledger.Dead {
		folder = imap.DeadLetter
	}
	return source.Acknowledge(ctx, place, folder)
}
