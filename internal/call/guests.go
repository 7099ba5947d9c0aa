package call

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/secret"
)

// passThrough is who may bring credentials of one PSA user.
type passThrough struct {
	through int // integrations that call through the login
	all     int // integrations of the config
}

// passThroughs returns the PSA users whose credentials the callers of a login bring.
func passThroughs(cfg Config, login string) map[string]passThrough {
	of := make(map[string]passThrough)
	for i := range cfg.Integrations {
		integration := &cfg.Integrations[i].Integration
		for user := range integration.PassThrough {
			p := of[user]
			if p.all++; integration.Login == login {
				p.through++
			}
			of[user] = p
		}
	}
	maps.DeleteFunc(of, func(_ string, p passThrough) bool { return p.through == 0 })
	return of
}

// attachGuests makes the lane a use of the PSA users whose credentials its callers bring. Called when its config comes into
// force, with the lane's mutex held.
func (n *lane) attachGuests() {
	n.guests = make(map[string]*seat)
	for user := range n.passThrough {
		if _, err := n.guest(user); err != nil {
			n.log.Error("callers with credentials of their own cannot be served", "user", user, "error", err)
		}
	}
}

// guest returns the PSA user of a canonical name whose credentials callers bring. Where the record names the same user, it is that
// one: a record may name a zone that makes it another than its name alone does. Called with the mutex held.
func (n *lane) guest(user string) (*seat, error) {
	key, err := n.guestKey(user)
	if err != nil {
		return nil, err
	}
	s := n.guests[user]
	if s != nil && s.guard.Key() == key {
		return s, nil
	}
	if s != nil {
		n.detachGuest(s)
	}
	s = &seat{lane: n, guard: n.shared.guard.Login(key), user: user}
	s.detach = s.guard.Attach(guard.Use{Name: n.Name, Settings: n.Settings, Upstream: s, Integrations: n.passThrough[user].through, Guest: true, Changed: s.changed})
	n.guests[user] = s
	n.shared.guests.use(key)
	return s, nil
}

// userOf is the canonical user name that a key has.
func userOf(key guard.Key) string {
	_, rest, _ := strings.Cut(string(key), "|")
	_, user, _ := strings.Cut(rest, "|")
	return user
}

func (n *lane) guestKey(user string) (guard.Key, error) {
	for _, s := range [...]*seat{n.seat, n.next} {
		if s != nil && userOf(s.guard.Key()) == user {
			return s.guard.Key(), nil
		}
	}
	return n.keyOf(secret.Credential{UserName: user})
}

// detachGuests takes that back. Called with the lane's mutex held.
func (n *lane) detachGuests() {
	for _, s := range n.guests {
		n.detachGuest(s)
	}
	n.guests = nil
}

func (n *lane) detachGuest(s *seat) {
	s.detach()
	n.shared.guests.unpin(s)
	s.guard.Forgotten(n.shared.guests.unuse(s.guard.Key())...)
}

// guests keeps the credentials that callers brought, in memory alone: while a call with one is under way, and of each PSA
// user the last few that were accepted, with which the guard may ask whether the PSA still takes them. A reload keeps
// them; they are forgotten when no config lists their user.
type guests struct {
	mu sync.Mutex
	of map[guard.Key]*guestbook
}

type guestbook struct {
	uses  int // configs that list the user
	cards []*guestCard
}

type guestCard struct {
	*card
	holders int // calls
	kept    bool
}

// keptGuests is how many accepted credentials of one PSA user are kept: one for each integration code that is in use, and more
// than anybody has.
const keptGuests = 16

func (g *guests) book(key guard.Key) *guestbook {
	if g.of == nil {
		g.of = make(map[guard.Key]*guestbook)
	}
	b := g.of[key]
	if b == nil {
		b = new(guestbook)
		g.of[key] = b
	}
	return b
}

