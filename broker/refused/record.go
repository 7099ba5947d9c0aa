package refused

import (
	"slices"
	"time"
)

// Record is what is known of the secrets of one Place. The zero Record knows nothing.
type Record struct {
	// Refused are the secrets that were, the last one at the end.
	Refused []Refusal `json:"refused,omitempty"`
	// InARow is how many were refused since one was accepted.
	InARow int `json:"in_a_row,omitempty"`
	// Sent is the secret that was sent last, while nobody knows what the server said to it.
	Sent *Sending `json:"sent,omitempty"`
	// Accepted is when one was accepted last; zero: never.
	Accepted time.Time `json:"accepted,omitzero"`
}

// Refusal is a secret that the server does not take.
type Refusal struct {
	// Print stands for the secret (Books.Prints).
	Print string `json:"print"`
	// At is when it was refused last.
	At time.Time `json:"at"`
	// Said is what the server said then, and what to do, in words for people.
	Said string `json:"said,omitempty"`
}

// Sending is a secret that was sent, or is about to be.
type Sending struct {
	// ID is the attempt's, like no other.
	ID string `json:"id"`
	// Print stands for the secret.
	Print string `json:"print"`
	// At is when it was about to be sent.
	At time.Time `json:"at"`
	// Tries is how often it has been sent in a row without an answer, this time included.
	Tries int `json:"tries"`
	// Over says that no answer will come: the connection broke. Else one may be waited for, or whoever waited has ended.
	Over bool `json:"over,omitempty"`
}

const (
	// most is how many refused secrets are remembered of a place: those that replicas may still have from their stores, and more.
	most = 8
	// lapse is how long a refused secret is remembered at least when another has been accepted since. It may be right again, where
	// somebody has put it back; or it is what a replica has that does not know of the new one yet.
	lapse = 15 * time.Minute
	// tokenPause is how long no secret is sent that changes by itself, after the second one in a row was refused.
	tokenPause = 5 * time.Minute
	// openPause is how long a secret is not sent again of which nobody knows whether it was sent, and refused: longer than a sign-in
	// takes, and so long that a process that ends and begins all the time locks nothing.
	openPause = 5 * time.Minute
)

// lostPauses are how long a secret is not sent again to whose last sendings, so many in a row, no answer came. The first may well be
// that of a connection that broke by itself.
var lostPauses = []time.Duration{0, time.Minute, openPause}

func (s *Sending) pause() time.Duration {
	if !s.Over {
		return openPause
	}
	return lostPauses[min(max(s.Tries, 1), len(lostPauses))-1]
}

// within tells whether less than so long has gone by since. A time far ahead is that of a clock that was put right, and holds nothing.
func within(pause time.Duration, since, now time.Time) bool { return now.Sub(since).Abs() < pause }

// held is why the secret with these prints may not be sent now; nil where it may.
func (r *Record) held(p Place, prints []string, now time.Time) *Held {
	for _, e := range r.Refused {
		if slices.Contains(prints, e.Print) && (!r.Accepted.After(e.At) || within(lapse, e.At, now)) {
			return p.wasRefused(e.Said)
		}
	}
	if n := len(r.Refused); p.Changing && r.InARow > 1 && n > 0 && within(tokenPause, r.Refused[n-1].At, now) {
		return p.wereRefused(r.InARow)
	}
	if r.Sent != nil && r.same(p, prints) && within(r.Sent.pause(), r.Sent.At, now) {
		return p.unanswered(r.Sent)
	}
	return nil
}

// same tells whether a secret is the one that was sent last, or as good as that.
func (r *Record) same(p Place, prints []string) bool {
	return r.Sent != nil && (p.Changing || slices.Contains(prints, r.Sent.Print))
}

// begin notes that a secret is about to be sent.
func (r *Record) begin(p Place, id string, prints []string, now time.Time) {
	if p.Shared {
		return
	}
	tries := 1
	if r.same(p, prints) {
		tries = r.Sent.Tries + 1
	}
	r.Sent = &Sending{ID: id, Print: prints[0], At: now, Tries: tries}
}

// end notes what came of it. Where somebody else has sent a secret since, that one is not touched.
func (r *Record) end(a *Attempt, o Outcome, said string, now time.Time) {
	ours := a.shared || r.Sent != nil && r.Sent.ID == a.id
	if o == Refused {
		r.without(a.prints)
		r.Refused = append(r.Refused, Refusal{a.prints[0], now, said})
		r.Refused = r.Refused[max(0, len(r.Refused)-most):]
	}
	if !ours {
		return
	}
	switch o {
	case Refused:
		r.InARow++
		r.Sent = nil
	case Accepted:
		r.without(a.prints)
		r.InARow, r.Sent, r.Accepted = 0, nil, now
	case Unjudged:
		r.Sent = nil
	case Unanswered:
		if r.Sent != nil {
			r.Sent.Over = true
		}
	case Unsent:
		r.Sent = a.before
	}
}

// without forgets that a secret was refused.
func (r *Record) without(prints []string) {
	r.Refused = slices.DeleteFunc(r.Refused, func(e Refusal) bool { return slices.Contains(prints, e.Print) })
}

// Clone is a copy that shares nothing with the record.
func (r Record) Clone() Record {
	r.Refused = slices.Clone(r.Refused)
	if r.Sent != nil {
		sent := *r.Sent
		r.Sent = &sent
	}
	return r
}
