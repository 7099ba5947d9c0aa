package guard

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

// Ask is what a caller wants a unit for.
type Ask struct {
	// Source is the integration that the unit is charged to.
	Source string
	// Path says which of the integration's calls this is: an operation, without its ids.
	Path string
	// Refused is the credential that this call was refused with already: it is sent with another or not at all.
	Refused Fingerprint
	// Since is when the call came in, from which its deadline counts; zero for now.
	Since time.Time
	// Brings is the credential that the caller brings himself, which is sent and no other; nil where the login's is.
	Brings *Brought
}

func (a Ask) of() pathOf { return pathOf{a.Source, a.Path} }

// Upstream makes the guard's own calls to the PSA.
type Upstream interface {
	// Free makes a call without sign-in to the host that a sign-in with the credential would go to. An error says that the
	// PSA cannot be reached; a *Denied is what callers with nothing proven are told at once.
	Free(ctx context.Context, fp Fingerprint) error
	// Check presents the attempt's credential to the PSA, once, and returns what came of it.
	Check(ctx context.Context, a Attempt) Outcome
}

// Use is what one entry of a config wants of a login.
type Use struct {
	// Name is the entry's, for logs.
	Name     string
	Settings Settings
	Upstream Upstream
	// Integrations is how many integrations call through the entry.
	Integrations int
	// Guest: the entry has no credential of its own for the login, only what callers bring. Another entry's upstream goes first.
	Guest bool
	// Changed, where it is set, is told when an attempt proved or refused a credential, shut or opened the gate, locked the
	// login or spent its budget; a lost attempt may do the last long after its end. It is called with no lock held. Of the
	// uses of one name, which a reload's two configs have, it is the last one's to pass it on, as they stood at that moment.
	Changed func(a Attempt, e Effect, last bool)
}

// Login is one login in this process. Where several entries of a config mean it, the strictest of their settings holds.
type Login struct {
	key   Key
	guard *Guard
	table Table

	mu       sync.Mutex
	uses     []*Use // the last one came last
	name     string // of its uses
	settings Settings
	upstream Upstream
	shared   bool
	queue    queue
	callers  map[string]*caller // by integration
	used     bool               // a caller has asked for it in this process
	needed   time.Time          // until then somebody waits elsewhere for a verdict on the newest
	draining bool
	prober   prober
	free     freeCall
	findings findings
	holds    int                // refusals whose zone is being looked up
	settled  [Locked + 1]uint64 // attempts by verdict
	refusal  Refusal            // the last
	glance   glance
	turns    turns // of other processes

	told      newest              // what this process last read of the newest
	term      uint64              // of the lease, when the last transaction was begun
	taken     []Token             // in the last transaction
	unsure    []Token             // taken in one that failed, which may have been kept all the same: nothing was sent with them
	unwritten []verdict           // of attempts whose units are held until they are written
	lingering map[Token]countdown // lost units that this process counts for

	confirmed map[Fingerprint]bool // brought credentials that this process has seen accepted
	bringer   string               // the integration whose was tried last
	stored    bool                 // one of the uses has credentials of its own
}

// findings is what this process makes of verdicts, beside the rows. A transaction that fails takes back what was found out
// in it, so its maps are replaced and never changed.
type findings struct {
	pause    backoff                // of the prober, after an own attempt that told nothing
	suspects map[pathOf]Fingerprint // refused calls, and with which credential
	blocked  map[pathOf]time.Time
}

// Key returns the login's key.
func (l *Login) Key() Key { return l.key }

// Attach adds a use; the function that is returned takes it back. Rows outlive all uses.
func (l *Login) Attach(u Use) (detach func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := &u
	l.uses = append(l.uses, p)
	l.combine()
	l.pump()
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.uses = slices.DeleteFunc(l.uses, func(u *Use) bool { return u == p })
		l.combine()
		l.pump()
	}
}

// combine works out the strictest settings of all uses. Without a use the last settings stay, and nothing is tried.
func (l *Login) combine() {
	if len(l.uses) == 0 {
		l.upstream, l.used, l.stored = nil, false, false
		return
	}
	s, integrations, names := l.uses[0].Settings, 0, []string(nil)
	for _, u := range l.uses {
		names = append(names, u.Name)
		s = s.Strictest(u.Settings)
		integrations += u.Integrations
	}
	slices.Sort(names)
	l.settings, l.shared, l.name = s, integrations > 1, strings.Join(slices.Compact(names), ", ")
	l.upstream, l.stored = l.uses[len(l.uses)-1].Upstream, false
	for _, u := range l.uses {
		if !u.Guest {
			l.upstream, l.stored = u.Upstream, true
		}
	}
}

// tx runs f on the login's rows in one transaction. Called with the mutex held. The error says that nothing may be sent.
func (l *Login) tx(f func(r *Rows, now time.Time)) *Denied {
	return l.untimed(func(r *Rows) { f(r, time.Now()) })
}

// untimed is tx for what mostly needs no clock: reading it takes longer than the rest of a transaction in memory.
func (l *Login) untimed(f func(r *Rows)) *Denied {
	before := l.findings
	l.taken, l.term = l.taken[:0], l.guard.lease.Term()
	var lost []Token
	tx, err := l.table.Begin(context.Background())
	if err == nil {
		r := tx.Rows()
		if len(l.uses) > 0 && (r.Distrusted || r.Newest.IsZero()) {
			l.remind(r)
		}
		r.giveBack(l.unsure)
		f(r)
		if len(l.uses) > 0 {
			r.Spent = r.Locked || len(r.Units) >= l.settings.Budget
		}
		l.glance.take(r)
		lost = l.newlyLost(r)
		err = tx.Commit()
	}
	if err != nil {
		l.findings = before
		l.unsure = append(l.unsure, l.taken...)
		return storeUnavailable()
	}
	l.unsure = nil
	for _, t := range lost {
		l.linger(t)
	}
	return nil
}

// remind makes the best of rows that may have forgotten what they had: this process knows which credential the secret store
// has, which nobody would tell it again before that changes.
func (l *Login) remind(r *Rows) {
	if r.Distrusted {
		r.distrust(&l.settings, l.guard.tables.Holder(), time.Now())
	}
	if !l.told.fp.IsZero() {
		r.newestMade(l.told)
	}
}

func storeUnavailable() *Denied {
	return &Denied{Reason: StoreUnavailable, RetryAfter: storePause, Text: "the gateway's store cannot be used, so nothing is sent: an operator finds the cause in psagate status"}
}

// storePause is what a caller is told to wait for the store.
const storePause = 5 * time.Second

// Dismiss answers every waiting caller with Moved, but for those who bring credentials of this user's.
func (l *Login) Dismiss() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue.deny(func(w *waiter) *Denied {
		if w.ask.Brings != nil {
			return nil
		}
		return moved()
	})
	l.queue.answerLeaving(nil)
}

func (l *Login) drain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.draining = true
	l.queue.deny(func(*waiter) *Denied { return draining() })
	l.queue.answerLeaving(nil)
}
