package call

import (
	"testing"
	"time"
)

// A file keeps no password but the newest. What a restart costs a pool whose passwords are being changed depends on how many
// logins' are ahead of the PSA at that moment: docs/reference.md, under pools.
func TestARestartCostsAPoolOnAFileNoCallWhereOneLoginIsChangedAtATime(t *testing.T) {
	for name, c := range map[string]struct {
		ahead []string
		want  int
	}{
		"one is ahead of the PSA":  {[]string{"main"}, 200},
		"all are ahead of the PSA": {[]string{"main", "second", "third"}, 503},
	} {
		t.Run(name, func(t *testing.T) {
			inCrew(t, func(w *crew) {
				tables := w.begin()
				w.warm()
				for _, login := range c.ahead {
					w.safe.put(login, w.users[login].Name(), "new-password")
				}
				time.Sleep(2 * onePoll)
				w.served("a") // as long as the process lives
				w.restart(tables, true)
				for i := range 12 {
					if a := w.call([]string{"a", "b"}[i%2], "GET", "/Tickets/1", ""); a.status != c.want {
						t.Errorf("call %d: %d %s", i, a.status, a.reason())
					}
				}
				for _, login := range c.ahead {
					w.users[login].SetSecret("new-password")
				}
				if r, got := w.rotate(time.Minute); !r.OK {
					t.Errorf("%s: %+v", got, r)
				}
				w.served("a")
			})
		})
	}
}

// The order that the page gives for a file: one login at a time, in the store, in the PSA, and rotated, while calls go on.
func TestPasswordsOfAPoolOnAFileAreChangedOneAfterTheOther(t *testing.T) {
	inCrew(t, func(w *crew) {
		tables := w.begin()
		w.warm()
		for _, login := range []string{"main", "second", "third"} {
			d := new(diary)
			calls := w.keepCalling(100*time.Millisecond, d)
			time.Sleep(5 * time.Second)
			w.safe.put(login, w.users[login].Name(), "new-password")
			time.Sleep(2 * onePoll)
			calls.stop()
			d.allServed(w.world)
			w.restart(tables, true) // at the worst moment
			d = new(diary)
			calls = w.keepCalling(100*time.Millisecond, d)
			time.Sleep(5 * time.Second)
			w.users[login].SetSecret("new-password")
			if r, got := w.rotate(time.Minute); !r.OK {
				t.Errorf("%s: %s: %+v", login, got, r)
			}
			time.Sleep(5 * time.Second)
			calls.stop()
			d.allServed(w.world)
		}
		w.stands("main", "second", "third")
	})
}
