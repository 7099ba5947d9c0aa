//go:build unix

package store

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/guard"
)

// What a store forgets that was restored, or failed over, while its processes live, as far as statements can bring it about.

// patient is a place whose processes beat only when a test wants it.
func (p place) patient() place {
	p.TTL = time.Hour
	return p
}

// two starts two processes that do not wait for the beats of each other.
func (p place) two(t *testing.T) (a, b *running) {
	t.Helper()
	a, other := p.run(t), p.elsewhere(t)
	b = other.prepare(t)
	begun := make(chan error, 1)
	go func() { begun <- b.Start(context.Background(), other.Config) }()
	until(t, "there is room", func() bool { a.hurry(); return a.mode.Load() == several })
	until(t, "it is taken", func() bool { b.hurry(); return b.mode.Load() == several })
	if err := <-begun; err != nil {
		t.Fatal(err)
	}
	return a, b
}

// sets changes the database as whoever sets it back does.
func (r *running) sets(statements ...string) {
	r.t.Helper()
	for _, s := range statements {
		if _, err := r.db.Exec(s); err != nil {
			r.t.Fatal(s, err)
		}
	}
}

// number reads one from the database.
func (r *running) number(query string) (n int) {
	r.t.Helper()
	if err := r.db.QueryRow(query).Scan(&n); err != nil {
		r.t.Fatal(query, err)
	}
	return n
}

// beats makes a beat now.
func (r *running) beats() {
	r.t.Helper()
	before := r.ticked.Load()
	r.hurry()
	until(r.t, "the process has beaten", func() bool { return r.ticked.Load() > before })
}

func failed(token guard.Token, seq uint64) guard.Unit {
	return guard.Unit{State: guard.Failed, Token: token, Seq: seq, Credential: guard.Fingerprint{1}}
}

// refuse records three refusals.
func refuse(r *guard.Rows) {
	r.Units, r.Seq = []guard.Unit{failed(1, 2), failed(2, 3), failed(3, 4)}, 4
}

// anew demands that a process finds out that the store was set back, and that a login is distrusted then.
func (r *running) anew(key guard.Key, before string, mode int32) {
	r.t.Helper()
	until(r.t, "the process has begun anew", func() bool { return r.Holder() != before && r.Lease().May() && r.mode.Load() == mode })
	if got := r.rows(key); !got.Distrusted {
		r.t.Errorf("what it forgot is not known, and it is trusted: %+v", got)
	}
}

// Until the next beat only the row itself tells, and a process that has read no more of it than the copy has sees nothing in it.
func TestARowThatWasReadBeforeTheCopyWasMadeIsNotTakenForCurrent(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a, b := p.patient().two(t)
		a.change("k", func(r *guard.Rows) { r.Seq = 1 })
		b.change("k", func(r *guard.Rows) { r.Seq = 2 })
		tick, rev := a.number(`SELECT tick FROM store`), a.number(`SELECT rev FROM guard_login`) // the copy is made
		a.beats()
		b.beats()
		b.change("k", refuse)
		before := a.Holder()
		b.sets(`UPDATE guard_login SET seq = 2, rev = `+itoa(rev), `DELETE FROM guard_unit`, `UPDATE store SET tick = `+itoa(tick))
		if err := a.try("k", func(*guard.Rows) {}); !errors.Is(err, errOlder) {
			t.Errorf("it was read: %v", err)
		}
		a.anew("k", before, several)
	})
}

func TestAStoreThatWasSetBackIsDistrustedAfterAnOrderlyStopToo(t *testing.T) {
	for what, set := range map[string]func(r *running){
		"it has fewer beats": func(r *running) { r.sets(`UPDATE store SET tick = 1`) },
		"it has less of a login": func(r *running) {
			r.older.Store(true) // as a table that has seen it says
		},
	} {
		t.Run(what, func(t *testing.T) {
			everywhere(t, func(t *testing.T, p place) {
				p = p.patient()
				a := p.run(t)
				a.change("k", func(r *guard.Rows) { r.Seq = 1 })
				a.beats()
				a.beats()
				set(a)
				a.close()
				if got := p.run(t).rows("k"); !got.Distrusted {
					t.Error("it is trusted")
				}
			})
		})
	}
}

