package alert

import (
	"crypto/rand"
	"slices"
	"time"

	"github.com/psagate/psagate/internal/report"
)

// Happened takes in a change. Without a target nothing is remembered.
func (d *Dispatcher) Happened(c Change) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.boxes) == 0 {
		return
	}
	of := d.logins[c.Login]
	if of == nil {
		of = newMemory()
		d.logins[c.Login] = of
	}
	d.take(of, of.change(c, time.Now()))
}

// take lets a change be told with the next alert, or holds it back. Called with the mutex held.
func (d *Dispatcher) take(of *memory, c *report.AlertChange) {
	same := slices.IndexFunc(d.pending, func(p *report.AlertChange) bool { return p.Login == c.Login && p.State == c.State })
	switch wait := of.throttled(c.State, d.config.Every, time.Now()); {
	case same >= 0: // it goes to its place in the order of what happened
		c.HeldBack += d.pending[same].HeldBack + 1
		c.After = union(d.pending[same].After, c.After)
		d.pending = append(slices.Delete(d.pending, same, same+1), c)
	case wait > 0:
		if of.hold(c) {
			time.AfterFunc(wait, func() { d.review(c.Login, c.State) })
		}
	default:
		d.add(of, c)
	}
}

// add lets a change be told with the next alert, with what was held back of it. Called with the mutex held.
func (d *Dispatcher) add(of *memory, c *report.AlertChange) {
	c.HeldBack += of.unheld(c.State)
	d.pending = append(d.pending, c)
	if len(d.pending) == 1 {
		time.AfterFunc(gather, d.flush)
	}
}

// review tells what was held back once it may be told again, if it is still so and people were last told something else.
func (d *Dispatcher) review(login string, state report.AlertState) {
	d.mu.Lock()
	defer d.mu.Unlock()
	of := d.logins[login]
	if of == nil {
		return
	}
	held := of.held[state]
	if held == nil {
		return
	}
	held.reviewed = false
	if wait := of.throttled(state, d.config.Every, time.Now()); wait > 0 { // it was told meanwhile, or less often is
		held.reviewed = true
		time.AfterFunc(wait, func() { d.review(login, state) })
		return
	}
	if of.last == state && of.lastTold != state && len(d.boxes) > 0 {
		held.count-- // it is told itself now
		d.add(of, held.change)
	}
}

// flush ends the gathering: what there is goes to those who want to hear of it.
func (d *Dispatcher) flush() {
	d.mu.Lock()
	changes := d.ripe(time.Now())
	failures := d.config.Failures
	d.mu.Unlock()
	if len(changes) == 0 {
		return
	}
	explain(changes, failures)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, box := range d.boxes {
		if a := d.alert(box.wanted(changes)); a != nil {
			box.put(*a)
		}
	}
}

// ripe takes what is to be told now, and remembers that it was. Called with the mutex held.
func (d *Dispatcher) ripe(now time.Time) (changes []report.AlertChange) {
	pending := d.withoutBlips()
	d.pending = nil
	for _, c := range pending {
		of := d.logins[c.Login]
		of.told[c.State], of.lastTold = now, c.State
		changes = append(changes, *c)
	}
	d.forget(now)
	return changes
}

// withoutBlips is what is to be told, without gates that were shut and opened again meanwhile. Called with the mutex held.
func (d *Dispatcher) withoutBlips() (all []*report.AlertChange) {
	shut := map[string]bool{}
	for _, c := range d.pending {
		shut[c.Login] = shut[c.Login] || c.State == report.AlertGateShut
	}
	for _, c := range d.pending {
		if !shut[c.Login] || !d.logins[c.Login].isBlip(c) {
			all = append(all, c)
		}
	}
	return all
}

// forget drops the memory of logins of which nothing is left that would matter. Called with the mutex held.
func (d *Dispatcher) forget(now time.Time) {
	for login, of := range d.logins {
		if of.idle(d.config.Every, now) {
			delete(d.logins, login)
		}
	}
}

// explain adds what is known of the logins' failures.
func explain(changes []report.AlertChange, failures func() []report.LoginFailures) {
	var all []report.LoginFailures
	if failures != nil {
		all = failures()
	}
	byName := make(map[string]*report.LoginFailures, len(all))
	for i := range all {
		l := &all[i]
		for _, name := range l.SharesWith {
			byName[name] = l
		}
		byName[l.Login] = l
	}
	for i := range changes {
		changes[i].Explain(byName[changes[i].Login])
	}
}

// alert makes one of changes; nil where there are none.
func (d *Dispatcher) alert(changes []report.AlertChange) *report.Alert {
	if len(changes) == 0 {
		return nil
	}
	a := d.blank()
	a.Changes = changes[:min(len(changes), report.MaxAlertChanges)]
	a.More = len(changes) - len(a.Changes)
	a.Compose(nil)
	return a
}

func (d *Dispatcher) blank() *report.Alert {
	return &report.Alert{ID: rand.Text(), Time: time.Now(), Host: d.host, Changes: []report.AlertChange{}}
}
