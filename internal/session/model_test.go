package session_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/psagate/psagate/internal/session"
)

// believed is a session as the model has it.
type believed struct {
	token         session.Token
	id, subject   string
	sid           string
	created, used time.Time // used: as exactly as it is written down
	stepped       time.Time // when a second factor was proven in it
	ended         bool
}

// model is what is true of sessions, said once more and simply.
type model struct {
	clock *clock
	k     *session.Keeper
	all   []*believed
}

const idle, absolute = 10 * time.Minute, time.Hour

func (m *model) lives(b *believed) bool {
	return !b.ended && m.clock.at.Sub(b.used) < idle && m.clock.at.Sub(b.created) < absolute
}

func (m *model) any(t *rapid.T) *believed {
	if len(m.all) == 0 {
		return nil
	}
	return rapid.SampledFrom(m.all).Draw(t, "session")
}

func (m *model) end(t *rapid.T, w session.Which, meant func(*believed) bool) {
	want := 0
	for _, b := range m.all {
		if meant(b) {
			if m.lives(b) {
				want++
			}
			b.ended = true
		}
	}
	if gone, err := m.k.End(t.Context(), w); err != nil || len(gone) != want {
		t.Fatalf("%+v ended %d, error %v; want %d", w, len(gone), err, want)
	}
}

func TestSessionsAreAsTheModelHasThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newClock()
		k, err := session.NewKeeper(session.NewMemory(), session.Limits{Idle: idle, Absolute: absolute}, c.now)
		if err != nil {
			t.Fatal(err)
		}
		m := &model{clock: c, k: k}
		t.Repeat(map[string]func(*rapid.T){
			"sign in": m.signIn,
			"use":     m.use,
			"step up": m.stepUp,
			"time passes": func(t *rapid.T) {
				c.at = c.at.Add(time.Duration(rapid.IntRange(0, 1200).Draw(t, "seconds")) * time.Second)
			},
			"end one": func(t *rapid.T) {
				if b := m.any(t); b != nil {
					m.end(t, session.Which{ID: b.id}, func(o *believed) bool { return o == b })
				}
			},
			"sign out": func(t *rapid.T) {
				if b := m.any(t); b != nil {
					m.end(t, session.Which{Hash: b.token.Hash()}, func(o *believed) bool { return o == b })
				}
			},
			"end a person's": func(t *rapid.T) {
				subject := rapid.SampledFrom([]string{"ann", "bob"}).Draw(t, "who")
				m.end(t, session.Which{IssuerURL: ann.IssuerURL, Subject: subject}, func(b *believed) bool { return b.subject == subject })
			},
			"the provider ends one": func(t *rapid.T) {
				sid := rapid.SampledFrom([]string{"s1", "s2", "s3"}).Draw(t, "sid")
				m.end(t, session.Which{IssuerURL: ann.IssuerURL, IssuerSession: sid}, func(b *believed) bool { return b.sid == sid })
			},
			"": m.check,
		})
	})
}

func (m *model) signIn(t *rapid.T) {
	p := ann
	p.Subject = rapid.SampledFrom([]string{"ann", "bob"}).Draw(t, "who")
	sid := rapid.SampledFrom([]string{"s1", "s2", "s3"}).Draw(t, "sid")
	var before *session.Token
	if b := m.any(t); b != nil && rapid.Bool().Draw(t, "again") {
		b.ended, before = true, &b.token
	}
	token, s, err := m.k.Begin(t.Context(), p, sid, session.Use{}, before)
	if err != nil {
		t.Fatal(err)
	}
	m.all = append(m.all, &believed{token: token, id: s.ID, subject: p.Subject, sid: sid, created: m.clock.at, used: m.clock.at})
}

func (m *model) use(t *rapid.T) {
	b := m.any(t)
	if b == nil {
		return
	}
	s, err := m.k.Find(t.Context(), b.token, session.Use{})
	if lives := m.lives(b); lives != (err == nil) || lives && (s.ID != b.id || s.Person.Subject != b.subject || !s.SteppedUp.Equal(b.stepped)) {
		t.Fatalf("%+v: %+v, %v", b, s, err)
	}
	if err != nil && !errors.Is(err, session.ErrNone) && !errors.Is(err, session.ErrOver) {
		t.Fatal(err)
	}
	if err == nil && m.clock.at.Sub(b.used) >= time.Minute {
		b.used = m.clock.at
	}
}

// stepUp proves a second factor in one session, and in no other.
func (m *model) stepUp(t *rapid.T) {
	b := m.any(t)
	if b == nil || !b.ended && !m.lives(b) { // what has lapsed may be swept or not
		return
	}
	if err := m.k.StepUp(t.Context(), b.id); b.ended != errors.Is(err, session.ErrNone) || !b.ended && err != nil {
		t.Fatalf("%+v: %v", b, err)
	}
	if !b.ended {
		b.stepped = m.clock.at
	}
}

func (m *model) check(t *rapid.T) {
	list, err := m.k.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	living := map[string]bool{}
	for _, b := range m.all {
		if m.lives(b) {
			living[b.id] = true
		}
	}
	for _, s := range list {
		if !living[s.ID] {
			t.Fatalf("%s is listed and does not live", s.ID)
		}
	}
	if len(list) != len(living) {
		t.Fatalf("%d are listed, %d live", len(list), len(living))
	}
}
