package identity

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func every(string) bool { return true }

func TestAKeyIsTheRecordsThatHadItFirst(t *testing.T) {
	var r Ring[string]
	h, other := Hash{1}, Hash{2}
	r.Set("one", []Hash{h})
	r.Set("two", []Hash{h, other})
	if got, _ := r.Find(h, every); got != "one" {
		t.Errorf("%s has it", got)
	}
	if got, _ := r.Find(h, func(name string) bool { return name != "one" }); got != "two" {
		t.Errorf("where one does not count, %s has it", got)
	}
	r.Set("one", []Hash{h, other})
	if got, _ := r.Find(h, every); got != "one" {
		t.Errorf("after a change that is none, %s has it", got)
	}
	if got, _ := r.Find(other, every); got != "two" {
		t.Errorf("%s has two's", got)
	}
	if passed := r.Set("one", nil); !slices.Equal(passed, []Hash{h}) {
		t.Errorf("passed on: %v", passed)
	}
	if got, _ := r.Find(h, every); got != "two" {
		t.Errorf("when one gave it up, %s has it", got)
	}
	if passed := r.Set("two", nil); passed != nil {
		t.Errorf("passed on to nobody: %v", passed)
	}
	if len(r.claims) != 0 || len(r.hashes) != 0 {
		t.Errorf("left over: %v, %v", r.claims, r.hashes)
	}
}

// TestARingDoesWhatAListOfAllClaimsWould compares it with one that keeps every claim in one list.
func TestARingDoesWhatAListOfAllClaimsWould(t *testing.T) {
	type claim struct {
		record string
		hash   Hash
	}
	rapid.Check(t, func(t *rapid.T) {
		var r Ring[string]
		var list []claim
		holder := func(h Hash) string {
			for _, c := range list {
				if c.hash == h {
					return c.record
				}
			}
			return ""
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			record := rapid.SampledFrom([]string{"one", "two", "three"}).Draw(t, "record")
			hashes := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) Hash { return Hash{rapid.Byte().Draw(t, "hash") % 4} }), 0, 4, rapid.ID).Draw(t, "hashes")
			before := map[Hash]string{}
			for b := range byte(4) {
				before[Hash{b}] = holder(Hash{b})
			}
			list = slices.DeleteFunc(list, func(c claim) bool { return c.record == record && !slices.Contains(hashes, c.hash) })
			for _, h := range hashes {
				if !slices.Contains(list, claim{record, h}) {
					list = append(list, claim{record, h})
				}
			}
			passed := r.Set(record, hashes)
			for b := range byte(4) {
				h := Hash{b}
				got, found := r.Find(h, every)
				if want := holder(h); got != want || found != (want != "") {
					t.Fatalf("%v is %q's, want %q", b, got, want)
				}
				if want := before[h] == record && got != record && got != ""; slices.Contains(passed, h) != want {
					t.Fatalf("%v passed from %q to %q: told %v", b, before[h], got, passed)
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
			r.Set(i, []Hash{{byte(i), byte(i >> 8), 1}, {byte(i), byte(i >> 8), 2}})
		}
		ours := func(int) bool { return true }
		b.Run(fmt.Sprintf("find/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := r.Find(Hash{1, 0, 2}, ours); !ok {
					b.Fatal("lost")
				}
			}
		})
		b.Run(fmt.Sprintf("change/%d", n), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				r.Set(1, []Hash{{1, 0, 1}, {1, 0, 2}, {1, 0, byte(3 + i%2)}})
			}
		})
	}
}
