package drive

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/loop"
	"github.com/psagate/psagate/broker/route"
)

// slowDesk is a PSA that takes its time, a minute where the title says "slow", and an inbox.
type slowDesk struct {
	Ticketer
	route.Directory

	mu      sync.Mutex
	at      int
	most    int // were at it at once
	tickets []string
	broken  error // what the books say
	panics  bool
}

func (s *slowDesk) Create(_ context.Context, t Ticket) (int64, error) {
	s.mu.Lock()
	s.at++
	s.most = max(s.most, s.at)
	s.mu.Unlock()
	wait := time.Second
	if strings.HasPrefix(t.Title, "slow") {
		wait = time.Minute
	}
	time.Sleep(wait)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at--
	s.tickets = append(s.tickets, t.Title)
	return int64(len(s.tickets)), nil
}

func (*slowDesk) Find(context.Context, string) (Kept, bool, error) { return Kept{}, false, nil }
func (*slowDesk) Read(_ context.Context, id int64) (Kept, error)   { return Kept{ID: id}, nil }

func (*slowDesk) Resources(context.Context, string) ([]route.Person, error)     { return nil, nil }
func (*slowDesk) Contacts(context.Context, string, int) ([]route.Person, error) { return nil, nil }
func (*slowDesk) Companies(context.Context, string) ([]int64, error)            { return nil, nil }

func (*slowDesk) AddNote(context.Context, Note) error { return nil }

func (*slowDesk) Acknowledge(context.Context, string, ledger.State) (bool, error) { return true, nil }

// brokenBooks fail, or break down, as long as the desk says.
type brokenBooks struct {
	ledger.Ledger
	desk *slowDesk
}

func (b brokenBooks) Update(ctx context.Context, m ledger.Mail) (ledger.Mail, error) {
	b.desk.mu.Lock()
	defer b.desk.mu.Unlock()
	if b.desk.panics {
		panic("a mail's words")
	}
	if b.desk.broken != nil {
		return ledger.Mail{}, b.desk.broken
	}
	return b.Ledger.Update(ctx, m)
}

// mailsOf has so many workers at mails of these titles, in a bubble of synctest, and tells what is seen of it.
func mailsOf(t *testing.T, workers int, titles []string, see func(t *testing.T, s *slowDesk, balance func() ledger.Balance, stop func())) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, books := &slowDesk{}, ledger.NewMemory()
		for i, title := range titles {
			raw := fmt.Appendf(nil, "From: jo@acme.example\nSubject: %s\nMessage-ID: <%d@acme.example>\n\nText.\n", title, i)
			if _, _, err := books.Spool(t.Context(), Spooled("support", fmt.Sprint(i), raw, time.Now()), raw); err != nil {
				t.Fatal(err)
			}
		}
		d := &Driver{
			Mailbox: route.Mailbox{Name: "support", Tenant: "1", Default: route.Fields{Company: "0", Queue: "Triage"}},
			Ledger:  brokenBooks{books, s}, Ticketer: s, Directory: s, Source: s, Workers: workers, Loops: loop.New(loop.Limits{}),
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); d.Run(ctx) }()
		stop := func() { cancel(); <-ended }
		defer stop()
		see(t, s, func() ledger.Balance {
			b, err := books.Balance(t.Context(), "support")
			if err != nil {
				t.Error(err)
			}
			return b
		}, stop)
	})
}

func TestAMailThatTakesLongKeepsNoOtherWaiting(t *testing.T) {
	t.Parallel()
	mailsOf(t, 2, []string{"slow", "one", "two", "three", "four"}, func(t *testing.T, s *slowDesk, balance func() ledger.Balance, _ func()) {
		time.Sleep(10 * time.Second)
		if b := balance(); b.Tickets != 4 || b.Pending != 1 || s.most != 2 {
			t.Errorf("%+v; %d at once", b, s.most)
		}
		time.Sleep(time.Minute)
		if b := balance(); b.Tickets != 5 {
			t.Errorf("%+v", b)
		}
	})
}

// The guard against loops knows the tickets that the first of a burst have made when it comes to those that are too many.
func TestABurstThatWaitedGoesToItsTicket(t *testing.T) {
	t.Parallel()
	titles := make([]string, 12)
	for i := range titles {
		titles[i] = "Backup failed"
	}
	mailsOf(t, 2, titles, func(t *testing.T, s *slowDesk, balance func() ledger.Balance, _ func()) {
		time.Sleep(time.Hour)
		if b := balance(); b.Tickets != loop.Default.Same || b.Notes != len(titles)-loop.Default.Same {
			t.Errorf("%+v", b)
		}
	})
}

// A second one for a mail that somebody is at would make its ticket twice.
func TestEachMailIsWorkedOnByOne(t *testing.T) {
	t.Parallel()
	var titles []string
	for i := range 2 * dueMost {
		titles = append(titles, "mail "+strings.Repeat("x", i)) // each is a subject of its own
	}
	mailsOf(t, 7, titles, func(t *testing.T, s *slowDesk, balance func() ledger.Balance, _ func()) {
		time.Sleep(time.Minute)
		if b := balance(); b.Tickets != len(titles) || len(s.tickets) != len(titles) || s.most != 7 {
			t.Errorf("%+v; %d tickets; %d at once", b, len(s.tickets), s.most)
		}
	})
}

func TestWhatIsBegunEndsWhenRunDoes(t *testing.T) {
	t.Parallel()
	mailsOf(t, 3, []string{"slow one", "slow two", "slow three", "four"}, func(t *testing.T, s *slowDesk, balance func() ledger.Balance, stop func()) {
		time.Sleep(time.Second)
		stop()
		if b := balance(); len(s.tickets) != 3 || b.Tickets != 3 || b.Pending != 1 {
			t.Errorf("%+v; %v", b, s.tickets)
		}
	})
}

func TestWorkGoesOnAfterTheBooksFailedOrBrokeDown(t *testing.T) {
	t.Parallel()
	for what, fail := range map[string]func(s *slowDesk, is bool){
		"fail": func(s *slowDesk, is bool) {
			if s.broken = nil; is {
				s.broken = errors.New("the disk is full")
			}
		},
		"break down": func(s *slowDesk, is bool) { s.panics = is },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			mailsOf(t, 2, []string{"one", "slow two", "three"}, func(t *testing.T, s *slowDesk, balance func() ledger.Balance, _ func()) {
				set := func(is bool) {
					s.mu.Lock()
					defer s.mu.Unlock()
					fail(s, is)
				}
				set(true)
				time.Sleep(time.Hour)
				set(false)
				time.Sleep(20 * time.Minute) // what was begun and not written down is taken up when its time is over
				if b := balance(); b.Tickets != 3 {
					t.Errorf("%+v", b)
				}
			})
		})
	}
}

// Whoever looks for what is due without an end, as nothing can be done about it, has no time for anything else.
func TestNothingIsLookedForInACircle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.arrive(plainMail)
		w.run(w.driver()) // it is understood
		w.down = w.now
		counted := &counting{Ledger: w.book}
		d := w.driver()
		d.Workers, d.Ledger, d.Fallback = 2, counted, nil
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		d.Run(ctx)
		if n := counted.n.Load(); n == 0 || n > 40 {
			t.Errorf("the books were asked %d times in a minute", n)
		}
	})
}

type counting struct {
	ledger.Ledger
	n atomic.Int64
}

func (c *counting) Due(ctx context.Context, mailbox string, now time.Time, most int) ([]ledger.Mail, error) {
	c.n.Add(1)
	return c.Ledger.Due(ctx, mailbox, now, most)
}
