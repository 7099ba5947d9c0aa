package call

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/inject"
)

// way is what integrations call through: a login, or a pool of several.
type way interface {
	inject.Entrance
	// enter begins a call through it, and leave ends it.
	enter()
	leave()
	// queueLength is how many callers may wait.
	queueLength() int
}

func (n *lane) queueLength() int { return n.Settings.QueueLength }

// pool is several logins of the config that carry the same data.
type pool struct {
	Pool
	lanes  []*lane // in the order of the config
	shared *Shared
	calls  atomic.Uint32
}

// addPool makes a pool of lanes that are there.
func (g *Gateway) addPool(of Pool) error {
	p := &pool{Pool: of, shared: g.shared}
	for _, name := range of.Logins {
		n := g.byName[name]
		if n == nil {
			return fmt.Errorf("pool %s: there is no login %q", of.Name, name)
		}
		p.lanes = append(p.lanes, n)
	}
	switch {
	case len(p.lanes) == 0:
		return fmt.Errorf("pool %s: it has no login", of.Name)
	case g.ways[of.Name] != nil:
		return fmt.Errorf("pool %s: there is a login or another pool of that name", of.Name)
	}
	g.pools = append(g.pools, p)
	g.ways[of.Name] = p
	return nil
}

// users returns how many integrations call through each login, by itself or by a pool that it is in.
func (c Config) users() map[string]int {
	users, of := make(map[string]int), make(map[string][]string)
	for _, p := range c.Pools {
		of[p.Name] = p.Logins
	}
	through := make([]string, 0, len(c.Integrations)+len(c.Mailboxes))
	for _, i := range c.Integrations {
		through = append(through, i.Login)
	}
	for _, m := range c.Mailboxes {
		if m.As == "" {
			through = append(through, m.Login)
		}
	}
	for _, name := range through {
		logins := of[name]
		if logins == nil {
			logins = []string{name}
		}
		for _, login := range logins {
			users[login]++
		}
	}
	return users
}

// leadsTo reports whether what an integration calls through is a login, or a pool that it is in.
func (g *Gateway) leadsTo(name, login string) bool {
	return name == login || slices.ContainsFunc(g.pools, func(p *pool) bool {
		return p.Name == name && slices.Contains(p.Logins, login)
	})
}

func (p *pool) enter() {
	for _, n := range p.lanes {
		n.enter()
	}
}

func (p *pool) leave() {
	for _, n := range p.lanes {
		n.leave()
	}
}

// queueLength is the longest of its logins': callers wait in all of their queues at once.
func (p *pool) queueLength() (most int) {
	for _, n := range p.lanes {
		most = max(most, n.queueLength())
	}
	return most
}

// inTurn returns the lanes, another one first for each call: of logins that are as free as each other none is always the one
// that is used, and none is found dead when it is needed.
func (p *pool) inTurn() []*lane {
	first := int(p.calls.Add(1)-1) % len(p.lanes)
	return slices.Concat(p.lanes[first:], p.lanes[:first])
}

// pool returns the pool of a name, or nil.
func (g *Gateway) pool(name string) *pool {
	i := slices.IndexFunc(g.pools, func(p *pool) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return g.pools[i]
}

// problems are what keeps the pool's logins from being as good as each other, as far as that is known.
func (p *pool) problems() (all []string) {
	tenants, users := make(map[int64][]string), make(map[guard.Key][]string)
	for _, n := range p.lanes {
		if ci := n.zoneStatus().Tenant; ci != 0 {
			tenants[ci] = append(tenants[ci], n.Name)
		}
		if s := n.sitting(); s != nil {
			users[s.guard.Key()] = append(users[s.guard.Key()], n.Name)
		}
	}
	if len(tenants) > 1 {
		parts := []string(nil)
		for _, ci := range slices.Sorted(maps.Keys(tenants)) {
			parts = append(parts, fmt.Sprintf("%s of tenant %d", strings.Join(tenants[ci], ", "), ci))
		}
		all = append(all, "its logins do not see the same data: "+strings.Join(parts, "; ")+". A call goes to whichever is free: leave in it those of one tenant alone")
	}
	for _, key := range slices.Sorted(maps.Keys(users)) {
		if names := users[key]; len(names) > 1 {
			all = append(all, strings.Join(names, " and ")+" are one PSA user, with one budget: what stops one stops them all")
		}
	}
	return all
}

// poolProblems are the problems of the pools that a login is in.
func (g *Gateway) poolProblems(login string) (all []string) {
	for _, p := range g.pools {
		if slices.Contains(p.Logins, login) {
			for _, problem := range p.problems() {
				all = append(all, "pool "+p.Name+": "+problem)
			}
		}
	}
	return all
}
