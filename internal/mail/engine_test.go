package mail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	netsmtp "net/smtp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/broker/ledger"
)

func TestAMailThatComesBySMTPBecomesATicketInTheMailboxOfItsRecipient(t *testing.T) {
	one, two, books, watcher := new(psa), new(psa), ledger.NewMemory(), new(notebook)
	door, address := aDoor(t)
	a, b := mailbox("support", one, "support@example.test"), mailbox("alerts", two, "Alerts@example.test", "alerts+urgent@example.test")
	a.Door, b.Door = door.Place, door.Place
	e := begin(t, books, watcher)
	e.Use(Config{Mailboxes: []*Mailbox{a, b}, Doors: []*Door{door}})
	send(t, address, "printer", "support+42@example.test")
	send(t, address, "disk", "ALERTS@example.test")
	send(t, address, "both", "support@example.test", "alerts+urgent@example.test")
	eventually(t, "two tickets in each", func() bool { return len(one.made()) == 2 && len(two.made()) == 2 })
	// In whichever order: these are no conversation.
	if got := fmt.Sprint(slices.Sorted(slices.Values(one.made())), slices.Sorted(slices.Values(two.made()))); got != "[both printer] [both disk]" {
		t.Error(got)
	}
	eventually(t, "the books are closed", func() bool {
		states := e.States(t.Context())
		return len(states) == 2 && states[0].Name == "alerts" && states[0].Balance == ledger.Balance{Seen: 2, Tickets: 2} &&
			states[1].Balance == ledger.Balance{Seen: 2, Tickets: 2} && states[1].Counts.Pending() == 0 && states[1].DoorProblem == ""
	})
	if !refuses(address, "sales@example.test") {
		t.Error("a mail is taken for an address of no mailbox")
	}
	watcher.mu.Lock()
	defer watcher.mu.Unlock()
	if len(watcher.ended) != 4 || watcher.ended[0].State != ledger.Done {
		t.Errorf("%+v", watcher.ended)
	}
}

func TestALineOfTheLogNamesItsMailboxOnce(t *testing.T) {
	door, address := aDoor(t)
	m := mailbox("support", new(psa), "support@example.test")
	m.Door = door.Place
	lines := make(chan string, 100)
	e := begin(t, ledger.NewMemory(), nil)
	e.log = slog.New(slog.NewTextHandler(channel(lines), nil))
	e.Use(Config{Mailboxes: []*Mailbox{m}, Doors: []*Door{door}})
	send(t, address, "printer", "support@example.test")
	for line := range lines {
		if strings.Contains(line, "a mail has ended") {
			if strings.Count(line, " mailbox=support") != 1 {
				t.Error(line)
			}
			return
		}
	}
}

// channel is written to line by line.
type channel chan<- string

func (c channel) Write(line []byte) (int, error) {
	c <- string(line)
	return len(line), nil
}

func TestAReloadGoesOnWithNewRoutesAndNewDoors(t *testing.T) {
	p, books := new(psa), ledger.NewMemory()
	door, address := aDoor(t)
	m := mailbox("support", p, "support@example.test")
	m.Door = door.Place
	ran, ended, closed := make(chan struct{}), make(chan struct{}), make(chan struct{})
	m.PSA.Run = func(ctx context.Context) { close(ran); <-ctx.Done(); close(ended) }
	m.Close = func() { close(closed) }
	e := begin(t, books, nil)
	e.Use(Config{Mailboxes: []*Mailbox{m}, Doors: []*Door{door}})
	send(t, address, "first", "support@example.test")
	eventually(t, "a ticket", func() bool { return len(p.made()) == 1 })
	again := mailbox("support", p, "help@example.test")
	again.Route.Default.Queue = "another"
	again.Door = door.Place
	e.Use(Config{Mailboxes: []*Mailbox{again}, Doors: []*Door{door}})
	eventually(t, "the former alias is nobody's", func() bool { return refuses(address, "support@example.test") })
	send(t, address, "second", "help@example.test")
	eventually(t, "a ticket in the other queue", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.tickets) == 2 && p.tickets[1].Fields.Queue == "another"
	})
	for what, is := range map[string]chan struct{}{"what runs beside it ran": ran, "it ended": ended, "what the mailbox held is given back": closed} {
		select {
		case <-is:
		case <-time.After(30 * time.Second):
			t.Error("it never came to this: " + what)
		}
	}
	e.Use(Config{})
	if len(e.Names()) != 0 || len(e.States(t.Context())) != 0 {
		t.Error("a mailbox is left that no config has")
	}
}

