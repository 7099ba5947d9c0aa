package autotask

import "strings"

// Resource is what an operation is about, by the one name that the PSA has for it at the root: a ticket's notes are TicketNotes, be
// they reached there or through their ticket. Who judges operations by their names needs it, since the PSA has two paths to most
// children.
type Resource struct {
	// Entity is the name; empty where this package knows none: of a child that it was not built with nobody can say what it is
	// called at the root.
	Entity string
	// ID is the record's number; empty where the operation has none.
	ID string
	// Parent and ParentID are the record that it is reached through; empty for none.
	Parent, ParentID string
}

// Resource returns what the operation is about.
func (o Operation) Resource() Resource {
	if o.Child == "" {
		return Resource{Entity: o.Entity, ID: o.ID}
	}
	return Resource{Entity: rootOf[o.Entity][lower(o.Child)], ID: o.ChildID, Parent: o.Entity, ParentID: o.ID}
}

// irregular are the children that are not called by their parent's name and their own at the root, nor by their own alone.
var irregular = map[string]string{"OrganizationalLevelAssociations/Resources": "OrganizationalResources"}

// rootOf are the names that children have at the root, by their parent and their own name in lower case.
var rootOf = func() map[string]map[string]string {
	all := make(map[string]map[string]string, len(childNames))
	for parent, names := range childNames {
		all[parent] = make(map[string]string)
		for child := range strings.FieldsSeq(names) {
			all[parent][lower(child)] = rootName(parent, child)
		}
	}
	return all
}()

// rootName returns a child's name at the root: TicketNotes for the Notes of Tickets, Contacts for the Contacts of Companies.
func rootName(parent, child string) string {
	for _, name := range [...]string{irregular[parent+"/"+child], singular(parent) + child, child} {
		if roots[name] == name && name != "" {
			return name
		}
	}
	return ""
}

// singular returns the name of one of an entity's records, as the PSA makes it.
func singular(entity string) string {
	if stem, ok := strings.CutSuffix(entity, "ies"); ok {
		return stem + "y"
	}
	return strings.TrimSuffix(entity, "s")
}
