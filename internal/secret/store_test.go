package secret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// fakeSource serves one content for every path, and counts.
type fakeSource struct {
	mu      sync.Mutex
	version uint64
	// revision is for a source that knows one.
	revision string
	text     string
	err      error
	delay    time.Duration

	reads, flying, most, perPathMost int
	paths                            map[string]int
	begins                           []time.Time
}

func (f *fakeSource) set(change func(*fakeSource)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *fakeSource) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reads
}

func (f *fakeSource) Read(ctx context.Context, path string) (Record, error) {
	f.mu.Lock()
	if f.paths == nil {
		f.paths = map[string]int{}
	}
	f.reads++
	f.flying++
	f.paths[path]++
	f.most, f.perPathMost = max(f.most, f.flying), max(f.perPathMost, f.paths[path])
	f.begins = append(f.begins, time.Now())
	delay := f.delay
	f.mu.Unlock()
	defer f.set(func(f *fakeSource) { f.flying--; f.paths[path]-- })
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return Record{}, ctx.Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return Record{Version: f.version, Revision: f.revision, Fields: map[string]Value{"secret": NewValue(f.text)}}, f.err
}

// revisedSource can also tell a revision alone.
type revisedSource struct {
	fakeSource
	looks atomic.Int64
}

func (v *revisedSource) Revision(context.Context, string) (string, error) {
	v.looks.Add(1)
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.revision, v.err
}

func quiet() Options {
	return Options{Logger: slog.New(slog.DiscardHandler), Rand: func() float64 { return 0.5 }}
}

// oneProcessor is for a bubble of synctest: the race detector crashes when two processors run timers of one bubble at the
// same time (https://go.dev/issue/78156), and a thousand records have a thousand timers.
func oneProcessor(t *testing.T) {
	t.Helper()
	before := runtime.GOMAXPROCS(1)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

// started runs test in a bubble with a running store of the source.
func started(t *testing.T, source Source, options Options, test func(t *testing.T, s *Store)) {
	t.Helper()
	oneProcessor(t)
	synctest.Test(t, func(t *testing.T) {
		s := NewStore("vault", source, options)
		s.Start(t.Context())
		defer s.Stop()
		test(t, s)
	})
}

// after lets the time pass and everything that is due happen.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestNothingIsReadBeforeStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &fakeSource{version: 1}
		s := NewStore("vault", source, quiet())
		defer s.Use("a", nil)()
		s.Refresh("a")
		after(time.Hour)
		if source.count() != 0 {
			t.Fatalf("%d readings before Start", source.count())
		}
		if _, err := s.Get("a"); !errors.Is(err, ErrPending) {
			t.Errorf("Get before the first reading: %v", err)
		}
		s.Start(t.Context())
		s.Start(t.Context())
		defer s.Stop()
		synctest.Wait()
		if record, err := s.Get("a"); err != nil || record.Version != 1 || record.Path != "a" {
			t.Errorf("Get after Start: %+v, %v", record, err)
		}
	})
}

func TestOnlyRecordsInUseAreRead(t *testing.T) {
	source := &fakeSource{version: 1}
	started(t, source, quiet(), func(t *testing.T, s *Store) {
		first, second := s.Use("a", nil), s.Use("a", nil)
		after(0)
		first()
		first()
		after(15 * time.Second)
		if source.count() != 2 {
			t.Errorf("%d readings with one of two users left, want 2", source.count())
		}
		second()
		after(time.Hour)
		if source.count() != 2 {
			t.Errorf("%d readings, want none after the last release", source.count())
		}
		if _, err := s.Get("a"); !errors.Is(err, ErrNotInUse) {
			t.Errorf("Get after release: %v", err)
		}
		if _, err := s.Wait(t.Context(), "a"); !errors.Is(err, ErrNotInUse) {
			t.Errorf("Wait after release: %v", err)
		}
	})
}