func TestWhatIsUnderWayWhenItStopsEnds(t *testing.T) {
	p, books := &psa{hold: make(chan struct{}), began: make(chan struct{}, 1)}, ledger.NewMemory()
	door, address := aDoor(t)
	m := mailbox("support", p, "support@example.test")
	m.Door = door.Place
	e := New(books, slog.New(slog.DiscardHandler), nil)
	e.Use(Config{Mailboxes: []*Mailbox{m}, Doors: []*Door{door}})
	send(t, address, "printer", "support@example.test")
	<-p.began
	e.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if e.Wait(ctx) == nil {
		t.Error("it has not waited for the ticket that is being made")
	}
	close(p.hold)
	if err := e.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := books.Get(t.Context(), 1); err != nil || got.Ticket != 1 {
		t.Errorf("%+v, %v: the ticket that was made is not in the books", got, err)
	}
	closed := false
	late := mailbox("support", p)
	late.Close = func() { closed = true }
	if e.Use(Config{Mailboxes: []*Mailbox{late}}); !closed || len(p.made()) != 1 {
		t.Error("it goes on after it was stopped")
	}
}

// Whoever has begun to send a mail when a config is loaded brings it to the mailbox that its alias has now, or is told to come again.
func TestAMailThatIsUnderWayOverAReloadComesToWhoeverHasItsAlias(t *testing.T) {
	one, two, books := new(psa), new(psa), ledger.NewMemory()
	door, address := aDoor(t)
	config := func(ones, twos string) Config {
		a, b := mailbox("one", one, ones), mailbox("two", two, twos)
		a.Door, b.Door = door.Place, door.Place
		return Config{Mailboxes: []*Mailbox{a, b}, Doors: []*Door{door}}
	}
	e := begin(t, books, nil)
	e.Use(config("support@example.test", "alerts@example.test"))
	data := func(subject string, to ...string) io.WriteCloser {
		var c *netsmtp.Client
		eventually(t, "somebody listens", func() (is bool) { var err error; c, err = netsmtp.Dial(address); return err == nil })
		t.Cleanup(func() { _ = c.Close() })
		err := c.Mail("ada@customer.test")
		for _, address := range to {
			err = errors.Join(err, c.Rcpt(address))
		}
		w, noData := c.Data()
		if err := errors.Join(err, noData); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(w, "From: ada@customer.test\r\nMessage-ID: <%s@customer.test>\r\nSubject: %s\r\n\r\nHelp.\r\n", subject, subject)
		return w
	}
	moved, gone := data("moved", "support@example.test"), data("gone", "support@example.test", "alerts@example.test")
	e.Use(config("sales@example.test", "support@example.test"))
	if err := moved.Close(); err != nil {
		t.Error(err)
	}
	eventually(t, "a ticket", func() bool { return len(two.made()) == 1 })
	if err := gone.Close(); err == nil || !strings.HasPrefix(err.Error(), "451") {
		t.Errorf("a mail for an alias that is gone: %v", err)
	}
	if len(one.made()) != 0 {
		t.Errorf("tickets of the mailbox that had the alias: %q", one.made())
	}
	for _, s := range e.States(t.Context()) {
		if s.Name == "one" && s.Balance.Seen != 0 {
			t.Errorf("%+v", s.Balance)
		}
	}
}

// counting is a Fallback that counts.
type counting struct{ handed atomic.Int32 }

func (c *counting) HandOver(context.Context, drive.Ticket, bool) error { c.handed.Add(1); return nil }

