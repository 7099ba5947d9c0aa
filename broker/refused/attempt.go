package refused

import (
	"context"
	"time"
)

// Outcome is what came of sending a secret.
type Outcome int

// Outcomes.
const (
	// Accepted: the server takes it.
	Accepted Outcome = iota + 1
	// Refused: the server does not take it.
	Refused
	// Unjudged: the server answered, but said nothing of the secret: it is busy.
	Unjudged
	// Unanswered: no answer came, and none will. The server may have refused it.
	Unanswered
	// Unsent: it was not sent after all.
	Unsent
)

// Attempt is one sending of a secret. It is for one goroutine.
type Attempt struct {
	memory *Memory
	key    string
	id     string
	prints []string
	begun  bool
	shared bool     // Place.Shared
	before *Sending // what had been sent before, and not answered
}

// endTime is how long may be waited until an outcome is kept.
const endTime = 5 * time.Second

// End notes what came of it, also where whoever began it is to end by now. What cannot be kept comes before whatever this process
// next does at the place; if the process ends before that, the secret is taken for one that may have been refused. said is what the server
// said where it refused, and what to do, for people who ask later: no secret may be in it.
func (a *Attempt) End(o Outcome, said string) {
	ctx, cancel := context.WithTimeout(context.Background(), endTime)
	defer cancel()
	now := time.Now().UTC()
	end := func(r *Record) { r.end(a, o, said, now) }
	if a.memory.change(ctx, a.key, end) != nil {
		a.memory.owe(a.key, end)
	}
}
