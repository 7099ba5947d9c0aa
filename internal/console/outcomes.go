package console

import (
	"cmp"
	"crypto/rand"
	"net/http"
	"sync"
	"time"
)

const (
	// outcomeLasts is for how long what came of a deed can be looked at again, maxOutcomes how many of them are kept.
	outcomeLasts, maxOutcomes = 10 * time.Minute, 256
)

// outcomes are what came of deeds, for the browsers that are sent on to see it. They are of this process.
type outcomes struct {
	now func() time.Time
	mu  sync.Mutex
	of  map[string]keptOutcome
}

type keptOutcome struct {
	outcome
	session string
	at      time.Time
}

func newOutcomes(now func() time.Time) *outcomes {
	return &outcomes{now: now, of: map[string]keptOutcome{}}
}

// put keeps one for a session, and returns what it is called.
func (o *outcomes) put(session string, what outcome) string {
	id, now := rand.Text(), o.now()
	o.mu.Lock()
	defer o.mu.Unlock()
	oldest := ""
	for other, kept := range o.of {
		if now.Sub(kept.at) >= outcomeLasts {
			delete(o.of, other)
		} else if oldest == "" || kept.at.Before(o.of[oldest].at) {
			oldest = other
		}
	}
	if len(o.of) >= maxOutcomes {
		delete(o.of, oldest)
	}
	o.of[id] = keptOutcome{what, session, now}
	return id
}

// get returns one that is a session's.
func (o *outcomes) get(session, id string) (outcome, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	kept, ok := o.of[id]
	return kept.outcome, ok && kept.session == session && o.now().Sub(kept.at) < outcomeLasts
}

// done shows what came of a deed.
func (c *Console) done(v *visit) {
	what, ok := c.outcomes.get(v.Session.ID, v.r.URL.Query().Get("id"))
	if !ok {
		c.message(v, http.StatusNotFound, "Nothing to show", "What came of it is not known here any more, or is known to another replica. The audit log has it.")
		return
	}
	c.showOutcome(v, what)
}

func (c *Console) showOutcome(v *visit, o outcome) {
	what, err := made("outcome.html", o.Title, struct {
		outcome
		Proof string
	}{o, v.Proof()})
	if err != nil {
		c.trouble(v, err)
		return
	}
	c.draw(v, cmp.Or(o.status, http.StatusOK), what)
}
