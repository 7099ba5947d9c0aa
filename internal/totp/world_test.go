package totp

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/installation"
	"github.com/psagate/psagate/internal/secret"
)

// memory is a Store of one process.
type memory struct {
	mu      sync.Mutex
	people  map[Person]State
	buckets map[string]Bucket
	down    error
}

func newMemory() *memory { return &memory{people: map[Person]State{}, buckets: map[string]Bucket{}} }

func copied(s State) State {
	for _, e := range []**Enrolment{&s.Current, &s.Next} {
		if *e != nil {
			c := **e
			*e = &c
		}
	}
	s.Recovery = slices.Clone(s.Recovery)
	return s
}

// state is what f of Change is called with.
func (m *memory) state(p Person, buckets []string) State {
	s := copied(m.people[p])
	s.Buckets = map[string]Bucket{}
	for _, name := range buckets {
		if b, there := m.buckets[name]; there {
			s.Buckets[name] = b
		}
	}
	return s
}

func (m *memory) Change(_ context.Context, p Person, buckets []string, f func(*State) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down != nil {
		return m.down
	}
	first, s := m.state(p, buckets), m.state(p, buckets)
	_ = f(&first) // as where another process came first
	if err := f(&s); err != nil {
		return err
	}
	for name := range s.Buckets {
		if !slices.Contains(buckets, name) {
			return errors.New("a bucket is changed that was not asked for")
		}
	}
	for _, name := range buckets {
		delete(m.buckets, name)
		if b, there := s.Buckets[name]; there {
			m.buckets[name] = b
		}
	}
	s.Buckets = nil
	delete(m.people, p)
	if !s.Empty() {
		m.people[p] = s
	}
	return nil
}

func (m *memory) Look(_ context.Context, p Person) (State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return copied(m.people[p]), m.down
}

func (m *memory) People(context.Context) (list []Held, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p, s := range m.people {
		list = append(list, Held{p, copied(s)})
	}
	slices.SortFunc(list, func(a, b Held) int { return strings.Compare(a.Person.Subject, b.Person.Subject) })
	return list, m.down
}

func (m *memory) SweepBuckets(_ context.Context, now time.Time) (n int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, b := range m.buckets {
		if !b.Ends.After(now) {
			delete(m.buckets, name)
			n++
		}
	}
	return n, m.down
}

// world is an engine with a clock that stands until it is moved.
type world struct {
	*Engine
	t     testing.TB
	store *memory
	now   time.Time
	key   installation.Key
}

var (
	ann = Person{"https://id.example.com", "ann"}
	bob = Person{"https://id.example.com", "bob"}

	home   = netip.MustParseAddr("192.0.2.1")
	office = netip.MustParseAddr("198.51.100.7")
)

func keyOf(t testing.TB, fields ...string) installation.Key {
	t.Helper()
	record := map[string]string{installation.FieldKey: strings.Repeat(fields[0], 40)}
	if len(fields) > 1 {
		record[installation.FieldFormer] = strings.Repeat(fields[1], 40)
	}
	k, err := installation.FromFields(record)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, store: newMemory(), now: time.Unix(1_760_000_010, 0), key: keyOf(t, "k")}
	w.Engine = New(Config{Store: w.store, Key: func() installation.Key { return w.key }, Name: "psagate demo", Now: func() time.Time { return w.now }})
	return w
}

func (w *world) pass(d time.Duration) { w.now = w.now.Add(d) }

// app is what a person has on a phone.
type app struct {
	Seed
	recovery []string
	browser  string
}

// code is what the app shows, so long from now.
func (w *world) code(a app, ahead time.Duration) string {
	w.t.Helper()
	c, err := a.Code(w.now.Add(ahead))
	if err != nil {
		w.t.Fatal(err)
	}
	return c.Text.Reveal()
}

// wrong is a code that is right at no step near.
func (w *world) wrong(a app) string {
	w.t.Helper()
	near := map[string]bool{}
	for n := -3; n <= 3; n++ {
		near[w.code(a, time.Duration(n)*a.settings.Period)] = true
	}
	for _, code := range []string{"000000", "111111", "222222", "333333", "444444", "555555", "666666", "777777"} {
		if code = (code + code)[:a.settings.Digits]; !near[code] {
			return code
		}
	}
	w.t.Fatal("no code is wrong")
	return ""
}

func (w *world) begin(b Beginning) (Enrolling, app) {
	w.t.Helper()
	begun, err := w.Begin(w.t.Context(), b)
	if err != nil {
		w.t.Fatal(err)
	}
	seed, err := SeedFrom(secret.Record{Fields: map[string]secret.Value{FieldSeed: begun.URI}})
	if err != nil {
		w.t.Fatal(err)
	}
	return begun, app{Seed: seed}
}

// enrol enrols a person, and lets the code that it took pass.
func (w *world) enrol(p Person, s ...Settings) app {
	w.t.Helper()
	b := Beginning{Person: p, SteppedUp: true}
	for _, b.Settings = range s {
	}
	begun, a := w.begin(b)
	done, err := w.Confirm(w.t.Context(), p, begun.ID, w.code(a, 0))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, code := range done.Recovery {
		a.recovery = append(a.recovery, code.Reveal())
	}
	a.browser = done.Browser.Reveal()
	w.pass(2 * a.settings.Period)
	return a
}

func from(p Person, address netip.Addr) Attempt {
	return Attempt{Person: p, Session: "s1", Address: address}
}
