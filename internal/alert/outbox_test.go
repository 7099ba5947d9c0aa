package alert

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var errDown = errors.New("hooks.example.com answered 503 Service Unavailable")

func failing(int) error { return errDown }

func TestAnAlertIsTriedWithDoublingPausesAndThenGivenUp(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.fails = failing
		d.happens(refused)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		pause := firstPause
		for i, at := range d.tries[1:] {
			if got := at.Sub(d.tries[i]); got != pause {
				t.Errorf("pause %d is %v, want %v", i, got, pause)
			}
			pause *= 2
		}
		if len(d.tries) != tries {
			t.Errorf("%d tries", len(d.tries))
		}
		d.countedAs("map[webhook failed:1]")
	})
}

func TestTroubleOfDeliveryIsLoggedOnceAnOutage(t *testing.T) {
	atDesk(t, func(d *desk) {
		for outage := 1; outage <= 2; outage++ {
			d.reader.mu.Lock()
			d.fails = failing
			d.reader.mu.Unlock()
			for i := range 3 {
				d.Happened(Change{State: refused, Login: fmt.Sprint(outage, "-", i)})
				time.Sleep(10 * time.Second)
			}
			time.Sleep(2 * time.Hour)
			d.reader.mu.Lock()
			d.fails = nil
			d.reader.mu.Unlock()
			d.happens(refused)
			time.Sleep(time.Hour)
			down, up := strings.Count(d.log(), `msg="alerts do not arrive" kind=webhook to=first.example.com error="`+errDown.Error()), strings.Count(d.log(), `msg="alerts arrive again"`)
			if down != outage || up != outage {
				t.Errorf("after %d outages: %d lines of them, %d of their ends:\n%s", outage, down, up, d.log())
			}
		}
		d.countedAs("map[webhook delivered:2 webhook failed:6]")
	})
}

func TestWhatIsInVainIsNotTriedAgain(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.fails = func(int) error {
			return fmt.Errorf("a target: %w", Permanent{errors.New("hooks.example.com answered 410 Gone")})
		}
		d.happens(refused)
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(d.tries) != 1 || !strings.Contains(d.log(), "410 Gone") {
			t.Errorf("%d tries: %s", len(d.tries), d.log())
		}
		d.countedAs("map[webhook failed:1]")
	})
}

func TestWhatSomeDidNotGetHasArrivedAndIsLogged(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.fails = func(int) error { return Partial{errors.New("to b@example.com: no such mailbox")} }
		d.happens(refused)
		time.Sleep(time.Hour)
		d.hears("", "main refused")
		if len(d.tries) != 1 || !strings.Contains(d.log(), "no such mailbox") {
			t.Errorf("%d tries: %s", len(d.tries), d.log())
		}
		d.countedAs("map[webhook delivered:1]")
	})
}

func TestATargetThatHangsHoldsUpNobodyAndTheOldestAlertsAreDropped(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.hold = make(chan struct{})
		other := new(reader)
		d.Configure(Config{Targets: []Target{d.target("first"), other.target("other")}})
		for i := range boxSize + 5 {
			d.Happened(Change{State: refused, Login: fmt.Sprint("login", i)})
			time.Sleep(soon)
		}
		if got := other.told(); len(got) != boxSize+5 {
			t.Errorf("the other target was told %d", len(got))
		}
		close(d.hold)
		got := d.told()
		if len(got) != boxSize || got[0] != "login0 refused" || got[1] != "login6 refused" || got[boxSize-1] != fmt.Sprintf("login%d refused", boxSize+4) {
			t.Errorf("told %d: %q", len(got), got)
		}
		d.countedAs(fmt.Sprintf("map[webhook delivered:%d webhook dropped:5]", 2*boxSize+5))
	})
}

func TestAReloadLosesNoAlertAndTriesAtOnce(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.fails = failing
		d.happens(refused)
		time.Sleep(2 * time.Minute) // within the pause of 128 s
		mended := new(reader)
		begin := time.Now()
		d.Configure(Config{Targets: []Target{mended.target("first")}})
		if got := mended.told(); len(got) != 1 || time.Since(begin) > 0 {
			t.Errorf("told %q", got)
		}
		if d.closed != 1 || mended.closed != 0 {
			t.Errorf("the old target is closed %d times, the new one %d", d.closed, mended.closed)
		}
	})
}

func TestATargetIsNotClosedWhileSomethingIsSentToIt(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.hold = make(chan struct{})
		d.happens(refused)
		time.Sleep(soon)
		d.Configure(Config{Targets: []Target{new(reader).target("first")}})
		synctest.Wait()
		if d.closed != 0 {
			t.Error("it is closed")
		}
		close(d.hold)
		d.hears("", "main refused")
		if d.closed != 1 {
			t.Errorf("it is closed %d times", d.closed)
		}
	})
}

func TestATargetThatIsTakenAwayGetsWhatWaitsForIt(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.fails = func(n int) error {
			if n < 4 {
				return errDown
			}
			return nil
		}
		d.happens(refused)
		time.Sleep(soon)
		d.happens(locked) // is being gathered
		d.Configure(Config{})
		time.Sleep(time.Second)
		if len(d.Dispatcher.leaving) != 1 {
			t.Errorf("%d outboxes are left", len(d.Dispatcher.leaving))
		}
		d.happens(released)
		time.Sleep(time.Hour)
		d.hears("", "main refused", "main locked")
		if d.closed != 1 || len(d.Dispatcher.leaving) != 0 {
			t.Errorf("closed %d times, %d outboxes are left", d.closed, len(d.Dispatcher.leaving))
		}
	})
}

func TestAStopSendsWhatThereIsAndWaitsForSomeSeconds(t *testing.T) {
	atDesk(t, func(d *desk) {
		slow, stuck, gone := &reader{hold: make(chan struct{})}, &reader{hold: make(chan struct{})}, &reader{fails: failing}
		d.Configure(Config{Targets: []Target{d.target("first"), slow.target("slow"), stuck.target("stuck"), gone.target("gone")}})
		d.happens(refused)
		begin := time.Now()
		time.AfterFunc(2*time.Second, func() { close(slow.hold) })
		d.Drain(DrainTime)
		if took := time.Since(begin); took != DrainTime {
			t.Errorf("it took %v", took)
		}
		d.hears("", "main refused")
		if got := fmt.Sprint(slow.told(), stuck.told(), gone.told()); got != "[main refused] [] []" {
			t.Errorf("told %s", got)
		}
		if n := strings.Count(d.log(), "not delivered before the stop\" kind=webhook to="); n != 2 {
			t.Errorf("%d lines: %s", n, d.log())
		}
		d.countedAs("map[webhook delivered:2 webhook dropped:2]")
		d.happens(locked)
		time.Sleep(soon)
		d.hears("after it")
	})
}

func TestAStopWaitsForTargetsThatWereTakenAwayToo(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.hold = make(chan struct{})
		d.happens(refused)
		time.Sleep(soon)
		d.Configure(Config{})
		time.AfterFunc(2*time.Second, func() { close(d.hold) })
		d.Drain(DrainTime)
		d.hears("", "main refused")
	})
}

func TestAStopWithNothingToSendIsOverAtOnce(t *testing.T) {
	atDesk(t, func(d *desk) {
		begin := time.Now()
		d.Drain(DrainTime)
		if time.Since(begin) > 0 {
			t.Error("it waits")
		}
	})
}
