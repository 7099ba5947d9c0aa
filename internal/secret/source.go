package secret

import (
	"context"
	"errors"
	"time"
)

var (
	// ErrNotFound: the source answered, and holds no such record (or no version of it that can be read).
	ErrNotFound = errors.New("record not found")
	// ErrUnavailable: the source could not be asked, or what it gave cannot be trusted (sealed, unreachable, a file that is half written).
	ErrUnavailable = errors.New("secret source unavailable")
)

// Source reads records. It is called by one [Store], several paths at once, never one path twice at once.
// Its errors wrap ErrNotFound or ErrUnavailable and never hold a field's content.
type Source interface {
	// Read returns all fields of one version of the record. It ends when ctx does. The Store sets ReadAt.
	Read(ctx context.Context, path string) (Record, error)
}

// Versioner is a Source that can tell a record's version for less than a reading costs.
// The Store polls it, and reads the record only when the version differs from the one it holds.
type Versioner interface {
	// Version returns the version that Read would return now.
	Version(ctx context.Context, path string) (uint64, error)
}

// Record is one reading of a record: all its fields, of one version.
type Record struct {
	// Path names the record within its store.
	Path string
	// Version is the source's label for this content. The Store passes on any change of it, a lower one too
	// (a store restored from a backup); what a lower version means is for the user of the record to judge.
	Version uint64
	// Fields are shared by all users of the reading: never write to them.
	Fields map[string]Value
	// ReadAt is when the reading of this content began.
	ReadAt time.Time
}

// sameContent tells whether both records hold the same fields; it says nothing about their versions.
func (r Record) sameContent(other Record) bool { return sameFields(r.Fields, other.Fields) }

func sameFields(a, b map[string]Value) bool {
	if len(a) != len(b) {
		return false
	}
	for name, value := range a {
		if held, ok := b[name]; !ok || !value.Equal(held) {
			return false
		}
	}
	return true
}
