package secret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var errSealed = fmt.Errorf("%w: Vault is sealed", ErrDown)

// useAll has a store use so many records until the test ends.
func useAll(t *testing.T, s *Store, records int) {
	t.Helper()
	for i := range records {
		t.Cleanup(s.Use(fmt.Sprint(i), nil))
	}
}

func fresh(s *Store) (n int) {
	for _, status := range s.Status() {
		if !status.Stale && status.LastError == "" {
			n++
		}
	}
	return n
}

func TestADownSourceIsOneThatIsUnavailable(t *testing.T) {
	if !errors.Is(errSealed, ErrUnavailable) || errors.Is(ErrUnavailable, ErrDown) {
		t.Error("ErrDown must be an ErrUnavailable, and not the other way round")
	}
}

func TestADownSourceIsAskedAsSeldomForAThousandRecordsAsForOne(t *testing.T) {
	for _, records := range []int{1, 1000} {
		source := &revisedSource{fakeSource: fakeSource{version: 1, err: errSealed}}
		started(t, source, quiet(), func(t *testing.T, s *Store) {
			useAll(t, s, records)
			synctest.Wait()
			first := source.count() // as many as there are slots, for none knew of the others
			if first > readsAtOnce {
				t.Errorf("%d records: %d readings at once", records, first)
			}
			after(45 * time.Second)
			var at []time.Duration
			for _, begin := range source.begins[first:] {
				at = append(at, begin.Sub(source.begins[0]))
			}
			if want := []time.Duration{1e9, 3e9, 7e9, 15e9, 30e9, 45e9}; !slices.Equal(at, want) {
				t.Errorf("%d records: asked after %v, want %v", records, at, want)
			}
			if n := len(s.Status()); n != records || fresh(s) != 0 {
				t.Errorf("%d of %d records are fresh", fresh(s), n)
			}
		})
	}
}

func TestAFirstReadingIsNotWaitedForWhileTheSourceIsDown(t *testing.T) {
	source := &fakeSource{err: errSealed}
	started(t, source, quiet(), func(t *testing.T, s *Store) {
		useAll(t, s, 50)
		begin := time.Now()
		_, err := s.Wait(t.Context(), "49")
		if !errors.Is(err, ErrDown) || !strings.Contains(err.Error(), "sealed") || time.Since(begin) != 0 {
			t.Errorf("after %s: %v", time.Since(begin), err)
		}
	})
}

func TestWhenASourceIsBackAllRecordsAreFreshAFewAtATime(t *testing.T) {
	source := &revisedSource{fakeSource: fakeSource{version: 1, revision: "1"}}
	started(t, source, quiet(), func(t *testing.T, s *Store) {
		useAll(t, s, 1000)
		after(time.Minute)
		source.set(func(f *fakeSource) { f.err = errSealed })
		after(10 * time.Minute)
		if fresh(s) != 0 {
			t.Fatalf("%d records are called fresh", fresh(s))
		}
		source.set(func(f *fakeSource) { f.err, f.delay, f.most = nil, time.Millisecond, 0 })
		before := source.looks.Load()
		after(15*time.Second + time.Second)
		if n := fresh(s); n != 1000 {
			t.Errorf("%d of 1000 records are fresh", n)
		}
		if n := source.looks.Load() - before; n > 1010 {
			t.Errorf("it took %d looks", n)
		}
		if source.most > readsAtOnce {
			t.Errorf("%d readings at once", source.most)
		}
	})
}

func TestRefreshesOfAThousandRecordsAskADownSourceOnceASecond(t *testing.T) {
	source := &revisedSource{fakeSource: fakeSource{version: 1, revision: "1"}}
	started(t, source, quiet(), func(t *testing.T, s *Store) {
		useAll(t, s, 1000)
		after(time.Minute)
		source.set(func(f *fakeSource) { f.err = errSealed })
		after(time.Minute)
		before := source.count() + int(source.looks.Load())
		for range 100 { // 10 s of refusals everywhere
			for i := range 1000 {
				s.Refresh(fmt.Sprint(i))
			}
			after(100 * time.Millisecond)
		}
		if n := source.count() + int(source.looks.Load()) - before; n < 9 || n > 11 {
			t.Errorf("asked %d times in 10 s, want once a second", n)
		}
		reads := source.count()
		source.set(func(f *fakeSource) { f.err, f.text = nil, "written under the same revision" })
		after(16 * time.Second)
		if n := source.count() - reads; n != 1000 {
			t.Errorf("%d records were read whole when the source was back, want all that a refresh was wanted for", n)
		}
	})
}

