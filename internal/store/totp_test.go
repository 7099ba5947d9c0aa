//go:build unix

package store

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/installation"
	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/totp"
)

// totpTables are for tests that go back to a store of before them.
var totpTables = []string{"totp_person", "totp_enrolment", "totp_recovery", "totp_bucket"}

var ann = totp.Person{Issuer: "https://id.example.com", Subject: "änn"}

// change is a Change that may not fail.
func (r *running) changePerson(p totp.Person, buckets []string, f func(*totp.State)) {
	r.t.Helper()
	err := r.TOTP().Change(r.t.Context(), p, buckets, func(s *totp.State) error { f(s); return nil })
	if err != nil {
		r.t.Fatal(err)
	}
}

func TestTheSecondFactorOfAPersonComesBackAsItWas(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		at := time.UnixMicro(1_760_000_000_123_456)
		current := totp.Enrolment{
			ID: "one", Seed: []byte{0, 1, 255}, Settings: totp.Settings{Algorithm: totp.SHA256, Digits: 8, Period: time.Minute},
			Begun: at, Confirmed: at.Add(time.Second), LastStep: 1 << 40, LastUsed: at.Add(time.Hour),
		}
		next := totp.Enrolment{ID: "two", Seed: []byte{7}, Settings: totp.Settings{Algorithm: totp.SHA1, Digits: 6, Period: 30 * time.Second}, Begun: at, Tries: 3}
		codes := []totp.RecoveryCode{{Key: "1a2b3c4d", Sum: "x"}, {Key: "1a2b3c4d", Sum: "a", Used: at}}
		bucket := totp.Bucket{Failures: 3, At: at, Ends: at.Add(time.Hour)}
		everyField(t, current, next)
		everyField(t, codes[0], codes[1])
		everyField(t, bucket)
		invitation := totp.Invitation{Key: "1a2b3c4d", Sum: "y", Ends: at.Add(time.Minute)}
		everyField(t, invitation)
		a := p.run(t)
		for _, who := range []totp.Person{ann, {Issuer: ann.Issuer, Subject: "bob"}} {
			a.changePerson(who, []string{"b", "a"}, func(s *totp.State) {
				c, n := current, next
				i := invitation
				s.Current, s.Next, s.Recovery, s.Buckets["a"], s.Invitation = &c, &n, codes, bucket, &i
			})
		}
		a.close()
		b := p.run(t)
		writes := b.Writes()
		want := totp.State{Current: &current, Next: &next, Recovery: codes, Invitation: &invitation}
		got, err := b.TOTP().Look(t.Context(), ann)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v\nerror %v", got, want, err)
		}
		people, err := b.TOTP().People(t.Context())
		if err != nil || len(people) != 2 || people[0].Person.Subject == people[1].Person.Subject || !reflect.DeepEqual(people[0].State, want) || !reflect.DeepEqual(people[1].State, want) {
			t.Errorf("%+v, error %v", people, err)
		}
		if b.Writes() != writes {
			t.Error("a look at them writes")
		}
		b.changePerson(ann, []string{"a"}, func(s *totp.State) {
			if !reflect.DeepEqual(s.Buckets, map[string]totp.Bucket{"a": bucket}) {
				t.Errorf("buckets %+v", s.Buckets)
			}
			*s = totp.State{}
		})
		if got, err := b.TOTP().Look(t.Context(), ann); err != nil || !got.Empty() {
			t.Errorf("after all was removed: %+v, error %v", got, err)
		}
		b.changePerson(ann, []string{"a"}, func(s *totp.State) {
			if len(s.Buckets) != 0 || !s.Empty() {
				t.Errorf("there is %+v", s)
			}
			s.Next = &next
		})
		if people, err := b.TOTP().People(t.Context()); err != nil || len(people) != 2 {
			t.Errorf("%+v, error %v", people, err)
		}
	})
}

