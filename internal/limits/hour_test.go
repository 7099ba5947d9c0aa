package limits

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestAnHourHasNoMoreThanItsMostAndComesBack(t *testing.T) {
	var h Hours
	now := time.Date(2026, 11, 27, 12, 0, 59, 0, time.UTC)
	for n := range 5 {
		if wait, _, ok := h.Take(now, Share{"a", 3}); ok != (n < 3) || !ok && wait != time.Hour+time.Second {
			t.Errorf("%d: %v %v", n, ok, wait)
		}
	}
	if _, _, ok := h.Take(now, Share{"b", 1}); !ok {
		t.Error("one keeps another from it")
	}
	if wait, _, ok := h.Take(now.Add(time.Hour), Share{"a", 3}); ok || wait != time.Second {
		t.Errorf("after an hour: %v %v", ok, wait)
	}
	if _, _, ok := h.Take(now.Add(time.Hour+time.Second), Share{"a", 3}); !ok {
		t.Error("it does not come back")
	}
}

func TestOfSeveralSharesAllMustHaveRoomOrNoneIsCounted(t *testing.T) {
	var h Hours
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	own, other, all := Share{"own", 2}, Share{"other", 2}, Share{"all", 3}
	for n, want := range []bool{true, true, false, false} {
		if _, full, ok := h.Take(now, own, all); ok != want || !ok && full != own {
			t.Errorf("%d: %v, %v", n, ok, full)
		}
	}
	for n, want := range []bool{true, false} {
		if _, full, ok := h.Take(now, other, all); ok != want || !ok && full != all {
			t.Errorf("%d: %v, %v", n, ok, full)
		}
	}
	if _, _, ok := h.Take(now, Share{"other", 2}); !ok {
		t.Error("what was refused was counted")
	}
}

// TestModelHours: whatever is done when, no sixty minutes have more than the most; who waits as long as he is told gets it; and what was
// done more than 61 minutes ago keeps nobody from it.
func TestModelHours(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h Hours
		most := rapid.IntRange(1, 5).Draw(t, "most")
		now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 59).Draw(t, "at")) * time.Second)
		var done []time.Time
		since := func(d time.Duration) int {
			n := 0
			for _, at := range slices.Backward(done) {
				if now.Sub(at) < d {
					n++
				}
			}
			return n
		}
		t.Repeat(map[string]func(*rapid.T){
			"take": func(t *rapid.T) {
				wait, _, ok := h.Take(now, Share{"x", most})
				if !ok {
					if since(61*time.Minute) < most {
						t.Fatalf("refused, with %d in the last 61 minutes", since(61*time.Minute))
					}
					now = now.Add(wait)
					if _, _, ok = h.Take(now, Share{"x", most}); !ok {
						t.Fatalf("refused after the wait of %v", wait)
					}
				}
				if since(time.Hour) >= most {
					t.Fatalf("one more than %d in an hour", most)
				}
				done = append(done, now)
			},
			"time": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(1, 40*60).Draw(t, "seconds")) * time.Second)
			},
		})
	})
}
