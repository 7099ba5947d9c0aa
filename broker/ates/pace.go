package ates

import (
	"context"
	"errors"
	"strings"
	"time"
)

// Pace is how fast mails are handed in. What is zero is DefaultPace's.
type Pace struct {
	// Alike is how many mails with one subject are handed in within a Window. Further ones have a subject of their own: their title
	// ends with a part of their reference. The PSA drops what it takes for a loop.
	Alike  int
	Window time.Duration
	// Between is the least time from one mail to the next.
	Between time.Duration
}

// DefaultPace: the PSA's way in for mails takes two of one sender with one subject within 5 minutes, and whether its mail service
// does is not known. A process knows of its own mails alone, and of none from before it began: so each lets one through.
// Exchange Online takes 30 mails a minute of one mailbox.
var DefaultPace = Pace{Alike: 1, Window: 5 * time.Minute, Between: 2 * time.Second}

func (p Pace) whole() (Pace, error) {
	if p.Alike < 0 || p.Window < 0 || p.Between < 0 {
		return p, errors.New("the pace of mails to the mail service cannot be negative")
	}
	if p.Alike == 0 {
		p.Alike = DefaultPace.Alike
	}
	if p.Window == 0 {
		p.Window = DefaultPace.Window
	}
	if p.Between == 0 {
		p.Between = DefaultPace.Between
	}
	return p, nil
}

// pacer remembers what was handed in.
type pacer struct {
	pace Pace
	last time.Time
	sent []sending // the oldest first, of the last Window
}

type sending struct {
	subject string
	at      time.Time
}

// wait waits until a mail may go.
func (p *pacer) wait(ctx context.Context) error {
	wait := time.Until(p.last.Add(p.pace.Between))
	if wait <= 0 || p.last.IsZero() {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// subject is the title, or one like no other where it was used often enough of late.
func (p *pacer) subject(title, reference string, now time.Time) string {
	for len(p.sent) > 0 && now.Sub(p.sent[0].at) >= p.pace.Window {
		p.sent = p.sent[1:]
	}
	subject, alike := titled(title, ""), 0
	for _, s := range p.sent {
		if strings.EqualFold(s.subject, subject) {
			alike++
		}
	}
	if alike < p.pace.Alike {
		return subject
	}
	return Varied(title, reference)
}

// Varied is the title that a ticket has got from the mail service where there were too many mails alike: whoever puts the ticket
// right gives it its own again.
func Varied(title, reference string) string {
	return titled(title, " ["+reference[max(0, len(reference)-6):]+"]")
}

// note counts a mail that is about to be handed in.
func (p *pacer) note(subject string, now time.Time) {
	p.last = now
	p.sent = append(p.sent, sending{subject, now})
}
