package ledger

import (
	"testing"
	"time"
)

// A mail that was routed while nobody could be asked is routed again before it is sent: it goes on with what it is then.
func TestAMailIsPlannedAgainBeforeItIsSent(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	r := Rules{}
	ready := Mail{ID: 1, State: Ready, Reference: "r", Plan: []byte("blind"), Files: 1, Due: now}
	for name, c := range map[string]struct {
		found Understood
		state State
	}{
		"a ticket":         {Understood{Reference: "r", Plan: []byte("sighted"), Files: 2}, Ready},
		"a note":           {Understood{Reference: "r", Plan: []byte("sighted"), IsNote: true, Ticket: 7, Number: "T7"}, Ready},
		"it is set aside":  {Understood{Reference: "r", End: Suspended, Cause: "human"}, Suspended},
		"nothing is known": {Understood{}, Ready},
	} {
		m := r.Begin(ready, Send, now)
		m, err := r.End(m, Send, Result{Answer: NotNow, Understood: c.found}, now)
		if err != nil || m.State != c.state || m.Tries != 0 || m.Repeated || m.Item != 0 {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
		switch again := c.found.Reference == ""; {
		case again && (string(m.Plan) != "blind" || m.Files != 1 || !m.Due.After(now)):
			t.Errorf("%s: what was planned is gone, or it does not wait: %+v", name, m)
		case !again && c.state == Ready && (string(m.Plan) != "sighted" || m.Files != c.found.Files || m.IsNote != c.found.IsNote || m.Ticket != c.found.Ticket || m.Due.After(now)):
			t.Errorf("%s: %+v", name, m)
		}
	}
}
