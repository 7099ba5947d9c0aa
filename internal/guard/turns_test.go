package guard

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// replica is one process's view of a disk that several have.
type replica struct {
	*disk
	name string
	lock *sync.Mutex
}

func (p *replica) Table(Key) Table { return p }

func (p *replica) Holder() string { return p.name }

func (p *replica) Begin(ctx context.Context) (Tx, error) {
	p.lock.Lock()
	_, _ = p.disk.Begin(ctx)
	return p, nil
}

func (p *replica) Commit() error {
	defer p.lock.Unlock()
	return p.disk.Commit()
}

// replicas are logins of n processes that share a store, in which one has proven the credential.
func replicas(t *testing.T, n int, settings Settings) (all []*Login) {
	t.Helper()
	u := &desk{valid: fp("a")}
	d, lock := &disk{shared: true}, new(sync.Mutex)
	for i := range n {
		l := New(&replica{d, fmt.Sprint("p", i), lock}, slog.New(slog.DiscardHandler)).Login("k")
		t.Cleanup(l.Attach(Use{Settings: settings.WithDefaults(), Upstream: u, Integrations: 1}))
		if err := l.Newest(fp("a"), "1"); err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	if res := all[0].Check(t.Context()); res.Verdict != Accepted {
		t.Fatalf("%+v", res)
	}
	return all
}

// calls makes calls through a login for a minute, of so many callers who never cease, and returns how many there were and
// how long one waited at most.
func calls(t *testing.T, l *Login, callers int, takes time.Duration) (n int, longest time.Duration) {
	var all sync.WaitGroup
	var mu sync.Mutex
	end := time.Now().Add(time.Minute)
	for range callers {
		all.Go(func() {
			for begin := time.Now(); begin.Before(end); begin = time.Now() {
				a, err := l.Acquire(t.Context(), Ask{Source: "x"})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				n, longest = n+1, max(longest, time.Since(begin))
				mu.Unlock()
				time.Sleep(takes)
				l.Settle(a, Outcome{Verdict: Accepted})
			}
		})
	}
	all.Wait()
	return n, longest
}

// Each process has as many callers as it likes, who call again at once: all are served, and no unit lies idle for long.
func TestProcessesThatShareALoginAllHaveTheirTurn(t *testing.T) {
	for _, c := range []struct {
		processes, callers, inFlight int
		takes                        time.Duration
	}{
		{2, 6, 3, 15 * time.Millisecond},
		{3, 13, 3, 300 * time.Millisecond},
		{3, 3, 3, 300 * time.Millisecond},
		{2, 1, 1, 300 * time.Millisecond},
		{3, 2, 1, 15 * time.Millisecond},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var all sync.WaitGroup
				served, longest := make([]int, c.processes), make([]time.Duration, c.processes)
				for i, l := range replicas(t, c.processes, Settings{InFlight: c.inFlight}) {
					all.Go(func() { served[i], longest[i] = calls(t, l, c.callers, c.takes) })
				}
				all.Wait()
				sum := 0
				for _, n := range served {
					sum += n
				}
				t.Logf("served %v, of %d that fit; the longest wait %v", served, c.inFlight*int(time.Minute/c.takes), slices.Max(longest))
				if least := slices.Min(served); least*c.processes*3 < sum {
					t.Errorf("one process had %d of %d calls", least, sum)
				}
				if idle := time.Minute/time.Duration(sum/c.inFlight) - c.takes; idle > turnLasts {
					t.Errorf("a unit lay idle for %v a call", idle)
				}
			})
		})
	}
}

// Where no other process wants anything, hardly any time is left to them.
func TestAProcessThatNobodyCompetesWithLosesLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const takes = 15 * time.Millisecond
		n, _ := calls(t, replicas(t, 2, Settings{})[0], 6, takes)
		if fit := 3 * int(time.Minute/takes); n < fit*9/10 {
			t.Errorf("%d calls of %d that fit", n, fit)
		}
	})
}
