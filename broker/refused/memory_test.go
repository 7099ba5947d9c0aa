package refused_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/broker/refused"
)

var (
	support = refused.Place{Protocol: "imap", Server: "imap.example.test:993", User: "support@example.test", What: "password"}
	app     = refused.Place{Protocol: "imap", Server: "imap.example.test:993", User: "support@example.test", What: "access token", Changing: true}
)

// replica is a process that shares books with others.
func replica(books refused.Books) *refused.Memory { return &refused.Memory{Books: books} }

// send sends a secret, and says whether it went out.
func send(t *testing.T, m *refused.Memory, p refused.Place, secret string, again bool, came refused.Outcome) bool {
	t.Helper()
	a, err := m.Begin(t.Context(), p, secret, again)
	if err != nil {
		if h := new(refused.Held); !errors.As(err, &h) || strings.Contains(err.Error(), secret) {
			t.Errorf("%v", err)
		}
		if !again && m.May(t.Context(), p, secret) == nil {
			t.Error("it may be sent, and cannot")
		}
		return false
	}
	a.End(came, "")
	return true
}

func TestARefusedSecretIsSentOnceByAllProcessesUntilItChanges(t *testing.T) {
	for _, p := range []refused.Place{support, app} {
		books := new(refused.InMemory)
		if !send(t, replica(books), p, "wrong-horse", false, refused.Refused) {
			t.Fatal("it was never sent")
		}
		for range 3 { // each begun anew
			if send(t, replica(books), p, "wrong-horse", false, refused.Accepted) {
				t.Errorf("%s: it was sent again", p.What)
			}
		}
		var h *refused.Held
		if err := replica(books).May(t.Context(), p, "wrong-horse"); !errors.As(err, &h) || !h.Refused || h.Unwrap() != nil || !strings.Contains(err.Error(), "not sent again until it changes") {
			t.Errorf("%v", err)
		}
		if !send(t, replica(books), p, "another", false, refused.Accepted) {
			t.Errorf("%s: another one is not sent", p.What)
		}
	}
}

func TestAnotherUserServerOrKindIsAnotherPlace(t *testing.T) {
	books := new(refused.InMemory)
	send(t, replica(books), support, "wrong-horse", false, refused.Refused)
	for what, change := range map[string]func(*refused.Place){
		"a user who was renamed": func(p *refused.Place) { p.User = "help@example.test" },
		"another server":         func(p *refused.Place) { p.Server = "mail.example.test:993" },
		"another protocol":       func(p *refused.Place) { p.Protocol = "smtp" },
	} {
		p := support
		if change(&p); !send(t, replica(books), p, "wrong-horse", false, refused.Refused) {
			t.Errorf("%s: nothing is sent", what)
		}
	}
	p := support
	p.User = "Support@Example.test"
	if send(t, replica(books), p, "wrong-horse", false, refused.Refused) {
		t.Error("capitals make another user")
	}
}

func TestPeopleHaveWhatWasRefusedSentAgain(t *testing.T) {
	m := new(refused.Memory)
	send(t, m, support, "horse", false, refused.Refused)
	if !send(t, m, support, "horse", true, refused.Refused) || send(t, m, support, "horse", false, refused.Accepted) {
		t.Error("it is to be sent once for each time that they say so")
	}
	if !send(t, m, support, "horse", true, refused.Accepted) || !send(t, m, support, "horse", false, refused.Accepted) {
		t.Error("what was accepted is not sent")
	}
}

// Whoever asks later is told what the server said then.
func TestWhatTheServerSaidIsRemembered(t *testing.T) {
	books := new(refused.InMemory)
	a, err := replica(books).Begin(t.Context(), support, "horse", false)
	if err != nil {
		t.Fatal(err)
	}
	a.End(refused.Refused, "is it right? The server said “NO”")
	if err := replica(books).May(t.Context(), support, "horse"); err == nil || !strings.HasSuffix(err.Error(), "until it changes: is it right? The server said “NO”") {
		t.Errorf("%v", err)
	}
}

// Tokens change by themselves, also where a process is started again and again.
func TestTokensAreSentSeldomOnceTheyAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		books, sent := new(refused.InMemory), 0
		for range 3600 {
			if send(t, replica(books), app, time.Now().String(), false, refused.Refused) {
				sent++
			}
			time.Sleep(time.Second)
		}
		if sent < 12 || sent > 14 {
			t.Errorf("%d tokens were sent in an hour", sent)
		}
	})
}

