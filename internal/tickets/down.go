package tickets

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/call"
)

// outage is since when the API cannot be used.
type outage struct {
	mu    sync.Mutex
	since time.Time
	why   string
}

// ourSide are the reasons of an answer that say nothing of whether the API can be used: an operator, a limit of the config's, or the
// end of this process stands in the way.
var ourSide = map[autotask.Reason]bool{
	autotask.Policy: true, autotask.StepUp: true, autotask.Disabled: true, autotask.Rate: true, autotask.Draining: true,
	autotask.AuditUnavailable: true, autotask.TooLarge: true, autotask.BadRequest: true, autotask.NotFound: true,
}

// heard takes in an answer: a success, or a refusal of what was told, ends an outage; what never came to the PSA, or was not
// answered, or ran into its limit, begins one. It returns how long the one took that it ends.
func (o *outage) heard(a call.InsideAnswer, now time.Time) (took time.Duration) {
	if ourSide[a.Reason] && !a.InDoubt {
		return 0
	}
	why := string(a.Reason)
	switch texts := errorTexts(a.Body); {
	case why != "":
	case a.InDoubt || a.Status >= http.StatusInternalServerError && len(texts) == 0:
		why = "no answer of the PSA's"
	case a.Status == http.StatusTooManyRequests || len(texts) > 0 && limited(texts[0]):
		why = "a limit of the PSA's"
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch o.why = why; {
	case why == "" && !o.since.IsZero():
		took, o.since = now.Sub(o.since), time.Time{}
	case why != "" && o.since.IsZero():
		o.since = now
	}
	return took
}

// outageLong is how long an outage takes after which Options.Back is told: after a shorter one no mail waits for long.
const outageLong = time.Minute

// Down tells since when the API cannot be used: since the first call that failed in such a way that says so (the login locked or its
// credential refused, the budget spent, the gate shut, no secret, no answer, the PSA's hourly limit) and without a success after it.
// Zero: it can. A value that the PSA refuses and a call that policy denies are not meant. It ends with a call that is answered, which
// Run makes where nobody else does.
func (t *Tickets) Down() time.Time {
	t.down.mu.Lock()
	defer t.down.mu.Unlock()
	return t.down.since
}

// WhyDown is why the API cannot be used, in a word or a few: the reason of the last answer; empty where it can.
func (t *Tickets) WhyDown() string {
	t.down.mu.Lock()
	defer t.down.mu.Unlock()
	return t.down.why
}

// Pauses of Run while the API is down.
const (
	askAgain     = 15 * time.Second
	askAgainMost = 2 * time.Minute
)

// Run learns names of companies (CompanyName) while the API can be used, and asks again, until the context ends, whether the API can be used while it cannot: nobody else does, since nothing is sent
// then. The question goes through policy, queue and guard as every call does, so that it costs the login nothing.
func (t *Tickets) Run(ctx context.Context) {
	pause := askAgain
	for {
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		case <-t.askNow:
			timer.Stop()
			pause = askAgain
		}
		if t.Down().IsZero() {
			pause = askAgain
			t.learn(ctx)
			continue
		}
		_ = t.ask(ctx)
		pause = min(2*pause, askAgainMost)
	}
}

// AskNow has Run ask at once, where the API cannot be used: something says that it can, such as that an operator has released the login.
// It waits for nothing.
func (t *Tickets) AskNow() {
	select {
	case t.askNow <- struct{}{}:
	default:
	}
}

// askWithin is how long a question whether the API can be used may wait: the queue has its own, shorter limit.
const askWithin = time.Minute

// ask makes the cheapest call that signs in.
func (t *Tickets) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	return t.say(ctx, http.MethodGet, "/Tickets/entityInformation", nil, nil)
}
