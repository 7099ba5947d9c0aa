package policy

import (
	"slices"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// scope is what the head of a policy says of the principal or the resource. The zero value takes all.
type scope struct {
	typ types.EntityType // with "is"; else empty
	eq  types.EntityUID  // with "=="; else zero
	in  types.EntityUID  // with "in"; else zero
}

func scopeOf(n ast.IsScopeNode) scope {
	switch n := n.(type) {
	case ast.ScopeTypeEq:
		return scope{eq: n.Entity}
	case ast.ScopeTypeIn:
		return scope{in: n.Entity}
	case ast.ScopeTypeIs:
		return scope{typ: n.Type}
	case ast.ScopeTypeIsIn:
		return scope{typ: n.Type, in: n.Entity}
	}
	return scope{}
}

// takes says whether an entity that belongs to groups is within the scope. An entity is in itself.
func (s scope) takes(self types.EntityUID, groups []types.EntityUID) bool {
	var all types.EntityUID
	switch {
	case s.typ != "" && s.typ != self.Type, s.eq != all && s.eq != self:
		return false
	}
	return s.in == all || s.in == self || slices.Contains(groups, s.in)
}

// key returns what a policy with this scope is filed under: the entity that it names, else the type, else nothing.
func (s scope) key() types.EntityUID {
	var all types.EntityUID
	switch {
	case s.eq != all:
		return s.eq
	case s.in != all:
		return s.in
	}
	return types.EntityUID{Type: s.typ}
}

// named returns the entities and the types that the scope speaks of.
func (s scope) named() (entities []types.EntityUID, typ types.EntityType) {
	for _, e := range []types.EntityUID{s.eq, s.in} {
		if e != (types.EntityUID{}) {
			entities = append(entities, e)
		}
	}
	return entities, s.typ
}

// actionSet is a set of actions, one bit each in the order of allActions.
type actionSet uint16

const (
	callActions actionSet = 1<<5 - 1
	everyAction actionSet = 1<<16 - 1
	deedActions           = everyAction &^ callActions
)

// allActions are those of calls and then the deeds.
var allActions = append(slices.Clone(actions), deeds...)

func bitOf(a Action) actionSet {
	i := slices.Index(allActions, a)
	if i < 0 {
		return 0
	}
	return 1 << i
}

// uids returns the actions as Cedar names them.
func (s actionSet) uids() (all []types.EntityUID) {
	for i, a := range allActions {
		if s&(1<<i) != 0 {
			all = append(all, types.NewEntityUID(typeAction, types.String(a)))
		}
	}
	return all
}

// actionsOf returns the actions of a policy's head, and the entities that it names.
func actionsOf(n ast.IsActionScopeNode) (set actionSet, named []types.EntityUID) {
	switch n := n.(type) {
	case ast.ScopeTypeEq:
		named = []types.EntityUID{n.Entity}
	case ast.ScopeTypeIn:
		named = []types.EntityUID{n.Entity}
	case ast.ScopeTypeInSet:
		named = n.Entities
	default:
		return everyAction, nil
	}
	for _, e := range named {
		if e.Type == typeAction {
			set |= bitOf(Action(e.ID))
		}
	}
	return set, named
}
