package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// migrations make the schema, one step after the other. A step that was released is never changed.
var migrations = [...][]string{{
	`CREATE TABLE process (
		id TEXT PRIMARY KEY,
		beat BIGINT NOT NULL,
		alone BOOLEAN NOT NULL,
		ttl BIGINT NOT NULL,
		host TEXT NOT NULL,
		began BIGINT NOT NULL
	)`,
	`CREATE TABLE guard_login (
		key TEXT PRIMARY KEY,
		rev BIGINT NOT NULL,
		epoch BIGINT NOT NULL,
		seq BIGINT NOT NULL,
		newest {blob} NOT NULL,
		newest_made BIGINT NOT NULL,
		last {blob} NOT NULL,
		ranks BIGINT NOT NULL,
		gate_shut BOOLEAN NOT NULL,
		gate_since BIGINT NOT NULL,
		gate_until BIGINT NOT NULL,
		gate_tries BIGINT NOT NULL,
		gate_epoch BIGINT NOT NULL,
		gate_released BOOLEAN NOT NULL,
		locked BOOLEAN NOT NULL,
		last_refusal BIGINT NOT NULL
	)`,
	`CREATE TABLE guard_unit (
		key TEXT NOT NULL REFERENCES guard_login (key),
		token BIGINT NOT NULL,
		state SMALLINT NOT NULL,
		holder TEXT NOT NULL,
		source TEXT NOT NULL,
		alone BOOLEAN NOT NULL,
		credential {blob} NOT NULL,
		seq BIGINT NOT NULL,
		was_proven BOOLEAN NOT NULL,
		PRIMARY KEY (key, token)
	)`,
	// One prober per login over all replicas.
	`CREATE UNIQUE INDEX guard_unit_alone ON guard_unit (key) WHERE alone AND state = 1`,
	`CREATE INDEX guard_unit_holder ON guard_unit (holder)`,
	`CREATE TABLE guard_credential (
		key TEXT NOT NULL REFERENCES guard_login (key),
		fingerprint {blob} NOT NULL,
		version TEXT NOT NULL,
		state SMALLINT NOT NULL,
		rank BIGINT NOT NULL,
		sent_seq BIGINT NOT NULL,
		refused_seq BIGINT NOT NULL,
		tries BIGINT NOT NULL,
		again_at BIGINT NOT NULL,
		accepted BOOLEAN NOT NULL,
		due BOOLEAN NOT NULL,
		rechecked BOOLEAN NOT NULL,
		good BOOLEAN NOT NULL,
		proven_at BIGINT NOT NULL,
		code {blob} NOT NULL,
		brought_by TEXT NOT NULL,
		address TEXT NOT NULL,
		tried_at BIGINT NOT NULL,
		accepted_by TEXT NOT NULL,
		PRIMARY KEY (key, fingerprint)
	)`,
	`CREATE TABLE journal_failure (
		process TEXT NOT NULL,
		no BIGINT NOT NULL,
		key TEXT NOT NULL,
		at BIGINT NOT NULL,
		data {blob} NOT NULL,
		PRIMARY KEY (process, no)
	)`,
	`CREATE INDEX journal_failure_at ON journal_failure (at)`,
	`CREATE TABLE journal_use (
		key TEXT NOT NULL,
		integration TEXT NOT NULL,
		version TEXT NOT NULL,
		at BIGINT NOT NULL,
		PRIMARY KEY (key, integration, version)
	)`,
	`CREATE TABLE journal_mark (
		key TEXT NOT NULL,
		what TEXT NOT NULL,
		at BIGINT NOT NULL,
		PRIMARY KEY (key, what)
	)`,
}, {
	`CREATE TABLE audit_anchor (
		chain TEXT PRIMARY KEY,
		host TEXT NOT NULL,
		key_id TEXT NOT NULL,
		seq BIGINT NOT NULL,
		mac TEXT NOT NULL,
		at BIGINT NOT NULL,
		closed BOOLEAN NOT NULL
	)`,
}, {
	`CREATE TABLE switched_off (
		integration TEXT PRIMARY KEY,
		reason TEXT NOT NULL,
		at BIGINT NOT NULL
	)`,
}, {
	// In which order chains began; 0: from before that was counted.
	`ALTER TABLE audit_anchor ADD COLUMN number BIGINT NOT NULL DEFAULT 0`,
}, {
	// The second factor of people. The row of a person is what transactions on the others lock; rev counts its changes.
	`CREATE TABLE totp_person (
		issuer TEXT NOT NULL,
		subject TEXT NOT NULL,
		rev BIGINT NOT NULL,
		PRIMARY KEY (issuer, subject)
	)`,
	// Of a person one that counts, and one that is not confirmed yet.
	`CREATE TABLE totp_enrolment (
		issuer TEXT NOT NULL,
		subject TEXT NOT NULL,
		pending BOOLEAN NOT NULL,
		id TEXT NOT NULL,
		seed {blob} NOT NULL,
		algorithm TEXT NOT NULL,
		digits BIGINT NOT NULL,
		period BIGINT NOT NULL,
		begun BIGINT NOT NULL,
		confirmed BIGINT NOT NULL,
		last_step BIGINT NOT NULL,
		last_used BIGINT NOT NULL,
		tries BIGINT NOT NULL,
		PRIMARY KEY (issuer, subject, pending)
	)`,
	`CREATE TABLE totp_recovery (
		issuer TEXT NOT NULL,
		subject TEXT NOT NULL,
		number BIGINT NOT NULL,
		key_id TEXT NOT NULL,
		sum TEXT NOT NULL,
		used BIGINT NOT NULL,
		PRIMARY KEY (issuer, subject, number)
	)`,
	`CREATE TABLE totp_bucket (
		bucket TEXT PRIMARY KEY,
		failures BIGINT NOT NULL,
		at BIGINT NOT NULL,
		ends BIGINT NOT NULL
	)`,
	`CREATE INDEX totp_bucket_ends ON totp_bucket (ends)`,
}, {
	// epoch is the store's when the session began: one of before a backup was restored may have been ended since.
	`CREATE TABLE people_session (
		hash {blob} PRIMARY KEY,
		id TEXT NOT NULL,
		issuer TEXT NOT NULL,
		issuer_url TEXT NOT NULL,
		subject TEXT NOT NULL,
		issuer_session TEXT NOT NULL,
		email TEXT NOT NULL,
		name TEXT NOT NULL,
		groups_json TEXT NOT NULL,
		created BIGINT NOT NULL,
		seen BIGINT NOT NULL,
		ends BIGINT NOT NULL,
		idle BIGINT NOT NULL,
		address TEXT NOT NULL,
		agent TEXT NOT NULL,
		epoch BIGINT NOT NULL
	)`,
	`CREATE UNIQUE INDEX people_session_id ON people_session (id)`,
	`CREATE INDEX people_session_person ON people_session (issuer_url, subject)`,
	// What may happen once, and until when that is remembered.
	`CREATE TABLE people_once (
		what TEXT PRIMARY KEY,
		until BIGINT NOT NULL
	)`,
}, {
	// When a second factor was last proven in a session; 0: never.
	`ALTER TABLE people_session ADD COLUMN stepped BIGINT NOT NULL DEFAULT 0`,
}, {
	// An administrator's invitation of a person to enrol a first app: the hash of its code; 0: none.
	`ALTER TABLE totp_person ADD COLUMN invited_key TEXT NOT NULL DEFAULT ''`,
	`ALTER TABLE totp_person ADD COLUMN invited_sum TEXT NOT NULL DEFAULT ''`,
	`ALTER TABLE totp_person ADD COLUMN invited_until BIGINT NOT NULL DEFAULT 0`,
}, {
	// The books of the mail broker. What comes from mails is bytes, since it may hold what is no text to a database, and is looked for
	// by its hash, since it may be longer than an index takes.
	`CREATE TABLE mail_row (
		id BIGINT PRIMARY KEY,
		mailbox TEXT NOT NULL,
		object TEXT NOT NULL,
		content {blob} NOT NULL,
		message_id {blob} NOT NULL,
		message_hash {blob} NOT NULL,
		arrived BIGINT NOT NULL,
		state TEXT NOT NULL,
		epoch BIGINT NOT NULL,
		due BIGINT NOT NULL,
		since BIGINT NOT NULL,
		tries BIGINT NOT NULL,
		fails BIGINT NOT NULL,
		cause TEXT NOT NULL,
		reference TEXT NOT NULL,
		is_note BOOLEAN NOT NULL,
		ticket BIGINT NOT NULL,
		number {blob} NOT NULL,
		forced BOOLEAN NOT NULL,
		least BOOLEAN NOT NULL,
		item BIGINT NOT NULL,
		files BIGINT NOT NULL,
		skipped BIGINT NOT NULL,
		plainness BIGINT NOT NULL,
		sent_at BIGINT NOT NULL,
		empty BIGINT NOT NULL,
		plan {blob} NOT NULL,
		repair BOOLEAN NOT NULL,
		repeated BOOLEAN NOT NULL,
		merged BOOLEAN NOT NULL,
		acknowledged BOOLEAN NOT NULL,
		is_open BOOLEAN NOT NULL,
		spool TEXT NOT NULL,
		size BIGINT NOT NULL,
		sum {blob} NOT NULL,
		kept BOOLEAN NOT NULL
	)`,
	`CREATE UNIQUE INDEX mail_row_object ON mail_row (mailbox, object)`,
	`CREATE UNIQUE INDEX mail_row_reference ON mail_row (reference) WHERE reference <> ''`,
	`CREATE INDEX mail_row_open ON mail_row (mailbox, id) WHERE is_open`,
	`CREATE INDEX mail_row_count ON mail_row (mailbox, state, is_note)`,
	`CREATE INDEX mail_row_message ON mail_row (message_hash)`,
	`CREATE INDEX mail_row_ticket ON mail_row (ticket)`,
	`CREATE INDEX mail_row_kept ON mail_row (since) WHERE kept AND NOT is_open`,
	`CREATE TABLE mail_reference (
		mail BIGINT NOT NULL,
		number BIGINT NOT NULL,
		name {blob} NOT NULL,
		hash {blob} NOT NULL,
		PRIMARY KEY (mail, number)
	)`,
	`CREATE INDEX mail_reference_hash ON mail_reference (hash)`,
	// The bytes of mails, in pieces.
	`CREATE TABLE mail_raw (
		spool TEXT NOT NULL,
		number BIGINT NOT NULL,
		bytes {blob} NOT NULL,
		PRIMARY KEY (spool, number)
	)`,
	// Those that have no row yet, and those that no row keeps any more: whoever writes or removes them may have died. at is 0 where they
	// are being removed.
	`CREATE TABLE mail_unfinished (
		spool TEXT PRIMARY KEY,
		at BIGINT NOT NULL
	)`,
	// How many mails came to a mailbox, counted apart from their rows so that one that is lost is found out.
	`CREATE TABLE mail_seen (
		mailbox TEXT PRIMARY KEY,
		seen BIGINT NOT NULL
	)`,
	// The id of the mail that came last. Its row is locked by whoever adds one, so that ids come in the order of their commits.
	`CREATE TABLE mail_last (
		one SMALLINT PRIMARY KEY CHECK (one = 1),
		id BIGINT NOT NULL
	)`,
	`INSERT INTO mail_last (one, id) VALUES (1, 0)`,
}, {
	// By what people recognise a mail, and how it came to its state. words is sender and subject in small letters, to be searched.
	`ALTER TABLE mail_row ADD COLUMN sender TEXT NOT NULL DEFAULT ''`,
	`ALTER TABLE mail_row ADD COLUMN subject TEXT NOT NULL DEFAULT ''`,
	`ALTER TABLE mail_row ADD COLUMN words TEXT NOT NULL DEFAULT ''`,
	`ALTER TABLE mail_row ADD COLUMN was TEXT NOT NULL DEFAULT ''`,
	`ALTER TABLE mail_row ADD COLUMN history {blob} NOT NULL DEFAULT ''`,
	`ALTER TABLE mail_row ADD COLUMN why {blob} NOT NULL DEFAULT ''`,
}, {
	// From where on the mails of an inbox came after it was first opened, where they stay in it.
	`CREATE TABLE mail_inbox (
		mailbox TEXT NOT NULL,
		inbox TEXT NOT NULL,
		begun BIGINT NOT NULL,
		PRIMARY KEY (mailbox, inbox)
	)`,
}, {
	// What is known of the passwords that users of mail servers sign in with: a refused.Record in JSON, and when it was last changed.
	`CREATE TABLE mail_sign_in (
		place {blob} PRIMARY KEY,
		record {blob} NOT NULL,
		at BIGINT NOT NULL
	)`,
}}

