package guard_test

import (
	"context"
	"maps"
	"slices"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/worstpsa"
)

// step is something that may happen, where may says so.
type step struct {
	may func() bool
	do  func()
}

// repeat makes moves, one after the other, and checks each state.
func (w *world) repeat(moves map[string]step) {
	names := slices.Sorted(maps.Keys(moves))
	w.t.Repeat(map[string]func(*rapid.T){"": w.safe, "move": func(t *rapid.T) {
		can := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !moves[name].may() })
		moves[rapid.SampledFrom(can).Draw(t, "which")].do()
		steps.Add(1)
	}})
}

func always(do func()) step { return step{func() bool { return true }, do} }

// of is a move with one of several.
func of[T any](w *world, all func() []T, do func(T)) step {
	return step{func() bool { return len(all()) > 0 }, func() { do(pick(w, all())) }}
}

func pick[T any](w *world, all []T) T { return all[w.draw(len(all), "which one")] }

// draw draws a number below n.
func (w *world) draw(n int, what string) int { return rapid.IntRange(0, n-1).Draw(w.t, what) }

func (w *world) air(is func(*flight) bool, do func(*flight)) step {
	return of(w, func() []*flight { return w.inAir(is) }, do)
}

// each does something with each flight of which something holds. some is that as a move, where there is one.
func (w *world) each(is func(*flight) bool, do func(*flight)) {
	for _, f := range w.inAir(is) {
		do(f)
	}
}

func (w *world) some(is func(*flight) bool, do func(*flight)) step {
	return step{func() bool { return len(w.inAir(is)) > 0 }, func() { w.each(is, do) }}
}

func (w *world) process(is func(*process) bool, do func(*process)) step {
	return of(w, func() []*process {
		return slices.DeleteFunc(slices.Clone(w.processes), func(p *process) bool { return !is(p) })
	}, do)
}

func runs(p *process) bool { return !p.paused }

func ready(f *flight) bool { return f.sent == nil && !f.ended && !f.p.still }
func flies(f *flight) bool { return f.sent != nil && !f.ended && !f.p.still }

// moves are those of calls, and of the others some, for what goes wrong needs its time.
func (w *world) moves(sorts ...map[string]step) map[string]step {
	all := make(map[string]step)
	maps.Copy(all, w.calls())
	for _, some := range sorts {
		for _, name := range slices.Sorted(maps.Keys(some)) {
			if w.draw(3, name) == 0 {
				all[name] = some[name]
			}
		}
	}
	return all
}

// calls are what happens all day.
func (w *world) calls() map[string]step {
	call := w.process(runs, func(p *process) {
		p.call(pick(w, []string{"x", "y", "z"}), pick(w, []string{"GET Tickets", "PATCH Tickets"}))
	})
	judge := of(w, w.open, w.judge)
	answer := w.air(func(f *flight) bool { return flies(f) && f.sent.Judged && !w.outage }, w.answer)
	send := w.air(ready, (*flight).send)
	return map[string]step{
		"call": call, "call, another": call,
		"send": send, "send another": send,
		"judge": judge, "judge another": judge,
		"answer": answer, "answer another": answer,
		"calls": w.process(runs, func(p *process) {
			for range 3 {
				p.call(pick(w, []string{"x", "y", "z"}), "GET Tickets")
			}
			synctest.Wait()
			w.each(ready, (*flight).send)
		}),
		"send all":  w.some(ready, (*flight).send),
		"judge all": w.some(func(f *flight) bool { return flies(f) && !f.sent.Judged }, func(f *flight) { w.judge(f.sent) }),
		"answer all": w.some(func(f *flight) bool { return flies(f) && f.sent.Judged && !w.outage }, func(f *flight) {
			w.end(f, verdict(f.sent))
		}),
		"reset all": w.some(flies, (*flight).giveUp),
		"not sent":  w.air(ready, func(f *flight) { w.end(f, guard.NotSent) }),
		"reset":     w.air(flies, (*flight).giveUp),
		"answer late": w.air(func(f *flight) bool { return f.late && f.sent.Judged && !f.p.still }, func(f *flight) {
			f.late = false
			f.login.Settle(f.a, guard.Outcome{Verdict: verdict(f.sent)})
		}),
		"pass a moment": always(func() { w.pass(pick(w, []time.Duration{time.Second, 3 * time.Second, 21 * time.Second})) }),
		"pass":          always(func() { w.pass(pick(w, []time.Duration{61 * time.Second, 5 * time.Minute, 16 * time.Minute})) }),
		"pass hours":    always(func() { w.pass(pick(w, []time.Duration{61 * time.Minute, 5 * time.Hour})) }),
		"read the secret store": w.process(func(p *process) bool { return runs(p) && p.read < len(w.versions) }, func(p *process) {
			p.readTo(p.read + 1 + w.draw(len(w.versions)-p.read, "how far"))
		}),
	}
}

