package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"
)

// Entries returns the entries of a file, which may be compressed with gzip, in the order in which they are there. It checks
// nothing: that is a Verifier's. A line that cannot be read, and a file that breaks off, is an error with the line's number, after
// which it goes on if it can.
//
// A call of a required log is there twice, as Intent and as Outcome; who counts calls leaves out one of them. An entry with Again
// may be there twice.
func Entries(src io.Reader) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		s, err := newScanner(src)
		for err == nil {
			if err = s.next(); len(s.text) == 0 {
				continue
			}
			e, is, problem := entryOf(s.text)
			if problem != nil {
				problem = fmt.Errorf("line %d: %w", s.no, problem)
			}
			if (is || problem != nil) && !yield(e, problem) {
				return
			}
		}
		if !errors.Is(err, io.EOF) {
			yield(Entry{}, fmt.Errorf("the file cannot be read any further: %w", err))
		}
	}
}

// wire is an entry's line as JSON has it.
type wire struct {
	Entry
	Up       uint64 `json:"up_us"`
	Duration uint64 `json:"duration_us"`
}

// Members returns what an entry's line has, but for the codes that chain it, for JSON. What is empty is left out, as there.
func Members(e Entry) any {
	return struct {
		Entry
		Up       int64 `json:"up_us"`
		Duration int64 `json:"duration_us,omitempty"`
	}{e, e.Up.Microseconds(), e.Duration.Microseconds()}
}

// errNoLine: it is none of a Writer's.
var errNoLine = errors.New("this is no audit line")

// entryOf reads a line. is: it is of an entry, and not about the chain.
func entryOf(text []byte) (e Entry, is bool, err error) {
	l, before, ok := find(text)
	if !ok {
		return e, false, errNoLine
	}
	text = text[len(before):]
	if l.kind == kindChain {
		return e, false, nil
	}
	var w wire
	if err := json.Unmarshal(text, &w); err != nil {
		return e, false, fmt.Errorf("%w: %w", errNoLine, err)
	}
	w.Entry.Up, w.Entry.Duration = time.Duration(w.Up)*time.Microsecond, time.Duration(w.Duration)*time.Microsecond
	return w.Entry, true, nil
}
