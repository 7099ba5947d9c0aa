package tickets

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/route"
	"github.com/psagate/psagate/internal/call"
)

// Caller makes calls to the PSA's REST API: a call.Inside. path is below /ATServicesRest/V1.0.
type Caller interface {
	Call(ctx context.Context, method, path string, body []byte) (call.InsideAnswer, error)
}

// Options are what a Tickets is made of.
type Options struct {
	Caller Caller
	// Allowance is what the login's attachments may be in all; those who call through one login share it. Without it there is one
	// for this Tickets alone.
	Allowance *Allowance
	// Names has the names of companies learned while the API can be used (CompanyName): first of Companies, then of those that
	// tickets are made for.
	Names     bool
	Companies []int64
	// Back is told when the API can be used again after an outage of a minute or more. It must not wait.
	Back func()
	// Now is the time; time.Now without it.
	Now func() time.Time
	Log *slog.Logger
}

// Tickets makes tickets in the PSA, and knows what is there.
type Tickets struct {
	caller    Caller
	allowance *Allowance
	now       func() time.Time
	log       *slog.Logger

	down      outage
	back      func()
	askNow    chan struct{}
	troubles  troubles
	lists     lists
	naming    bool
	companies companyNames

	// What the PSA said of addresses and domains a moment ago: who has one; which companies have a site there, in all that has the
	// registered domain in its address; which its contacts are filed under; and which it is, of all that.
	resources  answers[[]route.Person]
	contacts   answers[[]contact]
	sites      answers[[]company]
	ofContacts answers[[]int64]
	ofDomain   answers[[]int64]

	// unkept: the PSA does not store the externalID of a new ticket. oneAddress: its resources have one mail address alone.
	// shallow: its queries do not look into descriptions.
	unkept, oneAddress, shallow atomic.Bool
}

var (
	_ drive.Ticketer  = (*Tickets)(nil)
	_ route.Directory = (*Tickets)(nil)
)

// New returns a Tickets. It calls nothing yet.
func New(o Options) *Tickets {
	t := &Tickets{caller: o.Caller, allowance: o.Allowance, back: o.Back, now: o.Now, log: o.Log, naming: o.Names, askNow: make(chan struct{}, 1)}
	if t.allowance == nil {
		t.allowance = new(Allowance)
	}
	if t.now == nil {
		t.now = time.Now
	}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	if t.naming {
		t.companies.want(o.Companies...)
	}
	return t
}

// TakeOver has t go on from where the Tickets of the config before was: since when the API is down, what is in trouble, and what was
// learned of the PSA. Both are of one login. A reload must not make an outage look young.
func (t *Tickets) TakeOver(before *Tickets) {
	since, why := before.Down(), before.WhyDown()
	troubles := before.Troubles()
	t.down.mu.Lock()
	t.down.since, t.down.why = since, why
	t.down.mu.Unlock()
	t.troubles.mu.Lock()
	t.troubles.all = troubles
	t.troubles.mu.Unlock()
	t.companies.takeOver(&before.companies)
	t.unkept.Store(before.unkept.Load())
	t.oneAddress.Store(before.oneAddress.Load())
	t.shallow.Store(before.shallow.Load())
}
