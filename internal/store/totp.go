package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/psagate/psagate/internal/totp"
)

// TOTP returns where the second factor of people is kept, for all processes of the store. It may be used before the store is
// started, and gives an error then.
func (s *Store) TOTP() totp.Store { return people{s} }

type people struct{ store *Store }

// errRaced: another process made a person's row that this transaction found none of. What is there can be locked, so the next try waits.
var errRaced = errors.New("another process came first")

// raceTries is how often a transaction is tried that others came before: each time, one of them got through.
const raceTries = 20

// Change implements totp.Store. The person's row is locked first, then the buckets by name, so that no two transactions wait for
// each other. What is written is compared with what was read, too, by the person's rev.
func (s people) Change(ctx context.Context, p totp.Person, buckets []string, f func(*totp.State) error) error {
	if problem := s.store.unusable(); problem != nil {
		return problem
	}
	buckets = slices.Compact(slices.Sorted(slices.Values(buckets)))
	for range raceTries {
		err := s.store.transact(ctx, func(ctx context.Context, x *tx) error { return x.changePerson(ctx, p, buckets, f) })
		if !errors.Is(err, errRaced) {
			return err
		}
	}
	return fmt.Errorf("the second factor of a person: %w, %d times", errRaced, raceTries)
}

func (x *tx) changePerson(ctx context.Context, p totp.Person, buckets []string, f func(*totp.State) error) error {
	before, rev, err := x.person(ctx, p)
	if err != nil {
		return err
	}
	if before.Buckets, err = x.buckets(ctx, buckets); err != nil {
		return err
	}
	after := copyOf(before)
	if err := f(&after); err != nil {
		return err
	}
	if err := x.writePerson(ctx, p, rev, before, after); err != nil {
		return err
	}
	for _, name := range buckets {
		was, had := before.Buckets[name]
		is, has := after.Buckets[name]
		if err := x.writeBucket(ctx, name, was, had, is, has); err != nil {
			return err
		}
	}
	return nil
}

// copyOf is a state that shares nothing with another.
func copyOf(s totp.State) totp.State {
	enrolment := func(e *totp.Enrolment) *totp.Enrolment {
		if e == nil {
			return nil
		}
		c := *e
		c.Seed = slices.Clone(e.Seed)
		return &c
	}
	if s.Invitation != nil {
		i := *s.Invitation
		s.Invitation = &i
	}
	return totp.State{Current: enrolment(s.Current), Next: enrolment(s.Next), Invitation: s.Invitation, Recovery: slices.Clone(s.Recovery), Buckets: maps.Clone(s.Buckets)}
}

// writePerson writes what has changed of a person.
func (x *tx) writePerson(ctx context.Context, p totp.Person, rev int64, before, after totp.State) error {
	enrolments := !reflect.DeepEqual(before.Current, after.Current) || !reflect.DeepEqual(before.Next, after.Next)
	recovery := !slices.Equal(before.Recovery, after.Recovery)
	invitation := !reflect.DeepEqual(before.Invitation, after.Invitation)
	if !enrolments && !recovery && !invitation {
		return nil
	}
	if err := x.revise(ctx, p, rev, after.Empty()); err != nil {
		return err
	}
	if enrolments {
		if err := x.writeEnrolments(ctx, p, after); err != nil {
			return err
		}
	}
	if recovery {
		if err := x.writeRecovery(ctx, p, after.Recovery); err != nil {
			return err
		}
	}
	if invitation && !after.Empty() {
		return x.writeInvitation(ctx, p, after.Invitation)
	}
	return nil
}

// revise writes the person's own row, where it is still as it was read: it is removed where nothing is left of the person.
func (x *tx) revise(ctx context.Context, p totp.Person, rev int64, gone bool) error {
	var n int64
	var err error
	switch {
	case rev == 0:
		n, err = x.exec(ctx, `INSERT INTO totp_person (issuer, subject, rev) VALUES (?, ?, 1) ON CONFLICT DO NOTHING`, p.Issuer, p.Subject)
	case gone:
		n, err = x.exec(ctx, `DELETE FROM totp_person WHERE issuer = ? AND subject = ? AND rev = ?`, p.Issuer, p.Subject, rev)
	default:
		n, err = x.exec(ctx, `UPDATE totp_person SET rev = rev + 1 WHERE issuer = ? AND subject = ? AND rev = ?`, p.Issuer, p.Subject, rev)
	}
	if err == nil && n != 1 {
		err = errRaced
	}
	return err
}

// Look implements totp.Store. It writes nothing.
func (s people) Look(ctx context.Context, p totp.Person) (state totp.State, err error) {
	err = s.look(ctx, func(ctx context.Context, x *tx) (err error) {
		state, _, err = x.person(ctx, p)
		return err
	})
	return state, err
}

// People implements totp.Store. It writes nothing.
func (s people) People(ctx context.Context) (list []totp.Held, err error) {
	err = s.look(ctx, func(ctx context.Context, x *tx) (err error) {
		list, err = x.people(ctx)
		return err
	})
	return list, err
}

// look runs a transaction that is not committed.
func (s people) look(ctx context.Context, f func(ctx context.Context, x *tx) error) error {
	if problem := s.store.unusable(); problem != nil {
		return problem
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	x, err := s.store.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = x.rollback() }()
	return f(ctx, x)
}

// SweepBuckets implements totp.Store.
func (s people) SweepBuckets(ctx context.Context, now time.Time) (n int, err error) {
	if problem := s.store.unusable(); problem != nil {
		return 0, problem
	}
	err = s.store.transact(ctx, func(ctx context.Context, x *tx) error {
		n, err = x.sweepBuckets(ctx, now)
		return err
	})
	return n, err
}
