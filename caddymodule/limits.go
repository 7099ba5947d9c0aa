package caddymodule

import (
	"strings"

	"github.com/psagate/psagate/internal/call"
	"github.com/psagate/psagate/internal/limits"
)

// Window is a time of day on some days of the week.
type Window struct {
	// Days are weekdays by their first three letters, and ranges of them, such as mon-fri. At least one.
	Days []string `json:"days,omitempty"`

	// Span is when on these days, such as 08:00-18:00. One that ends before it begins goes on into the next day. Required.
	Span string `json:"span,omitempty"`

	// TimeZone is whose clock that is, such as Europe/Berlin. Default: UTC.
	TimeZone string `json:"time_zone,omitempty"`
}

// readWindow reads a word with a window:
//
//	<weekday...> <from-to> [<zone>]
func (w *word) readWindow() (Window, error) {
	args, err := w.list("<weekday...> <from-to> [<zone>]")
	if err != nil {
		return Window{}, err
	}
	var out Window
	for len(args) > 0 && !strings.Contains(args[0], ":") {
		out.Days, args = append(out.Days, args[0]), args[1:]
	}
	if len(args) == 0 || len(args) > 2 {
		return Window{}, w.errorf("%s takes <weekday...> <from-to> [<zone>], such as `mon-fri 08:00-18:00 Europe/Berlin`", w.name)
	}
	out.Span, out.TimeZone = args[0], strings.Join(args[1:], "")
	if _, err := out.parsed(); err != nil {
		return Window{}, w.errorf("%s: %w", w.name, err)
	}
	return out, nil
}

func (w Window) parsed() (limits.Window, error) {
	return limits.ParseWindow(w.Days, w.Span, w.TimeZone)
}

// parsedWindows returns windows of a config, which are checked at a path.
func parsedWindows(path string, windows []Window) (all []limits.Window, err error) {
	for _, w := range windows {
		parsed, err := w.parsed()
		if err != nil {
			return nil, faultAt(path, "%w", err)
		}
		all = append(all, parsed)
	}
	return all, nil
}

// freeze reads a window in which nothing may be written.
func (p *parser) freeze(w *word) error {
	window, err := w.readWindow()
	p.app.Freeze = append(p.app.Freeze, window)
	return err
}

// readLimit reads how many calls in a minute an integration may make. Syntax:
//
//	limit <n> per minute
func (i *Integration) readLimit(w *word) (err error) {
	i.PerMinute, err = w.perTime("minute")
	return err
}

// perTime reads how often something may be done in a unit of time: <n> per <unit>.
func (w *word) perTime(unit string) (int, error) {
	args := w.d.RemainingArgs()
	if len(args) != 3 {
		return 0, w.errorf("limit takes <n> per %s, such as `limit 60 per %[1]s`", unit)
	}
	for n, word := range []string{1: "per", 2: unit} {
		if n > 0 && args[n] != word {
			return 0, w.errorf("%s", unknownWord(args[n], "limit", []string{word}))
		}
	}
	return w.asNumber(args[0])
}

func (i *Integration) readHours(w *word) error {
	window, err := w.readWindow()
	i.Hours = append(i.Hours, window)
	return err
}

// checkLimits says what is wrong with an integration's limits.
func (i *Integration) checkLimits(path string) error {
	if i.PerMinute < 0 || i.Concurrent < 0 {
		return faultAt(path, "calls_per_minute and concurrent must be more than 0")
	}
	_, err := parsedWindows(path+" hours", i.Hours)
	return err
}

// limits returns what the engine needs to know of them. The config has been checked.
func (i *Integration) limits() call.Limits {
	hours, _ := parsedWindows("", i.Hours)
	return call.Limits{PerMinute: i.PerMinute, Concurrent: i.Concurrent, Hours: hours}
}

// checkFreeze says what is wrong with the windows in which nothing may be written.
func (a *App) checkFreeze() error {
	_, err := parsedWindows("freeze", a.Freeze)
	return err
}
