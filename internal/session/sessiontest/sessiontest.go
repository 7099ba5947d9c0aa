// Package sessiontest is what every table of sessions must do, as tests.
package sessiontest

import (
	"context"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/session"
)

// Open returns two ways into one table that is empty, as two processes have them; they may be the same.
type Open func(t *testing.T) (one, other session.Table)

// at is a moment that a store keeps as it is.
var at = time.UnixMicro(1_760_000_000_123_456)

// row is one in which nothing is left out.
func row(n byte) session.Row {
	return session.Row{
		Session: session.Session{
			ID: "id-" + string('a'+rune(n)), IssuerSession: "sid-1", Created: at.Add(time.Duration(n) * time.Second), Seen: at.Add(time.Minute), Ends: at.Add(time.Hour),
			SteppedUp: at.Add(2 * time.Minute),
			Person: session.Person{
				Issuer: "corp", IssuerURL: "https://login.example.com", Subject: "ann", Email: "ann@example.com", Name: "Änn <b>&'\"", Groups: []string{"ops", "", "a,b", "<script>"},
			},
			Address: "2001:db8::1", Agent: "Browser/1.0 (x; y)",
		},
		Hash: session.Hash{n, 0, 255}, Idle: 30 * time.Minute,
	}
}

// Run runs all of them.
func Run(t *testing.T, open Open) {
	for name, test := range map[string]func(*testing.T, session.Table, session.Table){
		"a row comes back as it was":                     comesBack,
		"a row may replace another":                      replaces,
		"a token has one row":                            oneRow,
		"use is noted forward only":                      saw,
		"a second factor is noted forward only":          stepsUp,
		"what is meant is removed, and nothing else":     removes,
		"nothing is meant by nothing":                    removesNothing,
		"who is ended at one place is ended at another":  endedElsewhere,
		"of two who remove one, one gets it":             removedOnce,
		"a thing happens once, at all places":            once,
		"what is over is swept away, and only that":      sweeps,
		"a row without texts and groups comes back also": bare,
	} {
		t.Run(name, func(t *testing.T) {
			one, other := open(t)
			test(t, one, other)
		})
	}
}

func add(t *testing.T, table session.Table, rows ...session.Row) {
	t.Helper()
	for _, r := range rows {
		if err := table.Add(t.Context(), r, nil); err != nil {
			t.Fatal(err)
		}
	}
}

func equal(a, b session.Row) bool {
	times := a.Created.Equal(b.Created) && a.Seen.Equal(b.Seen) && a.Ends.Equal(b.Ends) && a.SteppedUp.Equal(b.SteppedUp)
	a.Created, a.Seen, a.Ends, a.SteppedUp = b.Created, b.Seen, b.Ends, b.SteppedUp
	if len(a.Person.Groups) == 0 && len(b.Person.Groups) == 0 {
		a.Person.Groups = b.Person.Groups
	}
	return times && reflect.DeepEqual(a, b)
}

// has checks that the table has these rows, in this order.
func has(t *testing.T, table session.Table, want ...session.Row) {
	t.Helper()
	got, err := table.Rows(t.Context())
	if err != nil || !slices.EqualFunc(got, want, equal) {
		t.Errorf("the rows are %+v, error %v; want %+v", got, err, want)
	}
}

func comesBack(t *testing.T, one, other session.Table) {
	want := row(1)
	add(t, one, want, row(2))
	got, there, err := other.Find(t.Context(), want.Hash)
	if err != nil || !there || !equal(got, want) {
		t.Errorf("got %+v, %t, %v, want %+v", got, there, err, want)
	}
	if _, there, err := other.Find(t.Context(), session.Hash{9}); there || err != nil {
		t.Errorf("one that is not there: %t, %v", there, err)
	}
	has(t, other, row(2), row(1))
}

func bare(t *testing.T, one, other session.Table) {
	r := session.Row{Hash: session.Hash{1}, Session: session.Session{ID: "x", Created: at, Seen: at, Ends: at}}
	add(t, one, r)
	has(t, other, r)
}