func verdict(r *worstpsa.Request) guard.Verdict {
	if r.Good {
		return guard.Accepted
	}
	return guard.Refused
}

func (w *world) answer(f *flight) {
	o := guard.Outcome{Verdict: verdict(f.sent)}
	switch w.draw(8, "as") {
	case 7:
		if f.sent.Good && f.alone == nil {
			o.Verdict = guard.Neutral
		}
	case 6:
		o.WrongZone = !f.sent.Good
	}
	if o.Verdict == guard.Accepted {
		w.served++
	}
	if w.land(f) {
		f.settle(o)
	}
}

func (w *world) end(f *flight, v guard.Verdict) {
	if w.land(f) {
		f.settle(guard.Outcome{Verdict: v})
	}
}

// faults are what goes wrong with processes and networks.
func (w *world) faults() map[string]step {
	return map[string]step{
		"kill": w.process(func(*process) bool { return true }, func(p *process) {
			w.kill(p, w.draw(2, "seen at once") == 1)
			w.processes[p.host] = w.start(p.host)
		}),
		"pause":       w.process(runs, func(p *process) { w.pause(p, true) }),
		"go on":       w.process(func(p *process) bool { return p.paused }, func(p *process) { w.goOn(p) }),
		"cut off":     w.process(func(p *process) bool { return !p.cut }, func(p *process) { w.set(func() { p.cut = true }) }),
		"mend":        w.process(func(p *process) bool { return p.cut }, func(p *process) { w.set(func() { p.cut = false }) }),
		"fail commit": w.process(runs, func(p *process) { w.set(func() { p.next = pick(w, []fate{fails, unsure}) }) }),
		"clock jumps": w.process(runs, func(p *process) {
			w.set(func() { p.skew += pick(w, []time.Duration{-time.Hour, -time.Minute, time.Minute, time.Hour}) })
			p.lease.End() // as it ends itself where the wall clock shows this
		}),
		"outage":           {func() bool { return !w.outage }, func() { w.outage = true; w.free.Store(w.draw(2, "free call too") == 1) }},
		"end of an outage": {func() bool { return w.outage }, func() { w.outage = false; w.free.Store(false) }},
	}
}

func (w *world) set(f func()) {
	w.tables.mu.Lock()
	defer w.tables.mu.Unlock()
	f()
}

// kill ends a process at once. What it had sent may be judged for a while.
func (w *world) kill(p *process, seenAtOnce bool) {
	w.set(func() {
		p.ghost, p.paused = true, false
		w.tables.lockFile[p.Holder()] = seenAtOnce
	})
	w.flights.mu.Lock()
	p.over, p.still = true, false
	for _, f := range w.flights.all {
		if f.p != p || f.ended {
			f.late = f.late && f.p != p
			continue
		}
		f.lost()
		if f.sent != nil {
			w.psa.GiveUp(f.sent, time.Now())
		}
	}
	w.flights.mu.Unlock()
	p.end()
	p.guard.Drain()
	for _, detach := range p.detach {
		detach()
	}
	p.lease.Close(context.Canceled)
	synctest.Wait()
}

func (w *world) pause(p *process, is bool) {
	w.set(func() { p.paused = is })
	w.flights.mu.Lock()
	p.still = is
	w.flights.mu.Unlock()
}

