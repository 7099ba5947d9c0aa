package e2e

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"
)

// chaosCall is what came of one call.
type chaosCall struct {
	login    string
	from, to time.Time
	came     string
}

// chaosBooks are all calls.
type chaosBooks struct {
	mu    sync.Mutex
	calls []chaosCall
}

func (b *chaosBooks) enter(c chaosCall) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = append(b.calls, c)
}

// nobodyThere: each process refused the connection.
const nobodyThere = "no process takes the call"

// calls makes one call after the other, of one login, to each process in turn.
func (c *chaos) calls(ctx context.Context, no int) {
	r := rand.New(rand.NewPCG(c.seed, uint64(100+no)))
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience}
	l := c.logins[no%len(c.logins)]
	for turn := no; pause(ctx, r, 0, 800*time.Millisecond); turn++ {
		begin := time.Now()
		came := nobodyThere
		for i := 0; i < len(c.replicas) && came == nobodyThere; i++ { // as a load balancer does
			came = c.call(client, c.replicas[(turn+i)%len(c.replicas)], l)
		}
		c.books.enter(chaosCall{l.name, begin, time.Now(), came})
	}
}

// call makes a call to one process.
func (c *chaos) call(client *http.Client, p *replica, l *fleetLogin) string {
	begin := time.Now()
	resp, err := client.Do(p.request(l.name, "GET", "/Tickets/1", nil))
	if err == nil {
		return whatAnswered(resp)
	}
	var op *net.OpError
	switch {
	case errors.As(err, &op) && op.Op == "dial":
		return nobodyThere
	case p.diedWithin(begin, time.Now()):
		return "its process was killed"
	}
	c.Errorf("a call without an answer, whose process was not killed: %v", err)
	return "no answer"
}

// judge demands what there must be of calls, troubles and changes of passwords, and says what there was.
func (c *chaos) judge() {
	c.Helper()
	all, served, calm, calmServed := map[string]int{}, 0, 0, 0
	unserved := map[string]int{}
	for _, call := range c.books.calls {
		all[call.came]++
		if call.came == "ticket" {
			served++
		}
		if c.diary.wrong(call.from, call.to) {
			continue
		}
		if calm++; call.came == "ticket" {
			calmServed++
		} else {
			if unserved[call.came]++; unserved[call.came] <= 5 {
				c.Logf("%v after the beginning, for %v, through %s: %s", call.from.Sub(c.diary.begin), call.to.Sub(call.from), call.login, call.came)
			}
		}
	}
	c.Logf("%d troubles and changes in %v:%v", c.diary.troublesSoFar(), time.Since(c.diary.begin).Round(time.Second), &c.diary)
	c.Logf("%d calls, by what came of them:%s", len(c.books.calls), soakTable(all, nil))
	share := func(part, of int) float64 { return 100 * float64(part) / float64(max(of, 1)) }
	c.Logf("served: %.2f %% of %d calls outside the windows of troubles, %.2f %% of all; not served outside:%s", share(calmServed, calm), calm, share(served, len(c.books.calls)), soakTable(unserved, nil))
	if calm == 0 || share(calmServed, calm) < 99 {
		c.Errorf("%d of %d calls outside the windows of troubles were served, want 99 %%", calmServed, calm)
	}
	if c.diary.troublesSoFar() < 10 {
		c.Errorf("%d troubles", c.diary.troublesSoFar())
	}
}