func TestAPollOfASourceWithRevisionsReadsTheRecordOnlyWhenTheRevisionDiffers(t *testing.T) {
	source := &revisedSource{fakeSource: fakeSource{version: 1, revision: "1 monday", text: "one"}}
	started(t, source, quiet(), func(t *testing.T, s *Store) {
		defer s.Use("a", nil)()
		after(150 * time.Second)
		if reads, looks := source.count(), source.looks.Load(); reads != 1 || looks != 10 {
			t.Errorf("%d readings and %d looks in ten polls, want 1 and 10", reads, looks)
		}
		// A store restored from a backup and written to again: the number is the same, the content is not.
		source.set(func(f *fakeSource) { f.revision, f.text = "1 tuesday", "two" })
		after(15 * time.Second)
		record, err := s.Get("a")
		if err != nil || record.Version != 1 || record.Fields["secret"].Reveal() != "two" || source.count() != 2 {
			t.Errorf("after a change: %+v, %v, %d readings", record, err, source.count())
		}
	})
}

func TestANewRevisionOfTheSameContentIsReadOnceAndToldToNobody(t *testing.T) {
	source := &revisedSource{fakeSource: fakeSource{version: 1, revision: "1 monday"}}
	started(t, source, quiet(), func(t *testing.T, s *Store) {
		notified := 0
		defer s.Use("a", func(Record) { notified++ })()
		after(0)
		source.set(func(f *fakeSource) { f.revision = "1 tuesday" })
		after(150 * time.Second)
		if source.count() != 2 || notified != 1 {
			t.Errorf("%d readings, %d notifications; want 2 and 1", source.count(), notified)
		}
	})
}

func TestASourceThatCannotTellTheRevisionIsReadAtEachPoll(t *testing.T) {
	source := &revisedSource{fakeSource: fakeSource{version: 1}}
	started(t, source, quiet(), func(t *testing.T, s *Store) {
		defer s.Use("a", nil)()
		after(150 * time.Second)
		if source.count() != 11 {
			t.Errorf("%d readings in ten polls after the first, want 11", source.count())
		}
	})
}

func TestARefreshReadsTheWholeRecordAlsoWhenItsFirstTryFails(t *testing.T) {
	source := &revisedSource{fakeSource: fakeSource{version: 1, revision: "1"}}
	started(t, source, quiet(), func(t *testing.T, s *Store) {
		defer s.Use("a", nil)()
		after(5 * time.Second)
		source.set(func(f *fakeSource) { f.err = ErrNotFound })
		s.Refresh("a")
		after(0)
		source.set(func(f *fakeSource) { f.err, f.text = nil, "written under the same revision" })
		after(2 * time.Second)
		if record, _ := s.Get("a"); record.Fields["secret"].Reveal() == "" {
			t.Error("the second try trusted the revision")
		}
	})
}

func TestARefreshReadsTheWholeRecordThoughTheRevisionIsTheSame(t *testing.T) {
	source := &revisedSource{fakeSource: fakeSource{version: 1, revision: "1", text: "one"}}
	started(t, source, quiet(), func(t *testing.T, s *Store) {
		defer s.Use("a", nil)()
		after(5 * time.Second)
		source.set(func(f *fakeSource) { f.text = "restored and written anew" })
		s.Refresh("a")
		synctest.Wait()
		if record, _ := s.Get("a"); record.Fields["secret"].Reveal() == "one" {
			t.Error("the refresh trusted the revision")
		}
	})
}

func TestPollsAreSpreadByTwentyPercent(t *testing.T) {
	for draw, want := range map[float64]time.Duration{0: 12 * time.Second, 0.5: 15 * time.Second, 1: 18 * time.Second} {
		source := &fakeSource{version: 1}
		options := quiet()
		options.Rand = func() float64 { return draw }
		started(t, source, options, func(t *testing.T, s *Store) {
			defer s.Use("a", nil)()
			after(want - 1)
			if source.count() != 1 {
				t.Errorf("draw %v: polled before %s", draw, want)
			}
			after(1)
			if source.count() != 2 {
				t.Errorf("draw %v: not polled at %s", draw, want)
			}
		})
	}
}

func TestARefusalStormCostsOneReadingASecond(t *testing.T) {
	source := &fakeSource{version: 1, delay: 300 * time.Millisecond}
	started(t, source, quiet(), func(t *testing.T, s *Store) {
		defer s.Use("a", nil)()
		after(5 * time.Second)
		before := source.count()
		for range 4999 { // 5 s of a thousand refusals a second
			s.Refresh("a")
			after(time.Millisecond)
		}
		if n := source.count() - before; n != 5 {
			t.Errorf("%d readings in 5 s, want 5", n)
		}
		after(2 * time.Second)
		if n := source.count() - before; n != 6 {
			t.Errorf("%d readings, want the one that was queued and no more", n)
		}
		if source.perPathMost != 1 {
			t.Errorf("%d readings of one path at once", source.perPathMost)
		}
	})
}

