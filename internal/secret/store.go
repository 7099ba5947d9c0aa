package secret

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

var (
	// ErrStale: the last good reading is older than MaxStale.
	ErrStale = errors.New("last known value is too old")
	// ErrPending: the first reading has not ended yet; Wait waits for it.
	ErrPending = errors.New("not read yet")
	// ErrNotInUse: nobody uses the record, so it is not read.
	ErrNotInUse = errors.New("record not in use")
)

// Store keeps the records in use of one source fresh. It lives as long as anyone uses it, over reloads of the config.
// All methods may be called at any time by any number of callers.
type Store struct {
	name   string
	source Source
	work   sync.WaitGroup
	// slots bound the readings under way: the polls, and those that were asked for.
	slots, urgent chan struct{}
	// writing is held by who writes, or reads a history.
	writing chan struct{}

	mu      sync.RWMutex
	options Options
	entries map[string]*entry
	outage  outage
	// run is non-nil from Start to Stop.
	run     context.Context
	stopRun context.CancelFunc
}

// NewStore returns a store that reads nothing yet. name is its name in the config, for logs and errors.
func NewStore(name string, source Source, options Options) *Store {
	return &Store{
		name: name, source: source, options: options.withDefaults(),
		slots: make(chan struct{}, readsAtOnce), urgent: make(chan struct{}, readsAtOnce), writing: make(chan struct{}, 1),
		entries: map[string]*entry{},
	}
}

// Configure replaces the settings, at once also for readings that are due and for values that age.
func (s *Store) Configure(options Options) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.options = options.withDefaults()
	s.reschedule()
}

// reschedule has every entry look again when it is due. The caller holds the store's mutex.
func (s *Store) reschedule() {
	for _, e := range s.entries {
		signal(e.reschedule)
	}
}

// Start begins to read the records in use, and goes on until Stop or the end of ctx. A second Start does nothing.
func (s *Store) Start(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run != nil {
		return
	}
	s.run, s.stopRun = context.WithCancel(ctx)
	for _, e := range s.entries {
		s.launch(e)
	}
}

// Stop ends all readings and notifications and waits for them, so it must not be called from within a notification.
// What is known stays known, and ages. The store may be started again.
func (s *Store) Stop() {
	s.mu.Lock()
	stop := s.stopRun
	s.run, s.stopRun = nil, nil
	s.mu.Unlock()
	if stop != nil {
		stop()
	}
	s.work.Wait()
}

// Use declares the record in use until release is called. notify (nil: none) is called with the last known reading,
// if there is one, and then whenever content or version changed: in order, never twice at once for one path, from a
// goroutine of the store, which it must not hold up. A notification that is under way when release is called still ends.
func (s *Store) Use(path string, notify func(Record)) (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, used := s.entries[path]
	if !used {
		e = newEntry(path)
		s.entries[path] = e
		if s.run != nil {
			s.launch(e)
		}
	}
	u := &user{notify: notify}
	e.users[u] = struct{}{}
	signal(e.changed)
	return sync.OnceFunc(func() { s.release(e, u) })
}

func (s *Store) release(e *entry, u *user) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(e.users, u)
	if len(e.users) > 0 {
		return
	}
	delete(s.entries, e.path)
	if e.stop != nil {
		e.stop()
	}
}

// Get returns the last known reading. It never waits. It fails with ErrStale when that is older than MaxStale,
// with ErrPending or the source's own error when there has been none, and with ErrNotInUse.
func (s *Store) Get(path string) (Record, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e, used := s.entries[path]
	if !used {
		return Record{}, fmt.Errorf("secret store %q, record %q: %w", s.name, path, ErrNotInUse)
	}
	return s.known(e)
}

func (s *Store) known(e *entry) (Record, error) {
	switch age := time.Since(e.good); {
	case !e.ended:
		return Record{}, fmt.Errorf("secret store %q, record %q: %w", s.name, e.path, ErrPending)
	case e.generation == 0:
		return Record{}, fmt.Errorf("secret store %q, record %q: never read: %w", s.name, e.path, e.err)
	case age <= s.options.MaxStale:
		return e.record, nil
	case e.err != nil:
		return Record{}, fmt.Errorf("secret store %q, record %q: %w: last read at %s: %w", s.name, e.path, ErrStale, moment(e.good), e.err)
	default:
		return Record{}, fmt.Errorf("secret store %q, record %q: %w: last read at %s", s.name, e.path, ErrStale, moment(e.good))
	}
}

// moment is a time as errors show it: an age would make each of them another text, and so news for a log.
func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Confirm reads the record now and returns what it gave. It gives up when ctx ends.
func (s *Store) Confirm(ctx context.Context, path string) (Record, error) {
	begun := s.begins(path)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for turn := 0; ; turn++ {
		if record, over, err := s.since(path, begun); over {
			return record, err
		}
		if turn%50 == 0 { // one that another record's reading kept from asking is not repeated by itself at once
			s.Refresh(path)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return Record{}, fmt.Errorf("secret store %q, record %q: %w: %w", s.name, path, ErrPending, context.Cause(ctx))
		}
	}
}

// begins returns how many readings of a record have begun.
func (s *Store) begins(path string) uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if e, used := s.entries[path]; used {
		return e.begins
	}
	return 0
}

// since returns what a reading gave that is not one of the first so many, once there is one.
func (s *Store) since(path string, begun uint64) (record Record, over bool, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e, used := s.entries[path]
	switch {
	case !used:
		return Record{}, true, fmt.Errorf("secret store %q, record %q: %w", s.name, path, ErrNotInUse)
	case e.done <= begun:
		return Record{}, false, nil
	case e.err != nil:
		return Record{}, true, fmt.Errorf("secret store %q, record %q: %w", s.name, path, e.err)
	}
	return e.record, true, nil
}

// Wait returns what Get does, once the first reading has ended, well or badly. It gives up when ctx ends.
func (s *Store) Wait(ctx context.Context, path string) (Record, error) {
	s.mu.RLock()
	e, used := s.entries[path]
	s.mu.RUnlock()
	if !used {
		return Record{}, fmt.Errorf("secret store %q, record %q: %w", s.name, path, ErrNotInUse)
	}
	select {
	case <-e.first:
	case <-ctx.Done():
		return Record{}, fmt.Errorf("secret store %q, record %q: %w: %w", s.name, path, ErrPending, context.Cause(ctx))
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.known(e)
}

// Refresh asks for a reading now, without waiting for it; the whole record is read, not its revision alone.
// However often it is called, one reading is under way and one queued at most, and a second lies between two; while the
// source is down a second lies between two readings of all records.
func (s *Store) Refresh(path string) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if e, used := s.entries[path]; used {
		signal(e.refresh)
	}
}

// signal wakes the one receiver of a channel that holds one signal, now or when it next looks.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
