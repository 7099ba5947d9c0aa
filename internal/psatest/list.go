package psatest

import (
	"slices"
	"strings"
)

// Zones returns all zones in the order in which they were added, without the discovery host.
func (s *Sim) Zones() []*Zone {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.zones)
}

// Tenants returns all tenants in the order in which they were added.
func (s *Sim) Tenants() []*Tenant {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.tenants)
}

// Users returns all users by name.
func (s *Sim) Users() []*User {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*User
	for _, u := range s.users {
		all = append(all, u)
	}
	slices.SortFunc(all, func(a, b *User) int { return strings.Compare(a.name, b.name) })
	return all
}

// User finds a user by its name in any spelling; nil if there is none.
func (s *Sim) User(name string) *User {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.users[canonical(name)]
}

// Tenant is the tenant whose user it is.
func (u *User) Tenant() *Tenant { return u.tenant }

// Latest returns the last n sign-ins at most, the newest first.
func (s *Sim) Latest(n int) Ledger {
	s.mu.Lock()
	defer s.mu.Unlock()
	latest := slices.Clone(s.ledger[max(0, len(s.ledger)-n):])
	slices.Reverse(latest)
	return latest
}
