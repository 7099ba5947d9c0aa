package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/psagate/psagate/internal/guard"
)

// sighting is when another process was first seen with the beat that it has.
type sighting struct {
	beat int64
	at   time.Time
}

// process is the row of one.
type process struct {
	id    string
	beat  int64
	alone bool
	ttl   time.Duration // its own; 0 where it is not known
}

func (x *tx) processes(ctx context.Context) (all []process, err error) {
	err = x.each(ctx, `SELECT id, beat, alone, ttl FROM process`, nil, func(scan func(...any) error) error {
		var p process
		err := scan(&p.id, &p.beat, &p.alone, (*int64)(&p.ttl))
		all = append(all, p)
		return err
	})
	return all, err
}

// retryEvery is how often a store that cannot be used is tried again.
const retryEvery = time.Second

var (
	// errForgot: what this process had in the store is not its own any more.
	errForgot = errors.New("the store has not what this process had in it")
	// errOlder: the store has less than it had, so that it is not known what else it has forgotten.
	errOlder = fmt.Errorf("it was set back: %w", errForgot)
)

// live beats until the context ends, and writes now and then what need not be written at once.
func (s *Store) live(ctx context.Context) {
	defer close(s.ended)
	flush := time.NewTicker(flushEvery)
	defer flush.Stop()
	for {
		next := time.NewTimer(s.untilStep())
		select {
		case <-ctx.Done():
		case <-flush.C:
			s.flush(ctx)
		case <-next.C:
			_ = s.step(ctx) // it has told
		case <-s.wake:
			s.stepHurried(ctx)
		}
		next.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// hurriedEvery is how often what hurries may have a step made.
const hurriedEvery = 250 * time.Millisecond

// stepHurried makes a step: at once where this process is to begin anew.
func (s *Store) stepHurried(ctx context.Context) {
	if !s.older.Load() && !s.forgot.Load() {
		select {
		case <-time.After(time.Until(s.stepped.Add(hurriedEvery))):
		case <-ctx.Done():
			return
		}
	}
	_ = s.step(ctx)
}

// untilStep is how long it is until the next beat, or the next try of one.
func (s *Store) untilStep() time.Duration {
	every := s.beatEvery()
	if s.down.Load() || s.mode.Load() == away {
		every = min(every, retryEvery)
	}
	return time.Until(s.stepped.Add(every))
}

// step beats, and joins first where this process is not in the store.
func (s *Store) step(ctx context.Context) error {
	err := s.try(ctx)
	s.came(ctx, err)
	return err
}

// came takes note of what came of a step, and tells it.
func (s *Store) came(ctx context.Context, err error) {
	switch {
	case errors.Is(err, errForgot): // also at the end: the witness must hear of it
		s.startAnew(err)
	case ctx.Err() != nil:
	case err != nil:
		s.fails(err)
	default:
		s.works()
		if failed := s.journal.flush(ctx); failed != nil {
			s.log.Warn("what failed cannot be noted for psagate failures", "store", s.Name(), "error", failed)
		}
	}
}

func (s *Store) try(ctx context.Context) (err error) {
	s.stepped = time.Now()
	switch {
	case s.older.Swap(false):
		err = errOlder
	case s.forgot.Swap(false):
		err = errForgot
	case s.Holder() == "":
		err = s.join(ctx)
	}
	if err == nil {
		err = s.beat(ctx)
	}
	return err
}

// startAnew: what this process had in the store is not its own any more, so what is under way ends, and the process joins
// as another one.
func (s *Store) startAnew(err error) {
	s.log.Error("what this process had in the store is not its own any more: what is under way ends, and the process begins anew", "store", s.Name(), "error", err)
	s.lease.End()
	s.mode.Store(away)
	if me := *s.me.Swap(new(string)); me != "" { // else it had begun anew already, and is not in the store yet
		s.former = me
	}
	s.images.clear()
	for _, t := range s.all() {
		t.forget()
	}
	s.forgot.Store(false) // those that found it out too have ended by now
	if s.older.Swap(false) || errors.Is(err, errOlder) {
		s.noted(s.witness.distrust())
	}
	s.alive.release()
	s.alive, s.stepped = nil, time.Time{}
}

// join makes this process one of the store's, under a new name.
func (s *Store) join(ctx context.Context) error {
	began, id := time.Now(), rand.Text()
	if err := s.dialect.renew(ctx, s.db, s.cfg.Place); err != nil {
		return err
	}
	alive, err := lock(filepath.Join(s.cfg.Dir, "alive-"+placeName(s.Name())), id)
	if err != nil {
		return err
	}
	host, _ := os.Hostname()
	var now whole
	err = s.transact(ctx, func(ctx context.Context, x *tx) error {
		if err := s.migrate(ctx, x); err != nil {
			return err
		}
		if now, err = s.arrive(ctx, x); err != nil {
			return err
		}
		if _, err = x.exec(ctx, `DELETE FROM process WHERE id = ?`, s.former); err != nil {
			return err
		}
		_, err = x.exec(ctx, `INSERT INTO process (id, beat, alone, ttl, host, began) VALUES (?, 0, ?, ?, ?, ?)`, id, false, int64(s.cfg.TTL), host, began.UnixMicro())
		return err
	})
	if err != nil {
		alive.release()
		return err
	}
	if s.file, err = s.dialect.stat(s.cfg.Place); err != nil {
		alive.release()
		return err
	}
	s.alive, s.seen = alive, make(map[string]sighting)
	s.me.Store(&id)
	s.remember(now)
	return nil
}

// arrive reads how far the store has come, and makes all of it distrusted where it has forgotten something.
func (s *Store) arrive(ctx context.Context, x *tx) (now whole, err error) {
	if now, err = x.whole(ctx); err != nil || !s.witness.doubts(now) {
		return now, err
	}
	s.log.Warn("the store is not the one that was here last, or was restored from a backup: what was recorded last is not known, so each login's next sign-in is psagate's own, and the only one until the PSA accepts it", "store", s.Name())
	now.epoch++
	_, err = x.exec(ctx, `UPDATE store SET epoch = ?, epoch_at = ? WHERE one = 1`, now.epoch, time.Now().UnixMicro())
	return now, err
}

// remember notes how far the store has come: for the tables, and with the witness, beside the store.
func (s *Store) remember(now whole) {
	s.ticked.Store(now.tick)
	s.reached.Store(&now)
	s.noted(s.witness.saw(now))
}

// noted logs, once, that the witness cannot be written.
func (s *Store) noted(err error) {
	if err != nil && !s.blind {
		s.blind = true
		s.log.Warn("how far the store has come cannot be noted outside it, so that it would not be seen were it restored from a backup", "error", err)
	}
}

// findFile demands that the file which is open is still the one in its place. A disk that does not answer tells nothing of that.
func (s *Store) findFile() error {
	switch file, err := s.dialect.stat(s.cfg.Place); {
	case errors.Is(err, fs.ErrNotExist):
		return errors.Join(errOlder, err)
	case err != nil:
		return fmt.Errorf("looking at the store's file: %w", err)
	case file != nil && !os.SameFile(file, s.file):
		return errOlder
	}
	return nil
}

// beat tells the store, and the others, that this process lives, by which the lease is extended, and looks at the others.
func (s *Store) beat(ctx context.Context) error {
	if err := s.findFile(); err != nil {
		return err
	}
	began := time.Now()
	var now whole
	var rows []process
	err := s.transact(ctx, func(ctx context.Context, x *tx) (err error) {
		if now, err = x.whole(ctx); err != nil {
			return err
		}
		if s.witness.doubts(now) {
			return errOlder
		}
		n, err := x.exec(ctx, `UPDATE process SET beat = beat + 1 WHERE id = ?`, s.Holder())
		if err != nil {
			return err
		}
		if n == 0 {
			return errForgot
		}
		rows, err = x.processes(ctx)
		return err
	})
	if err != nil {
		return err
	}
	s.remember(now)
	over := s.lease.Extend(began, s.leaseLasts())
	if err := s.meet(ctx, rows); err != nil {
		return err
	}
	if over {
		s.tell(nil)
	}
	return nil
}

// meet gives up who is dead, and makes room for who lives.
func (s *Store) meet(ctx context.Context, rows []process) error {
	living, said := s.strangers(rows), false
	for _, p := range rows {
		switch {
		case p.id == s.Holder():
			said = p.alone
		case s.isDead(p):
			if err := s.bury(ctx, p); err != nil {
				return err
			}
		default:
			living = append(living, p)
		}
	}
	switch mode := s.mode.Load(); {
	case len(living) == 0 && mode != alone:
		return s.beAlone(ctx)
	case len(living) > 0 && (mode == alone || said): // or it could not be said the last time that there is room
		return s.makeRoom(ctx)
	case len(living) > 0 && mode == away && !slices.ContainsFunc(living, func(p process) bool { return p.alone }):
		s.enter(several)
	}
	return nil
}

// strangers are processes on this host that live with this store's place, and are not in it: it was taken away under them,
// and they are about to find that out, or they are stopped. After the TTL they have no lease any more.
func (s *Store) strangers(rows []process) (all []process) {
	for _, id := range s.alive.others() {
		p := process{id: id, beat: nowhere, alone: true}
		if !slices.ContainsFunc(rows, func(p process) bool { return p.id == id }) && !s.isSilent(p) {
			all = append(all, p)
		}
	}
	return all
}

// nowhere is the beat of a process that is not in the store.
const nowhere = -1

// isDead reports whether a process is dead: its lock file on this host can be locked, or its beat has not moved for the TTL
// by this process's monotonic clock.
func (s *Store) isDead(p process) bool {
	return s.alive.dead(p.id) || s.isSilent(p)
}

// isSilent reports whether a process's beat has not moved for the TTL. Where the two have different ones the longer counts:
// it beats, and has its lease, by its own.
func (s *Store) isSilent(p process) bool {
	last, known := s.seen[p.id]
	if !known || last.beat != p.beat {
		s.seen[p.id] = sighting{p.beat, time.Now()}
		return false
	}
	return time.Since(last.at) >= max(s.cfg.TTL, p.ttl)
}

// bury takes the row of a dead process away: its units are lost to whoever sees them next.
func (s *Store) bury(ctx context.Context, p process) error {
	var keys []guard.Key
	err := s.transact(ctx, func(ctx context.Context, x *tx) error {
		if _, err := x.exec(ctx, `DELETE FROM process WHERE id = ? AND beat = ?`, p.id, p.beat); err != nil {
			return err
		}
		return x.each(ctx, `SELECT DISTINCT key FROM guard_unit WHERE holder = ?`, []any{p.id}, func(scan func(...any) error) error {
			keys = append(keys, "")
			return scan((*string)(&keys[len(keys)-1]))
		})
	})
	if err != nil {
		return err
	}
	delete(s.seen, p.id)
	if len(keys) == 0 {
		s.log.Info("another process died, which held nothing", "process", p.id)
		return nil
	}
	s.log.Warn("another process died, or fell silent: the units that it held are lost", "process", p.id, "logins", len(keys))
	s.tell(keys)
	return nil
}

// beAlone makes this process the only one, if it still is.
func (s *Store) beAlone(ctx context.Context) error {
	is := false
	err := s.transact(ctx, func(ctx context.Context, x *tx) error {
		now, err := x.whole(ctx) // nobody joins meanwhile
		if err != nil {
			return err
		}
		if s.witness.doubts(now) {
			return errOlder
		}
		rows, err := x.processes(ctx)
		if is = len(rows) == 1; err != nil || !is {
			return err
		}
		if _, err = x.exec(ctx, `UPDATE process SET alone = ? WHERE id = ?`, true, s.Holder()); err != nil {
			return err
		}
		return s.images.read(ctx, x)
	})
	if err == nil && is {
		s.enter(alone)
	}
	return err
}

// makeRoom writes everything, works in the database from now on, and says so.
func (s *Store) makeRoom(ctx context.Context) error {
	was := s.mode.Load()
	s.enter(several)
	s.images.clear()
	for _, t := range s.all() {
		if err := t.share(ctx); err != nil {
			s.mode.Store(was)
			return err
		}
	}
	return s.transact(ctx, func(ctx context.Context, x *tx) error {
		_, err := x.exec(ctx, `UPDATE process SET alone = ? WHERE id = ?`, false, s.Holder())
		return err
	})
}

// enter changes the mode.
func (s *Store) enter(mode int32) {
	if s.mode.Swap(mode) == away {
		s.once.Do(func() { close(s.joined) })
		s.tell(nil)
	}
}

// leave takes this process out of the store: what it holds and does not use is given back, and the rest is lost.
func (s *Store) leave() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, t := range s.all() {
		if err := t.share(ctx); err != nil {
			return err
		}
	}
	if s.older.Load() {
		s.noted(s.witness.distrust())
	}
	if s.Holder() == "" {
		return nil
	}
	var now whole
	err := s.transact(ctx, func(ctx context.Context, x *tx) (err error) {
		if now, err = x.whole(ctx); err == nil {
			_, err = x.exec(ctx, `DELETE FROM process WHERE id = ?`, s.Holder())
		}
		return err
	})
	if err == nil && !s.witness.doubts(now) { // else the next start is to see it too
		s.remember(now) // what was copied before is older
	}
	return errors.Join(err, s.journal.flush(ctx))
}

var _ guard.Tables = (*Store)(nil)
