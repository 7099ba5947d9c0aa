package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxRows is how many of a login's attempts, and of the calls that were not let in, are shown; the JSON has all.
const MaxRows = 20

// Failures writes what failed for people.
func (p Printer) Failures(f Failures) {
	switch {
	case f.Unread:
		p.line("what failed since %s is not known: %s", p.clock(f.Since, f.Time), unreadStore)
		p.line("what this process remembers:")
	case !f.Any():
		p.line("nothing failed since %s%s", p.clock(f.Since, f.Time), p.keptSince(f))
	}
	var calm []string
	for _, login := range f.Logins {
		if login.calm() {
			calm = append(calm, login.Login)
			continue
		}
		p.failures(login, f)
		p.line("")
	}
	switch {
	case f.Unread && len(calm) > 0:
		p.line("no attempt of %s that failed is remembered", several(calm))
	case f.Any() && len(calm) > 0:
		p.line("no attempt failed of %s", several(calm))
	}
	p.callers(f)
	p.people(f)
	if f.Any() && f.KeptSince.After(f.Since) {
		p.line("nothing is known from before %s", p.clock(f.KeptSince, f.Time))
	}
}

// unreadStore is why nothing better is known than what a process remembers.
const unreadStore = "the store of the guard cannot be read"

// calm reports whether there is nothing to tell of a login but that no attempt failed.
func (l *LoginFailures) calm() bool {
	return len(l.Attempts) == 0 && (l.State == LoginIdle || l.State == LoginServing) && l.Hanging == nil && l.Units.stuck() == 0
}

func (p Printer) keptSince(f Failures) string {
	if f.KeptSince.After(f.Since) {
		return fmt.Sprintf("; known since %s", p.clock(f.KeptSince, f.Time))
	}
	return ""
}

func (p Printer) failures(l LoginFailures, f Failures) {
	p.line("login %s: %s", l.Login, headline(l.asStatus()))
	if len(l.SharesWith) > 0 {
		p.field("shared", "with %s: they mean the same PSA user", strings.Join(l.SharesWith, ", "))
	}
	for i, by := range l.By {
		label := ""
		if i == 0 {
			label = "failed"
		}
		p.wrapped(label, p.failedBy(by, f.Time))
	}
	p.field("counted", "%s", p.counted(l, f.Time))
	for i, u := range l.untold() {
		label := ""
		if i == 0 {
			label = "units"
		}
		p.wrapped(label, u.whatOf())
	}
	p.hanging(l.Hanging, f.Time)
	if l.Outside != "" {
		p.wrapped("outside", l.Outside)
	}
	if len(l.Attempts) > 0 {
		p.attempts(l, f.Time)
	}
	for _, use := range l.Uses {
		p.use(l, use, f.Time)
	}
	p.wrapped("next:", l.Next)
}

// failedBy names who made attempts that failed, and where they came from.
func (p Printer) failedBy(by FailedBy, now time.Time) string {
	var how []string
	if by.Refused > 0 {
		how = append(how, fmt.Sprintf("%d refused", by.Refused))
	}
	if by.Unanswered > 0 {
		how = append(how, fmt.Sprintf("%d without a verdict", by.Unanswered))
	}
	text := fmt.Sprintf("%s: %s, last %s", or(by.Integration, "psagate itself"), strings.Join(how, ", "), p.clock(by.LastAt, now))
	if len(by.Keys) > 0 {
		text += "; key " + few(by.Keys)
	}
	if len(by.Clients) > 0 {
		text += " from " + few(by.Clients)
	}
	return text
}

// few joins two names, and counts the rest.
func few(names []string) string {
	if more := len(names) - 2; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:2], ", "), more)
	}
	return strings.Join(names, ", ")
}

func (p Printer) counted(l LoginFailures, now time.Time) string {
	if l.State == LoginNoStore {
		return fmt.Sprintf("not known; the PSA locks at %d", l.Lockout.Threshold)
	}
	success := ", and no success is known"
	if l.LastSuccessAt != nil {
		success = " since the last success at " + p.clock(*l.LastSuccessAt, now)
	}
	n := strconv.Itoa(l.FailedSinceSuccess)
	switch most := l.FailedSinceSuccess + l.mayHaveFailed(); {
	case most > l.FailedSinceSuccess && l.FailedSinceSuccess == 0:
		n = fmt.Sprintf("up to %d", most)
	case most > l.FailedSinceSuccess:
		n = fmt.Sprintf("%s to %d", n, most)
	}
	return fmt.Sprintf("%s of ours failed%s; the PSA locks at %d", n, success, l.Lockout.Threshold)
}

// attempts writes a table of the last attempts that failed, with a line for what the PSA said where that changes.
func (p Printer) attempts(l LoginFailures, now time.Time) {
	rows, shown := [][]string{{"time", "who", "key", "from", "operation", "ver", "verdict", "unit"}}, l.Attempts
	if len(shown) > MaxRows {
		shown = shown[len(shown)-MaxRows:]
	}
	for _, a := range shown {
		rows = append(rows, p.attempt(a, now))
	}
	lines, said := table(rows, []int{19, 18, 13, 18, 15, 8, 9, 10}), ""
	p.line("")
	p.line("  %s", lines[0])
	if more := len(l.Attempts) - len(shown); more > 0 {
		p.line("  … %d more before these: see --json", more)
	}
	if l.ForgottenBefore != nil {
		p.line("  … some from before %s are not kept any more", p.clock(*l.ForgottenBefore, now))
	}
	for i, a := range shown {
		p.line("  %s", lines[i+1])
		if words := a.words(); words != said {
			p.broken("    └ ", "      ", words)
			said = words
		}
	}
	p.line("")
}

