package report

import (
	"fmt"
	"strings"
	"time"
)

// Status writes the status for people.
func (p Printer) Status(s Status) {
	p.line("state: %s", sentence(s.State, states))
	p.policy(s.Policy, s.Time)
	for _, problem := range s.Problems {
		p.line("! %s", problem)
	}
	p.switchedOff(s.Disabled, s.Time)
	for _, pool := range s.Pools {
		p.line("")
		p.pool(pool)
	}
	for _, login := range s.Logins {
		p.line("")
		p.login(login, s.Time)
	}
	for _, store := range s.Stores {
		p.line("")
		p.store(store, s.Time)
	}
	for _, issuer := range s.Issuers {
		p.line("")
		p.issuer(issuer, s.Time)
	}
	for _, mailbox := range s.Mailboxes {
		p.line("")
		p.mailboxStands(mailbox, s.Time)
	}
}

// sentence is the long form of a word of the JSON, or the word itself where there is none.
func sentence(word string, long map[string]string) string {
	if text, ok := long[word]; ok {
		return text
	}
	return word
}

func (p Printer) login(l LoginStatus, now time.Time) {
	p.line("login %s: %s", l.Name, headline(l))
	if len(l.SharesWith) > 0 {
		p.field("shared", "one budget with %s: they mean the same PSA user", strings.Join(l.SharesWith, ", "))
	}
	if l.State != LoginNoStore {
		p.stands(l, now)
	}
	p.field("queue", "%d of %d waiting, up to %s, %d at once", l.Queue.Waiting, l.Queue.Length, seconds(l.Queue.DeadlineSeconds), l.InFlight)
	p.hanging(l.Hanging, now)
	p.field("zone", "%s", or(l.Zone, "not known yet"))
	if l.LastRefusal != nil {
		p.field("refused", "%s", p.refusal(l, now))
	}
	if l.NextUser != nil {
		p.field("next user", "%s", p.budget(l.NextUser.Units, now))
	}
	for _, problem := range l.Problems {
		p.line("  ! %s", problem)
	}
	if advice := or(l.Advice, l.Advise()); advice != "" {
		p.line("  → %s", advice)
	}
}

// stands writes what the store of the guard knows.
func (p Printer) stands(l LoginStatus, now time.Time) {
	if PassesThrough(l.Name) {
		p.brought(l.Brought, now)
	} else {
		p.field("credential", "%s", p.credentials(l, now))
	}
	p.field("budget", "%s", p.budget(l.Units, now))
	p.field("lockout", "%s", distance(l.Lockout))
	p.field("gate", "%s", p.gate(l.Gate, now))
}

func headline(l LoginStatus) string {
	text := sentence(string(l.State), map[string]string{
		string(LoginIdle):     "not used yet",
		string(LoginGateShut): "waiting for the PSA to answer",
		string(LoginRefused):  "REFUSED, waiting for a new password",
		string(LoginNoStore):  "NO STORE, nothing leaves",
		string(LoginNoSecret): "NO CREDENTIAL from the store",
		string(LoginSpent):    "BUDGET SPENT, nothing leaves",
		string(LoginLocked):   "LOCKED, nothing leaves",
	}) + l.room()
	if l.Observe {
		text += " (observe: counted, not enforced)"
	}
	return text
}

