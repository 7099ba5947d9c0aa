package tickets

import (
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Trouble is something that somebody should look at.
type Trouble struct {
	// Since and Last are when it came up first and last; Times, how often.
	Since, Last time.Time
	Times       int
	// Text says what is wrong, and what to do where that is known. It holds no secret, and of mails nothing but names of fields and
	// the config's values.
	Text string
}

// troubles are those of the last day, the newest last.
type troubles struct {
	mu  sync.Mutex
	all []Trouble
}

// Bounds of what is kept.
const (
	troublesMost = 50
	troublesFor  = 24 * time.Hour
	saidAgain    = time.Hour
)

// add notes a trouble, and logs it, at first and once an hour.
func (l *troubles) add(now time.Time, log *slog.Logger, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(now)
	i := slices.IndexFunc(l.all, func(t Trouble) bool { return t.Text == text })
	if i < 0 {
		if len(l.all) >= troublesMost {
			l.all = slices.Delete(l.all, 0, 1)
		}
		log.Warn("making tickets of mails has a trouble", "trouble", text)
		l.all = append(l.all, Trouble{Since: now, Last: now, Times: 1, Text: text})
		return
	}
	of := l.all[i]
	if now.Sub(of.Last) >= saidAgain {
		log.Warn("making tickets of mails has a trouble", "trouble", text, "times", of.Times+1)
	}
	of.Last = now
	of.Times++
	l.all = append(slices.Delete(l.all, i, i+1), of)
}

func (l *troubles) forget(now time.Time) {
	l.all = slices.DeleteFunc(l.all, func(t Trouble) bool { return now.Sub(t.Last) > troublesFor })
}

// Troubles are those of the last day: what policy or the PSA does not permit, fields that were left out, references that are there
// twice. The one that came up last is the last.
func (t *Tickets) Troubles() []Trouble {
	t.troubles.mu.Lock()
	defer t.troubles.mu.Unlock()
	t.troubles.forget(t.now())
	return slices.Clone(t.troubles.all)
}
