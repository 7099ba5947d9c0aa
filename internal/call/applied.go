package call

import (
	"fmt"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/secret"
)

// applied remembers what of each record in use the guard was told last. A reload reads every record anew, and only a
// change of the store counts as one: of two records for one PSA user the older must not become the newest by a reload.
type applied struct {
	mu   sync.Mutex
	told map[record]*content
}

type record struct {
	store *secret.Store
	path  string
}

// content is what a reading gave, and how many lanes use its record.
type content struct {
	key     guard.Key
	fp      guard.Fingerprint
	version uint64
	created time.Time // zero where the store does not tell
	users   int
}

// hold keeps what is known of a record until letGo is called as often.
func (a *applied) hold(r record) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.told == nil {
		a.told = make(map[record]*content)
	}
	if a.told[r] == nil {
		a.told[r] = new(content)
	}
	a.told[r].users++
}

func (a *applied) letGo(r record) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.told[r].users--; a.told[r].users == 0 {
		delete(a.told, r)
	}
}

// news is what a reading of a record tells the guard.
type news int

const (
	nothingNew news = iota
	// newLabel: the same content was saved again.
	newLabel
	newContent
)

// news remembers a record's content, and returns what of it is another than before. A version that was made before the last
// one, in a store that was restored from a backup, is nothing new: its password is one that was replaced.
func (a *applied) news(r record, c content) (news, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	last := a.told[r]
	older := c.version < last.version && c.created.Before(last.created)
	switch {
	case last.key == c.key && last.fp == c.fp && (c.version == last.version || older || c.version < last.version && c.created.IsZero()):
		return nothingNew, nil
	case last.key == c.key && last.fp == c.fp:
		last.version, last.created = c.version, c.created
		return newLabel, nil
	case older && !c.created.IsZero():
		return nothingNew, fmt.Errorf("record %q: the store gives version %d of %s, and gave version %d of %s before: was it restored from a backup? The older one is not tried; write the record anew",
			r.path, c.version, c.created.UTC().Format(time.RFC3339), last.version, last.created.UTC().Format(time.RFC3339))
	}
	c.users = last.users
	*last = c
	return newContent, nil
}

// forget has the next reading count as news.
func (a *applied) forget(r record) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if last := a.told[r]; last != nil {
		*last = content{users: last.users}
	}
}

// last returns what the guard was told of a record last; its key is empty where that is nothing.
func (a *applied) last(r record) content {
	a.mu.Lock()
	defer a.mu.Unlock()
	return *a.told[r]
}