func replaces(t *testing.T, one, other session.Table) {
	first, second, third := row(1), row(2), row(3)
	add(t, one, first)
	for _, step := range []struct{ next, old session.Row }{{second, first}, {third, row(9)}} {
		if err := one.Add(t.Context(), step.next, &step.old.Hash); err != nil {
			t.Fatal(err)
		}
	}
	has(t, other, third, second)
}

func oneRow(t *testing.T, one, other session.Table) {
	r := row(1)
	add(t, one, r)
	r.ID = "another"
	if err := other.Add(t.Context(), r, nil); err == nil {
		t.Error("a token has two sessions")
	}
	has(t, one, row(1))
}

func saw(t *testing.T, one, other session.Table) {
	r := row(1)
	add(t, one, r, row(2))
	later := r.Seen.Add(5 * time.Minute)
	for _, when := range []time.Time{later, r.Seen.Add(time.Minute), r.Seen.Add(-time.Hour)} {
		if err := other.Saw(t.Context(), r.Hash, when, "at "+when.UTC().Format(time.TimeOnly)); err != nil {
			t.Fatal(err)
		}
	}
	r.Seen, r.Address = later, "at "+later.UTC().Format(time.TimeOnly)
	has(t, one, row(2), r)
	if err := other.Saw(t.Context(), session.Hash{9}, later, "x"); err != nil {
		t.Error(err)
	}
	has(t, one, row(2), r)
}

func stepsUp(t *testing.T, one, other session.Table) {
	r, bare := row(1), row(2)
	bare.SteppedUp = time.Time{}
	add(t, one, r, bare)
	for _, step := range []struct {
		of   *session.Row
		when time.Duration
	}{{&r, 5 * time.Minute}, {&r, time.Minute}, {&bare, time.Second}} {
		when := at.Add(step.when)
		if there, err := other.StepUp(t.Context(), step.of.ID, when); err != nil || !there {
			t.Fatal(there, err)
		}
		if when.After(step.of.SteppedUp) {
			step.of.SteppedUp = when
		}
		has(t, one, bare, r)
	}
	if _, err := one.Remove(t.Context(), session.Which{ID: bare.ID}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{bare.ID, "", "id-x"} { // one that has ended does not come back
		if there, err := other.StepUp(t.Context(), id, at); err != nil || there {
			t.Errorf("%q: %t, %v", id, there, err)
		}
	}
	has(t, one, r)
}

func removes(t *testing.T, one, other session.Table) {
	bob, elsewhere, unnamed := row(2), row(3), row(4)
	bob.Person.Subject, bob.IssuerSession = "bob", "sid-2"
	elsewhere.Person.IssuerURL = "https://other.example.com"
	unnamed.IssuerSession = ""
	all := []session.Row{unnamed, elsewhere, bob, row(1)}
	const corp = "https://login.example.com"
	for name, which := range map[string]session.Which{
		"a token":                  {Hash: bob.Hash},
		"an id":                    {ID: bob.ID},
		"a person":                 {IssuerURL: corp, Subject: "ann"},
		"a session of the issuer":  {IssuerURL: corp, IssuerSession: "sid-1"},
		"both, that agree":         {IssuerURL: corp, Subject: "ann", IssuerSession: "sid-1"},
		"both, that do not":        {IssuerURL: corp, Subject: "bob", IssuerSession: "sid-1"},
		"those of before":          {IssuerURL: corp, Subject: "ann", Before: row(4).Created},
		"a token and another's id": {Hash: bob.Hash, ID: unnamed.ID},
		"nobody":                   {IssuerURL: corp, Subject: "x"},
		"a quote":                  {IssuerURL: corp, Subject: "' OR '1'='1"},
	} {
		if err := one.Sweep(t.Context(), at.Add(100*time.Hour)); err != nil {
			t.Fatal(err)
		}
		add(t, one, all...)
		gone, err := other.Remove(t.Context(), which)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var want, left []session.Row
		for _, r := range all {
			if which.Matches(r) {
				want = append(want, r)
			} else {
				left = append(left, r)
			}
		}
		if !slices.EqualFunc(gone, want, equal) {
			t.Errorf("%s: removed %+v, want %+v", name, gone, want)
		}
		has(t, one, left...)
	}
}

func removesNothing(t *testing.T, one, other session.Table) {
	add(t, one, row(1))
	for _, which := range []session.Which{{}, {Subject: "ann"}, {IssuerSession: "sid-1"}, {IssuerURL: "https://login.example.com"}, {Before: at.Add(time.Hour)}} {
		if gone, err := other.Remove(t.Context(), which); err != nil || len(gone) != 0 {
			t.Errorf("%+v: removed %+v, error %v", which, gone, err)
		}
	}
	has(t, one, row(1))
}

func endedElsewhere(t *testing.T, one, other session.Table) {
	r := row(1)
	add(t, one, r)
	if _, there, err := other.Find(t.Context(), r.Hash); err != nil || !there {
		t.Fatal(there, err)
	}
	if _, err := one.Remove(t.Context(), session.Which{Hash: r.Hash}); err != nil {
		t.Fatal(err)
	}
	if _, there, err := other.Find(t.Context(), r.Hash); there || err != nil {
		t.Errorf("it is still there: %t, %v", there, err)
	}
	if err := other.Saw(t.Context(), r.Hash, at.Add(time.Hour), "x"); err != nil {
		t.Error(err)
	}
	has(t, one)
}

// atOnce does a thing eight times at both places at once, and counts how often it succeeded.
func atOnce(t *testing.T, one, other session.Table, do func(context.Context, session.Table) (bool, error)) (n int32) {
	var count atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			table := one
			if i%2 == 1 {
				table = other
			}
			ok, err := do(t.Context(), table)
			if err != nil {
				t.Error(err)
			}
			if ok {
				count.Add(1)
			}
		})
	}
	all.Wait()
	return count.Load()
}

