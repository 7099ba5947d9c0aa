package zone

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	discover = "https://webservices.autotask.net/ATServicesRest/"
	zone14   = "https://webservices14.autotask.net/ATServicesRest/"
	zone15   = "https://webservices15.autotask.net/ATServicesRest/"
)

var main = Key{Discover: discover, User: "api@example.com"}

// psa answers lookups with one zone or one error, after a while.
type psa struct {
	mu    sync.Mutex
	base  string
	err   error
	delay time.Duration
	asked []time.Time
	users []string
}

func (p *psa) set(change func(p *psa)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

func (p *psa) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.asked)
}

func (p *psa) lookup(ctx context.Context, _, user string) (Zone, error) {
	p.mu.Lock()
	delay := p.delay
	p.asked, p.users = append(p.asked, time.Now()), append(p.users, user)
	p.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		return Zone{}, ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return Zone{Base: p.base, WebURL: "https://ww14.autotask.net/", Name: "AE02", CI: 123456}, p.err
}

// shelf is a Storage in memory.
type shelf struct {
	mu      sync.Mutex
	files   map[string]string
	err     error
	slow    time.Duration
	written int
}

func (s *shelf) set(change func(s *shelf)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *shelf) wait(ctx context.Context) error {
	s.mu.Lock()
	slow := s.slow
	s.mu.Unlock()
	select {
	case <-time.After(slow):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *shelf) Load(ctx context.Context, key string) ([]byte, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	text, ok := s.files[key]
	if !ok && s.err == nil {
		return nil, fs.ErrNotExist
	}
	return []byte(text), s.err
}

func (s *shelf) Store(ctx context.Context, key string, value []byte) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	s.written++
	s.files[key] = string(value)
	return nil
}

func newShelf() *shelf { return &shelf{files: map[string]string{}} }

// cached runs test in a bubble with a cache of the PSA and the storage.
func cached(t *testing.T, p *psa, storage Storage, test func(t *testing.T, c *Cache)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := NewCache(p.lookup, storage, slog.New(slog.DiscardHandler))
		defer c.Close()
		test(t, c)
	})
}

