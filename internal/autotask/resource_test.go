package autotask

import "testing"

func TestAChildHasTheNameThatItHasAtTheRoot(t *testing.T) {
	for path, want := range map[string]Resource{
		"/ATServicesRest/V1.0/Tickets":                                     {Entity: "Tickets"},
		"/ATServicesRest/v1.0/tickets/7":                                   {Entity: "Tickets", ID: "7"},
		"/ATServicesRest/V1.0/Tickets/query":                               {Entity: "Tickets"},
		"/ATServicesRest/V1.0/Tickets/7/Notes":                             {Entity: "TicketNotes", Parent: "Tickets", ParentID: "7"},
		"/ATServicesRest/V1.0/tickets/7/notes/9":                           {Entity: "TicketNotes", ID: "9", Parent: "Tickets", ParentID: "7"},
		"/ATServicesRest/V1.0/TicketNotes/9":                               {Entity: "TicketNotes", ID: "9"},
		"/ATServicesRest/V1.0/Companies/1/Contacts/2":                      {Entity: "Contacts", ID: "2", Parent: "Companies", ParentID: "1"},
		"/ATServicesRest/V1.0/ContactGroups/1/Contacts":                    {Entity: "ContactGroupContacts", Parent: "ContactGroups", ParentID: "1"},
		"/ATServicesRest/V1.0/TimeEntries/1/Attachments":                   {Entity: "TimeEntryAttachments", Parent: "TimeEntries", ParentID: "1"},
		"/ATServicesRest/V1.0/OrganizationalLevelAssociations/1/Resources": {Entity: "OrganizationalResources", Parent: "OrganizationalLevelAssociations", ParentID: "1"},
		"/ATServicesRest/V1.0/Opportunities/1/SalesOrders":                 {Entity: "SalesOrders", Parent: "Opportunities", ParentID: "1"},
		"/ATServicesRest/V1.0/Tickets/7/Newcomers":                         {Parent: "Tickets", ParentID: "7"},
		"/ATServicesRest/V1.0/Newcomers/7/Notes":                           {Parent: "Newcomers", ParentID: "7"},
		"/ATServicesRest/V1.0/Newcomers/7":                                 {Entity: "Newcomers", ID: "7"},
	} {
		op, err := ParseOperation("GET", path)
		if err != nil {
			t.Fatal(path, err)
		}
		if got := op.Resource(); got != want {
			t.Errorf("%s: %+v, want %+v", path, got, want)
		}
	}
}

func TestEveryChildThatIsKnownHasANameAtTheRoot(t *testing.T) {
	for parent, children := range rootOf {
		for child, root := range children {
			if root == "" {
				t.Errorf("%s/%s has none", parent, child)
			}
			if roots[parent] != parent {
				t.Errorf("the parent %s is none of the root's", parent)
			}
		}
	}
}
