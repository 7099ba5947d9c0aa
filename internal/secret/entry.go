package secret

import (
	"context"
	"time"
)

// entry is a record in use. Its fields are guarded by the store's mutex, but for the channels and the path.
type entry struct {
	path  string
	users map[*user]struct{}
	stop  context.CancelFunc

	refresh, reschedule, changed chan struct{}
	first                        chan struct{} // closed when the first reading ended

	record     Record
	begins     uint64    // how many readings of the source have begun
	done       uint64    // the number of the last one that ended
	generation uint64    // of the record: counts changes; 0 is "never read"
	good       time.Time // when the last good reading began
	err        error     // of the last reading
	failures   int       // in a row
	ended      bool      // a reading ended
	saidStale  bool      // the log has it
	begun      time.Time // when the last reading began
	over       time.Time // when it ended
	forced     bool      // the next reading was asked for by Refresh, and is due at once
	full       bool      // and so is all of the record, until it has been read
	untried    bool      // the last reading failed with the source's outage, without a question to the source
	jitter     float64   // drawn once per reading, so that Configure does not move what is due at random
}

// user is one Use of a record. seen is the generation that it was told last.
type user struct {
	notify func(Record)
	seen   uint64
}

func newEntry(path string) *entry {
	c := func() chan struct{} { return make(chan struct{}, 1) }
	return &entry{
		path: path, users: map[*user]struct{}{}, first: make(chan struct{}),
		refresh: c(), reschedule: c(), changed: c(),
	}
}

// launch starts the two goroutines of an entry: one that reads and one that tells its users, so that a source
// that stalls does not keep a late user from the last known value. The caller holds the store's mutex.
func (s *Store) launch(e *entry) {
	var ctx context.Context
	ctx, e.stop = context.WithCancel(s.run)
	s.work.Go(func() { s.keepRead(ctx, e) })
	s.work.Go(func() { s.keepTold(ctx, e) })
}

func (s *Store) keepRead(ctx context.Context, e *entry) {
	for s.awaitDue(ctx, e) {
		s.read(ctx, e)
	}
}

// awaitDue returns true when a reading is due, and false when ctx ended.
func (s *Store) awaitDue(ctx context.Context, e *entry) bool {
	for {
		timer := time.NewTimer(time.Until(s.due(e)))
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-timer.C:
			return ctx.Err() == nil
		case <-e.refresh:
			s.force(e)
		case <-e.reschedule:
		}
		timer.Stop()
	}
}

func (s *Store) due(e *entry) time.Time {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch {
	case !e.ended:
		return e.begun
	case e.forced:
		return later(e.begun.Add(minGap), s.outage.open(true))
	case e.untried:
		return later(e.over, s.outage.open(false))
	default:
		return later(e.over.Add(s.options.interval(e.failures, e.jitter)), s.outage.open(false))
	}
}

func (s *Store) keepTold(ctx context.Context, e *entry) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.changed:
		}
		for u, record := s.untold(e); u != nil && ctx.Err() == nil; u, record = s.untold(e) {
			u.notify(record)
		}
	}
}

// untold returns a user who has not been told of the record as it is, counted as told from now on, or nil.
func (s *Store) untold(e *entry) (*user, Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for u := range e.users {
		if u.seen < e.generation {
			u.seen = e.generation
			if u.notify != nil {
				return u, e.record
			}
		}
	}
	return nil, Record{}
}