// goOn lets a process go on: what should have ended meanwhile ends now.
func (w *world) goOn(p *process) {
	w.pause(p, false)
	w.set(func() { p.down = false }) // it can reach the store; its lease may be over
	for _, f := range w.inAir(func(f *flight) bool { return f.p == p && f.due }) {
		f.giveUp()
	}
	synctest.Wait()
}

// forgetting is what a store must not do, and may do all the same.
func (w *world) forgetting() map[string]step {
	return map[string]step{
		"copy the store": always(func() { w.copies = append(w.copies, w.tables.copy()) }),
		"bring back": of(w, func() []contents {
			if !w.mayForget() {
				return nil
			}
			return w.copies
		}, func(c contents) { w.forget(func() { w.tables.restore(c) }) }),
		"empty": {w.mayForget, func() { w.forget(w.tables.empty) }},
	}
}

// mayForget: where another host may be the one that knew of the last unit's end, twice before the PSA takes its count back would be
// two failed sign-ins more; so is once beside a failure of another program, for which there is the same room of one. A host that is
// the only one knows, however often the store forgets.
func (w *world) mayForget() bool {
	return len(w.witnesses) == 1 || !w.forgot && w.user().Outside == 0 && len(w.open()) < w.settings.Budget
}

func (w *world) forget(do func()) {
	w.forgot, w.seen = true, false
	do()
	w.each(func(*flight) bool { return true }, func(f *flight) { f.orphan = true })
}

// people are what operators and administrators do.
func (w *world) people() map[string]step {
	return map[string]step{
		"save in the secret store": always(func() { w.versions = append(w.versions, pick(w, w.contents)) }),
		"change the password":      always(func() { w.user().Password = pick(w, w.contents).password }),
		"rotate": always(func() {
			c := pick(w, w.contents)
			w.versions = append(w.versions, c)
			w.user().Password = c.password
		}),
		"check": w.process(runs, func(p *process) {
			l := p.login(p.serves)
			go func() {
				ctx, cancel := context.WithTimeout(p.ctx, time.Minute)
				defer cancel()
				l.Check(ctx)
			}()
		}),
		"try a candidate": w.process(runs, func(p *process) {
			c := pick(w, w.contents)
			fp := p.fingerprint(c)
			p.has[fp] = c
			l := p.login(c)
			go l.Try(p.ctx, fp, "candidate", false)
		}),
		"forget a candidate": w.process(runs, func(p *process) { c := pick(w, w.contents); _ = p.login(c).Forget(p.fingerprint(c)) }),
		"rechecks are due":   w.process(runs, func(p *process) { _ = p.login(p.serves).Due() }),
		"retry":              w.process(runs, func(p *process) { _ = p.login(p.serves).Retry() }),
		"reload": w.process(runs, func(p *process) {
			s := w.settings
			s.InFlight = 1 + w.draw(s.Budget-2, "in flight")
			p.reload(s)
		}),
		"look and unlock": w.process(runs, w.lookAndUnlock),
		"release": {func() bool { return w.seen }, func() {
			w.seen = false
			_, _ = pick(w, w.processes).login(w.versions[len(w.versions)-1]).Release(w.shown)
		}},
		"a person is seen to fail": w.process(func(p *process) bool { return runs(p) && w.user().Outside == 0 && !w.forgot }, w.personFails),
		"another program fails":    {func() bool { return w.user().Outside == 0 && !w.forgot }, func() { w.psa.Fail(user) }},
	}
}

// personFails is a failure of somebody's that psagate sees. Where the budget has room it may be told the guard, and is then as one of
// its own: all together are no more than the budget. That it cannot be told makes it another program's.
func (w *world) personFails(p *process) {
	l := p.login(p.serves)
	if st, err := l.Status(); err != nil || st.Free() == 0 {
		return
	}
	w.psa.Fail(user)
	if l.Foreign("a person", false) == nil {
		w.psa.Known(user)
	}
}

func (w *world) lookAndUnlock(p *process) {
	st, err := p.login(p.serves).Status()
	if err != nil {
		return
	}
	w.shown, w.seen = st.Seq, true
	w.psa.Unlock(user)
}
