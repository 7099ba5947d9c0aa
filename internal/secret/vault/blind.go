package vault

import (
	"sync"
	"time"
)

// blindFor is how long the metadata of a record is not asked for again when the token may not read it.
const blindFor = 10 * time.Minute

// blind remembers of which records the token may not read the metadata.
type blind struct {
	mu    sync.Mutex
	until map[string]time.Time
	said  bool // the log has it
}

func (b *blind) is(path string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Now().Before(b.until[path])
}

func (b *blind) set(path string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.until[path] = time.Now().Add(blindFor)
}

func (b *blind) forget(path string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.until, path)
}

// isNews tells, once in the life of a source, that a record can be read whose metadata cannot.
func (b *blind) isNews(path string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, is := b.until[path]; !is || b.said {
		return false
	}
	b.said = true
	return true
}
