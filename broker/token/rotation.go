package token

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/psagate/psagate/broker/redact"
)

// rotation knows which refresh token is the one to show.
type rotation struct {
	stored Secret
	save   func(ctx context.Context, refresh string) error
	log    *slog.Logger

	mu sync.Mutex
	// latest is the one that the server gave last; unsaved says that it is in memory alone.
	latest  string
	unsaved bool
	// old are the ones that were replaced: a store may still show them for a while.
	old map[[32]byte]bool
}

// current is the one to show. Of a store that has one which we never saw, somebody has put it there.
func (r *rotation) current(ctx context.Context) (string, error) {
	stored, err := r.stored(ctx)
	stored = strings.TrimRight(stored, "\r\n")
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.old[sha256.Sum256([]byte(stored))]
	switch {
	case r.latest != "" && (err != nil || stored == "" || known):
		return r.latest, nil
	case err != nil:
		return "", fmt.Errorf("there is no refresh token: %w", err)
	case stored == "":
		return "", errors.New("there is no refresh token: it is empty")
	case stored != r.latest:
		r.latest, r.unsaved = "", false
	}
	return stored, nil
}

// given takes the refresh token that came with an access token, which shown asked for.
func (r *rotation) given(shown, refresh string) {
	if refresh == "" || refresh == shown {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.old[sha256.Sum256([]byte(shown))] = true
	delete(r.old, sha256.Sum256([]byte(refresh)))
	r.latest, r.unsaved = refresh, r.save != nil
}

// keep saves what is in memory alone. It is called by one at a time.
func (r *rotation) keep(ctx context.Context) {
	r.mu.Lock()
	refresh, unsaved := r.latest, r.unsaved
	r.mu.Unlock()
	if !unsaved {
		return
	}
	if err := r.save(ctx, refresh); err != nil {
		r.log.Error("a new refresh token cannot be saved, and would be lost with this process; it is tried again", "problem", redact.Text(err.Error(), refresh))
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.latest == refresh {
		r.unsaved = false
	}
}

// inMemoryAlone tells whether there is a refresh token that is not saved.
func (r *rotation) inMemoryAlone() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.unsaved
}