// A process may end after the secret went out and before there is an answer, time after time.
func TestASecretWhoseAnswerNobodySawIsSentSeldom(t *testing.T) {
	for _, p := range []refused.Place{support, app} {
		synctest.Test(t, func(t *testing.T) {
			books, sent := new(refused.InMemory), 0
			secret := func() string {
				if p.Changing {
					return time.Now().String()
				}
				return "wrong-horse"
			}
			for began := time.Now(); time.Since(began) < time.Hour; time.Sleep(time.Second) {
				m := replica(books)
				m.Wait = time.Second
				if _, err := m.Begin(t.Context(), p, secret(), false); err == nil { // and ends there
					sent++
				}
			}
			if sent < 10 || sent > 13 {
				t.Errorf("%s: it was sent %d times in an hour", p.What, sent)
			}
		})
	}
}

// Connections break: the next one is at once, those after it take their time.
func TestASecretThatGetsNoAnswerIsSentMoreAndMoreSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		books := new(refused.InMemory)
		var at []time.Duration
		for began := time.Now(); time.Since(began) < 20*time.Minute; time.Sleep(time.Second) {
			if send(t, replica(books), support, "horse", false, refused.Unanswered) {
				at = append(at, time.Since(began).Truncate(time.Minute))
			}
		}
		if want := []time.Duration{0, 0, 1, 6, 11, 16}; len(at) != len(want) || at[2] != time.Minute || at[3] != 6*time.Minute {
			t.Errorf("it was sent after %v", at)
		}
		time.Sleep(5 * time.Minute)
		for range 5 { // a server that is busy has judged nothing
			if !send(t, replica(books), support, "horse", false, refused.Unjudged) {
				t.Error("it was not sent")
			}
		}
	})
}

// Of two processes that would send one password at once, the second waits for what the first is told.
func TestTwoProcessesDoNotSendAtOnce(t *testing.T) {
	for came, goes := range map[refused.Outcome]bool{refused.Refused: false, refused.Accepted: true, refused.Unsent: true} {
		synctest.Test(t, func(t *testing.T) {
			books := new(refused.InMemory)
			first, err := replica(books).Begin(t.Context(), support, "horse", false)
			if err != nil {
				t.Fatal(err)
			}
			second := make(chan error, 1)
			go func() {
				_, err := replica(books).Begin(t.Context(), support, "horse", false)
				second <- err
			}()
			time.Sleep(3 * time.Second)
			synctest.Wait()
			if len(second) > 0 {
				t.Error("the second did not wait")
			}
			first.End(came, "")
			if err := <-second; (err == nil) != goes {
				t.Errorf("%d: %v", came, err)
			}
		})
	}
}

// A replica that does not know of the new password yet does not send the old one each time that another has signed in.
func TestAnOldPasswordIsNotSentAgainAsSoonAsTheNewOneWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		books, sent := new(refused.InMemory), 0
		for range 60 {
			if send(t, replica(books), support, "old", false, refused.Refused) {
				sent++
			}
			if !send(t, replica(books), support, "new", false, refused.Accepted) {
				t.Fatal("the new one is not sent")
			}
			time.Sleep(time.Minute)
		}
		if sent != 4 {
			t.Errorf("the old one was sent %d times in an hour", sent)
		}
	})
}

// brittle are books that cannot always be used.
type brittle struct {
	refused.InMemory
	down, unsure, keyless error
}

func (b *brittle) Change(ctx context.Context, place string, f func(*refused.Record)) error {
	if b.down != nil {
		return b.down
	}
	return errors.Join(b.InMemory.Change(ctx, place, f), b.unsure)
}

func (b *brittle) Prints(place, secret string) ([]string, error) {
	prints, err := b.InMemory.Prints(place, secret)
	return prints, errors.Join(err, b.keyless)
}

func TestWhereNothingCanBeKeptNothingIsSent(t *testing.T) {
	books := new(brittle)
	m := replica(books)
	for what, broken := range map[string]*error{"the books": &books.down, "a commit": &books.unsure, "the key": &books.keyless} {
		*broken = errors.New("the disk is full")
		var h *refused.Held
		for _, err := range []error{m.May(t.Context(), support, "horse"), second(m.Begin(t.Context(), support, "horse", false)), second(m.Begin(t.Context(), support, "horse", true))} {
			if !errors.As(err, &h) || h.Refused || !errors.Is(err, *broken) || !strings.Contains(err.Error(), "not sent for now") {
				t.Errorf("%s: %v", what, err)
			}
		}
		*broken = nil
		if !send(t, m, support, "horse", false, refused.Accepted) { // also where it had been noted, and never went out
			t.Errorf("%s: it is not sent once that works again", what)
		}
	}
}

