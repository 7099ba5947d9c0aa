package alert

import (
	"slices"
	"time"

	"github.com/psagate/psagate/internal/report"
)

// memory is what is remembered of one login, so that people are told what is so, and not the same again and again.
type memory struct {
	last     report.AlertState               // what happened last
	lastTold report.AlertState               // what people were told last
	told     map[report.AlertState]time.Time // when each was last told
	held     map[report.AlertState]*held
	trouble  []report.AlertState // since the last recovery
	ended    []report.AlertState // the trouble before that
}

// held is what happened again before it could be told again.
type held struct {
	count    int
	change   *report.AlertChange // the last of them
	reviewed bool                // it will be looked at once it may be told
}

func newMemory() *memory {
	return &memory{told: map[report.AlertState]time.Time{}, held: map[report.AlertState]*held{}}
}

// change remembers what happened, and makes of it what people will be told.
func (m *memory) change(c Change, now time.Time) *report.AlertChange {
	out := &report.AlertChange{
		Login: c.Login, State: c.State, At: now, Version: c.Version, Integration: c.Integration, Zone: c.Zone, Store: c.Store, Problem: c.Problem,
	}
	m.last = c.State
	switch c.State {
	case report.AlertRecovered:
		out.After, m.ended, m.trouble = m.trouble, m.trouble, nil
	case report.AlertReleased:
	default:
		m.trouble = union(m.trouble, []report.AlertState{c.State})
	}
	return out
}

// throttled returns how long a state must not be told again.
func (m *memory) throttled(state report.AlertState, every time.Duration, now time.Time) time.Duration {
	at, told := m.told[state]
	if !told {
		return 0
	}
	return every - now.Sub(at)
}

// hold counts a change that is not told, and reports whether nobody will look at it yet.
func (m *memory) hold(c *report.AlertChange) (unreviewed bool) {
	h := m.held[c.State]
	if h == nil {
		h = new(held)
		m.held[c.State] = h
	}
	h.count++
	if h.change != nil {
		c.After = union(h.change.After, c.After)
	}
	unreviewed = !h.reviewed
	h.change, h.reviewed = c, true
	return unreviewed
}

// unheld returns how many changes to a state were held back since it was last told, and counts anew.
func (m *memory) unheld(state report.AlertState) int {
	h := m.held[state]
	if h == nil {
		return 0
	}
	n := h.count
	h.count, h.change = 0, nil
	return n
}

// idle reports whether the login might as well never have been heard of.
func (m *memory) idle(every time.Duration, now time.Time) bool {
	for _, at := range m.told {
		if now.Sub(at) < every {
			return false
		}
	}
	for _, h := range m.held {
		if h.count > 0 || h.reviewed {
			return false
		}
	}
	return len(m.trouble) == 0
}

// union returns what is in one or the other, in the order of the first.
func union(a, b []report.AlertState) []report.AlertState {
	all := slices.Clone(a)
	for _, state := range b {
		if !slices.Contains(all, state) {
			all = append(all, state)
		}
	}
	return all
}

// isBlip reports whether a change is that a gate was shut, or that it opened, and all that was wrong was that one gate, which
// is open again by now: people are told of neither.
func (m *memory) isBlip(c *report.AlertChange) bool {
	return m.last == report.AlertRecovered && onlyGate(m.ended) && (c.State == report.AlertGateShut || c.State == report.AlertRecovered && onlyGate(c.After))
}

func onlyGate(states []report.AlertState) bool {
	return len(states) == 1 && states[0] == report.AlertGateShut
}
