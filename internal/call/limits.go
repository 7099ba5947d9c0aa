package call

import (
	"fmt"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/limits"
)

// Limits are when, and how often, an integration may call. The zero value allows everything. Each process counts for itself.
type Limits struct {
	// PerMinute is how many calls in a minute; 0: any.
	PerMinute int
	// Concurrent is how many at once, from the first byte to the last of the answer; 0: as many as any integration.
	Concurrent int
	// Hours are the windows in which it may call; none: always.
	Hours []limits.Window
}

// MailsHour is how many calls in an hour the mailboxes of a login make together, unless the config says otherwise of one; where they are
// several, none of them makes more than half of that. The PSA takes 10,000 requests an hour for all of a tenant together, which a flood
// of mails could use up: the rest is for integrations. What has no room waits in the books.
const MailsHour = 4000

// shareHours gives mailboxes their shares of an hour.
func (g *Gateway) shareHours(mailboxes []Mailbox) {
	of := map[string]int{} // how many call as themselves and have no limit, by login
	for _, m := range mailboxes {
		if m.As == "" && m.PerHour == 0 {
			of[m.Login]++
		}
	}
	for _, m := range mailboxes {
		i := g.insiders[m.Name]
		if i == nil {
			continue
		}
		own := limits.Share{Name: MailboxPrefix + m.Name, Most: m.PerHour}
		all := limits.Share{Name: mailsOf + m.Login, Most: MailsHour}
		switch {
		case m.PerHour > 0:
			i.hour = []limits.Share{own}
		case m.As != "":
		case of[m.Login] == 1:
			i.hour = []limits.Share{all}
		default:
			own.Most = MailsHour / 2
			i.hour = []limits.Share{own, all}
		}
	}
}

// mailsOf is before a login's name where its mailboxes are counted together. No name has a space.
const mailsOf = "the mailboxes of "

// hourFull says why a mailbox may not make a call now, or returns nil. The text is the same each time.
func (g *Gateway) hourFull(shares []limits.Share, now time.Time) *entryError {
	wait, full, ok := g.shared.hours.Take(now, shares...)
	if ok {
		return nil
	}
	who := "this mailbox"
	if login, together := strings.CutPrefix(full.Name, mailsOf); together {
		who = "the mailboxes of " + login
	}
	return &entryError{reason: autotask.Rate, retryAfter: wait, text: fmt.Sprintf("%s may make %d calls in an hour, and made them: mails wait, so that the PSA's hourly limit is not used up", who, full.Most)}
}

// oneMore is what a caller is told to wait whose integration has as many calls under way as it may.
const oneMore = time.Second

// limited says why an integration may not make a call now, or returns nil. Writing is frozen for all.
func (g *Gateway) limited(name string, action autotask.Action, now time.Time) *entryError {
	l := g.integrations[name].Limits
	if writes(action) && limits.Any(g.freeze, now) {
		return &entryError{reason: autotask.Policy, text: "writing is frozen until " + clock(limits.End(g.freeze, now)) + ": reading and querying are not"}
	}
	if len(l.Hours) > 0 && !limits.Any(l.Hours, now) {
		again := limits.Begin(l.Hours, now)
		return &entryError{reason: autotask.Rate, retryAfter: again.Sub(now), text: "these are not the hours in which this integration may call: it may from " + clock(again) + " on"}
	}
	if l.PerMinute == 0 {
		return nil
	}
	wait, ok := g.shared.rates.Take(name, l.PerMinute, now)
	if ok {
		return nil
	}
	return &entryError{reason: autotask.Rate, retryAfter: wait, text: fmt.Sprintf("this integration may make %d calls in a minute, and has made them", l.PerMinute)}
}

// writes reports whether an action may change something in the PSA.
func writes(action autotask.Action) bool { return action != autotask.Read && action != autotask.Query }

// clock is a moment as callers are told it, wherever they are.
func clock(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 MST") }

// atOnce is how many calls an integration may have under way, and what the next one hears.
func (g *Gateway) atOnce(name string, most int) (int, *entryError) {
	if own := g.integrations[name].Limits.Concurrent; own > 0 && own < most {
		return own, &entryError{reason: autotask.Rate, retryAfter: oneMore, text: fmt.Sprintf("this integration may have %d calls under way at once, and has them: wait for their answers", own)}
	}
	return most, crowded("this integration has too many calls under way already: wait for their answers")
}
