package guard

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// disk is a store of one login: what is changed in a transaction is there once that is committed, or not at all.
type disk struct {
	rows   Rows
	work   Rows
	begun  int
	full   bool // no transaction can be committed
	unsure bool // the next one is kept, and an error comes back
	ending bool
	shared bool // with other processes
	look   func([]Key)
	lease  *Lease
}

func (d *disk) Table(Key) Table { return d }

func (d *disk) Holder() string { return "p1" }

func (d *disk) Lease() *Lease {
	if d.lease == nil {
		d.lease = NewLease(time.Hour)
		d.lease.Extend(time.Now(), 1000*time.Hour)
	}
	return d.lease
}

// fill makes the disk full, or not, while nobody writes.
func (d *disk) fill(l *Login, full bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d.full = full
}

// change has another process change the rows, while nobody else does.
func (d *disk) change(l *Login, f func(r *Rows)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&d.rows)
}

// out has the store fail for longer than the lease lasts, and back has it work again.
func (d *disk) out() {
	d.full = true
	d.Lease().End()
}

func (d *disk) back() {
	d.full = false
	d.Lease().Extend(time.Now(), 1000*time.Hour)
}

func (d *disk) Watch(look func([]Key)) { d.look = look }

func (d *disk) Shared() bool { return d.shared }

func (d *disk) Begin(context.Context) (Tx, error) {
	if d.ending {
		panic("a transaction within another")
	}
	d.begun++
	d.ending = true
	d.work = copied(&d.rows)
	return d, nil
}

func (d *disk) Rows() *Rows { return &d.work }

func (d *disk) Commit() error {
	d.ending = false
	if d.full {
		d.work = Rows{}
		return errors.New("disk full")
	}
	d.rows = copied(&d.work)
	if d.unsure {
		d.unsure = false
		return errors.New("the connection broke at the commit")
	}
	d.work = Rows{} // whoever keeps a pointer into it sees nothing of what is stored
	return nil
}

func copied(r *Rows) Rows {
	c := *r
	c.Units, c.Credentials = slices.Clone(r.Units), slices.Clone(r.Credentials)
	return c
}

// onDisk returns a login whose credential was accepted, and its store.
func onDisk(t *testing.T, u Upstream, settings Settings) (*Login, *disk) {
	t.Helper()
	d := new(disk)
	l := New(d, slog.New(slog.DiscardHandler)).Login("k")
	t.Cleanup(l.Attach(Use{Settings: settings.WithDefaults(), Upstream: u, Integrations: 1}))
	if err := l.Newest(fp("a"), "1"); err != nil {
		t.Fatal(err)
	}
	if res := l.Check(t.Context()); res.Verdict != Accepted {
		t.Fatalf("%+v", res)
	}
	if st, err := l.Status(); err != nil || st.Serving != fp("a") { // once the check is written
		t.Fatalf("%v: %+v", err, st)
	}
	return l, d
}

// waits makes a caller wait, and returns what tells what became of him.
func waits(l *Login, ask Ask) (heard func() (Attempt, error)) {
	type end struct {
		a   Attempt
		err error
	}
	ended := make(chan end, 1)
	go func() {
		a, err := l.Acquire(context.Background(), ask)
		ended <- end{a, err}
	}()
	synctest.Wait()
	return func() (Attempt, error) { e := <-ended; return e.a, e.err }
}

func TestACallIsTwoTransactionsThoughOthersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, d := onDisk(t, &script{verdict: always(Accepted)}, Settings{InFlight: 1})
		begun := d.begun
		first := acquire(t, l, "p")
		heard := waits(l, Ask{Source: "x"})
		l.Settle(first, Outcome{Verdict: Accepted})
		second, err := heard()
		if err != nil {
			t.Fatal(err)
		}
		l.Settle(second, Outcome{Verdict: Accepted})
		if n := d.begun - begun; n != 4 {
			t.Errorf("%d transactions for two calls", n)
		}
	})
}

