package call

import (
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/secret"
)

// walletSize is how many credentials of one PSA user are kept: the newest, the one that serves, and some that may be
// needed for calls that are under way.
const walletSize = 8

// wallet keeps credentials by their fingerprint: the store has only the newest, while an older one may serve for hours,
// over reloads of the config.
type wallet struct {
	mu    sync.Mutex
	cards map[guard.Key][]*card
}

// card is one credential, ready to be sent.
type card struct {
	fingerprint guard.Fingerprint
	credential  secret.Credential
	since       time.Time // when the store first gave it
	serves      time.Time // since when the PSA takes it, as far as this process has seen
	redactor    *autotask.Redactor
}

func (c *card) version() string { return strconv.FormatUint(c.credential.Version, 10) }

func newCard(fp guard.Fingerprint, cred secret.Credential, since time.Time) *card {
	return &card{
		fingerprint: fp, credential: cred, since: since,
		redactor: autotask.NewRedactor(cred.Secret.Reveal(), cred.IntegrationCode.Reveal()),
	}
}

// put keeps a credential. The same content again takes over what its new reading says of zone and version.
func (w *wallet) put(key guard.Key, fp guard.Fingerprint, cred secret.Credential, at time.Time) *card {
	c := newCard(fp, cred, at)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cards == nil {
		w.cards = make(map[guard.Key][]*card)
	}
	cards := w.cards[key]
	if i := indexOf(cards, fp); i >= 0 {
		c.since, c.serves = cards[i].since, cards[i].serves
		cards = slices.Delete(cards, i, i+1)
	}
	w.cards[key] = append(cards, c)
	return c
}

// drop forgets the oldest credentials beyond the wallet's size, but for those that are still needed.
func (w *wallet) drop(key guard.Key, needed ...guard.Fingerprint) {
	w.mu.Lock()
	defer w.mu.Unlock()
	cards := w.cards[key]
	for i := 0; i < len(cards) && len(cards) > walletSize; {
		if slices.Contains(needed, cards[i].fingerprint) {
			i++
			continue
		}
		cards = slices.Delete(cards, i, i+1)
	}
	w.cards[key] = cards
}

// remove forgets a credential.
func (w *wallet) remove(key guard.Key, fp guard.Fingerprint) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cards[key] = slices.DeleteFunc(w.cards[key], func(c *card) bool { return c.fingerprint == fp })
}

// accepted notes that a credential serves from now on.
func (w *wallet) accepted(key guard.Key, fp guard.Fingerprint) {
	w.mu.Lock()
	defer w.mu.Unlock()
	cards := w.cards[key]
	if i := indexOf(cards, fp); i >= 0 { // those who have the card may be reading it
		c := *cards[i]
		c.serves = time.Now()
		cards[i] = &c
	}
}

// get returns a credential, or nil.
func (w *wallet) get(key guard.Key, fp guard.Fingerprint) *card {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i := indexOf(w.cards[key], fp); i >= 0 {
		return w.cards[key][i]
	}
	return nil
}

func indexOf(cards []*card, fp guard.Fingerprint) int {
	return slices.IndexFunc(cards, func(c *card) bool { return c.fingerprint == fp })
}