// Whoever is switched off makes no tickets by the PSA's mail service either.
func TestNothingIsHandedToTheMailServiceThatMayNotBeMade(t *testing.T) {
	books, service := ledger.NewMemory(), new(counting)
	door, address := aDoor(t)
	m := mailbox("support", new(psa), "support@example.test")
	m.Door, m.Fallback, m.Rules = door.Place, service, ledger.Rules{FallbackAfter: time.Minute, Backoff: 10 * time.Millisecond}
	m.PSA.Down = func() time.Time { return time.Now().Add(-time.Hour) }
	var asked, may atomic.Int32
	m.PSA.MayMake = func(context.Context, drive.Ticket) error {
		if asked.Add(1); may.Load() == 0 {
			return fmt.Errorf("%w: it is switched off", drive.ErrNotNow)
		}
		return nil
	}
	e := begin(t, books, nil)
	e.Use(Config{Mailboxes: []*Mailbox{m}, Doors: []*Door{door}})
	send(t, address, "printer", "support@example.test")
	eventually(t, "it is asked, and asked again", func() bool { return asked.Load() > 1 })
	if n := service.handed.Load(); n != 0 {
		t.Errorf("%d tickets were handed over", n)
	}
	may.Store(1)
	eventually(t, "it is handed over", func() bool { return service.handed.Load() == 1 })
}

// Its IMAP server is not there, its door cannot be opened: the other mailbox does not notice.
func TestABadMailboxDisturbsNone(t *testing.T) {
	good, bad, books := new(psa), new(psa), ledger.NewMemory()
	door, address := aDoor(t)
	a, b := mailbox("good", good, "good@example.test"), mailbox("bad", bad, "bad@example.test")
	shut := &Door{Place: "nowhere", Listen: func() (net.Listener, error) { return nil, errors.New("the place is taken") }}
	shut.Intake.Domain = "mx.example.test"
	a.Door, b.Door = door.Place, shut.Place
	b.IMAP = &imap.Mailbox{Server: "127.0.0.1:1", TLS: imap.TLSOff, User: "bad", Password: func(context.Context) (string, error) { panic("a secret that breaks down") }}
	e := begin(t, books, nil)
	e.Use(Config{Mailboxes: []*Mailbox{b, a}, Doors: []*Door{shut, door}})
	send(t, address, "printer", "good@example.test")
	eventually(t, "a ticket", func() bool { return len(good.made()) == 1 })
	eventually(t, "a state that says what is wrong", func() bool {
		states := e.States(t.Context())
		return states[0].DoorProblem == "the place is taken" && states[0].Server == "127.0.0.1:1" && states[1].DoorProblem == ""
	})
}

func TestWhatBreaksDownIsBegunAnewLaterEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var at []time.Duration
		r := run(nil, slog.New(slog.DiscardHandler), "it", func(ctx context.Context) {
			at = append(at, time.Since(began))
			if len(at) < 4 {
				panic("broken")
			}
			<-ctx.Done()
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		if want := []time.Duration{0, time.Second, 3 * time.Second, 7 * time.Second}; !slices.Equal(at, want) {
			t.Errorf("at %v, want %v", at, want)
		}
		r.stop()
		<-r.done
	})
}

