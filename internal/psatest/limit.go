package psatest

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Limit is a limit that a call ran into.
type Limit string

// The limits. A call that was within them has none.
const (
	LimitThreads Limit = "threads" // too many calls at once with its tracking identifier on its endpoint
	LimitHour    Limit = "hour"    // too many calls of its tenant in the last 60 minutes
)

// Autotask's figures.
const (
	autotaskThreads = 3
	autotaskHourly  = 10_000
	autotaskURL     = 2_100
	autotaskFiles   = 10_000_000
)

// AutotaskLimits sets the limits to Autotask's figures: sim.Adjust(psatest.AutotaskLimits). A new Sim has none.
func AutotaskLimits(b *Behaviour) {
	b.Threads, b.Hourly, b.HourLatency, b.URLCap, b.Attached = autotaskThreads, autotaskHourly, true, autotaskURL, autotaskFiles
}

// LimitAnswer is what a call over a limit gets. The real one is not known: the zero value is a 500 with a text,
// as for everything else that the PSA does not like; clients expect a 429.
type LimitAnswer struct {
	Status     int           // 0 means 500; to SOAP, 200 is an answer with ReturnCode -1 and all others are faults
	Text       string        // of errors; empty means the PSA's
	RetryAfter time.Duration // in the header Retry-After; 0 means that there is none
	AsDate     bool          // Retry-After is a date, by the Sim's clock, and not a number of seconds
}

func threadText(most int) string {
	return fmt.Sprintf("The Autotask API thread threshold of %d threads has been exceeded. (Itgenatr005)", most)
}

func hourText(most int) string {
	return fmt.Sprintf("The number of external requests has exceeded the threshold of %d in 60 minutes. Access is suspended until it falls.", most)
}

// limited is the answer to a call that ran into a limit.
func (c *call) limited() answer {
	b := c.sim.behaviour()
	l, text := b.ThreadAnswer, threadText(b.Threads)
	if c.limit == LimitHour {
		l, text = b.HourAnswer, hourText(b.Hourly)
	}
	status, text := cmp.Or(l.Status, http.StatusInternalServerError), cmp.Or(l.Text, text)
	a := jsonAnswer(status, map[string]any{"errors": []string{text}})
	if c.soap != nil {
		a = c.limitedSOAP(status, text)
	}
	switch {
	case l.RetryAfter > 0 && l.AsDate:
		a.header.Set("Retry-After", c.sim.now().Add(l.RetryAfter).UTC().Format(http.TimeFormat))
	case l.RetryAfter > 0:
		a.header.Set("Retry-After", strconv.Itoa(int(l.RetryAfter.Round(time.Second)/time.Second)))
	}
	return a
}

// endpoint is what calls at once are counted on: an entity, or an entity below another. SOAP as a whole is one.
type endpoint struct {
	tenant *Tenant
	code   digest
	name   string
}

func (c *call) endpoint(t *Tenant) endpoint {
	e := endpoint{tenant: t, code: digested(c.code)}
	if len(c.parts) > 2 {
		e.name = c.parts[2]
	}
	if len(c.parts) > 4 && c.parts[3] != "entityinformation" && c.parts[3] != "query" {
		e.name += "/" + c.parts[4]
	}
	return e
}

// occupy counts the call among those on its endpoint, until the function that it returns is called. From here
// on, which is before its sign-in is judged, it is known whether it is one too many.
func (s *Sim) occupy(c *call) (leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[canonical(c.user)]
	if u == nil {
		return func() {}
	}
	e := c.endpoint(u.tenant)
	if s.behave.Threads > 0 && s.threads[e] >= s.behave.Threads {
		c.limit = LimitThreads
		return func() {}
	}
	c.slow = time.Duration(s.threads[e]) * s.behave.ThreadDelay
	s.threads[e]++
	return func() { s.vacate(e) }
}

func (s *Sim) vacate(e endpoint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.threads[e]--; s.threads[e] == 0 {
		delete(s.threads, e)
	}
}

// meter counts an accepted call in its tenant's hour, unless it ran into a limit, and finds out how slow the
// hour makes it. Called with sim.mu held.
func (s *Sim) meter(c *call, t *Tenant, now time.Time) {
	t.forget(now)
	if c.limit == "" && s.behave.Hourly > 0 && len(t.calls) >= s.behave.Hourly {
		c.limit = LimitHour
	}
	if c.limit != "" {
		c.zone.requests.Limited++
	}
	if c.limit == "" || s.behave.LimitedCount {
		t.calls = append(t.calls, now)
	}
	if s.behave.HourLatency && s.behave.Hourly > 0 {
		c.slow += hourLatency(len(t.calls), s.behave.Hourly)
	}
}

// hourLatency is what Autotask adds to every call of a tenant that used up half of its hour, or three quarters.
func hourLatency(calls, most int) time.Duration {
	switch {
	case 4*calls >= 3*most:
		return time.Second
	case 2*calls >= most:
		return 500 * time.Millisecond
	}
	return 0
}

// precheck meters a call before its sign-in is judged, where limits come first; true if it ran into one.
func (s *Sim) precheck(c *call) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[canonical(c.user)]
	if !s.behave.LimitsFirst || u == nil {
		return false
	}
	now := s.now()
	u.tenant.forget(now)
	if c.limit == "" && (s.behave.Hourly == 0 || len(u.tenant.calls) < s.behave.Hourly) {
		return false
	}
	s.meter(c, u.tenant, now)
	return true
}

// Usage is how many calls the tenant has made in the last 60 minutes, as ThresholdInformation tells it.
func (t *Tenant) Usage() int {
	t.sim.mu.Lock()
	defer t.sim.mu.Unlock()
	t.forget(t.sim.now())
	return len(t.calls)
}

// Spend counts n calls in the tenant's hour as if other programs had made them now.
func (t *Tenant) Spend(n int) {
	t.sim.mu.Lock()
	defer t.sim.mu.Unlock()
	now := t.sim.now()
	t.forget(now)
	for range n {
		t.calls = append(t.calls, now)
	}
}
