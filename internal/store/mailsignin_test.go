//go:build unix

package store

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/refused"
)

// A supervisor that starts a process again and again must not send a refused password each time, nor must several replicas.
func TestWhichPasswordWasRefusedIsKnownToAllProcesses(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		t.Run("a store of before", p.takesOverOneWithoutSignIns)
		t.Run("over restarts", p.keepsSignIns)
		t.Run("for long enough", p.forgetsSignIns)
		t.Run("at once", p.changesSignInsOneByOne)
	})
}

func (p place) takesOverOneWithoutSignIns(t *testing.T) {
	a := p.run(t)
	for _, statement := range []string{`DROP TABLE mail_sign_in`, `UPDATE store SET version = 11`} {
		if _, err := a.db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	a.close()
	b := p.run(t)
	if err := b.MailSignIns().Change(t.Context(), "imap", func(r *refused.Record) { r.InARow = 1 }); err != nil {
		t.Error(err)
	}
	b.close()
}

func (p place) keepsSignIns(t *testing.T) {
	at := time.UnixMicro(1_760_000_000_123_456).UTC()
	want := refused.Record{
		Refused: []refused.Refusal{{Print: "a print", At: at, Said: "is it right?"}}, InARow: 2, Accepted: at.Add(-time.Hour),
		Sent: &refused.Sending{ID: "an id", Print: "another", At: at.Add(time.Minute), Tries: 3, Over: true},
	}
	everyField(t, want)
	everyField(t, *want.Sent)
	everyField(t, want.Refused[0])
	a := p.run(t)
	writes := a.Writes()
	for _, change := range []func(*refused.Record){func(*refused.Record) {}, func(r *refused.Record) { *r = want }, func(*refused.Record) {}} {
		if err := a.MailSignIns().Change(t.Context(), "imap\npassword", change); err != nil {
			t.Fatal(err)
		}
	}
	if n := a.Writes() - writes; n > 2 { // a beat may be one of them
		t.Errorf("a look writes: there are %d", n)
	}
	a.close()
	b := p.run(t)
	for place, want := range map[string]refused.Record{"imap\npassword": want, "smtp\npassword": {}, "no text \xff": {}} {
		var got refused.Record
		if err := b.MailSignIns().Change(t.Context(), place, func(r *refused.Record) { got = *r }); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, error %v", place, got, err)
		}
	}
	b.close()
}

func (p place) forgetsSignIns(t *testing.T) {
	a := p.run(t)
	for _, place := range []string{"old", "new"} {
		if err := a.MailSignIns().Change(t.Context(), place, func(r *refused.Record) { r.InARow = 1 }); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.transact(t.Context(), func(ctx context.Context, x *tx) error {
		_, err := x.exec(ctx, `UPDATE mail_sign_in SET at = ? WHERE place = ?`, microsOf(time.Now().Add(-signInsFor-time.Minute)), []byte("old"))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Mail().Forget(t.Context(), "support", time.Now()); err != nil {
		t.Fatal(err)
	}
	for place, want := range map[string]int{"old": 0, "new": 1} {
		_ = a.MailSignIns().Change(t.Context(), place, func(r *refused.Record) {
			if r.InARow != want {
				t.Errorf("%s: %+v", place, *r)
			}
		})
	}
	a.close()
}

// Of all who sign in at once as one user, one goes first: also where nothing was known of the place.
func (p place) changesSignInsOneByOne(t *testing.T) {
	one, other := p.run(t), p.elsewhere(t).run(t)
	until(t, "both are in the store", func() bool { return one.mode.Load() == several && other.mode.Load() == several })
	const each = 10
	var all sync.WaitGroup
	for _, r := range []*running{one, other, one, other} {
		all.Go(func() {
			for range each {
				if err := r.MailSignIns().Change(context.Background(), "at once", func(r *refused.Record) { r.InARow++ }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	_ = one.MailSignIns().Change(t.Context(), "at once", func(r *refused.Record) {
		if r.InARow != 4*each {
			t.Errorf("%d of %d changes are there", r.InARow, 4*each)
		}
	})
}

func TestSignInsOfAStoreThatCannotBeUsedAreErrors(t *testing.T) {
	p := inSQLite(t)
	idle := p.prepare(t)
	err := idle.MailSignIns().Change(t.Context(), "imap", func(*refused.Record) { t.Error("it was changed") })
	if !errors.Is(err, errNotOpen) {
		t.Errorf("%v", err)
	}
	a := p.run(t)
	if _, err := a.db.Exec(`INSERT INTO mail_sign_in (place, record, at) VALUES (?, ?, 1)`, []byte("imap"), []byte(`{"refused": 7}`)); err != nil {
		t.Fatal(err)
	}
	if err := a.MailSignIns().Change(t.Context(), "imap", func(*refused.Record) { t.Error("it was changed") }); err == nil {
		t.Error("what cannot be read was read")
	}
}