func TestASourceThatStallsIsDown(t *testing.T) {
	source := &fakeSource{version: 1}
	started(t, source, quiet(), func(t *testing.T, s *Store) {
		useAll(t, s, 100)
		after(time.Second)
		source.set(func(f *fakeSource) { f.delay = 24 * time.Hour })
		before := source.count()
		after(30 * time.Second)
		if n := source.count() - before; n > readsAtOnce+3 {
			t.Errorf("%d readings of a source that stalls", n)
		}
		if status := s.Status()[99]; fresh(s) != 0 || !strings.Contains(status.LastError, "no answer within 10s") {
			t.Errorf("%d fresh, status %+v", fresh(s), status)
		}
		source.set(func(f *fakeSource) { f.delay = 0 })
		after(26 * time.Second) // a reading that stalls, and a pause
		if fresh(s) != 100 {
			t.Errorf("%d of 100 are fresh when it answers again", fresh(s))
		}
	})
}

// partlyDown fails for one record alone.
type partlyDown struct{ fakeSource }

func (p *partlyDown) Read(ctx context.Context, path string) (Record, error) {
	record, err := p.fakeSource.Read(ctx, path)
	if path == "3" {
		err = errSealed
	}
	return record, err
}

func TestOneRecordThatMistakesItsTroubleForTheSourcesHarmsNoOther(t *testing.T) {
	source := new(partlyDown)
	started(t, source, quiet(), func(t *testing.T, s *Store) {
		useAll(t, s, 10)
		after(10 * time.Minute)
		if n := fresh(s); n != 9 {
			t.Errorf("%d of 10 are fresh", n)
		}
		// Ten records in forty polls, and for each poll of the bad one as many again at most.
		if n := source.count(); n > 810 {
			t.Errorf("%d readings", n)
		}
	})
}

func TestAReadingThatIsCutOffWhileItAsksForAllIsNotWaitedForForEver(t *testing.T) {
	source := &fakeSource{err: errSealed}
	started(t, source, quiet(), func(t *testing.T, s *Store) {
		release := s.Use("a", nil)
		after(500 * time.Millisecond)
		source.set(func(f *fakeSource) { f.err, f.delay = nil, 5*time.Second })
		after(time.Second)
		defer s.Use("b", nil)()
		release()
		after(20 * time.Second)
		if _, err := s.Get("b"); err != nil {
			t.Errorf("b: %v", err)
		}
	})
}

func TestReadingsThatWereUnderWayWhenASourceWentDownCountOnce(t *testing.T) {
	source := &fakeSource{err: errSealed, delay: 10 * time.Millisecond}
	started(t, source, quiet(), func(t *testing.T, s *Store) {
		useAll(t, s, 100)
		after(500 * time.Millisecond)
		if source.count() != readsAtOnce {
			t.Fatalf("%d readings", source.count())
		}
		source.set(func(f *fakeSource) { f.err = nil })
		after(time.Second) // four failures in a row would be a pause of eight
		if n := fresh(s); n != 100 {
			t.Errorf("%d of 100 are fresh", n)
		}
	})
}

func TestTheLogTellsAnOutageOnceForAllRecords(t *testing.T) {
	var out bytes.Buffer
	options := quiet()
	options.Logger = slog.New(slog.NewTextHandler(&out, nil))
	source := &fakeSource{version: 1}
	started(t, source, options, func(t *testing.T, s *Store) {
		useAll(t, s, 20)
		after(time.Minute)
		source.set(func(f *fakeSource) { f.err = errSealed })
		after(30 * time.Minute)
		source.set(func(f *fakeSource) { f.err = fmt.Errorf("%w: unreachable", ErrDown) })
		after(90 * time.Minute)
		source.set(func(f *fakeSource) { f.err = nil })
		after(time.Minute)
		s.Stop()
		for message, want := range map[string]int{
			"secret store cannot be read": 2, "sealed": 1, "secret store can be read again": 1,
			"secret record cannot be read": 0, "secret record is too old to be used": 20, "secret record can be read again": 20,
		} {
			if n := strings.Count(out.String(), message); n != want {
				t.Errorf("%q is logged %d times, want %d", message, n, want)
			}
		}
	})
}
