package refused

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"sync"
)

// InMemory are Books that last as long as the process. The zero InMemory is empty.
type InMemory struct {
	mu      sync.Mutex
	key     []byte
	records map[string]Record
}

var _ Books = (*InMemory)(nil)

// Change implements Books.
func (b *InMemory) Change(_ context.Context, place string, f func(*Record)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.records == nil {
		b.records = map[string]Record{}
	}
	r := b.records[place].Clone()
	f(&r)
	b.records[place] = r
	return nil
}

// Prints implements Books, with a key that nobody else has.
func (b *InMemory) Prints(place, secret string) ([]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.key == nil {
		b.key = make([]byte, sha256.Size)
		_, _ = rand.Read(b.key) // it never fails
	}
	h := hmac.New(sha256.New, b.key)
	h.Write([]byte(place + "\x00" + secret))
	return []string{hex.EncodeToString(h.Sum(nil))}, nil
}
