package console

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/report"
)

// Ledger remembers which calls were denied at this process lately, and counts them, in a bounded room. It outlives configs. Its zero
// value is not to be used: see NewLedger.
type Ledger struct {
	now   func() time.Time
	mu    sync.Mutex
	since time.Time
	kinds map[denialKind]*Denial
	total map[string]int
}

const (
	// maxKinds is how many kinds of denials are remembered: those that came last. A program that is denied the same in each call takes
	// the place of one.
	maxKinds = 200
	// maxNames is of how many integrations denials are counted.
	maxNames = 10000
	// maxSaid is how much of a text that callers had a part in is kept, in bytes.
	maxSaid = 600
)

// denialKind tells denials apart.
type denialKind struct{ integration, entity, action, decision, why, said string }

// Denial is a kind of call that was denied.
type Denial struct {
	// Integration is who called; Entity and Action are what was asked for.
	Integration, Entity, Action string
	// Decision is policy's word, empty where it was not policy that denied; Why is psagate's word for the answer, or for a rule of the config.
	Decision, Why string
	// Said is what policy said, with the line that would permit it where one would.
	Said string
	// Count is how many there were, from First to Last.
	Count       int
	First, Last time.Time
}

// Denials are what a process remembers.
type Denials struct {
	// Since is from when on it counts.
	Since time.Time
	// Kinds are the kinds of denials, the last one first.
	Kinds []Denial
	// Total is how many there were of each integration.
	Total map[string]int
}

// NewLedger returns one that is empty.
func NewLedger(now func() time.Time) *Ledger {
	return &Ledger{now: now, since: now(), kinds: map[denialKind]*Denial{}, total: map[string]int{}}
}

// Answered notes a call where it was denied by policy or by a rule of the config. It is quick where it was not.
func (l *Ledger) Answered(c report.Call) {
	denied := c.Decision == report.Deny || c.Decision == report.WouldDeny || c.Decision == report.StepUp || c.Rule != "" || c.Reason == reasonDisabled
	if !denied || c.Integration == "" {
		return
	}
	now, kind := l.now(), denialKind{c.Integration, cut(c.Entity), c.Action, c.Decision, cmp.Or(c.Rule, c.Reason), cut(c.Said)}
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.kinds[kind]
	if d == nil {
		l.makeRoom()
		d = &Denial{Integration: kind.integration, Entity: kind.entity, Action: kind.action, Decision: kind.decision, Why: kind.why, Said: kind.said, First: now}
		l.kinds[kind] = d
	}
	d.Count, d.Last = d.Count+1, now
	if _, there := l.total[c.Integration]; there || len(l.total) < maxNames {
		l.total[c.Integration]++
	}
}

// reasonDisabled is the reason of an integration that is switched off.
const reasonDisabled = "disabled"

func cut(text string) string { return text[:min(len(text), maxSaid)] }

// makeRoom forgets what came longest ago where there is no room. The lock is held.
func (l *Ledger) makeRoom() {
	if len(l.kinds) < maxKinds {
		return
	}
	var oldest denialKind
	var at time.Time
	for kind, d := range l.kinds {
		if at.IsZero() || d.Last.Before(at) {
			oldest, at = kind, d.Last
		}
	}
	delete(l.kinds, oldest)
}

// Denials are what it remembers.
func (l *Ledger) Denials() Denials {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := Denials{Since: l.since, Total: make(map[string]int, len(l.total))}
	for _, d := range l.kinds {
		out.Kinds = append(out.Kinds, *d)
	}
	for name, n := range l.total {
		out.Total[name] = n
	}
	slices.SortFunc(out.Kinds, func(a, b Denial) int {
		return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.Integration, b.Integration), cmp.Compare(a.Entity, b.Entity), cmp.Compare(a.Action, b.Action), cmp.Compare(a.Said, b.Said))
	})
	return out
}
