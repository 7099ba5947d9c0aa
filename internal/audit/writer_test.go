package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// told gathers what a Writer tells.
type told struct {
	mu  sync.Mutex
	all []Trouble
}

func (o *told) tell(t Trouble) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, t)
}

func (o *told) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var words []string
	for _, t := range o.all {
		words = append(words, fmt.Sprintf("%s %d", t.What, t.Lost))
	}
	return strings.Join(words, ", ")
}

// entries are the ids of a log's entries, with what else tells them apart.
func entries(t testing.TB, text string) (list []string) {
	t.Helper()
	for e, err := range Entries(strings.NewReader(text)) {
		if err != nil {
			continue
		}
		list = append(list, strings.Trim(fmt.Sprintf("%s %s", e.ID, e.Phase), " "))
	}
	return list
}

func full(p []byte) (int, error) { return len(p) / 3, errNoSpace }

func TestALogThatNobodyTouchedIsAsItWasWritten(t *testing.T) {
	for _, required := range []bool{false, true} {
		d, anchors := &disk{}, &Memory{}
		w := open(t, Config{Output: d, Anchors: anchors, Required: required})
		for i := range 100 {
			if err := w.Append(t.Context(), read(strconv.Itoa(i))); err != nil {
				t.Fatal(err)
			}
		}
		if err := shut(w); err != nil {
			t.Fatal(err)
		}
		r := verify(t, VerifyConfig{Heads: heads(t, anchors), Complete: true}, d.text())
		if kinds(r) != "" || r.Lines != 102 || len(r.Chains) != 1 || !r.Chains[0].Closed || r.Chains[0].Anchored != 102 {
			t.Errorf("required %v: %+v", required, r)
		}
	}
}

func TestWhereTheLogIsRequiredAppendWaitsForTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		d := &disk{sync: func() error { <-hold; return nil }}
		w := open(t, Config{Output: d, Required: true})
		var done sync.WaitGroup
		returned := make(chan error, 50)
		for i := range 50 {
			done.Go(func() { returned <- w.Append(t.Context(), read(strconv.Itoa(i))) })
		}
		synctest.Wait()
		if len(returned) > 0 {
			t.Error("Append returned before the disk was synced")
		}
		close(hold)
		done.Wait()
		for range 50 {
			if err := <-returned; err != nil {
				t.Error(err)
			}
		}
		if d.syncs > 3 {
			t.Errorf("50 lines that waited at once took %d syncs", d.syncs)
		}
	})
}

func TestADiskThatHangsIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		d, o := &disk{}, &told{}
		w := open(t, Config{Output: d, Told: o.tell})
		synctest.Wait()
		d.set(func(d *disk) { d.write = func(p []byte) (int, error) { <-hold; return len(p), nil } })
		w.Note(read("1"))
		time.Sleep(hangsAfter + time.Second)
		if s := w.Status(); !errors.Is(s.Err, errHangs) || o.String() != "write-failed 0" {
			t.Errorf("%v, told: %v", s.Err, o)
		}
		close(hold)
		synctest.Wait()
		w.Note(read("2"))
		time.Sleep(hangsAfter + time.Second)
		if s := w.Status(); s.Err != nil || o.String() != "write-failed 0, written 0" {
			t.Errorf("%v, told: %v", s.Err, o)
		}
	})
}

func TestWhereTheLogIsRequiredNoLineOnDiskIsAnError(t *testing.T) {
	for name, fail := range map[string]func(d *disk){
		"a disk that is full":        func(d *disk) { d.write = full },
		"a sync that fails":          func(d *disk) { d.sync = func() error { return errNoSpace } },
		"a write that takes nothing": func(d *disk) { d.write = func([]byte) (int, error) { return 0, errNoSpace } },
		"a write that takes all and fails": func(d *disk) {
			d.write = func(p []byte) (int, error) { return len(p), errNoSpace }
		},
		"a short write without an error": func(d *disk) { d.write = func(p []byte) (int, error) { return len(p) - 1, nil } },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, anchors, o := &disk{}, &Memory{}, &told{}
				w := open(t, Config{Output: d, Required: true, Anchors: anchors, Told: o.tell})
				if err := w.Append(t.Context(), read("1")); err != nil {
					t.Fatal(err)
				}
				d.set(fail)
				for range 3 {
					err := w.Append(t.Context(), read("2"))
					if !errors.Is(err, ErrNotWritten) || !errors.Is(err, errNoSpace) && !errors.Is(err, io.ErrShortWrite) {
						t.Errorf("Append says %v", err)
					}
				}
				if s := w.Status(); s.Err == nil || s.Lost > 0 || s.Head.Seq != 2 {
					t.Errorf("%+v", s)
				}
				d.set(func(d *disk) { d.write, d.sync = nil, nil })
				if err := w.Append(t.Context(), read("3")); err != nil {
					t.Error(err)
				}
				if err := shut(w); err != nil {
					t.Error(err)
				}
				if r := verify(t, VerifyConfig{Heads: heads(t, anchors), Complete: true}, d.text()); !r.OK() {
					t.Errorf("%v", r.Findings)
				}
				if o.String() != "write-failed 0, written 0" {
					t.Error(o)
				}
				checkRefused(t, d.text(), "2")
			})
		})
	}
}

