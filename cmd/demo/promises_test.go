package main

import (
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

func TestAPromiseIsHeldUpToItsLimit(t *testing.T) {
	for _, c := range []struct {
		name     string
		promise  promise
		measured int
		held     bool
	}{
		{"below the most", most("p", 3, nil), 2, true},
		{"at the most", most("p", 3, nil), 3, true},
		{"above the most", most("p", 3, nil), 4, false},
		{"below the least", least("p", 3, nil), 2, false},
		{"at the least", least("p", 3, nil), 3, true},
		{"above the least", least("p", 3, nil), 4, true},
	} {
		if got := (finding{promise: c.promise, measured: c.measured}).held(); got != c.held {
			t.Errorf("%s: held is %v", c.name, got)
		}
	}
}

func TestBrokenPromisesAreNamedAndNoOthers(t *testing.T) {
	c := chapter{title: "A day", promises: []promise{
		most("calls not served", 0, outcome.unserved),
		least("calls served", 1, outcome.served),
		most("failed sign-ins", 2, outcome.failed),
	}}
	bad := outcome{calls: []made{{reason: "gate-shut"}}, ledger: ledger("1!", "2!")}
	err := broken(check(c, bad))
	if err == nil {
		t.Fatal("nothing is broken")
	}
	want := "broken promise: A day: calls not served: 1, at most 0\nbroken promise: A day: calls served: 0, at least 1"
	if err.Error() != want {
		t.Errorf("the error is\n%s\nwant\n%s", err, want)
	}
	if err := broken(check(c, outcome{calls: []made{{}}})); err != nil {
		t.Errorf("all held, and the error is %v", err)
	}
}

// ledger makes sign-ins: a count of failures since a success, and a "!" for one that failed, or an "X" that locked.
func ledger(signIns ...string) (l psatest.Ledger) {
	for _, s := range signIns {
		e := psatest.SignIn{Cause: psatest.CauseOK, Count: int(s[0] - '0'), Zone: "First"}
		if len(s) > 1 {
			e.Cause, e.Locked = psatest.CauseWrongSecret, s[1] == 'X'
		}
		l = append(l, e)
	}
	return l
}

func TestAnOutcomeCountsWhatTheBooksSay(t *testing.T) {
	o := outcome{
		calls: []made{
			{client: "a", took: time.Second},
			{client: "a", title: "there", took: 3 * time.Second},
			{client: "b", title: "lost"},
			{client: "b", title: "doubled"},
			{client: "b", title: "made though refused", reason: "gate-shut", took: time.Hour},
			{client: "b", title: "refused", reason: "credential-refused"},
			{client: crowd, reason: "credential-refused"},
		},
		ledger: ledger("0", "1!", "2!", "0", "1!"),
		stored: map[string]int{"there": 1, "doubled": 2, "made though refused": 1, "somebody else's": 1},
	}
	for name, c := range map[string]struct{ got, want int }{
		"served":                {o.served(), 4},
		"not served":            {o.unserved(), 3},
		"failed":                {o.failed(), 3},
		"most since a success":  {o.most(), 2},
		"distance":              {o.distance(), 5},
		"beyond the served":     {o.beyond(), 1},
		"accepted at the first": {o.at("First"), 2},
		"mislaid":               {o.mislaid(), 3},
		"not served of b":       {unservedOf("b")(o), 2},
		"not served of others":  {unservedOfOthers("b")(o), 1},
		"told refused":          {toldRefused(o), 1},
		"until locked, never":   {untilLocked(o), threshold + 1},
		"until locked, at once": {untilLocked(outcome{ledger: ledger("0", "1!", "2X", "3X")}), 2},
		"longest in seconds":    {int(o.longest().Seconds()), 3},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, want %d", name, c.got, c.want)
		}
	}
	if got, want := o.reasons(), "2 credential-refused, 1 gate-shut"; got != want {
		t.Errorf("reasons %q, want %q", got, want)
	}
}

// A chapter without a limit on failed sign-ins, or one that could hold because nothing was called, would prove nothing.
func TestEveryChapterPromisesSomethingThatCanBreak(t *testing.T) {
	for n, c := range story {
		names := map[string]bool{}
		for _, p := range c.promises {
			names[p.name] = true
		}
		if n > 0 && (!names["calls served"] || !names["failed sign-ins"] || !names["tickets lost, or made twice"]) {
			t.Errorf("%s: promises %v", c.title, names)
		}
		if broken(check(c, outcome{})) == nil {
			t.Errorf("%s: all its promises hold where nothing happens", c.title)
		}
		if strings.TrimSpace(c.about) == "" || len(c.steps) == 0 {
			t.Errorf("%s: it tells nothing", c.title)
		}
	}
}
