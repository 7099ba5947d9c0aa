package policy

import (
	"net/netip"
	"slices"
	"time"
)

// Kind is what a principal is, or what a deed is done on.
type Kind string

// The kinds. Each has the name of its entity type in Cedar.
const (
	Integration Kind = "Integration"
	Person      Kind = "Person"
	Mailbox     Kind = "Mailbox"
	// Login is no principal: deeds are done on it.
	Login Kind = "Login"
)

// Action is what a request does: to its entity, or as a deed.
type Action string

// The actions of calls. Beside them and the deeds there is no other: a request whose action is not known is denied.
const (
	Read   Action = "read"
	Query  Action = "query"
	Create Action = "create"
	Update Action = "update"
	Delete Action = "delete"
)

var actions = []Action{Read, Query, Create, Update, Delete}

// Principal is who calls.
type Principal struct {
	// Kind says what the principal is.
	Kind Kind
	// Name is the integration's or mailbox's name in the config, or the person's name at the issuer.
	Name string
	// Issuer is the config's name of who vouches for a person; empty for others. It has no slash.
	Issuer string
	// Groups are the principal's groups: of an integration the config's, of a person the issuer's (without the issuer's
	// name). A mailbox has none.
	Groups []string
}

// Parent is the record through which a child is reached. The zero value is none.
type Parent struct {
	// Entity is the parent's entity.
	Entity string
	// ID is the record's id.
	ID string
}

// Names are names of fields, or that they are not known, which is the zero value.
type Names struct {
	known bool
	list  []string
}

// Known returns names that are all that there are; without arguments that there are none.
func Known(names ...string) Names { return Names{known: true, list: names} }

// Known says whether the names are known.
func (n Names) Known() bool { return n.known }

// List returns the names, nil where they are not known. It is not to be changed.
func (n Names) List() []string { return n.list }

func (n Names) equal(o Names) bool { return n.known == o.known && slices.Equal(n.list, o.list) }

// Request is one call as the PSA understands it, or, where On says what it is done on, a deed of a person's on psagate itself. What is left out is not known, and a policy that asks for it fails, which
// is a denial.
type Request struct {
	// Principal is who calls.
	Principal Principal
	// Action is what is done to Entity.
	Action Action
	// Entity is the PSA's name of what is called: the child's own where it is reached through a parent.
	Entity string
	// ID is the record's id; empty where the request names none. An update always has one, so there empty is not known.
	ID string
	// Parent is the record that a child is reached through.
	Parent Parent
	// API is "rest" or "soap".
	API string
	// Method is the HTTP method, in capitals.
	Method string
	// Fields are the names of the fields that a create or update writes. They count for no other action.
	Fields Names
	// Filters are the names of the fields that a query filters on. They count for no other action.
	Filters Names
	// Returns are the names of the fields that a read or query returns. A request that returns all fields returns unknown
	// ones, since an entity has fields that only its PSA knows. They count for no other action: a write returns an id.
	Returns Names
	// Time is now. Its time zone does not matter.
	Time time.Time
	// SourceIP is where the call comes from.
	SourceIP netip.Addr
	// Impersonates is true where the call is to be made in the name of another user of the PSA.
	Impersonates bool
	// Zone is the base URL of the zone that the call goes to; empty where it is not known yet.
	Zone string
	// LastFactor is when a person last showed a second factor; zero for never.
	LastFactor time.Time
	// On is what a deed is done on; the zero value for a call. Of a deed nothing counts but Principal, who is a person, Action,
	// On, Time, SourceIP and LastFactor.
	On Target
}
