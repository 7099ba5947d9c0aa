package totp

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatHasExpiredIsSweptAtTheStartAndEachHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.store.buckets["x"] = Bucket{Ends: w.now.Add(-time.Second)}
		var log bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		go w.KeepSwept(ctx, slog.New(slog.NewTextHandler(&log, nil)))
		change := func(f func()) { w.store.mu.Lock(); defer w.store.mu.Unlock(); f() }
		left := func(want int) {
			t.Helper()
			synctest.Wait()
			w.store.mu.Lock()
			defer w.store.mu.Unlock()
			if n := len(w.store.buckets); n != want {
				t.Errorf("%d buckets are left, want %d", n, want)
			}
		}
		left(0)
		change(func() { w.store.buckets["y"] = Bucket{Ends: w.now.Add(-time.Second)} })
		time.Sleep(sweepEvery - time.Second)
		left(1)
		change(func() { w.store.down = errors.New("the disk is full") })
		time.Sleep(time.Second)
		synctest.Wait()
		if !strings.Contains(log.String(), "the disk is full") {
			t.Errorf("the log says %q", log.String())
		}
		change(func() { w.store.down = nil })
		time.Sleep(sweepEvery)
		left(0)
		cancel()
		synctest.Wait()
	})
}