func (p Printer) credentials(l LoginStatus, now time.Time) string {
	parts := make([]string, 0, 2)
	if l.Serving != nil {
		parts = append(parts, l.Serving.called()+" serves"+old(l.Serving.Since, now))
	} else {
		parts = append(parts, "none proven")
	}
	if n := l.Newest; n != nil {
		text := n.called() + " is newest: " + n.State + old(n.Since, now)
		switch {
		case n.RecheckAt != nil:
			text += ", tried again at " + p.clock(*n.RecheckAt, now)
		case n.State == "refused" && l.noRecheck():
			text += ", not tried again by itself"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

// noRecheck reports whether a refused credential has to wait for an event: no room is left to try it in, or the PSA has locked.
func (l LoginStatus) noRecheck() bool {
	return l.Serving == nil && (l.Units.crammed() || l.State == LoginLocked && !l.Observe)
}

// old says how old something is, where it is known since when it is there.
func old(since, now time.Time) string {
	if since.IsZero() {
		return ""
	}
	return ", " + age(now.Sub(since)) + " old"
}

// brought writes which credentials callers brought.
func (p Printer) brought(all []BroughtStatus, now time.Time) {
	if len(all) == 0 {
		p.field("credential", "callers bring their own, and none has yet")
	}
	for i, b := range all {
		label := ""
		if i == 0 {
			label = "credential"
		}
		text := fmt.Sprintf("%s of %s from %s: %s", b.Fingerprint, b.Integration, or(b.Client, "an unknown address"), b.State)
		switch {
		case b.AcceptedAt != nil:
			text += ", last accepted " + p.clock(*b.AcceptedAt, now)
		case b.TriedAt != nil:
			text += ", tried " + p.clock(*b.TriedAt, now)
		}
		p.wrapped(label, text)
	}
}

// budget draws a cell for each unit, the free ones first, and names those that are not free.
func (p Printer) budget(u UnitCounts, now time.Time) string {
	kinds := []struct {
		n          int
		cell, name string
	}{{u.Held, "◐", "in use"}, {u.Lost, "◌", "lost"}, {u.Unknown, "○", "unknown"}, {u.Failed, "×", "failed"}}
	bar := strings.Repeat("●", max(u.Free, 0))
	text := fmt.Sprintf("%d of %d free", u.Free, u.Budget)
	for _, kind := range kinds {
		if kind.n > 0 {
			bar += strings.Repeat(kind.cell, kind.n)
			text += fmt.Sprintf(", %d %s", kind.n, kind.name)
		}
		if kind.name == "lost" && kind.n > 0 && u.LostUntil != nil {
			text += " until " + p.clock(*u.LostUntil, now)
		}
	}
	return bar + "  " + text
}

func distance(l LockoutStatus) string {
	text := fmt.Sprintf("%s of %d away", plural(l.Distance, "failure"), l.Threshold)
	if l.Counted > 0 {
		text += fmt.Sprintf(": the PSA may have counted %d of ours", l.Counted)
	}
	return text
}

func (p Printer) gate(g GateStatus, now time.Time) string {
	if g.Open {
		return "open"
	}
	text := "shut"
	if g.Since != nil {
		text += " since " + p.clock(*g.Since, now)
	}
	if g.RetryAt != nil {
		text += ", one attempt from " + p.clock(*g.RetryAt, now)
	}
	return text
}

func (p Printer) refusal(l LoginStatus, now time.Time) string {
	r := *l.LastRefusal
	if r.Reason == "" {
		return fmt.Sprintf("%s (%s ago), by another process or before a restart; whose: psagate failures %s", p.clock(r.At, now), age(now.Sub(r.At)), l.Name)
	}
	who := or(r.Integration, "psagate's own attempt")
	if r.Reason == WrongZone {
		who += ": by a zone that the login had left"
	}
	what := "a password that was put" // the store has no label for it
	switch {
	case r.Version > 0:
		what = fmt.Sprintf("version %d", r.Version)
	case PassesThrough(l.Name):
		what = "a secret that was brought"
	}
	return fmt.Sprintf("%s (%s ago), %s, %s", p.clock(r.At, now), age(now.Sub(r.At)), what, who)
}

// maxRecords is how many records of a store are shown one by one; beyond it only those with trouble are.
const maxRecords = 20

func (p Printer) store(s StoreStatus, now time.Time) {
	p.line("store %s (%s): %s in use", s.Name, s.Kind, plural(len(s.Records), "record"))
	if s.Session != nil {
		p.line("  %s", p.session(*s.Session, now))
	}
	well, oldest := 0, 0.0
	for _, r := range s.Records {
		if len(s.Records) > maxRecords && r.Error == "" && !r.Stale {
			well, oldest = well+1, max(oldest, r.AgeSeconds)
			continue
		}
		p.line("  %s  %s", r.Path, record(r))
	}
	if well > 0 {
		p.line("  %s without trouble, all confirmed within %s", plural(well, "record"), seconds(oldest))
	}
}

func (p Printer) session(s SessionStatus, now time.Time) string {
	text := "not signed in"
	switch {
	case s.SignedIn && s.ExpiresAt != nil:
		text = "signed in until " + p.clock(*s.ExpiresAt, now)
	case s.SignedIn:
		text = "signed in"
	}
	if s.Error != "" {
		text += ": " + s.Error
	}
	return text
}

func record(r RecordStatus) string {
	text := "never read"
	if r.Version > 0 {
		text = fmt.Sprintf("version %d, confirmed %s ago", r.Version, seconds(r.AgeSeconds))
	}
	if r.Stale && r.Version > 0 {
		text += ", TOO OLD TO SERVE"
	}
	if r.Error != "" {
		text += ": " + r.Error
	}
	return text
}

func seconds(n float64) string { return age(time.Duration(n * float64(time.Second))) }

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// states says for people where the guard's tables live.
var states = map[string]string{
	"":            "not open yet",
	StateMemory:   "in memory, on this node; a restart forgets it",
	StateSQLite:   "in a file on this node",
	StatePostgres: "in PostgreSQL, which other nodes may share",
}
