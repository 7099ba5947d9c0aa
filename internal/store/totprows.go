package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/psagate/psagate/internal/totp"
)

// person reads all of a person but the buckets, and locks it until the transaction ends. rev is 0 where there is nothing.
func (x *tx) person(ctx context.Context, p totp.Person) (s totp.State, rev int64, err error) {
	var i totp.Invitation
	var ends micros
	err = x.row(ctx, `SELECT rev, invited_key, invited_sum, invited_until FROM totp_person WHERE issuer = ? AND subject = ? {lock}`, []any{p.Issuer, p.Subject},
		&rev, &i.Key, &i.Sum, &ends)
	if errors.Is(err, sql.ErrNoRows) {
		return s, 0, nil
	}
	s.Invitation = invitationOf(i, ends)
	if err == nil {
		err = x.each(ctx, enrolments+` WHERE issuer = ? AND subject = ?`, []any{p.Issuer, p.Subject}, func(scan func(...any) error) error {
			_, err := scanEnrolment(scan, &s)
			return err
		})
	}
	if err == nil {
		err = x.each(ctx, recoveries+` WHERE issuer = ? AND subject = ? ORDER BY number`, []any{p.Issuer, p.Subject}, func(scan func(...any) error) error {
			_, err := scanRecovery(scan, &s)
			return err
		})
	}
	return s, rev, err
}

// people reads all persons, by issuer and subject.
func (x *tx) people(ctx context.Context) (list []totp.Held, err error) {
	at := map[totp.Person]int{}
	err = x.each(ctx, `SELECT issuer, subject, invited_key, invited_sum, invited_until FROM totp_person ORDER BY issuer, subject`, nil, func(scan func(...any) error) error {
		var h totp.Held
		var i totp.Invitation
		var ends micros
		err := scan(&h.Person.Issuer, &h.Person.Subject, &i.Key, &i.Sum, &ends)
		h.State.Invitation = invitationOf(i, ends)
		at[h.Person] = len(list)
		list = append(list, h)
		return err
	})
	for query, read := range map[string]func(func(...any) error, *totp.State) (totp.Person, error){
		enrolments: scanEnrolment, recoveries + ` ORDER BY issuer, subject, number`: scanRecovery,
	} {
		if err != nil {
			return nil, err
		}
		err = x.each(ctx, query, nil, func(scan func(...any) error) error {
			var one totp.State
			p, err := read(scan, &one)
			if i, there := at[p]; there && err == nil {
				s := &list[i].State
				if one.Current != nil {
					s.Current = one.Current
				}
				if one.Next != nil {
					s.Next = one.Next
				}
				s.Recovery = append(s.Recovery, one.Recovery...)
			}
			return err
		})
	}
	return list, err
}

const (
	enrolments = `SELECT issuer, subject, pending, id, seed, algorithm, digits, period, begun, confirmed, last_step, last_used, tries FROM totp_enrolment`
	recoveries = `SELECT issuer, subject, key_id, sum, used FROM totp_recovery`
)

func scanEnrolment(scan func(...any) error, into *totp.State) (p totp.Person, err error) {
	var e totp.Enrolment
	var pending bool
	var seconds int64
	var begun, confirmed, used micros
	err = scan(&p.Issuer, &p.Subject, &pending, &e.ID, &e.Seed, (*string)(&e.Settings.Algorithm), &e.Settings.Digits, &seconds,
		&begun, &confirmed, &e.LastStep, &used, &e.Tries)
	e.Settings.Period = time.Duration(seconds) * time.Second
	e.Begun, e.Confirmed, e.LastUsed = begun.time(), confirmed.time(), used.time()
	if pending {
		into.Next = &e
	} else {
		into.Current = &e
	}
	return p, err
}

func scanRecovery(scan func(...any) error, into *totp.State) (p totp.Person, err error) {
	var r totp.RecoveryCode
	var used micros
	err = scan(&p.Issuer, &p.Subject, &r.Key, &r.Sum, &used)
	r.Used = used.time()
	into.Recovery = append(into.Recovery, r)
	return p, err
}

