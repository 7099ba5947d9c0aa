//go:build unix

package store

import (
	"testing"
	"time"

	"github.com/psagate/psagate/internal/session"
	"github.com/psagate/psagate/internal/session/sessiontest"
)

func TestSessionsAreKeptAsEveryTableKeepsThem(t *testing.T) {
	for _, kind := range []Kind{SQLite, PostgreSQL} {
		t.Run(string(kind), func(t *testing.T) {
			p := placeOf(t, kind)
			one, other := p.run(t), p.elsewhere(t).run(t)
			sessiontest.Run(t, func(t *testing.T) (session.Table, session.Table) {
				for _, table := range []string{"people_session", "people_once"} {
					if _, err := one.db.Exec(`DELETE FROM ` + table); err != nil {
						t.Fatal(err)
					}
				}
				return one.Sessions(), other.Sessions()
			})
		})
	}
}

// aRow is a session that lives.
func aRow() session.Row {
	now := time.Now()
	return session.Row{
		Hash: session.Hash{7}, Idle: time.Hour,
		Session: session.Session{ID: "x", Created: now, Seen: now, Ends: now.Add(time.Hour), Person: session.Person{Issuer: "corp", IssuerURL: "https://login.example.com", Subject: "ann"}},
	}
}

func TestSessionsSurviveARestart(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a := p.run(t)
		if err := a.Sessions().Add(t.Context(), aRow(), nil); err != nil {
			t.Fatal(err)
		}
		a.die()
		if _, there, err := p.run(t).Sessions().Find(t.Context(), aRow().Hash); !there || err != nil {
			t.Errorf("it is gone: %v", err)
		}
	})
}

func TestASessionOfBeforeARestoreIsNotThere(t *testing.T) {
	p := inSQLite(t)
	a := p.run(t)
	if err := a.Sessions().Add(t.Context(), aRow(), nil); err != nil {
		t.Fatal(err)
	}
	a.close()
	if err := distrust(t.Context(), p.Place); err != nil { // as Restore does
		t.Fatal(err)
	}
	b := p.run(t)
	if there, err := b.Sessions().StepUp(t.Context(), aRow().ID, time.Now()); there || err != nil {
		t.Errorf("it is stepped up: %t, %v", there, err)
	}
	if _, there, err := b.Sessions().Find(t.Context(), aRow().Hash); there || err != nil {
		t.Errorf("it is there: %t, %v", there, err)
	}
	if rows, err := b.Sessions().Rows(t.Context()); len(rows) != 0 || err != nil {
		t.Errorf("it is listed: %v, %v", rows, err)
	}
	if err := b.Sessions().Sweep(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := b.db.QueryRow(`SELECT COUNT(*) FROM people_session`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d rows are left, error %v", n, err)
	}
}

func TestSessionsOfAStoreThatCannotBeUsedAreErrors(t *testing.T) {
	table := inSQLite(t).prepare(t).Sessions()
	if err := table.Add(t.Context(), aRow(), nil); err == nil {
		t.Error("one was added")
	}
	if _, there, err := table.Find(t.Context(), aRow().Hash); err == nil || there {
		t.Error("one was looked for")
	}
	if err := table.Saw(t.Context(), aRow().Hash, time.Now(), ""); err == nil {
		t.Error("one was seen")
	}
	if there, err := table.StepUp(t.Context(), "x", time.Now()); err == nil || there {
		t.Error("one was stepped up")
	}
	if _, err := table.Remove(t.Context(), session.Which{ID: "x"}); err == nil {
		t.Error("one was removed")
	}
	if _, err := table.Rows(t.Context()); err == nil {
		t.Error("they were listed")
	}
	if first, err := table.Once(t.Context(), "x", time.Now()); err == nil || first {
		t.Error("it happened")
	}
	if err := table.Sweep(t.Context(), time.Now()); err == nil {
		t.Error("it was swept")
	}
}

func TestSessionsOfBeforeSecondFactorsAreTakenOverWithoutOne(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a := p.run(t)
		if err := a.Sessions().Add(t.Context(), aRow(), nil); err != nil {
			t.Fatal(err)
		}
		for _, statement := range append([]string{`ALTER TABLE people_session DROP COLUMN stepped`, `UPDATE store SET version = 6`}, withoutInvitations...) {
			if _, err := a.db.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
		a.close()
		b := p.run(t)
		if r, there, err := b.Sessions().Find(t.Context(), aRow().Hash); err != nil || !there || !r.SteppedUp.IsZero() {
			t.Fatalf("%+v, %t, %v", r, there, err)
		}
		at := time.UnixMicro(1_760_000_000_123_456)
		if there, err := b.Sessions().StepUp(t.Context(), aRow().ID, at); err != nil || !there {
			t.Fatal(there, err)
		}
		b.die()
		if r, _, err := p.run(t).Sessions().Find(t.Context(), aRow().Hash); err != nil || !r.SteppedUp.Equal(at) {
			t.Errorf("after a restart: %+v, %v", r, err)
		}
	})
}
