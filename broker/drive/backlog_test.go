package drive

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/loop"
)

// Devices write neither Message-ID nor Date, and the same words each time.
func TestTheSameWordsOnAnotherDayAreAnotherMail(t *testing.T) {
	const alarm = "From: printer@msp.example\nTo: support@msp.example\nSubject: Toner low\n\nToner is low.\n"
	w := newWorld(t)
	w.arrive(alarm)
	w.settle()
	w.pass(72 * time.Hour)
	w.arrive(alarm)
	w.settle()
	if w.check(); len(w.tickets) != 2 {
		t.Fatalf("%d tickets, %+v", len(w.tickets), w.mails())
	}
	// The very mail once more, as after its mailbox was restored.
	w.inbox["2:1"], w.came["2:1"] = alarm, w.came["1:1"]
	w.fetch()
	w.settle()
	if w.check(); len(w.tickets) != 2 {
		t.Errorf("%d tickets, %+v", len(w.tickets), w.mails())
	}
}

// Those that wait while nothing can be done are worked on all at once.
func TestMailsThatHaveWaitedAreNoLoop(t *testing.T) {
	w := newWorld(t)
	for n := range 12 {
		w.arrive(fmt.Sprintf("From: monitor@msp.example\nTo: support@msp.example\nMessage-ID: <%d@m>\nSubject: Backup failed\n\nIt did.\n", n))
		w.pass(time.Hour)
	}
	d := w.driver()
	d.Loops = loop.New(loop.Limits{Same: 2, Sender: 5})
	for range 4 {
		if _, err := d.Pass(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	w.settle()
	if w.check(); len(w.tickets) != 12 {
		t.Errorf("%d tickets, %+v", len(w.tickets), w.mails())
	}
}
