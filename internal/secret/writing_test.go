package secret

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// writableSource can also be written.
type writableSource struct {
	fakeSource
	writes, busy, most atomic.Int64
	stall              bool
	answer             error
}

func (w *writableSource) Write(ctx context.Context, _ string, over Record, set map[string]Value) (Record, error) {
	w.writes.Add(1)
	w.most.Store(max(w.most.Load(), w.busy.Add(1)))
	defer w.busy.Add(-1)
	if w.stall {
		<-ctx.Done()
		return Record{}, errors.Join(ErrMaybeWritten, context.Cause(ctx))
	}
	time.Sleep(time.Second)
	if w.answer != nil {
		return Record{}, w.answer
	}
	w.set(func(f *fakeSource) { f.version, f.text = over.Version+1, set["secret"].Reveal() })
	return Record{Version: over.Version + 1, Fields: set}, nil
}

func (w *writableSource) History(_ context.Context, _ string, n int) ([]Record, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return []Record{{Version: w.version, Fields: map[string]Value{"secret": NewValue(w.text)}}}[:min(n, 1)], w.answer
}

func TestWhoUsesARecordIsToldRightAfterItWasWritten(t *testing.T) {
	source := &writableSource{fakeSource: fakeSource{version: 1, text: "one"}}
	started(t, source, quiet(), func(t *testing.T, s *Store) {
		var told []string
		defer s.Use("a", func(r Record) { told = append(told, r.Fields["secret"].Reveal()) })()
		after(2 * time.Second)
		over, err := s.Get("a")
		if err != nil {
			t.Fatal(err)
		}
		written, err := s.Write(t.Context(), "a", over, values(map[string]string{"secret": "two"}))
		if err != nil || written.Version != 2 || written.Path != "a" || written.ReadAt.IsZero() {
			t.Errorf("written: %+v, %v", written, err)
		}
		after(time.Second)
		if strings.Join(told, " ") != "one two" {
			t.Errorf("told %q", told)
		}
		if held, _ := s.Get("a"); held.Version != 2 || over.Fields["secret"].Reveal() != "one" {
			t.Errorf("it holds version %d", held.Version)
		}
	})
}

func TestARecordThatNobodyUsesIsWrittenAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &writableSource{fakeSource: fakeSource{version: 4, text: "one"}}
		s := NewStore("vault", source, quiet())
		if _, err := s.Write(t.Context(), "a", Record{Version: 4}, values(map[string]string{"secret": "two"})); err != nil {
			t.Error(err)
		}
		if all, err := s.History(t.Context(), "a", 5); err != nil || len(all) != 1 || all[0].Version != 5 || all[0].Path != "a" || all[0].ReadAt.IsZero() {
			t.Errorf("history %+v, %v", all, err)
		}
		if err := s.CanWrite(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		if source.count() != 0 {
			t.Errorf("%d readings", source.count())
		}
	})
}

func TestASourceThatOnlyReadsSaysSo(t *testing.T) {
	s := NewStore("vault", &fakeSource{}, quiet())
	_, err := s.Write(t.Context(), "a", Record{}, values(map[string]string{"secret": "x"}))
	_, second := s.History(t.Context(), "a", 5)
	for _, err := range []error{err, second, s.CanWrite(t.Context(), "a")} {
		if !errors.Is(err, ErrReadOnly) || !strings.Contains(err.Error(), `secret store "vault", record "a"`) {
			t.Errorf("error %v", err)
		}
	}
}

func TestNoErrorOfAWritingShowsWhatWasWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(strings.Builder)
		options := quiet()
		options.Logger = slog.New(slog.NewTextHandler(log, nil))
		source := &writableSource{answer: errors.Join(ErrUnavailable, errors.New("library says "+planted+" and other-content"))}
		s := NewStore("vault", source, options)
		over := Record{Version: 1, Fields: values(map[string]string{"secret": "other-content"})}
		_, err := s.Write(t.Context(), "a", over, values(map[string]string{"secret": planted}))
		if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "library says [redacted] and [redacted]") {
			t.Errorf("error %v", err)
		}
		source.answer = nil
		if _, err := s.Write(t.Context(), "a", over, values(map[string]string{"secret": planted})); err != nil {
			t.Error(err)
		}
		if !strings.Contains(log.String(), "secret record written") || strings.Contains(log.String(), planted) {
			t.Errorf("the log:\n%s", log)
		}
	})
}

func TestAfterAWritingWhoseEndIsUnknownTheRecordIsRead(t *testing.T) {
	for _, kind := range []error{ErrMaybeWritten, ErrChanged} {
		source := &writableSource{fakeSource: fakeSource{version: 1}, answer: kind}
		started(t, source, quiet(), func(t *testing.T, s *Store) {
			defer s.Use("a", nil)()
			after(0)
			if _, err := s.Write(t.Context(), "a", Record{}, values(map[string]string{"secret": "x"})); !errors.Is(err, kind) {
				t.Errorf("error %v, want %v", err, kind)
			}
			after(time.Second)
			if source.count() != 2 {
				t.Errorf("%v: %d readings, want 2", kind, source.count())
			}
		})
	}
}

func TestWritersTakeTurnsAndNoneHoldsUpTheOthersForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &writableSource{stall: true}
		s := NewStore("vault", source, quiet())
		begun := time.Now()
		errs := make(chan error)
		for range 3 {
			go func() {
				_, err := s.Write(t.Context(), "a", Record{}, values(map[string]string{"secret": "x"}))
				errs <- err
			}()
		}
		for range 3 {
			if err := <-errs; !errors.Is(err, ErrDown) {
				t.Errorf("error %v", err)
			}
		}
		if took := time.Since(begun); took != writeTimeout || source.most.Load() != 1 {
			t.Errorf("it took %s, with %d at once", took, source.most.Load())
		}
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Write(soon, "a", Record{}, values(map[string]string{"secret": "x"})); err == nil || time.Since(begun) != writeTimeout+time.Second {
			t.Errorf("its caller gave up: %v after %s", err, time.Since(begun))
		}
	})
}

func TestFieldsThatNoStoreWouldGiveBackAreNotWritten(t *testing.T) {
	source := &writableSource{}
	s := NewStore("vault", source, quiet())
	for want, set := range map[string]map[string]string{
		"there is no field to write":                              {},
		"a field without a name":                                  {"": "x", "s": "y"},
		`field "s" cannot be written: its text is no whole UTF-8`: {"a": "x", "s": planted + "\xff"},
		`cannot be written: its name is no whole UTF-8`:           {"s\xff": "x"},
	} {
		_, err := s.Write(t.Context(), "a", Record{}, values(set))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), planted) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	if source.writes.Load() != 0 {
		t.Error("the source was asked")
	}
}
