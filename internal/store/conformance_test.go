//go:build unix

package store

import (
	"errors"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/guard"
)

// full are rows in which nothing is left out.
func full(holder string) guard.Rows {
	at := time.UnixMicro(1_760_000_000_123_456)
	return guard.Rows{
		Seq: 7, Newest: guard.Fingerprint{2}, Last: guard.Fingerprint{1}, Ranks: 4, Locked: true, LastRefusal: at, NewestMade: at.Add(time.Second),
		Gate: guard.Gate{Shut: true, Since: at, Until: at.Add(time.Hour), Tries: 4, Epoch: 9, Released: true},
		Units: []guard.Unit{
			{State: guard.Unknown, Token: 5, Seq: 3, WasProven: true, Credential: guard.Fingerprint{1}},
			{State: guard.Failed, Token: 1 << 63, Seq: 6, Source: "itglue", Credential: guard.Fingerprint{2}},
			{State: guard.Lost, Token: 8, Seq: 7, Holder: holder, Alone: true, Credential: guard.Fingerprint{2}},
		},
		Credentials: []guard.Credential{
			{Fingerprint: guard.Fingerprint{1}, Version: "4", State: guard.StateProven, Rank: 1, Accepted: true, ProvenAt: at, Rechecked: true},
			{Fingerprint: guard.Fingerprint{2}, Version: "5", State: guard.StateRefused, Rank: 3, SentSeq: 4, RefusedSeq: 6, Tries: 2, AgainAt: at, Due: true, Good: true},
			{Fingerprint: guard.Fingerprint{3}, State: guard.StateRefused, Rank: 4, Code: guard.Fingerprint{9}, By: "rmm", Address: "192.0.2.7", TriedAt: at, AcceptedBy: "backup"},
		},
	}
}

// everyField reports a field of a type that no value sets, so that full cannot leave out a new one.
func everyField(t *testing.T, values ...any) {
	t.Helper()
	set := map[string]bool{}
	for _, value := range values {
		v := reflect.ValueOf(value)
		for i := range v.NumField() {
			set[v.Type().Field(i).Name] = set[v.Type().Field(i).Name] || !v.Field(i).IsZero()
		}
	}
	for name, is := range set {
		if !is && name != "Distrusted" && name != "Spent" {
			t.Errorf("the test leaves out field %s of %T", name, values[0])
		}
	}
}

func TestRowsComeBackAsTheyWere(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		want := full("somebody")
		everyField(t, want)
		everyField(t, want.Gate)
		everyField(t, want.Units[0], want.Units[1], want.Units[2])
		everyField(t, want.Credentials[0], want.Credentials[1], want.Credentials[2])
		a := p.run(t)
		if !a.Made() {
			t.Error("a new store is not said to be made")
		}
		a.change("k", func(r *guard.Rows) {
			*r = full(a.Holder())
			r.Units[2].Holder = a.Holder()
		})
		first := a.Holder()
		a.close()
		b := p.run(t)
		if b.Made() || b.Holder() == first {
			t.Error("the next process made it, or has the same name")
		}
		want.Units[2].Holder = b.Holder() // who counts for it from now on
		if got := b.rows("k"); !got.Equal(&want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		b.change("k", func(r *guard.Rows) { *r = guard.Rows{Seq: 8} })
		if got := b.rows("k"); !got.Equal(&guard.Rows{Seq: 8}) {
			t.Errorf("got %+v", got)
		}
		if got := b.rows("another"); !got.Equal(&guard.Rows{}) {
			t.Errorf("a login that was never seen has %+v", got)
		}
	})
}

func TestTheFileIsItsOwnersAlone(t *testing.T) {
	p := inSQLite(t)
	p.run(t).change("k", func(r *guard.Rows) { r.Seq = 1 })
	for _, end := range []string{"", "-wal", "-shm"} {
		if info, err := os.Stat(p.Place + end); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, error %v", end, info, err)
		}
	}
}

func TestWhatWasNotCommittedIsNotThere(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a := p.run(t)
		a.change("k", func(r *guard.Rows) { r.Seq = 1 })
		if _, err := a.db.Exec(`DROP TABLE guard_credential`); err != nil {
			t.Fatal(err)
		}
		err := a.try("k", func(r *guard.Rows) {
			r.Seq, r.Credentials = 2, []guard.Credential{{Fingerprint: guard.Fingerprint{1}, State: guard.StateRefused}}
		})
		if err == nil {
			t.Fatal("no error")
		}
		until(t, "its first change is there", func() bool {
			var seq int
			return a.db.QueryRow(`SELECT seq FROM guard_login`).Scan(&seq) == nil && seq == 1
		})
	})
}

