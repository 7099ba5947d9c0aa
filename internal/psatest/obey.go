package psatest

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// at lets the orders of a point happen; true means that the call is over.
func (c *call) at(p Point) bool {
	for _, o := range c.sim.ordered() {
		if o.fault.matches(p, c) && o.use() && c.obey(o) {
			return true
		}
	}
	return false
}

// take is the first order of a point that is to happen, nil if there is none.
func (s *Sim) take(p Point, c *call) *Order {
	for _, o := range s.ordered() {
		if o.fault.matches(p, c) && o.use() {
			return o
		}
	}
	return nil
}

func (s *Sim) ordered() []*Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.orders)
}

// obey waits as the order says, then ends as it says; true means that the call is over.
func (c *call) obey(o *Order) bool {
	if o.fault.Then == Later {
		c.later(o)
	}
	if !c.await(o) {
		c.cut(false)
	}
	switch o.fault.Then {
	case HangUp:
		c.cut(false)
	case Reset:
		c.cut(true)
	case Answer:
		c.writeOrdered(&o.fault)
		return true
	case Refuse:
		c.refuse = true
	case Raw:
		c.writeRaw(&o.fault)
	case EndlessHeader:
		c.writeHeaders()
	case EndlessBody:
		c.writeBodies(&o.fault)
	}
	if o.fault.Change != nil {
		c.changes = append(c.changes, o.fault.Change)
	}
	return false
}

// await is the order's wait; false means that the Sim was closed.
func (c *call) await(o *Order) bool {
	if o.fault.Gone {
		select {
		case <-c.gone:
		case <-c.sim.done:
			return false
		}
	}
	if !c.sim.pause(o.fault.Delay) {
		return false
	}
	return !o.fault.Hold || o.hold()
}

func (c *call) writeOrdered(f *Fault) {
	c.writeHead(f, http.StatusInternalServerError)
	// A write fails when the client is gone, which is no matter of the order's.
	_, _ = c.w.Write([]byte(c.fill(f.Body)))
}

// writeHead writes an order's Header and Status; usual is the status where it names none.
func (c *call) writeHead(f *Fault, usual int) {
	h := c.w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	switch {
	case strings.HasPrefix(f.Body, "<?xml"):
		h.Set("Content-Type", "text/xml; charset=utf-8")
	case strings.HasPrefix(f.Body, "<"):
		h.Set("Content-Type", "text/html")
	}
	for k, vs := range f.Header {
		for _, v := range vs {
			h.Set(k, c.fill(v))
		}
	}
	c.w.WriteHeader(cmp.Or(f.Status, usual))
}