// A verdict that cannot be written has changed nothing: not the rows, and not what this process makes of it beside them.
func TestAVerdictThatCannotBeWrittenChangesNothing(t *testing.T) {
	for _, o := range []Outcome{{Verdict: Accepted}, {Verdict: Refused}, {Verdict: Locked}, {Verdict: NoAnswer}, {Verdict: Neutral}, {Verdict: NotSent}} {
		synctest.Test(t, func(t *testing.T) {
			l, d := onDisk(t, &script{verdict: always(Accepted)}, Settings{InFlight: 1})
			var told int
			t.Cleanup(l.Attach(Use{Settings: l.settings, Upstream: l.upstream, Changed: func(Attempt, Effect, bool) { told++ }}))
			a := acquire(t, l, "p")
			heard := waits(l, Ask{Source: "x"})
			suspects := func() map[pathOf]Fingerprint { return map[pathOf]Fingerprint{{"y", "q"}: fp("a")} }
			l.findings.suspects = suspects()
			rows, findings, settled := copied(&d.rows), l.findings, l.settled
			findings.suspects = suspects()
			d.out()
			l.Settle(a, o)
			if !reflect.DeepEqual(d.rows, rows) || !reflect.DeepEqual(l.findings, findings) || l.settled != settled || told > 0 || l.refusal != (Refusal{}) {
				t.Errorf("%v: rows %+v, %+v, told %d times", o.Verdict, d.rows, l.findings, told)
			}
			if _, err := heard(); reason(t, err) != StoreUnavailable {
				t.Errorf("%v: a caller who waits hears %v", o.Verdict, err)
			}
			time.Sleep(2 * l.settings.Linger)
			synctest.Wait()
			if !reflect.DeepEqual(d.rows, rows) {
				t.Errorf("%v: after linger: rows %+v", o.Verdict, d.rows)
			}
			d.back()
			l.Settle(a, o) // the unit is still held
			if l.settled[o.Verdict] != settled[o.Verdict]+1 || d.rows.unit(a.Token) >= 0 && d.rows.Units[0].State == Held {
				t.Errorf("%v: once it can be written: rows %+v", o.Verdict, d.rows)
			}
		})
	}
}

// What an own attempt found out, the pause of the prober and the calls that are blocked, is taken back with its transaction.
func TestWhatAnOwnAttemptFoundOutIsTakenBackWhereItCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d *disk
		s := &script{verdict: func(a Attempt) Verdict {
			if a.Kind == Recheck {
				d.out()
			}
			return Accepted
		}}
		var l *Login
		l, d = onDisk(t, s, Settings{})
		s.freeTakes = time.Second
		l.Settle(acquire(t, l, "bad"), Outcome{Verdict: Refused})
		heard := waits(l, Ask{Source: "x", Path: "other"})
		l.mu.Lock()
		before := l.findings
		l.mu.Unlock()
		if _, err := heard(); reason(t, err) != StoreUnavailable {
			t.Fatal(err)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if len(before.suspects) != 1 || !reflect.DeepEqual(l.findings, before) || l.prober.running {
			t.Errorf("before %+v, after %+v", before, l.findings)
		}
	})
}

func TestACallerWhoCannotBeWrittenDoesNotStayInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, d := onDisk(t, &script{verdict: always(Accepted)}, Settings{InFlight: 1})
		a := acquire(t, l, "p")
		d.out()
		start := time.Now()
		if _, err := l.Acquire(t.Context(), Ask{Source: "x"}); reason(t, err) != StoreUnavailable || time.Since(start) > 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		d.back()
		l.Settle(a, Outcome{Verdict: Accepted})
		if s, _ := l.Status(); s.Waiting+s.Held > 0 {
			t.Errorf("status %+v", s)
		}
	})
}

func TestAReleaseThatCannotBeWrittenBlocksAsBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, d := onDisk(t, &script{verdict: always(Accepted)}, Settings{})
		l.findings.blocked = map[pathOf]time.Time{{"x", "bad"}: time.Now().Add(blockFor)}
		d.full = true
		if _, err := l.Release(0); err == nil {
			t.Fatal("no error")
		}
		d.full = false
		if _, err := l.Acquire(t.Context(), Ask{Source: "x", Path: "bad"}); reason(t, err) != CredentialRefused {
			t.Error(err)
		}
	})
}

