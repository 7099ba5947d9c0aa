package e2e

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

// episode is a while in which something was wrong with the PSA, or with what is before it.
type episode struct {
	what   string
	fault  psatest.Fault // none: its Name is empty
	login  *soakLogin    // nil: all
	cuts   bool          // connections are cut, whatever is on its way over them
	silent bool          // one call alone is concerned, so that an operator sees nothing of it

	began, ended time.Time // ended is zero while it lasts
}

// soakClimate knows what was wrong when.
type soakClimate struct {
	mu       sync.Mutex
	episodes []*episode
	deck     []psatest.Fault // those that have not come in this round
	times    map[string]int  // how often each came
	hits     map[string]int  // how many requests met it
}

func newSoakClimate() *soakClimate {
	return &soakClimate{times: map[string]int{}, hits: map[string]int{}}
}

// next draws one fault of all, none twice before each has come.
func (c *soakClimate) next(r *rand.Rand) psatest.Fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.deck) == 0 {
		c.deck = psatest.Faults()
		r.Shuffle(len(c.deck), func(i, j int) { c.deck[i], c.deck[j] = c.deck[j], c.deck[i] })
	}
	f := c.deck[0]
	c.deck = c.deck[1:]
	return f
}

// begin notes that an episode begins.
func (c *soakClimate) begin(e episode) *episode {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.began = time.Now()
	c.episodes = append(c.episodes, &e)
	c.times[e.what]++
	return &e
}

// end notes that an episode is over, and how many requests met it.
func (c *soakClimate) end(e *episode, hits int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.ended = time.Now()
	c.hits[e.what] += hits
}

// during tells whether an episode like that, of a login or of all, overlaps with a time.
func (c *soakClimate) during(l *soakLogin, from, to time.Time, is func(*episode) bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.episodes, func(e *episode) bool {
		return (e.login == nil || e.login == l) && e.began.Before(to) && (e.ended.IsZero() || e.ended.After(from)) && is(e)
	})
}

// around tells what was wrong in a time, and for how long before its end each began, and ended.
func (c *soakClimate) around(from, to time.Time) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []string
	for _, e := range c.episodes {
		if e.began.Before(to) && (e.ended.IsZero() || e.ended.After(from)) {
			all = append(all, fmt.Sprintf("%v, from %v to %v", e, to.Sub(e.began), to.Sub(e.ended)))
		}
	}
	return strings.Join(all, "; ")
}

// isWrong tells whether something is wrong with the PSA of a login now, as somebody would see who looks at it.
func (c *soakClimate) isWrong(l *soakLogin) bool {
	now := time.Now()
	return c.during(l, now, now, func(e *episode) bool { return !e.silent })
}

