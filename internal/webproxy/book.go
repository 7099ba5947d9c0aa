package webproxy

import (
	"cmp"
	"crypto/rand"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/autotask"
)

// Limits are how many sessions of one PSA user name the PSA lets be at once, and how long an idle one lasts. The zero value is the
// vendor's: 3 on desktops, 1 on phones, 8 hours.
type Limits struct {
	Desktop, Mobile int
	Idle            time.Duration
}

func (l Limits) withDefaults() Limits {
	return Limits{Desktop: cmp.Or(l.Desktop, 3), Mobile: cmp.Or(l.Mobile, 1), Idle: cmp.Or(l.Idle, 8*time.Hour)}
}

// Session is one that people were seen to begin. Those that began elsewhere nobody here has seen.
type Session struct {
	// User is the PSA's user name, in the spelling under which it is compared.
	User string
	// Person is what the person was called who was signed in to the gateway; empty: nobody was.
	Person string
	// Mobile: a phone's, or the Outlook extension's.
	Mobile bool
	// Since is when it began, Last when something was last asked in it.
	Since, Last time.Time
}

// Book is what this process remembers of sessions and of browsers that sign in. It is memory: a restart forgets it, and a replica does
// not know what another saw. Safe for concurrent use.
type Book struct {
	limits Limits
	now    func() time.Time

	mu       sync.Mutex
	browsers map[string]*browser
}

// browser is one that has been to the sign-in's pages.
type browser struct {
	user    string // typed last; empty once that is too long ago
	typedAt time.Time
	offer   string // what the page showed that asks whether to go on; empty: it was not shown
	agreed  string // the user for whom its person said so
	session *Session

	// expected is the page on which the answer to a sign-in stands that was led on there; passwords is attempt's.
	expected   string
	expectedAt time.Time
	passwords  []string
}

const (
	// typedLasts is for how long it counts what name was typed: a sign-in at a provider lies in between.
	typedLasts = 15 * time.Minute
	// maxBrowsers bounds what is remembered.
	maxBrowsers = 20000
)

// NewBook returns an empty one.
func NewBook(limits Limits, now func() time.Time) *Book {
	return &Book{limits: limits.withDefaults(), now: now, browsers: map[string]*browser{}}
}

// Sessions are all that are alive, by user and the oldest first.
func (b *Book) Sessions() []Session {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open(func(*browser) bool { return true })
}

// open are the sessions of some browsers that are alive. Called with mu held.
func (b *Book) open(of func(*browser) bool) (all []Session) {
	for _, one := range b.browsers {
		if b.alive(one) && of(one) {
			all = append(all, *one.session)
		}
	}
	slices.SortFunc(all, func(a, b Session) int { return cmp.Or(cmp.Compare(a.User, b.User), a.Since.Compare(b.Since)) })
	return all
}

func (b *Book) alive(one *browser) bool {
	return one.session != nil && b.now().Sub(one.session.Last) < b.limits.Idle
}

// typed notes the user name that was typed in a browser.
func (b *Book) typed(id, user string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	one := b.browsers[id]
	if one == nil {
		b.makeRoom()
		one = new(browser)
		b.browsers[id] = one
	}
	one.user, one.typedAt = autotask.CanonicalUser(user), b.now()
	if one.agreed != one.user {
		one.agreed = ""
	}
}

// user is the name that was typed in a browser, for as long as that counts.
func (b *Book) user(id string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.who(b.browsers[id])
}

func (b *Book) who(one *browser) string {
	if one == nil || b.now().Sub(one.typedAt) >= typedLasts {
		return ""
	}
	return one.user
}

// makeRoom forgets browsers of which nothing counts any more, and where these are too few, a tenth of the others, that not each one that
// comes has all looked at: those first that were there longest ago, and with a session last, for anybody can come to the sign-in.
func (b *Book) makeRoom() {
	if len(b.browsers) < maxBrowsers {
		return
	}
	now := b.now()
	rank := func(one *browser) int64 {
		if one.session != nil && now.Sub(one.session.Last) < b.limits.Idle {
			return math.MaxInt64
		}
		return one.typedAt.UnixNano()
	}
	maps.DeleteFunc(b.browsers, func(_ string, one *browser) bool { return rank(one) <= now.Add(-typedLasts).UnixNano() })
	if len(b.browsers) <= maxBrowsers*9/10 {
		return
	}
	ids := slices.Collect(maps.Keys(b.browsers))
	slices.SortFunc(ids, func(a, c string) int { return cmp.Compare(rank(b.browsers[a]), rank(b.browsers[c])) })
	for _, id := range ids[:len(ids)-maxBrowsers*9/10] {
		delete(b.browsers, id)
	}
}

// expect notes that the answer to a sign-in stands on another page, to which the browser is led on.
func (b *Book) expect(id, page string, passwords []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if one := b.browsers[id]; one != nil {
		one.expected, one.expectedAt, one.passwords = page, b.now(), passwords
	}
}

// expected says, once, whether a page is the one that was expected.
func (b *Book) expected(id, page string) (yes bool, passwords []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	one := b.browsers[id]
	if one == nil || one.expected != page || b.now().Sub(one.expectedAt) >= patience {
		return false, nil
	}
	one.expected = ""
	return true, one.passwords
}

// begin notes that a browser's sign-in was taken. One session too many ends the oldest of the others, as the PSA does by all that is
// known.
func (b *Book) begin(id, person string, mobile bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	one := b.browsers[id]
	user := b.who(one)
	if user == "" {
		return // it is not known whose it is
	}
	one.session = nil
	for others := b.alike(user, mobile); len(others) >= b.most(mobile); others = b.alike(user, mobile) {
		oldest := slices.MinFunc(others, func(a, b *browser) int { return a.session.Since.Compare(b.session.Since) })
		oldest.session = nil
	}
	now := b.now()
	one.session, one.user, one.agreed, one.offer = &Session{User: user, Person: person, Mobile: mobile, Since: now, Last: now}, "", "", ""
}

// alike are the browsers with a session of a user's of one kind.
func (b *Book) alike(user string, mobile bool) (all []*browser) {
	for _, one := range b.browsers {
		if b.alive(one) && one.session.User == user && one.session.Mobile == mobile {
			all = append(all, one)
		}
	}
	return all
}

func (b *Book) most(mobile bool) int {
	if mobile {
		return b.limits.Mobile
	}
	return b.limits.Desktop
}

// end notes that a browser's session is over.
func (b *Book) end(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if one := b.browsers[id]; one != nil {
		one.session = nil
	}
}

// touch notes that something was asked in a browser's session.
func (b *Book) touch(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if one := b.browsers[id]; one != nil && b.alive(one) {
		one.session.Last = b.now()
	}
}

// full returns the sessions of which one would end if a browser's user signed in, and what agreeing to that is known by; none where
// there is room, or the person agreed.
func (b *Book) full(id string, mobile bool) (open []Session, offer string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	one := b.browsers[id]
	user := b.who(one)
	if user == "" || one.agreed == user {
		return nil, ""
	}
	open = b.open(func(other *browser) bool {
		return other != one && other.session.User == user && other.session.Mobile == mobile
	})
	if len(open) < b.most(mobile) {
		return nil, ""
	}
	one.offer = rand.Text()
	return open, one.offer
}

// agree notes that the person goes on all the same.
func (b *Book) agree(id, offer string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	one := b.browsers[id]
	if one == nil || offer == "" || one.offer != offer {
		return false
	}
	one.agreed, one.offer = b.who(one), ""
	return true
}
