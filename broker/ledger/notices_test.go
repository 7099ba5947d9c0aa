package ledger

import (
	"errors"
	"testing"
	"time"
)

// What the mail service makes nothing of is not handed to it again: it waits for the API, by which it is looked for and made.
func TestTheMailServiceMakesNothing(t *testing.T) {
	t.Parallel()
	r := Rules{FallbackAfter: time.Minute}
	down := World{Down: noon.Add(-time.Hour)}
	ready := walk(t, r, fresh, World{}, does{Understand, Yes})
	for _, sent := range []Mail{walk(t, r, ready, down, does{SendAtes, Yes}), walk(t, r, ready, down, does{SendAtes, Unknown})} {
		m, changed, err := r.NotTaken(sent, sent.Due)
		if err != nil || !changed || m.State != Ready || m.Cause != AtesFailed || m.Repeated {
			t.Fatalf("%+v, %t, %v", m, changed, err)
		}
		if step := r.Next(m, m.Due.Add(100*time.Hour), down); step != Nothing {
			t.Errorf("%s is due", step)
		}
		if m = walk(t, r, m, World{}, does{Send, Yes}); m.State != Ready || m.Cause != "" {
			t.Errorf("%+v", m)
		}
		if m = walk(t, r, m, World{}, does{Send, Yes}); m.State != Done || m.Cause != "" || m.Repeated {
			t.Errorf("%+v", m)
		}
	}
	if _, changed, err := r.NotTaken(r.Begin(ready, SendAtes, noon), noon); changed || !errors.Is(err, ErrBeingHanded) {
		t.Errorf("while it is handed over: %t, %v", changed, err)
	}
	for _, state := range States {
		before := Mail{State: state, Reference: "r"}
		if state == AtesSent || state == AtesInDoubt || state == AtesInFlight {
			continue
		}
		if after, changed, err := r.NotTaken(before, noon); changed || err != nil || after.State != state {
			t.Errorf("%s: %+v, %t, %v", state, after, changed, err)
		}
	}
}
