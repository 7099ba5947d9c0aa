package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/guard"
)

// epochs say whether a login's row is to be trusted: not where the store has a later one, from when it was found to have
// forgotten something.
type epochs struct{ row, store int64 }

func (e epochs) distrusts() bool { return e.row < e.store }

// strangersDoubted is for how long after the store forgot something a login that is not in it may be one that it forgot. One
// that was in use has come up again by then.
const strangersDoubted = 30 * 24 * time.Hour

// stranger returns the epochs of a login that is not in the store.
func (x *tx) stranger(ctx context.Context) (e epochs, err error) {
	var at micros
	if err = x.row(ctx, `SELECT epoch, epoch_at FROM store WHERE one = 1`, nil, &e.store, &at); time.Since(at.time()) > strangersDoubted {
		e.row = e.store
	}
	return e, err
}

// settle notes that the row was written.
func (e *epochs) settle(distrusted bool) {
	if !distrusted {
		e.row = e.store
	}
}

// image is what the database has of a login.
type image struct {
	rows   guard.Rows
	rev    int64
	tick   int64 // how far the store had come when it was read
	epochs epochs
}

// images are what a process that has become alone read of all logins.
type images struct {
	mu       sync.Mutex
	of       map[guard.Key]*image
	stranger epochs // of what is not in it
	whole    bool   // what is not in it is not in the database
}

// take returns what was read of a login, once.
func (i *images) take(key guard.Key) (image, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.whole {
		return image{}, false
	}
	found := i.of[key]
	if found == nil {
		found = &image{epochs: i.stranger}
		found.rows.Distrusted = found.epochs.distrusts()
	}
	delete(i.of, key)
	return *found, true
}

func (i *images) clear() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.of, i.whole = nil, false
}

// read reads all logins.
func (i *images) read(ctx context.Context, x *tx) error {
	all := make(map[guard.Key]*image)
	stranger, err := x.stranger(ctx)
	if err == nil {
		err = x.logins(ctx, "", nil, func(key guard.Key, got image) { all[key] = &got })
	}
	if err == nil {
		err = x.units(ctx, "", nil, func(key guard.Key, u guard.Unit) { all[key].rows.Units = append(all[key].rows.Units, u) })
	}
	if err == nil {
		err = x.credentials(ctx, "", nil, func(key guard.Key, c guard.Credential) {
			all[key].rows.Credentials = append(all[key].rows.Credentials, c)
		})
	}
	if err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.of, i.stranger, i.whole = all, stranger, true
	return nil
}

// read reads the rows of one login and keeps others from them. A login that has none gets its row first, which is what is
// locked.
func (x *tx) read(ctx context.Context, t *table) error {
	ticked := t.store.ticked.Load() // before the look: one that waits for the row sees the store as it was when it began to
	found, err := x.login(ctx, t.key)
	if errors.Is(err, sql.ErrNoRows) {
		if err = x.insertLogin(ctx, t.key); err == nil {
			found, err = x.login(ctx, t.key)
		}
	}
	if err != nil {
		return err
	}
	if found.rev < t.known || found.tick < ticked {
		return errOlder
	}
	key := []any{string(t.key)}
	err = x.units(ctx, ` WHERE key = ?`, key, func(_ guard.Key, u guard.Unit) { found.rows.Units = append(found.rows.Units, u) })
	if err == nil {
		err = x.credentials(ctx, ` WHERE key = ?`, key, func(_ guard.Key, c guard.Credential) {
			found.rows.Credentials = append(found.rows.Credentials, c)
		})
	}
	if err == nil && len(found.rows.Units) > 0 {
		t.living, err = x.living(ctx)
	}
	if err == nil && !t.unsure && (t.lacks(&found.rows, &t.stored) || t.lacks(&t.stored, &found.rows)) {
		err = x.whyMissing(ctx, t.store.Holder())
	}
	t.unsure = false
	t.stored, t.rev, t.known, t.epochs = found.rows, found.rev, found.rev, found.epochs
	return err
}

func (x *tx) living(ctx context.Context) (ids []string, err error) {
	rows, err := x.processes(ctx)
	for _, p := range rows {
		ids = append(ids, p.id)
	}
	return ids, err
}

func (x *tx) login(ctx context.Context, key guard.Key) (found image, err error) {
	err = sql.ErrNoRows
	failed := x.logins(ctx, ` WHERE key = ? {lock}`, []any{string(key)}, func(_ guard.Key, got image) { found, err = got, nil })
	if failed != nil {
		return found, failed
	}
	return found, err
}