func mustGet(t *testing.T, c *Cache, key Key) Zone {
	t.Helper()
	z, err := c.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestAZoneIsLookedUpOnceForAllWhoAskAtOnce(t *testing.T) {
	p := &psa{base: zone14, delay: time.Second}
	cached(t, p, nil, func(t *testing.T, c *Cache) {
		for i := range 50 {
			key := main
			if i%2 == 1 {
				key.User = " API@Example.com"
			}
			go func() {
				if z, err := c.Get(t.Context(), key); err != nil || z.Base != zone14 || z.CI != 123456 || !z.Verified || !z.FoundAt.Equal(time.Now()) {
					t.Errorf("got %+v, %v", z, err)
				}
			}()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		mustGet(t, c, main)
		if p.count() != 1 {
			t.Errorf("%d lookups, want 1", p.count())
		}
	})
}

func TestKeysOfOtherUsersAndOtherBasesAreOthers(t *testing.T) {
	p := &psa{base: zone14}
	cached(t, p, nil, func(t *testing.T, c *Cache) {
		for _, key := range []Key{main, {Discover: discover, User: "other@example.com"}, {Discover: zone15, User: main.User}} {
			mustGet(t, c, key)
		}
		if p.count() != 3 {
			t.Errorf("%d lookups, want 3", p.count())
		}
	})
}

func TestAPinnedZoneIsNeverLookedUp(t *testing.T) {
	p, s := &psa{base: zone14}, newShelf()
	cached(t, p, s, func(t *testing.T, c *Cache) {
		key := main
		key.Pinned = zone15
		z := mustGet(t, c, key)
		now, changed, err := c.Doubt(t.Context(), key, z)
		if z != (Zone{Base: zone15, Verified: true}) || now != z || changed || err != nil {
			t.Errorf("got %+v, then %+v, %v, %v", z, now, changed, err)
		}
		if _, changed, _ := c.Doubt(t.Context(), key, Zone{Base: zone14}); !changed {
			t.Error("pinned since: not told as a change")
		}
		if p.count() != 0 || len(c.List()) != 0 || s.written != 0 {
			t.Errorf("%d lookups, list %v, %d written", p.count(), c.List(), s.written)
		}
	})
}

func TestACallerWhoGoesDoesNotEndTheLookupOfTheOthers(t *testing.T) {
	p := &psa{base: zone14, delay: 2 * time.Second}
	cached(t, p, nil, func(t *testing.T, c *Cache) {
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Get(short, main); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the one who goes: %v", err)
		}
		begin := time.Now()
		if mustGet(t, c, main); time.Since(begin) != time.Second || p.count() != 1 {
			t.Errorf("the next waited %s, %d lookups", time.Since(begin), p.count())
		}
	})
}

func TestALookupThatFailsIsTriedAgainAfterLongerAndLongerPauses(t *testing.T) {
	refused := errors.New("unknown user")
	p := &psa{err: refused}
	cached(t, p, nil, func(t *testing.T, c *Cache) {
		begin := time.Now()
		for range 200 { // asked each second
			_, err := c.Get(t.Context(), main)
			failed, ok := errors.AsType[*LookupError](err)
			if !ok || !errors.Is(err, refused) || !failed.RetryAt.After(time.Now()) {
				t.Fatalf("at %s: %v", time.Since(begin), err)
			}
			if !strings.Contains(err.Error(), main.User) || !strings.Contains(err.Error(), discover) {
				t.Fatalf("the error %q does not say whose zone, asked where", err)
			}
			time.Sleep(time.Second)
		}
		for i, want := range []time.Duration{0, 5, 15, 35, 75, 135, 195} {
			if got := p.asked[i].Sub(begin); got != want*time.Second {
				t.Errorf("lookup %d came at %s, want %ds", i, got, want)
			}
		}
		if p.count() != 7 {
			t.Errorf("%d lookups, want 7", p.count())
		}
		p.set(func(p *psa) { p.err, p.base = nil, zone14 })
		time.Sleep(time.Minute)
		mustGet(t, c, main)
		p.set(func(p *psa) { p.err = refused })
		_, _, err := c.Doubt(t.Context(), main, Zone{Base: zone14})
		if failed, ok := errors.AsType[*LookupError](err); !ok || time.Until(failed.RetryAt) != firstPause {
			t.Errorf("after a success the pauses do not begin anew: %v", err)
		}
	})
}

func TestALookupThatHangsOrNamesNothingIsAFailure(t *testing.T) {
	p := &psa{delay: time.Hour}
	cached(t, p, nil, func(t *testing.T, c *Cache) {
		begin := time.Now()
		_, err := c.Get(t.Context(), main)
		if err == nil || time.Since(begin) != lookupTimeout || !strings.HasSuffix(err.Error(), "no answer within 10s") {
			t.Errorf("hanging: %v after %s", err, time.Since(begin))
		}
		p.set(func(p *psa) { p.delay = 0 })
		time.Sleep(firstPause)
		if _, err := c.Get(t.Context(), main); err == nil || !strings.HasSuffix(err.Error(), "names no zone") {
			t.Errorf("naming nothing: %v", err)
		}
	})
}

func TestCloseEndsLookupsAndStartsNoMore(t *testing.T) {
	p := &psa{base: zone14}
	cached(t, p, nil, func(t *testing.T, c *Cache) {
		mustGet(t, c, main)
		p.set(func(p *psa) { p.delay = 5 * time.Second })
		other := Key{Discover: discover, User: "other"}
		ended := make(chan error)
		go func() { _, err := c.Get(t.Context(), other); ended <- err }()
		synctest.Wait()
		begin := time.Now()
		c.Close()
		if err := <-ended; err == nil || time.Since(begin) != 0 {
			t.Errorf("a lookup under way ended with %v after %s", err, time.Since(begin))
		}
		if _, err := c.Get(t.Context(), Key{User: "third"}); !errors.Is(err, errClosed) {
			t.Errorf("a new one: %v", err)
		}
		if z := mustGet(t, c, main); z.Base != zone14 {
			t.Errorf("a known one: %+v", z)
		}
	})
}

func TestTheListTellsZonesAndFailures(t *testing.T) {
	p := &psa{base: zone14}
	cached(t, p, nil, func(t *testing.T, c *Cache) {
		mustGet(t, c, main)
		p.set(func(p *psa) { p.err = errors.New("unknown user") })
		_, _ = c.Get(t.Context(), Key{Discover: discover, User: "a@example.com"})
		list := c.List()
		if len(list) != 2 || list[0].User != "a@example.com" || list[0].Failure == nil || list[0].Zone.Base != "" ||
			list[1].User != main.User || list[1].Failure != nil || list[1].Zone.Base != zone14 {
			t.Errorf("list %+v", list)
		}
	})
}