// errNewer: a newer psagate has been at the store.
var errNewer = errors.New("a newer psagate has been here, and this one does not know its tables: run the newer one")

// migrate brings the schema up to date. The row of the table store is its version, and what is known of the whole.
// Where it is, nothing is made: a role may have no right to.
func (s *Store) migrate(ctx context.Context, x *tx) error {
	if upToDate, err := x.upToDate(ctx); err != nil || upToDate {
		return err
	}
	if turn := x.dialect.turn(); turn != "" {
		if _, err := x.exec(ctx, turn); err != nil {
			return err
		}
	}
	if _, err := x.exec(ctx, x.dialect.schema(`CREATE TABLE IF NOT EXISTS store (
		one SMALLINT PRIMARY KEY CHECK (one = 1),
		version BIGINT NOT NULL,
		id TEXT NOT NULL,
		tick BIGINT NOT NULL,
		epoch BIGINT NOT NULL,
		epoch_at BIGINT NOT NULL,
		made BIGINT NOT NULL
	)`)); err != nil {
		return err
	}
	made, err := x.exec(ctx, `INSERT INTO store (one, version, id, tick, epoch, epoch_at, made) VALUES (1, 0, ?, 0, 0, 0, ?) ON CONFLICT DO NOTHING`, rand.Text(), time.Now().UnixMicro())
	if err != nil {
		return err
	}
	var version int
	if err := x.row(ctx, `SELECT version FROM store WHERE one = 1 {lock}`, nil, &version); err != nil {
		return err
	}
	if version > len(migrations) {
		return fmt.Errorf("its tables have version %d: %w", version, errNewer)
	}
	if version == len(migrations) {
		return nil
	}
	s.made.Store(made == 1)
	for _, step := range migrations[version:] {
		for _, statement := range step {
			if _, err := x.exec(ctx, x.dialect.schema(statement)); err != nil {
				return err
			}
		}
	}
	_, err = x.exec(ctx, `UPDATE store SET version = ? WHERE one = 1`, len(migrations))
	return err
}

// upToDate reports whether the schema is the one that this psagate makes.
func (x *tx) upToDate(ctx context.Context) (is bool, err error) {
	if err = x.row(ctx, x.dialect.there(), nil, &is); err != nil || !is {
		return false, err
	}
	var version int
	err = x.row(ctx, `SELECT version FROM store WHERE one = 1`, nil, &version)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return version == len(migrations), err
}

// whole is what the row of the table store says, and locks it until the transaction ends.
type whole struct {
	id          string
	tick, epoch int64
	timeline    string // of the database; empty where it does not tell
}

func (x *tx) whole(ctx context.Context) (w whole, err error) {
	err = x.row(ctx, `UPDATE store SET tick = tick + 1 WHERE one = 1 RETURNING id, tick, epoch`, nil, &w.id, &w.tick, &w.epoch)
	if errors.Is(err, sql.ErrNoRows) {
		err = errors.New("the store has lost its row: it was emptied while psagate ran")
	}
	if err == nil {
		w.timeline, err = x.dialect.timeline(ctx, x)
	}
	return w, err
}