// checkRefused: where an entry is in the log whose Append failed, a line says that it may not be there: that its call was not made.
func checkRefused(t *testing.T, text, id string) {
	t.Helper()
	var unsure []gap
	for _, one := range strings.Split(text, "\n") {
		if l, ok := parse([]byte(one)); ok && l.kind == kindChain {
			n, _ := l.note()
			unsure = append(unsure, gap{n.From, n.To})
		}
	}
	for e, err := range Entries(strings.NewReader(text)) {
		in := func(g gap) bool { return g.from <= e.Seq && e.Seq <= g.to }
		if err == nil && e.ID == id && !slices.ContainsFunc(unsure, in) {
			t.Errorf("line %d looks as if its call was made", e.Seq)
		}
	}
}

func TestLinesKeepTheirOrderOverAWriteThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		d := &disk{}
		w := open(t, Config{Output: d})
		synctest.Wait()
		d.set(func(d *disk) { d.write = func([]byte) (int, error) { <-hold; return 0, errNoSpace } })
		for _, id := range []string{"1", "2", "3"} {
			_ = w.Append(t.Context(), read(id))
			time.Sleep(2 * gather) // 1 is being written, the others wait
		}
		close(hold)
		synctest.Wait()
		d.set(func(d *disk) { d.write = nil })
		time.Sleep(time.Minute)
		if got := entries(t, d.text()); !slices.Equal(got, []string{"1", "2", "3"}) {
			t.Error(got)
		}
	})
}

func TestWhatWaitsIsBoundedInBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := open(t, Config{Output: &disk{write: full}, Queue: 1 << 20})
		e := read("1")
		e.Fields = slices.Repeat([]string{strings.Repeat("x", MaxName)}, MaxNames)
		n := 0
		for ; w.Append(t.Context(), e) == nil; n++ {
			synctest.Wait()
		}
		if most := maxWaiting / (MaxName * MaxNames); n > most || n < most*9/10 {
			t.Errorf("%d lines wait", n)
		}
		w.giveUp()
	})
}

func TestADiskThatStaysFullIsTriedSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		writes := 0
		d := &disk{write: func([]byte) (int, error) { writes++; return 0, errNoSpace }}
		w := open(t, Config{Output: d, Queue: 10})
		for range 60_000 {
			_ = w.Append(t.Context(), read("1"))
			time.Sleep(time.Millisecond)
		}
		d.set(func(*disk) {
			if writes < 10 || writes > 25 {
				t.Errorf("%d tries in a minute", writes)
			}
		})
		w.giveUp()
	})
}

func TestWhereTheLogIsNotRequiredNobodyWaitsAndLossIsLoud(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, anchors, o := &disk{write: full}, &Memory{}, &told{}
		w := open(t, Config{Output: d, Anchors: anchors, Told: o.tell, Queue: 10})
		var kept []string
		refused := 0
		for i := range 25 {
			if err := w.Append(t.Context(), read(strconv.Itoa(i))); err == nil {
				kept = append(kept, strconv.Itoa(i))
			} else if refused++; !errors.Is(err, ErrFull) {
				t.Error(err)
			}
			synctest.Wait()
		}
		if refused == 0 || w.Status().Lost != uint64(refused) {
			t.Errorf("%d were refused: %+v", refused, w.Status())
		}
		time.Sleep(time.Minute) // the pauses between tries are bounded
		d.set(func(d *disk) { d.write = nil })
		time.Sleep(2 * longestPause)
		if got := entries(t, d.text()); !slices.Equal(got, kept) {
			t.Errorf("got %v, want %v", got, kept)
		}
		if want := fmt.Sprintf("write-failed 0, entries-lost 0, entries-lost %d, written 0", refused); o.String() != want {
			t.Errorf("told %s, want %s", o, want)
		}
		if err := shut(w); err != nil {
			t.Error(err)
		}
		r := verify(t, VerifyConfig{Heads: heads(t, anchors), Complete: true}, d.text())
		if !r.OK() || r.Chains[0].Lost != uint64(refused) {
			t.Errorf("%+v", r)
		}
	})
}

