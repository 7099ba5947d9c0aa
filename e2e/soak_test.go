package e2e

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

// soakLength is how long the soak's traffic lasts: PSAGATE_SOAK, else as long as each run of the tests can afford.
func soakLength(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("PSAGATE_SOAK")
	if text == "" {
		return 15 * time.Second
	}
	length, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("PSAGATE_SOAK: %v", err)
	}
	return length
}

// soakSeed is what the soak's chances begin with: PSAGATE_SOAK_SEED, else another one each time.
func soakSeed(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("PSAGATE_SOAK_SEED")
	if text == "" {
		return rand.Uint64()
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("PSAGATE_SOAK_SEED: %v", err)
	}
	return seed
}

// Everything that callers, the PSA, its operators and the store can do comes at random and at once. scripts/soak lets it
// last for ten minutes.
func TestASoakOfEverythingLocksNobodyAndAnswersEveryCall(t *testing.T) {
	t.Parallel()
	s := newSoak(t)
	client, done := s.adminClient()
	defer done()
	s.plainCalls()
	start, err := s.gauge(client)
	if err != nil {
		t.Fatal(err)
	}
	gauges := s.lasts()
	s.summary()
	s.staysFlat(gauges)
	s.books.areCreatedOnce()
	s.allWasServed()
	s.isAsAtTheBeginning(start)
	s.nobodyWasLocked()
	s.nothingPanicked()
}

// lasts lets everything happen, until all calls have ended and the logins serve again.
func (s *soak) lasts() (gauges []soakGauge) {
	s.began = time.Now()
	traffic, end := context.WithTimeout(context.Background(), s.length)
	defer end()
	after, over := context.WithCancel(context.Background())
	var during, watching sync.WaitGroup
	defer watching.Wait()
	defer over()
	watching.Go(func() { s.operator(after) })
	watching.Go(func() { s.sweep(after) })
	watching.Go(func() { gauges = s.watch(traffic) })
	n := uint64(0)
	happens := func(what func(context.Context, *rand.Rand)) {
		n++
		r := s.rand(n)
		during.Go(func() { what(traffic, r) })
	}
	for _, what := range []func(context.Context, *rand.Rand){s.doors, s.moods, s.moves, s.stores, s.reloads, s.commands} {
		happens(what)
	}
	for _, l := range s.logins {
		happens(func(ctx context.Context, r *rand.Rand) { s.weather(ctx, l, r) })
		happens(func(ctx context.Context, r *rand.Rand) { s.rotations(ctx, l, r) })
	}
	happens(func(ctx context.Context, r *rand.Rand) { s.never(ctx, s.logins[0], r) })
	happens(func(ctx context.Context, r *rand.Rand) { s.never(ctx, s.logins[2], r) })
	s.everybody(traffic)
	during.Wait()
	s.recovers()
	return gauges
}

// recovers demands that each login serves, and that nothing is left of all that happened.
func (s *soak) recovers() {
	s.Helper()
	client, done := s.adminClient()
	defer done()
	begin := time.Now()
	defer func() {
		if s.Failed() {
			s.summary()
			s.Logf("at last: %+v", s.standing(client))
		}
	}()
	s.until("every login serves", func() bool { return s.servesEverybody() })
	served := time.Since(begin)
	s.until("all units are free and nobody waits", func() bool {
		s.servesEverybody() // what is unknown is forgiven by a sign-in that is accepted
		for _, l := range s.standing(client) {
			if l.Units.Free != soakBudget || l.Queue.Waiting != 0 || !l.Gate.Open {
				return false
			}
		}
		return true
	})
	s.Logf("every login serves %v after the end, and all units are free after %v", served.Round(time.Millisecond), time.Since(begin).Round(time.Millisecond))
}

// servesEverybody tells whether each login serves.
func (s *soak) servesEverybody() bool {
	return !slices.ContainsFunc(s.logins, func(l *soakLogin) bool { return !s.serves(l) })
}

// serves makes calls of different kinds through a login until one is served: where the PSA refused single calls, those
// integrations are refused that kind of call for a while.
func (s *soak) serves(l *soakLogin) bool {
	for _, path := range []string{"/Tickets/1", "/Companies/1", "/Tickets/query/count?search=" + url.QueryEscape(`{"filter":[]}`)} {
		for i := range l.callers {
			if a := s.call(fmt.Sprintf("%s-%d", l.name, i), "GET", path, ""); a.status == 200 && a.reason() == "" {
				return true
			} else if !strings.Contains(a.body, onlyThis) {
				return false
			}
		}
	}
	return false
}

