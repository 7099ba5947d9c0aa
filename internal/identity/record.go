package identity

import (
	"crypto/subtle"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/psagate/psagate/internal/secret"
)

// FromRecord reads the keys of a secret store's record: each field is named by a key's id and holds its hash. A problem
// is one field's, and names it; the other fields count. No problem shows a content.
func FromRecord(fields map[string]secret.Value) (hashes []Hash, problems []string) {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		hash, err := ParseHash(fields[name].Reveal())
		switch {
		case err != nil:
			problems = append(problems, fmt.Sprintf("field %s: %v", shown(name), err))
		case hash.ID() != name:
			problems = append(problems, fmt.Sprintf("field %s holds the hash of key %s: give the field that name, which is the key's id", shown(name), hash.ID()))
		default:
			hashes = append(hashes, hash)
		}
	}
	return hashes, problems
}

// InRecord reports whether a record has a key.
func InRecord(fields map[string]secret.Value, hash Hash) bool {
	held, err := ParseHash(fields[hash.ID()].Reveal())
	return err == nil && subtle.ConstantTimeCompare(held[:], hash[:]) == 1
}

// maxShown is the length in bytes beyond which a field's name is not shown whole: a key's id has 8.
const maxShown = 32

// shown is a field's name as problems may show it. People mix up name and content, so one that could be a key or a
// password is cut off.
func shown(name string) string {
	switch {
	case strings.HasPrefix(name, prefix):
		return "that is named by a key itself"
	case len(name) > maxShown:
		return fmt.Sprintf("that begins with %q", strings.ToValidUTF8(name[:8], ""))
	}
	return fmt.Sprintf("%q", name)
}