func TestADiskThatHangsHoldsACallNoLongerThanItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		d := &disk{sync: func() error { <-hold; return nil }}
		w := open(t, Config{Output: d, Required: true, Queue: 3})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		began := time.Now()
		if err := w.Append(ctx, read("1")); !errors.Is(err, ErrNotWritten) || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if d := time.Since(began); d != 30*time.Second {
			t.Errorf("it took %v", d)
		}
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_ = w.Append(ctx, read("2"))
			cancel()
		}
		if err := w.Append(t.Context(), read("3")); !errors.Is(err, ErrFull) {
			t.Errorf("more than may wait: %v", err)
		}
		if err := w.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close: %v", err)
		}
		close(hold)
	})
}

func TestNothingIsWrittenForACallWhoseTimeIsOver(t *testing.T) {
	d := &disk{}
	w := open(t, Config{Output: d, Required: true})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Begin(ctx, read("1")); !errors.Is(err, ErrNotWritten) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := shut(w); err != nil {
		t.Error(err)
	}
	if got := entries(t, d.text()); len(got) > 0 {
		t.Error(got)
	}
}

func TestACallHasAnIntentAndAnOutcomeWhereTheLogIsRequired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{}
		w := open(t, Config{Output: d, Required: true})
		asked := read("7")
		asked.Status, asked.Duration, asked.DecidedBy, asked.CredentialVersion = 0, 0, "", ""
		p, err := w.Begin(t.Context(), asked)
		if err != nil || !slices.Equal(entries(t, d.text()), []string{"7 intent"}) {
			t.Fatalf("%v: %s", err, d.text())
		}
		p.End(Result{Status: 201, Duration: 42 * time.Millisecond, DecidedBy: ByPSA, CredentialVersion: "9", Zone: "https://z"})
		time.Sleep(time.Second)
		var all []Entry
		for e, err := range Entries(strings.NewReader(d.text())) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, e)
		}
		if len(all) != 2 || all[1].Of != all[0].Seq || all[1].Phase != Outcome || all[1].Status != 201 || all[1].Duration != 42*time.Millisecond ||
			all[1].CredentialVersion != "9" || all[1].Caller != "itglue" || all[1].Decision != Permit || all[1].DecidedBy != ByPSA {
			t.Errorf("%+v", all)
		}
	})
}

func TestACallHasOneLineWhereTheLogIsNotRequired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{}
		w := open(t, Config{Output: d})
		p, err := w.Begin(t.Context(), read("7"))
		if err != nil {
			t.Fatal(err)
		}
		p.End(Result{Status: 503, Reason: "queue-full", DecidedBy: ByGuard})
		time.Sleep(time.Second)
		if got := entries(t, d.text()); !slices.Equal(got, []string{"7"}) || !strings.Contains(d.text(), `"decided_by":"guard","reason":"queue-full","status":503`) {
			t.Errorf("%v: %s", got, d.text())
		}
	})
}

func TestAfterAnErrorOfBeginTheLineSaysWhatTheCallerHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{write: full}
		w := open(t, Config{Output: d, Required: true})
		p, err := w.Begin(t.Context(), read("7"))
		if !errors.Is(err, ErrNotWritten) {
			t.Error(err)
		}
		p.End(Result{Status: 503, Reason: "audit-unavailable", DecidedBy: ByGateway})
		d.set(func(d *disk) { d.write = nil })
		if err := shut(w); err != nil {
			t.Error(err)
		}
		if got := entries(t, d.text()); !slices.Equal(got, []string{"7"}) || !strings.Contains(d.text(), `"reason":"audit-unavailable","status":503`) {
			t.Errorf("there are %v", got)
		}
	})
}

