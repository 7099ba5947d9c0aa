package report

import (
	"strings"
	"testing"
	"time"
)

func TestALoginServesWhereACallNeedsNothingButAUnitThatIsInUse(t *testing.T) {
	proven, newest := &CredentialStatus{Version: 1, State: "proven"}, &CredentialStatus{Version: 2, State: "refused"}
	for name, c := range map[string]struct {
		login LoginStatus
		want  bool
	}{
		"it is idle":                            {LoginStatus{State: LoginIdle, Units: UnitCounts{Budget: 5, Free: 5}}, false},
		"all units are free":                    {LoginStatus{State: LoginServing, Serving: proven, Units: UnitCounts{Budget: 5, Free: 5}}, true},
		"all that calls may have are in use":    {LoginStatus{State: LoginServing, Serving: proven, Units: UnitCounts{Budget: 5, Free: 2, Held: 3}}, true},
		"one unit serves, one call at a time":   {LoginStatus{State: LoginServing, Serving: proven, Units: UnitCounts{Budget: 5, Free: 2, Lost: 1, Failed: 1, Unknown: 1}}, true},
		"the last unit is left":                 {LoginStatus{State: LoginServing, Serving: proven, Units: UnitCounts{Budget: 5, Free: 1, Lost: 2, Failed: 1, Unknown: 1}}, false},
		"its gate is shut":                      {LoginStatus{State: LoginGateShut, Serving: proven, Units: UnitCounts{Budget: 5, Free: 5}}, false},
		"it is locked":                          {LoginStatus{State: LoginLocked, Units: UnitCounts{Budget: 5, Free: 5}}, false},
		"it is locked, and observed":            {LoginStatus{State: LoginLocked, Observe: true, Newest: newest}, true},
		"it is observed, and has no credential": {LoginStatus{State: LoginIdle, Observe: true}, false},
		"it is observed, without its secret":    {LoginStatus{State: LoginNoSecret, Observe: true, Serving: proven}, false},
	} {
		if got := c.login.Serves(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAPoolsStatusHasItsLoginsInItsOwnOrder(t *testing.T) {
	s := Status{Logins: []LoginStatus{
		{Name: "a", State: LoginServing, Units: UnitCounts{Budget: 5, Failed: 4}},
		{Name: "b", State: LoginServing, Units: UnitCounts{Budget: 5}},
		{Name: "longer", State: LoginRefused},
		{Name: "other", State: LoginServing, Units: UnitCounts{Budget: 5}},
	}}
	s.Pools = []PoolStatus{s.Pool("crew", []string{"longer", "b", "a"})}
	var out strings.Builder
	Printer{Out: &out, Location: time.UTC}.Status(s)
	want := "pool crew: 1 of 3 logins serves\n  longer  does NOT serve: refused, waiting for a new password\n  b       serves\n  a       does NOT serve: too many units are lost or failed\n"
	if !strings.Contains(out.String(), want) {
		t.Errorf("got:\n%swant:\n%s", &out, want)
	}
}

func TestARotationIsToldInALineForEachLogin(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	since := now.Add(-2 * time.Hour)
	for want, r := range map[string]RotatedLogin{
		"nothing new, version 5 serves since 10:00:00":                   {Outcome: NothingNew, Was: 5, Serving: 5, Newest: 5, ServingSince: &since},
		"nothing new, version 5 serves":                                  {Outcome: NothingNew, Was: 5, Serving: 5, Newest: 5},
		"version 5 serves, no call is under way with version 4 any more": {Outcome: Switched, Was: 4, Serving: 5, Newest: 5},
		"version 5 serves": {Outcome: Switched, Serving: 5, Newest: 5},
		"version 5 serves, CALLS WITH WHAT SERVED BEFORE ARE STILL UNDER WAY":         {Outcome: NotDrained, Was: 4, Serving: 5, Newest: 5},
		"version 5 is REFUSED; what serves is version 4, as before":                   {Outcome: NewRefused, Was: 4, Serving: 4, Newest: 5},
		"version 5 is REFUSED; none serves":                                           {Outcome: NewRefused, Was: 4, Newest: 5},
		"NO VERDICT on version 5; what serves is version 4, as before":                {Outcome: NoVerdict, Was: 4, Serving: 4, Newest: 5},
		"NOT TRIED; what serves is version 4":                                         {Outcome: NotTried, Was: 3, Serving: 4},
		"NOT TRIED; what serves is version 4, as before\n  → The store gives nothing": {Outcome: NotTried, Was: 4, Serving: 4, Detail: "The store gives nothing"},
	} {
		r.Login = "main"
		var out strings.Builder
		Printer{Out: &out, Location: time.UTC}.RotatedLogin(r, now)
		if out.String() != "login main: "+want+"\n" {
			t.Errorf("got %q, want %q", &out, want)
		}
	}
}

func TestARotationTellsWhatItIsAboutToDo(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for want, s := range map[string]RotationStep{
		"login main: reading its newest version, until 12:02:00 at most\n":                                    {Doing: RotationReading},
		"login main: finding out whether the PSA takes version 4, until 12:02:00 at most\n":                   {Doing: RotationAsking, Version: 4},
		"login main: version 4 serves; waiting for 1 call with what served before, until 12:02:00 at most\n":  {Doing: RotationDraining, Version: 4, Calls: 1},
		"login main: version 4 serves; waiting for 3 calls with what served before, until 12:02:00 at most\n": {Doing: RotationDraining, Version: 4, Calls: 3},
	} {
		s.Login, s.Until = "main", now.Add(2*time.Minute)
		var out strings.Builder
		if (Printer{Out: &out, Location: time.UTC}).RotationStep(s, now); out.String() != want {
			t.Errorf("%q, not %q", out.String(), want)
		}
	}
}
