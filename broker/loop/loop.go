// Package loop keeps mail programs from answering one another for ever, and a program that has gone wild from making a
// thousand tickets. It never discards: what is too much is added to the ticket that is there, or set aside for people.
// Its state is in memory and grows no further than its limits; the time is given to it.
package loop

import (
	"fmt"
	"sync"
	"time"
)

// Limits say what is too much. Zero takes Default's.
type Limits struct {
	// Window is over how long mails are counted.
	Window time.Duration
	// Same is how many mails of one sender with the same subject (see Subject) make tickets in a Window. The PSA's own way
	// in takes 2 in 5 minutes.
	Same int
	// Sender is how many mails of one sender are taken in a Window.
	Sender int
	// Hops is how many servers a mail may have passed (RFC 5321 section 6.3 suggests 100; no mail that arrives has so many).
	Hops int
}

// Default leaves room for the alerts that one monitor sends when a site is down.
var Default = Limits{Window: 10 * time.Minute, Same: 5, Sender: 300, Hops: 25}

// What to do with a mail.
type What string

// Verdicts.
const (
	Pass    What = "pass"
	Append  What = "append"  // to the ticket that the same mail has made before, as a note
	Suspend What = "suspend" // for people to decide
)

// Verdict is what to do with a mail.
type Verdict struct {
	What What
	// Ticket is the one to append to.
	Ticket int64
	// Cause is a sentence; empty for Pass.
	Cause string
}

// Mail is what is known of one.
type Mail struct {
	// Sender is the address that it is from, in lower case. Without one, mails of all such senders are counted together.
	Sender string
	// Subject is that of the mail.
	Subject string
	// Company is whose ticket it would become. One program may send for many, whose mails are never put together.
	Company string
	// Hops is how many servers it has passed.
	Hops int
	// Exempt says that its sender may send as much as it likes.
	Exempt bool
}

// Guard counts mails. Any number of goroutines may use it.
type Guard struct {
	limits Limits

	mu      sync.Mutex
	senders *counts
	same    *counts
}

// keysMost is how many senders, and how many subjects of theirs, are counted at once. Beyond it the one that has been
// quiet for longest is forgotten.
const keysMost = 20_000

// New returns one that has counted nothing.
func New(limits Limits) *Guard {
	pick := func(is *int, otherwise int) {
		if *is <= 0 {
			*is = otherwise
		}
	}
	pick(&limits.Same, Default.Same)
	pick(&limits.Sender, Default.Sender)
	pick(&limits.Hops, Default.Hops)
	if limits.Window <= 0 {
		limits.Window = Default.Window
	}
	return &Guard{
		limits:  limits,
		senders: newCounts(limits.Window, limits.Sender, keysMost),
		same:    newCounts(limits.Window, limits.Same, keysMost),
	}
}

// Judge counts a mail and says what to do with it. A mail that comes again (a try that is repeated) must not be judged
// again.
func (g *Guard) Judge(now time.Time, m Mail) Verdict {
	if m.Hops > g.limits.Hops {
		return Verdict{Suspend, 0, fmt.Sprintf("it has passed %d servers, more than %d: it goes in a circle", m.Hops, g.limits.Hops)}
	}
	if m.Exempt {
		return Verdict{What: Pass}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	sender, same := g.senders.count(now, m.Sender), g.same.count(now, key(m))
	switch {
	case same.over && same.ticket != 0:
		return Verdict{Append, same.ticket, fmt.Sprintf("its sender has sent more than %d with this subject in %s", g.limits.Same, g.limits.Window)}
	case sender.over:
		return Verdict{Suspend, 0, fmt.Sprintf("its sender has sent more than %d mails in %s", g.limits.Sender, g.limits.Window)}
	case same.over:
		return Verdict{Suspend, 0, fmt.Sprintf("its sender has sent more than %d with this subject in %s, and no ticket is known", g.limits.Same, g.limits.Window)}
	}
	return Verdict{What: Pass}
}

// Made tells that a mail has become a ticket: further ones go there when they are too many.
func (g *Guard) Made(m Mail, ticket int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.same.made(key(m), ticket)
}

func key(m Mail) string { return m.Sender + "\x00" + m.Company + "\x00" + Subject(m.Subject) }
