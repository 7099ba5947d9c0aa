package zone

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"time"
)

// Storage keeps zones longer than a process lives. certmagic.Storage, which is Caddy's, is one.
type Storage interface {
	// Load returns fs.ErrNotExist where there is nothing.
	Load(ctx context.Context, key string) ([]byte, error)
	// Store replaces what is there.
	Store(ctx context.Context, key string, value []byte) error
}

// stored is a Zone in a Storage. It has no Verified, which is true of one process alone.
type stored struct {
	Base    string    `json:"base"`
	WebURL  string    `json:"web_url"`
	Name    string    `json:"name"`
	CI      int64     `json:"ci"`
	FoundAt time.Time `json:"found_at"`
}

// load returns the stored zone, if there is one that can be used. Of anything else it warns, and the lookup that
// follows replaces it.
func (c *Cache) load(ctx context.Context, key Key) (Zone, bool) {
	if c.storage == nil {
		return Zone{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, storageTimeout)
	defer cancel()
	data, err := c.storage.Load(ctx, key.storageKey())
	if errors.Is(err, fs.ErrNotExist) {
		return Zone{}, false
	}
	var s stored
	if err == nil {
		s, err = decode(data)
	}
	if err != nil {
		c.logger.Warn("stored zone cannot be used; looking it up", "key", key.storageKey(), "error", err)
		return Zone{}, false
	}
	return Zone{Base: s.Base, WebURL: s.WebURL, Name: s.Name, CI: s.CI, FoundAt: s.FoundAt}, true
}

func decode(data []byte) (stored, error) {
	var s stored
	if json.Unmarshal(data, &s) != nil {
		// The decoder's error can repeat what is stored, at any length.
		return s, errors.New("it is not the JSON of a zone")
	}
	base, err := url.Parse(s.Base)
	if err != nil {
		return s, errors.New("its base URL is none")
	}
	if base.Scheme != "https" && base.Scheme != "http" || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return s, errors.New("its base URL is not that of a zone")
	}
	return s, nil
}

// save stores the entry's zone as it is by now, so that of two writers the last one writes the newest.
func (c *Cache) save(ctx context.Context, e *entry) {
	if c.storage == nil {
		return
	}
	e.saving.Lock()
	defer e.saving.Unlock()
	c.mu.Lock()
	key, z := e.key, e.zone
	c.mu.Unlock()
	if z.same(e.saved) {
		return
	}
	data, err := json.Marshal(stored{Base: z.Base, WebURL: z.WebURL, Name: z.Name, CI: z.CI, FoundAt: z.FoundAt})
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, storageTimeout)
		defer cancel()
		err = c.storage.Store(ctx, key.storageKey(), data)
	}
	if err != nil {
		c.logger.Warn("zone cannot be stored; it will be looked up again after a restart", "key", key.storageKey(), "error", err)
		return
	}
	e.saved = z
}
