package guard

import (
	"crypto/rand"
	"log/slog"
	"maps"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
)

// coldChecks is how many logins that were never accepted are checked at once.
const coldChecks = 8

// Guard holds the logins of this process.
type Guard struct {
	tables Tables
	lease  *Lease // of the tables
	keys   atomic.Pointer[keys]
	cold   chan struct{}
	log    *slog.Logger

	mu       sync.Mutex
	logins   map[Key]*Login
	draining bool
}

// New returns a guard over tables. Its fingerprints are keyed with a fresh random key until UseKeys is called, so that they
// are comparable in this process alone.
func New(tables Tables, log *slog.Logger) *Guard {
	g := &Guard{tables: tables, lease: tables.Lease(), cold: make(chan struct{}, coldChecks), log: log, logins: make(map[Key]*Login)}
	g.UseKeys([]byte(rand.Text()), nil)
	tables.Watch(g.look)
	return g
}

// Login returns the login with a key, which it makes where it is new.
func (g *Guard) Login(key Key) *Login {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.logins[key]
	if l == nil {
		l = &Login{key: key, guard: g, table: g.tables.Table(key), settings: Settings{}.WithDefaults(), draining: g.draining}
		g.logins[key] = l
	}
	return l
}

// Drain answers every waiting caller, and all who come after, that this process is about to stop.
func (g *Guard) Drain() {
	g.mu.Lock()
	g.draining = true
	logins := slices.Collect(maps.Values(g.logins))
	g.mu.Unlock()
	for _, l := range logins {
		l.drain()
	}
}

// Lease is this process's permission to send.
func (g *Guard) Lease() *Lease { return g.lease }

// look has logins look at their rows, beside whoever tells it; nil is all of them.
func (g *Guard) look(keys []Key) {
	g.mu.Lock()
	var logins []*Login
	if keys == nil {
		logins = slices.Collect(maps.Values(g.logins))
	}
	for _, key := range keys {
		if l := g.logins[key]; l != nil {
			logins = append(logins, l)
		}
	}
	g.mu.Unlock()
	go func() {
		for _, l := range logins {
			l.look()
		}
	}()
}

func (g *Guard) token() Token { return Token(mathrand.Uint64()) }
