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

// What the mail service says that it has made is not handed to it again, even where nobody knew whether it got there.
func TestTheMailServiceSaysThatItHasMadeIt(t *testing.T) {
	t.Parallel()
	r := Rules{FallbackAfter: time.Minute}
	down := World{Down: noon.Add(-time.Hour)}
	ready := walk(t, r, fresh, World{}, does{Understand, Yes})
	again := walk(t, r, ready, down, does{SendAtes, Unknown})
	lost := r.Begin(again, Expire, again.SentAt.Add(24*time.Hour))
	if lost.State != Ready || !lost.Repeated {
		t.Fatalf("%+v", lost)
	}
	for what, sent := range map[string]Mail{"handed over": walk(t, r, ready, down, does{SendAtes, Yes}), "in doubt": again, "given up for lost": lost} {
		m, changed, err := r.Taken(sent, noon.Add(time.Hour))
		if err != nil || !changed || m.State != AtesSent || m.Cause != AtesMade || m.SentAt.IsZero() {
			t.Fatalf("%s: %+v, %t, %v", what, m, changed, err)
		}
		if step := r.Next(m, m.Due.Add(100*time.Hour), down); step != Nothing {
			t.Errorf("%s: %s is due", what, step)
		}
		if _, changed, err := r.Taken(m, noon); changed || err != nil {
			t.Errorf("%s: a second notice: %t, %v", what, changed, err)
		}
		if not, changed, err := r.NotTaken(m, noon); !changed || err != nil || not.Cause != AtesFailed {
			t.Errorf("%s: a notice of failure after that: %+v, %t, %v", what, not, changed, err)
		}
		if m = walk(t, r, m, World{}, does{Find, Yes}, does{Repair, Yes}, does{Send, Yes}); m.State != Done || m.Cause != "" {
			t.Errorf("%s: %+v", what, m)
		}
	}
	if _, changed, err := r.Taken(r.Begin(ready, SendAtes, noon), noon); changed || !errors.Is(err, ErrBeingHanded) {
		t.Errorf("while it is handed over: %t, %v", changed, err)
	}
	for _, before := range []Mail{{State: Spooled}, {State: InFlight}, {State: InDoubt}, {State: Ready, Item: 1}, {State: Ready, Repair: true}, {State: Done}, {State: Suspended}, {State: Dead}, {State: Suppressed}} {
		if after, changed, err := r.Taken(before, noon); changed || err != nil || after.State != before.State || after.Cause != "" {
			t.Errorf("%+v: %+v, %t, %v", before, after, changed, err)
		}
	}
}

// A note of which the mail service has made a ticket is that ticket, which is put right.
func TestATicketInsteadOfANote(t *testing.T) {
	t.Parallel()
	r := Rules{FallbackAfter: time.Minute}
	note := Mail{ID: 1, State: AtesSent, IsNote: true, Ticket: 7, Number: "T7", SentAt: noon, Due: noon, Plan: []byte("p")}
	m, err := r.End(r.Begin(note, Find, noon), Find, Result{Answer: Yes, Ticket: 9, Number: "T9"}, noon)
	if err != nil || m.IsNote || m.Ticket != 9 || m.Number != "T9" || !m.Repair || m.State != Ready || len(m.Why) != 1 || m.Why[0] != "the PSA's mail service has made ticket T9 of it, although it belongs to ticket T7" {
		t.Errorf("%+v, %v", m, err)
	}
	if m, err = r.End(r.Begin(note, Find, noon), Find, Result{Answer: Yes}, noon); err != nil || !m.IsNote || m.Ticket != 7 || m.Repair || m.State != Done {
		t.Errorf("a note that is there: %+v, %v", m, err)
	}
}
