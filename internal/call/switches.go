package call

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/inject"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/store"
)

// switchboard is where it is kept who is switched off, for all processes that share it.
type switchboard interface {
	SwitchOff(context.Context, store.Switched) error
	SwitchOn(ctx context.Context, name string) (was bool, err error)
	SwitchedOff(context.Context) ([]store.Switched, error)
}

// lookEvery is how often a process looks who is switched off: others may have done it.
const lookEvery = 500 * time.Millisecond

// switches are the integrations that operators have switched off.
type switches struct {
	board switchboard                               // nil: it is this process's own business
	off   atomic.Pointer[map[string]store.Switched] // as the board had it; nil: that is not known yet
	held  held

	mu sync.Mutex // held while the board is read or written
	on func()     // told that somebody is on again; nil for nobody
}

// held are those that were switched off here and are not on the board yet, so that it holds here also while the board is away.
type held struct {
	mu sync.Mutex
	of map[string]store.Switched
}

func (h *held) put(w store.Switched) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.of == nil {
		h.of = make(map[string]store.Switched)
	}
	h.of[w.Name] = w
}

func (h *held) get(name string) (w store.Switched, is bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w, is = h.of[name]
	return w, is
}

// all returns what is held now.
func (h *held) all() []store.Switched {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Values(h.of))
}

// drop forgets those that are still as they were.
func (h *held) drop(list []store.Switched) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, w := range list {
		if h.of[w.Name] == w {
			delete(h.of, w.Name)
		}
	}
}

func newSwitches(tables guard.Tables) *switches {
	s := new(switches)
	if s.board, _ = tables.(switchboard); s.board == nil {
		s.off.Store(&map[string]store.Switched{})
	}
	return s
}

// known tells whether an integration is off, as far as that is known by now.
func (s *switches) known(name string) (w store.Switched, off bool) {
	if w, off = s.held.get(name); off {
		return w, off
	}
	if all := s.off.Load(); all != nil {
		w, off = (*all)[name]
	}
	return w, off
}

// look reads the board, and writes what it has not yet.
func (s *switches) look(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.read(ctx)
}

func (s *switches) read(ctx context.Context) error {
	if s.board == nil {
		return nil
	}
	held := s.held.all()
	for _, w := range held {
		if err := s.board.SwitchOff(ctx, w); err != nil {
			return err
		}
	}
	list, err := s.board.SwitchedOff(ctx)
	if err != nil {
		return err
	}
	off := make(map[string]store.Switched, len(list))
	for _, w := range list {
		off[w.Name] = w
	}
	s.turned(s.off.Swap(&off), off)
	s.held.drop(held) // not before: it would be on for a moment
	return nil
}

func (s *switches) tellOn(on func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on = on
}

// turned tells where somebody is on again who was off. Called with the mutex held.
func (s *switches) turned(before *map[string]store.Switched, off map[string]store.Switched) {
	if before == nil || s.on == nil {
		return
	}
	for name := range *before {
		if _, still := off[name]; !still {
			s.on()
			return
		}
	}
}