func TestAnOutcomeWaitsForTheDiskAndNobodyForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, anchors := &disk{}, &Memory{}
		w := open(t, Config{Output: d, Required: true, Anchors: anchors})
		p, err := w.Begin(t.Context(), read("7"))
		if err != nil {
			t.Fatal(err)
		}
		d.set(func(d *disk) { d.write = full })
		began := time.Now()
		p.End(Result{Status: 200})
		if time.Since(began) > 0 {
			t.Error("End waited")
		}
		time.Sleep(time.Minute)
		if err := w.Append(t.Context(), read("8")); err == nil {
			t.Error("there is no line, and no error")
		}
		d.set(func(d *disk) { d.write = nil })
		time.Sleep(time.Minute)
		if err := shut(w); err != nil {
			t.Error(err)
		}
		if got := entries(t, d.text()); !slices.Equal(got, []string{"7 intent", "7 outcome"}) || !strings.Contains(d.text(), `"phase":"outcome","of":2,"again":true`) {
			t.Errorf("%v\n%s", got, d.text())
		}
		if r := verify(t, VerifyConfig{Heads: heads(t, anchors), Complete: true}, d.text()); !r.OK() {
			t.Errorf("%v", r.Findings)
		}
	})
}

func TestLinesThatNobodyWaitsForAreWrittenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		writes := 0
		d := &disk{write: func(p []byte) (int, error) { writes++; return len(p), nil }}
		w := open(t, Config{Output: d})
		synctest.Wait()
		for range 10 {
			_ = w.Append(t.Context(), read("1"))
			time.Sleep(time.Millisecond)
		}
		time.Sleep(gather)
		got := len(entries(t, d.text()))
		d.set(func(*disk) {
			if got != 10 || writes > 2 {
				t.Errorf("%d lines in %d writes", got, writes)
			}
		})
	})
}

func TestAClockThatIsSetIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var step atomic.Int64
		d, anchors := &disk{}, &Memory{}
		now := func() time.Time { return time.Now().Add(time.Duration(step.Load())) }
		w := open(t, Config{Output: d, Anchors: anchors, Required: true, Now: now})
		for _, s := range []time.Duration{0, -time.Hour, -time.Hour + time.Second, time.Minute} {
			time.Sleep(time.Minute)
			step.Store(int64(s))
			if err := w.Append(t.Context(), read("1")); err != nil {
				t.Fatal(err)
			}
		}
		if err := shut(w); err != nil {
			t.Fatal(err)
		}
		r := verify(t, VerifyConfig{Heads: heads(t, anchors), Complete: true}, d.text())
		if !r.OK() || places(r) != "clock a:4 3; clock a:6 5" || !strings.Contains(r.Findings[0].What, "-1h0m0s") {
			t.Errorf("%v", r.Findings)
		}
	})
}

func TestAWriterThatWasClosedTakesNothing(t *testing.T) {
	o, d := &told{}, &disk{}
	w := open(t, Config{Output: d, Told: o.tell})
	p, _ := w.Begin(t.Context(), read("1"))
	for range 2 {
		if err := shut(w); err != nil {
			t.Error(err)
		}
	}
	if err := w.Append(t.Context(), read("2")); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	p.End(Result{})
	if o.String() != "entries-lost 0" || w.Status().Lost != 2 {
		t.Errorf("%s, %+v", o, w.Status())
	}
	if lines := d.lines(); len(lines) != 2 {
		t.Error(lines)
	}
}

func TestCloseGivesUpOnADiskThatStaysFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, d := &told{}, &disk{write: full}
		w := open(t, Config{Output: d, Told: o.tell})
		_ = w.Append(t.Context(), read("1"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := w.Close(ctx); !errors.Is(err, ErrNotWritten) {
			t.Error(err)
		}
		synctest.Wait()
		if o.String() != "write-failed 0, entries-lost 1" {
			t.Error(o)
		}
		if err := shut(w); !errors.Is(err, errNoSpace) {
			t.Errorf("Close again: %v", err)
		}
	})
}

func TestAWriterIsNotMadeOfWhatCannotWork(t *testing.T) {
	for name, c := range map[string]Config{
		"has no output":             {Key: keyNow},
		"cannot be put on disk":     {Key: keyNow, Output: &strings.Builder{}, Required: true},
		"audit key's id":            {Key: Key{ID: "a b", Secret: keyNow.Secret}, Output: &disk{}},
		"has 5 bytes, and needs 32": {Key: Key{ID: "ab", Secret: []byte("short")}, Output: &disk{}},
	} {
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnOutputThatCannotBeSyncedServesWhereNothingIsRequired(t *testing.T) {
	var b strings.Builder
	anchors := &Memory{}
	w := open(t, Config{Output: &b, Anchors: anchors})
	_ = w.Append(t.Context(), read("1"))
	if err := shut(w); err != nil {
		t.Fatal(err)
	}
	if r := verify(t, VerifyConfig{Heads: heads(t, anchors), Complete: true}, b.String()); !r.OK() || r.Lines != 3 {
		t.Errorf("%+v", r)
	}
}
