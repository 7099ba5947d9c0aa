package alert

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/report"
)

func TestWhatHappensToSeveralLoginsWithinSecondsIsOneAlert(t *testing.T) {
	atDesk(t, func(d *desk) {
		for i := range 3 {
			d.Happened(Change{State: refused, Login: fmt.Sprint("login", i)})
			time.Sleep(time.Second)
		}
		d.hears("while it is gathered")
		time.Sleep(soon)
		d.hears("then", "login0 refused, login1 refused, login2 refused")
		d.countedAs("map[webhook delivered:1]")
	})
}

func TestAnAlertOfVeryManyChangesIsBounded(t *testing.T) {
	atDesk(t, func(d *desk) {
		for i := range report.MaxAlertChanges + 7 {
			d.Happened(Change{State: report.AlertNoSecret, Login: fmt.Sprint("login", i)})
		}
		time.Sleep(soon)
		told := d.told()
		if len(told) != 1 || !strings.HasSuffix(told[0], ", and 7 more") {
			t.Errorf("told %q", told)
		}
	})
}

func TestTheSameOfALoginIsToldOnceInAWhileAndTheRestIsCounted(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.happens(refused)
		time.Sleep(soon)
		d.hears("the first time", "main refused")
		for range 3 {
			time.Sleep(time.Minute)
			d.happens(refused)
		}
		d.Happened(Change{State: refused, Login: "second"})
		time.Sleep(soon)
		d.hears("another login", "second refused")
		time.Sleep(DefaultEvery)
		d.hears("it is so still, and people know")
		d.happens(refused)
		time.Sleep(soon)
		d.hears("the next time", "main refused +3")
		time.Sleep(DefaultEvery)
		d.happens(refused)
		time.Sleep(soon)
		d.hears("the time after that", "main refused")
	})
}

func TestAStateThatChangesAHundredTimesAnHourIsFewAlerts(t *testing.T) {
	atDesk(t, func(d *desk) {
		counts := map[string]int{}
		for range 100 {
			d.happens(refused)
			time.Sleep(18 * time.Second)
			d.happens(recovered)
			time.Sleep(18 * time.Second)
		}
		synctest.Wait()
		last := map[report.AlertState]time.Time{}
		for _, a := range d.got {
			for _, c := range a.Changes {
				if before, told := last[c.State]; told && a.Time.Sub(before) < DefaultEvery {
					t.Errorf("%s is told again after %v", c.State, a.Time.Sub(before))
				}
				last[c.State] = a.Time
				counts[string(c.State)] += 1 + c.HeldBack
			}
		}
		if len(d.got) > 2*4 || counts["refused"] < 70 {
			t.Errorf("%d alerts, which tell of %v", len(d.got), counts)
		}
	})
}

func TestWhatIsHeldBackIsToldWhenItMayBeAndIsStillSo(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.happens(refused)
		time.Sleep(time.Minute)
		d.happens(recovered)
		time.Sleep(time.Minute)
		d.hears("at first", "main refused", "main recovered after [refused]")
		d.happens(refused)
		time.Sleep(10 * time.Minute)
		d.hears("too early")
		time.Sleep(5 * time.Minute)
		d.hears("people thought that it serves", "main refused")
		d.happens(recovered)
		time.Sleep(soon)
		d.happens(refused, recovered, refused, recovered)
		time.Sleep(time.Hour)
		d.hears("it came back to what was told", "main recovered after [refused]")
	})
}

func TestAGateThatShutsForSecondsIsNotToldOf(t *testing.T) {
	atDesk(t, func(d *desk) {
		for range 3 {
			d.happens(gateShut)
			time.Sleep(2 * time.Second)
			d.happens(recovered)
			time.Sleep(10 * time.Second)
		}
		d.hears("one call without an answer each")
		d.happens(gateShut)
		time.Sleep(2 * time.Second)
		d.happens(gateShut) // the probe got none either
		time.Sleep(soon)
		d.hears("it stays shut", "main gate-shut +1")
		time.Sleep(20 * time.Minute)
		d.happens(recovered)
		time.Sleep(soon)
		d.hears("the PSA is back", "main recovered after [gate-shut]")
		d.happens(gateShut)
		time.Sleep(time.Second)
		d.happens(recovered)
		time.Sleep(time.Hour)
		d.hears("a short one, whose end was told a moment before")
		d.happens(gateShut)
		time.Sleep(soon)
		d.hears("another, which stays shut", "main gate-shut")
		time.Sleep(time.Hour)
		d.happens(gateShut, refused, recovered)
		time.Sleep(soon)
		d.hears("more than the gate was wrong", "main gate-shut, main refused, main recovered after [gate-shut refused] +1")
	})
}

