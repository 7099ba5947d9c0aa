package zone

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAStoredZoneIsUsedByTheNextProcessAndVerifiedByADoubt(t *testing.T) {
	p, s := &psa{base: zone14}, newShelf()
	cached(t, p, s, func(t *testing.T, c *Cache) { mustGet(t, c, main); synctest.Wait() })
	cached(t, p, s, func(t *testing.T, c *Cache) {
		z := mustGet(t, c, Key{Discover: main.Discover, User: "API@EXAMPLE.COM"})
		if z.Base != zone14 || z.WebURL == "" || z.Name != "AE02" || z.CI != 123456 || z.FoundAt.IsZero() || z.Verified || p.count() != 1 {
			t.Errorf("from storage: %+v, %d lookups", z, p.count())
		}
		now, changed, err := c.Doubt(t.Context(), main, z)
		if err != nil || changed || !now.Verified || p.count() != 2 || !mustGet(t, c, main).Verified {
			t.Errorf("verified: %+v, %v, %v, %d lookups", now, changed, err, p.count())
		}
		synctest.Wait()
		if s.written != 1 {
			t.Errorf("written %d times, though nothing changed", s.written)
		}
		p.set(func(p *psa) { p.base = zone15 })
		_, _, _ = c.Doubt(t.Context(), main, now)
		synctest.Wait()
		if s.written != 2 || !strings.Contains(s.files[main.storageKey()], zone15) {
			t.Errorf("the move is not stored: %v", s.files)
		}
	})
}

func TestNeitherFileNamesNorFilesShowAUser(t *testing.T) {
	s := newShelf()
	cached(t, &psa{base: zone14}, s, func(t *testing.T, c *Cache) { mustGet(t, c, main); synctest.Wait() })
	if len(s.files) != 1 {
		t.Fatalf("files: %v", s.files)
	}
	for name, text := range s.files {
		if strings.Contains(name+text, "api") || strings.Contains(name+text, "example") || !strings.HasPrefix(name, "psagate/zones/") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func TestWhatIsNotAZoneInStorageIsReplacedWithAWarning(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "no JSON": "{", "another shape": `[1]`, "no base": `{"name":"x"}`,
		"a path":           `{"base":"/ATServicesRest/"}`,
		"another scheme":   `{"base":"ftp://webservices1.autotask.net/"}`,
		"a user in it":     `{"base":"https://u:p@webservices1.autotask.net/"}`,
		"a query":          `{"base":"https://webservices1.autotask.net/?x"}`,
		"a fragment":       `{"base":"https://webservices1.autotask.net/#x"}`,
		"a control letter": `{"base":"https://webservices1.autotask.net/\u0000"}`,
	} {
		var log bytes.Buffer
		p, s := &psa{base: zone14}, newShelf()
		s.files[main.storageKey()] = text
		synctest.Test(t, func(t *testing.T) {
			c := NewCache(p.lookup, s, slog.New(slog.NewTextHandler(&log, nil)))
			defer c.Close()
			z := mustGet(t, c, main)
			synctest.Wait()
			if z.Base != zone14 || !z.Verified || !strings.Contains(s.files[main.storageKey()], zone14) {
				t.Errorf("%s: %+v, stored %v", name, z, s.files)
			}
		})
		if strings.Count(log.String(), "level=WARN") != 1 {
			t.Errorf("%s: log %q", name, log.String())
		}
	}
}

func TestAStorageThatFailsOrHangsCostsNoZone(t *testing.T) {
	p, s := &psa{base: zone14}, newShelf()
	s.err = errors.New("disk full")
	cached(t, p, s, func(t *testing.T, c *Cache) {
		z := mustGet(t, c, main)
		synctest.Wait()
		s.set(func(s *shelf) { s.err = nil })
		_, _, _ = c.Doubt(t.Context(), main, z)
		synctest.Wait()
		if s.written != 1 {
			t.Errorf("written %d times: what could not be stored is not stored with the next lookup", s.written)
		}
		s.set(func(s *shelf) { s.slow = time.Hour })
		begin := time.Now()
		mustGet(t, c, Key{Discover: discover, User: "other"})
		if waited := time.Since(begin); waited != storageTimeout {
			t.Errorf("waited %s for a storage that hangs, want %s for its reading and nothing for its writing", waited, storageTimeout)
		}
	})
}
