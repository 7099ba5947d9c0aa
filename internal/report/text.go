package report

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Printer writes reports for people.
type Printer struct {
	// Out is written to; errors of it are not reported, as nobody reads them then.
	Out io.Writer
	// Location is the time zone that times are shown in. Default: the machine's.
	Location *time.Location

	facts *[]Fact // where the labelled lines go in place of Out, and the others nowhere
}

func (p Printer) line(format string, args ...any) {
	if p.facts != nil {
		return
	}
	_, _ = io.WriteString(p.Out, strings.TrimRight(fmt.Sprintf(format, args...), " ")+"\n")
}

// field writes one indented line with a label.
func (p Printer) field(label, format string, args ...any) {
	if p.facts != nil {
		*p.facts = append(*p.facts, Fact{label, fmt.Sprintf(format, args...)})
		return
	}
	p.line("  %-11s %s", label, fmt.Sprintf(format, args...))
}

// clock shows a time of day, with its date when it was not on the day of now.
func (p Printer) clock(at, now time.Time) string {
	location := p.Location
	if location == nil {
		location = time.Local
	}
	at, now = at.In(location), now.In(location)
	if at.Format(time.DateOnly) != now.Format(time.DateOnly) {
		return at.Format(time.DateTime)
	}
	return at.Format(time.TimeOnly)
}

// age shows a duration in its two largest units.
func age(d time.Duration) string {
	d = max(d, 0).Round(time.Second)
	days, hours, minutes, seconds := d/(24*time.Hour), d/time.Hour%24, d/time.Minute%60, d/time.Second%60
	switch {
	case days > 0:
		return fmt.Sprintf("%dd %dh", days, hours)
	case hours > 0:
		return fmt.Sprintf("%dh %dm", hours, minutes)
	case minutes > 0:
		return fmt.Sprintf("%dm %ds", minutes, seconds)
	default:
		return fmt.Sprintf("%ds", seconds)
	}
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
