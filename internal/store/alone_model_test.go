//go:build unix

package store

import (
	"context"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/psagate/psagate/internal/guard"
)

// alonely is one process that is alone with a database, and what is true of one login: what was committed to the guard. It
// may die at any moment, and then the database is all that is left.
type alonely struct {
	t     *rapid.T
	test  *testing.T
	place place
	run   *running
	truth guard.Rows
	token guard.Token
}

const aloneKey = guard.Key("k")

// ready waits for a lease that has ended because the machine had no time for a beat.
func (m *alonely) ready() {
	until(m.test, "the lease runs", m.run.Lease().May)
}

// change changes the rows as a guard does, and remembers what is true then.
func (m *alonely) change(f func(*guard.Rows)) {
	m.ready()
	m.run.change(aloneKey, func(r *guard.Rows) {
		f(r)
		m.truth.CopyFrom(r)
	})
}

func (m *alonely) fingerprint() guard.Fingerprint {
	return guard.Fingerprint{byte(rapid.IntRange(1, 3).Draw(m.t, "credential"))}
}

func (m *alonely) units(is func(guard.Unit) bool) []guard.Unit {
	return slices.DeleteFunc(slices.Clone(m.truth.Units), func(u guard.Unit) bool { return !is(u) })
}

// end is a move that changes one of the units that are in a state.
func (m *alonely) end(state guard.UnitState, f func(r *guard.Rows, i int)) func() {
	return func() {
		all := m.units(func(u guard.Unit) bool { return u.State == state })
		if len(all) == 0 {
			return
		}
		token := all[rapid.IntRange(0, len(all)-1).Draw(m.t, "unit")].Token
		m.change(func(r *guard.Rows) {
			f(r, slices.IndexFunc(r.Units, func(u guard.Unit) bool { return u.Token == token }))
		})
	}
}

func record(r *guard.Rows, i int, as guard.UnitState) {
	r.Seq++
	r.Units[i].State, r.Units[i].Seq = as, r.Seq
}

func credential(r *guard.Rows, fp guard.Fingerprint) *guard.Credential {
	for i := range r.Credentials {
		if r.Credentials[i].Fingerprint == fp {
			return &r.Credentials[i]
		}
	}
	r.Credentials = append(r.Credentials, guard.Credential{Fingerprint: fp})
	return &r.Credentials[len(r.Credentials)-1]
}

func (m *alonely) take(alone bool) {
	fp, proven := m.fingerprint(), rapid.Bool().Draw(m.t, "proven")
	m.token++
	u := m.run.held(m.token)
	u.Credential, u.WasProven, u.Alone = fp, proven, alone
	m.change(func(r *guard.Rows) { r.Units = append(r.Units, u) })
}

func (m *alonely) moves() map[string]func() {
	take := func() { m.take(false) }
	giveBack := m.end(guard.Held, func(r *guard.Rows, i int) { r.Units = slices.Delete(r.Units, i, i+1) })
	return map[string]func(){
		"take": take, "take another": take, "take a third": take,
		"give back": giveBack, "give back another": giveBack,
		"take alone": func() {
			if len(m.units(func(u guard.Unit) bool { return u.State == guard.Held && u.Alone })) == 0 {
				m.take(true)
			}
		},
		"refused": m.end(guard.Held, func(r *guard.Rows, i int) {
			record(r, i, guard.Failed)
			c := credential(r, r.Units[i].Credential)
			c.State, c.RefusedSeq = guard.StateRefused, r.Seq
			r.LastRefusal = time.Now().Truncate(time.Microsecond)
		}),
		"lost":     m.end(guard.Held, func(r *guard.Rows, i int) { r.Units[i].State = guard.Lost }),
		"lingered": m.end(guard.Lost, func(r *guard.Rows, i int) { record(r, i, guard.Unknown) }),
		"accepted": m.end(guard.Held, func(r *guard.Rows, i int) {
			fp := r.Units[i].Credential
			r.Units = slices.DeleteFunc(slices.Delete(r.Units, i, i+1), func(u guard.Unit) bool { return u.State == guard.Failed || u.State == guard.Unknown })
			c := credential(r, fp)
			c.State, c.ProvenAt, r.Last = guard.StateProven, time.Now().Truncate(time.Microsecond), fp
		}),
		"locked": func() { m.change(func(r *guard.Rows) { r.Locked = !r.Locked }) },
		"gate":   func() { m.change(func(r *guard.Rows) { r.Gate.Shut = !r.Gate.Shut; r.Gate.Epoch++ }) },
		"newest": func() {
			fp := m.fingerprint()
			m.change(func(r *guard.Rows) { credential(r, fp).Rank++; r.Newest = fp })
		},
		"distrusted": func() { m.change(func(r *guard.Rows) { r.Distrusted = false; r.Seq++ }) },
		"flush":      func() { m.run.flush(context.Background()) },
		"die":        m.now(3, m.die),
		"end":        m.now(6, m.restart),
		"visit":      m.now(20, m.visit),
	}
}

