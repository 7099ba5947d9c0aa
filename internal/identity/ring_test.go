package identity

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func every(string) bool { return true }

var dawn = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// holder is whose a key is; "?" where it is disputed.
func holder(r *Ring[string], h Hash, counts func(string) bool) string {
	record, found, disputed := r.Find(h, counts)
	if disputed && !found {
		return "?"
	}
	return record
}

func TestAKeyIsTheRecordsThatHadItFirst(t *testing.T) {
	var r Ring[string]
	h, other := Hash{1}, Hash{2}
	r.Set("one", []Hash{h}, dawn)
	r.Set("two", []Hash{h, other}, dawn.Add(together))
	if got := holder(&r, h, every); got != "one" {
		t.Errorf("%s has it", got)
	}
	if got := holder(&r, h, func(name string) bool { return name != "one" }); got != "two" {
		t.Errorf("where one does not count, %s has it", got)
	}
	r.Set("one", []Hash{h, other}, dawn.Add(time.Hour))
	if got := holder(&r, h, every); got != "one" {
		t.Errorf("after a change that is none, %s has it", got)
	}
	if got := holder(&r, other, every); got != "two" {
		t.Errorf("%s has two's", got)
	}
	if passed := r.Set("one", nil, dawn); !slices.Equal(passed, []Hash{h}) {
		t.Errorf("passed on: %v", passed)
	}
	if got := holder(&r, h, every); got != "two" {
		t.Errorf("when one gave it up, %s has it", got)
	}
	if passed := r.Set("two", nil, dawn); passed != nil {
		t.Errorf("passed on to nobody: %v", passed)
	}
	if len(r.claims) != 0 || len(r.hashes) != 0 {
		t.Errorf("left over: %v, %v", r.claims, r.hashes)
	}
}

// When a process starts, which record is read first is chance: a restart must not give a key to another.
func TestAKeyThatTwoClaimAtOnceIsNeithers(t *testing.T) {
	var r Ring[string]
	h := Hash{1}
	r.Set("one", []Hash{h}, dawn)
	r.Set("two", []Hash{h}, dawn.Add(together-1))
	if got := holder(&r, h, every); got != "?" {
		t.Errorf("%q has it", got)
	}
	r.Set("one", nil, dawn.Add(time.Hour))
	if got := holder(&r, h, every); got != "two" {
		t.Errorf("when one gave it up, %q has it", got)
	}
}

// TestARingDoesWhatAListOfAllClaimsWould compares it with one that keeps every claim in one list.
func TestARingDoesWhatAListOfAllClaimsWould(t *testing.T) {
	type entry struct {
		record string
		hash   Hash
		at     time.Time
	}
	rapid.Check(t, func(t *rapid.T) {
		var r Ring[string]
		var list []entry
		of := func(h Hash) (all []entry) {
			return slices.DeleteFunc(slices.Clone(list), func(e entry) bool { return e.hash != h })
		}
		now := dawn
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(rapid.SampledFrom([]time.Duration{0, together - 1, together}).Draw(t, "pause"))
			record := rapid.SampledFrom([]string{"one", "two", "three"}).Draw(t, "record")
			hashes := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) Hash { return Hash{rapid.Byte().Draw(t, "hash") % 4} }), 0, 4, rapid.ID).Draw(t, "hashes")
			var gaveUp []Hash
			for b := range byte(4) {
				if all := of(Hash{b}); len(all) > 1 && all[0].record == record && !slices.Contains(hashes, Hash{b}) {
					gaveUp = append(gaveUp, Hash{b})
				}
			}
			list = slices.DeleteFunc(list, func(e entry) bool { return e.record == record && !slices.Contains(hashes, e.hash) })
			for _, h := range hashes {
				if !slices.ContainsFunc(list, func(e entry) bool { return e.record == record && e.hash == h }) {
					list = append(list, entry{record, h, now})
				}
			}
			passed := r.Set(record, hashes, now)
			if slices.SortFunc(passed, func(a, b Hash) int { return int(a[0]) - int(b[0]) }); !slices.Equal(passed, gaveUp) {
				t.Fatalf("passed %v, want %v", passed, gaveUp)
			}
			for b := range byte(4) {
				want := ""
				switch all := of(Hash{b}); {
				case len(all) > 1 && all[1].at.Sub(all[0].at) < together:
					want = "?"
				case len(all) > 0:
					want = all[0].record
				}
				if got := holder(&r, Hash{b}, every); got != want {
					t.Fatalf("%v is %q's, want %q", b, got, want)
				}
			}
		}
	})
}

// BenchmarkRing: with 10,000 records, neither a look-up nor a change costs more than with ten.
func BenchmarkRing(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		var r Ring[int]
		for i := range n {
			r.Set(i, []Hash{{byte(i), byte(i >> 8), 1}, {byte(i), byte(i >> 8), 2}}, dawn)
		}
		ours := func(int) bool { return true }
		b.Run(fmt.Sprintf("find/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, ok, _ := r.Find(Hash{1, 0, 2}, ours); !ok {
					b.Fatal("lost")
				}
			}
		})
		b.Run(fmt.Sprintf("change/%d", n), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				r.Set(1, []Hash{{1, 0, 1}, {1, 0, 2}, {1, 0, byte(3 + i%2)}}, dawn)
			}
		})
	}
}
