package ledger

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Answer is what came of a step.
type Answer string

// Answers. Which a step can have, is said with each.
const (
	// Yes: it is done; for Look and Find: it is there (Ticket says which, for item 0).
	Yes Answer = "yes"
	// No: for Look and Find: it is not there; for a send: the PSA refuses what it says, and will again.
	No Answer = "no"
	// NotNow: for any step: it surely was not done, for a reason that passes.
	NotNow Answer = "not-now"
	// Unknown: for a send: nobody knows. For any other step the same as NotNow.
	Unknown Answer = "unknown"
)

// Result is an Answer with what belongs to it.
type Result struct {
	Answer Answer
	// Ticket (and its Number) is what item 0 made or was found as: for a note nothing, but where the mail service has made a ticket of
	// it. Merged says that the PSA put it into a ticket that was there.
	Ticket int64
	Number string
	Merged bool
	// Understood is what Understand and UnderstandLeast have found, with Yes; with NotNow of a Send, what the mail is to become instead,
	// of which nothing has been sent yet.
	Understood Understood
}

// Understood is what is written down of a mail that was parsed and routed.
type Understood struct {
	// End is Suspended or Suppressed with a Cause, where nothing is made of the mail.
	End   State
	Cause string
	// Reference, and Ticket and its Number with IsNote for a note.
	Reference string
	IsNote    bool
	Ticket    int64
	Number    string
	// Files is how many attachments there are.
	Files int
	// Plan is Mail.Plan, and Why Mail.Why, which is also kept with an End.
	Plan []byte
	Why  []string
	// WaitFor says that the mail answers one that has not become a ticket yet (Mail.WaitsFor): it is looked at again later.
	WaitFor bool
}

// End is the row as it is written when a step has been done.
func (r Rules) End(m Mail, step Step, result Result, now time.Time) (Mail, error) {
	r = r.Whole()
	switch step {
	case Understand, UnderstandLeast:
		return r.understood(m, step, result, now), nil
	case Send:
		return r.sent(m, result, now), nil
	case Look:
		return r.looked(m, result, now), nil
	case Repair:
		if result.Answer != Yes && result.Answer != No { // it may be done twice
			return r.later(m, now), nil
		}
		m.Repair = false // what the PSA refuses to have put right, stays as it is
		return r.done(m, now), nil
	case SendAtes:
		return r.handedOver(m, result, now), nil
	case Find:
		return r.found(m, result, now), nil
	case Acknowledge:
		if result.Answer != Yes && result.Answer != No { // No: it is not there any more
			return r.later(m, now), nil
		}
		m.Acknowledged, m.Fails = true, 0
		return m, nil
	}
	return m, fmt.Errorf("ledger: there is no end of the step %q", step)
}

// answerWaits is how long at the most an answer is not looked at whose ticket is not there yet: further answers wait behind it, and not for
// as long as for a PSA that is down.
const answerWaits = time.Minute

func (r Rules) understood(m Mail, step Step, result Result, now time.Time) Mail {
	u := result.Understood
	switch {
	case result.Answer == No: // the try counts
		m.Due = now
		return m
	case result.Answer != Yes: // not the mail's fault
		m.Tries = max(0, m.Tries-1)
		return r.later(m, now)
	case u.WaitFor: // nor is it anybody's; what it waits for may be there at any moment
		m.Tries = max(0, m.Tries-1)
		m = r.later(m, now)
		if soon := now.Add(answerWaits); m.Due.After(soon) {
			m.Due = soon
		}
		return m
	}
	m.Least = step == UnderstandLeast
	return r.planned(m, u, now)
}

// planned is a mail of which is known what becomes of it.
func (r Rules) planned(m Mail, u Understood, now time.Time) Mail {
	m.Tries, m.Fails, m.Reference, m.Why = 0, 0, u.Reference, lines(u.Why)
	if u.End != "" {
		return m.end(u.End, u.Cause, now)
	}
	m.IsNote, m.Ticket, m.Number, m.Files, m.Plan = u.IsNote, u.Ticket, u.Number, u.Files, u.Plan
	return r.ready(m, now)
}

