package audit

import (
	"bytes"
	"fmt"
)

// EventLogTakenAway is the event of a log whose file somebody moved or removed while it was written. Its line is in the file that
// was begun anew.
const EventLogTakenAway = "log_taken_away"

// awayMember is in the line of such an event, and in no other: quotes in texts are escaped, and objects are spaced.
var awayMember = []byte(`,"event":"` + EventLogTakenAway + `"`)

// tellsAway reports whether the line says that the log's file was taken away.
func (l line) tellsAway() bool { return l.kind == Event && bytes.Contains(l.signed, awayMember) }

// away is a file that was taken away: one before the chain's line from, with which the next file begins.
type away struct {
	at        place // of the line that says so
	seq, from uint64
	time      string
}

// concludeAway tells of the files that were taken away, and whether what was in them is here all the same.
func (t *track) concludeAway(v *Verifier, all *findings) {
	for _, a := range t.away {
		gone := t.isGone(v, a)
		where := "the lines before are here"
		if gone {
			where = fmt.Sprintf("the lines before line %d of chain %s, which were in it, are not here", a.from, t.chain)
		}
		all.add(TakenAway, gone, Finding{File: a.at.name, Line: a.at.line, Chain: t.chain, Seq: a.seq, What: fmt.Sprintf(
			"somebody moved or removed the log's file, shortly before %s: %s", a.time, where)})
	}
}

// isGone reports whether the line before the first one that was written after that is neither here nor explained.
func (t *track) isGone(v *Verifier, a away) bool {
	if a.from > 1 {
		before := gap{a.from - 1, a.from - 1}
		return t.present(before) == 0 && len(t.unexplained(v, before)) > 0
	}
	if t.follows == nil {
		return false
	}
	before := v.chains[t.follows.Chain]
	return before == nil || before.present(gap{t.follows.Seq, t.follows.Seq}) == 0
}