func TestWhatHappensTwiceWhileItIsGatheredIsToldAtItsLastPlace(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.happens(refused, recovered, refused)
		time.Sleep(soon)
		d.hears("", "main recovered after [refused], main refused +1")
	})
}

func TestTargetsAreToldOfTheirStates(t *testing.T) {
	atDesk(t, func(d *desk) {
		some, ends := new(reader), new(reader)
		d.Configure(Config{Targets: []Target{d.target("first"), some.target("some", locked, recovered), ends.target("ends", recovered)}})
		d.happens(refused, recovered)
		time.Sleep(soon)
		d.hears("all", "main refused, main recovered after [refused]")
		if got := some.told(); len(got) > 0 {
			t.Errorf("whom nobody told of the refusal is told of its end: %q", got)
		}
		time.Sleep(time.Hour)
		d.happens(refused, locked, released, recovered)
		time.Sleep(soon)
		d.hears("all", "main refused, main locked, main released, main recovered after [refused locked]")
		if got := fmt.Sprint(some.told(), ends.told()); got != "[main locked, main recovered after [refused locked]] []" {
			t.Errorf("told %s", got)
		}
	})
}

func TestNobodyIsToldWhatHappenedBeforeThereWasSomebody(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.Configure(Config{})
		d.happens(refused)
		time.Sleep(soon)
		d.Configure(Config{Targets: []Target{d.target("first")}})
		d.happens(refused)
		time.Sleep(soon)
		d.hears("", "main refused")
	})
}

func TestAnAlertSaysWhatIsKnownOfTheFailures(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.Configure(Config{Targets: []Target{d.target("first")}, Failures: func() []report.LoginFailures {
			l := report.LoginFailures{
				Login: "main", SharesWith: []string{"second"}, State: report.LoginLocked,
				Attempts: []report.FailedAttempt{{Integration: "itglue", Key: "1a2b3c4d", Client: "192.0.2.7", Version: 3, Verdict: "locked", Said: "500: locked"}},
			}
			l.Conclude()
			return []report.LoginFailures{{Login: "other"}, l}
		}})
		d.Happened(Change{State: locked, Login: "second", Integration: "itglue", Version: 3})
		time.Sleep(soon)
		synctest.Wait()
		a := d.got[0]
		if c := a.Changes[0]; c.Attempt == nil || c.Attempt.Key != "1a2b3c4d" || !strings.Contains(c.Next, "psagate release main") || c.Failures.By[0].Integration != "itglue" {
			t.Errorf("%+v", a.Changes[0])
		}
		if a.Subject != "psagate: login second is locked" || !strings.Contains(a.Text, "key 1a2b3c4d from 192.0.2.7; version 3") || a.Host != "gate" || a.ID == "" {
			t.Errorf("%+v", a)
		}
	})
}

func TestTheThrottleRemembersOverConfigs(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.happens(refused)
		time.Sleep(soon)
		d.hears("at first", "main refused")
		d.Configure(Config{Targets: []Target{d.target("first")}})
		d.happens(refused)
		time.Sleep(time.Minute)
		d.hears("after a reload")
		d.Configure(Config{Targets: []Target{d.target("first")}, Every: 10 * time.Second})
		d.happens(refused)
		time.Sleep(soon)
		d.hears("by the new config's time", "main refused +1")
	})
}

func TestNoLoginIsRememberedForEver(t *testing.T) {
	atDesk(t, func(d *desk) {
		for i := range 50 {
			d.Happened(Change{State: refused, Login: fmt.Sprint("login", i)})
			d.Happened(Change{State: recovered, Login: fmt.Sprint("login", i)})
		}
		time.Sleep(time.Hour)
		d.happens(released)
		time.Sleep(soon)
		synctest.Wait()
		if n := len(d.logins); n != 1 {
			t.Errorf("%d logins are remembered", n)
		}
	})
}

func TestATestReachesEachTargetOnce(t *testing.T) {
	atDesk(t, func(d *desk) {
		if got := fmt.Sprint(New(d.Dispatcher.log, "", nil).Test(t.Context())); got != "{false []}" {
			t.Errorf("without targets: %s", got)
		}
		broken := &reader{fails: func(int) error { return fmt.Errorf("hooks.example.com answered 500") }}
		d.Configure(Config{Targets: []Target{d.target("first", locked), broken.target("broken")}})
		got := d.Test(t.Context())
		want := "{false [{webhook first.example.com true it was taken} {webhook broken.example.com false hooks.example.com answered 500}]}"
		if fmt.Sprint(got) != want || len(broken.tries) != 1 {
			t.Errorf("got  %v\nwant %s", got, want)
		}
		if a := d.got[0]; !a.Test || a.Subject != "psagate: a test of alerts" || !strings.Contains(a.Text, "nothing happened") || len(a.Changes) > 0 {
			t.Errorf("%+v", a)
		}
	})
}