// Nothing but a verdict happens, and what it lets move moves.
func TestAVerdictAloneMovesWhatItLetsMove(t *testing.T) {
	t.Run("an untried newest that waited for an own attempt's end", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{verdict: always(Accepted)}
			l, _ := onDisk(t, s, Settings{})
			l.used = true
			own := alone(t, l, fp("b"), "2")
			if err := l.Newest(fp("c"), "3"); err != nil {
				t.Fatal(err)
			}
			before := len(s.kinds)
			time.Sleep(time.Second)
			synctest.Wait()
			if len(s.kinds) > before {
				t.Fatal("two own attempts at once")
			}
			l.Settle(own, Outcome{Verdict: Refused})
			time.Sleep(time.Second)
			synctest.Wait()
			if !slices.Equal(s.kinds[before:], []Kind{FirstTry}) {
				t.Errorf("own attempts: %v", s.kinds[before:])
			}
		})
	})
	t.Run("a caller who waits", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l, _ := onDisk(t, &script{verdict: always(Accepted)}, Settings{InFlight: 1})
			a := acquire(t, l, "p")
			heard := waits(l, Ask{Source: "x"})
			start := time.Now()
			l.Settle(a, Outcome{Verdict: Neutral})
			if _, err := heard(); err != nil || time.Since(start) > 0 {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		})
	})
	t.Run("a recheck that is due at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{verdict: always(Accepted)}
			l, _ := onDisk(t, s, Settings{InFlight: 1})
			a := acquire(t, l, "p")
			heard := waits(l, Ask{Source: "x", Path: "other"})
			start := time.Now()
			l.Settle(a, Outcome{Verdict: Refused})
			if _, err := heard(); err != nil || time.Since(start) > time.Second || s.kinds[len(s.kinds)-1] != Recheck {
				t.Errorf("%v after %v, own attempts %v", err, time.Since(start), s.kinds)
			}
		})
	})
	t.Run("a probe at the end of the gate's pause", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{verdict: always(Accepted)}
			l, _ := onDisk(t, s, Settings{InFlight: 1})
			a := acquire(t, l, "p")
			heard := waits(l, Ask{Source: "x"})
			start := time.Now()
			l.Settle(a, Outcome{Verdict: NoAnswer})
			if _, err := heard(); err != nil || time.Since(start).Truncate(time.Second) != 2*time.Second || s.kinds[len(s.kinds)-1] != Probe {
				t.Errorf("%v after %v, own attempts %v", err, time.Since(start), s.kinds)
			}
		})
	})
}

// shutGate shuts a login's gate for two seconds while a caller waits.
func shutGate(t *testing.T, l *Login) (heard func() (Attempt, error)) {
	t.Helper()
	a := acquire(t, l, "p")
	heard = waits(l, Ask{Source: "x"})
	l.Settle(a, Outcome{Verdict: NoAnswer})
	return heard
}

func TestATimerThatFiresTooEarlyIsSetAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := onDisk(t, &script{verdict: always(Accepted)}, Settings{InFlight: 1})
		heard := shutGate(t, l)
		time.Sleep(time.Second)
		synctest.Wait()
		l.mu.Lock()
		l.prober.timer.Reset(0)
		l.mu.Unlock()
		start := time.Now()
		if _, err := heard(); err != nil || time.Since(start).Truncate(time.Second) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestTheTimerGoesByTheLastThatWasSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, d := onDisk(t, &script{verdict: always(Accepted)}, Settings{})
		start := time.Now()
		wake := func(after time.Duration) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.wake(start.Add(after))
		}
		begun := func() int {
			synctest.Wait()
			l.mu.Lock()
			defer l.mu.Unlock()
			return d.begun
		}
		fired := func(at time.Duration) bool {
			before := begun()
			time.Sleep(time.Until(start.Add(at)))
			synctest.Wait()
			return begun() > before
		}
		wake(time.Hour)
		wake(time.Minute)
		wake(time.Minute)
		if fired(59*time.Second) || !fired(time.Minute) || fired(2*time.Hour) {
			t.Error("an earlier moment did not take the place of a later one")
		}
		wake(3 * time.Hour)
		l.mu.Lock()
		l.wake(time.Time{})
		l.mu.Unlock()
		if fired(4 * time.Hour) {
			t.Error("the timer runs though nothing is to come")
		}
		wake(5 * time.Hour)
		if !fired(5 * time.Hour) {
			t.Error("a timer that was stopped does not run again")
		}
		l.drain()
		wake(6 * time.Hour)
		if fired(7 * time.Hour) {
			t.Error("the timer of a process that is about to stop runs")
		}
	})
}

