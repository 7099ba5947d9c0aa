package guard

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// With lost units an own attempt waits until they can be judged no more: that is what people are told, and not a time before.
func TestWhatIsSaidOfTheLastUnitKnowsOfTheLostOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := servingLogin(t, New(new(Memory), slog.New(slog.DiscardHandler)), "k", Settings{})
		l.mu.Lock()
		r := l.table.(*memoryRows)
		for len(r.rows.Units) < l.settings.Budget-1 {
			r.rows.Units = append(r.rows.Units, Unit{State: Unknown, Token: 99, Seq: 1})
		}
		r.rows.Units[0].State, r.rows.Units[0].Holder = Lost, l.guard.tables.Holder()
		r.rows.Gate = Gate{Shut: true, Since: time.Now(), Until: time.Now(), Tries: 1, Epoch: 5, Released: true}
		l.linger(r.rows.Units[0].Token)
		l.mu.Unlock()
		st, err := l.Status()
		if want := time.Now().Add(l.settings.Linger); err != nil || !st.Gate.Until.Equal(want) {
			t.Errorf("%v: %v, want %v", err, st.Gate.Until, want)
		}
	})
}

// All units but the last are recorded and the gate is shut: by itself the guard waits for an hour, and says so; an operator's check
// ends that.
func TestACheckEndsTheLastUnitsPauseToo(t0 *testing.T) {
	t := newTable(t0)
	t.tries("good", "1", "x", Accepted)
	r := &t.r
	r.Newest, r.Last = fp("good"), fp("good") // the store has it too
	r.find(fp("good")).Code = Fingerprint{}
	for len(r.Units) < t.s.Budget-1 {
		r.Seq++
		r.Units = append(r.Units, Unit{State: Unknown, Token: Token(1000 + r.Seq), Seq: r.Seq})
	}
	r.Gate = Gate{Shut: true, Since: t.now, Until: t.now.Add(2 * time.Second), Tries: 1, Epoch: 1}
	t.pass(time.Minute)
	if _, c := r.mayAlone(&t.s, t.now); c != nil {
		t.Fatal("it goes by itself after a minute")
	}
	if at := r.pauseEnds(&t.s); !at.Equal(r.Gate.Since.Add(time.Hour)) {
		t.Errorf("people are told %v", at)
	}
	r.check(t.now)
	if k, c := r.mayAlone(&t.s, t.now); c == nil || k != LastUnit {
		t.Errorf("after a check: %v %v", k, c)
	}
	if at := r.pauseEnds(&t.s); at.After(t.now) {
		t.Errorf("people are told %v", at)
	}
}
