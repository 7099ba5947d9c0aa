package ledger

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Memory is a Ledger in memory, for tests and for trying out: what it keeps is gone with the process.
type Memory struct {
	// SinceWhen is what Since says.
	SinceWhen time.Time

	mu   sync.Mutex
	rows []Mail // by ID, from 1
	raw  [][]byte
	seen map[string]int
	// begun is by mailbox and inbox.
	begun map[[2]string]uint32
}

// NewMemory returns an empty one.
func NewMemory() *Memory { return &Memory{seen: map[string]int{}, begun: map[[2]string]uint32{}} }

// Spool keeps a mail.
func (l *Memory) Spool(_ context.Context, m Mail, raw []byte) (Mail, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.IndexFunc(l.rows, func(have Mail) bool { return have.Mailbox == m.Mailbox && have.Object == m.Object }); i >= 0 {
		return copied(l.rows[i]), false, nil
	}
	m = m.Fresh(len(raw))
	m.ID = int64(len(l.rows) + 1)
	l.rows, l.raw = append(l.rows, copied(m)), append(l.raw, append([]byte{}, raw...))
	l.seen[m.Mailbox]++
	return copied(m), true, nil
}

func copied(m Mail) Mail {
	m.References, m.Plan, m.History, m.Why = slices.Clone(m.References), slices.Clone(m.Plan), slices.Clone(m.History), slices.Clone(m.Why)
	return m
}

// Missing are those that are not there.
func (l *Memory) Missing(_ context.Context, mailbox string, objects []string) (missing []string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	there := map[string]bool{}
	for _, m := range l.rows {
		if m.Mailbox == mailbox {
			there[m.Object] = true
		}
	}
	for _, object := range objects {
		if !there[object] {
			missing = append(missing, object)
		}
	}
	return missing, nil
}

// Begun is what it was first told.
func (l *Memory) Begun(_ context.Context, mailbox, inbox string, next uint32) (uint32, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := [2]string{mailbox, inbox}
	if _, is := l.begun[key]; !is {
		l.begun[key] = next
	}
	return l.begun[key], nil
}

// Update writes a row.
func (l *Memory) Update(_ context.Context, m Mail) (Mail, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	have, err := l.row(m.ID)
	switch {
	case err != nil:
		return Mail{}, err
	case have.Epoch != m.Epoch:
		return Mail{}, ErrStale
	case m.Reference != "" && slices.ContainsFunc(l.rows, func(o Mail) bool { return o.ID != m.ID && o.Reference == m.Reference }):
		return Mail{}, ErrReference
	}
	m = m.Kept(*have)
	*have = copied(m)
	return copied(m), nil
}

func (l *Memory) row(id int64) (*Mail, error) {
	if id < 1 || id > int64(len(l.rows)) {
		return nil, ErrUnknown
	}
	return &l.rows[id-1], nil
}

// Get reads a row.
func (l *Memory) Get(_ context.Context, id int64) (Mail, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m, err := l.row(id)
	if err != nil {
		return Mail{}, err
	}
	return copied(*m), nil
}

// Raw reads a mail's bytes.
func (l *Memory) Raw(_ context.Context, id int64) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.row(id); err != nil {
		return nil, err
	}
	if l.raw[id-1] == nil {
		return nil, ErrGone
	}
	return slices.Clone(l.raw[id-1]), nil
}

// Forget removes bytes.
func (l *Memory) Forget(_ context.Context, mailbox string, before time.Time) (n int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, m := range l.rows {
		if m.Mailbox == mailbox && m.Forgettable(before) && l.raw[i] != nil {
			l.raw[i], l.rows[i] = nil, m.Forgotten()
			n++
		}
	}
	return n, nil
}

// Since is SinceWhen.
func (l *Memory) Since(context.Context) (time.Time, error) { return l.SinceWhen, nil }

// Due lists what may be due.
func (l *Memory) Due(_ context.Context, mailbox string, now time.Time, most int) (due []Mail, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.rows {
		if m.Mailbox == mailbox && m.IsDue(now) && (!m.State.Ended() || !m.Acknowledged) && len(due) < most {
			due = append(due, copied(m))
		}
	}
	return due, nil
}

// Hasten makes mails due.
func (l *Memory) Hasten(_ context.Context, mailbox string, now time.Time) (n int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, m := range l.rows {
		if m.Mailbox == mailbox && m.Hastens(now) {
			l.rows[i].Due = now
			l.rows[i].Epoch++
			n++
		}
	}
	return n, nil
}

// Blocked tells whether another comes first.
func (l *Memory) Blocked(_ context.Context, m Mail, over time.Time) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ticketOf := func(messageID string) int64 {
		of, _ := l.referred(messageID)
		return of.Ticket
	}
	return m.IsNote && slices.ContainsFunc(l.rows, func(o Mail) bool { return o.Before(m, over, ticketOf) }), nil
}

// Referred finds the mail that an answer belongs to.
func (l *Memory) Referred(_ context.Context, messageID string) (Mail, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m, ok := l.referred(messageID)
	return m, ok, nil
}

func (l *Memory) referred(messageID string) (found Mail, there bool) {
	for _, fits := range []func(Mail) bool{
		func(m Mail) bool { return m.MessageID == messageID },
		func(m Mail) bool { return slices.Contains(m.References, messageID) },
	} {
		for _, m := range l.rows {
			if messageID != "" && fits(m) && (m.State == Done || !m.State.Ended()) && (!there || m.Ticket != 0) {
				found, there = copied(m), true
			}
		}
		if there {
			break
		}
	}
	return found, there
}

// Balance counts.
func (l *Memory) Balance(_ context.Context, mailbox string) (b Balance, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b.Seen = l.seen[mailbox]
	for _, m := range l.rows {
		if m.Mailbox == mailbox {
			b.Count(m)
		}
	}
	return b, nil
}

// List is a page of a query.
func (l *Memory) List(_ context.Context, q Query) (page []Mail, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.rows {
		m := l.rows[len(l.rows)-1-i]
		if q.Oldest {
			m = l.rows[i]
		}
		if q.follows(m.ID) && q.Has(m) && len(page) < q.Most {
			page = append(page, copied(m))
		}
	}
	return page, nil
}