func TestARefreshDoesNotQueueBehindThePollsOfOtherRecords(t *testing.T) {
	source := &fakeSource{version: 1, delay: 5 * time.Second}
	started(t, source, quiet(), func(t *testing.T, s *Store) {
		for i := range 100 {
			defer s.Use(fmt.Sprint(i), nil)()
		}
		defer s.Use("refused", nil)()
		synctest.Wait()
		s.Refresh("refused")
		after(6 * time.Second)
		if _, err := s.Get("refused"); err != nil {
			t.Errorf("after one reading's time: %v", err)
		}
	})
}

func TestAThousandRecordsAreReadAFewAtATime(t *testing.T) {
	source := &fakeSource{version: 1, delay: 10 * time.Millisecond}
	started(t, source, quiet(), func(t *testing.T, s *Store) {
		for i := range 1000 {
			defer s.Use(fmt.Sprint(i), nil)()
		}
		after(10 * time.Second)
		if source.most != readsAtOnce || source.count() != 1000 {
			t.Errorf("%d at once, %d in all; want %d and 1000", source.most, source.count(), readsAtOnce)
		}
	})
}

func TestTheLastKnownValueServesForMaxStaleAfterTheLastGoodReading(t *testing.T) {
	source := &revisedSource{fakeSource: fakeSource{version: 7}}
	started(t, source, quiet(), func(t *testing.T, s *Store) {
		defer s.Use("db/main", nil)()
		after(10 * time.Minute) // looks at the revision keep the value fresh; the last is at 10:00
		source.set(func(f *fakeSource) { f.err = fmt.Errorf("%w: sealed", ErrUnavailable) })
		after(time.Hour)
		if record, err := s.Get("db/main"); err != nil || record.Version != 7 {
			t.Errorf("at max_stale: %+v, %v", record, err)
		}
		if status := s.Status()[0]; status.Stale || status.Age != time.Hour || !strings.Contains(status.LastError, "sealed") {
			t.Errorf("status at max_stale: %+v", status)
		}
		after(time.Second)
		_, err := s.Get("db/main")
		if !errors.Is(err, ErrStale) || !errors.Is(err, ErrUnavailable) {
			t.Fatalf("past max_stale: %v", err)
		}
		for _, part := range []string{`"vault"`, `"db/main"`, "last read at 2000-01-01T", "sealed"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("the error %q does not name %s", err, part)
			}
		}
		source.set(func(f *fakeSource) { f.err = nil })
		after(20 * time.Second)
		if _, err := s.Get("db/main"); err != nil {
			t.Errorf("when the source is back: %v", err)
		}
	})
}

func TestAStoppedStoreServesUntilMaxStale(t *testing.T) {
	started(t, &fakeSource{version: 1}, quiet(), func(t *testing.T, s *Store) {
		defer s.Use("a", nil)()
		synctest.Wait()
		s.Stop()
		after(time.Hour)
		if _, err := s.Get("a"); err != nil {
			t.Errorf("after an hour: %v", err)
		}
		after(1)
		if _, err := s.Get("a"); !errors.Is(err, ErrStale) {
			t.Errorf("after more than an hour: %v", err)
		}
		s.Start(t.Context())
		synctest.Wait()
		if _, err := s.Get("a"); err != nil {
			t.Errorf("started again: %v", err)
		}
	})
}

func TestAFirstReadingThatFailsIsTriedAgainSoonerThanAPoll(t *testing.T) {
	source := &fakeSource{err: fmt.Errorf("%w: no such thing", ErrNotFound)}
	started(t, source, quiet(), func(t *testing.T, s *Store) {
		defer s.Use("a", nil)()
		after(45 * time.Second)
		if _, err := s.Get("a"); !errors.Is(err, ErrNotFound) || errors.Is(err, ErrStale) {
			t.Errorf("Get: %v", err)
		}
		begin := source.begins[0]
		for i, want := range []time.Duration{0, 1, 3, 7, 15, 30, 45} {
			if got := source.begins[i].Sub(begin); got != want*time.Second {
				t.Errorf("reading %d came at %s, want %ds", i, got, want)
			}
		}
		if status := s.Status()[0]; !status.Stale || status.Age != 0 || status.Version != 0 || status.LastError == "" {
			t.Errorf("status: %+v", status)
		}
	})
}