func TestAProcessThatIsAloneTakesAndGivesBackWithoutIO(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a := p.run(t)
		a.change("k", func(r *guard.Rows) { r.Units = append(r.Units, a.held(1), a.held(2)) })
		a.change("k", func(r *guard.Rows) { r.Units = nil })
		a.freeze() // beats and flushes write
		before := a.Writes()
		for i := range guard.Token(1000) {
			a.change("k", func(r *guard.Rows) { r.Units = append(r.Units, a.held(10+i)) })
			a.change("k", func(r *guard.Rows) { r.Units = r.Units[:0] })
		}
		if n := a.Writes() - before; n != 0 {
			t.Errorf("%d transactions for 1,000 calls", n)
		}
		a.change("k", func(r *guard.Rows) { r.Units = append(r.Units, a.held(3), a.held(4), a.held(5)) })
		if n := a.Writes() - before; n != 1 {
			t.Errorf("%d transactions for a third call at once", n)
		}
		a.die()
		b := p.run(t)
		if got := b.rows("k"); len(got.Units) != 3 || slices.ContainsFunc(got.Units, func(u guard.Unit) bool { return u.State != guard.Lost || u.Holder != b.Holder() }) {
			t.Errorf("after kill -9 there is %+v", got.Units)
		}
	})
}

func TestUnitsThatAreNotUsedAreGivenBack(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a := p.run(t)
		a.change("k", func(r *guard.Rows) { r.Units = append(r.Units, a.held(1), a.held(2)) })
		a.change("k", func(r *guard.Rows) { r.Units = r.Units[:1] })
		until(t, "only the one in use is in the store", func() bool {
			var n int
			return a.db.QueryRow(`SELECT COUNT(*) FROM guard_unit`).Scan(&n) == nil && n == 1
		})
		a.change("k", func(r *guard.Rows) { r.Units = r.Units[:0] })
		until(t, "none is", func() bool {
			var n int
			return a.db.QueryRow(`SELECT COUNT(*) FROM guard_unit`).Scan(&n) == nil && n == 0
		})
	})
}

func TestAVerdictIsWrittenBeforeItIsKnown(t *testing.T) {
	for what, change := range map[string]func(*guard.Rows){
		"a failed unit":             func(r *guard.Rows) { r.Units[0].State, r.Units[0].Seq, r.Seq = guard.Failed, 1, 1 },
		"a lost unit":               func(r *guard.Rows) { r.Units[0].State = guard.Lost },
		"a refused credential":      func(r *guard.Rows) { r.Credentials[0].State = guard.StateRefused },
		"a locked login":            func(r *guard.Rows) { r.Locked = true },
		"a shut gate":               func(r *guard.Rows) { r.Gate.Shut = true },
		"a forgotten credential":    func(r *guard.Rows) { r.Credentials = r.Credentials[:0] },
		"another proven one":        func(r *guard.Rows) { r.Last = guard.Fingerprint{9} },
		"an own attempt":            func(r *guard.Rows) { r.Units[0].Alone = true },
		"another credential's unit": func(r *guard.Rows) { r.Units[0].Credential = guard.Fingerprint{9} },
	} {
		t.Run(what, func(t *testing.T) {
			a := inSQLite(t).run(t)
			a.change("k", func(r *guard.Rows) {
				r.Units = append(r.Units, a.held(1))
				r.Credentials = append(r.Credentials, guard.Credential{Fingerprint: guard.Fingerprint{1}, State: guard.StateProven})
			})
			a.freeze()
			before := a.Writes()
			a.change("k", change)
			if a.Writes() != before+1 {
				t.Error("it is not written")
			}
		})
	}
}

func TestANewerStoreIsLeftAlone(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a := p.run(t)
		if _, err := a.db.Exec(`UPDATE store SET version = 99`); err != nil {
			t.Fatal(err)
		}
		a.close()
		b := p.prepare(t)
		if err := b.Start(t.Context(), p.Config); !errors.Is(err, errNewer) {
			t.Fatal(err)
		}
	})
}
