package store

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/psagate/psagate/broker/ledger"
)

// mailColumns are what a ledger.Mail holds, but for its references.
const mailColumns = `id, mailbox, object, content, message_id, arrived, state, epoch, due, since, tries, fails, cause, reference, is_note, ticket, number,
	forced, least, item, files, skipped, plainness, sent_at, empty, plan, repair, repeated, merged, acknowledged, was, history, why, sender, subject, size, kept`

func scanMail(scan func(...any) error) (m ledger.Mail, err error) {
	var content, messageID, number, plan, history, why []byte
	var kept bool
	var arrived, due, since, sentAt micros
	err = scan(&m.ID, &m.Mailbox, &m.Object, &content, &messageID, &arrived, (*string)(&m.State), &m.Epoch, &due, &since, &m.Tries, &m.Fails, &m.Cause,
		&m.Reference, &m.IsNote, &m.Ticket, &number, &m.Forced, &m.Least, &m.Item, &m.Files, &m.Skipped, &m.Plainness, &sentAt, &m.Empty, &plan, &m.Repair,
		&m.Repeated, &m.Merged, &m.Acknowledged, &m.Was, &history, &why, &m.From, &m.Subject, &m.Size, &kept)
	if err != nil {
		return ledger.Mail{}, err
	}
	if copy(m.Content[:], content) != len(m.Content) || len(content) != len(m.Content) {
		return ledger.Mail{}, errors.New("a mail's row is damaged")
	}
	m.MessageID, m.Number = string(messageID), string(number)
	if len(plan) > 0 {
		m.Plan = plan
	}
	m.Arrived, m.Due, m.Since, m.SentAt = arrived.time(), due.time(), since.time(), sentAt.time()
	m.Gone = !kept
	return m, errors.Join(unlist(history, &m.History), unlist(why, &m.Why))
}

// asKept is a row with its times as the store has them.
func asKept(m ledger.Mail) ledger.Mail {
	m.Due = micros(dueMicros(m.Due)).time()
	for _, at := range []*time.Time{&m.Arrived, &m.Since, &m.SentAt} {
		*at = micros(microsOf(*at)).time()
	}
	return m
}

// dueMicros is never before the time itself: nothing becomes due too early.
func dueMicros(t time.Time) int64 {
	at := microsOf(t)
	if !t.IsZero() && time.UnixMicro(at).Before(t) {
		at++
	}
	return at
}

// notNil is what a column takes that is never NULL.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// listed is a list as a column takes it, and unlist reads it.
func listed[T any](list []T) []byte {
	if len(list) == 0 {
		return []byte{}
	}
	data, _ := json.Marshal(list) // of strings and times of this age: it cannot fail
	return data
}

func unlist[T any](data []byte, into *[]T) error {
	if len(data) == 0 {
		return nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("a mail's row is damaged: %w", err)
	}
	return nil
}

// nameHash is what message ids are looked for by.
func nameHash(name string) []byte {
	sum := sha256.Sum256([]byte(name))
	return sum[:]
}

// isOpen tells whether something may still become due.
func isOpen(m ledger.Mail) bool { return !m.State.Ended() || !m.Acknowledged }

// addMail makes a row and those of its references.
func (x *tx) addMail(ctx context.Context, m ledger.Mail, spool string, raw []byte) error {
	sum := sha256.Sum256(raw)
	if _, err := x.exec(ctx, `INSERT INTO mail_row (`+mailColumns+`, message_hash, is_open, spool, sum, words) VALUES (?`+strings.Repeat(`, ?`, 41)+`)`,
		m.ID, m.Mailbox, m.Object, m.Content[:], []byte(m.MessageID), microsOf(m.Arrived), string(m.State), m.Epoch, dueMicros(m.Due), microsOf(m.Since),
		m.Tries, m.Fails, m.Cause, m.Reference, m.IsNote, m.Ticket, []byte(m.Number), m.Forced, m.Least, m.Item, m.Files, m.Skipped, m.Plainness,
		microsOf(m.SentAt), m.Empty, notNil(m.Plan), m.Repair, m.Repeated, m.Merged, m.Acknowledged, m.Was, listed(m.History), listed(m.Why),
		m.From, m.Subject, m.Size, true, nameHash(m.MessageID), isOpen(m), spool, sum[:], m.Words()); err != nil {
		return err
	}
	for i, name := range m.References {
		if _, err := x.exec(ctx, `INSERT INTO mail_reference (mail, number, name, hash) VALUES (?, ?, ?, ?)`, m.ID, i, []byte(name), nameHash(name)); err != nil {
			return err
		}
	}
	return nil
}

// writeMail writes what can change of a row.
func (x *tx) writeMail(ctx context.Context, m ledger.Mail) error {
	_, err := x.exec(ctx, `UPDATE mail_row SET state = ?, epoch = ?, due = ?, since = ?, tries = ?, fails = ?, cause = ?, reference = ?, is_note = ?, ticket = ?,
		number = ?, forced = ?, least = ?, item = ?, files = ?, skipped = ?, plainness = ?, sent_at = ?, empty = ?, plan = ?, repair = ?, repeated = ?, merged = ?,
		acknowledged = ?, was = ?, history = ?, why = ?, is_open = ? WHERE id = ?`,
		string(m.State), m.Epoch, dueMicros(m.Due), microsOf(m.Since), m.Tries, m.Fails, m.Cause, m.Reference, m.IsNote, m.Ticket,
		[]byte(m.Number), m.Forced, m.Least, m.Item, m.Files, m.Skipped, m.Plainness, microsOf(m.SentAt), m.Empty, notNil(m.Plan), m.Repair, m.Repeated, m.Merged,
		m.Acknowledged, m.Was, listed(m.History), listed(m.Why), isOpen(m), m.ID)
	return err
}

func (x *tx) mailReferences(ctx context.Context, id int64) (names []string, err error) {
	err = x.each(ctx, `SELECT name FROM mail_reference WHERE mail = ? ORDER BY number`, []any{id}, func(scan func(...any) error) error {
		var name []byte
		err := scan(&name)
		names = append(names, string(name))
		return err
	})
	return names, err
}
