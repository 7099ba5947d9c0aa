package drive

import (
	"crypto/sha256"
	"sync"
	"time"
)

// AtHand are the files of mails that are being worked on. Each file of a mail is a step of its own, and without them each step takes the
// whole mail apart again. The zero value is ready; Drivers of one Ledger may share one, so that it bounds what a process keeps.
type AtHand struct {
	// Most is how many bytes of files are kept, of all mails; 0 is AtHandMost. Of a mail whose files do not fit none is kept.
	Most int

	mu    sync.Mutex
	size  int
	mails map[int64]*handful // by the mail's number
}

// AtHandMost holds the files of any one mail of the size that is taken unless a config says otherwise (64 MiB, which base64 makes of 48).
const AtHandMost = 64 << 20

// atHandFor is how long the files of a mail are kept that nobody asks for: it is done with by another process, or waits.
const atHandFor = 5 * time.Minute

// handful are the files of a mail.
type handful struct {
	files map[[sha256.Size]byte][]byte
	size  int
	timer *time.Timer
}

// file is the one with a hash, of a mail's.
func (a *AtHand) file(mail int64, hash [sha256.Size]byte) (data []byte, have bool) {
	if a == nil {
		return nil, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	h := a.mails[mail]
	if h == nil {
		return nil, false
	}
	h.timer.Reset(atHandFor)
	data, have = h.files[hash]
	return data, have
}

// keep keeps the files of a mail, in the place of those that are there.
func (a *AtHand) keep(mail int64, files ...[]byte) {
	if a == nil || len(files) == 0 {
		return
	}
	h := &handful{files: map[[sha256.Size]byte][]byte{}}
	for _, data := range files {
		h.files[sha256.Sum256(data)] = data
		h.size += cap(data)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.remove(mail)
	most := a.Most
	if most == 0 {
		most = AtHandMost
	}
	if a.size+h.size > most {
		return
	}
	if a.mails == nil {
		a.mails = map[int64]*handful{}
	}
	a.mails[mail], a.size = h, a.size+h.size
	h.timer = time.AfterFunc(atHandFor, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.mails[mail] == h {
			a.remove(mail)
		}
	})
}

// drop forgets the files of a mail that is done with.
func (a *AtHand) drop(mail int64) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.remove(mail)
}

// remove does so under the lock.
func (a *AtHand) remove(mail int64) {
	if h := a.mails[mail]; h != nil {
		h.timer.Stop()
		a.size -= h.size
		delete(a.mails, mail)
	}
}