// What a mail has waited for may be there with another config, or since somebody says so: it does not wait until its time has come.
func TestMailsThatWaitAreLookedAtWhereSomethingHasChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		books, p := ledger.NewMemory(), new(psa)
		waits := func(object string) {
			raw := []byte("From: jo@acme.example\nSubject: " + object + "\nMessage-ID: <" + object + "@acme.example>\n\nText.\n")
			m, _, err := books.Spool(t.Context(), drive.Spooled("support", object, raw, time.Now()), raw)
			if err != nil {
				t.Fatal(err)
			}
			m.Fails, m.Due = 7, time.Now().Add(15*time.Minute)
			if _, err := books.Update(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		e := New(books, slog.New(slog.DiscardHandler), nil)
		within := func(n int) {
			t.Helper()
			time.Sleep(2 * hastenMost)
			if made := p.made(); len(made) != n {
				t.Errorf("%d tickets, want %d", len(made), n)
			}
		}
		waits("first")
		e.Use(Config{Mailboxes: []*Mailbox{mailbox("support", p, "support@example.test")}})
		within(1)
		waits("second")
		within(1) // since nothing has changed
		e.Hasten()
		e.Hasten()
		within(2)
		e.Use(Config{Mailboxes: []*Mailbox{mailbox("support", p, "support@example.test")}})
		waits("third")
		e.Hasten()
		within(3)
		e.Stop()
		if err := e.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestMailsAreForgottenWhenTheirMailboxSaysEvenWhereItIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		books := ledger.NewMemory()
		put := func(mailbox string) int64 {
			m, _, _ := books.Spool(t.Context(), ledger.Mail{Mailbox: mailbox, Object: "smtp:1"}, []byte("raw"))
			m.State, m.Acknowledged, m.Since = ledger.Done, true, time.Now()
			m, err := books.Update(t.Context(), m)
			if err != nil {
				t.Fatal(err)
			}
			return m.ID
		}
		gone := func(id int64) bool {
			_, err := books.Raw(t.Context(), id)
			return errors.Is(err, ledger.ErrGone)
		}
		short, usual, removed := put("short"), put("usual"), put("removed")
		e := New(books, slog.New(slog.DiscardHandler), nil)
		a, b := mailbox("short", new(psa)), mailbox("usual", new(psa))
		a.Keep = 24 * time.Hour
		for _, m := range []*Mailbox{a, b} { // without their workers, which would look for mails all month
			e.boxes[m.name()] = newBox(e, m.name())
			e.boxes[m.name()].mailbox = m
		}
		keeper := run(nil, e.log, "the forgetting", e.forget)
		time.Sleep(23 * time.Hour)
		if gone(short) {
			t.Error("a mail is forgotten too early")
		}
		time.Sleep(3 * time.Hour)
		if !gone(short) || gone(usual) || gone(removed) {
			t.Errorf("after a day: %t, %t, %t", gone(short), gone(usual), gone(removed))
		}
		time.Sleep(DefaultKeep)
		if !gone(usual) || !gone(removed) {
			t.Errorf("after a month: %t, %t", gone(usual), gone(removed))
		}
		keeper.stop()
		<-keeper.done
	})
}

func TestWhatBeginsAndEndsIsToldOnce(t *testing.T) {
	watcher, books := new(notebook), ledger.NewMemory()
	e := New(books, slog.New(slog.DiscardHandler), watcher)
	e.boxes["m"] = newBox(e, "m")
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	look := func(after time.Duration, s State) {
		s.Name = "m"
		e.look(s, now.Add(after))
	}
	passing := State{Door: ":25", DoorProblem: "taken"}
	look(0, passing)
	look(30*time.Second, State{}) // it passed
	look(time.Minute, passing)
	look(90*time.Second, passing)
	look(2*time.Minute, passing) // for a minute by now
	look(3*time.Minute, passing)
	look(4*time.Minute, State{})
	refused := State{Source: imap.State{Problem: &imap.Problem{Refused: true}}}
	look(5*time.Minute, refused)
	look(6*time.Minute, State{})
	look(7*time.Minute, State{Balance: ledger.Balance{Seen: 3, Tickets: 2}})
	look(8*time.Minute, State{BooksProblem: "the store is gone"}) // nothing is known
	look(9*time.Minute, State{Balance: ledger.Balance{Seen: 3, Tickets: 3}, Counts: ledger.Counts{States: map[ledger.State]int{ledger.AtesSent: 2, ledger.AtesInDoubt: 1}}})
	look(10*time.Minute, State{})
	want := []string{
		"m failing mails cannot come in by SMTP at :25: taken", "m working", "m failing", "m working",
		"m gap 3 mails came, and the books have 2 of them", "m balanced", "m fallback 3 mails are with the PSA's mail service", "m fallback-ok",
	}
	if got := watcher.told(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
