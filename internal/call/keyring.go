package call

import (
	"sync"
	"time"

	"github.com/psagate/psagate/internal/identity"
)

// keyring is what the process knows of the keys in records, over configs: at a reload no key is unknown for a while, and
// none goes to another integration because the new config happens to read that one's record first. The zero keyring is ready.
type keyring struct {
	ring identity.Ring[record]

	changing sync.Mutex
	held     map[record]*heldKeys
}

// heldKeys is how many configs use a record, and when the reading began that its keys are of.
type heldKeys struct {
	users int
	read  time.Time
}

// hold keeps a record's keys until letGo is called as often.
func (k *keyring) hold(r record) {
	k.changing.Lock()
	defer k.changing.Unlock()
	if k.held == nil {
		k.held = make(map[record]*heldKeys)
	}
	if k.held[r] == nil {
		k.held[r] = new(heldKeys)
	}
	k.held[r].users++
}

func (k *keyring) letGo(r record) {
	k.changing.Lock()
	defer k.changing.Unlock()
	if k.held[r].users--; k.held[r].users == 0 {
		delete(k.held, r)
		k.ring.Set(r, nil, time.Now())
	}
}

// known reports whether a reading's keys of a record are in the ring.
func (k *keyring) known(r record) bool {
	k.changing.Lock()
	defer k.changing.Unlock()
	h := k.held[r]
	return h != nil && !h.read.IsZero()
}

// set replaces a record's keys by those of a reading. It is not current where a newer one is known or nobody holds the
// record any more: then nothing changes.
func (k *keyring) set(r record, read time.Time, hashes []identity.Hash) (passed []identity.Hash, current bool) {
	k.changing.Lock()
	defer k.changing.Unlock()
	h := k.held[r]
	if h == nil || read.Before(h.read) {
		return nil, false
	}
	h.read = read
	return k.ring.Set(r, hashes, time.Now()), true
}
