package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/session"
)

// Sessions returns where people's sessions are kept, of all processes of the store. Each look goes there, so that one which was
// ended by one process is ended for all. Sessions of before a backup was restored are not there any more: they may have been ended
// since it was made. It may be used before the store is started, and gives an error then.
func (s *Store) Sessions() session.Table { return sessions{s} }

type sessions struct{ store *Store }

// ofToday is the condition of a session that the store does not have from before a restore.
const ofToday = `epoch = (SELECT epoch FROM store WHERE one = 1)`

const sessionColumns = `hash, id, issuer, issuer_url, subject, issuer_session, email, name, groups_json, created, seen, ends, idle, address, agent, stepped`

// scanSession reads a session's row.
func scanSession(scan func(...any) error) (r session.Row, err error) {
	var hash []byte
	var groups string
	var created, seen, ends, stepped micros
	var idle int64
	err = scan(&hash, &r.ID, &r.Person.Issuer, &r.Person.IssuerURL, &r.Person.Subject, &r.IssuerSession, &r.Person.Email, &r.Person.Name, &groups,
		&created, &seen, &ends, &idle, &r.Address, &r.Agent, &stepped)
	if err != nil {
		return session.Row{}, err
	}
	if copy(r.Hash[:], hash) != len(r.Hash) || len(hash) != len(r.Hash) {
		return session.Row{}, errors.New("a session's hash is damaged")
	}
	if err := json.Unmarshal([]byte(groups), &r.Person.Groups); err != nil {
		return session.Row{}, fmt.Errorf("a session's groups are damaged: %w", err)
	}
	r.Created, r.Seen, r.Ends, r.SteppedUp, r.Idle = created.time(), seen.time(), ends.time(), stepped.time(), time.Duration(idle)*time.Microsecond
	return r, nil
}

// Add implements session.Table.
func (t sessions) Add(ctx context.Context, r session.Row, replaces *session.Hash) error {
	if problem := t.store.unusable(); problem != nil {
		return problem
	}
	groups, err := json.Marshal(r.Person.Groups)
	if err != nil {
		return err
	}
	return t.store.transact(ctx, func(ctx context.Context, x *tx) error {
		if replaces != nil {
			if _, err := x.exec(ctx, `DELETE FROM people_session WHERE hash = ?`, replaces[:]); err != nil {
				return err
			}
		}
		_, err := x.exec(ctx, `INSERT INTO people_session (`+sessionColumns+`, epoch)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT epoch FROM store WHERE one = 1))`,
			r.Hash[:], r.ID, r.Person.Issuer, r.Person.IssuerURL, r.Person.Subject, r.IssuerSession, r.Person.Email, r.Person.Name, string(groups),
			microsOf(r.Created), microsOf(r.Seen), microsOf(r.Ends), r.Idle.Microseconds(), r.Address, r.Agent, microsOf(r.SteppedUp))
		return err
	})
}

// Find implements session.Table. It is on the way of each page, so it is one question, and no transaction around it.
func (t sessions) Find(ctx context.Context, h session.Hash) (session.Row, bool, error) {
	if problem := t.store.unusable(); problem != nil {
		return session.Row{}, false, problem
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := scanSession(t.store.db.QueryRowContext(ctx, t.store.dialect.bind(`SELECT `+sessionColumns+` FROM people_session WHERE hash = ? AND `+ofToday), h[:]).Scan)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return session.Row{}, false, nil
	case err != nil:
		return session.Row{}, false, err
	}
	return r, true, nil
}

// Saw implements session.Table.
func (t sessions) Saw(ctx context.Context, h session.Hash, at time.Time, address string) error {
	if problem := t.store.unusable(); problem != nil {
		return problem
	}
	return t.store.transact(ctx, func(ctx context.Context, x *tx) error {
		_, err := x.exec(ctx, `UPDATE people_session SET seen = ?, address = ? WHERE hash = ? AND seen < ?`, microsOf(at), address, h[:], microsOf(at))
		return err
	})
}

// StepUp implements session.Table.
func (t sessions) StepUp(ctx context.Context, id string, at time.Time) (there bool, err error) {
	if problem := t.store.unusable(); problem != nil {
		return false, problem
	}
	err = t.store.transact(ctx, func(ctx context.Context, x *tx) error {
		n, err := x.exec(ctx, `UPDATE people_session SET stepped = CASE WHEN stepped < ? THEN ? ELSE stepped END WHERE id = ? AND `+ofToday, microsOf(at), microsOf(at), id)
		there = n == 1
		return err
	})
	return there && err == nil, err
}

// Remove implements session.Table.
func (t sessions) Remove(ctx context.Context, w session.Which) (gone []session.Row, err error) {
	if problem := t.store.unusable(); problem != nil || w.None() {
		return nil, problem
	}
	conditions, args := []string{ofToday}, []any{}
	add := func(column string, value any, there bool) {
		if there {
			conditions, args = append(conditions, column+` = ?`), append(args, value)
		}
	}
	add(`hash`, w.Hash[:], w.Hash != session.Hash{})
	add(`id`, w.ID, w.ID != "")
	add(`issuer_url`, w.IssuerURL, w.IssuerURL != "")
	add(`subject`, w.Subject, w.Subject != "")
	add(`issuer_session`, w.IssuerSession, w.IssuerSession != "")
	if !w.Before.IsZero() {
		conditions, args = append(conditions, `created < ?`), append(args, microsOf(w.Before))
	}
	err = t.store.transact(ctx, func(ctx context.Context, x *tx) error {
		return x.each(ctx, `DELETE FROM people_session WHERE `+strings.Join(conditions, ` AND `)+` RETURNING `+sessionColumns, args, func(scan func(...any) error) error {
			r, err := scanSession(scan)
			gone = append(gone, r)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(gone, func(a, b session.Row) int { return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID)) })
	return gone, nil
}

// Rows implements session.Table.
func (t sessions) Rows(ctx context.Context) (rows []session.Row, err error) {
	err = t.store.peek(ctx, func(ctx context.Context, x *tx) error {
		return x.each(ctx, `SELECT `+sessionColumns+` FROM people_session WHERE `+ofToday+` ORDER BY created DESC, id`, nil, func(scan func(...any) error) error {
			r, err := scanSession(scan)
			rows = append(rows, r)
			return err
		})
	})
	return rows, err
}

// Once implements session.Table.
func (t sessions) Once(ctx context.Context, what string, until time.Time) (first bool, err error) {
	if problem := t.store.unusable(); problem != nil {
		return false, problem
	}
	err = t.store.transact(ctx, func(ctx context.Context, x *tx) error {
		n, err := x.exec(ctx, `INSERT INTO people_once (what, until) VALUES (?, ?) ON CONFLICT (what) DO NOTHING`, what, microsOf(until))
		first = n == 1
		return err
	})
	return first && err == nil, err
}

// Sweep implements session.Table.
func (t sessions) Sweep(ctx context.Context, now time.Time) error {
	if problem := t.store.unusable(); problem != nil {
		return problem
	}
	return t.store.transact(ctx, func(ctx context.Context, x *tx) error {
		if _, err := x.exec(ctx, `DELETE FROM people_session WHERE ends <= ? OR seen + idle <= ? OR NOT (`+ofToday+`)`, microsOf(now), microsOf(now)); err != nil {
			return err
		}
		_, err := x.exec(ctx, `DELETE FROM people_once WHERE until <= ?`, microsOf(now))
		return err
	})
}