// plainCalls are the first ones.
func (s *soak) plainCalls() {
	s.Helper()
	for _, l := range s.logins {
		s.served(l.name + "-0")
	}
}

// allWasServed demands that each kind of call was, where there were many, so that no rule was kept for want of calls.
func (s *soak) allWasServed() {
	s.Helper()
	calls, served := 0, 0
	for kind, n := range s.books.kinds {
		calls, served = calls+n, served+s.books.served[kind]
		if n >= 50 && s.books.served[kind] == 0 && kind != "stranger" {
			s.Errorf("of %d calls of the kind %q none was served", n, kind)
		}
	}
	if served < calls/20 {
		s.Errorf("of %d calls %d were served", calls, served)
	}
}

// nobodyWasLocked demands that the PSA never counted more failed sign-ins in a row than the budget.
func (s *soak) nobodyWasLocked() {
	s.Helper()
	for _, l := range s.logins {
		most := l.user.MaxFailedSinceSuccess()
		s.Logf("%s: %d failed sign-ins in a row at most", l.user, most)
		if l.user.Locked() || most > soakBudget {
			s.Errorf("%s: locked: %v, %d failed sign-ins in a row, want %d at most:\n%s", l.user, l.user.Locked(), most, soakBudget, s.worst(l))
		}
	}
}

// worst tells of the sign-ins of a login with which its count rose over the budget first, as far as they are kept.
func (s *soak) worst(l *soakLogin) string {
	all := s.sim.Ledger().Of(l.user.Name())
	at := slices.IndexFunc(all, func(in psatest.SignIn) bool { return in.Count > soakBudget })
	var out strings.Builder
	for _, in := range all[max(0, at-25):max(0, min(len(all), at+10))] {
		fmt.Fprintf(&out, "%v after the beginning: %v\n", in.At.Sub(s.began), in)
	}
	return out.String()
}

// isAsAtTheBeginning demands that the process has no goroutines more than before the calls.
func (s *soak) isAsAtTheBeginning(start soakGauge) {
	s.Helper()
	const few = 10
	client, done := s.adminClient()
	defer done()
	for _, zone := range s.sim.Zones() { // what the gateway keeps open towards the PSA ends
		zone.Down()
		s.opens(zone)
	}
	var last soakGauge
	s.until("the goroutines have ended", func() bool {
		var err error
		if last, err = s.gauge(client); err != nil {
			s.Fatal(err)
		}
		return last.goroutines <= start.goroutines+few
	})
	s.Logf("at the beginning: %v; at the end: %v", start, last)
}

// nothingPanicked demands that no log tells of a panic. That the process lives the world's end demands.
func (s *soak) nothingPanicked() {
	s.Helper()
	logs, err := filepath.Glob(s.path("*.log"))
	if err != nil {
		s.Fatal(err)
	}
	for _, path := range logs {
		text := s.read(filepath.Base(path))
		for _, word := range []string{"panic", "DATA RACE"} {
			if at := strings.Index(text, word); at >= 0 {
				s.Errorf("%s tells of a %s: %.1000s", filepath.Base(path), word, text[max(0, at-300):])
			}
		}
	}
}

// summary says what happened and how calls were answered.
func (s *soak) summary() {
	s.Helper()
	b, c := s.books, s.climate
	sum, served := 0, 0
	for kind, n := range b.kinds {
		sum, served = sum+n, served+b.served[kind]
	}
	s.Logf("%d calls in %v, the longest of %v; %d of them were answered by the PSA as they would be on a calm day", sum, time.Since(s.began).Round(time.Second), b.longest.Round(time.Millisecond), served)
	s.Log("calls by kind, and those of them that were served:" + soakTable(b.kinds, b.served))
	s.Log("calls by answer:" + soakTable(b.outcomes, nil))
	s.Log("what was wrong with the PSA, how often, and how many requests met it:" + soakTable(c.times, c.hits))
	s.Log("what was done beside:" + soakTable(s.deeds.n, nil))
}

// soakTable has a line for each word, the most frequent first.
func soakTable(n, also map[string]int) string {
	var out strings.Builder
	for _, word := range slices.SortedFunc(maps.Keys(n), func(a, b string) int {
		if n[a] != n[b] {
			return n[b] - n[a]
		}
		return strings.Compare(a, b)
	}) {
		fmt.Fprintf(&out, "\n%8d", n[word])
		if also != nil {
			fmt.Fprintf(&out, " %8d", also[word])
		}
		fmt.Fprintf(&out, "  %s", word)
	}
	return out.String()
}
