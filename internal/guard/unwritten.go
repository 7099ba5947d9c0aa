package guard

import "time"

// verdict is what came of an attempt, while it could not be written.
type verdict struct {
	attempt Attempt
	outcome Outcome
}

// look looks at the rows: others have changed them, or the store can be used again after it could not. What could not be
// written comes first.
func (l *Login) look() {
	l.mu.Lock()
	late := l.unwritten
	l.unwritten = nil
	l.mu.Unlock()
	for _, v := range late {
		l.conclude(&v.attempt, v.outcome.ended(), func() {})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pump()
}

// giveBack frees units that were taken in transactions that failed. A store whose connection breaks at the commit may have
// kept them, for attempts that nobody makes.
func (r *Rows) giveBack(unsure []Token) {
	for _, t := range unsure {
		if i := r.unit(t); i >= 0 {
			r.free(i)
		}
	}
}

// ended is an outcome whose end the login has taken note of already.
func (o Outcome) ended() Outcome {
	o.Reading, o.Took, o.At = false, 0, time.Time{}
	return o
}