func second(_ *refused.Attempt, err error) error { return err }

// The answer came, and could not be kept: this process keeps it as soon as it can, and another takes the secret for a doubtful one.
func TestAnAnswerThatCannotBeKeptIsKeptLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		books := new(brittle)
		m := replica(books)
		a, err := m.Begin(t.Context(), support, "horse", false)
		if err != nil {
			t.Fatal(err)
		}
		books.down = errors.New("the disk is full")
		a.End(refused.Refused, "")
		books.down = nil
		if err := replica(books).May(t.Context(), support, "horse"); err == nil || !strings.Contains(err.Error(), "may have been refused") {
			t.Errorf("another process: %v", err)
		}
		time.Sleep(time.Hour)
		if send(t, m, support, "horse", false, refused.Refused) {
			t.Error("this process has forgotten it")
		}
		if err := replica(books).May(t.Context(), support, "horse"); err == nil || !strings.Contains(err.Error(), "until it changes") {
			t.Errorf("another process, then: %v", err)
		}
	})
}

func TestWhoWaitsNoLongerIsTold(t *testing.T) {
	books := new(refused.InMemory)
	if _, err := replica(books).Begin(t.Context(), support, "horse", false); err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := replica(books).May(ended, support, "horse"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// ahead are books that were written by a clock that ran ahead.
type ahead struct {
	refused.InMemory
	by time.Duration
}

func (b *ahead) Change(ctx context.Context, place string, f func(*refused.Record)) error {
	return b.InMemory.Change(ctx, place, func(r *refused.Record) {
		if r.Sent != nil {
			r.Sent.At = r.Sent.At.Add(b.by)
		}
		f(r)
	})
}

func TestAClockThatRanAheadHoldsNothingForAsLong(t *testing.T) {
	books := new(ahead)
	if _, err := replica(books).Begin(t.Context(), support, "horse", false); err != nil {
		t.Fatal(err)
	}
	books.by = 24 * time.Hour
	if err := replica(books).May(t.Context(), support, "horse"); err != nil {
		t.Errorf("%v", err)
	}
}

// All mailboxes of an application show its secret: none waits for another, and one that is refused is for all.
func TestASecretThatManyShareIsSentByAllAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := refused.Place{Protocol: "oauth2", Server: "https://login.example.test", User: "an application", What: "client secret", Shared: true}
		books, began := new(refused.InMemory), time.Now()
		var all []*refused.Attempt
		for range 10 {
			a, err := replica(books).Begin(t.Context(), p, "horse", false)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, a)
		}
		if time.Since(began) > 0 {
			t.Error("one waited for another")
		}
		for _, came := range []refused.Outcome{refused.Accepted, refused.Unanswered, refused.Unsent, refused.Unjudged, refused.Refused} {
			all[came].End(came, "")
		}
		if send(t, replica(books), p, "horse", false, refused.Accepted) {
			t.Error("it is sent once it was refused")
		}
		if !send(t, replica(books), p, "horse", true, refused.Accepted) || !send(t, replica(books), p, "horse", false, refused.Accepted) {
			t.Error("it is not sent once it works again")
		}
	})
}

// What is kept must not say what the secret is, nor that two places have the same.
func TestNothingOfASecretIsKept(t *testing.T) {
	books := new(refused.InMemory)
	seen := map[string]bool{}
	for _, p := range []refused.Place{support, app} {
		send(t, replica(&spy{InMemory: books, seen: seen}), p, "horse", false, refused.Refused)
	}
	if len(seen) != 2 {
		t.Errorf("%d prints of two places", len(seen))
	}
	for print := range seen {
		if sum := sha256.Sum256([]byte("horse")); strings.Contains(print, "horse") || strings.Contains(print, hex.EncodeToString(sum[:])) {
			t.Errorf("it is kept as %s", print)
		}
	}
}

// spy sees what is kept.
type spy struct {
	*refused.InMemory
	seen map[string]bool
}

func (b *spy) Change(ctx context.Context, place string, f func(*refused.Record)) error {
	return b.InMemory.Change(ctx, place, func(r *refused.Record) {
		f(r)
		for _, e := range r.Refused {
			b.seen[e.Print] = true
		}
	})
}
