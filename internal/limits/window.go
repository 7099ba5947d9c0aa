// Package limits says when, and how often, somebody may call.
package limits

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Window is a time of day on some days of the week, as people on one clock see it. One that ends before it begins goes on into the
// next day.
type Window struct {
	days     [7]bool // by time.Weekday
	from, to int     // minutes of the day
	location *time.Location
	text     string
}

// dayNames are in the order of time.Weekday.
var dayNames = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// ParseWindow reads days, each a weekday as its first three letters or a range of them, mon-fri; a span of the day, 08:00-18:00; and
// the name of a time zone, empty for UTC. The errors say what is wrong, to whoever wrote it.
func ParseWindow(days []string, span, zone string) (Window, error) {
	w := Window{text: strings.TrimSpace(strings.Join(days, " ") + " " + span + " " + zone)}
	if len(days) == 0 {
		return w, fmt.Errorf("a weekday is missing, such as mon-fri")
	}
	for _, day := range days {
		if err := w.addDays(day); err != nil {
			return w, err
		}
	}
	from, to, both := strings.Cut(span, "-")
	var err1, err2 error
	w.from, err1 = minuteOf(from)
	w.to, err2 = minuteOf(to)
	if !both || err1 != nil || err2 != nil || w.from == w.to || w.from == 24*60 {
		return w, fmt.Errorf("hours are written as 08:00-18:00, on a clock of 24 hours; 00:00-24:00 is the whole day")
	}
	var err error
	if w.location, err = time.LoadLocation(zone); err != nil || zone == "Local" {
		return w, fmt.Errorf("there is no time zone %q: names are such as Europe/Berlin, America/New_York or UTC", zone)
	}
	return w, nil
}

// addDays takes in a weekday, or a range of them.
func (w *Window) addDays(text string) error {
	first, last, ranges := strings.Cut(text, "-")
	if !ranges {
		last = first
	}
	from, to := slices.Index(dayNames, first), slices.Index(dayNames, last)
	if from < 0 || to < 0 {
		return fmt.Errorf("%q is no weekday: they are mon, tue, wed, thu, fri, sat and sun, and ranges such as mon-fri", text)
	}
	for day := from; ; day = (day + 1) % 7 {
		w.days[day] = true
		if day == to {
			return nil
		}
	}
}

// IsDays tells whether a text can be nothing but weekdays.
func IsDays(text string) bool { return new(Window).addDays(text) == nil }

func minuteOf(text string) (int, error) {
	if text == "24:00" {
		return 24 * 60, nil
	}
	at, err := time.Parse("15:04", text)
	if err != nil || len(text) != len("15:04") {
		return 0, fmt.Errorf("no time of day")
	}
	return at.Hour()*60 + at.Minute(), nil
}

// String is the window as it was written.
func (w Window) String() string { return w.text }

// Holds reports whether a moment is in the window.
func (w Window) Holds(t time.Time) bool {
	t = t.In(w.location)
	minute, day := t.Hour()*60+t.Minute(), t.Weekday()
	if w.from < w.to {
		return w.days[day] && minute >= w.from && minute < w.to
	}
	return w.days[day] && minute >= w.from || w.days[(day+6)%7] && minute < w.to
}

// turns are the moments after t, for two weeks, at which the window may begin or end: where a clock on the wall shows one of its two
// times, and where those clocks are put forward or back. A time that a clock shows twice that day is there twice.
func (w Window) turns(t time.Time) (all []time.Time) {
	year, month, day := t.In(w.location).Date()
	for n := range fortnight + 2 {
		for _, minute := range [...]int{w.from, w.to} {
			shown := time.Date(year, month, day+n, 0, minute, 0, 0, time.UTC)
			for _, near := range [...]time.Time{shown.AddDate(0, 0, -1), shown.AddDate(0, 0, 1)} {
				_, ahead := near.In(w.location).Zone()
				all = append(all, shown.Add(-time.Duration(ahead)*time.Second))
			}
		}
	}
	for _, change := t.In(w.location).ZoneBounds(); !change.IsZero() && change.Before(t.AddDate(0, 0, fortnight)); {
		all = append(all, change)
		_, change = change.ZoneBounds()
	}
	return all
}

// fortnight is in days. A window of one hour a week is not there at all in the week in which clocks skip that hour.
const fortnight = 14

// turnsOf are those of all windows that come after t, in order.
func turnsOf(windows []Window, t time.Time) []time.Time {
	var all []time.Time
	for _, w := range windows {
		all = append(all, w.turns(t)...)
	}
	all = slices.DeleteFunc(all, func(at time.Time) bool { return !at.After(t) })
	slices.SortFunc(all, time.Time.Compare)
	return all
}

// Any reports whether a moment is in one of the windows.
func Any(windows []Window, t time.Time) bool {
	return slices.ContainsFunc(windows, func(w Window) bool { return w.Holds(t) })
}

// Begin returns when the next of the windows begins after a moment that is in none of them; after two weeks at the latest.
func Begin(windows []Window, t time.Time) time.Time {
	for _, at := range turnsOf(windows, t) {
		if Any(windows, at) {
			return at
		}
	}
	return t.AddDate(0, 0, fortnight)
}

// End returns when the windows that a moment is in are over, one after the other; a week later at the latest, as windows may leave
// no gap.
func End(windows []Window, t time.Time) time.Time {
	last := t.AddDate(0, 0, 7)
	if !Any(windows, t) {
		return t
	}
	for _, at := range turnsOf(windows, t) {
		if !at.Before(last) {
			break
		}
		if !Any(windows, at) {
			return at
		}
	}
	return last
}