// logins reads rows of guard_login.
func (x *tx) logins(ctx context.Context, where string, args []any, f func(guard.Key, image)) error {
	return x.each(ctx, selectLogins+where, args, func(scan func(...any) error) error {
		var key string
		var i image
		var newest, last []byte
		var made, since, until, refusal micros
		r := &i.rows
		err := scan(&key, &i.rev, &i.epochs.row, &r.Seq, &newest, &made, &last, &r.Ranks, &r.Gate.Shut, &since, &until,
			&r.Gate.Tries, &r.Gate.Epoch, &r.Gate.Released, &r.Locked, &refusal, &i.epochs.store, &i.tick)
		r.Newest, r.Last, r.NewestMade = fingerprint(newest), fingerprint(last), made.time()
		r.Gate.Since, r.Gate.Until, r.LastRefusal = since.time(), until.time(), refusal.time()
		r.Distrusted = i.epochs.distrusts()
		f(guard.Key(key), i)
		return err
	})
}

const selectLogins = `SELECT key, rev, epoch, seq, newest, newest_made, last, ranks, gate_shut, gate_since, gate_until,
	gate_tries, gate_epoch, gate_released, locked, last_refusal, (SELECT epoch FROM store WHERE one = 1),
	(SELECT tick FROM store WHERE one = 1) FROM guard_login`

// units reads rows of guard_unit.
func (x *tx) units(ctx context.Context, where string, args []any, f func(guard.Key, guard.Unit)) error {
	return x.each(ctx, `SELECT key, token, state, holder, source, alone, credential, seq, was_proven FROM guard_unit`+where+` ORDER BY key, seq, token`, args, func(scan func(...any) error) error {
		var key string
		var u guard.Unit
		var token int64
		var credential []byte
		err := scan(&key, &token, &u.State, &u.Holder, &u.Source, &u.Alone, &credential, &u.Seq, &u.WasProven)
		u.Token, u.Credential = guard.Token(token), fingerprint(credential)
		f(guard.Key(key), u)
		return err
	})
}

// credentials reads rows of guard_credential.
func (x *tx) credentials(ctx context.Context, where string, args []any, f func(guard.Key, guard.Credential)) error {
	return x.each(ctx, `SELECT key, fingerprint, version, state, rank, sent_seq, refused_seq, tries, again_at, accepted, due, rechecked, good, proven_at,
		code, brought_by, address, tried_at, accepted_by FROM guard_credential`+where+` ORDER BY key, rank`, args, func(scan func(...any) error) error {
		var key string
		var c guard.Credential
		var fp, code []byte
		var again, proven, tried micros
		err := scan(&key, &fp, &c.Version, &c.State, &c.Rank, &c.SentSeq, &c.RefusedSeq, &c.Tries, &again, &c.Accepted, &c.Due, &c.Rechecked, &c.Good, &proven,
			&code, &c.By, &c.Address, &tried, &c.AcceptedBy)
		c.Fingerprint, c.Code = fingerprint(fp), fingerprint(code)
		c.AgainAt, c.ProvenAt, c.TriedAt = again.time(), proven.time(), tried.time()
		f(guard.Key(key), c)
		return err
	})
}

// write writes what differs between a table's rows and what the database has.
func (x *tx) write(ctx context.Context, t *table) error {
	if err := x.writeLogin(ctx, t); err != nil {
		return err
	}
	if err := x.writeUnits(ctx, t); err != nil {
		return err
	}
	return x.writeCredentials(ctx, t)
}

// writeLogin takes the row's next revision: nobody else has written it since it was read.
func (x *tx) writeLogin(ctx context.Context, t *table) error {
	if t.rev == 0 && t.cached {
		if err := x.insertLogin(ctx, t.key); err != nil {
			return err
		}
	}
	r, e := &t.rows, t.epochs
	e.settle(r.Distrusted)
	n, err := x.exec(ctx, `UPDATE guard_login SET rev = rev + 1, epoch = ?, seq = ?, newest = ?, newest_made = ?, last = ?, ranks = ?, gate_shut = ?, gate_since = ?,
		gate_until = ?, gate_tries = ?, gate_epoch = ?, gate_released = ?, locked = ?, last_refusal = ? WHERE key = ? AND rev = ?`,
		e.row, int64(r.Seq), r.Newest[:], microsOf(r.NewestMade), r.Last[:], int64(r.Ranks), r.Gate.Shut, microsOf(r.Gate.Since),
		microsOf(r.Gate.Until), r.Gate.Tries, int64(r.Gate.Epoch), r.Gate.Released, r.Locked, microsOf(r.LastRefusal), string(t.key), t.rev)
	if err == nil && n == 0 {
		err = x.whyNotWritten(ctx, t)
	}
	return err
}

// whyNotWritten tells a row that others have written from one that was set back.
func (x *tx) whyNotWritten(ctx context.Context, t *table) error {
	var rev int64
	err := x.row(ctx, `SELECT rev FROM guard_login WHERE key = ?`, []any{string(t.key)}, &rev)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && rev < t.rev:
		return errOlder
	case err != nil:
		return err
	}
	return errForgot
}