// use says that one more config lists a user, and unuse that it does no more. unuse returns which were forgotten.
func (g *guests) use(key guard.Key) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.book(key).uses++
}

func (g *guests) unuse(key guard.Key) (forgotten []guard.Fingerprint) {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.book(key)
	if b.uses--; b.uses > 0 {
		return nil
	}
	for _, c := range b.cards {
		forgotten = append(forgotten, c.fingerprint)
	}
	delete(g.of, key)
	return forgotten
}

// hold keeps a credential for a call; release ends that.
func (g *guests) hold(key guard.Key, fp guard.Fingerprint, cred secret.Credential) (release func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.book(key)
	c := b.find(fp)
	if c == nil {
		c = &guestCard{card: newCard(fp, cred, time.Now())}
		b.cards = append(b.cards, c)
	}
	c.holders++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		c.holders--
		b.tidy()
	}
}

// pin keeps a credential from an own attempt's free call until its end, or until the next: its caller may leave meanwhile.
func (g *guests) pin(s *seat, fp guard.Fingerprint) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unpinned(s)
	if b := g.of[s.guard.Key()]; b != nil {
		if s.pinned = b.find(fp); s.pinned != nil {
			s.pinned.holders++
		}
	}
}

func (g *guests) unpin(s *seat) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unpinned(s)
}

func (g *guests) unpinned(s *seat) {
	if s.pinned == nil {
		return
	}
	s.pinned.holders--
	s.pinned = nil
	if b := g.of[s.guard.Key()]; b != nil {
		b.tidy()
	}
}

// keep keeps an accepted credential beyond its call, and returns which were forgotten for it.
func (g *guests) keep(key guard.Key, fp guard.Fingerprint) (forgotten []guard.Fingerprint) {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.of[key]
	if b == nil {
		return nil
	}
	i := slices.IndexFunc(b.cards, func(c *guestCard) bool { return c.fingerprint == fp })
	if i < 0 {
		return nil
	}
	c := b.cards[i]
	c.kept = true
	b.cards = append(slices.Delete(b.cards, i, i+1), c) // the last one accepted is the last to go
	kept := 0
	for _, c := range slices.Backward(b.cards) {
		if c.kept {
			kept++
		}
		if c.kept && kept > keptGuests {
			c.kept = false
			forgotten = append(forgotten, c.fingerprint)
		}
	}
	b.tidy()
	return forgotten
}

// drop keeps credentials no longer than their calls, but for those that serve, and returns which are forgotten.
func (g *guests) drop(key guard.Key, serves func(guard.Fingerprint) bool) (forgotten []guard.Fingerprint) {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.of[key]
	if b == nil {
		return nil
	}
	for _, c := range b.cards {
		if c.kept && !serves(c.fingerprint) {
			c.kept = false
			forgotten = append(forgotten, c.fingerprint)
		}
	}
	b.tidy()
	return forgotten
}

func (g *guests) get(key guard.Key, fp guard.Fingerprint) *card {
	g.mu.Lock()
	defer g.mu.Unlock()
	if b := g.of[key]; b != nil {
		if c := b.find(fp); c != nil {
			return c.card
		}
	}
	return nil
}

func (b *guestbook) find(fp guard.Fingerprint) *guestCard {
	if i := slices.IndexFunc(b.cards, func(c *guestCard) bool { return c.fingerprint == fp }); i >= 0 {
		return b.cards[i]
	}
	return nil
}

// tidy forgets what nobody holds and nothing keeps.
func (b *guestbook) tidy() {
	b.cards = slices.DeleteFunc(b.cards, func(c *guestCard) bool { return c.holders == 0 && !c.kept })
}

// card returns a credential of a PSA user, whoever gave it; or nil.
func (s *Shared) card(key guard.Key, fp guard.Fingerprint) *card {
	if c := s.wallet.get(key, fp); c != nil {
		return c
	}
	return s.guests.get(key, fp)
}