func (x *tx) writeEnrolments(ctx context.Context, p totp.Person, s totp.State) error {
	if _, err := x.exec(ctx, `DELETE FROM totp_enrolment WHERE issuer = ? AND subject = ?`, p.Issuer, p.Subject); err != nil {
		return err
	}
	for pending, e := range map[bool]*totp.Enrolment{false: s.Current, true: s.Next} {
		if e == nil {
			continue
		}
		if _, err := x.exec(ctx, `INSERT INTO totp_enrolment (issuer, subject, pending, id, seed, algorithm, digits, period, begun, confirmed, last_step, last_used, tries)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			p.Issuer, p.Subject, pending, e.ID, e.Seed, string(e.Settings.Algorithm), e.Settings.Digits, int64(e.Settings.Period/time.Second),
			microsOf(e.Begun), microsOf(e.Confirmed), e.LastStep, microsOf(e.LastUsed), e.Tries); err != nil {
			return err
		}
	}
	return nil
}

// invitationOf is an invitation as its columns have it; nil where they say that there is none.
func invitationOf(i totp.Invitation, ends micros) *totp.Invitation {
	if ends == 0 {
		return nil
	}
	i.Ends = ends.time()
	return &i
}

func (x *tx) writeInvitation(ctx context.Context, p totp.Person, i *totp.Invitation) error {
	if i == nil {
		i = new(totp.Invitation)
	}
	_, err := x.exec(ctx, `UPDATE totp_person SET invited_key = ?, invited_sum = ?, invited_until = ? WHERE issuer = ? AND subject = ?`,
		i.Key, i.Sum, microsOf(i.Ends), p.Issuer, p.Subject)
	return err
}

func (x *tx) writeRecovery(ctx context.Context, p totp.Person, codes []totp.RecoveryCode) error {
	if _, err := x.exec(ctx, `DELETE FROM totp_recovery WHERE issuer = ? AND subject = ?`, p.Issuer, p.Subject); err != nil {
		return err
	}
	for i, r := range codes {
		if _, err := x.exec(ctx, `INSERT INTO totp_recovery (issuer, subject, number, key_id, sum, used) VALUES (?, ?, ?, ?, ?, ?)`,
			p.Issuer, p.Subject, i, r.Key, r.Sum, microsOf(r.Used)); err != nil {
			return err
		}
	}
	return nil
}

// buckets reads buckets in the order of their names, and locks each until the transaction ends, those too that are not there: for
// them it makes an empty row, which writeBucket takes away again where nothing came of it. Who locked only what is there, and made the
// rest at the end, would wait for others in another order than theirs.
func (x *tx) buckets(ctx context.Context, names []string) (map[string]totp.Bucket, error) {
	all := make(map[string]totp.Bucket, len(names))
	for _, name := range names {
		b, had, err := x.bucket(ctx, name)
		if err != nil {
			return nil, err
		}
		if had {
			all[name] = b
		}
	}
	return all, nil
}

// bucketTries is how often a bucket is looked for that others make and remove at the same time.
const bucketTries = 20

func (x *tx) bucket(ctx context.Context, name string) (b totp.Bucket, had bool, err error) {
	for range bucketTries {
		var at, ends micros
		err = x.row(ctx, `SELECT failures, at, ends FROM totp_bucket WHERE bucket = ? {lock}`, []any{name}, &b.Failures, &at, &ends)
		if !errors.Is(err, sql.ErrNoRows) {
			b.At, b.Ends = at.time(), ends.time()
			return b, true, err
		}
		made, err := x.exec(ctx, `INSERT INTO totp_bucket (bucket, failures, at, ends) VALUES (?, 0, 0, 0) ON CONFLICT DO NOTHING`, name)
		if err != nil || made == 1 {
			return totp.Bucket{}, false, err
		}
	}
	return totp.Bucket{}, false, errRaced
}

// writeBucket writes a bucket where it has changed. It is locked, so nobody else has.
func (x *tx) writeBucket(ctx context.Context, name string, was totp.Bucket, had bool, is totp.Bucket, has bool) error {
	var n int64
	var err error
	switch {
	case !has:
		n, err = x.exec(ctx, `DELETE FROM totp_bucket WHERE bucket = ?`, name)
	case had && was == is:
		return nil
	default:
		n, err = x.exec(ctx, `UPDATE totp_bucket SET failures = ?, at = ?, ends = ? WHERE bucket = ?`, is.Failures, microsOf(is.At), microsOf(is.Ends), name)
	}
	if err == nil && n != 1 {
		err = errRaced
	}
	return err
}

// sweepBuckets removes the buckets that have ended, in the order in which others lock them.
func (x *tx) sweepBuckets(ctx context.Context, now time.Time) (n int, err error) {
	var names []string
	err = x.each(ctx, `SELECT bucket FROM totp_bucket WHERE ends <= ? ORDER BY bucket LIMIT 10000`, []any{now.UnixMicro()}, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		names = append(names, name)
		return err
	})
	for _, name := range names {
		if err != nil {
			return 0, err
		}
		var removed int64
		removed, err = x.exec(ctx, `DELETE FROM totp_bucket WHERE bucket = ? AND ends <= ?`, name, now.UnixMicro())
		n += int(removed)
	}
	return n, err
}
