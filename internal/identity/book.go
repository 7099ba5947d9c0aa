package identity

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
)

// Integration is a program that calls the PSA through psagate.
type Integration struct {
	// Name is its name in the config.
	Name string
	// Owner is the mail address of who answers for it; may be empty.
	Owner string
	// Login names the login that its calls use.
	Login string
	// Keys are the hashes of its keys: several while one is being replaced.
	Keys []Hash
}

// Caller is who a call comes from.
type Caller struct {
	// Integration is nil in an error's Caller.
	Integration *Integration
	// KeyID is the id of the key presented, the unknown one's too, so that a log can tell which one it was.
	KeyID string
	// UserDiffers: a user name was presented beside the key that is not the integration's name. For the log alone.
	UserDiffers bool
}

// Book finds integrations by key. It never changes, and may be read by any number of callers.
type Book struct{ byHash map[Hash]page }

type page struct {
	hash        Hash
	id          string
	integration *Integration
}

// NewBook returns a book of the integrations, which must not be changed any more. Two of one name, and a key that is
// named twice, are errors, and the error tells all of them.
func NewBook(integrations []Integration) (*Book, error) {
	b := &Book{byHash: map[Hash]page{}}
	names := map[string]bool{}
	var problems []error
	for i := range integrations {
		integration := &integrations[i]
		if names[integration.Name] {
			problems = append(problems, fmt.Errorf("two integrations are named %q: rename one", integration.Name))
		}
		names[integration.Name] = true
		for _, hash := range integration.Keys {
			problems = append(problems, b.add(hash, integration))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return b, nil
}

func (b *Book) add(hash Hash, integration *Integration) error {
	held, twice := b.byHash[hash]
	switch {
	case !twice:
		b.byHash[hash] = page{hash: hash, id: hash.ID(), integration: integration}
		return nil
	case held.integration == integration:
		return fmt.Errorf("integration %q names key %s twice: remove one", integration.Name, held.id)
	default:
		return fmt.Errorf("integrations %q and %q both have key %s: make a key for each", held.integration.Name, integration.Name, held.id)
	}
}

// Identify returns who presented a key. Its errors are ErrNoCredentials, ErrNotAKey, ErrMistyped, ErrUnknown and
// ErrConflict; with ErrUnknown the Caller has the KeyID.
//
// Its time says nothing about the keys. What is looked up is the SHA-256 of what was presented: to steer how much of
// it agrees with an entry, a caller would have to find texts whose hash begins as that of a key unknown to him does,
// and even the whole hash would not give him the key. The map's own hash is seeded per process, its size costs
// nothing, and the entry that it finds is compared in constant time.
func (b *Book) Identify(p Presented) (Caller, error) {
	if p.err != nil {
		return Caller{}, p.err
	}
	if !p.hasKey {
		return Caller{}, ErrNoCredentials
	}
	found := b.byHash[p.hash]
	same := subtle.ConstantTimeCompare(found.hash[:], p.hash[:]) == 1
	if !same || found.integration == nil {
		return Caller{KeyID: p.hash.ID()}, ErrUnknown
	}
	return Caller{Integration: found.integration, KeyID: found.id, UserDiffers: differs(p.Users, found.integration.Name)}, nil
}

func differs(users []string, name string) bool {
	for _, user := range users {
		if !strings.EqualFold(strings.TrimSpace(user), name) {
			return true
		}
	}
	return false
}
