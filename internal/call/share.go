package call

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/autotask"
)

// What one integration may have under way at once: its calls hold places, memory and disk from their first byte to the
// last of their answer, and one that misbehaves must not take what the others need.
const (
	// callsAtOnce is how many calls, or four times its login's queue where that is longer.
	callsAtOnce = 1024
	// bytesAtOnce is how much of request bodies, or four of the largest.
	bytesAtOnce = 256 << 20
	// bytesInMemory is how much of all integrations' bodies is kept in memory beyond the first 64 KiB of each, and a quarter of it how
	// much of one's; what does not fit goes to files.
	bytesInMemory = 64 << 20
)

// shares counts what integrations have under way, over all configs.
type shares struct {
	mostBytes, mostInMemory int64

	mu       sync.Mutex
	byName   map[string]*share
	inMemory int64
}

func newShares() *shares {
	return &shares{mostBytes: bytesAtOnce, mostInMemory: bytesInMemory, byName: make(map[string]*share)}
}

// share is what one integration has under way.
type share struct {
	calls    int
	bytes    int64
	inMemory int64
	// inflating is held by the one call whose body is being inflated: a gzip can be made that takes seconds to read.
	inflating chan struct{}
}

// stake is one call's part of its integration's share.
type stake struct {
	all      *shares
	name     string
	of       *share
	most     int64 // of the share's bytes
	bytes    int64
	inMemory int64
}

// enter begins a call of an integration; most is how many it may have. nil means that it has them already.
func (s *shares) enter(name string, most int, largestBody int64) *stake {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.byName[name]
	if of == nil {
		of = &share{inflating: make(chan struct{}, 1)}
		s.byName[name] = of
	}
	if of.calls >= most {
		return nil
	}
	of.calls++
	return &stake{all: s, name: name, of: of, most: max(s.mostBytes, 4*largestBody)}
}

// leave ends the call.
func (k *stake) leave() {
	k.giveBack()
	k.all.mu.Lock()
	defer k.all.mu.Unlock()
	k.of.calls--
	if k.of.calls == 0 {
		delete(k.all.byName, k.name)
	}
}

// inflate waits for its turn among the integration's calls to inflate a body, and returns what ends it.
func (k *stake) inflate(ctx context.Context) (done func(), err error) {
	select {
	case k.of.inflating <- struct{}{}:
		return func() { <-k.of.inflating }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// take asks for n more bytes of the call's body.
func (k *stake) take(n int64) error {
	k.all.mu.Lock()
	defer k.all.mu.Unlock()
	if k.of.bytes+n > k.most {
		return crowded(fmt.Sprintf("the bodies of this integration's calls under way are %d bytes already: wait for their answers", k.of.bytes))
	}
	k.of.bytes += n
	k.bytes += n
	return nil
}

// keep reports whether n more bytes may be kept in memory.
func (k *stake) keep(n int64) bool {
	k.all.mu.Lock()
	defer k.all.mu.Unlock()
	if k.all.inMemory+n > k.all.mostInMemory || k.of.inMemory+n > k.all.mostInMemory/4 {
		return false
	}
	k.hold(n)
	return true
}

// spilled says that nothing of the body is in memory any more.
func (k *stake) spilled() {
	k.all.mu.Lock()
	defer k.all.mu.Unlock()
	k.hold(-k.inMemory)
}

// hold counts n more bytes in memory. Called with the mutex held.
func (k *stake) hold(n int64) {
	k.all.inMemory += n
	k.of.inMemory += n
	k.inMemory += n
}

// giveBack says that the body is gone.
func (k *stake) giveBack() {
	k.all.mu.Lock()
	defer k.all.mu.Unlock()
	k.hold(-k.inMemory)
	k.of.bytes -= k.bytes
	k.bytes = 0
}

// crowdedPause is what a caller is told to wait whose integration has too much under way.
const crowdedPause = 5 * time.Second

func crowded(text string) *entryError {
	return &entryError{reason: autotask.QueueFull, text: text, retryAfter: crowdedPause}
}
