package limits

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	when, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func window(t *testing.T, text string) Window {
	t.Helper()
	words := strings.Fields(text)
	i := 0
	for ; i < len(words) && !strings.Contains(words[i], ":"); i++ {
		continue
	}
	w, err := ParseWindow(words[:i], words[i], strings.Join(words[i+1:], " "))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// 2026-03-02 is a Monday. On 2026-03-29 clocks in Berlin go forward at 2:00, on 2026-10-25 back at 3:00.
func TestAWindowHoldsWhatItSays(t *testing.T) {
	for _, c := range []struct {
		window, at string
		holds      bool
	}{
		{"mon-fri 08:00-18:00", "2026-03-02T08:00:00Z", true},
		{"mon-fri 08:00-18:00", "2026-03-02T07:59:59Z", false},
		{"mon-fri 08:00-18:00", "2026-03-02T17:59:59Z", true},
		{"mon-fri 08:00-18:00", "2026-03-02T18:00:00Z", false},
		{"mon-fri 08:00-18:00", "2026-03-07T12:00:00Z", false},
		{"mon fri 08:00-18:00", "2026-03-03T12:00:00Z", false},
		{"mon fri 08:00-18:00", "2026-03-06T12:00:00Z", true},
		{"fri-mon 08:00-18:00", "2026-03-01T12:00:00Z", true},
		{"fri-mon 08:00-18:00", "2026-03-03T12:00:00Z", false},
		{"sat 00:00-24:00", "2026-03-07T23:59:59Z", true},
		{"sat 00:00-24:00", "2026-03-08T00:00:00Z", false},
		{"fri 22:00-06:00", "2026-03-06T23:00:00Z", true},
		{"fri 22:00-06:00", "2026-03-07T05:59:00Z", true},
		{"fri 22:00-06:00", "2026-03-07T06:00:00Z", false},
		{"fri 22:00-06:00", "2026-03-06T05:00:00Z", false},
		{"mon-fri 08:00-18:00 Europe/Berlin", "2026-03-02T07:00:00Z", true},
		{"mon-fri 08:00-18:00 Europe/Berlin", "2026-03-02T17:00:00Z", false},
		{"mon-fri 08:00-18:00 Europe/Berlin", "2026-07-06T06:00:00Z", true},
		{"sun 02:00-03:00 Europe/Berlin", "2026-10-25T00:30:00Z", true},
		{"sun 02:00-03:00 Europe/Berlin", "2026-10-25T01:30:00Z", true}, // the hour that is there twice
		{"sun 02:00-03:00 Europe/Berlin", "2026-03-29T01:00:00Z", false},
	} {
		if got := window(t, c.window).Holds(at(t, c.at)); got != c.holds {
			t.Errorf("%s at %s: %v", c.window, c.at, got)
		}
	}
}

func TestWhenWindowsBegin(t *testing.T) {
	for _, c := range []struct{ windows, at, want string }{
		{"mon-fri 08:00-18:00", "2026-03-02T07:00:00Z", "2026-03-02T08:00:00Z"},
		{"mon-fri 08:00-18:00", "2026-03-06T18:00:00Z", "2026-03-09T08:00:00Z"},
		{"mon 08:00-18:00", "2026-03-02T18:00:00Z", "2026-03-09T08:00:00Z"},
		{"mon 08:00-18:00|sat 22:00-02:00", "2026-03-03T18:00:00Z", "2026-03-07T22:00:00Z"},
		{"mon-fri 08:00-18:00 Europe/Berlin", "2026-03-27T18:00:00Z", "2026-03-30T06:00:00Z"},
		{"sun 02:30-04:00 Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"},    // there is no 2:30
		{"sun 02:00-03:00 Europe/Berlin", "2026-03-28T12:00:00Z", "2026-04-05T00:00:00Z"},    // nor any of this
		{"sun 02:15-02:45 Europe/Berlin", "2026-10-25T00:50:00Z", "2026-10-25T01:15:00Z"},    // twice
		{"sun 08:00-18:00 America/Havana", "2026-03-05T12:00:00Z", "2026-03-08T12:00:00Z"},   // there is no midnight
		{"sun 00:15-15:00 America/Santiago", "2026-09-05T06:00:00Z", "2026-09-06T04:00:00Z"}, // nor here
	} {
		if got := Begin(windows(t, c.windows), at(t, c.at)); !got.Equal(at(t, c.want)) {
			t.Errorf("%s after %s: %s", c.windows, c.at, got.UTC().Format(time.RFC3339))
		}
	}
}

func windows(t *testing.T, text string) (all []Window) {
	t.Helper()
	for one := range strings.SplitSeq(text, "|") {
		all = append(all, window(t, one))
	}
	return all
}

func TestWhenWindowsEnd(t *testing.T) {
	for _, c := range []struct{ windows, at, want string }{
		{"mon-fri 08:00-18:00", "2026-03-02T12:00:00Z", "2026-03-02T18:00:00Z"},
		{"fri 22:00-06:00", "2026-03-06T23:00:00Z", "2026-03-07T06:00:00Z"},
		{"fri 22:00-06:00", "2026-03-07T05:00:00Z", "2026-03-07T06:00:00Z"},
		{"fri 18:00-24:00|sat sun 00:00-24:00", "2026-03-06T20:00:00Z", "2026-03-09T00:00:00Z"},
		{"mon-sun 00:00-24:00", "2026-03-02T12:00:00Z", "2026-03-09T12:00:00Z"},
		{"sat 22:00-03:00 Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T01:00:00Z"},
		{"sun 14:00-20:00 America/Santiago", "2026-09-06T20:00:00Z", "2026-09-06T23:00:00Z"},
		{"sat 22:00-06:00 America/Havana", "2026-03-08T03:30:00Z", "2026-03-08T10:00:00Z"},
		{"mon 08:00-18:00", "2026-03-02T07:00:00Z", "2026-03-02T07:00:00Z"},
	} {
		if got := End(windows(t, c.windows), at(t, c.at)); !got.Equal(at(t, c.want)) {
			t.Errorf("%s from %s: %s", c.windows, c.at, got.UTC().Format(time.RFC3339))
		}
	}
}

// Whoever is told to come at a moment may come then, and not before; whatever clocks do in between.
func TestWhatIsToldOfWindowsIsSo(t *testing.T) {
	draw := rand.New(rand.NewPCG(1, 2))
	zones := []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Beirut", "UTC", "America/Santiago", "America/Havana"}
	const quarter = 15 * time.Minute
	for range 4000 {
		clock := func(n int) string { return fmt.Sprintf("%02d:%02d", n/4, n%4*15) }
		from := draw.IntN(96)
		to := (from + 1 + draw.IntN(95)) % 96
		text := dayNames[draw.IntN(7)] + " " + clock(from) + "-" + clock(to) + " " + zones[draw.IntN(len(zones))]
		w, now := windows(t, text), at(t, "2026-01-01T00:00:00Z").Add(time.Duration(draw.IntN(365*96))*quarter)
		inside := Any(w, now)
		told := Begin(w, now)
		if inside {
			told = End(w, now)
		}
		if Any(w, told) == inside {
			t.Errorf("%s at %s: told %s, when nothing changes", text, now, told.UTC())
		}
		for between := now; between.Before(told); between = between.Add(quarter) {
			if Any(w, between) != inside {
				t.Errorf("%s at %s: told %s, and it is so at %s", text, now, told.UTC(), between)
				break
			}
		}
	}
}

func TestWhatIsNoWindowIsRefused(t *testing.T) {
	for is, c := range map[string]struct {
		days       []string
		span, zone string
	}{
		"no day":               {nil, "08:00-18:00", ""},
		"a day of no week":     {[]string{"mon-fry"}, "08:00-18:00", ""},
		"a day in full":        {[]string{"monday"}, "08:00-18:00", ""},
		"no end":               {[]string{"mon"}, "08:00", ""},
		"an hour without zero": {[]string{"mon"}, "8:00-18:00", ""},
		"an hour of no day":    {[]string{"mon"}, "08:00-25:00", ""},
		"a beginning at 24":    {[]string{"mon"}, "24:00-08:00", ""},
		"nothing":              {[]string{"mon"}, "08:00-08:00", ""},
		"a zone of no place":   {[]string{"mon"}, "08:00-18:00", "Europe/Entenhausen"},
		"the machine's zone":   {[]string{"mon"}, "08:00-18:00", "Local"},
	} {
		if w, err := ParseWindow(c.days, c.span, c.zone); err == nil {
			t.Errorf("%s: %+v", is, w)
		}
	}
}

func TestSoManyInAMinutePass(t *testing.T) {
	var r Rates
	now := at(t, "2026-03-02T08:00:00Z")
	take := func(name string) bool { _, ok := r.Take(name, 6, now); return ok }
	for range 6 {
		if !take("a") {
			t.Fatal("one of six in the first minute is refused")
		}
	}
	wait, ok := r.Take("a", 6, now)
	if ok || wait != 10*time.Second {
		t.Errorf("the seventh: %v, after %s", ok, wait)
	}
	if !take("b") {
		t.Error("another one pays for it")
	}
	now = now.Add(10 * time.Second)
	if !take("a") || take("a") {
		t.Error("after that wait it is not one")
	}
	now = now.Add(time.Hour)
	for n := range 7 {
		if take("a") != (n < 6) {
			t.Errorf("after an hour, number %d", n+1)
		}
	}
	r.Back("a")
	r.Back("nobody")
	if !take("a") || take("a") {
		t.Error("what was given back is not one")
	}
	now = now.Add(-time.Hour) // a clock that goes back
	if take("a") {
		t.Error("a clock that goes back gives more")
	}
}
