package session_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/session"
	"github.com/psagate/psagate/internal/session/sessiontest"
)

func TestMemory(t *testing.T) {
	sessiontest.Run(t, func(*testing.T) (one, other session.Table) {
		m := session.NewMemory()
		return m, m
	})
}

// clock is a time that tests move.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newClock() *clock { return &clock{time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)} }

func keeper(t testing.TB, table session.Table, c *clock, l session.Limits) *session.Keeper {
	t.Helper()
	k, err := session.NewKeeper(table, l, c.now)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var ann = session.Person{Issuer: "corp", IssuerURL: "https://login.example.com", Subject: "ann", Email: "ann@example.com", Name: "Ann", Groups: []string{"ops"}}

func begin(t testing.TB, k *session.Keeper, before *session.Token) (session.Token, session.Session) {
	t.Helper()
	token, s, err := k.Begin(t.Context(), ann, "s1", session.Use{Address: "192.0.2.7", Agent: "Browser/1.0"}, before)
	if err != nil {
		t.Fatal(err)
	}
	return token, s
}

func TestASessionEndsWhenItLiesUnusedAndAtItsEnd(t *testing.T) {
	c := newClock()
	k := keeper(t, session.NewMemory(), c, session.Limits{})
	unused, _ := begin(t, k, nil)
	used, _ := begin(t, k, nil)
	from := c.at
	for c.at.Sub(from) < session.DefaultAbsolute-time.Hour {
		c.at = c.at.Add(time.Hour)
		if _, err := k.Find(t.Context(), used, session.Use{}); err != nil {
			t.Fatalf("after %s of use: %v", c.at.Sub(from), err)
		}
		if c.at.Sub(from) == session.DefaultIdle {
			if _, err := k.Find(t.Context(), unused, session.Use{}); !errors.Is(err, session.ErrOver) {
				t.Errorf("after 8 h without use: %v", err)
			}
		}
	}
	c.at = from.Add(session.DefaultAbsolute)
	if _, err := k.Find(t.Context(), used, session.Use{}); !errors.Is(err, session.ErrOver) {
		t.Errorf("after 24 h of use: %v", err)
	}
	if list, err := k.List(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
}

func TestALookAtASessionIsNoUseOfIt(t *testing.T) {
	c := newClock()
	k := keeper(t, session.NewMemory(), c, session.Limits{})
	token, s := begin(t, k, nil)
	for range 7 {
		c.at = c.at.Add(time.Hour)
		if seen, err := k.Peek(t.Context(), token); err != nil || seen.ID != s.ID || !seen.Seen.Equal(s.Seen) {
			t.Fatalf("%+v, %v", seen, err)
		}
	}
	c.at = c.at.Add(time.Hour)
	if _, err := k.Peek(t.Context(), token); !errors.Is(err, session.ErrOver) {
		t.Errorf("after 8 h without use: %v", err)
	}
	if _, err := k.End(t.Context(), session.Which{ID: s.ID}); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Peek(t.Context(), token); !errors.Is(err, session.ErrNone) {
		t.Errorf("one that was ended: %v", err)
	}
}

func TestTheShorterLimitsCount(t *testing.T) {
	c, m := newClock(), session.NewMemory()
	long, short := keeper(t, m, c, session.Limits{}), keeper(t, m, c, session.Limits{Idle: 5 * time.Minute, Absolute: 10 * time.Minute})
	mine, _ := begin(t, long, nil)
	theirs, _ := begin(t, short, nil)
	c.at = c.at.Add(5 * time.Minute)
	for name, find := range map[string]func() error{
		"a long one by short limits": func() error { _, err := short.Find(t.Context(), mine, session.Use{}); return err },
		"a short one by long limits": func() error { _, err := long.Find(t.Context(), theirs, session.Use{}); return err },
	} {
		if err := find(); !errors.Is(err, session.ErrOver) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for range 2 { // it is used all the time, so that it ends by its end alone
		if _, err := long.Find(t.Context(), mine, session.Use{}); err != nil {
			t.Error(err)
		}
		if _, err := short.Find(t.Context(), mine, session.Use{}); err != nil {
			t.Error(err)
		}
		c.at = c.at.Add(4 * time.Minute)
	}
	if _, err := short.Find(t.Context(), mine, session.Use{}); !errors.Is(err, session.ErrOver) {
		t.Errorf("after 13 of 10 minutes: %v", err)
	}
	if _, err := long.Find(t.Context(), mine, session.Use{}); err != nil {
		t.Error(err)
	}
}

func TestTheTokenIsNewAtEachSignInAndTheOldOneIsGone(t *testing.T) {
	k := keeper(t, session.NewMemory(), newClock(), session.Limits{})
	planted, ok := session.ParseToken(strings.Repeat("A", 43))
	if !ok {
		t.Fatal("it can be no token")
	}
	first, _ := begin(t, k, &planted)
	if _, err := k.Find(t.Context(), planted, session.Use{}); first.Equal(planted.Value) || !errors.Is(err, session.ErrNone) {
		t.Errorf("the token that the browser came with is good: %v", err)
	}
	second, _ := begin(t, k, &first)
	if _, err := k.Find(t.Context(), first, session.Use{}); !errors.Is(err, session.ErrNone) {
		t.Errorf("the one of before: %v", err)
	}
	if s, err := k.Find(t.Context(), second, session.Use{}); err != nil || s.Person.Subject != "ann" {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestNothingThatIsShownIsAToken(t *testing.T) {
	k := keeper(t, session.NewMemory(), newClock(), session.Limits{})
	token, s := begin(t, k, nil)
	for _, form := range []string{"%v", "%+v", "%#v", "%q"} {
		if text := fmt.Sprintf(form+form+form, token, s, []any{&token}); strings.Contains(text, token.Reveal()) {
			t.Errorf("%s shows it", form)
		}
	}
	for _, text := range []string{s.ID, fmt.Sprintf("%x", token.Hash()), "", token.Reveal() + "=", token.Reveal()[:42], strings.Repeat("A", 42) + "B", strings.Repeat("/", 43)} {
		other, ok := session.ParseToken(text)
		if _, err := k.Find(t.Context(), other, session.Use{}); ok || !errors.Is(err, session.ErrNone) {
			t.Errorf("%q is a token: %t, %v", text, ok, err)
		}
	}
}

func TestTextsOfOthersAreKeptShortAndOnOneLine(t *testing.T) {
	k := keeper(t, session.NewMemory(), newClock(), session.Limits{})
	p := ann
	p.Name, p.Email, p.Groups = "A\x00n\nn\xff"+strings.Repeat("x", 1000), "a\r\nb", []string{"ops", "op\x00s", strings.Repeat("g", 300)}
	_, s, err := k.Begin(t.Context(), p, "s1", session.Use{Address: "x\n", Agent: strings.Repeat("ü", 1000)}, nil)
	if err != nil || !strings.HasPrefix(s.Person.Name, "Annxx") || len(s.Person.Name) != 256 || s.Person.Email != "ab" || len(s.Person.Groups) != 1 || len(s.Agent) != 120 || s.Address != "x" {
		t.Errorf("%+v, %v", s, err)
	}
	for _, subject := range []string{"", "a\x00b", "a\nb", strings.Repeat("x", 300), "\xff"} {
		p.Subject = subject
		if _, _, err := k.Begin(t.Context(), p, "", session.Use{}, nil); err == nil {
			t.Errorf("%q is a subject", subject)
		}
	}
}

func TestUseIsWrittenDownOnceAMinute(t *testing.T) {
	c, counted := newClock(), &counting{Table: session.NewMemory()}
	k := keeper(t, counted, c, session.Limits{})
	token, s := begin(t, k, nil)
	for range 600 { // ten minutes
		c.at = c.at.Add(time.Second)
		if _, err := k.Find(t.Context(), token, session.Use{Address: "192.0.2.8"}); err != nil {
			t.Fatal(err)
		}
	}
	if counted.saws != 10 {
		t.Errorf("it was written down %d times", counted.saws)
	}
	if list, err := k.List(t.Context()); err != nil || len(list) != 1 || list[0].Seen.Sub(s.Created) != 10*time.Minute || list[0].Address != "192.0.2.8" {
		t.Errorf("%+v, %v", list, err)
	}
}

// counting counts what is written down, and fails to where it is told to.
type counting struct {
	session.Table
	saws    int
	failing error
}

func (c *counting) Saw(ctx context.Context, h session.Hash, at time.Time, address string) error {
	c.saws++
	return c.Table.Saw(ctx, h, at, address)
}

func (c *counting) Find(ctx context.Context, h session.Hash) (session.Row, bool, error) {
	r, there, err := c.Table.Find(ctx, h)
	return r, there, errors.Join(err, c.failing)
}

func TestATableThatFailsLetsNobodyIn(t *testing.T) {
	broken := &counting{Table: session.NewMemory()}
	k := keeper(t, broken, newClock(), session.Limits{})
	token, _ := begin(t, k, nil)
	broken.failing = errors.New("the disk is gone")
	s, err := k.Find(t.Context(), token, session.Use{})
	if err == nil || errors.Is(err, session.ErrNone) || errors.Is(err, session.ErrOver) || s.Person.Subject != "" {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestLimitsThatCannotWorkAreErrors(t *testing.T) {
	for _, l := range []session.Limits{{Idle: time.Minute, Absolute: time.Hour}, {Idle: time.Hour, Absolute: time.Minute}, {Idle: -1, Absolute: time.Hour}, {Idle: time.Hour}, {Absolute: time.Hour}} {
		if _, err := session.NewKeeper(session.NewMemory(), l, time.Now); err == nil {
			t.Errorf("%+v", l)
		}
	}
}

func TestWhatAPersonIsCalledTurnsNoTextRound(t *testing.T) {
	k := keeper(t, session.NewMemory(), newClock(), session.Limits{})
	p := ann
	p.Name, p.Email, p.Groups = "Ann\u202emoc.elpmaxe@ssob\u2028x\u2066", "ann\u200f@example.com", []string{"ops", "o\u202eps"}
	_, s, err := k.Begin(t.Context(), p, "", session.Use{Address: "192.0.2.7", Agent: "Browser\u202e/1.0\u2029"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Person; got.Name != "Annmoc.elpmaxe@ssobx" || got.Email != "ann@example.com" || len(got.Groups) != 1 || s.Agent != "Browser/1.0" {
		t.Errorf("%+q, %+q", got, s.Agent)
	}
	p.Subject = "ann\u202e"
	if _, _, err := k.Begin(t.Context(), p, "", session.Use{}, nil); err == nil {
		t.Error("a subject that turns text round is taken")
	}
	p = ann
	p.Name = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645" // Persian, with a joiner that its letters need
	if _, s, err := k.Begin(t.Context(), p, "", session.Use{}, nil); err != nil || s.Person.Name != p.Name {
		t.Errorf("%+q, %v", s.Person.Name, err)
	}
}

func TestAPersonHasSoManySessionsAndTheOldestEnds(t *testing.T) {
	c, table := newClock(), session.NewMemory()
	k := keeper(t, table, c, session.Limits{Most: 3})
	var all []session.Session
	for range 5 {
		c.at = c.at.Add(time.Minute)
		_, s := begin(t, k, nil)
		gone, err := k.Trim(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		if all = append(all, s); len(all) <= 3 && len(gone) != 0 || len(all) > 3 && (len(gone) != 1 || gone[0].ID != all[len(all)-4].ID) {
			t.Errorf("of %d sessions these ended: %+v", len(all), gone)
		}
	}
	bob := ann
	bob.Subject = "bob"
	_, his, err := k.Begin(t.Context(), bob, "", session.Use{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if gone, err := k.Trim(t.Context(), his); err != nil || len(gone) != 0 {
		t.Errorf("somebody else's: %+v, %v", gone, err)
	}
	if left, err := k.List(t.Context()); err != nil || len(left) != 4 {
		t.Errorf("%d are left, %v", len(left), err)
	}
	// A clock that was set back makes the new one the oldest: it does not end itself.
	c.at = c.at.Add(-time.Hour)
	_, s := begin(t, k, nil)
	gone, err := k.Trim(t.Context(), s)
	if err != nil || len(gone) != 1 || gone[0].ID == s.ID {
		t.Errorf("%+v, %v", gone, err)
	}
	for _, most := range []int{-1, 1001} {
		l := session.Limits{Most: most}
		if err := l.Check(); err == nil || !strings.Contains(err.Error(), "1 to 1000 sessions") {
			t.Errorf("%d: %v", most, err)
		}
	}
	if l := (session.Limits{}); l.Check() != nil || l.Most != session.DefaultMost {
		t.Errorf("the default is %d", l.Most)
	}
}
