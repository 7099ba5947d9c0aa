package call

import (
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/autotask"
)

// A flood of mails does not use up the PSA's hour: mailboxes have a share of it, and integrations what is left.
func TestMailboxesHaveAShareOfTheHour(t *testing.T) {
	inMailWorld(t, func(w *world, _ *paper) {
		w.mails("support", "GET", "/Tickets/1", "")
		for range MailsHour - 1 { // as if they were made
			w.shared.hours.Take(time.Now(), w.inside("support").hour...)
		}
		before := w.arrived()
		a := w.mails("support", "GET", "/Tickets/1", "")
		if a.Status != 429 || a.Reason != autotask.Rate || a.InDoubt || a.Header.Get("Retry-After") != "3660" || !strings.Contains(string(a.Body), "the mailboxes of main may make 4000 calls in an hour") {
			t.Errorf("%+v %s", a, a.Body)
		}
		if w.arrived() != before {
			t.Error("it came to the PSA")
		}
		w.served("a")
		if a := w.mails("alerts", "GET", "/Tickets/1", ""); a.Status != 200 { // which calls as an integration
			t.Errorf("%+v", a)
		}
		w.load() // gives nothing back
		if a := w.mails("support", "GET", "/Tickets/1", ""); a.Reason != autotask.Rate {
			t.Errorf("%+v", a)
		}
		time.Sleep(61 * time.Minute)
		if a := w.mails("support", "GET", "/Tickets/1", ""); a.Status != 200 {
			t.Errorf("%+v", a)
		}
	})
}

func TestAMailboxMayHaveALimitOfItsOwn(t *testing.T) {
	inMailWorld(t, func(w *world, _ *paper) {
		w.cfg.Mailboxes[0].PerHour = 2
		w.load()
		for n := range 3 {
			if a := w.mails("support", "GET", "/Tickets/1", ""); (a.Reason == autotask.Rate) != (n == 2) {
				t.Errorf("%d: %+v", n, a)
			} else if n == 2 && !strings.Contains(string(a.Body), "this mailbox may make 2 calls in an hour") {
				t.Errorf("%s", a.Body)
			}
		}
	})
}

// One of several mailboxes leaves the others half; one with a limit of its own does not count, nor does one of another login.
func TestSeveralMailboxesShareTheHour(t *testing.T) {
	g := &Gateway{shared: new(Shared), insiders: map[string]*Inside{}}
	boxes := []Mailbox{
		{Name: "a", Login: "x"},
		{Name: "b", Login: "x"},
		{Name: "own", Login: "x", PerHour: 9000},
		{Name: "alone", Login: "y"},
		{Name: "as", Login: "x", As: "i"},
		{Name: "ours", Login: "x", As: "i", PerHour: 5},
	}
	for _, b := range boxes {
		g.insiders[b.Name] = new(Inside)
	}
	g.shareHours(boxes)
	calls := func(name string) (n int) {
		for n < 10_000 && g.hourFull(g.insiders[name].hour, time.Now()) == nil {
			n++
		}
		return n
	}
	for _, c := range []struct {
		name string
		want int
	}{{"a", 2000}, {"own", 9000}, {"alone", 4000}, {"b", 2000}, {"as", 10_000}, {"ours", 5}} {
		if n := calls(c.name); n != c.want {
			t.Errorf("%s made %d calls, not %d", c.name, n, c.want)
		}
	}
}