// lacks reports whether some rows have no unit that this process holds in others. Of what it holds (guard.md, U5) nobody else frees
// or takes any while it lives: one that is gone, and one that is back, were set back.
func (t *table) lacks(some, others *guard.Rows) bool {
	return slices.ContainsFunc(others.Units, func(u guard.Unit) bool {
		return u.State == guard.Held && u.Holder == t.store.Holder() &&
			!slices.ContainsFunc(some.Units, func(o guard.Unit) bool { return o.Token == u.Token })
	})
}

// whyMissing tells units that others gave up, since they took this process for dead, from such as the store forgot.
func (x *tx) whyMissing(ctx context.Context, holder string) error {
	living, err := x.living(ctx)
	switch {
	case err != nil:
		return err
	case slices.Contains(living, holder):
		return errOlder
	}
	return errForgot
}

// insertLogin makes the row of a login that has none.
func (x *tx) insertLogin(ctx context.Context, key guard.Key) error {
	e, err := x.stranger(ctx)
	if err != nil {
		return err
	}
	none := make([]byte, len(guard.Fingerprint{}))
	_, err = x.exec(ctx, `INSERT INTO guard_login (key, rev, epoch, seq, newest, newest_made, last, ranks, gate_shut, gate_since, gate_until,
		gate_tries, gate_epoch, gate_released, locked, last_refusal) VALUES (?, 0, ?, 0, ?, 0, ?, 0, ?, 0, 0, 0, 0, ?, ?, 0) ON CONFLICT DO NOTHING`,
		string(key), e.row, none, none, false, false, false)
	return err
}

func (x *tx) writeUnits(ctx context.Context, t *table) error {
	for _, u := range t.stored.Units {
		if slices.Contains(t.rows.Units, u) {
			continue
		}
		if _, err := x.exec(ctx, `DELETE FROM guard_unit WHERE key = ? AND token = ?`, string(t.key), int64(u.Token)); err != nil {
			return err
		}
	}
	for _, u := range t.rows.Units {
		if slices.Contains(t.stored.Units, u) {
			continue
		}
		if _, err := x.exec(ctx, `INSERT INTO guard_unit (key, token, state, holder, source, alone, credential, seq, was_proven) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			string(t.key), int64(u.Token), int(u.State), u.Holder, u.Source, u.Alone, u.Credential[:], int64(u.Seq), u.WasProven); err != nil {
			return err
		}
	}
	return nil
}

func (x *tx) writeCredentials(ctx context.Context, t *table) error {
	for _, c := range t.stored.Credentials {
		if slices.ContainsFunc(t.rows.Credentials, func(o guard.Credential) bool { return o.Fingerprint == c.Fingerprint }) {
			continue
		}
		if _, err := x.exec(ctx, `DELETE FROM guard_credential WHERE key = ? AND fingerprint = ?`, string(t.key), c.Fingerprint[:]); err != nil {
			return err
		}
	}
	for i := range t.rows.Credentials {
		c := &t.rows.Credentials[i]
		if slices.Contains(t.stored.Credentials, *c) {
			continue
		}
		if _, err := x.exec(ctx, `INSERT INTO guard_credential (key, fingerprint, version, state, rank, sent_seq, refused_seq, tries, again_at, accepted, due, rechecked, good, proven_at,
			code, brought_by, address, tried_at, accepted_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key, fingerprint) DO UPDATE SET version = excluded.version, state = excluded.state,
			rank = excluded.rank, sent_seq = excluded.sent_seq, refused_seq = excluded.refused_seq, tries = excluded.tries, again_at = excluded.again_at,
			accepted = excluded.accepted, due = excluded.due, rechecked = excluded.rechecked, good = excluded.good, proven_at = excluded.proven_at,
			code = excluded.code, brought_by = excluded.brought_by, address = excluded.address, tried_at = excluded.tried_at,
			accepted_by = excluded.accepted_by`,
			string(t.key), c.Fingerprint[:], c.Version, int(c.State), int64(c.Rank), int64(c.SentSeq), int64(c.RefusedSeq), c.Tries, microsOf(c.AgainAt),
			c.Accepted, c.Due, c.Rechecked, c.Good, microsOf(c.ProvenAt), c.Code[:], c.By, c.Address, microsOf(c.TriedAt), c.AcceptedBy); err != nil {
			return err
		}
	}
	return nil
}

// micros is a moment as the database has it: microseconds since 1970, and 0 for none.
type micros int64

func microsOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func (m micros) time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(m))
}

func fingerprint(b []byte) (fp guard.Fingerprint) {
	copy(fp[:], b)
	return fp
}
