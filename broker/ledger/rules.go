package ledger

import "time"

// Rules are the times and numbers of the moves. Zero ones are Default's, but for FallbackAfter.
type Rules struct {
	// Lease is how long a step that can be repeated is left to whoever began it.
	Lease time.Duration
	// SendWithin is how long after it was written down a send may still begin (MaySend); Answer is how long it may take
	// then. A process that was stopped in between must not send.
	SendWithin, Answer time.Duration
	// Settle is the longest after its end that a send without answer can still take effect.
	Settle time.Duration
	// Apart is how far the answers that it is not there lie apart.
	Apart time.Duration
	// Understand is how many times a mail is given to the parser; then twice without it.
	Understand int
	// Send is how many times an item may end in doubt.
	Send int
	// Plainest is how many times the PSA may refuse what a ticket says.
	Plainest int
	// Backoff is the first wait after a failure; each further one is double, to BackoffMost.
	Backoff, BackoffMost time.Duration
	// FallbackAfter is how long the API has not been usable when the PSA's mail service is used instead; 0 is never.
	FallbackAfter time.Duration
	// AtesSettle is the longest that the mail service takes; AtesLost is when a ticket that it has not made is asked after by
	// people.
	AtesSettle, AtesLost time.Duration
}

// Default is used where Rules say nothing. A request that timed out may still take effect: 6 minutes are longer than any
// that the PSA is known to run. Its mail service takes 10 minutes, and calls itself degraded from 30.
var Default = Rules{
	Lease: time.Minute, SendWithin: 10 * time.Second, Answer: 2 * time.Minute, Settle: 6 * time.Minute, Apart: time.Minute, Understand: 2, Send: 5,
	Plainest: 3, Backoff: 15 * time.Second, BackoffMost: 15 * time.Minute, AtesSettle: time.Hour, AtesLost: 24 * time.Hour,
}

// Furthest is more than any wait of the Rules. What is due later than that was written down by a clock that has been set back since, and
// is due now.
const Furthest = 3 * time.Hour

// IsDue tells whether the time of a row has come.
func (m Mail) IsDue(now time.Time) bool { return !now.Before(m.Due) || m.Due.Sub(now) > Furthest }

// Whole are the rules with those of Default for what is zero.
func (r Rules) Whole() Rules {
	for _, f := range []struct{ is, otherwise *time.Duration }{
		{&r.Lease, &Default.Lease},
		{&r.SendWithin, &Default.SendWithin},
		{&r.Answer, &Default.Answer},
		{&r.Settle, &Default.Settle},
		{&r.Apart, &Default.Apart},
		{&r.Backoff, &Default.Backoff},
		{&r.BackoffMost, &Default.BackoffMost},
		{&r.AtesSettle, &Default.AtesSettle},
		{&r.AtesLost, &Default.AtesLost},
	} {
		if *f.is <= 0 {
			*f.is = *f.otherwise
		}
	}
	for _, f := range []struct{ is, otherwise *int }{{&r.Understand, &Default.Understand}, {&r.Send, &Default.Send}, {&r.Plainest, &Default.Plainest}} {
		if *f.is <= 0 {
			*f.is = *f.otherwise
		}
	}
	return r
}

// backoff is how long to wait after so many failures in a row.
func (r Rules) backoff(fails int) time.Duration {
	wait := r.Backoff
	for range fails - 1 {
		if wait *= 2; wait >= r.BackoffMost {
			return r.BackoffMost
		}
	}
	return min(wait, r.BackoffMost)
}

// Over is until when a mail must have been handed to the mail service so that it has made of it what it does by now.
func (r Rules) Over(now time.Time) time.Time {
	r = r.Whole()
	return now.Add(-r.SendWithin - r.Answer - r.AtesSettle)
}

// World is what a step depends on beside the mail.
type World struct {
	// Down is since when the API has not been usable; zero where it is.
	Down time.Time
	// Blocked says that another mail comes first (Ledger.Blocked).
	Blocked bool
}

func (w World) usable() bool { return w.Down.IsZero() }

// Step is something that is due.
type Step string

// Steps.
const (
	Nothing         Step = ""
	Understand      Step = "understand"       // parse and route
	UnderstandLeast Step = "understand-least" // without a parser: the mail as a file
	Send            Step = "send"             // Item
	Look            Step = "look"             // ask the PSA for what is in doubt
	Repair          Step = "repair"           // put right what the mail service made
	SendAtes        Step = "send-ates"
	Find            Step = "find"        // what the mail service made, or may have
	Acknowledge     Step = "acknowledge" // on the server
	Expire          Step = "expire"      // nothing is done but writing down that a time is over
)

// Next says what is due for a mail.
func (r Rules) Next(m Mail, now time.Time, w World) Step {
	r = r.Whole()
	if !m.IsDue(now) {
		return Nothing
	}
	switch m.State {
	case Spooled:
		switch {
		case m.Tries < r.Understand:
			return Understand
		case m.Tries < r.Understand+2:
			return UnderstandLeast
		}
		return Expire
	case Ready:
		return r.nextReady(m, now, w)
	case InFlight, AtesInFlight:
		return Expire // whoever sent it is gone
	case InDoubt:
		return when(w.usable(), Look)
	case AtesInDoubt, AtesSent:
		if w.usable() {
			return Find
		}
		return when(m.State == AtesInDoubt && now.Sub(m.SentAt) >= 4*r.AtesSettle, Expire)
	}
	return when(!m.Acknowledged, Acknowledge)
}

func when(so bool, step Step) Step {
	if so {
		return step
	}
	return Nothing
}

func (r Rules) nextReady(m Mail, now time.Time, w World) Step {
	switch {
	case w.Blocked:
		return Nothing
	case w.usable():
		if m.Repair {
			return Repair
		}
		return Send
	}
	return when(m.Item == 0 && !m.Repair && m.Cause != AtesFailed && r.FallbackAfter > 0 && now.Sub(w.Down) >= r.FallbackAfter, SendAtes)
}