func TestAnInvitationAloneIsKeptAndTakenBack(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a := p.run(t)
		i := totp.Invitation{Key: "k", Sum: "s", Ends: time.UnixMicro(1_760_000_000_123_456)}
		for n := range 2 { // the first one makes the person's row
			i.Sum += "s"
			a.changePerson(ann, nil, func(s *totp.State) {
				if (s.Invitation != nil) != (n == 1) {
					t.Errorf("there is %+v", s.Invitation)
				}
				c := i
				s.Invitation = &c
			})
			if s, err := a.TOTP().Look(t.Context(), ann); err != nil || s.Invitation == nil || *s.Invitation != i {
				t.Errorf("%+v, %v", s.Invitation, err)
			}
		}
		a.changePerson(ann, nil, func(s *totp.State) { s.Invitation, s.Next = nil, &totp.Enrolment{ID: "one", Seed: []byte{1}} })
		if s, err := a.TOTP().Look(t.Context(), ann); err != nil || s.Invitation != nil || s.Next == nil {
			t.Errorf("%+v, %v", s, err)
		}
		a.changePerson(ann, nil, func(s *totp.State) { *s = totp.State{} })
		if all, err := a.TOTP().People(t.Context()); err != nil || len(all) != 0 {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

// withoutInvitations are what makes a store one of before them, and of before what came later.
var withoutInvitations = []string{
	`DROP TABLE mail_sign_in`, `DROP TABLE mail_inbox`, `DROP TABLE mail_row`, `DROP TABLE mail_reference`, `DROP TABLE mail_raw`, `DROP TABLE mail_unfinished`, `DROP TABLE mail_seen`, `DROP TABLE mail_last`,
	`ALTER TABLE totp_person DROP COLUMN invited_key`, `ALTER TABLE totp_person DROP COLUMN invited_sum`, `ALTER TABLE totp_person DROP COLUMN invited_until`,
}

func TestPeopleOfBeforeInvitationsAreTakenOverWithoutOne(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a := p.run(t)
		a.changePerson(ann, nil, func(s *totp.State) { s.Current = &totp.Enrolment{ID: "one", Seed: []byte{1}} })
		for _, statement := range append([]string{`UPDATE store SET version = 7`}, withoutInvitations...) {
			if _, err := a.db.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
		a.close()
		if s, err := p.run(t).TOTP().Look(t.Context(), ann); err != nil || s.Invitation != nil || s.Current == nil || s.Current.ID != "one" {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

func TestWhatAChangeRefusesIsNotKept(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a := p.run(t)
		refused := errors.New("no")
		err := a.TOTP().Change(t.Context(), ann, []string{"a"}, func(s *totp.State) error {
			s.Next, s.Buckets["a"] = &totp.Enrolment{ID: "one", Seed: []byte{1}}, totp.Bucket{Failures: 1, Ends: time.Now()}
			return refused
		})
		if !errors.Is(err, refused) {
			t.Error(err)
		}
		a.changePerson(ann, []string{"a"}, func(s *totp.State) {
			if !s.Empty() || len(s.Buckets) != 0 {
				t.Errorf("there is %+v", s)
			}
		})
	})
}

func TestBucketsThatHaveEndedAreSwept(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a := p.run(t)
		now := time.UnixMicro(1_760_000_000_000_000)
		a.changePerson(ann, []string{"old", "now", "new"}, func(s *totp.State) {
			s.Buckets["old"] = totp.Bucket{Failures: 1, Ends: now.Add(-time.Second)}
			s.Buckets["now"] = totp.Bucket{Failures: 1, Ends: now}
			s.Buckets["new"] = totp.Bucket{Failures: 1, Ends: now.Add(time.Microsecond)}
		})
		if n, err := a.TOTP().SweepBuckets(t.Context(), now); n != 2 || err != nil {
			t.Errorf("%d swept, error %v", n, err)
		}
		a.changePerson(ann, []string{"old", "now", "new"}, func(s *totp.State) {
			if len(s.Buckets) != 1 || s.Buckets["new"].Failures != 1 {
				t.Errorf("left is %+v", s.Buckets)
			}
		})
	})
}

func TestTheSecondFactorInAStoreThatCannotBeUsedIsAnError(t *testing.T) {
	idle := inSQLite(t).prepare(t).TOTP()
	if err := idle.Change(t.Context(), ann, nil, func(*totp.State) error { t.Error("it is asked"); return nil }); err == nil {
		t.Error("it was changed")
	}
	if _, err := idle.Look(t.Context(), ann); err == nil {
		t.Error("it was read")
	}
	if _, err := idle.People(t.Context()); err == nil {
		t.Error("they were read")
	}
	if _, err := idle.SweepBuckets(t.Context(), time.Now()); err == nil {
		t.Error("it was swept")
	}
}

// two are two processes on one store. Neither is taken for dead where so much is posted at once that its beats are late.
func two(t *testing.T, p place) []*running {
	t.Helper()
	p.TTL = generous
	a := p.run(t)
	other := p
	if p.pg != nil {
		other = p.elsewhere(t)
	}
	b := other.prepare(t)
	begun := make(chan error, 1)
	go func() { begun <- b.Start(context.Background(), other.Config) }()
	until(t, "there is room", func() bool { a.hurry(); return a.mode.Load() == several })
	until(t, "it is taken", func() bool { b.hurry(); return b.mode.Load() == several })
	if err := <-begun; err != nil {
		t.Fatal(err)
	}
	return []*running{a, b}
}

// engines are an engine for each process, with one key and a clock that stands.
func engines(t *testing.T, of []*running, now *time.Time) (all []*totp.Engine) {
	t.Helper()
	key, err := installation.FromFields(map[string]string{installation.FieldKey: strings.Repeat("k", 40)})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range of {
		all = append(all, totp.New(totp.Config{
			Store: r.TOTP(), Key: func() installation.Key { return key }, Now: func() time.Time { return *now },
		}))
	}
	return all
}

// enrolled enrols a person and returns the seed, the recovery codes, and the mark of the browser.
func enrolled(t *testing.T, e *totp.Engine, now time.Time) (totp.Seed, totp.Confirmed) {
	t.Helper()
	begun, err := e.Begin(t.Context(), totp.Beginning{Person: ann})
	if err != nil {
		t.Fatal(err)
	}
	seed, err := totp.SeedFrom(secret.Record{Fields: map[string]secret.Value{totp.FieldSeed: begun.URI}})
	if err != nil {
		t.Fatal(err)
	}
	done, err := e.Confirm(t.Context(), ann, begun.ID, codeAt(t, seed, now))
	if err != nil {
		t.Fatal(err)
	}
	return seed, done
}

func codeAt(t *testing.T, seed totp.Seed, at time.Time) string {
	t.Helper()
	code, err := seed.Code(at)
	if err != nil {
		t.Fatal(err)
	}
	return code.Text.Reveal()
}

// posts runs f for so many posts at once, in turn at each engine, and counts how they end.
func posts(t *testing.T, n int, at []*totp.Engine, f func(e *totp.Engine, post int) error) map[string]int {
	var mu sync.Mutex
	var wg sync.WaitGroup
	ends := map[string]int{}
	var firstOther atomic.Pointer[error]
	for i := range n {
		wg.Go(func() {
			err := f(at[i%len(at)], i)
			how := "store" // it was too busy: a code is not taken then
			switch limit := new(totp.LimitError); {
			case err == nil, errors.Is(err, totp.ErrUsed), errors.Is(err, totp.ErrWrong):
				how = fmt.Sprint(err)
			case errors.As(err, limit):
				how = "limit"
			default:
				firstOther.CompareAndSwap(nil, &err)
			}
			mu.Lock()
			defer mu.Unlock()
			ends[how]++
		})
	}
	wg.Wait()
	if other := firstOther.Load(); other != nil {
		t.Logf("one of %d that the store was too busy for, or that failed: %v", ends["store"], *other)
	}
	return ends
}

func attempt(session string) totp.Attempt {
	return totp.Attempt{Person: ann, Session: session, Address: netip.MustParseAddr("192.0.2.1")}
}

func TestOfManyPostsOfOneCodeAtTwoProcessesOneWins(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		now := time.Unix(1_760_000_010, 0)
		e := engines(t, two(t, p), &now)
		seed, done := enrolled(t, e[0], now)
		const n = 200
		used := totp.ErrUsed.Error()
		now = now.Add(time.Minute)
		code := codeAt(t, seed, now)
		ends := posts(t, n, e, func(e *totp.Engine, i int) error {
			_, err := e.Verify(t.Context(), attempt(fmt.Sprint("session", i%3)), code)
			return err
		})
		if ends["<nil>"] != 1 || ends[used]+ends["store"] != n-1 || ends[used] < n/2 {
			t.Errorf("a code: %v", ends)
		}
		ends = posts(t, n, e, func(e *totp.Engine, i int) error {
			_, err := e.Recover(t.Context(), attempt(fmt.Sprint("session", i%3)), done.Recovery[4].Reveal())
			return err
		})
		if ends["<nil>"] != 1 || ends[used]+ends["store"] != n-1 || ends[used] < n/2 {
			t.Errorf("a recovery code: %v", ends)
		}
		for _, one := range e {
			if s, err := one.Status(t.Context(), ann); err != nil || s.RecoveryLeft != 9 || !s.LastUsed.Equal(now) {
				t.Errorf("%+v, error %v", s, err)
			}
		}
	})
}