func TestAVerdictThatCannotBeWrittenKeepsItsUnitUntilTheStoreIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, d := onDisk(t, &desk{valid: fp("a")}, Settings{})
		a, err := l.Acquire(t.Context(), Ask{Source: "x"})
		if err != nil {
			t.Fatal(err)
		}
		d.fill(l, true)
		l.Settle(a, Outcome{Verdict: Refused, Reading: true})
		if len(d.rows.Units) != 1 || d.rows.Units[0].State != Held {
			t.Fatalf("units %+v", d.rows.Units)
		}
		d.fill(l, false)
		d.look(nil)
		synctest.Wait()
		if len(d.rows.Units) != 1 || d.rows.Units[0].State != Failed || d.rows.find(fp("a")).State != StateRefused {
			t.Errorf("rows %+v", d.rows)
		}
		if n := l.callers["x"].reading; n != 1 {
			t.Errorf("%d answers are being read", n)
		}
	})
}

func TestALostUnitIsCountedForAgainWhereItsEndCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, d := onDisk(t, &desk{valid: fp("a")}, Settings{})
		a, err := l.Acquire(t.Context(), Ask{Source: "x"})
		if err != nil {
			t.Fatal(err)
		}
		l.Settle(a, Outcome{Verdict: NoAnswer})
		d.fill(l, true)
		time.Sleep(time.Minute)
		synctest.Wait()
		if d.rows.Units[0].State != Lost {
			t.Fatalf("units %+v", d.rows.Units)
		}
		d.fill(l, false)
		time.Sleep(storePause)
		synctest.Wait()
		if d.rows.Units[0].State != Unknown {
			t.Errorf("units %+v", d.rows.Units)
		}
	})
}

func TestAUnitThatAnotherProcessCountsForIsNotThisOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, d := onDisk(t, &desk{valid: fp("a")}, Settings{})
		a, err := l.Acquire(t.Context(), Ask{Source: "x"})
		if err != nil {
			t.Fatal(err)
		}
		l.Settle(a, Outcome{Verdict: NoAnswer})
		d.change(l, func(r *Rows) { r.Units[0].Holder = "p2" })
		time.Sleep(time.Hour)
		synctest.Wait()
		if d.rows.Units[0].State != Lost {
			t.Errorf("units %+v", d.rows.Units)
		}
	})
}

func TestThoseWhoWaitSeeWhatOtherProcessesChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, d := onDisk(t, &desk{valid: fp("a")}, Settings{})
		d.change(l, func(r *Rows) { d.shared, r.Gate = true, Gate{Shut: true, Until: time.Now().Add(time.Hour)} })
		heard := waits(l, Ask{Source: "x"})
		synctest.Wait()
		d.change(l, func(r *Rows) { r.Gate = Gate{} }) // the PSA has answered a sign-in of another process
		time.Sleep(sharedPoll)
		synctest.Wait()
		if a, err := heard(); err != nil || a.Credential != fp("a") {
			t.Errorf("%v, %v", a, err)
		}
	})
}

func TestTheBestIsMadeOfRowsThatMayHaveForgotten(t *testing.T) {
	for _, c := range []struct {
		what   string
		valid  string
		free   int
		checks int // the second one forgives what was lost before
		serves bool
	}{{"the credential is good", "a", 5, 2, true}, {"it is not", "b", 0, 1, false}} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := &desk{valid: fp(c.valid)}
				d := &disk{rows: Rows{Distrusted: true}}
				l := New(d, slog.New(slog.DiscardHandler)).Login("k")
				t.Cleanup(l.Attach(Use{Settings: Settings{}.WithDefaults(), Upstream: u, Integrations: 1}))
				if err := l.Newest(fp("a"), "1"); err != nil {
					t.Fatal(err)
				}
				if _, err := l.Acquire(t.Context(), Ask{Source: "x"}); err == nil || u.checks != 1 {
					t.Errorf("%v, %d own sign-ins while what was forgotten may be judged", err, u.checks)
				}
				time.Sleep(l.settings.Linger)
				_, err := l.Acquire(t.Context(), Ask{Source: "x"})
				if (err == nil) != c.serves {
					t.Error(err)
				}
				st, err := l.Status()
				if err != nil || len(st.Attempts) == 0 || st.Failed+st.Unknown != 5-c.free {
					t.Errorf("%v: %d failed, %d unknown", err, st.Failed, st.Unknown)
				}
				if u.checks != c.checks {
					t.Errorf("%d own sign-ins", u.checks)
				}
			})
		})
	}
}

