package guard

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A mail says that the user is locked: whoever waits hears it, no unit is taken, for no sign-in of ours is known to have failed, and
// release ends it.
func TestANoticeOfALockStopsTheLoginAndTakesNoUnit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{valid: fp("a"), takes: time.Second}
		l := newLogin(t, d, Settings{})
		waiting := make(chan error, 1)
		go func() {
			_, err := l.Acquire(context.Background(), Ask{Source: "x"})
			waiting <- err
		}()
		synctest.Wait() // the login's first check is under way
		if was, err := l.Notified("a mail"); was || err != nil {
			t.Fatalf("was %v, %v", was, err)
		}
		if r := reason(t, <-waiting); r != LoginLocked {
			t.Errorf("who waits hears %s", r)
		}
		if was, err := l.Notified("a mail"); !was || err != nil {
			t.Errorf("told again: was %v, %v", was, err)
		}
		time.Sleep(time.Hour)
		st, err := l.Status()
		if err != nil || !st.Locked || st.Free() != st.Settings.Budget || d.checks != 1 {
			t.Errorf("%+v, %d own sign-ins, %v", st, d.checks, err)
		}
		if _, err := l.Release(st.Seq); err != nil {
			t.Fatal(err)
		}
		if err := d.call(l, Ask{Source: "x"}); err != nil {
			t.Errorf("after the release: %v", err)
		}
	})
}
