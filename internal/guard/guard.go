package guard

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"log/slog"
	mathrand "math/rand/v2"
	"sync"
)

// coldChecks is how many logins that were never accepted are checked at once.
const coldChecks = 8

// Guard holds the logins of this process.
type Guard struct {
	tables Tables
	holder string
	key    []byte // of the fingerprints
	cold   chan struct{}
	log    *slog.Logger

	mu       sync.Mutex
	logins   map[Key]*Login
	draining bool
}

// New returns a guard over tables. Fingerprints are keyed with a fresh random key, so they are comparable in this
// process alone, as the rows in Memory are.
func New(tables Tables, log *slog.Logger) *Guard {
	return &Guard{
		tables: tables,
		holder: rand.Text(),
		key:    []byte(rand.Text()),
		cold:   make(chan struct{}, coldChecks),
		log:    log,
		logins: make(map[Key]*Login),
	}
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
	logins := make([]*Login, 0, len(g.logins))
	for _, l := range g.logins {
		logins = append(logins, l)
	}
	g.mu.Unlock()
	for _, l := range logins {
		l.drain()
	}
}

// Fingerprint returns the fingerprint of a credential's content.
func (g *Guard) Fingerprint(userName, secret, integrationCode string) Fingerprint {
	h := hmac.New(sha256.New, g.key)
	for _, s := range [...]string{userName, secret, integrationCode} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	return Fingerprint(h.Sum(nil)[:len(Fingerprint{})])
}

func (g *Guard) token() Token { return Token(mathrand.Uint64()) }
