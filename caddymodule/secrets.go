package caddymodule

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/secret"
)

// SecretStore is what a module of the namespace psa.secrets is.
type SecretStore interface {
	// Key names what is read, so that a store that is open already is gone on with when a config that means the same is
	// loaded. It holds no secret.
	Key() string
	// Source returns what reads the records. It opens nothing yet. find gives the secrets that Needs returned.
	Source(find func(*SecretText) secret.Func, log *slog.Logger) (secret.Source, error)
	// Needs returns the secrets that the store itself is opened with.
	Needs() []*SecretText
	// Freshness returns how often records are read again, and how long the last known ones serve without.
	Freshness() (poll, maxStale time.Duration)
}

// checkNeeds says what is wrong with the stores that other stores are opened with. needs are by the name of the store,
// known are the stores that there are.
func checkNeeds[V any](needs map[string][]*SecretText, known map[string]V) error {
	for _, name := range slices.Sorted(maps.Keys(needs)) {
		for _, need := range needs[name] {
			if err := need.check(); err != nil {
				return faultAt("secrets "+name, "%w", err)
			}
			if _, ok := known[need.Store]; need.Store != "" && !ok {
				return faultAt("secrets "+name, "there is no store of that name; %s", defined(known))
			}
		}
		if circle := circleFrom(name, needs, nil); circle != nil {
			return faultAt("secrets "+name, "the store would be opened with a secret of its own: %s", strings.Join(circle, " needs "))
		}
	}
	return nil
}

// circleFrom returns the way from a store back to itself, or nil.
func circleFrom(name string, needs map[string][]*SecretText, way []string) []string {
	if slices.Contains(way, name) {
		return append(way, name)
	}
	way = append(slices.Clone(way), name)
	for _, need := range needs[name] {
		if circle := circleFrom(need.Store, needs, way); need.Store != "" && circle != nil {
			return circle
		}
	}
	return nil
}

// checkFreshness says what is wrong with a store's times. Its most frequent poll is what the store can be asked.
func checkFreshness(poll, maxStale, least time.Duration) error {
	switch {
	case poll < least:
		return fmt.Errorf("poll %s: at least %s", poll, least)
	case maxStale < 2*poll:
		return fmt.Errorf("max_stale %s: must be at least twice poll (%s), or values would be too old to serve between two looks", maxStale, poll)
	}
	return nil
}
