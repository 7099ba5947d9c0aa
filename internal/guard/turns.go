package guard

import "time"

// Processes that share a login do not know of each other's queues, and those who wait look at the rows now and then. One
// whose callers never cease would take each unit again in the moment in which it gives it back, and no other would ever see
// it free. So a process that others compete with leaves what it gives back to them, for longer than they take to look; and
// now and then also where it knows of none, for who gets nothing leaves no traces.

const (
	// sharedPoll is how often those who wait have the rows looked at that other processes change.
	sharedPoll = 50 * time.Millisecond
	// turnLasts is for how long a process leaves units to others: longer than sharedPoll, and than a transaction takes.
	turnLasts = 75 * time.Millisecond
	// turnsEvery is how often others are given a turn where none were seen since.
	turnsEvery = time.Second
)

// turns is what a process knows of others that use its login, and when those have their turn.
type turns struct {
	until  time.Time // this process takes nothing for callers before; zero where others have no turn now
	given  time.Time // when they had theirs last
	proven int64     // when, in microseconds, a call was accepted last that this process knows of
	met    time.Time // when it last saw that another process uses the login
}

// meet takes note of other processes, before this one changes the rows: they hold units, or have had calls accepted.
func (l *Login) meet(r *Rows, now time.Time) {
	if l.table.Shared() && (r.provenAt() != l.turns.proven || l.othersHold(r)) {
		l.turns.met = now
	}
}

// giveTurn leaves units to others: this process has just given one back.
func (l *Login) giveTurn(r *Rows, now time.Time) {
	if !l.table.Shared() {
		l.turns.until = time.Time{}
		return
	}
	l.turns.proven = r.provenAt()
	competes := now.Sub(l.turns.met) < turnsEvery
	if l.turns.until.IsZero() && (competes || now.Sub(l.turns.given) >= turnsEvery) {
		l.turns.until, l.turns.given = now.Add(turnLasts), now
	}
}

// othersTurn reports whether it is others' turn, and ends it when its time is over.
func (l *Login) othersTurn(now time.Time) bool {
	if now.Before(l.turns.until) {
		return true
	}
	l.turns.until = time.Time{}
	return false
}

func (l *Login) othersHold(r *Rows) bool {
	for i := range r.Units {
		if u := &r.Units[i]; u.State == Held && u.Holder != l.guard.tables.Holder() {
			return true
		}
	}
	return false
}

// provenAt is when a call was accepted last, as exactly as every store keeps it.
func (r *Rows) provenAt() int64 {
	if c := r.find(r.Last); c != nil {
		return c.ProvenAt.UnixMicro()
	}
	return 0
}
