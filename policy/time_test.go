package policy

import (
	"testing"
	"time"
)

// berlin is one hour ahead of UTC, without the tables of the system that runs the test.
var berlin = time.FixedZone("Berlin", 3600)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestFreezeWindowsAndHours(t *testing.T) {
	const (
		freeze = permitAll + `@id("year's end") forbid (principal, action in [Action::"create", Action::"update", Action::"delete"], resource)
when { context.time >= datetime("2026-12-24T00:00:00+0100") && context.time < datetime("2027-01-02T00:00:00+0100") };`
		hours    = `permit (principal, action, resource) when { context.hour >= 8 && context.hour < 18 && context.weekday <= 5 };`
		half     = `permit (principal, action, resource) when { context.minute_of_day >= 510 };`
		maybe    = `permit (principal, action, resource) when { context.time.toTime() < duration("12h") };`
		atWeek   = `permit (principal, action, resource) when { context.weekday == 7 };`
		atMonday = `permit (principal, action, resource) when { context.weekday == 1 };`
	)
	for _, test := range []struct {
		name   string
		policy string
		action Action
		time   string
		want   Outcome
	}{
		{"before the freeze one may write", freeze, Update, "2026-12-23T22:59:59Z", Allow},
		{"from its first moment one may not", freeze, Update, "2026-12-23T23:00:00Z", Deny},
		{"until its last", freeze, Update, "2027-01-01T22:59:59.999Z", Deny},
		{"after it one may again", freeze, Update, "2027-01-01T23:00:00Z", Allow},
		{"reading is not frozen", freeze, Read, "2026-12-25T12:00:00Z", Allow},
		{"the clock is that of the zone: before eight", hours, Read, "2026-11-25T06:59:59Z", Deny},
		{"at eight", hours, Read, "2026-11-25T07:00:00Z", Allow},
		{"before six in the evening", hours, Read, "2026-11-25T16:59:59Z", Allow},
		{"at six", hours, Read, "2026-11-25T17:00:00Z", Deny},
		{"a time that comes from another zone is the same", hours, Read, "2026-11-25T16:00:00+09:00", Allow},
		{"on Saturday nothing is permitted", hours, Read, "2026-11-28T12:00:00Z", Deny},
		{"the day is that of the zone, too", atMonday, Read, "2026-11-29T23:30:00Z", Allow},
		{"Sunday is the seventh day", atWeek, Read, "2026-11-29T12:00:00Z", Allow},
		{"minutes count from midnight: before half past eight", half, Read, "2026-11-25T07:29:59Z", Deny},
		{"at half past eight", half, Read, "2026-11-25T07:30:00Z", Allow},
		{"Cedar's own time of day is that of UTC", maybe, Read, "2026-11-25T11:59:00Z", Allow},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := known
			o.Location = berlin
			p, err := Load([]Source{{Name: "a.cedar", Text: []byte(test.policy)}}, o)
			if err != nil {
				t.Fatal(err)
			}
			// What was decided a second before must not be taken for the answer of now.
			r := ask(test.action, "Tickets")
			r.Time = at(test.time).Add(-time.Second)
			p.Decide(r)
			r.Time = at(test.time)
			if d := p.Decide(r); d.Outcome != test.want {
				t.Error(d)
			}
		})
	}
}

func TestATimeThatIsNotKnownFailsWhoAsksForIt(t *testing.T) {
	for _, word := range []string{`context.time < datetime("2026-01-01")`, "context.hour < 8", "context.weekday < 8", "context.minute_of_day < 8"} {
		r := ask(Read, "Tickets")
		r.Time = time.Time{}
		if d := load(t, permitAll+"forbid (principal, action, resource) when { "+word+" };").Decide(r); d.Why != Failed {
			t.Errorf("%s: %s", word, d)
		}
	}
}
