package store

import (
	"context"
	"fmt"

	"github.com/psagate/psagate/internal/audit"
)

// Anchors returns where the heads of the audit log's chains are kept, of all processes of the store. Nothing is ever removed: a
// chain is a row, and a process begins one or two. They may be used before the store is started, and give an error then.
func (s *Store) Anchors() audit.Anchors { return anchors{s} }

type anchors struct{ store *Store }

// Put implements audit.Anchors.
func (a anchors) Put(ctx context.Context, h audit.Head) error {
	if problem := a.store.unusable(); problem != nil {
		return problem
	}
	return a.store.transact(ctx, func(ctx context.Context, x *tx) error {
		_, err := x.exec(ctx, `INSERT INTO audit_anchor (chain, host, key_id, seq, mac, at, closed, number)
			VALUES (?, ?, ?, ?, ?, ?, ?, (SELECT COALESCE(MAX(number), 0) + 1 FROM audit_anchor))
			ON CONFLICT (chain) DO UPDATE SET seq = excluded.seq, mac = excluded.mac, at = excluded.at, closed = excluded.closed
			WHERE audit_anchor.seq < excluded.seq`,
			h.Chain, h.Host, h.Key, int64(h.Seq), h.MAC, h.At.UnixMicro(), h.Closed)
		return err
	})
}

// Heads implements audit.Anchors.
func (a anchors) Heads(ctx context.Context) (list []audit.Head, err error) {
	if problem := a.store.unusable(); problem != nil {
		return nil, problem
	}
	err = a.store.transact(ctx, func(ctx context.Context, x *tx) (err error) {
		list, err = x.heads(ctx)
		return err
	})
	return list, err
}

// heads reads the heads of all chains, those that began last at the end. The list is never nil.
func (x *tx) heads(ctx context.Context) ([]audit.Head, error) {
	list := []audit.Head{}
	err := x.each(ctx, `SELECT chain, host, key_id, number, seq, mac, at, closed FROM audit_anchor ORDER BY number, at, chain`, nil, func(scan func(...any) error) error {
		var h audit.Head
		var at micros
		err := scan(&h.Chain, &h.Host, &h.Key, &h.Number, &h.Seq, &h.MAC, &at, &h.Closed)
		h.At = at.time()
		list = append(list, h)
		return err
	})
	return list, err
}

// ReadHeads reads the heads of a store that this process does not live in, and changes nothing of it: for a look at the log where
// nobody runs who could be asked.
func ReadHeads(ctx context.Context, kind Kind, place string) ([]audit.Head, error) {
	d, err := dialectOf(kind)
	if err != nil {
		return nil, err
	}
	if _, err := d.stat(place); err != nil { // opening would make it
		return nil, fmt.Errorf("store %s: %w", d.name(place), err)
	}
	db, err := d.open(place)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	inner, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	x := &tx{inner, d}
	defer func() { _ = x.rollback() }()
	return x.heads(ctx)
}
