package guard

import (
	"testing"
	"time"
)

// An operator who releases, or asks, waits for no pause of the guard's own.
func TestReleaseAndCheckEndThePauseOfTheNewestsNextTry(t0 *testing.T) {
	for name, end := range map[string]func(*table){
		"release": func(t *table) { t.r.release(t.r.Seq, t.now) },
		"check":   func(t *table) { t.r.check(t.now) },
	} {
		for _, serving := range []bool{false, true} {
			t := newTable(t0)
			if serving {
				t.proven("a")
			}
			t.newest("b")
			t.end(t.own(FirstTry), Neutral)
			t.no(Again)
			end(t)
			if serving && t.r.Gate.Shut {
				t.end(t.own(Probe), Accepted)
			}
			if a := t.own(Again); a.Credential != fp("b") {
				t.Errorf("%s, serving %v: %s is tried", name, serving, a.Version)
			}
			t.pass(time.Minute)
		}
	}
}