func (r Rules) sent(m Mail, result Result, now time.Time) Mail {
	switch result.Answer {
	case Yes:
		return r.arrived(m, result, now)
	case No:
		return r.refused(m, now)
	case NotNow:
		m.Tries = max(0, m.Tries-1)
		if m = m.to(Ready, now); result.Understood.Reference != "" {
			return r.planned(m, result.Understood, now)
		}
		return r.later(m, now)
	}
	return r.doubt(m, now)
}

// arrived is an item that is surely there.
func (r Rules) arrived(m Mail, result Result, now time.Time) Mail {
	if m.Item == 0 {
		if !m.IsNote || result.Ticket != 0 {
			m = m.became(result)
		}
		m.Merged = m.Merged || result.Merged
	}
	return r.done(m, now)
}

// became is a mail that is a ticket now: also where it was to be a note, and the mail service has made a ticket of it.
func (m Mail) became(result Result) Mail {
	if m.IsNote {
		m.Why = append(slices.Clip(m.Why), Line(fmt.Sprintf("the PSA's mail service has made ticket %s of it, although it belongs to ticket %s", cmp.Or(result.Number, fmt.Sprint(result.Ticket)), m.named()), mostStep))
	}
	m.IsNote, m.Ticket, m.Number = false, result.Ticket, result.Number
	return m
}

// done goes on to the next item, or to the end.
func (r Rules) done(m Mail, now time.Time) Mail {
	m.Item++
	m.Cause, m.Tries, m.Fails, m.SentAt, m.Empty = "", 0, 0, time.Time{}, 0
	if m.Item > m.last() {
		return m.end(Done, "", now)
	}
	return r.ready(m, now)
}

// refused is an item that the PSA does not take as it is: a ticket is tried with less in it, an attachment is left out.
func (r Rules) refused(m Mail, now time.Time) Mail {
	m.Tries = max(0, m.Tries-1)
	if m.Item > 0 {
		return r.skip(m, now)
	}
	if m.Plainness++; m.Plainness > r.Plainest {
		return m.end(Dead, "refused", now)
	}
	return r.ready(m, now)
}

// skip leaves an attachment out, which the last note says; where that note itself cannot be made, the mail is done without.
func (r Rules) skip(m Mail, now time.Time) Mail {
	if m.Item <= m.Files {
		m.Skipped++
	}
	return r.done(m, now)
}

func (r Rules) looked(m Mail, result Result, now time.Time) Mail {
	switch {
	case result.Answer == Yes:
		return r.arrived(m, result, now)
	case result.Answer != No:
		return r.later(m, now)
	case !r.absent(&m, now):
		return m
	case m.Tries < r.Send:
		m.Repeated = m.Repeated || m.Item == 0
		return r.ready(m, now)
	case m.Item == 0:
		return m.end(Suspended, "in-doubt", now)
	}
	return r.skip(m, now)
}

// absent counts an answer that it is not there, and tells whether that is enough.
func (r Rules) absent(m *Mail, now time.Time) bool {
	m.Fails = 0
	if settled := r.settled(*m); now.Before(settled) {
		m.Due = settled
		return false
	}
	m.Empty++
	m.Due = now.Add(r.Apart)
	return m.Empty >= 2
}

func (r Rules) handedOver(m Mail, result Result, now time.Time) Mail {
	switch result.Answer {
	case Yes:
		m = m.to(AtesSent, now)
		m.Due, m.Fails, m.Tries = now, 0, 0
		return m
	case No, NotNow: // the API may come back, or it
		m.Tries = max(0, m.Tries-1)
		return r.later(m.to(Ready, now), now)
	}
	return r.doubt(m, now)
}

// found is what became of a mail that was, or may have been, handed to the mail service.
func (r Rules) found(m Mail, result Result, now time.Time) Mail {
	switch {
	case result.Answer == Yes:
		m.Fails = 0
		if m.IsNote && result.Ticket == 0 {
			return r.done(m, now)
		}
		m = m.became(result)
		m.Repair = true
		return r.ready(m, now)
	case result.Answer != No:
		return r.later(m, now)
	case m.State == AtesSent && now.Sub(m.SentAt) < r.AtesLost:
		return r.later(m, now)
	case !r.absent(&m, now):
		return m
	case m.State == AtesSent:
		return m.end(Suspended, "ates-lost", now)
	case m.Tries >= r.Send:
		return m.end(Suspended, "ates-in-doubt", now)
	}
	m.Repeated = true
	return r.ready(m, now)
}
