package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

// terminal is where the story is told, 80 columns wide.
type terminal struct {
	out     io.Writer
	updates bool // a line may be written over
	colours bool
	begun   time.Time
}

// newTerminal finds out what the output can do.
func newTerminal(out *os.File) *terminal {
	info, err := out.Stat()
	is := err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
	return &terminal{out: out, updates: is, colours: is && os.Getenv("NO_COLOR") == "", begun: time.Now()}
}

// The colours, as ECMA-48 numbers.
const (
	bold  = "1"
	dim   = "2"
	red   = "31"
	green = "32"
)

func (t *terminal) in(colour, text string) string {
	if !t.colours {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// say writes lines, in place of the live one if there is one.
func (t *terminal) say(lines ...string) {
	if t.updates {
		fmt.Fprint(t.out, "\r\x1b[K")
	}
	fmt.Fprintln(t.out, strings.Join(lines, "\n"))
}

func (t *terminal) opening(w *world) {
	t.say(
		t.in(bold, "psagate, a demo"), "",
		"In this one process: a simulated PSA with two zones, which locks a user after",
		fmt.Sprintf("%d failed sign-ins; psagate, which may spend %d of these; four integrations; a", threshold, budget),
		"mailbox; a secret store; and a provider that signs people in. All numbers about",
		"sign-ins of the PSA are from its own ledger.", "",
		"  gateway    "+w.url(),
		"  console    "+w.desk.url()+"/, where people sign in as Ann, Bob or Eve",
		"  mail       smtp://"+w.desk.mail+" takes mails to "+mailTo,
		"  Caddyfile  "+w.path("Caddyfile"),
		"  policies   "+w.policyFile(),
		"  store      "+w.path("secrets.json"),
		"  log        "+w.path("caddy.log"),
		"  audit log  "+w.path("audit.log"),
	)
}

func (t *terminal) chapter(n int, c chapter) {
	heading := c.title
	if n > 0 {
		heading = fmt.Sprintf("%d. %s", n, c.title)
	}
	t.say(
		"", t.in(bold, heading), "   "+c.about, "",
		t.in(dim, fmt.Sprintf("%54s %7s %15s", "served", "waiting", "failed sign-ins")),
	)
}

func line(at time.Duration, says string, c counts) string {
	return fmt.Sprintf("%4.0f s  %-39s %6d %7d %15d", at.Seconds(), says, c.served, c.waiting, c.failed)
}

// row tells what happened and how the counts were then.
func (t *terminal) row(at time.Duration, says string, c counts) { t.say(line(at, says, c)) }

// shown tells lines that are somebody else's, below what happened.
func (t *terminal) shown(lines []string) {
	for _, text := range lines {
		t.say("        " + t.in(dim, strings.TrimRight(text, "\n")))
	}
}

// live shows the counts until the next line.
func (t *terminal) live(at time.Duration, c counts) {
	if t.updates {
		fmt.Fprint(t.out, "\r", t.in(dim, line(at, "...", c)), "\x1b[K")
	}
}

// outcome tells what a chapter came to and how its promises fared.
func (t *terminal) outcome(o outcome, findings []finding) {
	t.say("", "   served      "+served(o), "   not served  "+unserved(o), "   the PSA     "+signIns(o))
	for _, f := range findings {
		verdict := t.in(green, "held  ")
		if !f.held() {
			verdict = t.in(red, "BROKEN")
		}
		t.say(fmt.Sprintf("     %s  %-46s %6d  %s", verdict, f.name, f.measured, f.bound()))
	}
}

func served(o outcome) string {
	if o.served() == 0 {
		return "none"
	}
	return fmt.Sprintf("%s, the slowest in %.1f s", plural(o.served(), "call"), o.longest().Seconds())
}

func unserved(o outcome) string {
	if o.unserved() == 0 {
		return "none"
	}
	return plural(o.unserved(), "call") + ": " + o.reasons()
}

func signIns(o outcome) string {
	text := plural(o.failed(), "failed sign-in")
	if o.failed() > 0 {
		text += fmt.Sprintf(", at most %d since a success", o.most())
	}
	if o.distance() == 0 {
		return text + ": LOCKED"
	}
	return text + fmt.Sprintf(", %d short of a lock", o.distance())
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// ending sums the story up; the ledgers are those of psagate's user and of the one without psagate.
func (t *terminal) ending(findings []finding, with, without psatest.Ledger) {
	held := 0
	for _, f := range findings {
		if f.held() {
			held++
		}
	}
	verdict := t.in(green, fmt.Sprintf("All %d promises held.", held))
	if held < len(findings) {
		verdict = t.in(red, fmt.Sprintf("%d of %d promises were BROKEN.", len(findings)-held, len(findings)))
	}
	t.say(
		"", t.in(bold, fmt.Sprintf("The end, after %.0f s", time.Since(t.begun).Seconds())), "   "+verdict, "",
		"   with psagate     "+total(with), "   without psagate  "+total(without),
	)
}

// total sums up the sign-ins of one user.
func total(ledger psatest.Ledger) string {
	o := outcome{ledger: ledger}
	text := fmt.Sprintf("%s, %d failed, at most %d since a success", plural(len(ledger), "sign-in"), o.failed(), o.most())
	if o.distance() == 0 {
		return text + ": LOCKED"
	}
	return text
}
