package guard_test

import (
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// What a store forgot may be on its way to the PSA, and be judged after the own attempt that follows.
func TestWorldCallsThatAStoreForgotAreNotForgivenWithTheRest(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		bubble(t, func() {
			w := newWorld(rt)
			defer w.close()
			p := w.processes[0]
			p.call("x", "GET Tickets")
			w.settle()
			early := w.tables.copy()
			w.calls()["calls"].do()
			w.pass(2 * beatEvery)
			w.forget(func() { w.tables.restore(early) })
			w.pass(beatEvery + time.Second)
			forgotten := w.open()
			p.call("x", "GET Tickets")
			synctest.Wait()
			w.each(func(f *flight) bool { return !f.ended && !f.orphan }, w.arrive)
			w.user().Password = "another"
			for _, r := range forgotten {
				w.judge(r)
			}
			for range 5 {
				w.calls()["calls"].do()
				w.settle()
				w.versions = append(w.versions, pick(w, w.contents))
				p.readTo(len(w.versions))
				w.settle()
				w.pass(time.Minute)
			}
		})
	})
}