// pause waits for a time at random; false means that the end has come.
func pause(ctx context.Context, r *rand.Rand, least, most time.Duration) bool {
	timer := time.NewTimer(least + some(r, most-least))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// some is a time below most.
func some(r *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(r.Int64N(int64(most)))
}

// weather lets faults happen to one login, one after the other.
func (s *soak) weather(ctx context.Context, l *soakLogin, r *rand.Rand) {
	for pause(ctx, r, time.Second, 4*time.Second) {
		f := s.climate.next(r)
		while := 300*time.Millisecond + some(r, 2500*time.Millisecond)
		f.For = 0
		if f.At == psatest.Judged && (f.Then == psatest.Answer || f.Then == psatest.EndlessBody) {
			f.At = psatest.Applied // no failed sign-in gets an answer of these: the guard's assumption A4
		}
		switch {
		case f.Every > 0:
			while *= 4
		case f.Chunk > 0:
			f.Chunk = 2 << 10 // else a page would take an hour
		case strings.Contains(f.Name, "64 MB"):
			f.Times = 3 // it takes the simulator long to make it
		}
		if f.Gone && f.Only != psatest.OpenCall { // else calls would take the five minutes that the gateway waits
			f.Gone, f.Hold = false, true
		}
		s.letIn(ctx, l, f, while)
	}
}

// letIn puts a fault in force for a while.
func (s *soak) letIn(ctx context.Context, l *soakLogin, f psatest.Fault, while time.Duration) {
	f.User = l.user.Name()
	e := s.climate.begin(episode{what: f.Name, fault: f, login: l})
	order := s.sim.Fault(f)
	wait(ctx, while)
	order.Release()
	s.climate.end(e, order.Hits())
}

// wait waits, but not beyond the end.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// left is how long the soak goes on.
func (s *soak) left() time.Duration { return s.length - time.Since(s.began) }

// never lets one call of a login go without an answer for as long as the gateway waits, which takes minutes. It is in zone
// five, whose connections nobody cuts.
func (s *soak) never(ctx context.Context, l *soakLogin, r *rand.Rand) {
	for pause(ctx, r, time.Second, time.Minute) && s.left() > soakPatience {
		f := psatest.Fault{
			Name: "one call that never has an answer", Zone: s.zones.five.Name(), User: l.user.Name(), Path: "/Tickets", Times: 1,
			At: []psatest.Point{psatest.Received, psatest.Judged}[r.IntN(2)], Gone: true, Then: psatest.HangUp,
		}
		e := s.climate.begin(episode{what: f.Name, fault: f, login: l, silent: true})
		order := s.sim.Fault(f)
		for order.Hits() == 0 && s.left() > soakPatience {
			wait(ctx, time.Second)
		}
		if order.Hits() > 0 {
			wait(ctx, soakPatience)
		}
		order.Release()
		s.climate.end(e, order.Hits())
	}
}

// doors closes zone six or seven, or has the one behind TLS show a certificate that does not fit.
func (s *soak) doors(ctx context.Context, r *rand.Rand) {
	wrong, err := psatest.SelfSigned("127.0.0.1")
	if err != nil {
		s.Error(err)
		return
	}
	for pause(ctx, r, 3*time.Second, 20*time.Second) {
		while := 200*time.Millisecond + some(r, 2*time.Second)
		switch zone := s.sim.Zones()[1+r.IntN(2)]; {
		case zone == s.zones.seven && r.IntN(2) == 0:
			e := s.climate.begin(episode{what: "a certificate of nobody whom the gateway trusts", cuts: true})
			s.shows(wrong)
			wait(ctx, while)
			s.shows(s.cert)
			s.climate.end(e, 0)
		default:
			e := s.climate.begin(episode{what: "nobody listens at a zone", cuts: true})
			zone.Down()
			wait(ctx, while)
			s.opens(zone)
			s.climate.end(e, 0)
		}
	}
}

// shows has the zone behind TLS show a certificate to all, those who are connected already too.
func (s *soak) shows(cert tls.Certificate) {
	s.zones.seven.SetCertificate(cert)
	s.zones.seven.Down()
	s.opens(s.zones.seven)
}

// opens lets a zone listen again. Its port may be an outgoing connection's for a moment.
func (s *soak) opens(zone *psatest.Zone) {
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		err := zone.Up()
		if err == nil {
			return
		}
		if time.Since(begin) > patience {
			s.Error(err)
			return
		}
	}
}

// moods change how the PSA behaves where nothing is wrong: how long it takes, whether it compresses.
func (s *soak) moods(ctx context.Context, r *rand.Rand) {
	for pause(ctx, r, time.Second, 10*time.Second) {
		s.sim.Adjust(func(b *psatest.Behaviour) {
			b.Latency, b.GzipAnswers, b.AttachmentItems = some(r, 40*time.Millisecond), r.IntN(2) == 0, r.IntN(2) == 0
		})
		s.deeds.add("the PSA takes another time, and compresses or not")
	}
}

// answers tells whether a fault answers with a status.
func (e *episode) answers(status int) bool {
	switch e.fault.Then {
	case psatest.Answer:
		return status == cmp.Or(e.fault.Status, http.StatusInternalServerError)
	case psatest.EndlessBody:
		return status == cmp.Or(e.fault.Status, http.StatusOK)
	}
	return false
}

// mars tells whether answers come out of an episode broken off, or not as what they say they are.
func (e *episode) mars() bool {
	return e.cuts || slices.Contains([]string{
		"garbage in a 200", "half an answer", "a body without an end", "plain text said to be gzip", "half a gzip",
		"a gzip with a wrong checksum", "a gzip that inflates to 64 MB",
	}, e.what)
}

// String names the episode and its login.
func (e *episode) String() string {
	if e.login == nil {
		return e.what
	}
	return fmt.Sprintf("%s (%s)", e.what, e.login.name)
}
