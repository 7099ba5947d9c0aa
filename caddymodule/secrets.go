package caddymodule

import (
	"time"

	"github.com/psagate/psagate/internal/secret"
)

// SecretStore is what a module of the namespace psa.secrets is.
type SecretStore interface {
	// Key names what is read, so that a store that is open already is gone on with when a config that means the same is
	// loaded. It holds no secret.
	Key() string
	// Source returns what reads the records. It opens nothing yet.
	Source() secret.Source
	// Freshness returns how often records are read again, and how long the last known ones serve without.
	Freshness() (poll, maxStale time.Duration)
}