func TestAProcessWhoseUnitsAreGoneUsesThemNoLonger(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a, b := p.patient().two(t)
		b.change("k", func(r *guard.Rows) { r.Seq = 1 })
		rev := b.number(`SELECT rev FROM guard_login`)
		a.change("k", func(r *guard.Rows) { r.Units = append(r.Units, a.held(1), a.held(2), a.held(3)) })
		before, term := a.Holder(), a.Lease().Term()
		b.sets(`UPDATE guard_login SET rev = `+itoa(rev), `DELETE FROM guard_unit`)
		b.change("k", func(r *guard.Rows) { r.Units = append(r.Units, b.held(7), b.held(8)) }) // so that the row is no older
		if err := a.try("k", func(*guard.Rows) {}); !errors.Is(err, errOlder) {
			t.Errorf("it was read: %v", err)
		}
		a.anew("k", before, several)
		if _, may := a.Lease().During(term); may {
			t.Error("it may send with what is gone")
		}
	})
}

// What others freed of a process that they took for dead is no sign that the store was set back.
// What a process gave back is in the copy as its own, and nobody would ever give it back.
func TestAProcessWhoseUnitsAreBackBeginsAnew(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a, b := p.patient().two(t)
		a.change("k", func(r *guard.Rows) { r.Units = append(r.Units, a.held(1)) })
		before := a.Holder()
		a.change("k", func(r *guard.Rows) { r.Units = nil })
		b.change("k", func(r *guard.Rows) { r.Units = append(r.Units, b.held(7)) })
		b.sets(`UPDATE guard_unit SET holder = '` + before + `', token = 1`)
		if err := a.try("k", func(*guard.Rows) {}); !errors.Is(err, errOlder) {
			t.Errorf("it was read: %v", err)
		}
		a.anew("k", before, several)
		if got := a.rows("k"); slices.ContainsFunc(got.Units, func(u guard.Unit) bool { return u.State == guard.Held }) {
			t.Errorf("it is held yet: %+v", got.Units)
		}
	})
}

func TestUnitsThatOthersGaveUpAreNotMissed(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a, b := p.patient().two(t)
		a.change("k", func(r *guard.Rows) { r.Units = append(r.Units, a.held(1)) })
		a.freeze()
		b.sets(`DELETE FROM process WHERE id = '` + a.Holder() + `'`)
		b.change("k", func(r *guard.Rows) { r.Units = nil })
		before := a.Holder()
		if err := a.try("k", func(*guard.Rows) {}); !errors.Is(err, errForgot) || errors.Is(err, errOlder) {
			t.Errorf("it was read, or is taken for set back: %v", err)
		}
		a.thaw()
		a.hurry()
		until(t, "it is in the store again", func() bool { return a.Holder() != before && a.Lease().May() && a.mode.Load() == several })
		if got := a.rows("k"); got.Distrusted {
			t.Error("it is distrusted")
		}
	})
}

// A commit that fails may have been one: what was given back with it is not missed.
func TestUnitsOfACommitThatFailedAreNotMissed(t *testing.T) {
	a, _ := inSQLite(t).patient().two(t)
	a.change("k", func(r *guard.Rows) { r.Units = append(r.Units, a.held(1)) })
	x, err := a.Table("k").Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	x.Rows().Units = nil
	held := x.(*table)
	if err := held.tx.write(t.Context(), held); err != nil {
		t.Fatal(err)
	}
	if err := held.tx.Commit(); err != nil { // and the answer is lost
		t.Fatal(err)
	}
	if err := x.Commit(); err == nil {
		t.Fatal("it has not failed")
	}
	until(t, "it is read again", func() bool {
		err := a.try("k", func(*guard.Rows) {})
		if errors.Is(err, errOlder) {
			t.Fatal("it is taken for a store that was set back")
		}
		return err == nil
	})
}

