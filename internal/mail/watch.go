package mail

import (
	"context"
	"fmt"
	"time"

	"github.com/psagate/psagate/broker/ledger"
)

// Watcher is told what happens to mails and mailboxes. Its methods must not wait.
type Watcher interface {
	// Ended is told each mail that has come to an end, whichever it is, and how long after it arrived.
	Ended(m ledger.Mail, after time.Duration)
	// Changed is told when something begins with a mailbox, or ends; what it is, in words, where it begins.
	Changed(mailbox string, what Change, words string)
}

// Change is what begins or ends.
type Change string

// Changes. Each of a pair is told once before the other is.
const (
	// Failing: no mails come out of the mailbox, or none come in by SMTP.
	Failing Change = "failing"
	Working Change = "working"
	// Gap: the books do not balance, so that a mail is missing from them.
	Gap      Change = "gap"
	Balanced Change = "balanced"
	// Fallback: mails go to the PSA's mail service, since its API cannot be used.
	Fallback   Change = "fallback"
	FallbackOK Change = "fallback-ok"
)

// nobody watches.
type nobody struct{}

func (nobody) Ended(ledger.Mail, time.Duration) {}
func (nobody) Changed(string, Change, string)   {}

// Times of the watch.
const (
	watchEvery = 15 * time.Second
	// failingFor is how long a mailbox fails before it is told: connections end all the time.
	failingFor = time.Minute
)

// seen is what was told of a mailbox.
type seen struct {
	failingSince           time.Time // zero: it does not fail
	failing, gap, fallback bool
}

// watch looks at all mailboxes until the context ends.
func (e *Engine) watch(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(watchEvery):
		}
		for _, s := range e.States(ctx) {
			e.look(s, time.Now())
		}
	}
}

// look tells what is new of a mailbox.
func (e *Engine) look(s State, now time.Time) {
	e.mu.Lock()
	b := e.boxes[s.Name]
	e.mu.Unlock()
	if b == nil {
		return
	}
	words, fails, atOnce := s.problem()
	switch {
	case !fails:
		b.seen.failingSince = time.Time{}
	case b.seen.failingSince.IsZero():
		b.seen.failingSince = now
	}
	failing := fails && (atOnce || b.seen.failing || now.Sub(b.seen.failingSince) >= failingFor)
	e.tell(s.Name, &b.seen.failing, failing, Failing, Working, words)
	if s.BooksProblem != "" {
		return // nothing is known of its mails
	}
	gap := s.Balance.Gap() != 0
	e.tell(s.Name, &b.seen.gap, gap, Gap, Balanced, fmt.Sprintf("%d mails came, and the books have %d of them", s.Balance.Seen, s.Balance.Seen-s.Balance.Gap()))
	n := s.Fallback()
	e.tell(s.Name, &b.seen.fallback, n > 0, Fallback, FallbackOK, fmt.Sprintf("%d mails are with the PSA's mail service", n))
}

func (e *Engine) tell(mailbox string, said *bool, is bool, begins, ends Change, words string) {
	if *said == is {
		return
	}
	*said = is
	if is {
		e.watcher.Changed(mailbox, begins, words)
	} else {
		e.watcher.Changed(mailbox, ends, "")
	}
}

// Problem is why no mails come out of the mailbox, or none in, in words; empty where they do.
func (s State) Problem() string {
	words, _, _ := s.problem()
	return words
}

// problem is why no mails come, in words, and whether that is to be told at once: what passes by itself is not.
func (s State) problem() (words string, fails, atOnce bool) {
	switch {
	case s.Source.Problem != nil:
		return s.Source.Problem.Error(), true, s.Source.Problem.Refused
	case s.DoorProblem != "":
		return "mails cannot come in by SMTP at " + s.Door + ": " + s.DoorProblem, true, false
	}
	return "", false, false
}
