package psatest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Tenant is one PSA database: its users, its records, its zone.
type Tenant struct {
	sim  *Sim
	name string
	ci   int

	// guarded by sim.mu
	zone      *Zone
	threshold int
	resets    bool
	calls     []time.Time // of the last hour, oldest first

	// data guards the records and the picklists. It is taken before sim.mu, never after it.
	data       sync.Mutex
	tables     map[string]*table
	picks      map[string][]Pick
	udfs       map[string][]string
	numbers    map[string]int // tickets by day
	duplicates Duplicates

	duplicateTitles bool
	attached        []attached // of the last five minutes, oldest first
	noFilesUntil    time.Time
}

// lockThreshold is Autotask's default: locked after 7 wrong attempts.
const lockThreshold = 7

// AddTenant adds a tenant that lives on zone. It locks users at 7 failures and resets on success.
func (s *Sim) AddTenant(name string, zone *Zone) *Tenant {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &Tenant{
		sim: s, name: name, ci: 200101 + 1013*len(s.tenants), zone: zone,
		threshold: lockThreshold, resets: true,
		tables: map[string]*table{}, picks: defaultPicks(), udfs: map[string][]string{}, numbers: map[string]int{},
	}
	s.tenants = append(s.tenants, t)
	t.found()
	return t
}

// Name is the name given to AddTenant.
func (t *Tenant) Name() string { return t.name }

// CI is the tenant's id, six digits, as zoneInformation has it.
func (t *Tenant) CI() int { return t.ci }

// Zone is where the tenant lives now.
func (t *Tenant) Zone() *Zone {
	t.sim.mu.Lock()
	defer t.sim.mu.Unlock()
	return t.zone
}

// Migrate moves the tenant to another zone: from now on the old one is the wrong zone for its users.
func (t *Tenant) Migrate(zone *Zone) {
	t.sim.mu.Lock()
	defer t.sim.mu.Unlock()
	t.zone = zone
}

// SetLockThreshold sets how many failures lock a user; it acts at the next failure.
func (t *Tenant) SetLockThreshold(n int) {
	t.sim.mu.Lock()
	defer t.sim.mu.Unlock()
	t.threshold = n
}

// SetResetOnSuccess says whether a success sets the counter of its user to zero.
func (t *Tenant) SetResetOnSuccess(resets bool) {
	t.sim.mu.Lock()
	defer t.sim.mu.Unlock()
	t.resets = resets
}

// AddUser adds an API user. Names are matched trimmed and without case over all tenants; it panics when the
// name is taken.
func (t *Tenant) AddUser(userName, secret, integrationCode string) *User {
	t.data.Lock()
	defer t.data.Unlock()
	u := &User{sim: t.sim, tenant: t, name: canonical(userName), code: digested(integrationCode)}
	u.set = []int{u.number(secret)}
	u.id = t.addResource(u.name)
	t.sim.mu.Lock()
	defer t.sim.mu.Unlock()
	if t.sim.users[u.name] != nil {
		panic(fmt.Sprintf("psatest: user %q exists already", u.name))
	}
	t.sim.users[u.name] = u
	return u
}

// SetPicklist replaces the values of a picklist field: SetPicklist("Tickets", "queueID", …). It panics when
// the entity has no such picklist.
func (t *Tenant) SetPicklist(entityName, fieldName string, values ...Pick) {
	e := entityNamed(entityName)
	f := e.field(fieldName)
	if f == nil || !f.pick {
		panic(fmt.Sprintf("psatest: %s has no picklist %q", entityName, fieldName))
	}
	t.data.Lock()
	defer t.data.Unlock()
	t.picks[pickKey(e, f)] = slices.Clone(values)
}

// AddUDF defines a user-defined field, a text, on an entity.
func (t *Tenant) AddUDF(entityName, udf string) {
	t.data.Lock()
	defer t.data.Unlock()
	e := entityNamed(entityName)
	t.udfs[e.name] = append(t.udfs[e.name], udf)
}

// udf finds the definition of a user-defined field, without case; "" if there is none. Called with data held.
func (t *Tenant) udf(e *entity, name string) string {
	for _, u := range t.udfs[e.name] {
		if strings.EqualFold(u, name) {
			return u
		}
	}
	return ""
}

func (t *Tenant) forget(now time.Time) {
	past := 0
	for past < len(t.calls) && !t.calls[past].After(now.Add(-time.Hour)) {
		past++
	}
	t.calls = t.calls[past:]
}
