package zone

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/psagate/psagate/internal/autotask"
)

// Zone is where a tenant lives, as the PSA told it.
type Zone struct {
	// Base is the base URL of the zone's interfaces, normalised by whoever looked it up or pinned it. Where it came from
	// a storage, nobody has yet judged its host by the rules of the present config: judge it before each use.
	Base string
	// WebURL is where people sign in; empty for a pinned zone.
	WebURL string
	// Name is the zone's short code; empty for a pinned zone.
	Name string
	// CI is the number of the tenant's database; 0 for a pinned zone.
	CI int64
	// FoundAt is when the PSA last said so; zero for a pinned zone.
	FoundAt time.Time
	// Verified: the PSA said so to this process, or the operator did. A zone from storage may be used without;
	// Doubt verifies it.
	Verified bool
}

// same tells whether the PSA said the same thing of both.
func (z Zone) same(other Zone) bool {
	return z.Base == other.Base && z.WebURL == other.WebURL && z.Name == other.Name && z.CI == other.CI
}

// Key says whose zone it is, and who knows.
type Key struct {
	// Discover is the base URL, normalised, that is asked for the zone.
	Discover string
	// User is the PSA user, in any spelling of one name.
	User string
	// Pinned is the zone's base URL, normalised, where the operator names it: nothing is looked up then.
	Pinned string
}

// storageKey is a file name that shows nobody's name.
func (k Key) storageKey() string { return "psagate/zones/" + k.id() + ".json" }

func (k Key) id() string {
	sum := sha256.Sum256([]byte(k.Discover + "\x00" + autotask.CanonicalUser(k.User)))
	return hex.EncodeToString(sum[:])
}
