package call

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/secret"
)

// passThroughs returns the integrations of a login whose callers may bring credentials, by PSA user.
func passThroughs(cfg Config, login string) map[string][]*identity.Integration {
	of := make(map[string][]*identity.Integration)
	for i := range cfg.Integrations {
		integration := &cfg.Integrations[i].Integration
		for _, user := range integration.PassThrough {
			if integration.Login == login {
				of[user] = append(of[user], integration)
			}
		}
	}
	return of
}

// attachGuests makes the lane a use of the PSA users whose credentials its callers bring. Called when its config comes into
// force, with the lane's mutex held.
func (n *lane) attachGuests() error {
	n.guests = make(map[string]*seat)
	for user, from := range n.passThrough {
		key, err := n.keyOf(secret.Credential{UserName: user})
		if err != nil {
			return err
		}
		s := &seat{lane: n, guard: n.shared.guard.Login(key), user: user}
		s.detach = s.guard.Attach(guard.Use{Name: n.Name, Settings: n.Settings, Upstream: s, Integrations: len(from), Guest: true, Changed: s.changed})
		n.guests[user] = s
		n.shared.guests.use(key)
	}
	return nil
}

// detachGuests takes that back. Called with the lane's mutex held.
func (n *lane) detachGuests() {
	for _, s := range n.guests {
		s.detach()
		s.guard.Forgotten(n.shared.guests.unuse(s.guard.Key())...)
	}
	n.guests = nil
}

// errGuests says why the PSA users of a lane's guests could not be set up.
func errGuests(login string, err error) error {
	return fmt.Errorf("login %s: passthrough: %w", login, err)
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

// keep keeps an accepted credential beyond its call, and returns which were forgotten for it.
func (g *guests) keep(key guard.Key, fp guard.Fingerprint) (forgotten []guard.Fingerprint) {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.book(key)
	c := b.find(fp)
	if c == nil || c.kept {
		return nil
	}
	c.kept = true
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
