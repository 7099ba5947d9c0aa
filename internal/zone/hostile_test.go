package zone

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// The PSA changes its mind with each answer, as two zones do that point at each other: each doubt asks once and gets what
// was said, and nobody goes in a circle.
func TestAZoneThatChangesWithEachAnswerCostsOneLookupForEachDoubt(t *testing.T) {
	p := &psa{base: zone14}
	cached(t, p, nil, func(t *testing.T, c *Cache) {
		z := mustGet(t, c, main)
		for i := range 20 {
			other := []string{zone15, zone14}[i%2]
			p.set(func(p *psa) { p.base = other })
			now, changed, err := c.Doubt(t.Context(), main, z)
			if err != nil || !changed || now.Base != other || p.count() != i+2 {
				t.Fatalf("doubt %d: %+v, %v, %v after %d lookups", i, now, changed, err, p.count())
			}
			z = now
		}
	})
}

// A thousand calls at once doubt a zone whose lookup fails: one lookup a pause, whatever they do.
func TestDoubtersOfALookupThatFailsDoNotHammerIt(t *testing.T) {
	p := &psa{base: zone14}
	cached(t, p, nil, func(t *testing.T, c *Cache) {
		z := mustGet(t, c, main)
		p.set(func(p *psa) { p.err, p.delay = fmt.Errorf("a page of a captive portal"), time.Second })
		var doubters sync.WaitGroup
		for i := range 1000 {
			doubters.Go(func() {
				time.Sleep(time.Duration(i) * 100 * time.Millisecond)
				if now, changed, err := c.Doubt(t.Context(), main, z); err == nil || changed || now != z {
					t.Errorf("%+v, %v, %v", now, changed, err)
				}
			})
		}
		doubters.Wait()
		if n := p.count(); n > 7 { // the first, and at 0, 6, 17, 38, 79 s
			t.Errorf("%d lookups in 100 s", n)
		}
	})
}

// Whoever can write the storage can write a large file: it is read once, found to be none, and replaced.
func TestAStoredZoneOfAnySizeAndShapeIsReplaced(t *testing.T) {
	for name, text := range map[string]string{
		"many megabytes":  `{"base":"` + strings.Repeat("x", 8<<20) + `"}`,
		"deep nesting":    strings.Repeat(`{"base":`, 100_000),
		"a list":          `["https://webservices14.autotask.net/"]`,
		"a number":        `7`,
		"null":            `null`,
		"a base of null":  `{"base":null}`,
		"a name alone":    `{"base":"webservices14.autotask.net"}`,
		"no scheme":       `{"base":"//webservices14.autotask.net/"}`,
		"a script":        `{"base":"javascript:alert(1)"}`,
		"a file":          `{"base":"file:///etc/passwd"}`,
		"bytes, not text": "\xff\xfe{\x00",
	} {
		p, s := &psa{base: zone14}, newShelf()
		s.files[main.storageKey()] = text
		cached(t, p, s, func(t *testing.T, c *Cache) {
			if z := mustGet(t, c, main); z.Base != zone14 || !z.Verified || p.count() != 1 {
				t.Errorf("%s: %+v after %d lookups", name, z, p.count())
			}
			synctest.Wait()
			if !strings.Contains(s.files[main.storageKey()], zone14) || len(s.files[main.storageKey()]) > 1000 {
				t.Errorf("%s: not replaced", name)
			}
		})
	}
}