func TestAStalledSourceIsGivenUpAndAskedAgain(t *testing.T) {
	source := &fakeSource{version: 1, delay: 24 * time.Hour}
	started(t, source, quiet(), func(t *testing.T, s *Store) {
		defer s.Use("a", nil)()
		after(readTimeout)
		if _, err := s.Get("a"); !errors.Is(err, ErrUnavailable) {
			t.Errorf("after the time limit: %v", err)
		}
		source.set(func(f *fakeSource) { f.delay = 0 })
		after(time.Second) // from the end of the reading that was given up
		if _, err := s.Get("a"); err != nil {
			t.Errorf("when it answers again: %v", err)
		}
	})
}

func TestWaitEndsWithTheFirstReadingOrItsCallersDeadline(t *testing.T) {
	source := &fakeSource{version: 3, delay: 2 * time.Second}
	started(t, source, quiet(), func(t *testing.T, s *Store) {
		defer s.Use("a", nil)()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Wait(short, "a"); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrPending) {
			t.Errorf("at the deadline: %v", err)
		}
		if record, err := s.Wait(t.Context(), "a"); err != nil || record.Version != 3 {
			t.Errorf("after the reading: %+v, %v", record, err)
		}
	})
}

func TestSettingsChangeWhileTheStoreRuns(t *testing.T) {
	source := &fakeSource{version: 1}
	started(t, source, quiet(), func(t *testing.T, s *Store) {
		defer s.Use("a", nil)()
		after(10 * time.Second)
		faster := quiet()
		faster.Poll, faster.MaxStale = 5*time.Second, 8*time.Second
		s.Configure(faster)
		synctest.Wait()
		if source.count() != 2 {
			t.Errorf("%d readings: the shorter poll does not hold for the reading that was due", source.count())
		}
		source.set(func(f *fakeSource) { f.err = ErrUnavailable })
		after(9 * time.Second)
		if _, err := s.Get("a"); !errors.Is(err, ErrStale) {
			t.Errorf("the shorter max_stale does not hold: %v", err)
		}
		s.Configure(quiet())
		if _, err := s.Get("a"); err != nil {
			t.Errorf("the longer max_stale does not hold: %v", err)
		}
	})
}

func TestStopEndsAReadingThatIsUnderWay(t *testing.T) {
	source := &fakeSource{version: 1, delay: time.Second}
	started(t, source, quiet(), func(t *testing.T, s *Store) {
		defer s.Use("a", nil)()
		synctest.Wait()
		begin := time.Now()
		s.Stop()
		if waited := time.Since(begin); waited != 0 {
			t.Errorf("Stop waited %s for a reading", waited)
		}
		if _, err := s.Get("a"); !errors.Is(err, ErrPending) {
			t.Errorf("a reading that was cut off counts as one: %v", err)
		}
	})
}

func TestTheLogTellsChangesFailuresAndRecoveriesOnce(t *testing.T) {
	var out bytes.Buffer
	options := quiet()
	options.Logger = slog.New(slog.NewTextHandler(&out, nil))
	source := &fakeSource{version: 1, text: planted}
	started(t, source, options, func(t *testing.T, s *Store) {
		defer s.Use("a", nil)()
		after(time.Minute)
		source.set(func(f *fakeSource) { f.err = fmt.Errorf("%w: quoted %s\nand more", ErrUnavailable, planted) })
		after(2 * time.Hour)
		source.set(func(f *fakeSource) { f.err = nil })
		after(time.Minute)
		s.Stop()
		for message, want := range map[string]int{
			"secret record read": 1, "cannot be read": 1, "too old to be used": 1, "can be read again": 1,
		} {
			if n := strings.Count(out.String(), message); n != want {
				t.Errorf("%q is logged %d times, want %d", message, n, want)
			}
		}
		if leaks(out.String()) {
			t.Error("the log shows a field's content")
		}
	})
}