// turnOff switches an integration off. After an error that holds here, and is written by whoever looks next.
func (s *switches) turnOff(ctx context.Context, w store.Switched) error {
	if s.board != nil {
		s.held.put(w) // whoever has the board may wait for it for long
		return s.look(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	off := maps.Clone(*s.off.Load())
	off[w.Name] = w
	s.off.Store(&off)
	return nil
}

// turnOn ends that, and reports whether it was off.
func (s *switches) turnOn(ctx context.Context, name string) (was bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.board == nil {
		off := maps.Clone(*s.off.Load())
		_, was = off[name]
		delete(off, name)
		s.turned(s.off.Swap(&off), off)
		return was, nil
	}
	if was, err = s.board.SwitchOn(ctx, name); err != nil {
		return was, err
	}
	if w, is := s.held.get(name); is {
		was = true
		s.held.drop([]store.Switched{w})
	}
	return was, s.read(ctx)
}

// list returns who is off, by name.
func (s *switches) list() (all []report.SwitchedOff) {
	of := make(map[string]report.SwitchedOff)
	if off := s.off.Load(); off != nil {
		for name, w := range *off {
			of[name] = report.SwitchedOff{Integration: name, Reason: w.Reason, Since: w.At}
		}
	}
	for _, w := range s.held.all() {
		of[w.Name] = report.SwitchedOff{Integration: w.Name, Reason: w.Reason, Since: w.At, HereAlone: true}
	}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		all = append(all, of[name])
	}
	return all
}

// WatchSwitches looks from now on, until the context ends, who is switched off: here, by another process, or before this one
// started. on, which must not wait, is told when somebody is on again who was off; nil for nobody. It is for tables that outlive the process.
func (s *Shared) WatchSwitches(ctx context.Context, on func()) {
	if s.switches.board == nil {
		return
	}
	s.switches.tellOn(on)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		_ = s.switches.look(ctx) // where the store cannot be used, it is what it was; who does not know it yet asks again
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// disabled returns an integration as one that is disabled, where an operator has switched it off.
func (s *switches) disabled(i *identity.Integration) (*identity.Integration, bool) {
	w, off := s.known(i.Name)
	if !off {
		return i, false
	}
	switched := *i
	switched.Disabled, switched.DisabledReason = true, w.Reason
	return &switched, true
}

// switched is an entrance through which nobody comes who is switched off by then, be it that he was let in before, or that it was
// not known yet.
type switched struct {
	inject.Entrance
	switches *switches
	who      *identity.Integration
}

// Reserve implements inject.Entrance.
func (e switched) Reserve(ctx context.Context, ask guard.Ask) (inject.Ticket, error) {
	t, err := e.Entrance.Reserve(ctx, ask)
	if err != nil {
		return t, err
	}
	if denied := e.denied(ctx); denied != nil {
		if n, ok := t.Login.(*lane); ok {
			n.settle(t.Guard, t.Attempt, guard.Outcome{Verdict: guard.NotSent})
		}
		return inject.Ticket{}, denied
	}
	return t, nil
}

func (e switched) denied(ctx context.Context) error {
	if e.switches.off.Load() == nil {
		if err := e.switches.look(ctx); err != nil {
			return &guard.Denied{Reason: guard.StoreUnavailable, RetryAfter: wait, Text: "the gateway's store cannot be read, so nothing is sent: an operator finds the cause in psagate status"}
		}
	}
	if i, off := e.switches.disabled(e.who); off {
		return &guard.Denied{Reason: guard.Reason(autotask.Disabled), Text: disabledText(i)}
	}
	return nil
}

// Disable switches an integration off for all processes that share the store, until Enable. Its callers hear the reason. Where the
// store cannot be used, it holds in this process at once, and in the others once the store can. One that the config does not name
// is report.ErrUnknownIntegration.
func (g *Gateway) Disable(ctx context.Context, name, reason string) (report.Switch, error) {
	if _, known := g.integrations[name]; !known {
		return report.Switch{}, report.ErrUnknownIntegration
	}
	if len(reason) > maxSwitchReason || !plainLine(reason) {
		return report.Switch{}, report.NewUnfit(fmt.Errorf("a reason is one line of text, of %d bytes at the most", maxSwitchReason))
	}
	_, was := g.shared.switches.known(name)
	done := report.Switch{Integration: name, Disabled: true, Changed: !was}
	if err := g.shared.switches.turnOff(ctx, store.Switched{Name: name, Reason: reason, At: time.Now()}); err != nil {
		g.log.Error("an integration is switched off in this process alone, as the store cannot be used: the others follow once it can", "integration", name, "error", err)
		done.HereAlone = true
	}
	return done, nil
}

// plainLine reports whether a text is of one line, shows what it says, and is text at all: PostgreSQL takes nothing else, and what it does
// not take is held here, in the way of what other processes switch.
func plainLine(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
	})
}

// maxSwitchReason is the most bytes of a reason.
const maxSwitchReason = 200

// Enable ends what Disable began. One that the config does not name is report.ErrUnknownIntegration, unless it is switched off.
func (g *Gateway) Enable(ctx context.Context, name string) (report.Switch, error) {
	i, known := g.integrations[name]
	if _, off := g.shared.switches.known(name); !known && !off {
		return report.Switch{}, report.ErrUnknownIntegration
	}
	was, err := g.shared.switches.turnOn(ctx, name)
	if err != nil {
		err = fmt.Errorf("the store cannot be used, so the integration may be as it was, and nothing is sent for long without the store: say it again once psagate status says that the store is back: %w", err)
	}
	return report.Switch{Integration: name, Disabled: i.Disabled, Changed: was}, err
}