func (p Printer) attempt(a FailedAttempt, now time.Time) []string {
	who, operation := a.Integration, a.operation()
	if a.Own != "" {
		operation = "sign-in"
	}
	if who == "" {
		who = "psagate " + a.Own
	}
	version, unit := strconv.FormatUint(a.Version, 10), or(a.Unit, "not known")
	if a.Version == 0 {
		version = or(a.Fingerprint, "new")
	}
	if a.Integration == ByWebUI || a.Integration == ByLockoutMail {
		version = "-" // what was typed is not known
	}
	if a.Forgiven {
		unit = "given back"
	}
	return []string{p.clock(a.At, now), who, or(a.Key, "-"), or(a.Client, "-"), operation, version, a.Verdict, unit}
}

// words are where an attempt went, and what came back.
func (a FailedAttempt) words() string {
	text := fmt.Sprintf("%s: %s", hostOf(a.Zone), or(a.Said, "an answer that does not tell"))
	if a.Integration == ByWebUI {
		text = fmt.Sprintf("%s on the PSA's web pages: %s", or(a.Person, "a person"), a.Said)
	}
	if a.Integration == ByLockoutMail {
		text = a.Said
	}
	if a.WrongZone {
		text += "; the login had left this zone"
	}
	if a.OtherUser {
		text += "; as another PSA user than now"
	}
	return text
}

// hostOf is the host of a zone.
func hostOf(zone string) string {
	return strings.TrimPrefix(strings.TrimPrefix(strings.TrimSuffix(zone, "/ATServicesRest/"), "https://"), "http://")
}

// table pads the cells of rows to columns, and cuts what is wider than its column may be.
func table(rows [][]string, most []int) []string {
	widths := make([]int, len(most))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = min(max(widths[i], utf8.RuneCountInString(cell)), most[i])
		}
	}
	lines := make([]string, 0, len(rows))
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			if runes := []rune(cell); len(runes) > most[i] {
				cell = string(runes[:most[i]-1]) + "…"
			}
			line.WriteString(cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		lines = append(lines, line.String())
	}
	return lines
}

// use writes who came with a version last.
func (p Printer) use(l LoginFailures, use VersionUse, now time.Time) {
	var by []string
	for _, u := range use.By {
		by = append(by, fmt.Sprintf("%s %s", u.Integration, p.clock(u.LastAt, now)))
	}
	text := "last used by " + several(by)
	switch names := l.leaning(use, now); {
	case l.severalOf(use.Version):
		text += "; replicas, or one before and after a restart, have different passwords by this number"
	case l.Serving != nil && l.Serving.Version == use.Version:
		text = "serves; " + text
		if len(names) > 0 {
			text += "; its password is still needed: without it, calls of " + several(names) + " fail until the PSA takes a newer one"
		}
	}
	if use.Fingerprint != "" {
		p.wrapped("secret", use.Fingerprint+": "+text)
		return
	}
	p.wrapped(fmt.Sprintf("version %d", use.Version), text)
}

// callers writes which calls were not let in.
func (p Printer) callers(f Failures) {
	if len(f.Callers) == 0 {
		return
	}
	p.line("calls that psagate did not let in; nothing of them went to the PSA")
	rows, shown := [][]string{{"last", "calls", "reason", "integration", "key", "from"}}, f.Callers
	if len(shown) > MaxRows {
		shown = shown[len(shown)-MaxRows:]
	}
	for _, c := range shown {
		rows = append(rows, []string{p.clock(c.LastAt, f.Time), strconv.Itoa(c.Count), c.Reason, or(c.Integration, "-"), or(c.Key, "-"), c.Client})
	}
	for i, line := range table(rows, []int{19, 7, 23, 18, 13, 39}) {
		p.line("  %s", line)
		if more := len(f.Callers) - len(shown); i == 0 && more > 0 {
			p.line("  … %d more before these: see --json", more)
		}
	}
	p.wrapped("next:", shown[len(shown)-1].Advise())
}

// maxLine is how long a line may be that is broken between words.
const maxLine = 100

// wrapped is field for a text that may be longer than a line.
func (p Printer) wrapped(label, text string) {
	if p.facts != nil {
		p.field(label, "%s", text)
		return
	}
	p.broken(fmt.Sprintf("  %-11s ", label), strings.Repeat(" ", 14), text)
}

// broken writes a text in lines of which the first begins with one text, and the others with another.
func (p Printer) broken(first, others, text string) {
	line := first
	for _, word := range unbroken(text) {
		if n := utf8.RuneCountInString(line); n > utf8.RuneCountInString(first) && n+utf8.RuneCountInString(word) > maxLine {
			p.line("%s", line)
			line = others
		}
		line += word + " "
	}
	p.line("%s", line)
}

// unbroken returns the words of a text, each command of psagate's as one, so that it can be copied.
func unbroken(text string) (words []string) {
	open := 0
	for _, word := range strings.Fields(text) {
		if open > 0 {
			words[len(words)-1] += " " + word
			open--
			if strings.HasSuffix(word, ";") || strings.HasSuffix(word, ":") {
				open = 0
			}
			continue
		}
		words = append(words, word)
		if word == "psagate" {
			open = 3
		}
	}
	return words
}