// now makes a move that takes its time once in a few.
func (m *alonely) now(once int, move func()) func() {
	return func() {
		if rapid.IntRange(1, once).Draw(m.t, "now") == once {
			move()
		}
	}
}

// stored is what the database has.
func (m *alonely) stored() (rows guard.Rows) {
	var now images
	err := m.run.transact(context.Background(), func(ctx context.Context, x *tx) error { return now.read(ctx, x) })
	if err != nil {
		m.t.Fatal(err)
	}
	if i := now.of[aloneKey]; i != nil {
		rows = i.rows
	}
	return rows
}

// covers demands that a process which found the database as it is would know of everything that is true.
func (m *alonely) covers(db *guard.Rows, of func(u guard.Unit) guard.Unit) {
	inUse, left := map[guard.Unit]int{}, map[guard.Unit]int{}
	bare := func(u guard.Unit) guard.Unit { // a unit that is held for a call may be any such
		return guard.Unit{State: u.State, Credential: u.Credential, WasProven: u.WasProven}
	}
	for _, u := range m.truth.Units {
		if u.State == guard.Held && !u.Alone {
			inUse[bare(of(u))]++
		} else if !slices.Contains(db.Units, of(u)) {
			m.t.Fatalf("the database has not %+v: %+v", u, db.Units)
		}
	}
	for _, u := range db.Units {
		left[bare(u)]++
	}
	for u, n := range inUse {
		if left[u] < n {
			m.t.Fatalf("%d calls are under way with %+v, the database has %d: %+v", n, u, left[u], db.Units)
		}
	}
	m.coversRest(db)
}

func (m *alonely) coversRest(db *guard.Rows) {
	if db.Seq != m.truth.Seq || db.Locked != m.truth.Locked || db.Gate != m.truth.Gate || db.Last != m.truth.Last {
		m.t.Fatalf("true is\n%+v, the database has\n%+v", m.truth, *db)
	}
	for _, c := range m.truth.Credentials {
		i := slices.IndexFunc(db.Credentials, func(s guard.Credential) bool { return s.Fingerprint == c.Fingerprint })
		if sent := c.State != guard.StateUntried || c.SentSeq > 0 || c.RefusedSeq > 0; i < 0 && sent || i >= 0 && db.Credentials[i].State != c.State {
			m.t.Fatalf("true is\n%+v, the database has\n%+v", c, db.Credentials)
		}
	}
}

func itself(u guard.Unit) guard.Unit { return u }

// lost is what a unit of a dead process is to another one.
func (m *alonely) lost(u guard.Unit) guard.Unit {
	if u.State == guard.Held || u.State == guard.Lost {
		u.State, u.Holder = guard.Lost, m.run.Holder()
	}
	return u
}

// check looks at the database, and at what the process itself has.
func (m *alonely) check(*rapid.T) {
	db := m.stored()
	m.covers(&db, itself)
	m.ready()
	if now := m.run.rows(aloneKey); !now.Equal(&m.truth) {
		m.t.Fatalf("the process has %+v, true is %+v", now, m.truth)
	}
}

// next starts another process in the place of one that is over.
func (m *alonely) next() {
	m.run = m.place.run(m.test)
	m.ready()
	now := m.run.rows(aloneKey)
	m.covers(&now, m.lost)
	m.truth = now
	m.change(func(r *guard.Rows) { // an operator finds that nothing of it will be judged any more
		r.Units = slices.DeleteFunc(r.Units, func(u guard.Unit) bool { return u.State == guard.Lost })
	})
}

func (m *alonely) die() {
	m.run.die()
	m.next()
}

func (m *alonely) restart() {
	m.run.close()
	m.next()
}

// visit has another process come, which sees what is true and changes it, and go.
func (m *alonely) visit() {
	b := m.place.elsewhere(m.test).run(m.test)
	now := b.rows(aloneKey)
	m.covers(&now, itself)
	b.change(aloneKey, func(r *guard.Rows) {
		r.Seq++
		m.truth.CopyFrom(r)
	})
	b.close()
	until(m.test, "the process is alone again", isMode(m.run, alone))
}

func TestModelAProcessThatDiesLeavesNothingOut(t *testing.T) {
	steps := 0
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "run")
		if err != nil {
			rt.Fatal(err)
		}
		m := &alonely{t: rt, test: t, place: placeIn(dir)}
		m.run = m.place.run(t)
		defer func() { m.run.die() }()
		moves := m.moves()
		names := slices.Sorted(maps.Keys(moves))
		rt.Repeat(map[string]func(*rapid.T){"": m.check, "move": func(rt *rapid.T) {
			steps++
			moves[rapid.SampledFrom(names).Draw(rt, "which")]()
		}})
	})
	t.Logf("%d steps", steps)
}
