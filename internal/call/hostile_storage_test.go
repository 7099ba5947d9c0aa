package call

import (
	"context"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/psagate/psagate/internal/guard"
)

// cupboard is a storage of zones that anybody can write to.
type cupboard struct {
	mu    sync.Mutex
	files map[string][]byte
}

func (c *cupboard) Load(_ context.Context, key string) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if data, ok := c.files[key]; ok {
		return data, nil
	}
	return nil, fs.ErrNotExist
}

func (c *cupboard) Store(_ context.Context, key string, value []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.files[key] = value
	return nil
}

// forge replaces every zone, and returns how many there were.
func (c *cupboard) forge(base string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key := range c.files {
		c.files[key] = []byte(`{"base":"` + base + `"}`)
	}
	return len(c.files)
}

// The storage is written by others, and outlives a config: a zone in it may be one that the config does not allow, or does
// not allow any more. Nothing goes there, and no login stays without a zone because of it, one that was proven included.
func TestAStoredZoneThatMayNotBeUsedIsLookedUpAgain(t *testing.T) {
	for name, base := range map[string]string{
		"a foreign host":         "https://evil.example.com/ATServicesRest/",
		"a private address":      "https://10.0.0.1/ATServicesRest/",
		"a host with a dot":      "https://webservices5.autotask.net./ATServicesRest/",
		"another port":           "https://webservices5.autotask.net:8443/ATServicesRest/",
		"plain HTTP":             "http://webservices5.autotask.net/ATServicesRest/",
		"a path of another kind": "https://webservices5.autotask.net/elsewhere/",
	} {
		for _, proven := range []bool{true, false} {
			inWorld(t, func(w *world) {
				storage := &cupboard{files: map[string][]byte{}}
				w.cfg.Zones = storage
				w.load()
				w.served("a")
				synctest.Wait()
				if storage.forge(base) != 1 {
					w.Fatal("the zone was not stored")
				}
				if !proven {
					w.shared = NewShared(new(guard.Memory), slog.New(slog.NewTextHandler(w.log, nil)))
				}
				w.load()
				if a := w.call("a", "GET", "/Tickets/1", ""); a.status != 200 || w.failed() != 0 {
					w.Errorf("%s, proven before: %v: %d %s", name, proven, a.status, a.reason())
				}
				synctest.Wait()
				for _, data := range storage.files {
					if strings.Contains(string(data), base) {
						w.Errorf("%s, proven before: %v: it is still stored", name, proven)
					}
				}
			})
		}
	}
}