// The store is lost, its login's credential refused, and the store lost again, and again: that is one sign-in in all.
func TestALoginThatHasNoUnitLeftHasNoneHoweverOftenTheStoreForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &desk{valid: fp("b")}
		d := &disk{rows: Rows{Distrusted: true}}
		for range 3 {
			l := New(d, slog.New(slog.DiscardHandler)).Login("k")
			detach := l.Attach(Use{Settings: Settings{}.WithDefaults(), Upstream: u, Integrations: 1})
			if err := l.Newest(fp("a"), "1"); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if _, err := l.Acquire(t.Context(), Ask{Source: "x"}); err == nil {
					t.Fatal("a call may go")
				}
				time.Sleep(l.settings.Linger)
			}
			if !d.rows.Spent {
				t.Error("that no unit is left is not noted")
			}
			detach()
			d.rows = Rows{Distrusted: true, Spent: d.rows.Spent} // as a store that forgets has it
		}
		if u.checks != 1 {
			t.Errorf("%d own sign-ins", u.checks)
		}
		l := New(d, slog.New(slog.DiscardHandler)).Login("k")
		t.Cleanup(l.Attach(Use{Settings: Settings{}.WithDefaults(), Upstream: &desk{valid: fp("a")}, Integrations: 1}))
		if err := l.Newest(fp("a"), "1"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(l.settings.Linger + time.Second)
		st, err := l.Status()
		if err != nil || st.Failed+st.Unknown != st.Settings.Budget {
			t.Errorf("%v: %+v", err, st)
		}
		if _, err = l.Release(st.Seq); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Acquire(t.Context(), Ask{Source: "x"}); err != nil || d.rows.Spent {
			t.Errorf("after a release: %v, spent %v", err, d.rows.Spent)
		}
	})
}

// While the lease lasts, nobody who waits is sent away because the store failed for a moment.
func TestThoseWhoWaitGoOnWaitingWhileTheLeaseLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, d := onDisk(t, &script{verdict: always(Accepted)}, Settings{InFlight: 1})
		a := acquire(t, l, "p")
		first := waits(l, Ask{Source: "x", Path: "first"})
		second := waits(l, Ask{Source: "x", Path: "second"})
		d.fill(l, true)
		l.Settle(a, Outcome{Verdict: Accepted}) // grants the unit to the first, which cannot be written
		third := waits(l, Ask{Source: "x", Path: "third"})
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if n := l.queue.n; n != 3 {
			t.Fatalf("%d wait", n)
		}
		d.fill(l, false)
		d.look(nil)
		for _, heard := range []func() (Attempt, error){first, second, third} {
			start := time.Now()
			got, err := heard()
			if err != nil || time.Since(start) > 0 {
				t.Fatalf("%v after %v", err, time.Since(start))
			}
			l.Settle(got, Outcome{Verdict: Accepted})
		}
		if len(d.rows.Units) != 0 {
			t.Errorf("units %+v", d.rows.Units)
		}
	})
}

func TestThoseWhoWaitAreSentAwayWhenTheLeaseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, d := onDisk(t, &script{verdict: always(Accepted)}, Settings{InFlight: 1})
		acquire(t, l, "p")
		d.fill(l, true)
		heard := waits(l, Ask{Source: "x"})
		start := time.Now()
		time.AfterFunc(3*time.Second, func() { d.Lease().End() })
		if _, err := heard(); reason(t, err) != StoreUnavailable || time.Since(start) > 3*time.Second+storeRetry {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// The secret store does not tell its newest again where nothing has changed there.
func TestANewestThatTheStoreForgotIsTheNewestAgain(t *testing.T) {
	for what, forgot := range map[string]func(d *disk, before Rows){
		"all":             func(d *disk, _ Rows) { d.rows = Rows{Distrusted: true} },
		"what came last":  func(d *disk, before Rows) { d.rows = before; d.rows.Distrusted = true },
		"all, as another": func(d *disk, _ Rows) { d.rows = Rows{} }, // process found out
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := &desk{valid: fp("a")}
				l, d := onDisk(t, u, Settings{QueueDeadline: 2 * time.Minute}) // longer than linger
				before := copied(&d.rows)
				u.valid = fp("b")
				if err := l.Newest(fp("b"), "2"); err != nil {
					t.Fatal(err)
				}
				if res := l.Check(t.Context()); res.Verdict != Accepted {
					t.Fatalf("%+v", res)
				}
				d.change(l, func(*Rows) { forgot(d, before) })
				checks := u.checks
				if a, err := l.Acquire(t.Context(), Ask{Source: "x"}); err != nil || a.Credential != fp("b") || a.Version != "2" {
					t.Errorf("%+v, %v", a, err)
				}
				if own := u.checks - checks; own < 1 || own > 2 {
					t.Errorf("%d own sign-ins", own)
				}
			})
		})
	}
}

