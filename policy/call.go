package policy

import (
	"slices"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/cedar-policy/cedar-go/types"
)

// callKey is what calls have in common that the same policies may apply to, together with the principal's groups.
type callKey struct {
	kind         Kind
	issuer, name string
	action       Action
	entity       string
}

// call is what can be said of all calls with one key and the same groups. It is never changed once it is made.
type call struct {
	key         callKey
	groupsGiven []string

	principal  types.Entity
	action     types.EntityUID
	resource   types.Entity
	bit        actionSet
	groups     []types.EntityUID
	groupNames types.Set
	// resourceGroups are those that what a deed is done on is in.
	resourceGroups []types.EntityUID

	// closed is what the policies say that ask for nothing of the single call.
	closed verdict
	// stable are those that ask for what many calls say alike, once those that ask for what hardly two do.
	stable, once part
	// permit is the line that would permit the call.
	permit string
	// memory holds what was decided last of the stable ones; next counts what was put there.
	memory [4]atomic.Pointer[remembered]
	next   atomic.Uint32
}

// part is some policies whose heads take a call, in the order of the files, and what they need to know of it.
type part struct {
	rules []*rule
	needs need
}

func (p *part) add(r *rule) {
	p.rules = append(p.rules, r)
	p.needs |= r.needs
}

// verdict is what policies say to a call, and the decision where no second factor is wanted.
type verdict struct {
	said     tally
	decision Decision
}

// remembered is a verdict, and what it was decided by.
type remembered struct {
	in Request
	verdict
}

// callOf returns what is to be said of a request's like, nil where the request is not understood. Deeds are rare, and not
// remembered.
func (p *Policies) callOf(r *Request) *call {
	switch {
	case !r.isDeed():
	case understood(r):
		return p.newCall(r)
	default:
		return nil
	}
	k := callKey{r.Principal.Kind, r.Principal.Issuer, r.Principal.Name, r.Action, r.Entity}
	c, place := p.cache.find(&k, r.Principal.Groups)
	switch {
	case c != nil:
		return c
	case !understood(r):
		return nil
	}
	c = p.newCall(r)
	if len(r.Entity)+len(r.Principal.Name) <= maxCachedName && len(r.Principal.Groups) <= maxCachedGroups {
		place.Store(c)
	}
	return c
}

// understood says whether a policy could speak of a request.
func understood(r *Request) bool {
	p := r.Principal
	switch p.Kind {
	case Person:
		if p.Issuer == "" || strings.Contains(p.Issuer, "/") {
			return false
		}
	case Integration, Mailbox:
		if p.Issuer != "" {
			return false
		}
	default:
		return false
	}
	if p.Name == "" || !utf8.ValidString(p.Name) {
		return false
	}
	if r.isDeed() {
		return understoodDeed(r)
	}
	return r.Entity != "" && utf8.ValidString(r.Entity) && bitOf(r.Action)&callActions != 0
}

// newCall gathers the policies for a request's like, and what those of them say that need no more of it.
func (p *Policies) newCall(r *Request) *call {
	entity := strings.Clone(p.spelled(r.Entity))
	c := &call{
		key:         callKey{r.Principal.Kind, r.Principal.Issuer, r.Principal.Name, r.Action, strings.Clone(r.Entity)},
		groupsGiven: slices.Clone(r.Principal.Groups),
		action:      types.NewEntityUID(typeAction, types.String(r.Action)), bit: bitOf(r.Action),
		resource: types.Entity{UID: types.NewEntityUID(typeEntity, types.String(entity)), Attributes: nameOf(entity)},
	}
	if r.isDeed() {
		c.resource, c.resourceGroups = r.On.entity()
	}
	c.setPrincipal(r.Principal)
	var closed part
	for _, rule := range p.index.find(c) {
		switch {
		case rule.needs&^needGroups == 0: // the groups are the same for all these calls
			closed.add(rule)
		case rule.needs&needOnce == 0:
			c.stable.add(rule)
		default:
			c.once.add(rule)
		}
	}
	c.permit = c.permitLine()
	said := p.evaluate(c, &closed, Request{})
	c.closed = verdict{said, c.decide(said, &Request{})}
	return c
}

func (c *call) setPrincipal(p Principal) {
	attributes := types.RecordMap{"name": types.String(p.Name)}
	if p.Kind == Person {
		attributes["issuer"] = types.String(p.Issuer)
	}
	var names []types.Value
	for _, g := range p.Groups {
		if uid, is := groupUID(p, g); is {
			c.groups = append(c.groups, uid)
		}
		if p.Kind == Person {
			names = append(names, types.String(p.Issuer+"/"+g))
		}
	}
	c.groupNames = types.NewSet(names...)
	c.principal = types.Entity{
		UID: principalUID(p), Parents: types.NewEntityUIDSet(c.groups...), Attributes: types.NewRecord(attributes),
	}
}

// principalUID returns a principal as Cedar names it. A person's issuer is part of the name: two issuers may know an alice.
func principalUID(p Principal) types.EntityUID {
	name := p.Name
	if p.Kind == Person {
		name = p.Issuer + "/" + name
	}
	return types.NewEntityUID(types.EntityType(p.Kind), types.String(name))
}

func groupUID(p Principal, group string) (uid types.EntityUID, is bool) {
	switch p.Kind {
	case Integration:
		return types.NewEntityUID(typeIntegrationGroup, types.String(group)), true
	case Person:
		return types.NewEntityUID(typePersonGroup, types.String(p.Issuer+"/"+group)), true
	}
	return types.EntityUID{}, false
}
