package zone

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestADoubtedZoneIsLookedUpAgain(t *testing.T) {
	p := &psa{base: zone14}
	cached(t, p, nil, func(t *testing.T, c *Cache) {
		z := mustGet(t, c, main)
		if now, changed, err := c.Doubt(t.Context(), main, z); err != nil || changed || now.Base != zone14 || p.count() != 2 {
			t.Errorf("right after all: %+v, %v, %v; %d lookups", now, changed, err, p.count())
		}
		p.set(func(p *psa) { p.base = zone15 })
		if now, changed, err := c.Doubt(t.Context(), main, z); err != nil || !changed || now.Base != zone15 {
			t.Errorf("the tenant moved: %+v, %v, %v", now, changed, err)
		}
		if z := mustGet(t, c, main); z.Base != zone15 {
			t.Errorf("the next call gets %+v", z)
		}
	})
}

func TestDoubtersAtOnceShareALookupAndLateOnesGetItsZone(t *testing.T) {
	p := &psa{base: zone14}
	cached(t, p, nil, func(t *testing.T, c *Cache) {
		z := mustGet(t, c, main)
		p.set(func(p *psa) { p.base, p.delay = zone15, time.Second })
		for i := range 64 {
			go func() {
				time.Sleep(time.Duration(i) * 50 * time.Millisecond) // 20 within the lookup, the others after it
				if now, changed, err := c.Doubt(t.Context(), main, z); err != nil || !changed || now.Base != zone15 {
					t.Errorf("doubter %d: %+v, %v, %v", i, now, changed, err)
				}
			}()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if p.count() != 2 {
			t.Errorf("%d lookups, want one more than the first", p.count())
		}
	})
}

func TestTheOldZoneServesWhileItIsInDoubtAndWhenTheLookupFails(t *testing.T) {
	down := errors.New("unreachable")
	p := &psa{base: zone14}
	cached(t, p, nil, func(t *testing.T, c *Cache) {
		z := mustGet(t, c, main)
		p.set(func(p *psa) { p.err, p.delay = down, time.Second })
		go func() { _, _, _ = c.Doubt(t.Context(), main, z) }()
		synctest.Wait()
		begin := time.Now()
		if mustGet(t, c, main) != z || time.Since(begin) != 0 {
			t.Error("Get waits for a doubter's lookup")
		}
		time.Sleep(2 * time.Second)
		for range 10 { // within the pause after the failure
			if now, changed, err := c.Doubt(t.Context(), main, z); !errors.Is(err, down) || changed || now != z {
				t.Errorf("failed: %+v, %v, %v", now, changed, err)
			}
		}
		if p.count() != 2 || mustGet(t, c, main) != z || c.List()[0].Failure == nil {
			t.Errorf("%d lookups, list %+v", p.count(), c.List())
		}
		p.set(func(p *psa) { p.err = nil })
		time.Sleep(firstPause)
		if now, changed, err := c.Doubt(t.Context(), main, z); err != nil || changed || now.Base != zone14 || c.List()[0].Failure != nil {
			t.Errorf("after the pause: %+v, %v, %v", now, changed, err)
		}
	})
}

func TestADoubterNeverTakesAStoredZoneForAnAnswer(t *testing.T) {
	p, s := &psa{base: zone15}, newShelf()
	s.files[main.storageKey()] = `{"base":"` + zone14 + `"}`
	cached(t, p, s, func(t *testing.T, c *Cache) {
		s.slow = time.Second
		go func() { _, _ = c.Get(t.Context(), main) }()
		synctest.Wait() // the storage is being read
		done := make(chan struct{})
		go func() {
			defer close(done)
			if now, changed, err := c.Doubt(t.Context(), main, Zone{Base: zone14}); err != nil || !changed || now.Base != zone15 || !now.Verified {
				t.Errorf("got %+v, %v, %v", now, changed, err)
			}
		}()
		<-done
	})
}

func TestADoubtedZoneOfNobodyIsLookedUp(t *testing.T) {
	p := &psa{base: zone14}
	cached(t, p, nil, func(t *testing.T, c *Cache) {
		if now, changed, err := c.Doubt(t.Context(), main, Zone{}); err != nil || !changed || now.Base != zone14 {
			t.Errorf("got %+v, %v, %v", now, changed, err)
		}
	})
}
