package ledger

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Move is a mail's coming to a state.
type Move struct {
	At    time.Time `json:"at"` // in UTC, to the microsecond
	State State     `json:"state"`
	Cause string    `json:"cause,omitempty"`
	// By and Why are set where people decided.
	By  string `json:"by,omitempty"`
	Why string `json:"why,omitempty"`
}

// mostMoves is how many moves a row keeps. A mail whose sends fail for days goes to and fro.
const mostMoves = 24

// moved adds a move. Where there are too many, the oldest goes that was nobody's decision.
func (m Mail) moved(to Move) Mail {
	m.History = append(slices.Clip(m.History), to)
	if len(m.History) > mostMoves {
		oldest := max(0, slices.IndexFunc(m.History[:mostMoves], func(o Move) bool { return o.By == "" }))
		m.History = slices.Delete(slices.Clone(m.History), oldest, oldest+1)
	}
	return m
}

// How much is kept of what a row says in words, in bytes.
const (
	mostFrom = 320
	mostSaid = 300
	mostBy   = 300
	mostWhy  = 300
	mostStep = 500
	// mostSteps is how many of Mail.Why there are.
	mostSteps = 40
)

// Line is a text as a row keeps it, and as it can be shown anywhere: one line of valid UTF-8 without control characters, of at most so
// many bytes.
func Line(text string, most int) string {
	text = strings.Map(func(c rune) rune {
		switch {
		case unicode.IsPrint(c) && c != utf8.RuneError:
			return c
		case unicode.Is(unicode.Cf, c): // among them those that turn the order of writing around
			return -1
		}
		return ' '
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= most {
		return text
	}
	cut := max(0, most-len("…"))
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

// lines are texts as a row keeps them.
func lines(texts []string) (kept []string) {
	for _, text := range texts[:min(len(texts), mostSteps)] {
		kept = append(kept, Line(text, mostStep))
	}
	return kept
}

// Fresh is a row as a Ledger keeps it first, of a mail of so many bytes. Its ID is the Ledger's.
func (m Mail) Fresh(size int) Mail {
	m.State, m.Epoch, m.Size, m.Gone = Spooled, 1, size, false
	m.From, m.Subject = Line(m.From, mostFrom), Line(m.Subject, mostSaid)
	return m
}

// Kept is a row as a Ledger writes it over one that it has, whose Epoch is one more then: what a mail came with stays.
func (m Mail) Kept(have Mail) Mail {
	m.Epoch = have.Epoch + 1
	m.Mailbox, m.Object, m.Content, m.MessageID, m.References, m.Arrived = have.Mailbox, have.Object, have.Content, have.MessageID, have.References, have.Arrived
	m.From, m.Subject, m.Size, m.Gone = have.From, have.Subject, have.Size, have.Gone
	return m
}

// Forgotten is a row after its mail's bytes are removed: nothing of what the mail says stays.
func (m Mail) Forgotten() Mail {
	m.Gone, m.From, m.Subject, m.Plan, m.Why = true, "", "", nil, nil
	m.Epoch++ // whoever has read it before, has read too much
	return m
}
