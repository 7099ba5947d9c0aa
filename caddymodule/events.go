package caddymodule

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"

	"github.com/psagate/psagate/internal/call"
	"github.com/psagate/psagate/internal/report"
)

// eventPrefix begins the name of every event of psagate's.
const eventPrefix = "psa_"

// eventFields are the events that psagate emits, with the data that each has.
var eventFields = map[call.Event][]string{
	call.CredentialAccepted: {"login", "version", "integration", "zone"},
	call.CredentialRefused:  {"login", "version", "integration", "zone"},
	call.LoginLocked:        {"login", "version", "integration", "zone"},
	call.BudgetSpent:        {"login", "version", "integration", "zone"},
	call.GateShut:           {"login", "version", "integration", "zone"},
	call.GateOpen:           {"login", "version", "integration", "zone"},
	call.ZoneMoved:          {"login", "zone"},
	call.StoreUnavailable:   {"login"},
	call.SecretUnavailable:  {"login", "store", "problem"},
	call.SecretUnusable:     {"login", "store", "version"},
	call.LoginRecovered:     {"login", "version", "integration", "zone"},
	call.LoginReleased:      {"login"},
	call.LockoutNoticed:     {"login", "mailbox", "notice", "done"},
	call.MailboxFailing:     {"mailbox"},
	call.MailboxWorking:     {"mailbox"},
	call.MailSetAside:       {"mailbox", "done"},
	call.MailMissing:        {"mailbox"},
	call.MailFallback:       {"mailbox"},
}

// eventData returns an event's data. Every name of the event's is there, though its value be empty.
func eventData(h call.Happening) map[string]any {
	all := map[string]string{
		"login": h.Login, "version": h.Version, "integration": h.Integration, "zone": h.Zone, "store": h.Store, "problem": string(h.Problem),
		"mailbox": h.Mailbox, "notice": h.Notice, "done": h.Done,
	}
	data := make(map[string]any, len(all))
	for _, name := range eventFields[h.Event] {
		data[name] = all[name]
	}
	return data
}

// eventsWaiting is how many events may wait for those before them to be handled.
const eventsWaiting = 256

// herald emits events one after the other through the config that is in force, beside whatever they befell: handlers may
// take as long as they like, and only events wait for them.
type herald struct {
	log *slog.Logger

	mu      sync.Mutex
	waiting []call.Happening
	working bool
	dropped int
	emit    func(call.Happening) // of the config in force; nil: there is none
	owner   *App                 // whose emit it is
}

// heralded is this process's.
var heralded = herald{log: slog.New(currentLog{})}

// Happened implements call.Observer.
func (h *herald) Happened(what call.Happening) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.waiting) >= eventsWaiting {
		if h.dropped++; h.dropped == 1 {
			h.log.Error("events are dropped: their handlers take too long", "event", eventPrefix+string(what.Event), "login", what.Login)
		}
		return
	}
	h.waiting = append(h.waiting, what)
	h.work()
}

// work starts the emitting, where there is something to emit and a way to. Called with the mutex held.
func (h *herald) work() {
	if !h.working && h.emit != nil && len(h.waiting) > 0 {
		h.working = true
		go h.run()
	}
}

func (h *herald) run() {
	for what, emit, ok := h.next(); ok; what, emit, ok = h.next() {
		h.safely(what, emit)
	}
}

// next takes the next event, and the way it goes out by.
func (h *herald) next() (what call.Happening, emit func(call.Happening), ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.emit == nil || len(h.waiting) == 0 {
		h.working = false
		return what, nil, false
	}
	if h.dropped > 0 {
		h.log.Error("events were dropped", "count", h.dropped)
		h.dropped = 0
	}
	what = h.waiting[0]
	h.waiting = h.waiting[1:]
	return what, h.emit, true
}

// safely emits an event. A handler that panics ends its event, and not the process.
func (h *herald) safely(what call.Happening, emit func(call.Happening)) {
	defer func() {
		if p := recover(); p != nil {
			h.log.Error("a handler of an event panicked", "event", eventPrefix+string(what.Event), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	emit(what)
}

// through makes events go out by an app's config, and what waits with them.
func (h *herald) through(a *App) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.owner, h.emit = a, a.emit
	h.work()
}

// leave ends the use of an app's config. What happens until there is another waits for it.
func (h *herald) leave(a *App) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.owner == a {
		h.owner, h.emit = nil, nil
	}
}

// emitter returns what emits events by a config.
func emitter(ctx caddy.Context, app *caddyevents.App) func(call.Happening) {
	return func(h call.Happening) { app.Emit(ctx, eventPrefix+string(h.Event), eventData(h)) }
}

// observer is told what happens below this package.
type observer struct {
	*tallies
	*herald
	*alarm
}

// Answered implements call.Observer.
func (o observer) Answered(c report.Call) {
	o.tallies.Answered(c)
	denials.Answered(c)
}

// Happened implements call.Observer.
func (o observer) Happened(what call.Happening) {
	o.herald.Happened(what)
	o.happened(what)
	noteHappening(what)
	tellMailboxes(what)
}

var _ call.Observer = observer{}
