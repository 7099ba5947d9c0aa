package caddymodule

import (
	"maps"
	"slices"
)

// pool reads one pool. Syntax:
//
//	pool <name> <login...>
func (p *parser) pool(w *word) error {
	args := w.d.RemainingArgs()
	if len(args) < 2 {
		return w.errorf("pool takes <name> <login...>, and has %d arguments", len(args))
	}
	name := args[0]
	if _, ok := p.app.Pools[name]; ok {
		return w.errorf("pool %q is defined twice", shown(name))
	}
	if p.app.Pools == nil {
		p.app.Pools = map[string]*Pool{}
	}
	p.app.Pools[name] = &Pool{Logins: args[1:]}
	p.place("pool "+name, w)
	return w.block("pool", nil)
}

// checkPool says what is wrong with a pool.
func (a *App) checkPool(name string, p *Pool) error {
	path := "pool " + name
	if err := checkName(name); err != nil {
		return faultAt(path, "%w", err)
	}
	if _, ok := a.Logins[name]; ok {
		return faultAt(path, "there is a login of that name; an integration names either, so they must differ")
	}
	if p == nil || len(p.Logins) == 0 {
		return faultAt(path, "a pool has one login or more")
	}
	seen := map[string]bool{}
	for _, login := range p.Logins {
		_, known := a.Logins[login]
		_, pool := a.Pools[login]
		switch {
		case !known && pool:
			return faultAt(path, "%q is a pool itself: name its logins", shown(login))
		case !known:
			return faultAt(path, "%q is no login of the config; %s", shown(login), defined(a.Logins))
		case seen[login]:
			return faultAt(path, "login %s is in it twice", login)
		}
		seen[login] = true
	}
	return nil
}

// checkPools says what is wrong with the pools.
func (a *App) checkPools() error {
	for _, name := range slices.Sorted(maps.Keys(a.Pools)) {
		if err := a.checkPool(name, a.Pools[name]); err != nil {
			return err
		}
	}
	return nil
}

// callers counts the integrations and mailboxes of each login, those of its pools with them.
func (a *App) callers() map[string]int {
	callers := map[string]int{}
	through := make([]string, 0, len(a.Integrations)+len(a.Mail))
	for _, i := range a.Integrations {
		through = append(through, i.Login)
	}
	for _, m := range a.Mail {
		if m.As == "" {
			through = append(through, a.mailLogin(m))
		}
	}
	for _, way := range through {
		logins := []string{way}
		if pool, ok := a.Pools[way]; ok {
			logins = pool.Logins
		}
		for _, login := range logins {
			callers[login]++
		}
	}
	return callers
}

// pools warns of pools that nobody calls through, and of such as have nothing to choose from.
func (a *advice) pools(app *App) {
	used := map[string]bool{}
	for _, i := range app.Integrations {
		used[i.Login] = true
	}
	for _, m := range app.Mail {
		used[app.mailLogin(m)] = true
	}
	for _, name := range slices.Sorted(maps.Keys(app.Pools)) {
		a.addIf(!used[name], "unused-pool", "pool "+name)
		a.addIf(len(app.Pools[name].Logins) == 1, "pool-of-one", "pool "+name)
	}
}
