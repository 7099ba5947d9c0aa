package secret

import (
	"context"
	"errors"
	"fmt"
	"time"
)

var (
	// ErrNotFound: the source answered, and holds no such record (or no version of it that can be read).
	ErrNotFound = errors.New("record not found")
	// ErrUnavailable: the source could not be asked, or what it gave cannot be trusted (no permission, a file that is half written).
	ErrUnavailable = errors.New("secret source unavailable")
	// ErrDown is the ErrUnavailable of a source that gives no record at all now (sealed, unreachable, no sign-in).
	// A [Store] that is told so spares the source: see outage.
	ErrDown = fmt.Errorf("%w", ErrUnavailable)
)

// Gone is an ErrNotFound of a record that had versions: the newest one was deleted. A Write makes the one after it.
type Gone struct {
	// Version is the one that was deleted.
	Version uint64
	// Err wraps ErrNotFound, and says what to do.
	Err error
}

// Error implements error.
func (g Gone) Error() string { return g.Err.Error() }

// Unwrap returns what says that there is no record.
func (g Gone) Unwrap() error { return g.Err }

// Source reads records. It is called by one [Store], several paths at once, never to read one path twice at once.
// Its errors wrap ErrNotFound, ErrUnavailable or ErrDown and never hold a field's content.
type Source interface {
	// Read returns all fields of one version of the record. It ends when ctx does. The Store sets ReadAt.
	Read(ctx context.Context, path string) (Record, error)
}

// Reviser is a [Source] that can tell for less than a reading costs whether a record is another than before.
// The Store polls it, and reads the record only when the revision differs from that of the one it holds.
type Reviser interface {
	// Revision returns the revision of what Read would return now; an empty one says that only Read can tell.
	Revision(ctx context.Context, path string) (string, error)
}

// Sessioner is a [Source] that signs in somewhere before it can read.
type Sessioner interface {
	// Session tells how the sign-in stands. It waits for nothing.
	Session() SessionStatus
}

// Record is one reading of a record: all its fields, of one version.
type Record struct {
	// Path names the record within its store.
	Path string
	// Version is the source's label for this content, for people. The Store passes on any change of it, a lower one
	// too (a store restored from a backup); what a lower version means is for the user of the record to judge.
	Version uint64
	// Revision is opaque. It differs wherever the content does, also between two contents of one version: a store that
	// was restored from a backup and written to again gives a number a second time. Empty: the source knows none.
	Revision string
	// Created is when the source made the version; zero where it does not tell.
	Created time.Time
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