// Calls are under way when the store forgets their units, and the PSA judges them after it has accepted the guard's own attempt.
func TestWhatWasUnderWayWhenTheStoreForgotItHasUnitsUntilItCannotBeJudgedAnyMore(t *testing.T) {
	for what, has := range map[string]func(earlier Rows) Rows{
		"all":            func(Rows) Rows { return Rows{} },
		"what came last": func(earlier Rows) Rows { return earlier },
	} {
		t.Run(what, func(t0 *testing.T) {
			t := newTable(t0)
			t.proven("z")
			t.fails(2)
			t.end(t.serve("x"), Refused)
			t.newest("a")
			earlier := copied(&t.r) // with three units recorded, which a's first success forgives
			t.end(t.own(FirstTry), Accepted)
			failed := 0
			for range t.s.InFlight {
				t.serve("x")
				failed++ // once they are judged: nobody hears of it
			}
			t.r = has(earlier)
			t.r.distrust(&t.s, "p2", t.now)
			t.newest("a")
			t.end(t.own(FirstTry), Accepted)
			var calls []Attempt
			for _, c := t.r.serving(&t.s, t.now); c != nil; _, c = t.r.serving(&t.s, t.now) {
				calls = append(calls, t.serve("x"))
			}
			for _, a := range calls { // the PSA has another password by now
				t.end(a, Refused)
				failed++
			}
			for _, name := range []string{"b", "c", "d", "e"} {
				t.newest(name)
				if k, c := t.r.mayAlone(&t.s, t.now); c != nil {
					t.end(t.own(k), Refused)
					failed++
				}
			}
			if failed > t.s.Budget+1 {
				t.Errorf("%d failed sign-ins of a budget of %d", failed, t.s.Budget)
			}
		})
	}
}

// Were the unit of an own attempt not given back, there would never be another one.
func TestAnOwnAttemptWhoseTransactionFailedIsMadeAgainThoughTheStoreKeptItsUnit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, d := onDisk(t, &script{verdict: always(Accepted)}, Settings{})
		d.unsure = true
		if res := l.Try(t.Context(), fp("b"), "2", false); reason(t, res.Err) != StoreUnavailable {
			t.Fatalf("%+v", res)
		}
		if res := l.Try(t.Context(), fp("b"), "2", false); res.Verdict != Accepted {
			t.Errorf("%+v", res)
		}
	})
}

// A store may have kept a transaction whose commit failed: its connection broke before the answer.
func TestAUnitOfATransactionThatFailedIsGivenBackThoughTheStoreKeptIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, d := onDisk(t, &script{verdict: always(Accepted)}, Settings{})
		d.unsure = true
		a := acquire(t, l, "p") // once the store is asked again
		if len(d.rows.Units) != 1 || d.rows.Units[0].Token != a.Token {
			t.Fatalf("the store has %+v", d.rows.Units)
		}
		l.Settle(a, Outcome{Verdict: Accepted})
		if len(d.rows.Units) != 0 {
			t.Errorf("the store has %+v", d.rows.Units)
		}
	})
}

func TestAUnitOfAPoolsTransactionThatFailedIsGivenBackThoughTheStoreKeptIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, d := onDisk(t, &script{verdict: always(Accepted)}, Settings{})
		d.unsure = true
		_, a, err := AcquireAny(t.Context(), []*Login{l}, Ask{Source: "x"})
		if err != nil || len(d.rows.Units) != 1 || d.rows.Units[0].Token != a.Token {
			t.Errorf("%v, the store has %+v", err, d.rows.Units)
		}
	})
}
