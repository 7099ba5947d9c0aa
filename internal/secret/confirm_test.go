package secret

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestConfirmTellsWhatTheSourceGivesNowAndNotWhatIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &fakeSource{version: 7, text: "x"}
		s := NewStore("vault", source, Options{})
		s.Start(context.Background())
		defer s.Stop()
		defer s.Use("db/main", nil)()
		if record, err := s.Confirm(t.Context(), "db/main"); err != nil || record.Version != 7 {
			t.Errorf("at first: %+v, %v", record, err)
		}
		for _, down := range []error{ErrNotFound, fmt.Errorf("%w: sealed", ErrDown)} {
			source.set(func(f *fakeSource) { f.err = down })
			for range 3 {
				if _, err := s.Confirm(t.Context(), "db/main"); !errors.Is(err, down) {
					t.Errorf("%v: %v", down, err)
				}
			}
			if _, err := s.Get("db/main"); err != nil {
				t.Errorf("what is known is gone: %v", err)
			}
		}
		source.set(func(f *fakeSource) { f.err, f.version = nil, 8 })
		if record, err := s.Confirm(t.Context(), "db/main"); err != nil || record.Version != 8 {
			t.Errorf("when it is back: %+v, %v", record, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 0)
		defer cancel()
		time.Sleep(time.Millisecond)
		if _, err := s.Confirm(ctx, "db/main"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("out of time: %v", err)
		}
		if _, err := s.Confirm(t.Context(), "db/none"); !errors.Is(err, ErrNotInUse) || !strings.Contains(err.Error(), "db/none") {
			t.Errorf("not in use: %v", err)
		}
	})
}
