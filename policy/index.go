package policy

import (
	"cmp"
	"slices"

	"github.com/cedar-policy/cedar-go/types"
)

// drawer is what a policy is filed under: the principal or group that its head names (else the type, else nothing), one of
// its actions, and the entity that it names, or of a deed what that is done on or a group of it (else the type, else nothing).
type drawer struct {
	principal types.EntityUID
	action    actionSet
	resource  types.EntityUID
}

// index finds the policies whose head takes a call without looking at those of other principals, actions and entities.
type index map[drawer][]*rule

func newIndex(rules []*rule) index {
	x := index{}
	for _, r := range rules {
		for i := range allActions {
			if bit := actionSet(1) << i; r.actions&bit != 0 {
				d := drawer{r.principal.key(), bit, r.resource.key()}
				x[d] = append(x[d], r)
			}
		}
	}
	return x
}

// find returns the policies whose head takes a call, in the order of the files.
func (x index) find(c *call) []*rule {
	self := c.principal.UID
	principals := append([]types.EntityUID{{}, {Type: self.Type}, self}, c.groups...)
	resources := append([]types.EntityUID{{}, {Type: c.resource.UID.Type}, c.resource.UID}, c.resourceGroups...)
	var found []*rule
	for _, p := range principals {
		for _, r := range resources {
			for _, rule := range x[drawer{p, c.bit, r}] {
				if rule.takes(c) {
					found = append(found, rule)
				}
			}
		}
	}
	slices.SortFunc(found, func(a, b *rule) int { return cmp.Compare(a.order, b.order) })
	return slices.Compact(found) // a group that is given twice
}