// Guesses that come at once must not each find the limit as it was before all of them.
func TestOfManyGuessesAtOnceAtTwoProcessesFewAreLookedAt(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		now := time.Unix(1_760_000_010, 0)
		e := engines(t, two(t, p), &now)
		seed, _ := enrolled(t, e[0], now)
		now = now.Add(time.Minute)
		right := map[string]bool{}
		for d := -time.Minute; d <= time.Minute; d += 30 * time.Second {
			right[codeAt(t, seed, now.Add(d))] = true
		}
		guess := "123456"
		if right[guess] {
			guess = "654321"
		}
		ends := posts(t, 200, e, func(e *totp.Engine, i int) error {
			a := attempt(fmt.Sprint("session", i)) // a session, and an address, for each
			a.Address = netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
			_, err := e.Verify(t.Context(), a, guess)
			return err
		})
		wrong := ends[totp.ErrWrong.Error()]
		if wrong > 10 || wrong+ends["limit"]+ends["store"] != 200 || ends["store"] == 0 && wrong != 10 || ends["limit"] < 100 {
			t.Errorf("%v", ends)
		}
	})
}

// All of this goes on at once on the same rows, in orders that a lock taken in another one would deadlock in.
func TestManyPersonsAndSweepsAtOnceDoNotKeepEachOtherOut(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		now := time.Unix(1_760_000_010, 0)
		at := two(t, p)
		ends := posts(t, 160, engines(t, at, &now), func(e *totp.Engine, i int) error {
			if i%8 == 7 {
				_, _, err := e.Sweep(t.Context())
				return err
			}
			who := totp.Person{Issuer: ann.Issuer, Subject: itoa(i % 3)}
			if i%8 == 6 {
				_, err := e.Begin(t.Context(), totp.Beginning{Person: who})
				return err
			}
			names := []string{"z", "b" + itoa(i%5), "sum", "a", "c" + itoa(i%4)}
			return at[i%2].TOTP().Change(t.Context(), who, names, func(s *totp.State) error {
				for _, name := range names {
					lasts := time.Duration(i%2) * time.Hour
					if name == "sum" {
						lasts = time.Hour
					}
					s.Buckets[name] = totp.Bucket{Failures: s.Buckets[name].Failures + 1, Ends: now.Add(lasts)}
				}
				return nil
			})
		})
		if ends["<nil>"] != 160 {
			t.Errorf("%v", ends)
		}
		at[0].changePerson(ann, []string{"sum"}, func(s *totp.State) {
			if n := s.Buckets["sum"].Failures; n != 120 {
				t.Errorf("of 120 failures of several persons %d are counted", n)
			}
		})
	})
}
