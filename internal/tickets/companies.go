package tickets

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/psagate/psagate/broker/drive"
)

// companyNames are the exact names of companies. The PSA's mail service, which is used when the API cannot be, knows companies by
// their names alone: so they are learned while it can.
type companyNames struct {
	mu     sync.Mutex
	known  map[int64]string
	wanted map[int64]bool
	read   time.Time // when the oldest of the known ones was read, at the latest
}

const (
	companyNamesMost = 10_000
	companyNamesOnce = 200 // are asked for with one query
	companyNamesFor  = 24 * time.Hour
)

// want has a company's name learned. 0 is the PSA's owner, which the mail service takes without a name.
func (c *companyNames) want(ids ...int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		if _, known := c.known[id]; known || id <= 0 || len(c.known)+len(c.wanted) >= companyNamesMost {
			continue
		}
		if c.wanted == nil {
			c.wanted = map[int64]bool{}
		}
		c.wanted[id] = true
	}
}

// next are some of those that are wanted; the known ones are wanted anew where it is long since they were read.
func (c *companyNames) next(now time.Time) []int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.read.IsZero() {
		c.read = now
	}
	if now.Sub(c.read) >= companyNamesFor {
		c.read = now
		for id := range c.known {
			if c.wanted == nil {
				c.wanted = map[int64]bool{}
			}
			c.wanted[id] = true
		}
	}
	ids := slices.Sorted(maps.Keys(c.wanted))
	return ids[:min(len(ids), companyNamesOnce)]
}

// learned takes in what the PSA said of some; one that it does not know has no name any more.
func (c *companyNames) learned(asked []int64, found []company) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range asked {
		delete(c.wanted, id)
		delete(c.known, id)
	}
	for _, of := range found {
		if name := strings.TrimSpace(of.CompanyName); name != "" && slices.Contains(asked, of.ID) {
			if c.known == nil {
				c.known = map[int64]string{}
			}
			c.known[of.ID] = name
		}
	}
}

// takeOver has c know what another knows. What that one was told to learn it is told itself.
func (c *companyNames) takeOver(before *companyNames) {
	before.mu.Lock()
	known, read := maps.Clone(before.known), before.read
	before.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known, c.read = known, read
	maps.DeleteFunc(c.wanted, func(id int64, _ bool) bool { _, is := known[id]; return is })
}

// CompanyName is the exact name of a company, if it was learned while the API could be used: of those of Options.Companies, and of those
// that a ticket was made for. It asks nobody, and is for ates.Service.Company.
func (t *Tickets) CompanyName(_ context.Context, id int64) (string, bool) {
	t.companies.mu.Lock()
	defer t.companies.mu.Unlock()
	name, known := t.companies.known[id]
	return name, known
}

// learn asks for the names of companies that are wanted, if there are any, with one query. One that is refused is not repeated: the mail
// service then finds the company by the sender's address.
func (t *Tickets) learn(ctx context.Context) {
	ids := t.companies.next(t.now())
	if len(ids) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	found, err := query[company](ctx, t, "Companies", []string{"id", "companyName"}, filter{Op: "in", Field: "id", Value: ids})
	if err == nil || errors.Is(err, drive.ErrRefused) || errors.Is(err, ErrDenied) {
		t.companies.learned(ids, found)
	}
}