func TestTheOnlyProcessFindsItsRowSetBackWhenItWrites(t *testing.T) {
	for what, back := range map[string][]string{
		"an older row": {`UPDATE guard_login SET rev = rev - 1, seq = 1`, `DELETE FROM guard_unit`},
		"no row":       {`DELETE FROM guard_unit`, `DELETE FROM guard_login`},
	} {
		t.Run(what, func(t *testing.T) {
			everywhere(t, func(t *testing.T, p place) {
				a := p.patient().run(t)
				a.change("k", func(r *guard.Rows) { r.Seq = 1 })
				a.change("k", refuse)
				a.sets(back...)
				before := a.Holder()
				if err := a.try("k", func(r *guard.Rows) { r.Units = append(r.Units, a.held(9)) }); !errors.Is(err, errOlder) {
					t.Errorf("it was written: %v", err)
				}
				a.anew("k", before, alone)
			})
		})
	}
}

// Two tables may find it out, the second one while the process begins anew.
func TestAProcessThatBeginsAnewTwiceDoesNotWaitForItself(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a := p.patient().run(t)
		a.change("k", func(r *guard.Rows) { r.Seq = 1 })
		first := a.Holder()
		a.freeze()
		for range 2 {
			a.older.Store(true)
			_ = a.step(t.Context())
		}
		a.thaw()
		a.hurry()
		a.anew("k", first, alone)
		if n := a.number(`SELECT COUNT(*) FROM process`); n != 1 {
			t.Errorf("%d processes are in the store", n)
		}
	})
}

// Whether the books of mails know all is asked before each send: a mail that was done, and is not any more, would be sent once more.
func TestBooksOfMailsThatWereSetBackAreNotBelieved(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a := p.patient().run(t)
		a.beats()
		before, known := a.Holder(), time.Now()
		if since, err := a.Mail().Since(t.Context()); err != nil || since.After(known) {
			t.Fatal(since, err)
		}
		a.sets(`UPDATE store SET tick = 1`)
		a.asksWhatTheBooksForgot(before, known)
	})
}

// asksWhatTheBooksForgot demands that the books give no answer until the process has begun anew, and then name that time.
func (r *running) asksWhatTheBooksForgot(before string, known time.Time) {
	r.t.Helper()
	if since, err := r.Mail().Since(r.t.Context()); !errors.Is(err, errOlder) {
		r.t.Errorf("before the next beat the books know all since %v, %v", since, err)
	}
	until(r.t, "the process has begun anew", func() bool { return r.Holder() != before && r.mode.Load() != away })
	if since, err := r.Mail().Since(r.t.Context()); err != nil || since.Before(known) {
		r.t.Errorf("the books know all since %v, %v", since, err)
	}
}

func TestBooksOfMailsThatAStandbyHasAreNotBelieved(t *testing.T) {
	p := placeOf(t, PostgreSQL).patient()
	a := p.run(t)
	before, known := a.Holder(), time.Now()
	p.pg.Kill()
	p.pg.Promote()
	a.db.SetMaxIdleConns(-1) // those are broken
	a.asksWhatTheBooksForgot(before, known)
}

func TestAStandbyThatTookOverIsDistrustedThoughNothingIsMissed(t *testing.T) {
	for what, see := range map[string]func(t *testing.T, p place, a *running){
		"while a process lives": func(t *testing.T, _ place, a *running) {
			before := a.Holder()
			until(t, "it has begun anew", func() bool { a.hurry(); return a.Holder() != before })
			a.anew("k", before, alone)
		},
		"at the next start": func(t *testing.T, p place, a *running) {
			a.db.SetMaxIdleConns(-1) // those are broken
			a.close()
			if got := p.run(t).rows("k"); !got.Distrusted {
				t.Error("it is trusted")
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			p := placeOf(t, PostgreSQL).patient()
			a := p.run(t)
			a.change("k", func(r *guard.Rows) { r.Seq = 1 })
			if a.witness.Timeline == "" {
				t.Fatal("the server does not tell its timeline")
			}
			a.freeze()
			p.pg.Kill()
			p.pg.Promote()
			a.thaw()
			see(t, p, a)
		})
	}
}
