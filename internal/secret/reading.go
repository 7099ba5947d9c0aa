package secret

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// question is what one turn of an entry asks the source.
type question struct {
	held    Record
	full    bool  // all of the record is to be read, not its revision alone
	probe   bool  // the source is down, and this asks whether it still is
	refused error // the source is down and must not be asked: what it said last
}

// reading is what one turn of the source gave.
type reading struct {
	record    Record
	unchanged bool // the revision is the one held, so nothing was read
	err       error
}

// outcome is what a reading changed, for the log: which is written after the store's mutex is free again.
type outcome struct {
	err                                    error // redacted
	news, recovered, becameStale, isChange bool
	version                                uint64
	good                                   time.Time
	source                                 turn
}

// read reads the record once a slot is free, and records how that went.
func (s *Store) read(ctx context.Context, e *entry) {
	slots := s.takeSlot(ctx, e)
	if slots == nil {
		return
	}
	defer func() { <-slots }()
	q := s.begin(e)
	if q.refused != nil {
		s.report(e.path, s.settleUntried(e, q.refused))
		return
	}
	turn, cancel := context.WithTimeoutCause(ctx, readTimeout, fmt.Errorf("%w: no answer within %s", ErrDown, readTimeout))
	defer cancel()
	got := s.ask(turn, q)
	if ctx.Err() != nil {
		return
	}
	if got.err != nil && turn.Err() != nil {
		got.err = context.Cause(turn)
	}
	s.report(e.path, s.settle(e, q, got))
}

// takeSlot waits for a slot and returns where to give it back, or nil when ctx ended. A reading that was asked for
// has slots of its own: it does not queue behind the polls of a thousand other records, even when it was queued as one.
func (s *Store) takeSlot(ctx context.Context, e *entry) chan struct{} {
	slots := s.slots
	s.mu.RLock()
	if e.forced {
		slots = s.urgent
	}
	s.mu.RUnlock()
	for {
		select {
		case slots <- struct{}{}:
			return slots
		case <-e.refresh:
			s.force(e)
			slots = s.urgent
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *Store) force(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.forced, e.full = true, true
}

// begin marks the beginning of a reading, and tells what is to be asked.
func (s *Store) begin(e *entry) question {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := question{held: e.record, full: e.full || e.generation == 0}
	q.held.Path = e.path
	q.probe, q.refused = s.outage.admit(e.forced)
	e.forced = false
	if q.refused == nil {
		e.begins++
		e.begun, e.jitter = time.Now(), s.options.Rand()
	}
	return q
}

func (s *Store) ask(ctx context.Context, q question) reading {
	if reviser, ok := s.source.(Reviser); ok && !q.full {
		revision, err := reviser.Revision(ctx, q.held.Path)
		if err != nil || revision != "" && revision == q.held.Revision {
			return reading{unchanged: true, err: err}
		}
	}
	record, err := s.source.Read(ctx, q.held.Path)
	record.Path = q.held.Path
	return reading{record: record, err: err}
}

// settleUntried records a reading that did not take place because the source is down.
func (s *Store) settleUntried(e *entry, down error) outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.end()
	e.untried = true
	return s.failed(e, down)
}

func (s *Store) settle(e *entry, q question, got reading) (out outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.end()
	e.done, e.untried = e.begins, false
	if got.err == nil {
		e.full = false
		out = s.succeeded(e, got)
	} else {
		e.failures++
		out = s.failed(e, got.err)
	}
	out.source = s.outage.learn(out.err, q.probe, func(failures int) time.Duration {
		return s.options.interval(failures, s.options.Rand())
	})
	if out.source.changed {
		s.reschedule()
	}
	return out
}

// end marks the end of a reading.
func (e *entry) end() {
	e.over = time.Now()
	if !e.ended {
		e.ended = true
		close(e.first)
	}
}

func (s *Store) failed(e *entry, cause error) outcome {
	err := redactError(cause, e.record)
	became := e.generation > 0 && !e.saidStale && time.Since(e.good) > s.options.MaxStale
	isNews := !errors.Is(err, ErrDown) && (e.err == nil || e.err.Error() != err.Error())
	e.saidStale = e.saidStale || became
	e.err = err
	return outcome{err: err, news: isNews, becameStale: became, good: e.good}
}

func (s *Store) succeeded(e *entry, got reading) outcome {
	out := outcome{recovered: e.err != nil && (e.saidStale || !errors.Is(e.err, ErrDown))}
	e.good, e.err, e.failures, e.saidStale = e.begun, nil, 0, false
	if got.unchanged {
		return out
	}
	if e.generation > 0 && got.record.Version == e.record.Version && got.record.sameContent(e.record) {
		e.record.Revision = got.record.Revision
		return out
	}
	e.record = got.record
	e.record.ReadAt = e.begun
	e.generation++
	signal(e.changed)
	out.isChange, out.version = true, e.record.Version
	return out
}

func (s *Store) report(path string, out outcome) {
	store := s.logger()
	log := store.With("path", path)
	if out.source.news != nil {
		store.Warn("secret store cannot be read", "error", out.source.news.Error())
	}
	if out.source.ended {
		store.Info("secret store can be read again")
	}
	if out.news {
		log.Warn("secret record cannot be read", "error", out.err.Error())
	}
	if out.becameStale {
		log.Error("secret record is too old to be used", "last_read", out.good, "error", out.err.Error())
	}
	if out.recovered {
		log.Info("secret record can be read again")
	}
	if out.isChange {
		log.Info("secret record read", "version", out.version)
	}
}

func (s *Store) logger() *slog.Logger {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.options.Logger.With("store", s.name)
}