func removedOnce(t *testing.T, one, other session.Table) {
	r := row(1)
	add(t, one, r)
	if n := atOnce(t, one, other, func(ctx context.Context, table session.Table) (bool, error) {
		gone, err := table.Remove(ctx, session.Which{Hash: r.Hash})
		return len(gone) == 1, err
	}); n != 1 {
		t.Errorf("%d have removed it", n)
	}
}

func once(t *testing.T, one, other session.Table) {
	if n := atOnce(t, one, other, func(ctx context.Context, table session.Table) (bool, error) {
		return table.Once(ctx, "logout x", at.Add(time.Hour))
	}); n != 1 {
		t.Errorf("it happened %d times", n)
	}
	if first, err := other.Once(t.Context(), "logout y", at.Add(time.Hour)); err != nil || !first {
		t.Errorf("another thing: %t, %v", first, err)
	}
	for _, step := range []struct {
		after time.Duration
		first bool
	}{{59 * time.Minute, false}, {time.Hour, true}} {
		if err := one.Sweep(t.Context(), at.Add(step.after)); err != nil {
			t.Fatal(err)
		}
		if first, err := other.Once(t.Context(), "logout x", at.Add(2*time.Hour)); err != nil || first != step.first {
			t.Errorf("after %s: %t, %v", step.after, first, err)
		}
	}
}

func sweeps(t *testing.T, one, other session.Table) {
	ended, unused, living := row(1), row(2), row(3)
	ended.Ends = at.Add(10 * time.Minute)
	unused.Idle = 9 * time.Minute // seen at a minute
	add(t, one, ended, unused, living)
	for _, step := range []struct {
		after time.Duration
		left  []session.Row
	}{{10*time.Minute - time.Microsecond, []session.Row{living, unused, ended}}, {10 * time.Minute, []session.Row{living}}} {
		if err := other.Sweep(t.Context(), at.Add(step.after)); err != nil {
			t.Fatal(err)
		}
		has(t, one, step.left...)
	}
}
