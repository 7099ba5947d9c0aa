package ledger

import (
	"slices"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// walk runs steps on a row: each is what must be due, and what comes of it, at the moment when it is due.
func walk(t *testing.T, r Rules, m Mail, w World, steps ...struct {
	step   Step
	answer Answer
},
) Mail {
	t.Helper()
	for i, s := range steps {
		now := m.Due
		if now.IsZero() {
			now = noon
		}
		if got := r.Next(m, now, w); got != s.step {
			t.Fatalf("step %d is %q, want %q: %+v", i, got, s.step, m)
		}
		if m = r.Begin(m, s.step, now); s.step == Expire {
			continue
		}
		var err error
		if m, err = r.End(m, s.step, Result{Answer: s.answer, Ticket: 5, Number: "T5", Understood: Understood{Reference: "r", Files: 1, Plan: []byte("p")}}, now); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

type does = struct {
	step   Step
	answer Answer
}

var fresh = Mail{ID: 1, State: Spooled}

func TestTheStraightWay(t *testing.T) {
	t.Parallel()
	m := walk(t, Rules{}, fresh, World{}, does{Understand, Yes}, does{Send, Yes}, does{Send, Yes}, does{Acknowledge, Yes})
	if m.State != Done || m.Ticket != 5 || m.Number != "T5" || m.Item != 2 || !m.Acknowledged || m.Repeated {
		t.Errorf("%+v", m)
	}
	if step := (Rules{}).Next(m, m.Due.Add(time.Hour), World{}); step != Nothing {
		t.Errorf("then %s is due", step)
	}
}

func TestDoubtEnds(t *testing.T) {
	t.Parallel()
	steps := []does{{Understand, Yes}}
	for range Default.Send {
		steps = append(steps, does{Send, Unknown}, does{Look, No}, does{Look, No}, does{Look, No})
	}
	m := walk(t, Rules{}, fresh, World{}, steps...)
	if m.State != Suspended || m.Cause != "in-doubt" || !m.Repeated {
		t.Fatalf("%+v", m)
	}
	m, err := Rules{}.Retry(m, ann, m.Due)
	if err != nil {
		t.Fatal(err)
	}
	if m = walk(t, Rules{}, m, World{}, does{Look, Yes}, does{Send, Yes}); m.State != Done || m.Ticket != 5 {
		t.Errorf("it was there: %+v", m)
	}
}

// The first two answers of nothing may come before the send has settled: they do not count.
func TestSettling(t *testing.T) {
	t.Parallel()
	m := walk(t, Rules{}, fresh, World{}, does{Understand, Yes}, does{Send, Unknown}, does{Look, No})
	settled := m.SentAt.Add(Default.SendWithin + Default.Answer + Default.Settle)
	if !m.Due.Equal(settled) || m.Empty != 0 {
		t.Fatalf("looked for again at %s, want %s", m.Due, settled)
	}
	m = walk(t, Rules{}, m, World{}, does{Look, No})
	if m.State != InDoubt || m.Empty != 1 || m.Due.Sub(settled) != Default.Apart {
		t.Errorf("%+v", m)
	}
	if m = walk(t, Rules{}, m, World{}, does{Look, No}); m.State != Ready || !m.Repeated {
		t.Errorf("%+v", m)
	}
}

func TestASendThatBeganLongAgoMustNotGoOut(t *testing.T) {
	t.Parallel()
	m := walk(t, Rules{}, fresh, World{}, does{Understand, Yes})
	if (Rules{}).MaySend(m, noon) {
		t.Error("it was not begun")
	}
	m = Rules{}.Begin(m, Send, noon)
	if !(Rules{}).MaySend(m, noon.Add(Default.SendWithin-1)) || (Rules{}).MaySend(m, noon.Add(Default.SendWithin)) {
		t.Error("a send goes out too late, or not at all")
	}
	if m.Due.Sub(noon) != Default.SendWithin+Default.Answer {
		t.Errorf("taken over after %s", m.Due.Sub(noon))
	}
}

func TestAttachmentsThatAreRefused(t *testing.T) {
	t.Parallel()
	m := walk(t, Rules{}, fresh, World{}, does{Understand, Yes}, does{Send, Yes}, does{Send, No})
	if m.State != Ready || m.Skipped != 1 || m.Item != 2 {
		t.Fatalf("a note must say so: %+v", m)
	}
	if m = walk(t, Rules{}, m, World{}, does{Send, No}); m.State != Done || m.Skipped != 1 {
		t.Errorf("and where that is refused, it is done: %+v", m)
	}
}

func TestRefusedTickets(t *testing.T) {
	t.Parallel()
	steps := []does{{Understand, Yes}, {Send, No}, {Send, NotNow}, {Send, No}, {Send, No}, {Send, No}}
	m := walk(t, Rules{}, fresh, World{}, steps...)
	if m.State != Dead || m.Cause != "refused" {
		t.Fatalf("%+v", m)
	}
	m, err := Rules{}.Retry(m, ann, m.Due)
	if err != nil || m.State != Ready || m.Plainness != 0 {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestPoison(t *testing.T) {
	t.Parallel()
	m := fresh
	for i, want := range []Step{Understand, Understand, UnderstandLeast, UnderstandLeast} { // the process dies each time
		if got := (Rules{}).Next(m, m.Due, World{}); got != want {
			t.Fatalf("try %d: %s, want %s", i, got, want)
		}
		m = Rules{}.Begin(m, want, m.Due)
	}
	if m = walk(t, Rules{}, m, World{}, does{Expire, ""}); m.State != Dead || m.Cause != "unreadable" {
		t.Errorf("%+v", m)
	}
	m, err := Rules{}.Retry(m, ann, noon)
	if err != nil || m.State != Spooled || !m.Forced || m.Tries != 0 {
		t.Errorf("%+v, %v", m, err)
	}
}

// A directory that does not answer is not the mail's fault, however long that lasts.
func TestNotTheMailsFault(t *testing.T) {
	t.Parallel()
	m := fresh
	var waits []time.Duration
	for range 20 {
		before := m.Due
		if before.IsZero() {
			before = noon
		}
		m = walk(t, Rules{}, m, World{}, does{Understand, NotNow})
		waits = append(waits, m.Due.Sub(before))
	}
	if m.Tries != 0 || waits[0] != Default.Backoff || waits[1] != 2*Default.Backoff || waits[19] != Default.BackoffMost {
		t.Errorf("%d tries, waits %s", m.Tries, waits)
	}
}

// The ticket that an answer waits for may be in doubt for minutes, and the API away for hours.
func TestAnAnswerIsNotLateForLong(t *testing.T) {
	for _, c := range []struct{ most, want time.Duration }{{15 * time.Minute, time.Minute}, {30 * time.Second, 30 * time.Second}} {
		r, m, now := Rules{BackoffMost: c.most}, Mail{State: Spooled, Due: noon}, noon
		var waited []time.Duration
		for range 100 {
			if step := r.Next(m, now, World{}); step != Understand {
				t.Fatalf("after %v it is %q that is due, and not to understand it: %+v", waited, step, m)
			}
			m = r.Begin(m, Understand, now)
			m, _ = r.End(m, Understand, Result{Answer: Yes, Understood: Understood{WaitFor: true}}, now)
			waited, now = append(waited, m.Due.Sub(now)), m.Due
		}
		if waited[0] != Default.Backoff || slices.Max(waited) != c.want {
			t.Errorf("at most %v: it waits for %v", c.most, waited[:10])
		}
	}
}

func TestFallback(t *testing.T) {
	t.Parallel()
	r := Rules{FallbackAfter: 30 * time.Minute}
	ready := walk(t, r, fresh, World{}, does{Understand, Yes})
	down := World{Down: noon}
	for after, want := range map[time.Duration]Step{29 * time.Minute: Nothing, 30 * time.Minute: SendAtes} {
		if got := r.Next(ready, noon.Add(after), down); got != want {
			t.Errorf("after %s: %q, want %q", after, got, want)
		}
	}
	if got := (Rules{}).Next(ready, noon.Add(24*time.Hour), down); got != Nothing {
		t.Errorf("without a fallback %s is due", got)
	}
	ready.Due = noon.Add(time.Hour)
	sent := walk(t, r, ready, down, does{SendAtes, Yes})
	if sent.State != AtesSent || r.Next(sent, sent.Due.Add(100*time.Hour), down) != Nothing {
		t.Errorf("%+v", sent)
	}
	m := walk(t, r, sent, World{}, does{Find, Yes}, does{Repair, NotNow}, does{Repair, Yes}, does{Send, Yes})
	if m.State != Done || m.Ticket != 5 || m.Repeated {
		t.Errorf("%+v", m)
	}
	// One that the mail service never made is asked after by people, and looked for again and then sent when they say so.
	sent.Due = sent.SentAt.Add(25 * time.Hour)
	m = walk(t, r, sent, World{}, does{Find, No}, does{Find, No})
	if m.State != Suspended || m.Cause != "ates-lost" {
		t.Fatalf("%+v", m)
	}
	m, err := r.Retry(m, ann, m.Due)
	if err != nil {
		t.Fatal(err)
	}
	if m = walk(t, r, m, World{}, does{Find, No}, does{Find, No}); m.State != Ready || !m.Repeated {
		t.Errorf("%+v", m)
	}
}

// While the API is down nobody can look whether the mail service has it: it is sent again after long, marked, and not for ever.
func TestFallbackInDoubt(t *testing.T) {
	t.Parallel()
	r := Rules{FallbackAfter: time.Minute, Send: 2}
	m := walk(t, r, fresh, World{}, does{Understand, Yes})
	down := World{Down: noon.Add(-time.Hour)}
	m = walk(t, r, m, down, does{SendAtes, Unknown})
	if m.State != AtesInDoubt || r.Next(m, m.Due, down) != Nothing {
		t.Fatalf("%+v", m)
	}
	m.Due = m.SentAt.Add(4 * Default.AtesSettle)
	m = walk(t, r, m, down, does{Expire, ""}, does{SendAtes, Unknown})
	m.Due = m.SentAt.Add(4 * Default.AtesSettle)
	m = walk(t, r, m, down, does{Expire, ""})
	if m.State != Suspended || m.Cause != "ates-in-doubt" || !m.Repeated {
		t.Fatalf("%+v", m)
	}
	if m, err := r.Retry(m, ann, m.Due); err != nil || m.State != AtesInDoubt {
		t.Errorf("%+v, %v", m, err)
	}
}

// A mail that the service may have got is found there when the API is back, or is given its hour.
func TestFallbackFound(t *testing.T) {
	t.Parallel()
	r := Rules{FallbackAfter: time.Minute}
	m := walk(t, r, fresh, World{}, does{Understand, Yes})
	m = walk(t, r, m, World{Down: noon.Add(-time.Hour)}, does{SendAtes, Unknown})
	if found := walk(t, r, m, World{}, does{Find, Yes}); found.State != Ready || !found.Repair || found.Ticket != 5 {
		t.Errorf("%+v", found)
	}
	m = walk(t, r, m, World{}, does{Find, No})
	if want := m.SentAt.Add(Default.SendWithin + Default.Answer + Default.AtesSettle); !m.Due.Equal(want) {
		t.Errorf("looked for again at %s, want %s", m.Due, want)
	}
	if m = walk(t, r, m, World{}, does{Find, No}, does{Find, No}); m.State != Ready || !m.Repeated {
		t.Errorf("%+v", m)
	}
}

// A process that has begun a send and is gone: nobody knows whether it went out.
func TestTakenOver(t *testing.T) {
	t.Parallel()
	m := walk(t, Rules{}, fresh, World{}, does{Understand, Yes})
	m = Rules{}.Begin(m, Send, noon)
	if step := (Rules{}).Next(m, m.Due.Add(-1), World{}); step != Nothing {
		t.Errorf("it is taken over while it may still be sending: %s", step)
	}
	if m = walk(t, Rules{}, m, World{}, does{Expire, ""}); m.State != InDoubt || (Rules{}).Next(m, m.Due, World{}) != Look {
		t.Errorf("%+v", m)
	}
	m = Rules{}.Begin(walk(t, Rules{}, fresh, World{}, does{Understand, Yes}), SendAtes, noon)
	if m = walk(t, Rules{}, m, World{}, does{Expire, ""}); m.State != AtesInDoubt {
		t.Errorf("%+v", m)
	}
}

func TestNoEndOfNothing(t *testing.T) {
	t.Parallel()
	if _, err := (Rules{}).End(fresh, Expire, Result{}, noon); err == nil {
		t.Error("a step without work ends")
	}
}

// A step that somebody is at is not taken from him, however often it has failed before: what came of it would not be written down.
func TestAStepThatIsBegunIsNotHastened(t *testing.T) {
	var r Rules
	for fails := range 100 {
		for _, step := range []Step{Understand, Look, Find, Repair, Acknowledge} {
			m := r.Begin(Mail{State: Spooled, Fails: fails}, step, noon)
			if m.Hastens(noon) || m.Hastens(noon.Add(-time.Minute)) || m.Due.Sub(noon) != r.LeaseOf(m) {
				t.Errorf("%s, %d fails: due after %v", step, fails, m.Due.Sub(noon))
			}
		}
	}
}
