package call

import (
	"sync"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/secret"
)

// applied remembers what of each record the guard was told last. A reload reads every record anew, and only a change of
// the store counts as one: of two records for one PSA user the older must not become the newest by a reload.
type applied struct {
	mu   sync.Mutex
	told map[record]content
}

type record struct {
	store *secret.Store
	path  string
}

type content struct {
	key guard.Key
	fp  guard.Fingerprint
}

// news remembers a record's content, and reports whether it is another than before.
func (a *applied) news(r record, c content) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.told[r] == c {
		return false
	}
	if a.told == nil {
		a.told = make(map[record]content)
	}
	a.told[r] = c
	return true
}
