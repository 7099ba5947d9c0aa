package guard_test

import (
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/guard"
)

// heal ends everything that is wrong, and demands that a good credential serves then, or that the state is one of those of
// which it is known that an operator has to look.
func (w *world) heal() {
	w.outage = false
	w.free.Store(false)
	for _, p := range w.processes {
		w.set(func() { p.cut, p.skew, p.next = false, 0, succeeds })
		w.goOn(p)
	}
	w.settle()
	w.pass(2 * ttl) // all are members again
	w.versions = append(w.versions, content{user, w.user().Password})
	for _, p := range w.processes {
		for range 5 {
			if p.readTo(len(w.versions)); p.read == len(w.versions) {
				break
			}
			w.pass(beatEvery) // it has just seen that the store forgot something
		}
	}
	w.settle()
	if w.serves() {
		return
	}
	if w.needsOperator() {
		w.lookAndUnlock(w.processes[0])
		if _, err := w.processes[0].login(w.processes[0].serves).Release(w.shown); err != nil {
			w.t.Fatalf("release: %v\n%s", err, w)
		}
		w.settle()
		if w.serves() {
			return
		}
	}
	w.t.Fatalf("a good credential is known, and nothing is served\n%s", w)
}

// settle answers everything, as the PSA does that works.
func (w *world) settle() {
	for range 200 {
		synctest.Wait()
		all := w.inAir(func(f *flight) bool { return !f.ended })
		if len(all) == 0 {
			break
		}
		w.arrive(all[0])
		w.safe(w.t)
	}
	for _, r := range w.open() {
		w.judge(r)
	}
	w.safe(w.t)
}

func (w *world) arrive(f *flight) {
	if f.sent == nil {
		f.send()
		synctest.Wait()
		if len(w.inAir(func(o *flight) bool { return o == f && !o.ended })) == 0 {
			return
		}
	}
	if !f.sent.Judged {
		w.judge(f.sent)
	}
	if f.sent.Good {
		w.served++
	}
	w.end(f, verdict(f.sent))
}

// serves reports whether calls are served, sooner or later.
func (w *world) serves() bool {
	for _, wait := range []time.Duration{0, time.Second, 10 * time.Second, time.Minute, 6 * time.Minute, 20 * time.Minute, time.Hour, 3 * time.Hour, 12 * time.Hour, 48 * time.Hour} {
		w.pass(wait)
		w.settle()
		before := w.served
		for _, p := range w.processes {
			p.call("heal", "GET Companies")
		}
		for range 4 {
			w.settle()
			w.pass(time.Second)
		}
		if w.served > before && w.proven() {
			return true
		}
	}
	return false
}

// status is the login as the first process sees it.
func (w *world) status() guard.Status {
	p := w.processes[0]
	st, err := p.login(p.serves).Status()
	if err != nil {
		w.t.Fatalf("the store works, and the status is: %v\n%s", err, w)
	}
	return st
}

func (w *world) proven() bool { return !w.status().Serving.IsZero() }

// needsOperator: all units are recorded; or all but one or two, and the valid credential was itself refused.
func (w *world) needsOperator() bool {
	st := w.status()
	recorded := st.Failed + st.Unknown
	for _, c := range st.Credentials {
		if c.Fingerprint == st.Newest && c.State == guard.StateRefused && recorded >= st.Settings.Budget-2 {
			return true
		}
	}
	if st.Settings.NeverReset && recorded >= st.Settings.Budget-1 {
		return true // no success takes a refusal back
	}
	return recorded >= st.Settings.Budget || st.Locked
}
