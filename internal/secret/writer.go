package secret

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

var (
	// ErrChanged: the record is not any more what a Write was to follow. Nothing was written.
	ErrChanged = errors.New("record changed meanwhile")
	// ErrReadOnly: the source cannot write the record as things are set up; the text says why, and what to do. Nothing was written.
	ErrReadOnly = errors.New("record cannot be written")
	// ErrMaybeWritten: a Write was under way and nobody knows what came of it. Read the record before writing again.
	ErrMaybeWritten = errors.New("record may have been written")
)

// Writer is a [Source] that can write records. It is called by one [Store], beside readings, also of the same path.
// Its errors are those of a Source, or wrap ErrChanged, ErrReadOnly or ErrMaybeWritten. They never hold a field's content.
// They are the Source's own where nothing was written.
type Writer interface {
	// Write makes a new version of the record: the fields that its version over has, whatever their kind, with those in
	// set put in their place. over is a reading of the record, as Read gave it. It is compare-and-set: where the record is
	// not as it was then, nothing is written, and the error wraps ErrChanged. Where over.Version is 0 there must be no
	// record yet, or no version of it that can be read. It returns what Read would give now; the Store sets ReadAt.
	Write(ctx context.Context, path string, over Record, set map[string]Value) (Record, error)
	// History returns up to n versions of the record that can be read, the newest first, the current one among them.
	// Fewer is no error, and none is none.
	History(ctx context.Context, path string, n int) ([]Record, error)
}

// Permitter is a [Writer] that can tell beforehand whether it may write.
type Permitter interface {
	// CanWrite returns why a Write of the record would fail, as far as can be told without writing. It changes nothing.
	CanWrite(ctx context.Context, path string) error
}

// CheckSet says what is wrong with fields that are to be written, if anything: no store would give them back as they are.
// Its error names fields, and no contents.
func CheckSet(set map[string]Value) error {
	if len(set) == 0 {
		return errors.New("there is no field to write")
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		switch {
		case name == "":
			return errors.New("a field without a name cannot be written")
		case isDamaged(name):
			return fmt.Errorf("field %q cannot be written: its name is no whole UTF-8", name)
		case isDamaged(set[name].Reveal()):
			return fmt.Errorf("field %q cannot be written: its text is no whole UTF-8", name)
		}
	}
	return nil
}

// isDamaged tells whether a text is not UTF-8, or was made such by replacing what was not.
func isDamaged(text string) bool { return strings.ContainsRune(text, utf8.RuneError) }
